"""Blind second looks: somebody else decides the same message without knowing what the first did; and golden items."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, or_, select, update

from storage import tables as t
from storage.errors import NotFound

GOLDEN = "golden"
c, g = t.second_looks.c, t.golden_items.c


class SecondLook(msgspec.Struct, frozen=True):
    """``decider`` decided ``outcome`` first, ``golden`` for a golden item; ``answer`` is empty until somebody has looked."""

    id: str
    message: str
    first: str
    decider: str
    outcome: str
    clause: str
    at: int
    assigned: str = ""
    lease_until: int = 0
    answer: str = ""
    answer_clause: str = ""
    answered_at: int = 0
    settled_by: str = ""


class Golden(msgspec.Struct, frozen=True):
    """A message whose right answer is known."""

    message: str
    outcome: str
    clause: str
    note: str
    by: str
    at: int


def add(connection: Connection, tenant: str, look: SecondLook) -> None:
    """Have a decision looked at again."""
    values = msgspec.structs.asdict(look) | {"assigned": look.assigned or None, "settled_by": None}
    connection.execute(insert(t.second_looks).values(tenant=tenant, **values))


def drop(connection: Connection, tenant: str, act: str) -> None:
    """A decision was taken back: nobody needs to look at it again."""
    connection.execute(delete(t.second_looks).where(c.tenant == tenant, c.first == act, c.answered_at == 0))


def take_next(connection: Connection, tenant: str, staff: str, until: int, at: int) -> SecondLook | None:
    """The oldest that waits for this person: nobody else looks at it, and it is not their own decision."""
    free = or_(c.assigned.is_(None), c.assigned == staff, c.lease_until <= at)
    not_theirs = or_(c.decider != GOLDEN, c.assigned == staff)
    row = connection.execute(
        select(t.second_looks)
        .where(c.tenant == tenant, c.answered_at == 0, c.decider != staff, free, not_theirs)
        .order_by(c.at, c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    connection.execute(
        update(t.second_looks).where(c.tenant == tenant, c.id == row.id).values(assigned=staff, lease_until=until)
    )
    return _row(row)


def how_many_for(connection: Connection, tenant: str, staff: str) -> int:
    """How many second looks wait for this person, golden items included."""
    waiting = (c.tenant == tenant) & (c.answered_at == 0) & (c.decider != staff) & (c.decider != GOLDEN)
    seen = select(c.message).where(c.tenant == tenant, c.decider == GOLDEN, c.assigned == staff, c.answered_at > 0)
    unseen = (g.tenant == tenant) & (g.by != staff) & g.message.notin_(seen)
    looks = connection.execute(select(func.count()).select_from(t.second_looks).where(waiting)).scalar()
    golden = connection.execute(select(func.count()).select_from(t.golden_items).where(unseen)).scalar()
    return int(looks or 0) + int(golden or 0)


def load(connection: Connection, tenant: str, id: str) -> SecondLook:
    """One second look. Raises NotFound."""
    row = connection.execute(select(t.second_looks).where(c.tenant == tenant, c.id == id).with_for_update()).first()
    if row is None:
        raise NotFound("second look")
    return _row(row)


def answer(connection: Connection, tenant: str, id: str, staff: str, outcome: str, clause: str, at: int) -> None:
    """What a second person would have decided."""
    connection.execute(
        update(t.second_looks)
        .where(c.tenant == tenant, c.id == id)
        .values(assigned=staff, answer=outcome, answer_clause=clause, answered_at=at)
    )


def answered(connection: Connection, tenant: str, since: int, until: int) -> list[SecondLook]:
    """All that were answered in a time, the oldest first."""
    where = (c.tenant == tenant) & (c.answered_at >= since) & (c.answered_at < until) & (c.answered_at > 0)
    return [_row(row) for row in connection.execute(select(t.second_looks).where(where).order_by(c.answered_at, c.id))]


def disagreements(connection: Connection, tenant: str, limit: int) -> list[SecondLook]:
    """Second looks with another answer than the first that no lead has settled, the newest first."""
    where = (c.tenant == tenant) & (c.answered_at > 0) & (c.answer != c.outcome) & c.settled_by.is_(None)
    rows = connection.execute(select(t.second_looks).where(where).order_by(c.answered_at.desc(), c.id).limit(limit))
    return [_row(row) for row in rows]


def settle(connection: Connection, tenant: str, id: str, by: str) -> None:
    """A lead has looked at a disagreement. Raises NotFound."""
    where = (c.tenant == tenant) & (c.id == id) & (c.answered_at > 0)
    if not connection.execute(update(t.second_looks).where(where).values(settled_by=by)).rowcount:
        raise NotFound("second look")


# -------------------------------------------------------------------------------------------------- golden items


def add_golden(connection: Connection, tenant: str, golden: Golden) -> None:
    """Let a message be a golden item, or give it another answer."""
    connection.execute(delete(t.golden_items).where(g.tenant == tenant, g.message == golden.message))
    connection.execute(insert(t.golden_items).values(tenant=tenant, **msgspec.structs.asdict(golden)))


def remove_golden(connection: Connection, tenant: str, message: str) -> None:
    """Let it be one no longer. Raises NotFound."""
    if not connection.execute(delete(t.golden_items).where(g.tenant == tenant, g.message == message)).rowcount:
        raise NotFound("golden item")


def golden(connection: Connection, tenant: str) -> list[Golden]:
    """All golden items, the newest first."""
    rows = connection.execute(select(t.golden_items).where(g.tenant == tenant).order_by(g.at.desc(), g.message))
    return [Golden(row.message, row.outcome, row.clause, row.note, row.by, row.at) for row in rows]


def next_golden(connection: Connection, tenant: str, staff: str) -> Golden | None:
    """The oldest golden item that this person has not answered and did not make."""
    seen = select(c.message).where(c.tenant == tenant, c.decider == GOLDEN, c.assigned == staff)
    row = connection.execute(
        select(t.golden_items)
        .where(g.tenant == tenant, g.by != staff, g.message.notin_(seen))
        .order_by(g.at, g.message)
        .limit(1)
    ).first()
    return None if row is None else Golden(row.message, row.outcome, row.clause, row.note, row.by, row.at)


def _row(row: Any) -> SecondLook:
    return SecondLook(
        row.id, row.message, row.first, row.decider, row.outcome, row.clause, row.at, row.assigned or "",
        row.lease_until, row.answer, row.answer_clause, row.answered_at, row.settled_by or "",
    )  # fmt: skip
