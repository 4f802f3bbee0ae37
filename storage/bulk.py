"""Statements over many rows at once: a batch costs one statement, whatever its size.

Row by row costs Python twice: in the driver, and in handing the interpreter's lock back and forth with the event loop at
each step. Measured for three tables and 200 rows, microseconds a row in client and server together: SQLite 18 by one
``VALUES`` list, 34 by a JSON array; PostgreSQL 32 by ``COPY``, 42 by ``json_to_recordset``, 163 by ``unnest``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Connection, Integer, Table
from sqlalchemy.exc import DBAPIError

SQLITE_VARIABLES = 32_766  # in one statement (SQLITE_MAX_VARIABLE_NUMBER)
_encode = msgspec.json.Encoder().encode


class Bulk:
    """A statement in which ``{rows}`` is a table ``r`` with the columns ``columns``, all of them text but those in ``numbers``.

    ``{for_update}`` locks the rows of the table ``c`` where the database locks rows at all.
    """

    def __init__(self, sql: str, columns: str, numbers: str = "") -> None:
        names = columns.split()
        whole = numbers.split()
        picked = ", ".join(f"value ->> '{name}' AS {name}" for name in names)
        typed = ", ".join(f"{name} {'bigint' if name in whole else 'text'}" for name in names)
        words = {
            "sqlite": {"rows": f"(SELECT {picked} FROM json_each(?)) AS r", "for_update": ""},
            "postgresql": {
                "rows": f"json_to_recordset(CAST(%s AS json)) AS r({typed})", "for_update": "FOR UPDATE OF c",
            },
        }  # fmt: skip
        self._statements = {dialect: sql.format_map(of) for dialect, of in words.items()}
        self._row = msgspec.defstruct("Row", names, gc=False)

    def run(self, connection: Connection, rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """Carry it out for ``rows``, each with a value for every column; what it returns, if it returns something."""
        row = self._row
        given = _encode([row(*values) for values in rows]).decode()
        cursor = _execute(connection, self._statements[connection.dialect.name], (given,))
        return cursor.fetchall() if cursor.description else []


class Insert:
    """Inserts rows that hold all of a table's columns in their order: text, whole numbers or None."""

    def __init__(self, table: Table) -> None:
        names = ", ".join(column.name for column in table.columns)
        kinds = ["int8" if isinstance(column.type, BigInteger | Integer) else "text" for column in table.columns]
        self._copy = f"COPY {table.name} ({names}) FROM STDIN"
        self._kinds = kinds
        self._insert = f"INSERT INTO {table.name} ({names}) VALUES "
        self._row = f"({', '.join('?' * len(kinds))})"
        self._most = SQLITE_VARIABLES // len(kinds)

    def run(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Insert them all."""
        if connection.dialect.name == "postgresql":
            self._copied(connection, rows)
            return
        for at in range(0, len(rows), self._most):
            some = rows[at : at + self._most]
            values = tuple([value for row in some for value in row])
            _execute(connection, self._insert + ", ".join([self._row] * len(some)), values)

    def _copied(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        with _told(connection, self._copy), _driver(connection).cursor().copy(self._copy) as copy:
            copy.set_types(self._kinds)
            for row in rows:
                copy.write_row(row)


def _execute(connection: Connection, statement: str, values: tuple[Any, ...]) -> Any:
    """The driver's cursor after a statement in its own words: what SQLAlchemy does around it takes longer than a small batch."""
    with _told(connection, statement):
        return _driver(connection).execute(statement, values)


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


@contextmanager
def _told(connection: Connection, statement: str) -> Iterator[None]:
    """Past SQLAlchemy's own calls nobody else tells the driver's errors in its words."""
    driver: Any = connection.dialect.loaded_dbapi
    try:
        yield
    except driver.Error as problem:
        raise DBAPIError.instance(statement, None, problem, driver.Error, dialect=connection.dialect) from problem
