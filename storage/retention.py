"""Letting go of conversations that have ended long ago: whole ones, so that the chain of every one that remains still holds.

What stays is the tenant's and the persons', not the conversation's: strikes and sanctions until they end, counts, the audit log.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Table, and_, delete, exists, func, or_, select, tuple_

from storage import tables as t
from storage.invitations import OPEN

LOOKED_AT = 200  # conversations in one transaction that looks for old ones
LET_GO = 20  # in one that deletes: others wait to write meanwhile

Place = tuple[str, str]  # tenant and conversation


class Gone(msgspec.Struct):
    """How much is, or would be, gone: conversations and their events, of one tenant."""

    conversations: int = 0
    events: int = 0


def some(connection: Connection, after: Place, before: int) -> tuple[Place | None, list[Place]]:
    """Of the next conversations after one, those in which nothing has happened since ``before`` (ms) and nothing is left to do.

    Beside them the last that was looked at, None when there was none left.
    """
    c = t.conversations.c
    rows = connection.execute(
        select(c.tenant, c.id).where(tuple_(c.tenant, c.id) > after).order_by(c.tenant, c.id).limit(LOOKED_AT)
    ).all()
    places = [(row.tenant, row.id) for row in rows]
    return (places[-1] if places else None), _over(connection, places, before)


def _over(connection: Connection, places: list[Place], before: int) -> list[Place]:
    c, e, r, i = t.conversations.c, t.events.c, t.review_items.c, t.invitations.c
    if not places:
        return []
    newest = and_(e.tenant == c.tenant, e.conversation == c.id, e.seq == c.last_seq)
    waits = exists().where(r.tenant == c.tenant, r.conversation == c.id, r.state == "open")
    invited = exists().where(i.tenant == c.tenant, i.conversation == c.id, i.state.in_(OPEN))
    rows = connection.execute(
        select(c.tenant, c.id)
        .select_from(t.conversations.outerjoin(t.events, newest))
        .where(tuple_(c.tenant, c.id).in_(places), func.coalesce(e.at, c.created_at) < before, ~waits, ~invited)
        .order_by(c.tenant, c.id)
    )
    return [(row.tenant, row.id) for row in rows]


def events_of(connection: Connection, place: Place) -> int:
    """How many events a conversation has."""
    e = t.events.c
    query = select(func.count()).select_from(t.events).where(e.tenant == place[0], e.conversation == place[1])
    return int(connection.execute(query).scalar_one())


def let_go(connection: Connection, places: list[Place], before: int) -> list[tuple[Place, int]]:
    """Delete these conversations with all that was about them; which there were, each with its number of events.

    Looked at again under their locks: one in which something has happened meanwhile stays.
    """
    c = t.conversations.c
    connection.execute(
        select(c.id).where(tuple_(c.tenant, c.id).in_(places)).order_by(c.tenant, c.id).with_for_update()
    ).all()
    return [(place, _delete(connection, *place)) for place in _over(connection, places, before)]


def _delete(connection: Connection, tenant: str, conversation: str) -> int:
    m, r, i, w = t.messages.c, t.refusals.c, t.invitations.c, t.texts.c
    posted = select(m.id).where(m.tenant == tenant, m.conversation == conversation)
    refused = select(r.message).where(r.tenant == tenant, r.conversation == conversation)
    invited = select(i.id).where(i.tenant == tenant, i.conversation == conversation)
    for table in (t.appeals, t.second_looks, t.golden_items, t.review_items):
        _drop(connection, table, tenant, or_(table.c.message.in_(posted), table.c.message.in_(refused)))
    _drop(connection, t.texts, tenant, or_(w.message.in_(posted), w.message.in_(refused)))
    for table in (t.consents, t.ratings):
        _drop(connection, table, tenant, table.c.invitation.in_(invited))
    for table in (
        t.reports, t.review_acts, t.notices, t.suggestions_off, t.refusals, t.invitations, t.members, t.messages,
    ):  # fmt: skip
        _drop(connection, table, tenant, table.c.conversation == conversation)
    events = _drop(connection, t.events, tenant, t.events.c.conversation == conversation)
    _drop(connection, t.conversations, tenant, t.conversations.c.id == conversation)
    return events


def _drop(connection: Connection, table: Table, tenant: str, which: Any) -> int:
    return connection.execute(delete(table).where(table.c.tenant == tenant, which)).rowcount
