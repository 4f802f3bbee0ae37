"""The audit log, on both databases: dense, chained, and telling what was touched."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import OperationalError

from storage import audit, tables
from storage.audit import AuditFilter
from storage.database import Database, beside
from storage.errors import Unavailable


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(database_url)
    yield opened
    await opened.close()


def write(tx: Connection, acts: int, tenant: str = "t") -> None:
    for n in range(acts):
        audit.record(tx, tenant, f"staff:{n % 2}", ("item.removed", "item.claimed")[n % 2], f"m{n}", {"n": n}, 100 + n)


async def test_entries_are_numbered_and_found_again(database: Database) -> None:
    await database.write(lambda tx: write(tx, 5))
    await database.write(lambda tx: write(tx, 2, "other"))
    newest = await database.read(lambda tx: audit.entries(tx, "t", AuditFilter(), limit=2))
    assert [(one.seq, one.subject, one.detail) for one in newest] == [(5, "m4", {"n": 4}), (4, "m3", {"n": 3})]
    older = await database.read(lambda tx: audit.entries(tx, "t", AuditFilter(), before=4))
    assert [one.seq for one in older] == [3, 2, 1]
    assert await database.read(lambda tx: audit.broken_link(tx, "t")) == 0
    assert await database.read(lambda tx: audit.broken_link(tx, "nobody")) == 0


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AuditFilter(actor="staff:1"), [4, 2]),
        (AuditFilter(act="item"), [5, 4, 3, 2, 1]),
        (AuditFilter(act="item.removed"), [5, 3, 1]),
        (AuditFilter(act="item.r"), []),
        (AuditFilter(act="%"), []),
        (AuditFilter(subject="m1"), [2]),
        (AuditFilter(since=101, until=103), [3, 2]),
    ],
)
async def test_entries_are_filtered(database: Database, wanted: AuditFilter, found: list[int]) -> None:
    await database.write(lambda tx: write(tx, 5))
    assert [one.seq for one in await database.read(lambda tx: audit.entries(tx, "t", wanted))] == found


@pytest.mark.parametrize(
    ("touch", "broken_at"),
    [
        (update(tables.audit).where(tables.audit.c.seq == 2).values(actor="staff:x"), 2),
        (update(tables.audit).where(tables.audit.c.seq == 3).values(detail="{}"), 3),
        (update(tables.audit).where(tables.audit.c.seq == 3).values(at=1), 3),
        (delete(tables.audit).where(tables.audit.c.seq == 2), 3),
        (delete(tables.audit).where(tables.audit.c.seq == 4), 4),
    ],
)
async def test_what_was_touched_is_told(database: Database, touch: Any, broken_at: int) -> None:
    await database.write(lambda tx: write(tx, 4))
    await database.write(lambda tx: tx.execute(touch))
    assert await database.read(lambda tx: audit.broken_link(tx, "t")) == broken_at


@pytest.mark.parametrize("seed", range(40))
async def test_one_byte_altered_or_an_entry_taken_out_put_in_or_moved_is_found_where_it_happened(
    sqlite_url: str, seed: int
) -> None:
    chance, a = random.Random(seed), tables.audit
    database = Database.open(sqlite_url)
    await database.write(lambda tx: write(tx, 12))
    seq = chance.randrange(1, 12)
    here = a.c.seq == seq

    def alter(tx: Connection) -> None:
        column = chance.choice([one for one in a.columns if one.name != "seq"])
        was = tx.execute(select(column).where(here)).scalar_one()
        text = str(was)
        at = chance.randrange(len(text))
        other = chance.choice([char for char in "0123456789" if char != text[at] and (at or char != "0")])
        tx.execute(update(a).where(here).values({column: type(was)(text[:at] + other + text[at + 1 :])}))

    def take_out(tx: Connection) -> None:
        tx.execute(delete(a).where(here))

    def put_in(tx: Connection) -> None:
        row = tx.execute(select(a).where(here)).one()._asdict()
        tx.execute(text("UPDATE audit SET seq = -seq - 1 WHERE seq >= :seq"), {"seq": seq})
        tx.execute(text("UPDATE audit SET seq = -seq WHERE seq < 0"))
        tx.execute(insert(a).values(**row | {"act": "item.released"}))

    def move(tx: Connection) -> None:
        for was, then in ((seq, -1), (seq + 1, seq), (-1, seq + 1)):
            tx.execute(update(a).where(a.c.seq == was).values(seq=then))

    touch = (alter, take_out, put_in, move)[seed % 4]
    await database.write(touch)
    # What was taken out shows at the one that follows, which is where its number is missing.
    expected = seq + 1 if touch is take_out else seq
    found = await database.read(lambda tx: audit.broken_link(tx, "t"))
    # A tenant of another name is a hole in this one's chain.
    assert found == expected or (touch is alter and found == seq + 1)
    await database.close()


async def test_a_long_chain_is_followed_part_by_part(database: Database) -> None:
    await database.write(lambda tx: write(tx, 5))
    so_far, parts = audit.BEGINNING, []
    done = False
    while not done:
        so_far, done = await database.read(partial(audit.follow, tenant="t", so_far=so_far, limit=2))
        parts.append(so_far.entries)
        if parts == [2]:
            await database.write(lambda tx: write(tx, 2))
    assert (parts[0], so_far.entries, so_far.broken_at) == (2, 7, 0)
    assert await database.read(lambda tx: audit.state(tx, "t")) == so_far


async def test_entries_are_counted_and_read_in_order_up_to_a_moment(database: Database) -> None:
    await database.write(lambda tx: write(tx, 5))
    wanted = AuditFilter(act="item.removed")
    assert await database.read(lambda tx: audit.count(tx, "t", wanted, 10)) == (3, 5)
    assert (await database.read(lambda tx: audit.count(tx, "t", wanted, 2)))[0] == 2
    assert await database.read(lambda tx: audit.count(tx, "nobody", wanted, 2)) == (0, 0)
    some = await database.read(lambda tx: audit.following(tx, "t", wanted, 1, 4, 10))
    assert [one.seq for one in some] == [3]


async def test_what_is_undone_leaves_no_entry(database: Database) -> None:
    def act(tx: Connection) -> None:
        write(tx, 1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await database.write(act)
    await database.write(lambda tx: write(tx, 1))
    assert [one.seq for one in await database.read(lambda tx: audit.entries(tx, "t", AuditFilter()))] == [1]


@pytest.mark.parametrize(("writers", "times"), [(3, 5), pytest.param(50, 10, marks=pytest.mark.tier2)])
async def test_several_processes_write_one_chain(
    database: Database, database_url: str, writers: int, times: int
) -> None:
    problems: list[Exception] = []

    def once() -> None:
        while True:
            # Who waits for longer than the database lets anybody wait is told so, and tries again.
            with contextlib.suppress(OperationalError), beside(database_url) as tx:
                write(tx, 2)
                return

    def run() -> None:
        try:
            for _ in range(times):
                once()
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run) for _ in range(writers)]
    for thread in threads:
        thread.start()
    answered = 0
    for _ in range(times):
        with contextlib.suppress(Unavailable):  # which may be done all the same
            await database.write(lambda tx: write(tx, 2))
            answered += 1
    for thread in threads:
        thread.join()
    assert problems == []
    state = await database.read(lambda tx: audit.state(tx, "t"))
    assert state.broken_at == 0
    assert 2 * (writers * times + answered) <= state.entries <= 2 * (writers + 1) * times
