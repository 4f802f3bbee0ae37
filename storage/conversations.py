"""Conversations, their settings and members, each change an event of the log in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from rules.types import Role, Stage
from storage import invitations, log
from storage import tables as t
from storage.errors import NotFound, Stale
from storage.values import Conversation, LogItem, Member


def create(connection: Connection, conversation: Conversation, members: Sequence[Member]) -> list[LogItem]:
    """Make a conversation with its first members. Raises Stale when the id is taken."""
    key = (t.conversations.c.tenant == conversation.tenant) & (t.conversations.c.id == conversation.id)
    if connection.execute(select(t.conversations.c.id).where(key)).first():
        raise Stale("conversation", "there")
    connection.execute(
        insert(t.conversations).values(
            tenant=conversation.tenant, id=conversation.id, title=conversation.title, listing=conversation.listing,
            stage=conversation.stage, policy=conversation.policy, last_seq=0, head=log.GENESIS,
            created_at=conversation.created_at,
        )
    )  # fmt: skip
    return [
        join(connection, conversation.tenant, conversation.id, member, conversation.created_at)[0] for member in members
    ]


def load(connection: Connection, tenant: str, id: str) -> Conversation:
    """A conversation as it stands. Raises NotFound."""
    row = connection.execute(
        select(t.conversations).where(t.conversations.c.tenant == tenant, t.conversations.c.id == id)
    ).first()
    if row is None:
        raise NotFound("conversation")
    members = connection.execute(
        select(t.members)
        .where(t.members.c.tenant == tenant, t.members.c.conversation == id)
        .order_by(t.members.c.joined_seq)
    )
    return Conversation(
        tenant=tenant, id=id, title=row.title, listing=row.listing, stage=Stage(row.stage), policy=row.policy,
        last_seq=row.last_seq, created_at=row.created_at,
        members=tuple(
            Member(m.participant, m.name, Role(m.role), m.lang, m.joined_seq, m.left_seq or 0, m.read_seq, m.muted_until)
            for m in members
        ),
        invitation=invitations.latest(connection, tenant, id),
    )  # fmt: skip


def of_participant(connection: Connection, tenant: str, participant: str, limit: int) -> list[str]:
    """The ids of the conversations that somebody is in, newest first."""
    rows = connection.execute(
        select(t.conversations.c.id)
        .join(
            t.members,
            (t.members.c.tenant == t.conversations.c.tenant) & (t.members.c.conversation == t.conversations.c.id),
        )
        .where(t.members.c.tenant == tenant, t.members.c.participant == participant, t.members.c.left_seq.is_(None))
        .order_by(t.conversations.c.created_at.desc())
        .limit(limit)
    )
    return [row.id for row in rows]


def join(connection: Connection, tenant: str, conversation: str, member: Member, at: int) -> tuple[LogItem, Member]:
    """Make somebody a member; who left may come back. Raises NotFound, or Stale when they are in it already."""
    where = _member(tenant, conversation, member.id)
    found = connection.execute(select(t.members.c.left_seq).where(where)).first()
    if found is not None and found.left_seq is None:
        raise Stale("participant", "a member")
    body = {"name": member.name, "role": member.role, "lang": member.lang}
    seq = log.append(connection, tenant, conversation, "joined", member.id, at, body)
    values = {**body, "joined_seq": seq, "left_seq": None}
    if found is None:
        connection.execute(
            insert(t.members).values(
                tenant=tenant, conversation=conversation, participant=member.id, read_seq=0, muted_until=0, **values
            )
        )
    else:
        connection.execute(update(t.members).where(where).values(**values))
    joined = Member(member.id, member.name, member.role, member.lang, joined_seq=seq)
    return LogItem(seq, "joined", member.id, at, None, body), joined


def leave(connection: Connection, tenant: str, conversation: str, participant: str, by: str, at: int) -> LogItem:
    """End a membership. ``by`` is who removed them, empty if they left by themselves. Raises NotFound."""
    where = _member(tenant, conversation, participant) & t.members.c.left_seq.is_(None)
    if connection.execute(select(t.members.c.participant).where(where)).first() is None:
        raise NotFound("participant")
    body = {"by": by}
    seq = log.append(connection, tenant, conversation, "left", participant, at, body)
    connection.execute(update(t.members).where(where).values(left_seq=seq))
    return LogItem(seq, "left", participant, at, None, body)


def move(
    connection: Connection, tenant: str, id: str, title: str, listing: str | None, stage: Stage, actor: str, at: int
) -> LogItem:
    """Give a conversation another title, listing or stage. Raises NotFound."""
    body = {"title": title, "listing": listing, "stage": stage}
    seq = log.append(connection, tenant, id, "setting", actor, at, body)
    connection.execute(
        update(t.conversations)
        .where(t.conversations.c.tenant == tenant, t.conversations.c.id == id)
        .values(title=title, listing=listing, stage=stage)
    )
    return LogItem(seq, "setting", actor, at, None, body)


def mark_read(connection: Connection, marks: Sequence[tuple[str, str, str, int]]) -> None:
    """Move read marks forward, never back: (tenant, conversation, participant, seq) each."""
    for tenant, conversation, participant, seq in marks:
        connection.execute(
            update(t.members)
            .where(_member(tenant, conversation, participant), t.members.c.read_seq < seq)
            .values(read_seq=seq)
        )


def _member(tenant: str, conversation: str, participant: str):  # type: ignore[no-untyped-def]
    c = t.members.c
    return (c.tenant == tenant) & (c.conversation == conversation) & (c.participant == participant)
