"""What was said is read back in the circumstances of its time, and two policies compared on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import delete

from moderation.backtest import Task, compare, needs_words, run
from moderation.engine import Engine
from moderation.traffic import Said, Traffic
from policies.comparison import SAMPLES, Change, Tally, change
from policies.decision import Decision, Evidence, Mask, Verdict
from policies.load import load, parse
from policies.policy import Policy
from rules import catalogue
from rules.text import Folded
from rules.types import Category, Finding, Role, Setting, Stage
from storage import conversations, log
from storage import tables as t
from storage.database import Database
from storage.values import Conversation, Entry, Form, Member

LIVE = load("marketplace")
ANA = Member("ana", "Ana", Role.BUYER, "es", account_created_at=1)
LUIS = Member("luis", "Luis", Role.SELLER, "es")
DAY = 86_400_000


def changed(more: str) -> Policy:
    return parse(f'name = "draft"\nextends = "marketplace"\n{more}'.encode(), "draft.toml")


def decision(verdict: Verdict, *findings: Finding, setting: Setting | None = None) -> Decision:
    evidence = Evidence({}, "es", setting) if setting else None
    return Decision(verdict, LIVE.id, findings=findings, evidence=evidence)


PROFANITY = Finding(Category.PROFANITY, 0.95, 0, 5, "profanity:es/joder")
CONTACT = Finding(Category.CONTACT, 0.95, 11, 22, "contact:phone/ES")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A conversation that was ordered in the middle, with a curse before and a number refused; and one of rides."""
    database = Database.open(database_url)
    for id, kind in (("c", "default"), ("r", "rides")):
        conversation = Conversation("t", id, "Title", "groceries", Stage.ENQUIRY, kind, 0, DAY)
        await database.write(lambda tx, it=conversation: conversations.create(tx, it, [ANA, LUIS]))  # type: ignore[misc]
    await post(database, "m1", "ana", "hola", decision(Verdict.ALLOW))
    await post(database, "m2", "luis", "joder", decision(Verdict.MASK, PROFANITY))
    await database.write(
        lambda tx: conversations.move(tx, "t", "c", "Title", "groceries", Stage.ORDERED, "platform", 3 * DAY)
    )
    await post(database, "m3", "luis", "vale", decision(Verdict.ALLOW), at=4 * DAY)
    await post(database, "m4", "ana", "joder", decision(Verdict.MASK, PROFANITY), conversation="r")

    def edit(tx: Any) -> None:
        message = log.message(tx, "t", "c", "m3")
        log.change(
            tx, "t", message, "edited", "luis", 5 * DAY, message.form, "joder, vale", decision(Verdict.MASK, PROFANITY)
        )

    await database.write(edit)
    before = Setting(author="ana", sender=Role.BUYER, stage=Stage.ENQUIRY, language="es")
    blocked = decision(Verdict.BLOCK, CONTACT, setting=before)
    words = "llámame al 612 345 678"
    await database.append(
        Entry("t", "c", "m5", "ana", "m5", 6 * DAY, words, Form(Role.BUYER, 6 * DAY), blocked, refused=True)
    )
    yield database
    await database.close()


async def post(
    database: Database, id: str, author: str, text: str, decision: Decision, at: int = 2 * DAY, conversation: str = "c"
) -> None:
    role = Role.BUYER if author == "ana" else Role.SELLER
    await database.append(Entry("t", conversation, id, author, id, at, text, Form(role, at), decision))


async def read(database: Database, traffic: Traffic) -> list[Said]:
    return await database.read(lambda tx: list(traffic.read(tx)))


async def test_everything_that_was_said_is_read_once_new_words_and_refusals_too(database: Database) -> None:
    said = await read(database, Traffic("t"))
    assert [(one.message, one.text) for one in said] == [
        ("m1", "hola"), ("m2", "joder"), ("m3", "vale"), ("m3", "joder, vale"), ("m4", "joder"),
        ("m5", "llámame al 612 345 678"),
    ]  # fmt: skip
    assert await database.read(Traffic("t").count) == len(said)
    assert await read(database, Traffic("other")) == []


async def test_the_circumstances_are_those_of_its_time(database: Database) -> None:
    said = {(one.message, one.revision): one for one in await read(database, Traffic("t"))}
    late = next(one for (message, _), one in said.items() if message == "m3" and one.text == "vale")
    assert (late.setting.sender, late.setting.stage) == (Role.SELLER, Stage.ORDERED)
    assert late.setting.audience == {Role.BUYER}
    assert [one.text for one in late.setting.recent] == ["hola", "joder"]
    assert late.setting.account_age_days is None
    first = next(one for one in said.values() if one.message == "m1")
    assert first.setting.account_age_days == 1
    assert said["m5", 0].setting.stage is Stage.ENQUIRY, "as the decision noted, not as it is by now"


@pytest.mark.parametrize(
    ("traffic", "messages"),
    [
        (Traffic("t", kind="rides"), ["m4"]),
        (Traffic("t", but=("rides",)), ["m1", "m2", "m3", "m3", "m5"]),
        (Traffic("t", since=5 * DAY), ["m3", "m5"]),
    ],
)
async def test_only_what_is_asked_for_is_read(database: Database, traffic: Traffic, messages: list[str]) -> None:
    assert [one.message for one in await read(database, traffic)] == messages
    assert await database.read(traffic.count) == len(messages)


