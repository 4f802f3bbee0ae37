"""Strikes against participants, by the act that gave them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from storage import tables as t

c = t.strikes.c


class StrikeRow(msgspec.Struct, frozen=True):
    """A strike. It counts until ``expires_at`` unless it was taken back (``withdrawn_at`` is not 0)."""

    id: str
    participant: str
    points: int
    severity: int
    clause: str
    message: str
    act: str
    at: int
    expires_at: int
    withdrawn_at: int = 0


def add(connection: Connection, tenant: str, strike: StrikeRow) -> None:
    """Give a strike."""
    connection.execute(insert(t.strikes).values(tenant=tenant, **msgspec.structs.asdict(strike)))


def of_participant(connection: Connection, tenant: str, participant: str) -> list[StrikeRow]:
    """All strikes somebody was ever given, the newest first."""
    where = (c.tenant == tenant) & (c.participant == participant)
    return [_row(row) for row in connection.execute(select(t.strikes).where(where).order_by(c.at.desc(), c.id))]


def points(connection: Connection, tenant: str, participant: str, at: int) -> int:
    """The points of somebody's strikes that are in force."""
    where = (c.tenant == tenant) & (c.participant == participant) & (c.withdrawn_at == 0) & (c.expires_at > at)
    return int(connection.execute(select(func.coalesce(func.sum(c.points), 0)).where(where)).scalar() or 0)


def about(connection: Connection, tenant: str, message: str, participant: str) -> StrikeRow | None:
    """The strike that somebody has for this message and that was not taken back: there is never a second."""
    where = (c.tenant == tenant) & (c.participant == participant) & (c.message == message) & (c.withdrawn_at == 0)
    row = connection.execute(select(t.strikes).where(where).limit(1)).first()
    return None if row is None else _row(row)


def withdraw(connection: Connection, tenant: str, act: str, at: int) -> list[str]:
    """Take back what an act gave; the ids of those strikes."""
    where = (c.tenant == tenant) & (c.act == act) & (c.withdrawn_at == 0)
    ids = list(connection.execute(select(c.id).where(where)).scalars())
    if ids:
        connection.execute(update(t.strikes).where(where).values(withdrawn_at=at))
    return ids


def put_back(connection: Connection, tenant: str, ids: Sequence[str]) -> None:
    """The withdrawal of these strikes was taken back."""
    connection.execute(update(t.strikes).where(c.tenant == tenant, c.id.in_(ids)).values(withdrawn_at=0))


def _row(row: Any) -> StrikeRow:
    return StrikeRow(row.id, row.participant, row.points, row.severity, row.clause, row.message, row.act, row.at,
                     row.expires_at, row.withdrawn_at)  # fmt: skip
