"""The queue: what waits for a person. One item a message, whatever fired, and however often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, insert, or_, select, tuple_, update
from sqlalchemy import case as when

from storage import tables as t
from storage.errors import NotFound
from storage.values import Case, Message

DAY_MS = 86_400_000
PAGE = 100  # items at once, at most
AGAINST = ("mask", "remove", "sanction", "uphold")  # outcomes that an author can appeal against
_json = msgspec.json.Encoder().encode
_words = msgspec.json.Decoder(tuple[str, ...])
c = t.review_items.c


class Item(msgspec.Struct, frozen=True):
    """An item of the queue. ``state`` is open or decided; ``claimed_by`` has it while ``lease_until`` lasts.

    ``causes`` tells all that has fired since it was opened. ``weight`` is that of its reporters, added up. ``barred`` decided
    last what is appealed against and must not decide the appeal, nor must who had decided against the message before.
    ``outcome`` is of the last decision of a person that stands.
    """

    message: str
    conversation: str
    author: str
    state: str
    causes: tuple[str, ...]
    queue: str
    severity: int
    categories: tuple[str, ...]
    clauses: tuple[str, ...]
    language: str
    policy: str
    degraded: bool
    reach: int
    reports: int
    weight: float
    opened_at: int
    due_at: int
    version: int
    claimed_by: str = ""
    claimed_at: int = 0
    lease_until: int = 0
    barred: str = ""
    decided_at: int = 0
    decided_by: str = ""
    outcome: str = ""


class ItemFilter(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which items are wanted; what is empty or 0 asks for nothing.

    ``state`` is open, claimed, waiting (open and claimed by nobody), decided, or empty for open. ``opened_before`` leaves out what
    was opened later; ``severity`` is the least.
    """

    state: str = "open"
    queue: str = ""
    cause: str = ""
    category: str = ""
    clause: str = ""
    language: str = ""
    claimed_by: str = ""
    author: str = ""
    conversation: str = ""
    severity: int = 0
    opened_before: int = 0


class Count(msgspec.Struct, frozen=True):
    """How many open items there are of a queue, a severity and a language; how many are claimed, and how many overdue."""

    queue: str
    severity: int
    language: str
    items: int
    claimed: int
    overdue: int


def open_item(
    connection: Connection, tenant: str, conversation: str, message: str, author: str, cause: str, case: Case, at: int,
    *, barred: str | None = None,
) -> Item:  # fmt: skip
    """Put a message before a person; the item as it is now.

    One that waits already only learns what else has fired, and comes up sooner if that speaks for it. One that was decided is
    opened anew, for everybody.
    """
    known = find(connection, tenant, message, lock=True)
    if known is None:
        connection.execute(
            insert(t.review_items).values(_first(tenant, conversation, message, author, cause, case, at))
        )
        if barred:
            connection.execute(update(t.review_items).where(_is(tenant, message)).values(barred=barred))
        return load(connection, tenant, message)
    reopened = known.state != "open"
    causes = (cause,) if reopened else (*known.causes, *({cause} - set(known.causes)))
    values: dict[str, Any] = {
        "state": "open", "causes": _encoded(causes), "severity": max(known.severity, case.severity),
        "categories": _encoded(_union(known.categories, case.categories)), "reach": max(known.reach, case.reach),
        "clauses": _encoded(_union(known.clauses, case.clauses)), "due_at": min(known.due_at, case.due_at),
        "degraded": int(known.degraded or case.degraded),
    }  # fmt: skip
    if reopened:
        values |= {
            "due_at": case.due_at, "opened_at": at, "version": known.version + 1, "claimed_by": None, "lease_until": 0,
            "queue": case.queue, "policy": case.policy or known.policy, "barred": None, "reports": 0, "weight": 0,
        }  # fmt: skip
    elif cause == "edit":
        # What was looked at is no longer what it says.
        values |= {"version": known.version + 1}
    if case.language:
        values["language"] = case.language
    if barred:
        values["barred"] = barred
    connection.execute(update(t.review_items).where(_is(tenant, message)).values(values))
    return load(connection, tenant, message)


