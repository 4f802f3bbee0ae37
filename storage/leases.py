"""Claims on items of the queue. Each ends by itself; of two who reach for the same item, one gets it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from storage import exposures
from storage import tables as t
from storage.errors import NotFound
from storage.review_items import AGAINST, Item, ItemFilter, free_for, item_of, load, matching
from storage.staff import StaffRole

SEVERE = 4
c = t.review_items.c


class Claimed(Exception):
    """Somebody else has the item, or has decided it: ``item`` is as it is now."""

    def __init__(self, item: Item) -> None:
        super().__init__(item.message)
        self.item = item

    def __str__(self) -> str:
        return f"item {self.item.message} is {self.item.state}, claimed by {self.item.claimed_by or 'nobody'}"


class Barred(Exception):
    """Who decided what is appealed against does not decide the appeal."""

    def __init__(self, item: Item) -> None:
        super().__init__(item.message)
        self.item = item

    def __str__(self) -> str:
        return "This appeal is against your own decision: somebody else decides it."


def claim(connection: Connection, tenant: str, message: str, staff: str, until: int, at: int) -> Item:
    """Have an item to oneself until ``until``; again by the same person, longer. Raises NotFound, Claimed or Barred."""
    item = load(connection, tenant, message, lock=True)
    if bars(connection, tenant, item, staff):
        raise Barred(item)
    if item.state != "open" or (item.lease_until > at and item.claimed_by != staff):
        raise Claimed(item)
    return _given(connection, tenant, item, staff, until, at)


def take_next(
    connection: Connection,
    tenant: str,
    wanted: ItemFilter,
    staff: str,
    until: int,
    at: int,
    *,
    most_severe: int = SEVERE,
) -> Item | None:
    """Claim the first item that matches and that nobody has; none if there is none. ``most_severe`` is the worst to be given.

    Rows that another is about to claim are passed over rather than waited for.
    """
    query = (
        select(t.review_items)
        .where(*matching(tenant, wanted, at), free_for(staff, at), c.severity <= most_severe)
        .order_by(c.due_at, c.message)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(query).first()
    return None if row is None else _given(connection, tenant, item_of(row), staff, until, at)


def let_go(connection: Connection, tenant: str, message: str, staff: str, at: int) -> Item:
    """Give an item back to the queue. Raises NotFound, or Claimed when it is somebody else's."""
    item = load(connection, tenant, message, lock=True)
    if item.lease_until > at and item.claimed_by != staff:
        raise Claimed(item)
    _set(connection, tenant, message, claimed_by=None, lease_until=0)
    return load(connection, tenant, message)


def hand_over(connection: Connection, tenant: str, message: str, staff: str, to: str, until: int, at: int) -> Item:
    """Give an item to somebody else, who has it until ``until``. Raises NotFound, Claimed or Barred."""
    item = load(connection, tenant, message, lock=True)
    if item.state != "open" or (item.lease_until > at and item.claimed_by != staff):
        raise Claimed(item)
    if bars(connection, tenant, item, to):
        raise Barred(item)
    if not _decides(connection, tenant, to):
        raise NotFound("member of the staff")
    return _given(connection, tenant, item, to, until, at)


def _given(connection: Connection, tenant: str, item: Item, staff: str, until: int, at: int) -> Item:
    again = item.claimed_by == staff and item.lease_until > at
    _set(connection, tenant, item.message, claimed_by=staff, lease_until=until, **({} if again else {"claimed_at": at}))
    if item.severity >= SEVERE:
        exposures.add(connection, tenant, staff, item.message, at)
    return load(connection, tenant, item.message)


def bars(connection: Connection, tenant: str, item: Item, staff: str) -> bool:
    """Whether an item is an appeal against what this person, too, had decided about the message."""
    if not item.barred or item.barred == staff:
        return bool(item.barred)
    a = t.review_acts.c
    where = (a.tenant == tenant) & (a.message == item.message) & (a.actor == staff) & (a.undone_at == 0)
    found = connection.execute(select(a.id).where(where, a.outcome.in_(AGAINST)).limit(1)).first()
    return found is not None


def _decides(connection: Connection, tenant: str, id: str) -> bool:
    """Whether this is somebody of the staff who may decide."""
    s = t.staff.c
    where = (s.tenant == tenant) & (s.id == id) & s.disabled_at.is_(None) & (s.role != StaffRole.AUDITOR)
    return connection.execute(select(s.id).where(where)).first() is not None


def _set(connection: Connection, tenant: str, message: str, **values: Any) -> None:
    connection.execute(update(t.review_items).where(c.tenant == tenant, c.message == message).values(**values))
