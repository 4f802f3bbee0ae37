"""Opening, closing and migrating a database."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from storage import database as storage_database
from storage.database import Database, beside, migrate, normalise
from storage.errors import AlreadyOpen, Unavailable
from storage.tables import metadata


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(empty_database_url: str) -> None:
    migrate(empty_database_url)
    engine = create_engine(normalise(empty_database_url))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_migrations_started_together_wait_for_each_other(empty_database_url: str) -> None:
    problems: list[Exception] = []

    def run() -> None:
        try:
            migrate(empty_database_url)
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_migration_may_take_longer_than_any_statement_of_a_server(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with beside(postgres_url) as other:
        other.execute(text("SELECT pg_advisory_xact_lock(7306083)"))  # it migrates, and takes its time
        monkeypatch.setattr(storage_database, "STATEMENT_MS", 100)
        late = threading.Thread(target=migrate, args=(postgres_url,))
        late.start()
        time.sleep(0.5)
        assert late.is_alive(), "it waits instead of giving up"
    late.join()


async def test_a_history_keeps_its_epoch(database_url: str) -> None:
    first = Database.open(database_url)
    await first.close()
    second = Database.open(database_url)
    await second.close()
    assert first.epoch == second.epoch != ""


def test_a_second_process_is_told_that_the_file_is_taken(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    code = "import sys; from storage.database import Database; Database.open(sys.argv[1])"
    other = subprocess.run([sys.executable, "-c", code, sqlite_url], capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "is in use by another server" in other.stderr
    with pytest.raises(AlreadyOpen):
        Database.open(sqlite_url)
    asyncio.run(_close(database))
    asyncio.run(_close(Database.open(sqlite_url)))


async def test_two_servers_do_not_share_a_database_before_they_can_hear_each_other(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    with pytest.raises(AlreadyOpen):
        await asyncio.to_thread(Database.open, postgres_url)
    await database.close()
    await Database.open(postgres_url).close()


async def test_sqlite_keeps_what_it_acknowledged_through_a_power_cut(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)

    def pragmas(tx: object) -> dict[str, object]:
        execute = tx.exec_driver_sql  # type: ignore[attr-defined]
        return {name: execute(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")}

    assert await database.write(pragmas) == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    await database.close()


async def test_readers_cannot_write(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    with pytest.raises(Unavailable, match="readonly"):
        await database.read(lambda tx: tx.exec_driver_sql("DELETE FROM meta"))
    await database.close()


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_cannot_serve_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"SQLite|supported"):
        normalise(url)


def test_a_server_that_is_not_there_is_told_as_such() -> None:
    with pytest.raises(Unavailable):
        Database.open("postgresql://postgres@127.0.0.1:1/nowhere")


def test_the_sqlite_of_this_python_is_new_enough() -> None:
    assert sqlite3.sqlite_version_info >= (3, 38)


async def _close(database: Database) -> None:
    await database.close()
