"""What ended long ago is let go of whole; what is younger, unfinished or somebody else's stays, and every chain holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, select

from policies.decision import Decision, Verdict
from rules.types import Role, Stage
from server.cli import main
from server.upkeep import let_go, months_before
from storage import appeals, audit, conversations, invitations, log, refusals, reports, retention, tables, tenants
from storage.database import Database
from storage.retention import Gone
from storage.values import Conversation, Entry, Form, Member, StoredInvitation

OLD, NOW = 1_000_000, 32_503_680_000_000  # 1970, and the year 3000
CANARY = "canario"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(database_url)
    await opened.write(begin)
    yield opened
    await opened.close()


def talk(tx: Connection, tenant: str, id: str, at: int, verdict: Verdict = Verdict.ALLOW) -> None:
    people = [Member("ana", "Ana", Role.BUYER, "es"), Member("luis", "Luis", Role.SELLER, "es")]
    conversations.create(tx, Conversation(tenant, id, f"{CANARY} {id}", None, Stage.ENQUIRY, "default", 0, OLD), people)
    for n in range(3):
        words = f"{CANARY} {tenant} {id} {n}"
        log.append_posts(tx, [Entry(tenant, id, f"{id}-{n}", "ana", f"{n}", at, words, Form(Role.BUYER, at),
                                    Decision(verdict, "test@1"))])  # fmt: skip


def begin(tx: Connection) -> None:
    for tenant in ("t", "u"):
        tenants.ensure(tx, tenant, tenant, tenant, 1)
        talk(tx, tenant, f"{tenant}-old", OLD)
        talk(tx, tenant, f"{tenant}-young", NOW)
        talk(tx, tenant, f"{tenant}-waits", OLD, Verdict.HOLD)
    talk(tx, "t", "t-busy", OLD)
    block = Decision(Verdict.BLOCK, "test@1")
    refusals.keep(
        tx, {0: Entry("t", "t-old", "blocked", "ana", "", OLD, f"{CANARY} t-old", Form(Role.BUYER, OLD), block)}
    )
    reports.add(tx, "t", "t-old", "t-old-1", "luis", "scam", f"{CANARY} t-old", OLD)
    appeals.lodge(tx, "t", "blocked", "ana", f"{CANARY} t-old", "policy", OLD, OLD)
    asked = StoredInvitation(
        "i", "t-old", "requested", "ana", "order", f"{CANARY} t-old", OLD, consents={"ana": ["messages"]}
    )
    invitations.create(tx, "t", asked)
    invitations.close(tx, "t", "i", "ana", OLD)
    invitations.create(tx, "t", StoredInvitation("j", "t-busy", "requested", "ana", "order", "", OLD))


def everything(tx: Connection, where: str) -> dict[str, list[str]]:
    """The rows in which a conversation is named, or something of it, by table."""
    return {
        table.name: found
        for table in tables.metadata.sorted_tables
        if (found := [str(tuple(row)) for row in tx.execute(select(table)) if where in str(tuple(row))])
    }


def there(tx: Connection) -> set[str]:
    return {row.id for row in tx.execute(select(tables.conversations.c.id))}


async def test_old_conversations_go_with_all_that_was_about_them_and_the_others_are_untouched(
    database: Database, database_url: str
) -> None:
    kept = {"t-young", "t-waits", "t-busy", "u-young", "u-waits"}
    before = {id: await database.read(lambda tx, id=id: everything(tx, id)) for id in kept}  # type: ignore[misc]
    assert set(await database.read(lambda tx: everything(tx, "t-old"))) >= {
        "events", "texts", "messages", "members", "refusals", "reports", "appeals", "invitations", "conversations",
    }  # fmt: skip
    told = let_go(database_url, 12, dry=True)
    assert told == {"t": Gone(1, 7), "u": Gone(1, 5)}
    assert await database.read(there) == kept | {"t-old", "u-old"}

    assert let_go(database_url, 12, dry=False) == told
    assert await database.read(there) == kept
    for id in ("t-old", "u-old"):
        assert await database.read(lambda tx, id=id: everything(tx, id)) == {}  # type: ignore[misc]
    for table in ("consents", "appeals"):
        assert await database.read(lambda tx, name=table: tx.execute(select(tables.metadata.tables[name])).all()) == []  # type: ignore[misc]
    for id, rows in before.items():
        assert await database.read(lambda tx, id=id: everything(tx, id)) == rows  # type: ignore[misc]
        assert await database.read(lambda tx, id=id: log.broken_link(tx, id[0], id)) == 0  # type: ignore[misc]
    assert let_go(database_url, 12, dry=False) == {}


async def test_the_audit_log_tells_of_it(database: Database, database_url: str) -> None:
    let_go(database_url, 12, dry=False)
    (entry,) = await database.read(lambda tx: audit.entries(tx, "t", audit.AuditFilter(act="retention")))
    assert (entry.actor, entry.detail["conversations"], entry.detail["events"], entry.detail["keep_months"]) == (
        "operator", 1, 7, 12,
    )  # fmt: skip
    assert await database.read(lambda tx: audit.broken_link(tx, "t")) == 0


async def test_one_that_comes_to_life_meanwhile_stays(database: Database) -> None:
    before = months_before(NOW, 1)
    last, old = await database.write(lambda tx: retention.some(tx, ("", ""), before))
    assert last == ("u", "u-young")
    assert set(old) == {("t", "t-old"), ("u", "u-old")}
    form = Form(Role.BUYER, NOW)
    await database.append(
        Entry("t", "t-old", "new", "ana", "new", NOW, "¡hola!", form, Decision(Verdict.ALLOW, "test@1"))
    )
    assert await database.write(lambda tx: retention.let_go(tx, old, before)) == [(("u", "u-old"), 5)]
    assert "t-old" in await database.read(there)


async def test_who_writes_in_one_that_is_just_being_let_go_of_is_told_that_it_is_gone(
    database: Database, database_url: str
) -> None:
    one = Entry(
        "t", "t-old", "new", "ana", "new", NOW, "¡hola!", Form(Role.BUYER, NOW), Decision(Verdict.ALLOW, "test@1")
    )
    _, answer = await asyncio.gather(asyncio.to_thread(let_go, database_url, 12, dry=False), database.append(one))
    if answer.missing:
        assert "t-old" not in await database.read(there)
    else:
        assert await database.read(lambda tx: log.broken_link(tx, "t", "t-old")) == 0


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        ("2026-12-01", 12, "2025-12-01"), ("2026-03-31", 1, "2026-02-28"), ("2024-03-31", 1, "2024-02-29"),
        ("2026-01-15", 1, "2025-12-15"), ("2026-01-15", 25, "2023-12-15"),
    ],
)  # fmt: skip
def test_months_are_those_of_the_calendar(day: str, months: int, then: str) -> None:
    def at(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)

    assert months_before(at(day), months) == at(then)


async def test_on_the_command_line(database: Database, database_url: str) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(main, ["retention", "--database", database_url, *words])

    assert run().exit_code == 2, "how long it is kept must be said"
    told = run("--keep-months", "24", "--dry-run")
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines()[-1] == "2 conversations would be gone."
    assert run("--keep-months", "24").stdout.splitlines()[-1] == "2 conversations are gone."
    assert len(await database.read(there)) == 5
