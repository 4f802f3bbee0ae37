"""Erasing what a person has said: the words and the salts go, what is committed to stays, and every chain still holds.

What stays, because it is under the chain of a conversation or is the platform's own: that there was a message and what was
decided about it, the names and addresses of attachments, reactions, display names.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, delete, select, update

from storage import log
from storage import tables as t

ERASED = "erased"  # the kind of the event by which readers learn that a message is gone
BY = "operator"
MESSAGES = 50  # in one transaction: who writes in the conversation waits meanwhile


class Erased(msgspec.Struct, frozen=True):
    """How much was erased: texts of messages, of refusals, and notes (to reports, appeals, invitations, ratings)."""

    texts: int = 0
    refusals: int = 0
    notes: int = 0


def conversations_of(connection: Connection, tenant: str, participant: str) -> list[str]:
    """All in which somebody is or was a member."""
    m = t.members.c
    rows = connection.execute(
        select(m.conversation).where(m.tenant == tenant, m.participant == participant).order_by(m.conversation)
    )
    return [row.conversation for row in rows]


def in_conversation(
    connection: Connection, tenant: str, conversation: str, participant: str, at: int, after: int = 0
) -> tuple[int, int | None]:
    """Erase the next messages after a ``seq`` that somebody has written in a conversation, and tell its readers of it.

    How many texts that were, and the ``seq`` of the last message; None when there was none left.
    """
    log.lock(connection, tenant, conversation)
    m, w = t.messages.c, t.texts.c
    theirs = (m.tenant == tenant) & (m.conversation == conversation) & (m.author == participant) & (m.seq > after)
    rows = connection.execute(select(m.id, m.seq).where(theirs).order_by(m.seq).limit(MESSAGES)).all()
    erased = 0
    for id, _ in rows:
        gone = connection.execute(delete(t.texts).where(w.tenant == tenant, w.message == id))
        erased += gone.rowcount
        current = log.message(connection, tenant, conversation, id)
        if current.form.state != "removed":
            form = msgspec.structs.replace(
                current.form, state="removed", unseen=current.form.state == "held", attachments=()
            )
            log.change(connection, tenant, current, ERASED, BY, at, form)
    return erased, rows[-1].seq if rows else None


def elsewhere(connection: Connection, tenant: str, participant: str) -> Erased:
    """Erase what somebody has said outside of any log: what was refused, and the notes that they wrote."""
    r, w = t.refusals.c, t.texts.c
    refused = select(r.message).where(r.tenant == tenant, r.author == participant)
    refusals = connection.execute(
        delete(t.texts).where(w.tenant == tenant, w.revision == 0, w.message.in_(refused))
    ).rowcount
    notes = 0
    for table, whose in (
        (t.reports, t.reports.c.reporter),
        (t.appeals, t.appeals.c.author),
        (t.invitations, t.invitations.c.by),
        (t.ratings, t.ratings.c.participant),
    ):
        notes += _blank(connection, table, and_(table.c.tenant == tenant, whose == participant))
    return Erased(0, refusals, notes)


def _blank(connection: Connection, table: Table, theirs: ColumnElement[bool]) -> int:
    return connection.execute(update(table).where(theirs, table.c.note != "").values(note="")).rowcount
