"""A person's words and salts are gone from every table and from the file; the chains hold, and the act is on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from policies.decision import Decision, Verdict
from rules.types import Role, Stage
from server.upkeep import WITH_WORDS, erased
from storage import appeals, audit, conversations, invitations, log, refusals, reports, tables, tenants
from storage.database import Database, beside
from storage.erasure import Erased
from storage.errors import NotFound
from storage.values import Conversation, Entry, Form, Member, StoredInvitation

ALLOWED = Decision(Verdict.ALLOW, "test@1")
CANARY = "canario"


def begin(tx: Connection) -> list[str]:
    """Ana says something in every way there is, and Luis too; the salts of what she said."""
    tenants.ensure(tx, "t", "T", "key", 1)
    people = [Member("ana", "Ana", Role.BUYER, "es"), Member("luis", "Luis", Role.SELLER, "es")]
    for place in ("c", "d"):
        conversations.create(tx, Conversation("t", place, "Title", None, Stage.ENQUIRY, "default", 0, 1), people)
        for n in range(40):
            form = Form(Role.BUYER, 5, state="held" if n == 7 else "visible")
            words = f"{CANARY}-{place}-{n} " + "palabra " * (n * 5)
            log.append_posts(tx, [Entry("t", place, f"{place}{n}", "ana", str(n), 5, words, form, ALLOWED)])
            log.append_posts(tx, [Entry("t", place, f"l{place}{n}", "luis", str(n), 5, f"de luis {n}", form, ALLOWED)])
        edited = log.message(tx, "t", place, f"{place}3")
        log.change(tx, "t", edited, "edited", "ana", 20, Form(Role.BUYER, 5, edited_at=20), f"{CANARY} de nuevo")
        retracted = log.message(tx, "t", place, f"{place}4")
        log.change(tx, "t", retracted, "retracted", "ana", 20, Form(Role.BUYER, 5, state="removed"))
    for id, author, words in (("blocked", "ana", f"{CANARY} bloqueado"), ("other", "luis", "bloqueado de luis")):
        block = Decision(Verdict.BLOCK, "test@1")
        refusals.keep(tx, {0: Entry("t", "c", id, author, "", 9, words, Form(Role.BUYER, 9), block)})
    reports.add(tx, "t", "c", "lc1", "ana", "scam", f"{CANARY} denuncia", 9)
    appeals.lodge(tx, "t", "blocked", "ana", f"{CANARY} recurso", "policy", 9, 9)
    invitations.create(tx, "t", StoredInvitation("i", "c", "requested", "ana", "order", f"{CANARY} nota", 9))
    t = tables.texts
    return [row.salt for row in tx.execute(select(t.c.salt).where(t.c.text.contains(CANARY)))]


async def opened(url: str) -> tuple[Database, list[str]]:
    database = Database.open(url)
    return database, await database.write(begin)


def everything(tx: Connection) -> str:
    return "\n".join(
        str(tuple(row)) for table in tables.metadata.sorted_tables for row in tx.execute(select(table)).all()
    )


async def test_words_and_salts_are_gone_and_all_else_holds(database_url: str) -> None:
    database, salts = await opened(database_url)
    before = await database.read(everything)
    assert before.count(CANARY) > 80
    assert len(salts) == 2 * 41 + 1
    done, clean = erased(database_url, "t", "ana")
    assert (done, clean) == (Erased(82, 1, 3), True)

    after = await database.read(everything)
    assert CANARY not in after
    assert not any(salt in after for salt in salts)
    assert after.count("de luis") == before.count("de luis")
    for place in ("c", "d"):
        assert await database.read(lambda tx, p=place: log.broken_link(tx, "t", p)) == 0  # type: ignore[misc]
        items = await database.read(lambda tx, p=place: log.since(tx, "t", p, 0, 1_000))  # type: ignore[misc]
        hers = [item.message for item in items if item.message is not None and item.message.author == "ana"]
        assert {(message.text, message.form.state) for message in hers} == {("", "removed")}
        assert [item.kind for item in items].count("erased") == 39, "one was taken back already"
        assert {one.form.unseen for one in hers} == {True, False}, "of what was held the others learn nothing"
    await database.close()


async def test_the_audit_log_tells_of_it_without_the_words(database_url: str) -> None:
    database, _ = await opened(database_url)
    erased(database_url, "t", "ana")
    entries = await database.read(lambda tx: audit.entries(tx, "t", audit.AuditFilter(act="erasure")))
    assert [(one.act, one.actor, one.subject, one.detail) for one in entries] == [
        ("erasure.done", "operator", "ana", {"texts": 82, "refusals": 1, "notes": 3}),
        ("erasure.begun", "operator", "ana", {}),
    ]
    assert await database.read(lambda tx: audit.broken_link(tx, "t")) == 0
    await database.close()


async def test_erasing_again_finds_nothing_more_and_a_stranger_is_told(database_url: str) -> None:
    database, _ = await opened(database_url)
    erased(database_url, "t", "ana")
    seqs = await database.read(lambda tx: conversations.last_seqs(tx, [("t", "c"), ("t", "d")]))
    assert erased(database_url, "t", "ana")[0] == Erased()
    assert erased(database_url, "t", "nobody")[0] == Erased()
    assert await database.read(lambda tx: conversations.last_seqs(tx, [("t", "c"), ("t", "d")])) == seqs
    with pytest.raises(NotFound):
        erased(database_url, "other", "ana")
    await database.close()


async def test_the_files_of_sqlite_hold_nothing_of_it_either_while_a_server_runs(
    sqlite_url: str, tmp_path: Path
) -> None:
    database, salts = await opened(sqlite_url)
    wanted = [CANARY.encode(), *(salt.encode() for salt in salts)]

    def found() -> set[bytes]:
        files = [path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("tertulia.db")]
        return {one for one in wanted if any(one in data for data in files)}

    await database.read(lambda tx: log.since(tx, "t", "c", 0, 10))
    assert found() == set(wanted)
    assert erased(sqlite_url, "t", "ana")[1]
    assert found() == set()
    assert (await database.append(Entry("t", "c", "x", "luis", "x", 5, "sigo", Form(Role.BUYER, 5), ALLOWED))).seq
    await database.close()
    assert found() == set()


async def test_on_postgresql_the_space_is_free_and_writing_the_tables_anew_leaves_nothing_in_their_files(
    own_postgres: Any,
) -> None:
    """Its own log of writes is another matter: it lasts as long as backups do."""
    url = own_postgres.url(own_postgres.create())
    database, salts = await opened(url)
    assert erased(url, "t", "ana")[1]
    with beside(url) as tx:
        file = str(tx.execute(text("SELECT pg_relation_filepath('texts')")).scalar())
        folder = (Path(str(tx.execute(text("SHOW data_directory")).scalar())) / file).parent
    await database.close()
    for table in WITH_WORDS:
        own_postgres.execute(f"VACUUM FULL {table}", url.rpartition("/")[2])
    own_postgres.execute("CHECKPOINT")  # only then the old files are gone
    held = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert b"de luis 7" in held
    assert not any(one.encode() in held for one in (CANARY, *salts))
