"""What was blocked: kept with the decision about it, because its author may appeal. It has no place in the log."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection, select

from policies.decision import Decision
from storage import tables as t
from storage.bulk import Bulk, Insert
from storage.values import Entry

_decision = msgspec.json.Decoder(Decision)


class Refused(msgspec.Struct, frozen=True):
    """A message that was not taken. ``text`` is empty where its author's words were erased."""

    message: str
    conversation: str
    author: str
    at: int
    text: str
    decision: Decision


_pardoned = Bulk(
    "SELECT DISTINCT r.n FROM {rows}"
    " JOIN appeals a ON a.tenant = r.tenant AND a.author = r.author AND a.state = 'overturned'"
    " JOIN refusals f ON f.tenant = a.tenant AND f.message = a.message AND f.author = r.author"
    " AND f.conversation = r.conversation"
    " JOIN texts w ON w.tenant = f.tenant AND w.message = f.message AND w.revision = 0 AND w.text = r.words",
    "n tenant conversation author words",
    numbers="n",
)
_insert_refusals, _insert_texts = Insert(t.refusals), Insert(t.texts)


def keep(connection: Connection, entries: Mapping[int, Entry]) -> set[int]:
    """Keep what is refused. Those are left out, and returned, of which a person has found that their author may say them here."""
    asked = [(n, e.tenant, e.conversation, e.author, e.text) for n, e in entries.items() if e.client_id]
    pardoned = {n for (n,) in _pardoned.run(connection, asked)} if asked else set()
    kept = [entry for n, entry in entries.items() if n not in pardoned]
    if kept:
        _insert_refusals.run(
            connection,
            [(e.tenant, e.id, e.conversation, e.author, e.at, msgspec.json.encode(e.decision).decode()) for e in kept],
        )
        _insert_texts.run(connection, [(e.tenant, e.id, 0, os.urandom(16).hex(), e.text) for e in kept])
    return pardoned


def find(connection: Connection, tenant: str, message: str) -> Refused | None:
    """What was blocked under this id."""
    r, w = t.refusals.c, t.texts.c
    row = connection.execute(
        select(t.refusals, w.text)
        .select_from(
            t.refusals.outerjoin(t.texts, (w.tenant == r.tenant) & (w.message == r.message) & (w.revision == 0))
        )
        .where(r.tenant == tenant, r.message == message)
    ).first()
    if row is None:
        return None
    return Refused(row.message, row.conversation, row.author, row.at, row.text or "", _decision.decode(row.decision))


def many(connection: Connection, tenant: str, messages: Sequence[str]) -> dict[str, str]:
    """The words of what was blocked, by id."""
    c = t.texts.c
    rows = connection.execute(
        select(c.message, c.text).where(c.tenant == tenant, c.message.in_(messages), c.revision == 0)
    )
    return {row.message: row.text for row in rows}
