"""Projections made again from the log: equal to the live tables after any history, and mended after any damage."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pytest
from sqlalchemy import Connection, delete, insert, select, update

from policies.decision import Decision, Mask, Verdict
from rules.types import Role, Stage
from storage import conversations, invitations, log, rebuild
from storage import tables as t
from storage.database import beside, migrate
from storage.errors import NotFound, Stale
from storage.rebuild import Outcome
from storage.values import Conversation, Entry, Form, Member, StoredInvitation

T = TypeVar("T")
PEOPLE = ("ana", "luis", "mia", "noa")
PLACES = ("c", "d", "e")
PROJECTIONS = (t.conversations, t.messages, t.members, t.invitations, t.consents)


class Patient:
    """A database that is waited for, however busy the machine is: a server would tell its callers after two seconds."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def write(self, act: Callable[[Connection], T]) -> T:
        with beside(self.url, patient=True) as tx:
            return act(tx)

    read = write


@pytest.fixture
def database(database_url: str) -> Patient:
    migrate(database_url)
    return Patient(database_url)


class History:
    """Acts at random, each as a verb of the chat would carry it out."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.at = 1_000
        self.ids = 0

    def begin(self, tx: Connection) -> None:
        for place in PLACES:
            about = Conversation("t", place, "Title", None, Stage.ENQUIRY, "default", 0, 1)
            people = [Member(id, id.title(), Role.BUYER, "es", account_created_at=n) for n, id in enumerate(PEOPLE[:3])]
            conversations.create(tx, about, people)

    def some_acts(self, tx: Connection) -> None:
        for _ in range(5):
            self.act(tx)

    def act(self, tx: Connection) -> None:
        self.at += 1
        self.ids += 1
        place, person = self.chance.choice(PLACES), self.chance.choice(PEOPLE)
        acts: list[Callable[[Connection, str, str], object]] = [
            self.post, self.post, self.post, self.change, self.change, self.note, self.join, self.leave, self.move,
            self.invite, self.consent, self.close, self.read,
        ]  # fmt: skip
        with contextlib.suppress(NotFound, Stale):
            self.chance.choice(acts)(tx, place, person)

    def form(self) -> Form:
        return Form(
            Role.BUYER, self.at, state=self.chance.choice(("visible", "held", "removed")),
            masks=(Mask(0, 2, (Role.SELLER,)),) * self.chance.randrange(2), heat=self.chance.random(),
            reactions={"👍": ["luis"]} if self.chance.randrange(2) else {}, language="es",
        )  # fmt: skip

    def post(self, tx: Connection, place: str, person: str) -> None:
        client_id = f"{self.chance.randrange(40)}"  # some come twice
        verdict = self.chance.choice((Verdict.ALLOW, Verdict.FLAG))
        one = Entry("t", place, f"m{self.ids}", person, client_id, self.at, f"texto {client_id}", self.form(),
                    Decision(verdict, "test@1"))  # fmt: skip
        log.append_posts(tx, [one])

    def some(self, tx: Connection, place: str) -> Any:
        rows = tx.execute(select(t.messages.c.id).where(t.messages.c.conversation == place).order_by(t.messages.c.seq))
        return log.message(tx, "t", place, self.chance.choice([row.id for row in rows] or ["nothing"]))

    def change(self, tx: Connection, place: str, person: str) -> None:
        kind = self.chance.choice(("edited", "reacted", "removed", "held"))
        text = "otras palabras" if kind == "edited" else None
        log.change(
            tx, "t", self.some(tx, place), kind, person, self.at, self.form(), text, Decision(Verdict.ALLOW, "x@1")
        )

    def note(self, tx: Connection, place: str, _: str) -> None:
        log.note(tx, "t", self.some(tx, place), "flagged", self.at, Decision(Verdict.FLAG, "x@1"))

    def join(self, tx: Connection, place: str, person: str) -> None:
        role = self.chance.choice(list(Role))
        conversations.join(tx, "t", place, Member(person, f"Name {self.ids}", role, "pt"), self.at)

    def leave(self, tx: Connection, place: str, person: str) -> None:
        conversations.leave(tx, "t", place, person, self.chance.choice(("", "platform")), self.at)

    def move(self, tx: Connection, place: str, _: str) -> None:
        conversations.move(
            tx, "t", place, f"Title {self.ids}", "flat", self.chance.choice(list(Stage)), "platform", self.at
        )

    def invite(self, tx: Connection, place: str, person: str) -> None:
        scopes = {person: ["messages"]} if self.chance.randrange(2) else {}
        invitations.create(
            tx,
            "t",
            StoredInvitation(f"i{self.ids}", place, "requested", person, "order", "una nota", self.at, consents=scopes),
        )

    def open_one(self, tx: Connection, place: str) -> StoredInvitation:
        found = invitations.latest(tx, "t", place)
        if found is None:
            raise NotFound("invitation")
        return found

    def consent(self, tx: Connection, place: str, person: str) -> None:
        scopes = self.chance.choice(([], ["messages"], ["messages", "history"]))
        invitations.consent(tx, "t", self.open_one(tx, place).id, person, scopes, self.at)

    def close(self, tx: Connection, place: str, person: str) -> None:
        id = self.open_one(tx, place).id
        if self.chance.randrange(2):
            invitations.accept(tx, "t", id, "eva", "Eva", log.next_seq(tx, "t", place), self.at)
        else:
            invitations.close(tx, "t", id, person, self.at)

    def read(self, tx: Connection, place: str, person: str) -> None:
        conversations.mark_read(tx, [("t", place, person, self.chance.randrange(9))])


def made_again(tx: Connection, *, mend: bool) -> Outcome:
    outcome = Outcome()
    last: rebuild.Place | None = ("", "")
    while last is not None:
        last, differing = rebuild.some(tx, last, outcome)
        for place in differing if mend else ():
            rebuild.mend(tx, place)
    return outcome


def everything(tx: Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table.name: sorted(tuple(row) for row in tx.execute(select(table).where(table.c.tenant == "t")))
        for table in PROJECTIONS
    }


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(n, marks=pytest.mark.tier2) for n in range(4, 60))])
async def test_what_is_made_from_the_log_equals_the_live_tables_and_mends_what_was_damaged(
    database: Patient, seed: int
) -> None:
    history = History(seed)
    await database.write(history.begin)
    for _ in range(30):
        await database.write(history.some_acts)
    live = await database.read(everything)
    outcome = await database.read(lambda tx: made_again(tx, mend=False))
    assert {name: one.differ for name, one in outcome.tables.items()} == dict.fromkeys(
        [table.name for table in PROJECTIONS], 0
    )
    assert sum(one.rows for one in outcome.tables.values()) == sum(len(rows) for rows in live.values())

    def damage(tx: Connection) -> None:
        m, p, i, a = t.messages.c, t.members.c, t.invitations.c, t.consents.c
        tx.execute(update(t.messages).where(m.conversation == "c").values(form="{}", version=1, revision=0))
        tx.execute(delete(t.messages).where(m.conversation == "d"))
        tx.execute(insert(t.messages).values(tenant="t", id="stray", conversation="e", seq=2, author="ana",
                                             client_id="stray", revision=2, version=2, form="{}"))  # fmt: skip
        tx.execute(update(t.members).where(p.conversation == "d").values(name="?", left_seq=77))
        tx.execute(update(t.invitations).where(i.conversation == "c").values(state="?", agent="?"))
        tx.execute(update(t.consents).where(a.participant == "ana").values(scopes="[]", at=0))

    await database.write(damage)
    assert (await database.read(lambda tx: made_again(tx, mend=False))).differ > 0
    assert (await database.write(lambda tx: made_again(tx, mend=True))).differ > 0
    assert await database.read(everything) == live


async def test_from_a_log_that_was_tampered_with_nothing_is_made(database: Patient) -> None:
    history = History(1)
    await database.write(history.begin)
    await database.write(lambda tx: history.post(tx, "c", "ana"))
    here = (t.events.c.conversation == "c") & (t.events.c.seq == 2)
    await database.write(lambda tx: tx.execute(update(t.events).where(here).values(actor="mia")))
    live = await database.read(everything)
    outcome = await database.write(lambda tx: made_again(tx, mend=True))
    assert outcome.broken == [("t", "c", 2)]
    assert await database.read(everything) == live


async def test_what_policy_is_in_force_follows_from_what_was_published(database: Patient) -> None:
    def publish(tx: Connection) -> None:
        for seq, (kind, policy) in enumerate((("a", "x@1"), ("a", "x@2"), ("b", "y@1"), ("b", "")), 1):
            tx.execute(insert(t.policy_publications).values(tenant="t", seq=seq, kind=kind, policy=policy, act="publish",
                                                            by="ana", note="", at=seq))  # fmt: skip
        tx.execute(insert(t.policies_in_force).values(tenant="t", kind="b", policy="y@1", seq=3))

    await database.write(publish)
    outcome = Outcome()
    await database.write(lambda tx: rebuild.policies(tx, outcome, mend=True))
    found = await database.read(lambda tx: tx.execute(select(t.policies_in_force)).all())
    assert [tuple(row) for row in found] == [("t", "a", "x@2", 2)]
    counted = msgspec.structs.astuple(outcome.tables["policies_in_force"])
    assert counted == (1, 0, 1, 1)
