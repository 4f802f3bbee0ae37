"""What was blocked: kept with the decision about it, because its author may appeal. It has no place in the log."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, insert, select

from policies.decision import Decision
from storage import tables as t

_decision = msgspec.json.Decoder(Decision)


class Refused(msgspec.Struct, frozen=True):
    """A message that was not taken. ``text`` is empty where its author's words were erased."""

    message: str
    conversation: str
    author: str
    at: int
    text: str
    decision: Decision


def record(
    connection: Connection, tenant: str, conversation: str, message: str, author: str, text: str, decision: Decision,
    at: int,
) -> None:  # fmt: skip
    """Keep what was blocked."""
    connection.execute(
        insert(t.refusals).values(
            tenant=tenant, message=message, conversation=conversation, author=author, at=at,
            decision=msgspec.json.encode(decision).decode(),
        )
    )  # fmt: skip
    connection.execute(
        insert(t.texts).values(tenant=tenant, message=message, revision=0, salt=os.urandom(16).hex(), text=text)
    )


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


def pardoned(connection: Connection, tenant: str, conversation: str, author: str, text: str) -> bool:
    """Whether a person has found, on appeal, that these very words of this author may be said here."""
    r, a, w = t.refusals.c, t.appeals.c, t.texts.c
    found = connection.execute(
        select(r.message)
        .select_from(
            t.refusals.join(t.appeals, (a.tenant == r.tenant) & (a.message == r.message)).join(
                t.texts, (w.tenant == r.tenant) & (w.message == r.message) & (w.revision == 0)
            )
        )
        .where(
            r.tenant == tenant, r.author == author, r.conversation == conversation, a.author == author,
            a.state == "overturned", w.text == text,
        )
        .limit(1)
    ).first()  # fmt: skip
    return found is not None
