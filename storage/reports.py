"""What participants report. Who they are is told to nobody: the queue knows how many there are, and what their word weighs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from storage import tables as t
from storage.errors import Stale

c = t.reports.c


class Said(msgspec.Struct, frozen=True):
    """What a report said; the day it came is as exact as it gets, since in a small group an hour names the reporter."""

    reason: str
    note: str
    day: int


def add(
    connection: Connection, tenant: str, conversation: str, message: str, reporter: str, reason: str, note: str, at: int
) -> None:
    """Keep a report. Raises Stale when this reporter has reported the message already."""
    key = (c.tenant == tenant) & (c.message == message) & (c.reporter == reporter)
    if connection.execute(select(c.at).where(key)).first():
        raise Stale("message", "reported")
    connection.execute(
        insert(t.reports).values(
            tenant=tenant, message=message, reporter=reporter, conversation=conversation, reason=reason, note=note,
            at=at, outcome="",
        )
    )  # fmt: skip


def record(connection: Connection, tenant: str, reporter: str) -> tuple[int, int]:
    """How many of somebody's reports were upheld, and how many dismissed."""
    rows = connection.execute(
        select(c.outcome, func.count().label("reports"))
        .where(c.tenant == tenant, c.reporter == reporter, c.outcome != "")
        .group_by(c.outcome)
    )
    found = {row.outcome: int(row.reports) for row in rows}
    return found.get("upheld", 0), found.get("dismissed", 0)


def about(connection: Connection, tenant: str, message: str) -> list[Said]:
    """What was said about a message, without who said it, in no order that would tell."""
    rows = connection.execute(
        select(c.reason, c.note, c.at).where(c.tenant == tenant, c.message == message).order_by(c.reason, c.note)
    )
    return [Said(row.reason, row.note, row.at - row.at % 86_400_000) for row in rows]


def settle(connection: Connection, tenant: str, message: str, outcome: str) -> list[str]:
    """A person has decided: what was reported and not yet answered is upheld or dismissed. Whose reports it were."""
    still = (c.tenant == tenant) & (c.message == message) & (c.outcome == "")
    whose = list(connection.execute(select(c.reporter).where(still).order_by(c.reporter)).scalars())
    if whose:
        connection.execute(update(t.reports).where(still).values(outcome=outcome))
    return whose


def unsettle(connection: Connection, tenant: str, message: str, whose: Sequence[str]) -> None:
    """The decision was taken back: these reports wait again."""
    connection.execute(
        update(t.reports).where(c.tenant == tenant, c.message == message, c.reporter.in_(whose)).values(outcome="")
    )
