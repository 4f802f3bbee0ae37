"""What the staff does, where clocks and databases do not play along."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from moderation.policy_book import PolicyBook
from moderation.review.acting import Release, Remove
from policies.decision import Decision, Verdict
from realtime.acting import Deed, carry_out
from rules.types import Role, Stage
from storage import acts, conversations
from storage.database import Database
from storage.errors import Stale
from storage.staff import Staff, StaffRole
from storage.values import Conversation, Entry, Form, Member

EVA, LEA = (
    Staff("t", "staff:eva", "Eva", StaffRole.REVIEWER, "es"),
    Staff("t", "staff:lea", "Lea", StaffRole.LEAD, "es"),
)


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database.open(sqlite_url)
    members = [Member("ana", "Ana", Role.BUYER, "es"), Member("luis", "Luis", Role.SELLER, "es")]
    conversation = Conversation("t", "c", "Title", None, Stage.ENQUIRY, "default", 0, 1)
    await database.write(lambda tx: conversations.create(tx, conversation, members))
    form, allowed = Form(Role.BUYER, 1), Decision(Verdict.ALLOW, "p@1")
    await database.append(Entry("t", "c", "m", "ana", "1", 1, "texto", form, allowed))
    yield database
    await database.close()


async def test_what_was_decided_last_is_last_though_its_clock_is_behind(database: Database) -> None:
    policy = PolicyBook().default
    first, second = Deed("1", [Remove()], "no"), Deed("2", [Release()], "yes")
    await database.write(lambda tx: carry_out(tx, EVA, "c", "m", first, policy, "z", 2_000))
    await database.write(lambda tx: carry_out(tx, LEA, "c", "m", second, policy, "a", 1_500))
    last = await database.read(lambda tx: acts.last_decision(tx, "t", "m"))
    assert last is not None
    assert (last.id, last.outcome, last.at) == ("a", "release", 2_001)


async def test_a_request_used_at_the_same_moment_for_something_else_is_a_conflict(database: Database) -> None:
    policy = PolicyBook().default
    done = await database.write(
        lambda tx: carry_out(tx, EVA, "c", "m", Deed("1", [Remove()], "no"), policy, "act", 2_000)
    )  # fmt: skip
    other = msgspec.structs.replace(done.acted, id="another", message="m2", conversation="d")
    with pytest.raises(Stale, match="request"):
        await database.write(lambda tx: acts.add(tx, "t", other))
