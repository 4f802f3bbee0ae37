"""What authors appeal against, one appeal a decision."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from storage import tables as t
from storage.errors import NotFound, Stale

c = t.appeals.c
POLICY = "policy"


class Appealed(msgspec.Struct, frozen=True):
    """An appeal. ``state`` is open, upheld or overturned; ``decider`` decided what it is against, ``policy`` or a person."""

    message: str
    author: str
    note: str
    state: str
    at: int
    decider: str
    decided_by: str = ""
    decided_at: int = 0


def lodge(connection: Connection, tenant: str, message: str, author: str, note: str, decider: str, last_decided_at: int,
          at: int) -> None:  # fmt: skip
    """Ask for a second look. Raises Stale when one is under way, or was the last word.

    After an appeal was decided there is another only against what was decided later (``last_decided_at``).
    """
    before = find(connection, tenant, message)
    values = {
        "author": author, "note": note, "state": "open", "at": at, "decider": decider, "decided_by": None,
        "decided_at": 0,
    }  # fmt: skip
    if before is None:
        connection.execute(insert(t.appeals).values(tenant=tenant, message=message, **values))
        return
    if before.state == "open":
        raise Stale("decision", "under appeal")
    if last_decided_at <= before.decided_at:
        raise Stale("decision", "final")
    connection.execute(update(t.appeals).where(_is(tenant, message)).values(**values))


def find(connection: Connection, tenant: str, message: str) -> Appealed | None:
    """The appeal about a message, if there was one."""
    row = connection.execute(select(t.appeals).where(_is(tenant, message))).first()
    if row is None:
        return None
    return Appealed(row.message, row.author, row.note, row.state, row.at, row.decider, row.decided_by or "",
                    row.decided_at)  # fmt: skip


def settled(connection: Connection, tenant: str, since: int, until: int) -> list[tuple[str, str]]:
    """The appeals answered in a time: who had decided, and whether it was upheld or overturned."""
    rows = connection.execute(
        select(c.decider, c.state).where(
            c.tenant == tenant, c.state != "open", c.decided_at >= since, c.decided_at < until
        )
    )
    return [(row.decider, row.state) for row in rows]


def how_many_open(connection: Connection, tenant: str) -> int:
    """How many appeals wait for an answer."""
    query = select(func.count()).select_from(t.appeals).where(c.tenant == tenant, c.state == "open")
    return int(connection.execute(query).scalar() or 0)


def settle(connection: Connection, tenant: str, message: str, state: str, by: str, at: int) -> None:
    """Answer an appeal. Raises NotFound when none is open."""
    where = _is(tenant, message) & (c.state == "open")
    done = connection.execute(update(t.appeals).where(where).values(state=state, decided_by=by, decided_at=at))
    if not done.rowcount:
        raise NotFound("appeal")


def unsettle(connection: Connection, tenant: str, message: str) -> None:
    """The answer was taken back."""
    where = _is(tenant, message)
    connection.execute(update(t.appeals).where(where).values(state="open", decided_by=None, decided_at=0))


def _is(tenant: str, message: str) -> Any:
    return (c.tenant == tenant) & (c.message == message)
