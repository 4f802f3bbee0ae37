"""What is held in memory of a conversation answers just what the log would answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from policies.decision import Decision, Verdict
from realtime.tail import EVENT_BYTES, Tail, Tails
from rules.types import Role, Stage
from storage import conversations, log
from storage.database import Database
from storage.values import Conversation, Entry, Form, LogItem, Member, Message


@pytest.fixture(scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    opened = Database.open(f"sqlite:///{tmp_path_factory.mktemp('tail') / 'tertulia.db'}")
    yield opened
    await opened.close()


STEPS = st.lists(st.tuples(st.sampled_from(["post", "edit", "retract", "hold", "setting", "note"]), st.integers(0, 5)),
                 min_size=1, max_size=14)  # fmt: skip
numbers = iter(range(1_000_000))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.integers(0, 8))
async def test_the_tail_is_the_end_of_the_log(database: Database, steps: list[tuple[str, int]], begins: int) -> None:
    id = f"c{next(numbers)}"
    about = Conversation("t", id, "Title", None, Stage.ENQUIRY, "default", 0, 1)
    await database.write(lambda tx: conversations.create(tx, about, [Member("ana", "Ana", Role.BUYER, "es")]))
    tail, messages = Tail(), list[str]()
    decision = Decision(Verdict.ALLOW, "test@1")

    def change(tx: Connection, kind: str, which: int) -> LogItem:
        latest = log.message(tx, "t", id, messages[which % len(messages)])
        match kind:
            case "edit":
                return log.change(tx, "t", latest, "edited", "ana", 7, latest.form, f"otro {which}", decision)
            case "retract":
                return log.change(tx, "t", latest, "retracted", "ana", 7, Form(Role.BUYER, 5, state="removed"))
            case "hold":
                return log.change(tx, "t", latest, "held", "", 7, Form(Role.BUYER, 5, state="held"))
        return log.note(tx, "t", latest, "flagged", 7, decision)

    for n, (kind, which) in enumerate(steps):
        if kind == "post":
            entry = Entry("t", id, f"{id}-{n}", "ana", f"{n}", 5, f"hola {n}", Form(Role.BUYER, 5), decision)
            done = await database.append(entry)
            messages.append(done.id)
            message = Message(done.id, id, done.seq, "ana", entry.text, done.seq, done.seq, entry.form)
            item = LogItem(done.seq, "posted", "ana", 5, message, {})
        elif kind == "setting" or not messages:
            body = {"title": "x", "stage": "enquiry", "listing": None}
            seq = await database.write(lambda tx, body=body: log.append(tx, "t", id, "setting", "platform", 7, body))  # type: ignore[misc]
            item = LogItem(seq, "setting", "platform", 7, None, body)
        else:
            item = await database.write(lambda tx, kind=kind, which=which: change(tx, kind, which))  # type: ignore[misc]
        if item.seq > begins:
            tail.add(item)

    stored = await database.read(lambda tx: log.since(tx, "t", id, 0, 100))
    first = max(begins, 1)
    for after in range(stored[-1].seq):
        answer = tail.since(after)
        if after < first:
            assert answer is None or after + 1 == answer[0].seq
        else:
            assert answer == stored[after:]
    assert tail.since(stored[-1].seq) is None
    assert tail.since(stored[-1].seq + 1) is None


def test_all_tails_together_keep_within_their_measure_and_the_oldest_event_goes_first() -> None:
    tails, one, two = Tails(most=10 * EVENT_BYTES), Tail(), Tail()
    for seq in range(1, 7):
        tails.add(one, LogItem(seq, "setting", "", 1, None, {}))
        tails.add(two, LogItem(seq, "setting", "", 1, None, {}))
    assert [item.seq for item in one.since(1) or []] == [2, 3, 4, 5, 6]
    assert one.since(0) is None
    message = Message("m", "c", 7, "ana", "a" * 8 * EVENT_BYTES, 7, 7, Form(Role.BUYER, 5))
    tails.add(one, LogItem(7, "posted", "ana", 1, message, {}))
    assert [item.seq for item in one.since(6) or []] == [7]
    assert one.since(5) is None
    assert [item.seq for item in two.since(5) or []] == [6]
