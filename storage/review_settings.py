"""What a tenant has set about its review, and the filters that somebody of the staff has given a name."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from storage import tables as t
from storage.errors import Stale

VIEWS = 50  # of one person
s, v = t.review_settings.c, t.review_views.c


def load(connection: Connection, tenant: str) -> str | None:
    """The settings as JSON, None where nothing was ever set."""
    found = connection.execute(select(s.settings).where(s.tenant == tenant)).scalar()
    return None if found is None else str(found)


def keep(connection: Connection, tenant: str, settings: str) -> None:
    """From now on these hold."""
    if not connection.execute(update(t.review_settings).where(s.tenant == tenant).values(settings=settings)).rowcount:
        connection.execute(insert(t.review_settings).values(tenant=tenant, settings=settings))


def views(connection: Connection, tenant: str, staff: str) -> list[tuple[str, str]]:
    """Somebody's views, by name: each its name and its filter as JSON."""
    rows = connection.execute(select(v.name, v.filter).where(v.tenant == tenant, v.staff == staff).order_by(v.name))
    return [(row.name, row.filter) for row in rows]


def keep_view(connection: Connection, tenant: str, staff: str, name: str, filter: str) -> None:
    """Keep a filter under a name, in place of another of this name. Raises Stale when there are too many."""
    forget_view(connection, tenant, staff, name)
    if len(views(connection, tenant, staff)) >= VIEWS:
        raise Stale("list of views", "full")
    connection.execute(insert(t.review_views).values(tenant=tenant, staff=staff, name=name, filter=filter))


def forget_view(connection: Connection, tenant: str, staff: str, name: str) -> None:
    """Forget a view; one that is none is forgotten already."""
    connection.execute(delete(t.review_views).where(v.tenant == tenant, v.staff == staff, v.name == name))
