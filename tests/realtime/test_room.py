"""What a room knows of how its people speak: live, and after it was loaded again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence

import pytest

from moderation.heat import HALF_LIFE_MS
from moderation.policy_book import PolicyBook
from policies.decision import Decision, Verdict
from policies.load import load
from realtime.broker import MemoryBroker
from realtime.hub import Hub
from realtime.room import Room
from rules.types import Role, Stage, Utterance
from storage import conversations
from storage.database import Database
from storage.values import Conversation, Entry, Form, LogItem, Member, Message

POLICY = load("marketplace")
ANA, LUIS = Member("ana", "Ana", Role.BUYER, "en"), Member("luis", "Luis", Role.SELLER, "en")
CONVERSATION = Conversation("t", "c", "Title", None, Stage.ENQUIRY, "default", 0, 1, members=(ANA, LUIS))

Said = tuple[str, str, Form]


def form(state: str = "visible", heat: float = 0.0, language: str = "", ago: int = 0, feeling: float = 0.0) -> Form:
    at = time.time_ns() // 1_000_000 - ago
    return Form(Role.BUYER, at, state=state, heat=heat, feeling=feeling, language=language)


def told(*said: Said) -> Room:
    room = Room(CONVERSATION, PolicyBook.holding(POLICY), "e")
    for seq, (author, text, shape) in enumerate(said, 1):
        message = Message(f"m{seq}", "c", seq, author, text, seq, seq, shape)
        room.fold(LogItem(seq, "posted", author, shape.at, message, {}))
    return room


def test_a_calm_room_is_cold() -> None:
    room = told(("ana", "hola", form()), ("luis", "buenas", form()))
    assert (room.heat, room.heat_of("ana"), room.heat_of("stranger")) == (0, 0, 0)


def test_heated_words_heat_the_room_and_the_one_who_says_them() -> None:
    room = told(("ana", "idiota", form(heat=0.8)), ("luis", "perdón", form()), ("ana", "imbécil", form(heat=0.8)))
    assert room.heat > 0.5
    assert room.heat_of("ana") > room.heat
    assert room.heat_of("luis") == 0
    assert room.setting(LUIS).heat == pytest.approx(room.heat, abs=0.01)


def test_heat_is_gone_after_half_a_day() -> None:
    assert told(("ana", "idiota", form(heat=0.8, ago=24 * HALF_LIFE_MS))).heat < 0.001


def test_words_that_the_others_do_not_see_heat_their_author_alone() -> None:
    room = told(("ana", "te voy a matar", form("held", heat=1.0)))
    assert room.heat == 0
    assert room.heat_of("ana") > 0.4
    assert room.setting(LUIS).recent == ()


@pytest.mark.parametrize(
    ("spoken", "language"),
    [
        ([], "en"),
        ([("luis", "es")], "en"),
        ([("luis", "es"), ("luis", "es")], "es"),
        ([("luis", "es"), ("luis", "es"), ("ana", "pt"), ("ana", "pt")], "pt"),
    ],
    ids=["as they say of themselves", "one message is no habit", "as the others here", "as they do by habit"],
)
def test_the_language_of_a_person_is_what_they_write(spoken: Sequence[tuple[str, str]], language: str) -> None:
    room = told(*((author, "…", form(language=language)) for author, language in spoken))
    assert room.setting(ANA).language == language


def test_who_has_left_leaves_no_heat_of_their_own() -> None:
    room = told(("ana", "idiota", form(heat=0.8)))
    room.fold(LogItem(2, "left", "ana", 0, None, {"by": ""}))
    assert room.heat_of("ana") == 0


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database.open(sqlite_url)
    await database.write(lambda tx: conversations.create(tx, CONVERSATION, [ANA, LUIS]))
    yield database
    await database.close()


async def test_a_room_that_is_loaded_again_is_as_heated_as_it_was(database: Database) -> None:
    said: list[Said] = [
        ("ana", "idiota", form(heat=0.8, language="es", feeling=-0.7)),
        ("luis", "perdón", form(language="es")),
        ("ana", "te mato", form("held", heat=1.0)),
        ("ana", "imbécil", form(heat=0.6, language="es", feeling=-0.9)),
    ]
    for number, (author, text, shape) in enumerate(said):
        decision = Decision(Verdict.HOLD if shape.state == "held" else Verdict.ALLOW, POLICY.id)
        await database.append(
            Entry("t", "c", f"m{number}", author, f"k{number}", shape.at, text, shape, decision)
        )  # fmt: skip
    hub = Hub(database, MemoryBroker(), PolicyBook.holding(POLICY), posts_per_second=5, posts_burst=10)
    await hub.start()
    loaded, live = await hub.room("t", "c"), told(*said)
    assert (loaded.mood, loaded.moods) == (live.mood, live.moods)
    assert loaded.recent == live.recent == (
        Utterance("ana", "idiota"), Utterance("luis", "perdón"), Utterance("ana", "imbécil"),
    )  # fmt: skip
    await hub.close()
