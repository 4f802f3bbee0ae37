"""Decisions about a message, read from the events that they live in; those about what was blocked, from ``refusals``."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from policies.decision import Decision
from storage import refusals
from storage import tables as t
from storage.errors import NotFound


class Decided(msgspec.Struct, frozen=True):
    """A decision, and the event that it came with. ``kind`` is ``refused`` for what was blocked; ``seq`` is 0 then.

    ``dropped`` is what automation wanted while a person's decision stood. ``received_by`` had got what a late one withdrew.
    """

    seq: int
    kind: str
    at: int
    actor: str
    decision: Decision
    received_by: tuple[str, ...] = ()


class _Body(msgspec.Struct):
    decision: Decision | None = None
    received_by: tuple[str, ...] = ()


_body = msgspec.json.Decoder(_Body)


def about(connection: Connection, tenant: str, message: str) -> list[Decided]:
    """All decisions about a message, the oldest first. Raises NotFound for a message that is none."""
    m, e = t.messages.c, t.events.c
    place = connection.execute(select(m.conversation, m.seq).where(m.tenant == tenant, m.id == message)).first()
    if place is None:
        refused = refusals.find(connection, tenant, message)
        if refused is None:
            raise NotFound("message")
        return [Decided(0, "refused", refused.at, refused.author, refused.decision)]
    rows = connection.execute(
        select(e.seq, e.kind, e.at, e.actor, e.body)
        .where(e.tenant == tenant, e.conversation == place.conversation, e.seq >= place.seq, e.message == message)
        .order_by(e.seq)
    )
    decided = []
    for row in rows:
        body = _body.decode(row.body)
        if body.decision is not None:
            decided.append(Decided(row.seq, row.kind, row.at, row.actor, body.decision, body.received_by))
    return decided


def in_force(decided: list[Decided]) -> Decided:
    """Of all decisions about a message the last that took effect. Raises NotFound when there is none."""
    for one in reversed(decided):
        if one.kind != "dropped":
            return one
    raise NotFound("decision")


def judged(decided: list[Decided]) -> Decided:
    """Of all decisions about a message the last one of automation about its present words. Raises NotFound."""
    for one in reversed(decided):
        if one.decision.by == "policy":
            return one
    raise NotFound("decision")
