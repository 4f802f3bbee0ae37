"""When somebody of the staff was given a severe item."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from storage import tables as t

c = t.exposures.c


def add(connection: Connection, tenant: str, staff: str, message: str, at: int) -> None:
    """Note that somebody was given a severe item. The same item again is none again."""
    key = (c.tenant == tenant) & (c.staff == staff) & (c.message == message)
    if connection.execute(select(c.at).where(key)).first() is None:
        connection.execute(insert(t.exposures).values(tenant=tenant, staff=staff, message=message, at=at))


def since(connection: Connection, tenant: str, staff: str, at: int) -> list[int]:
    """When severe items were given to somebody after ``at``."""
    query = select(c.at).where(c.tenant == tenant, c.staff == staff, c.at > at).order_by(c.at)
    return [int(one) for one in connection.execute(query).scalars()]
