"""SQLite is killed in the middle of commits, and read from without end: the file stays whole, its log stays small."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from policies.decision import Decision, Verdict
from rules.types import Role, Stage
from storage import conversations, log, traffic
from storage import database as storage_database
from storage.database import Database
from storage.errors import Unavailable
from storage.values import Conversation, Entry, Form, Member

PEOPLE = 4

# Writes as fast as it can and says which messages were accepted, a line each; begun again it goes on under other client ids.
WRITES = """
import asyncio, sys, os
from policies.decision import Decision, Verdict
from rules.types import Role
from storage.database import Database
from storage.values import Entry, Form

async def main(url, round):
    database = Database.open(url)
    async def write(author):
        n = 0
        while True:
            id = f"{round}-{author}-{n}"
            decision = Decision(Verdict.FLAG if n % 5 == 0 else Verdict.ALLOW, "test@1")
            entry = Entry("t", "c", id, author, id, 5, "palabras " * (n % 40), Form(Role.BUYER, 5), decision)
            done = await database.append(entry)
            os.write(1, f"{done.id} {done.seq}\\n".encode())
            n += 1
    await asyncio.gather(*(write(f"p{n}") for n in range(4)))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    opened = Database.open(sqlite_url)
    await opened.write(begin)
    yield opened
    await opened.close()


def begin(tx: Connection) -> None:
    about = Conversation("t", "c", "Title", "groceries", Stage.ENQUIRY, "default", 0, 1)
    conversations.create(tx, about, [Member(f"p{n}", "Somebody", Role.BUYER, "es") for n in range(PEOPLE)])


@pytest.mark.parametrize("rounds", [3, pytest.param(100, marks=[pytest.mark.tier2, pytest.mark.timeout(1_200)])])
async def test_a_file_whose_server_is_killed_while_it_commits_is_whole_and_has_all_that_was_accepted(
    sqlite_url: str, tmp_path: Path, rounds: int
) -> None:
    chance, path = random.Random(rounds), str(tmp_path / "tertulia.db")
    opened = Database.open(sqlite_url)
    await opened.write(begin)
    await opened.close()
    accepted: dict[str, int] = {}
    for round in range(rounds):
        command = [sys.executable, "-c", WRITES, sqlite_url, str(round)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:  # noqa: ASYNC220 - there is nothing else to run meanwhile
            assert writer.stdout is not None
            said = [writer.stdout.readline()]  # it has begun
            await asyncio.sleep(chance.uniform(0, 0.15))
            writer.send_signal(signal.SIGKILL)
            said += writer.stdout.readlines()
        for line in said:
            if line.endswith(b"\n"):
                id, seq = line.split()
                accepted[id.decode()] = int(seq)

        with contextlib.closing(sqlite3.connect(path)) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert file.execute("PRAGMA foreign_key_check").fetchall() == []
            kept = dict(file.execute("SELECT message, seq FROM events WHERE kind = 'posted'").fetchall())
            assert accepted.items() <= kept.items(), f"round {round}"
            counts = file.execute("SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM texts)").fetchone()
            assert counts == (len(kept), len(kept))
    assert len(accepted) > rounds * PEOPLE
    opened = Database.open(sqlite_url)
    assert await opened.read(lambda tx: log.broken_link(tx, "t", "c")) == 0
    await opened.close()


async def test_who_reads_for_too_long_is_stopped_and_the_log_of_writes_shrinks_again(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_database, "STATEMENT_MS", 1_500)
    monkeypatch.setattr(storage_database, "WAL_BYTES", 1 << 20)
    database = Database.open(sqlite_url)
    await database.write(begin)
    wal = tmp_path / "tertulia.db-wal"
    without_end = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

    def read(tx: Connection) -> None:
        tx.execute(text("SELECT count(*) FROM events"))  # from here on it sees the file as it is now
        tx.execute(text(without_end))

    async def write(numbers: range) -> None:
        for n in numbers:
            decision = Decision(Verdict.ALLOW, "test@1")
            entry = Entry("t", "c", f"m{n}", "p0", f"m{n}", 5, "palabras " * 400, Form(Role.BUYER, 5), decision)
            await database.append(entry)

    began = time.monotonic()
    reading = asyncio.ensure_future(database.read(read))
    await asyncio.sleep(0.1)
    n = grown = 0
    while not reading.done():
        grown = max(grown, wal.stat().st_size)
        await write(range(n, n + 20))
        n += 20
    with pytest.raises(Unavailable, match="interrupted"):
        await reading
    assert time.monotonic() - began < 10
    assert grown > 1 << 20, "nothing could be tidied up while somebody read"
    async with asyncio.timeout(30):
        while (
            wal.stat().st_size > 4 * storage_database.WAL_BYTES
        ):  # a thousand pages, from which it is tidied up, are 4 MiB
            await write(range(n, n + 20))
            n += 20
    await database.close()


async def test_who_goes_through_everything_lets_go_between_some_conversations_and_the_next(
    database: Database, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "_CONVERSATIONS", 1)
    with storage_database.looking(sqlite_url) as connection:
        pages = traffic.conversations(connection, "t", "", ())
        assert list(next(pages)) == ["c"]
        about = Conversation("t", "d", "Title", "groceries", Stage.ENQUIRY, "default", 0, 1)
        await database.write(lambda tx: conversations.create(tx, about, []))
        # What came meanwhile is seen: the view of the first page was given up, and with it what it kept from being tidied.
        assert [list(page) for page in pages] == [["d"]]
