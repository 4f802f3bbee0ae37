"""The second fence between tenants: under the role that reads, the database itself shows one tenant's rows and no other's."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Integer, insert, select

from storage.database import EVERY_TENANT, Database, beside
from storage.errors import Unavailable
from storage.tables import metadata

ROOT = Path(__file__).parents[2]
READER = "tertulia_reader"
TABLES = [table for table in metadata.sorted_tables if table.name != "meta"]


def fill(tx: Connection) -> None:
    """A row of each of two tenants in every table, and one that is everybody's where there are such."""
    for table in TABLES:
        whose = ["a", "b", *([""] if table.name.startswith("polic") else [])]
        for n, tenant in enumerate(whose):
            values: dict[str, Any] = {
                column.name: 7 if isinstance(column.type, Integer) else "x" for column in table.columns
            }
            values["id" if table.name == "tenants" else "tenant"] = tenant
            if table.name in ("tenants", "staff_sessions"):  # where something is unique whoever has it
                values |= {"api_key_sha256": f"{n}"} if table.name == "tenants" else {"key": f"{n}"}
            tx.execute(insert(table).values(**values))


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    opened = Database.open(postgres_url, reader_role=READER)
    await opened.write(fill)
    yield opened
    await opened.close()


def owners(tx: Connection) -> dict[str, set[str]]:
    """Whose rows are to be seen, by table, where nothing is asked for in particular."""
    return {
        table.name: {getattr(row, "tenant" if "tenant" in table.c else "id") for row in tx.execute(select(table))}
        for table in TABLES
    }


@pytest.mark.parametrize(
    ("reader", "sees"),
    [("a", {"a", ""}), ("b", {"b", ""}), ("nobody", {""}), ("", {""}), ("a' OR '1'='1", {""}), (EVERY_TENANT, {"a", "b", ""})],
)  # fmt: skip
async def test_who_reads_for_a_tenant_sees_its_rows_in_every_table_and_no_others(
    database: Database, reader: str, sees: set[str]
) -> None:
    for name, found in (await database.read(owners, of=reader)).items():
        assert found == (sees if name.startswith("polic") else sees - {""}), name


async def test_the_name_of_a_tenant_lasts_as_long_as_its_transaction(database: Database) -> None:
    await database.read(owners, of="a")

    def without(tx: Connection) -> dict[str, set[str]]:
        tx.rollback()  # and with it what was said at its beginning
        return owners(tx)

    for found in (await database.read(without, of="a")).values():
        assert found <= {""}


async def test_who_reads_cannot_write(database: Database) -> None:
    for statement in ("DELETE FROM events", "UPDATE meta SET value = ''", "INSERT INTO meta VALUES ('a', 'b')"):
        with pytest.raises(Unavailable, match="permission denied"):
            await database.read(lambda tx, s=statement: tx.exec_driver_sql(s), of="a")  # type: ignore[misc]


@pytest.mark.parametrize(
    ("role", "made_by", "problem"),
    [
        ("bare", ["CREATE ROLE bare NOLOGIN"], "may not read"),
        ("boss", ["CREATE ROLE boss NOLOGIN SUPERUSER"], "sees every row"),
        ("ghost", ["CREATE ROLE ghost NOLOGIN BYPASSRLS"], "sees every row"),
        ("clerk", ["CREATE ROLE clerk NOLOGIN", "GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA public TO clerk"], "may write"),
        ("heir", ["CREATE ROLE heir NOLOGIN", "ALTER TABLE texts OWNER TO heir",
                  "GRANT SELECT ON ALL TABLES IN SCHEMA public TO heir"], "not fenced off"),
        ("late", ["CREATE ROLE late NOLOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO late",
                  "ALTER TABLE texts DISABLE ROW LEVEL SECURITY"], "not fenced off from the rows of other tenants in texts"),
        ("two words", [], "no name of a role"),
    ],
)  # fmt: skip
async def test_a_role_that_is_not_fit_is_told_at_the_start(
    postgres_server: Any, postgres_url: str, role: str, made_by: list[str], problem: str
) -> None:
    name = postgres_url.rpartition("/")[2]
    for statement in made_by:
        postgres_server.execute(statement, name)
    try:
        with pytest.raises(ValueError, match=problem):
            await asyncio.to_thread(Database.open, postgres_url, reader_role=role)
    finally:
        if made_by:
            postgres_server.execute(
                f"REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}; DROP ROLE {role}", name
            )


async def test_a_role_that_is_not_there_is_told_and_sqlite_has_none(postgres_url: str, sqlite_url: str) -> None:
    with pytest.raises(Unavailable, match="nobody_at_all"):
        await asyncio.to_thread(Database.open, postgres_url, reader_role="nobody_at_all")
    with pytest.raises(ValueError, match="SQLite has no roles"):
        Database.open(sqlite_url, reader_role=READER)


def test_every_table_has_its_fence(postgres_url: str) -> None:
    with beside(postgres_url) as tx:
        rows = tx.exec_driver_sql(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
        )
        assert {row.relname for row in rows} == {table.name for table in TABLES}


def test_everything_that_is_read_is_read_in_somebodys_name() -> None:
    """Whoever forgets it would read for all tenants at once; who needs that says so."""
    for folder in ("moderation", "desk", "realtime", "server"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("database.read"):
                    assert [one.arg for one in node.keywords] == ["of"], f"{path}:{node.lineno}"
