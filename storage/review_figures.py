"""What the figures of the review are made of: acts and items of a time, as rows without anybody's words."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, select

from storage import tables as t

MOST = 200_000  # acts in one answer
a, i = t.review_acts.c, t.review_items.c


class ActFigure(msgspec.Struct, frozen=True, gc=False):
    """What counts about an act. Times in milliseconds."""

    at: int
    outcome: str
    actor: str
    clause: str
    category: str
    severity: int
    language: str
    verdict: str
    causes: str
    opened_at: int
    claimed_at: int
    undone: bool


def acts(connection: Connection, tenant: str, since: int, until: int) -> list[ActFigure]:
    """The acts of a time, the oldest first."""
    rows = connection.execute(
        select(a.at, a.outcome, a.actor, a.clause, a.category, a.severity, a.language, a.verdict, a.causes, a.opened_at,
               a.claimed_at, a.undone_at)
        .where(a.tenant == tenant, a.at >= since, a.at < until)
        .order_by(a.at)
        .limit(MOST)
    )  # fmt: skip
    return [
        ActFigure(
            row.at, row.outcome, row.actor, row.clause, row.category, row.severity, row.language, row.verdict,
            row.causes, row.opened_at, row.claimed_at, bool(row.undone_at),
        )
        for row in rows
    ]  # fmt: skip


def opened(connection: Connection, tenant: str, since: int, until: int, step: int) -> dict[int, int]:
    """How many items were opened in each ``step`` of a time, by its beginning."""
    begins = i.opened_at - i.opened_at % step
    rows = connection.execute(
        select(begins.label("begins"), func.count().label("items"))
        .where(i.tenant == tenant, i.opened_at >= since, i.opened_at < until)
        .group_by(begins)
    )
    return {int(row.begins): int(row.items) for row in rows}
