"""What was said, for those who go through all of it: conversation by conversation, in streams, without sorting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, select

from storage import tables as t

_ROWS = 500  # fetched at once
_CONVERSATIONS = 200  # whose logs are asked for at once
_KINDS = ("joined", "left", "setting", "posted", "edited")


def count(connection: Connection, tenant: str, kind: str, but: Sequence[str], since: int) -> int:
    """How many messages, new words for one and refusals a tenant has: of a kind of conversation, or of all but some."""
    e, r = t.events.c, t.refusals.c
    events = select(func.count()).select_from(_in_conversations(t.events, kind, but)).where(
        e.tenant == tenant, e.kind.in_(("posted", "edited")), e.at >= since
    )  # fmt: skip
    refusals = select(func.count()).select_from(_in_conversations(t.refusals, kind, but)).where(
        r.tenant == tenant, r.at >= since
    )  # fmt: skip
    return int(connection.execute(events).scalar_one()) + int(connection.execute(refusals).scalar_one())


def conversations(connection: Connection, tenant: str, kind: str, but: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The conversations by their ids, some at a time: each with ``id``, ``kind``, ``listing`` and ``stage``.

    Each time ends the transaction: while one lasts, nothing of what is written meanwhile can be tidied up by the database.
    """
    c = t.conversations.c
    query = select(c.id, c.kind, c.listing, c.stage).where(c.tenant == tenant).order_by(c.id)
    if kind:
        query = query.where(c.kind == kind)
    if but:
        query = query.where(c.kind.not_in(but))
    last = ""
    while page := {row.id: row for row in connection.execute(query.where(c.id > last).limit(_CONVERSATIONS))}:
        yield page
        connection.rollback()
        last = next(reversed(page))  # in the database's order, which need not be ours


def events(connection: Connection, tenant: str, conversations: Sequence[str]) -> Iterator[Row[Any]]:
    """Their logs with the words of each revision, in the order of the primary key."""
    e, w = t.events.c, t.texts.c
    words = and_(w.tenant == e.tenant, w.message == e.message, w.revision == e.seq)
    yield from _streamed(
        connection,
        select(e.conversation, e.seq, e.kind, e.actor, e.at, e.message, e.body, w.text)
        .select_from(t.events.outerjoin(t.texts, words))
        .where(e.tenant == tenant, e.conversation.in_(conversations), e.kind.in_(_KINDS))
        .order_by(e.conversation, e.seq),
    )


def refusals(connection: Connection, tenant: str, kind: str, but: Sequence[str], since: int) -> Iterator[Row[Any]]:
    """What was refused, with its words and what is known of its author and conversation by now."""
    r, w, c, m = t.refusals.c, t.texts.c, t.conversations.c, t.members.c
    words = and_(w.tenant == r.tenant, w.message == r.message, w.revision == 0)
    author = and_(m.tenant == r.tenant, m.conversation == r.conversation, m.participant == r.author)
    yield from _streamed(
        connection,
        select(
            r.message, r.conversation, r.author, r.at, r.decision, w.text, c.kind, c.listing, c.stage, m.role, m.lang
        )
        .select_from(_in_conversations(t.refusals, kind, but).outerjoin(t.texts, words).outerjoin(t.members, author))
        .where(r.tenant == tenant, r.at >= since),
    )


def _in_conversations(table: Any, kind: str, but: Sequence[str]) -> Any:
    c = t.conversations.c
    here = [c.tenant == table.c.tenant, c.id == table.c.conversation]
    if kind:
        here.append(c.kind == kind)
    if but:
        here.append(c.kind.not_in(but))
    return table.join(t.conversations, and_(*here))


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    options: dict[str, Any] = {"yield_per": _ROWS}
    yield from connection.execution_options(**options).execute(query)