def weigh(connection: Connection, tenant: str, message: str, weight: float, due_at: int) -> None:
    """One more report of a message, which counts for ``weight``; it comes up no later than ``due_at``."""
    thousandths = round(weight * 1_000)
    sooner = _smaller(c.due_at, due_at)
    connection.execute(
        update(t.review_items)
        .where(_is(tenant, message))
        .values(reports=c.reports + 1, weight=c.weight + thousandths, due_at=sooner)
    )


def _smaller(column: Any, value: int) -> Any:
    return when((column < value, column), else_=value)


def find(connection: Connection, tenant: str, message: str, *, lock: bool = False) -> Item | None:
    """The item of a message, if there is one; with ``lock`` nobody else changes it before the transaction ends."""
    query = select(t.review_items).where(_is(tenant, message))
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else item_of(row)


def load(connection: Connection, tenant: str, message: str, *, lock: bool = False) -> Item:
    """The item of a message. Raises NotFound."""
    item = find(connection, tenant, message, lock=lock)
    if item is None:
        raise NotFound("item")
    return item


def decide(connection: Connection, tenant: str, message: str, by: str, outcome: str, at: int) -> None:
    """A person has settled it."""
    connection.execute(
        update(t.review_items)
        .where(_is(tenant, message))
        .values(
            state="decided", decided_by=by, decided_at=at, outcome=outcome, claimed_by=None, lease_until=0, barred=None,
            version=c.version + 1,
        )
    )  # fmt: skip


def reopen(connection: Connection, tenant: str, message: str, before: Item, by: str, lease_until: int) -> None:
    """A decision was taken back: the item is as it was, claimed by who took it back."""
    connection.execute(
        update(t.review_items)
        .where(_is(tenant, message))
        .values(
            state=before.state, decided_by=before.decided_by or None, decided_at=before.decided_at,
            outcome=before.outcome, claimed_by=by if before.state == "open" else None,
            lease_until=lease_until if before.state == "open" else 0, barred=before.barred or None, queue=before.queue,
            version=c.version + 1,
        )
    )  # fmt: skip


def move(connection: Connection, tenant: str, message: str, queue: str) -> None:
    """Somebody else should decide: the item waits in another queue, for anybody."""
    connection.execute(
        update(t.review_items)
        .where(_is(tenant, message))
        .values(queue=queue, claimed_by=None, lease_until=0, version=c.version + 1)
    )


def stands(connection: Connection, tenant: str, current: Message, at: int, days: int) -> bool:
    """Whether a person's decision about the present words of a message still outranks automation."""
    item = find(connection, tenant, current.id)
    if item is None or not item.outcome:
        return False
    return item.decided_at >= (current.form.edited_at or current.form.at) and item.decided_at + days * DAY_MS > at


def page(
    connection: Connection, tenant: str, wanted: ItemFilter, at: int, after: tuple[int, str] | None = None,
    limit: int = PAGE,
) -> list[Item]:  # fmt: skip
    """The first items that match, in the order of the queue, after a place in it: its ``due_at`` and message.

    Decided items come by when they were decided, the newest first; a place among them is ``decided_at`` and message.
    """
    return [item_of(row) for row in connection.execute(paged(tenant, wanted, at, after, limit))]


def paged(
    tenant: str, wanted: ItemFilter, at: int, after: tuple[int, str] | None = None, limit: int = PAGE
) -> Select[Any]:
    """The query behind ``page``: along an index, from where the last page ended."""
    query = select(t.review_items).where(*matching(tenant, wanted, at)).limit(limit)
    if wanted.state == "decided":
        if after is not None:
            query = query.where(tuple_(c.decided_at, c.message) < tuple_(*after))
        return query.order_by(c.decided_at.desc(), c.message.desc())
    if after is not None:
        query = query.where(tuple_(c.due_at, c.message) > tuple_(*after))
    return query.order_by(c.due_at, c.message)


def matching(tenant: str, wanted: ItemFilter, at: int) -> list[ColumnElement[bool]]:
    """The conditions of a filter."""
    where = [c.tenant == tenant, c.state == ("decided" if wanted.state == "decided" else "open")]
    if wanted.state == "claimed":
        where.append(c.lease_until > at)
    elif wanted.state == "waiting":
        where.append(c.lease_until <= at)
    if wanted.queue:
        where.append(c.queue == wanted.queue)
    for value, column in ((wanted.cause, c.causes), (wanted.category, c.categories), (wanted.clause, c.clauses)):
        if value:
            where.append(column.contains(_json(value).decode(), autoescape=True))
    for value, column in (
        (wanted.language, c.language),
        (wanted.author, c.author),
        (wanted.conversation, c.conversation),
    ):
        if value:
            where.append(column == value)
    if wanted.claimed_by:
        where.append(and_(c.claimed_by == wanted.claimed_by, c.lease_until > at))
    if wanted.severity:
        where.append(c.severity >= wanted.severity)
    if wanted.opened_before:
        where.append(c.opened_at < wanted.opened_before)
    return where


