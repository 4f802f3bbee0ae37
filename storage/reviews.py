"""What waits for a person: refusals kept for an appeal, reports and appeals. One item a message, whatever fired."""

from __future__ import annotations

import os

import msgspec
from sqlalchemy import Connection, insert, select, update

from policies.decision import Decision
from storage import tables as t
from storage.errors import NotFound, Stale


def record_refusal(
    connection: Connection, tenant: str, conversation: str, message: str, author: str, text: str, decision: Decision,
    at: int,
) -> None:  # fmt: skip
    """Keep what was blocked with the decision about it; it has no place in the log, but its author may appeal."""
    connection.execute(
        insert(t.refusals).values(
            tenant=tenant, message=message, conversation=conversation, author=author, at=at,
            decision=msgspec.json.encode(decision).decode(),
        )
    )  # fmt: skip
    connection.execute(
        insert(t.texts).values(tenant=tenant, message=message, revision=0, salt=os.urandom(16).hex(), text=text)
    )


def report(
    connection: Connection, tenant: str, conversation: str, message: str, reporter: str, reason: str, note: str, at: int
) -> None:
    """Count a report towards the message's item. Raises Stale when this reporter has reported it already."""
    key = (t.reports.c.tenant == tenant) & (t.reports.c.message == message) & (t.reports.c.reporter == reporter)
    if connection.execute(select(t.reports.c.at).where(key)).first():
        raise Stale("message", "reported")
    connection.execute(
        insert(t.reports).values(
            tenant=tenant,
            message=message,
            reporter=reporter,
            conversation=conversation,
            reason=reason,
            note=note,
            at=at,
        )
    )
    open_item(connection, tenant, conversation, message, "report", at)
    item = (t.review_items.c.tenant == tenant) & (t.review_items.c.message == message)
    connection.execute(update(t.review_items).where(item).values(reports=t.review_items.c.reports + 1))


def appeal(connection: Connection, tenant: str, message: str, author: str, note: str, at: int) -> None:
    """Ask for a second look at what was decided about one's own message.

    Raises NotFound when there is no decision about a message of this author, Stale when it is under appeal already.
    """
    found = None
    for table, id in ((t.messages, t.messages.c.id), (t.refusals, t.refusals.c.message)):
        mine = select(table.c.conversation).where(table.c.tenant == tenant, id == message, table.c.author == author)
        found = found or connection.execute(mine).scalar()
    if found is None:
        raise NotFound("decision")
    key = (t.appeals.c.tenant == tenant) & (t.appeals.c.message == message)
    if connection.execute(select(t.appeals.c.at).where(key)).first():
        raise Stale("decision", "under appeal")
    connection.execute(
        insert(t.appeals).values(tenant=tenant, message=message, author=author, note=note, state="open", at=at)
    )
    open_item(connection, tenant, found, message, "appeal", at)


def open_item(connection: Connection, tenant: str, conversation: str, message: str, cause: str, at: int) -> None:
    """Put a message before a person, unless it waits for one already. ``cause`` is a verdict, ``report`` or ``appeal``."""
    key = (t.review_items.c.tenant == tenant) & (t.review_items.c.message == message)
    if connection.execute(update(t.review_items).where(key).values(state="open")).rowcount == 0:
        connection.execute(
            insert(t.review_items).values(
                tenant=tenant, message=message, conversation=conversation, state="open", cause=cause, reports=0,
                created_at=at,
            )
        )  # fmt: skip


def close_item(connection: Connection, tenant: str, message: str) -> None:
    """A person has settled it."""
    key = (t.review_items.c.tenant == tenant) & (t.review_items.c.message == message)
    connection.execute(update(t.review_items).where(key).values(state="closed"))
