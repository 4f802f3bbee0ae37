"""What the staff tells a participant in private. Kept until they have said that they read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from storage import tables as t
from storage.errors import NotFound

UNREAD = 20  # shown on arrival, the newest
c = t.notices.c


class Notice(msgspec.Struct, frozen=True):
    """``template`` names the words, which are put in the reader's language when it is shown; ``until`` 0 for no end."""

    id: str
    participant: str
    conversation: str
    message: str
    template: str
    at: int
    until: int
    act: str
    withdrawn_at: int = 0


def add(connection: Connection, tenant: str, notice: Notice) -> None:
    """Keep something to tell."""
    connection.execute(insert(t.notices).values(tenant=tenant, read_at=0, **msgspec.structs.asdict(notice)))


def unread(connection: Connection, tenant: str, participant: str) -> list[Notice]:
    """What somebody has not read yet, the oldest first."""
    where = (c.tenant == tenant) & (c.participant == participant) & (c.read_at == 0) & (c.withdrawn_at == 0)
    rows = connection.execute(select(t.notices).where(where).order_by(c.at.desc(), c.id).limit(UNREAD)).all()
    return [_row(row) for row in reversed(rows)]


def acknowledge(connection: Connection, tenant: str, participant: str, id: str, at: int) -> None:
    """They have read it. Raises NotFound."""
    where = (c.tenant == tenant) & (c.id == id) & (c.participant == participant)
    if not connection.execute(update(t.notices).where(where).values(read_at=at)).rowcount:
        raise NotFound("notice")


def warned(connection: Connection, tenant: str, participant: str, acts: Sequence[str]) -> bool:
    """Whether one of these acts warned somebody, and it was not taken back."""
    where = (c.tenant == tenant) & (c.participant == participant) & c.act.in_(acts) & (c.withdrawn_at == 0)
    found = connection.execute(select(c.id).where(where, c.template.startswith("warning.")).limit(1)).first()
    return found is not None


def withdraw(connection: Connection, tenant: str, act: str, at: int) -> list[Notice]:
    """What an act told is no longer so; which notices that were, as they are now."""
    where = (c.tenant == tenant) & (c.act == act) & (c.withdrawn_at == 0)
    rows = connection.execute(select(t.notices).where(where)).all()
    if rows:
        connection.execute(update(t.notices).where(where).values(withdrawn_at=at))
    return [msgspec.structs.replace(_row(row), withdrawn_at=at) for row in rows]


def put_back(connection: Connection, tenant: str, ids: Sequence[str]) -> list[Notice]:
    """The withdrawal of these was taken back; they are told again."""
    if not ids:
        return []
    where = (c.tenant == tenant) & c.id.in_(ids)
    connection.execute(update(t.notices).where(where).values(withdrawn_at=0))
    return [_row(row) for row in connection.execute(select(t.notices).where(where).order_by(c.at, c.id))]


def _row(row: Any) -> Notice:
    return Notice(row.id, row.participant, row.conversation, row.message, row.template, row.at, row.until, row.act,
                  row.withdrawn_at)  # fmt: skip
