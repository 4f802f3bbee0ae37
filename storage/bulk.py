"""Statements over many rows at once, given as one JSON array: a batch costs one statement, whatever its size.

Rows one by one cost Python twice: per row in the driver, and in handing the interpreter's lock back and forth with the
event loop at each step. SQLite (3.38 and later) and PostgreSQL both take an array apart by ``->>``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Connection, CursorResult, Integer, Table, TextClause, text

_encode = msgspec.json.Encoder().encode
_DIALECTS = {
    "sqlite": {"rows": "json_each(:rows) AS r", "for_update_of_c": ""},
    "postgresql": {
        "rows": "json_array_elements(CAST(:rows AS json)) AS r(value)",
        "for_update_of_c": "FOR UPDATE OF c",
    },
}


class Bulk:
    """A statement in which ``{rows}`` is a table ``r`` whose ``value`` is one row, as a JSON array."""

    def __init__(self, sql: str) -> None:
        self._statements: dict[str, TextClause] = {
            dialect: text(sql.format_map(words)) for dialect, words in _DIALECTS.items()
        }

    @classmethod
    def insert(cls, table: Table) -> Bulk:
        """An insert of rows that hold all of the table's columns in their order."""
        columns = [
            f"CAST(r.value ->> {n} AS {'BIGINT' if isinstance(column.type, BigInteger | Integer) else 'TEXT'})"
            for n, column in enumerate(table.columns)
        ]
        names = ", ".join(column.name for column in table.columns)
        return cls(f"INSERT INTO {table.name} ({names}) SELECT {', '.join(columns)} FROM {{rows}}")

    def run(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> CursorResult[Any]:
        """Carry it out for ``rows``: text, whole numbers or None."""
        return connection.execute(self._statements[connection.dialect.name], {"rows": _encode(rows).decode()})
