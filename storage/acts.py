"""What people of the staff did about messages and their authors, with all that is needed to take it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from storage import tables as t
from storage.errors import NotFound, Stale
from storage.review_items import Item
from storage.values import Form, Member

c = t.review_acts.c
_json = msgspec.json.Encoder().encode


class Trace(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an act found and changed. ``item`` is the item before it, ``before`` and ``after`` the message's form.

    ``seq`` is the change's place in the log and ``revision`` that of the words it was about. ``reporters`` were answered by it,
    ``strikes``, ``sanctions`` and ``notices`` taken back by it (ids), ``left`` was removed from the conversation, ``back`` was let
    in again.
    """

    item: Item
    before: Form | None = None
    after: Form | None = None
    seq: int = 0
    revision: int = 0
    reporters: tuple[str, ...] = ()
    appeal: str = ""
    strikes: tuple[str, ...] = ()
    sanctions: tuple[str, ...] = ()
    left: Member | None = None
    notices: tuple[str, ...] = ()
    back: Member | None = None


class Acted(msgspec.Struct, frozen=True):
    """An act as it is kept. ``acts`` is a list of ``moderation.review.acting.Act`` in JSON.

    ``verdict`` and ``causes`` tell what had brought the message here, ``category``, ``severity`` and ``language`` what it was.
    """

    id: str
    actor: str
    request: str
    batch: str
    message: str
    conversation: str
    author: str
    at: int
    outcome: str
    acts: str
    reason: str
    clause: str
    policy: str
    category: str
    severity: int
    language: str
    verdict: str
    causes: str
    queue: str
    opened_at: int
    claimed_at: int
    trace: Trace
    undone_at: int = 0
    undone_by: str = ""


_trace = msgspec.json.Decoder(Trace)


def add(connection: Connection, tenant: str, acted: Acted) -> None:
    """Keep an act. Raises Stale when its request was used for another, be it a moment ago and elsewhere."""
    values = {name: getattr(acted, name) for name in acted.__struct_fields__ if name != "trace"}
    values |= {"batch": acted.batch or None, "undone_by": None, "body": _json(acted.trace).decode()}
    try:
        connection.execute(insert(t.review_acts).values(tenant=tenant, **values))
    except IntegrityError as problem:
        raise Stale("request", "used for something else") from problem


def load(connection: Connection, tenant: str, id: str, *, lock: bool = False) -> Acted:
    """An act. Raises NotFound."""
    query = select(t.review_acts).where(c.tenant == tenant, c.id == id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound("act")
    return _row(row)


def by_request(connection: Connection, tenant: str, actor: str, request: str) -> Acted | None:
    """What somebody did under a mark of their own."""
    where = (c.tenant == tenant) & (c.actor == actor) & (c.request == request)
    row = connection.execute(select(t.review_acts).where(where)).first()
    return None if row is None else _row(row)


def of_message(connection: Connection, tenant: str, message: str) -> list[Acted]:
    """All acts about a message, the oldest first."""
    return _all(connection, (c.tenant == tenant) & (c.message == message), c.at, c.id)


def of_author(connection: Connection, tenant: str, author: str, limit: int) -> list[Acted]:
    """The newest acts about somebody's messages."""
    where = (c.tenant == tenant) & (c.author == author)
    rows = connection.execute(select(t.review_acts).where(where).order_by(c.at.desc(), c.id.desc()).limit(limit))
    return [_row(row) for row in rows]


def of_batch(connection: Connection, tenant: str, batch: str) -> list[Acted]:
    """The acts of one go, the oldest first."""
    return _all(connection, (c.tenant == tenant) & (c.batch == batch), c.at, c.id)


def last_decision(connection: Connection, tenant: str, message: str) -> Acted | None:
    """The last decision of a person about a message that was not taken back; notes and escalations decide nothing."""
    where = (c.tenant == tenant) & (c.message == message) & (c.undone_at == 0)
    where &= c.outcome.notin_(("note", "escalate"))
    row = connection.execute(select(t.review_acts).where(where).order_by(c.at.desc(), c.id.desc()).limit(1)).first()
    return None if row is None else _row(row)


def undo(connection: Connection, tenant: str, id: str, by: str, at: int) -> None:
    """Mark an act as taken back."""
    connection.execute(update(t.review_acts).where(c.tenant == tenant, c.id == id).values(undone_at=at, undone_by=by))


def _all(connection: Connection, where: ColumnElement[bool], *order: Any) -> list[Acted]:
    return [_row(row) for row in connection.execute(select(t.review_acts).where(where).order_by(*order))]


def _row(row: Any) -> Acted:
    given: Sequence[str] = [name for name in Acted.__struct_fields__ if name not in ("trace", "batch", "undone_by")]
    return Acted(
        **{name: getattr(row, name) for name in given}, batch=row.batch or "", undone_by=row.undone_by or "",
        trace=_trace.decode(row.body),
    )  # fmt: skip
