"""Migrations beside servers of the version before: what those do goes on working, and they may be started again."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Integer, MetaData, Table, create_engine, delete, insert, select, text, update

from storage import database as storage_database
from storage.database import OLDEST, Database, migrate, normalise
from storage.errors import TooOld

STEPS = sorted(
    path.name[:4] for path in (Path(storage_database.__file__).parent / "migrations/versions").glob("0*.py")
)  # fmt: skip
UPGRADING = (Path(__file__).parents[2] / "docs/operate.md").read_text().split("## Upgrading")[1].split("\n## ")[0]
TOLD = set(re.findall(r"^- Step `(\d{4})`", UPGRADING, re.MULTILINE))


def tables_of(engine: Engine) -> list[Table]:
    """The tables as a version at this step knows them."""
    metadata = MetaData()
    metadata.reflect(engine)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def row(table: Table, n: int) -> dict[str, Any]:
    """A row with a value in every column, which fits other tables' rows of the same number."""
    return {one.name: n if isinstance(one.type, Integer) else f"{n}" for one in table.columns}


def write(tx: Connection, tables: list[Table], n: int) -> None:
    for table in tables:
        tx.execute(insert(table).values(**row(table, n)))


def read(tx: Connection, tables: list[Table], n: int) -> None:
    for table in tables:
        key = next(iter(table.primary_key.columns))
        (found,) = tx.execute(select(table).where(key == row(table, n)[key.name])).mappings()
        assert dict(found) == row(table, n), table.name


def change(tx: Connection, tables: list[Table], n: int) -> None:
    for table in reversed(tables):
        key = next(iter(table.primary_key.columns))
        here = key == row(table, n)[key.name]
        others = {name: value for name, value in row(table, n).items() if name not in table.primary_key.columns}
        if others:
            assert tx.execute(update(table).where(here).values(**others)).rowcount == 1
        # What a version says of conflicts must be a key that is there.
        names = ", ".join(column.name for column in table.primary_key.columns)
        columns, values = zip(*row(table, n).items(), strict=True)
        given = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in values)
        quoted = ", ".join(f'"{name}"' for name in columns)
        tx.execute(text(f"INSERT INTO {table.name} ({quoted}) VALUES ({given}) ON CONFLICT ({names}) DO NOTHING"))
        assert tx.execute(delete(table).where(here)).rowcount == 1


@pytest.mark.parametrize("step", STEPS[1:])
def test_what_a_server_of_the_version_before_does_works_after_a_step(empty_database_url: str, step: str) -> None:
    before = STEPS[STEPS.index(step) - 1]
    migrate(empty_database_url, before)
    engine = create_engine(normalise(empty_database_url))
    tables = tables_of(engine)
    with engine.begin() as tx:
        write(tx, tables, 1)
    migrate(empty_database_url, step)
    try:
        with engine.begin() as tx:
            read(tx, tables, 1)
            write(tx, tables, 2)
            read(tx, tables, 2)
            change(tx, tables, 2)
            change(tx, tables, 1)
        works = True
    except Exception:
        if step not in TOLD:
            raise
        works = False
    finally:
        engine.dispose()
    assert works == (step not in TOLD), "an exception is told that is none"


@pytest.mark.parametrize("before", [step for step in STEPS[:-1] if step >= OLDEST])
def test_what_the_oldest_version_that_is_let_in_does_works_with_the_schema_of_today(
    empty_database_url: str, before: str
) -> None:
    migrate(empty_database_url, before)
    engine = create_engine(normalise(empty_database_url))
    tables = tables_of(engine)
    migrate(empty_database_url)
    with engine.begin() as tx:
        write(tx, [table for table in tables if table.name != "meta"], 1)
        read(tx, [table for table in tables if table.name != "meta"], 1)
    engine.dispose()


def test_a_step_that_takes_something_away_raises_the_oldest_version() -> None:
    assert max(TOLD) <= OLDEST


def newer(url: str, oldest: str) -> None:
    """Make the database one on which a later version was at work."""
    migrate(url)
    engine = create_engine(normalise(url))
    with engine.begin() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        tx.execute(text("UPDATE meta SET value = :oldest WHERE key = 'oldest'"), {"oldest": oldest})
        tx.execute(text("ALTER TABLE members ADD COLUMN later TEXT NOT NULL DEFAULT ''"))
    engine.dispose()


def test_a_server_of_the_version_before_may_be_started_again_on_the_new_schema(empty_database_url: str) -> None:
    newer(empty_database_url, STEPS[-1])
    asyncio.run(Database.open(empty_database_url).close())


def test_a_version_that_cannot_live_with_the_schema_says_so_and_does_not_start(empty_database_url: str) -> None:
    newer(empty_database_url, "9998")
    with pytest.raises(TooOld, match="step 9999, which a newer version has made"):
        Database.open(empty_database_url)
