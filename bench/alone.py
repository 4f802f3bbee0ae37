"""PostgreSQL alone: the row of a message inserted and committed by pgbench, with nobody to judge it or to hear of it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

import msgspec

from bench import cpu
from bench.postgres import Postgres
from bench.sections import Section
from bench.servers import PEERS

CLIENTS = (1, 16, 64)
TABLE = (
    "CREATE TABLE messages (id bigserial PRIMARY KEY, conversation text NOT NULL, author text NOT NULL,"
    " body text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());"
    "CREATE INDEX messages_by_conversation ON messages (conversation, id)"
)


class Inserted(msgspec.Struct, frozen=True):
    """``us`` of the database's CPU for a message, with so many clients at once."""

    clients: int
    us: float
    per_second: float


def measured(seconds: float) -> list[Inserted]:
    """With one client, and with more: what commits together is cheaper."""
    database = Postgres()
    try:
        _run(database, "psql", "-q", "-c", TABLE)
        return [_one(database, clients, seconds) for clients in CLIENTS]
    finally:
        database.stop()


def _one(database: Postgres, clients: int, seconds: float) -> Inserted:
    before = cpu.of_family(database.pid)
    script = str(PEERS / "insert.sql")
    told = _run(
        database, "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-T", str(round(seconds)), "-f", script
    )  # fmt: skip
    found = re.search(r"actually processed: (\d+)", told)
    assert found is not None, told
    count = int(found[1])
    return Inserted(clients, (cpu.of_family(database.pid) - before) / count, count / seconds)


def _run(database: Postgres, program: str, *arguments: str) -> str:
    command = [str(database.bin / program), *arguments, "-h", "127.0.0.1", "-p", str(database.port), "-U", "postgres"]
    if program == "pgbench":
        command.append("postgres")
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout


def section(results: Sequence[Inserted]) -> Section:
    """The table."""
    rows = [(str(one.clients), f"{one.us:,.0f}", f"{one.per_second:,.0f}") for one in results]
    return Section(
        "PostgreSQL alone: one INSERT a message, by pgbench", ("clients", "CPU, us a message", "messages/s"), rows
    )
