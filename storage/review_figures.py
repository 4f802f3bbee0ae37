"""What the figures of the review are made of: acts and items of a time, counted by the database, without anybody's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, literal, select
from sqlalchemy import case as when

from storage import tables as t

a, i = t.review_acts.c, t.review_items.c
_KEYS: dict[str, Any] = {"": literal(""), "clause": a.clause, "language": a.language, "verdict": a.verdict}


class ActCount(msgspec.Struct, frozen=True, gc=False):
    """How many acts, not taken back, were alike in a ``step`` of the time that begins at ``at`` (milliseconds)."""

    at: int
    outcome: str
    actor: str
    clause: str
    language: str
    verdict: str
    causes: str
    count: int


class Times(msgspec.Struct, frozen=True, gc=False):
    """Of ``count`` acts half took no longer than ``median`` and nine of ten no longer than ``p90`` milliseconds."""

    count: int
    median: int
    p90: int


def acts(
    connection: Connection, tenant: str, since: int, until: int, step: int, outcomes: Sequence[str]
) -> list[ActCount]:
    """The acts of a time with one of these outcomes, by all that they are counted by."""
    begins = (a.at - a.at % step).label("begins")
    alike = (begins, a.outcome, a.actor, a.clause, a.language, a.verdict, a.causes)
    rows = connection.execute(
        select(*alike, func.count().label("acts")).where(_counted(tenant, since, until, outcomes)).group_by(*alike)
    )
    return [
        ActCount(int(row.begins), row.outcome, row.actor, row.clause, row.language, row.verdict, row.causes, row.acts)
        for row in rows
    ]


def waited(
    connection: Connection, tenant: str, since: int, until: int, outcomes: Sequence[str], by: str = ""
) -> dict[str, Times]:
    """How long items had waited that were decided in a time: by ``clause``, ``language`` or ``verdict``, or all under ""."""
    return _times(connection, _KEYS[by], a.at - a.opened_at, _counted(tenant, since, until, outcomes))


def worked(
    connection: Connection, tenant: str, since: int, until: int, outcomes: Sequence[str]
) -> dict[str, Times]:  # fmt: skip
    """How long each of the staff took from the claim to the act."""
    where = _counted(tenant, since, until, outcomes) & (a.claimed_at > 0) & (a.at > a.claimed_at)
    return _times(connection, a.actor, a.at - a.claimed_at, where)


def opened(connection: Connection, tenant: str, since: int, until: int, step: int) -> dict[int, int]:
    """How many items were opened in each ``step`` of a time, by its beginning."""
    begins = i.opened_at - i.opened_at % step
    rows = connection.execute(
        select(begins.label("begins"), func.count().label("items"))
        .where(i.tenant == tenant, i.opened_at >= since, i.opened_at < until)
        .group_by(begins)
    )
    return {int(row.begins): int(row.items) for row in rows}


def _counted(tenant: str, since: int, until: int, outcomes: Sequence[str]) -> ColumnElement[bool]:
    return (
        (a.tenant == tenant) & (a.at >= since) & (a.at < until) & (a.undone_at == 0) & a.outcome.in_(outcomes)
    )  # fmt: skip


def _times(connection: Connection, key: Any, took: Any, where: ColumnElement[bool]) -> dict[str, Times]:
    ranked = (
        select(
            key.label("key"), took.label("took"),
            (func.row_number().over(partition_by=key, order_by=took) - 1).label("place"),
            func.count().over(partition_by=key).label("acts"),
        ).where(where).subquery()
    )  # fmt: skip
    r = ranked.c
    rows = connection.execute(
        select(
            r.key, r.acts, func.max(when((r.place == (r.acts - 1) // 2, r.took))).label("median"),
            func.max(when((r.place == (r.acts - 1) * 9 // 10, r.took))).label("p90"),
        ).group_by(r.key, r.acts)
    )  # fmt: skip
    return {row.key: Times(row.acts, row.median, row.p90) for row in rows}