def counts(connection: Connection, tenant: str, at: int) -> list[Count]:
    """How much waits, and where."""
    claimed = func.sum(_one(c.lease_until > at))
    overdue = func.sum(_one(c.due_at < at))
    rows = connection.execute(
        select(c.queue, c.severity, c.language, func.count().label("items"), claimed.label("claimed"),
               overdue.label("overdue"))
        .where(c.tenant == tenant, c.state == "open")
        .group_by(c.queue, c.severity, c.language)
        .order_by(c.queue, c.severity.desc(), c.language)
    )  # fmt: skip
    return [Count(r.queue, r.severity, r.language, r.items, int(r.claimed), int(r.overdue)) for r in rows]


def how_many(connection: Connection, tenant: str, wanted: ItemFilter, at: int) -> int:
    """How many items match."""
    query = select(func.count()).select_from(t.review_items).where(*matching(tenant, wanted, at))
    return int(connection.execute(query).scalar() or 0)


def of_author(connection: Connection, tenant: str, author: str, limit: int) -> list[Item]:
    """The newest items about somebody's messages."""
    query = select(t.review_items).where(c.tenant == tenant, c.author == author)
    return [item_of(row) for row in connection.execute(query.order_by(c.opened_at.desc()).limit(limit))]


def item_of(row: Row[Any]) -> Item:
    """The item in a row of the table."""
    return Item(
        message=row.message, conversation=row.conversation, author=row.author, state=row.state,
        causes=_words.decode(row.causes), queue=row.queue, severity=row.severity,
        categories=_words.decode(row.categories), clauses=_words.decode(row.clauses), language=row.language,
        policy=row.policy, degraded=bool(row.degraded), reach=row.reach, reports=row.reports,
        weight=row.weight / 1_000, opened_at=row.opened_at, due_at=row.due_at, version=row.version,
        claimed_by=row.claimed_by or "", claimed_at=row.claimed_at, lease_until=row.lease_until,
        barred=row.barred or "", decided_at=row.decided_at, decided_by=row.decided_by or "", outcome=row.outcome,
    )  # fmt: skip


def free_for(staff: str, at: int) -> ColumnElement[bool]:
    """Items on which this person may act now: of appeals only those about messages against which they decided nothing."""
    a = t.review_acts.c
    decided = select(a.id).where(
        a.tenant == c.tenant, a.message == c.message, a.actor == staff, a.undone_at == 0, a.outcome.in_(AGAINST)
    )
    may = or_(c.barred.is_(None), and_(c.barred != staff, ~decided.exists()))
    return and_(or_(c.lease_until <= at, c.claimed_by == staff), may)


def _one(condition: ColumnElement[bool]) -> Any:
    return when((condition, 1), else_=0)


def _first(
    tenant: str, conversation: str, message: str, author: str, cause: str, case: Case, at: int
) -> dict[str, Any]:
    return {
        "tenant": tenant, "message": message, "conversation": conversation, "author": author, "state": "open",
        "cause": cause, "causes": _encoded((cause,)), "reports": 0, "weight": 0, "created_at": at, "opened_at": at,
        "queue": case.queue, "severity": case.severity, "categories": _encoded(case.categories),
        "clauses": _encoded(case.clauses), "language": case.language, "policy": case.policy,
        "degraded": int(case.degraded), "reach": case.reach, "due_at": case.due_at, "version": 1, "claimed_at": 0,
        "lease_until": 0, "decided_at": 0, "outcome": "",
    }  # fmt: skip


def _union(some: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*some, *more)))


def _encoded(words: Sequence[str]) -> str:
    return _json(list(words)).decode()


def _is(tenant: str, message: str) -> ColumnElement[bool]:
    return (c.tenant == tenant) & (c.message == message)
