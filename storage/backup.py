"""Copies of a database, and what must be done before one of them serves in the place of the original."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import delete

from storage import tables
from storage.database import beside, normalise
from storage.errors import Unavailable


def copy(url: str, to: Path) -> None:
    """Write a whole copy of a SQLite database to a new file, while servers use it. It has forgotten its epoch: see ``restored``.

    Raises ValueError for PostgreSQL, which has better means of its own, FileExistsError where there is something at ``to``
    already, Unavailable where there is no such database.
    """
    parsed = normalise(url)
    if parsed.get_backend_name() != "sqlite":
        raise ValueError("PostgreSQL is copied by pg_dump, or by your provider's snapshots.")
    if not os.path.exists(str(parsed.database)):
        raise Unavailable(f"There is no database at {parsed.database}.")
    if to.exists():
        raise FileExistsError(f"There is something at {to} already.")
    unfinished = to.with_name(f"{to.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(f"file:{parsed.database}?mode=ro", uri=True, timeout=20)) as source:
        # One transaction that reads: writers go on meanwhile, and the copy is of one moment.
        source.execute("VACUUM INTO ?", (str(unfinished),))
    restored(f"sqlite:///{unfinished}")
    unfinished.rename(to)


def restored(url: str) -> None:
    """Let a database that is a copy have an epoch of its own at its next start.

    The original may have gone on after the copy was made: the same numbers would then stand for other messages, and clients
    that trust them would miss some. Raises Unavailable where there is no such database.
    """
    with beside(url) as tx:
        tx.execute(delete(tables.meta).where(tables.meta.c.key == "epoch"))