async def test_stored_findings_and_words_judged_anew_tell_the_same(database: Database) -> None:
    draft = changed(
        '[[clause]]\nid = "profanity"\nverdict = "block"\n[[clause]]\nid = "contact_before_order"\nverdict = "hold"\n'
    )
    said = await read(database, Traffic("t"))
    told = []
    for engine in (None, Engine(catalogue.RULES)):
        tally = Tally()
        assert all(compare(said, LIVE, draft, engine, tally))
        told.append((tally.changes, tally.clauses, tally.review, tally.messages, tally.roles))
    assert told[0] == told[1]
    assert told[0][0] == {"stricter": 3, "milder": 1}


class Loud:
    """A classifier to which every shorter message is louder."""

    name = "conduct"

    def __init__(self) -> None:
        self.thresholds: Mapping[str, float] = {"toxicity": 0.9}

    def scores(self, text: Folded) -> dict[str, float]:
        return {"toxicity": 1.0 if len(text.original) < 5 else 0.1}


async def test_where_clauses_about_scores_differ_they_are_measured_and_the_rest_is_as_stored(
    database: Database,
) -> None:
    draft = changed('[[clause]]\nid = "loud"\nscores = { toxicity = 0.95 }\nverdict = "hold"\n')
    said = await read(database, Traffic("t"))
    told = []
    for rules, anew in (((), False), (catalogue.RULES, True)):
        tally = Tally()
        assert all(compare(said, LIVE, draft, Engine(rules, [Loud()]), tally, anew=anew))
        told.append((tally.changes, tally.clauses, tally.before, tally.after))
    assert told[0] == told[1]
    assert told[0][0] == {"stricter": 2}, "hola and vale, which a clause flags already"


async def test_keywords_of_a_draft_are_looked_for_in_what_was_said(database: Database) -> None:
    draft = changed('[[clause]]\nid = "ours"\ncategory = "spam"\nkeywords = ["hola"]\nverdict = "block"\n')
    assert not needs_words(LIVE, draft)
    tally = Tally()
    assert all(compare(await read(database, Traffic("t")), LIVE, draft, None, tally))
    (sample,) = tally.samples[Change.CAUGHT]
    assert (sample.message, sample.after_clauses) == ("m1", ("ours",))


async def test_words_that_were_erased_are_left_out(database: Database) -> None:
    await database.write(lambda tx: tx.execute(delete(t.texts).where(t.texts.c.message == "m2")))
    said = await read(database, Traffic("t"))
    tally = Tally()
    counted = list(compare(said, LIVE, LIVE, Engine(catalogue.RULES), tally))
    assert (counted.count(False), tally.messages) == (1, 5)


async def test_a_task_is_carried_out_beside_a_running_server(database: Database, database_url: str) -> None:
    draft = changed('off = ["profanity"]\n')
    *_, last = run(Task(database_url, Traffic("t"), LIVE.sources, draft.sources))
    assert (last.finished, last.done, last.unread) == (True, 6, 0)
    assert last.tally.changes == {"released": 3}
    assert last.tally.samples["released"][0].message == "m2"
    assert last.tally.days == 4


def test_words_are_needed_where_clauses_about_scores_differ() -> None:
    assert not needs_words(LIVE, changed('off = ["profanity"]\n'))
    assert needs_words(LIVE, changed('[[clause]]\nid = "threat_likely"\nscores = { threat = 0.5 }\n'))


CHANGES = [
    (Verdict.ALLOW, Verdict.FLAG, Change.CAUGHT),
    (Verdict.BLOCK, Verdict.ALLOW, Change.RELEASED),
    (Verdict.MASK, Verdict.HOLD, Change.STRICTER),
    (Verdict.HOLD, Verdict.NUDGE, Change.MILDER),
    (Verdict.HOLD, Verdict.HOLD, None),
]


@pytest.mark.parametrize(("before", "after", "kind"), CHANGES)
def test_what_becomes_of_a_message_is_called_by_its_name(before: Verdict, after: Verdict, kind: Change | None) -> None:
    assert change(Decision(before, "p"), Decision(after, "q")) is kind


def test_a_mask_that_covers_more_is_stricter() -> None:
    narrow, wide = (Decision(Verdict.MASK, "p", masks=(Mask(0, end),)) for end in (3, 6))
    assert change(narrow, wide) is Change.STRICTER
    assert change(wide, narrow) is Change.MILDER


def test_tallies_of_several_nodes_add_up() -> None:
    allow, block = Decision(Verdict.ALLOW, "p"), Decision(Verdict.BLOCK, "q", clauses=("c",))
    whole, parts = Tally(), [Tally(), Tally()]
    for n in range(100):
        for tally in (whole, parts[n % 2]):
            tally.add(allow, block if n % 3 == 0 else allow, message=f"m{n}", at=n + 1, role="buyer", language="es")
    together = Tally()
    for part in parts:
        together.merge(part)
    for name in (
        "messages",
        "changes",
        "clauses",
        "languages",
        "roles",
        "before",
        "after",
        "review",
        "first_at",
        "last_at",
    ):
        assert getattr(together, name) == getattr(whole, name), name
    assert len(together.samples["caught"]) == 34


def test_samples_are_few_and_from_everywhere() -> None:
    tally = Tally()
    for n in range(2_000):
        tally.add(Decision(Verdict.ALLOW, "p"), Decision(Verdict.BLOCK, "q"), message=str(n), at=n)
    kept = [int(sample.message) for sample in tally.samples["caught"]]
    assert SAMPLES / 2 <= len(kept) <= SAMPLES
    assert max(kept) > 1_900, "up to the last ones"
    assert len({later - earlier for earlier, later in pairwise(kept)}) == 1, "spread evenly"
