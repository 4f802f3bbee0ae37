"""Conversations, their settings and members, each change an event of the log in the same transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, insert, select, tuple_, update

from rules.types import Role, Stage
from storage import invitations, log
from storage import tables as t
from storage.bulk import Insert
from storage.errors import NotFound, Stale
from storage.values import Conversation, LogItem, Member

_insert_events, _insert_members = Insert(t.events), Insert(t.members)


def create(connection: Connection, conversation: Conversation, members: Sequence[Member]) -> list[LogItem]:
    """Make a conversation with its first members. Raises Stale when the id is taken."""
    tenant, id, at = conversation.tenant, conversation.id, conversation.created_at
    key = (t.conversations.c.tenant == tenant) & (t.conversations.c.id == id)
    if connection.execute(select(t.conversations.c.id).where(key)).first():
        raise Stale("conversation", "there")
    head, items, events = log.GENESIS, [], []
    for seq, member in enumerate(members, 1):
        body = _presented(member)
        encoded = msgspec.json.encode(body).decode()
        head = log.link(head, tenant, id, seq, "joined", member.id, at, "", encoded, "")
        events.append((tenant, id, seq, "joined", member.id, at, None, encoded, None, head))
        items.append(LogItem(seq, "joined", member.id, at, None, body))
    connection.execute(
        insert(t.conversations).values(
            tenant=tenant, id=id, title=conversation.title, listing=conversation.listing, stage=conversation.stage,
            kind=conversation.kind, last_seq=len(members), head=head, created_at=at,
        )
    )  # fmt: skip
    if members:
        _insert_events.run(connection, events)
        _insert_members.run(
            connection,
            [
                (tenant, id, m.id, m.name, m.role, m.lang, seq, None, 0, 0, at, m.account_created_at)
                for seq, m in enumerate(members, 1)
            ],
        )
    return items


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
        tenant=tenant, id=id, title=row.title, listing=row.listing, stage=Stage(row.stage), kind=row.kind,
        last_seq=row.last_seq, created_at=row.created_at,
        members=tuple(
            _as_member(m)
            for m in members
        ),
        invitation=invitations.latest(connection, tenant, id),
    )  # fmt: skip


def of_participant(
    connection: Connection, tenant: str, participant: str, limit: int, among: Collection[str] | None = None
) -> list[str]:
    """The ids of the conversations that somebody is in, newest first; only those ``among`` the given ones, if any are."""
    c, m = t.conversations.c, t.members.c
    query = (
        select(c.id)
        .join(t.members, (m.tenant == c.tenant) & (m.conversation == c.id))
        .where(m.tenant == tenant, m.participant == participant, m.left_seq.is_(None))
        .order_by(c.created_at.desc())
        .limit(limit)
    )
    if among is not None:
        query = query.where(c.id.in_(among))
    return [row.id for row in connection.execute(query)]


def join(connection: Connection, tenant: str, conversation: str, member: Member, at: int) -> LogItem:
    """Make somebody a member; who left may come back, to what they had read. Raises NotFound, or Stale if they are in it."""
    where = _member(tenant, conversation, member.id)
    found = connection.execute(
        select(t.members.c.left_seq, t.members.c.read_seq, t.members.c.muted_until).where(where)
    ).first()
    if found is not None and found.left_seq is None:
        raise Stale("participant", "a member")
    body = _presented(member)
    if found is not None:
        body |= {"read": found.read_seq, "muted_until": found.muted_until}
    seq = log.append(connection, tenant, conversation, "joined", member.id, at, body)
    values = {"name": member.name, "role": member.role, "lang": member.lang, "joined_seq": seq, "left_seq": None,
              "joined_at": at, "account_created_at": member.account_created_at}  # fmt: skip
    if found is None:
        connection.execute(
            insert(t.members).values(
                tenant=tenant, conversation=conversation, participant=member.id, read_seq=0, muted_until=0, **values
            )
        )
    else:
        connection.execute(update(t.members).where(where).values(**values))
    return LogItem(seq, "joined", member.id, at, None, body)


def leave(connection: Connection, tenant: str, conversation: str, participant: str, by: str, at: int) -> list[LogItem]:
    """End a membership. ``by`` is who removed them, empty if they left by themselves. Raises NotFound.

    An invitation ends with the agent who attended it, and one that still waits with the participant who made it.
    """
    where = _member(tenant, conversation, participant) & t.members.c.left_seq.is_(None)
    if connection.execute(select(t.members.c.participant).where(where)).first() is None:
        raise NotFound("participant")
    items = []
    invitation = invitations.latest(connection, tenant, conversation)
    if invitation is not None and participant == {"joined": invitation.agent, "requested": invitation.by}.get(
        invitation.state
    ):
        items.append(invitations.close(connection, tenant, invitation.id, participant, at))
    body = {"by": by}
    seq = log.append(connection, tenant, conversation, "left", participant, at, body)
    connection.execute(update(t.members).where(where).values(left_seq=seq))
    return [*items, LogItem(seq, "left", participant, at, None, body)]


def last_seqs(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The newest seq of each conversation, by tenant and id; those that are not there are left out."""
    c = t.conversations.c
    query = select(c.tenant, c.id, c.last_seq).where(tuple_(c.tenant, c.id).in_(keys))
    return {(row.tenant, row.id): row.last_seq for row in connection.execute(query)}


def joined_since(connection: Connection, people: Sequence[tuple[str, str]], at: int) -> list[tuple[str, str, str]]:
    """Memberships that have begun since ``at`` and still last, of participants given by tenant and id.

    Each as tenant, conversation and participant.
    """
    c = t.members.c
    query = select(c.tenant, c.conversation, c.participant).where(
        tuple_(c.tenant, c.participant).in_(people), c.left_seq.is_(None), c.joined_at >= at
    )
    return [(row.tenant, row.conversation, row.participant) for row in connection.execute(query)]


def require_member(connection: Connection, tenant: str, conversation: str, participant: str) -> None:
    """Raises NotFound when somebody is not, or no longer, in a conversation."""
    where = _member(tenant, conversation, participant) & t.members.c.left_seq.is_(None)
    if connection.execute(select(t.members.c.participant).where(where)).first() is None:
        raise NotFound("conversation")


def title(connection: Connection, tenant: str, id: str) -> str:
    """The title of a conversation. Raises NotFound."""
    c = t.conversations.c
    found = connection.execute(select(c.title).where(c.tenant == tenant, c.id == id)).scalar()
    if found is None:
        raise NotFound("conversation")
    return str(found)


def member(connection: Connection, tenant: str, conversation: str, participant: str) -> Member | None:
    """Somebody as a member of a conversation, who may have left; None for who never was one."""
    m = connection.execute(select(t.members).where(_member(tenant, conversation, participant))).first()
    return None if m is None else _as_member(m)


def members_of(connection: Connection, tenant: str, conversations: Sequence[str]) -> dict[tuple[str, str], Member]:
    """All who are or were members, by conversation and id."""
    c = t.members.c
    rows = connection.execute(select(t.members).where(c.tenant == tenant, c.conversation.in_(conversations)))
    return {(row.conversation, row.participant): _as_member(row) for row in rows}


def names(
    connection: Connection, tenant: str, wanted: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Name and role of members, given by conversation and id; those who left too."""
    m = t.members.c
    rows = connection.execute(
        select(m.conversation, m.participant, m.name, m.role).where(
            m.tenant == tenant, tuple_(m.conversation, m.participant).in_(wanted)
        )
    )
    return {(row.conversation, row.participant): (row.name, row.role) for row in rows}


def titles(connection: Connection, tenant: str, ids: Sequence[str]) -> dict[str, str]:
    """The titles of conversations, by id."""
    c = t.conversations.c
    rows = connection.execute(select(c.id, c.title).where(c.tenant == tenant, c.id.in_(ids)))
    return {row.id: row.title for row in rows}


def how_many_of(connection: Connection, tenant: str, participant: str) -> int:
    """How many conversations somebody is or was a member of."""
    m = t.members.c
    query = select(func.count()).select_from(t.members).where(m.tenant == tenant, m.participant == participant)
    return int(connection.execute(query).scalar() or 0)


def all_of(connection: Connection, tenant: str, participant: str, limit: int) -> list[tuple[str, str, str, int, bool]]:
    """The newest conversations that somebody is or was in: id, title, stage, last seq, and whether they have left."""
    c, m = t.conversations.c, t.members.c
    rows = connection.execute(
        select(c.id, c.title, c.stage, c.last_seq, m.left_seq)
        .join(t.members, (m.tenant == c.tenant) & (m.conversation == c.id))
        .where(m.tenant == tenant, m.participant == participant)
        .order_by(c.created_at.desc())
        .limit(limit)
    )
    return [(row.id, row.title, row.stage, row.last_seq, row.left_seq is not None) for row in rows]


def exists(connection: Connection, tenant: str, id: str) -> bool:
    """Whether a tenant has this conversation."""
    c = t.conversations.c
    return connection.execute(select(c.id).where(c.tenant == tenant, c.id == id)).first() is not None


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


def _presented(member: Member) -> dict[str, Any]:
    """What the log tells of somebody who joins."""
    body: dict[str, Any] = {"name": member.name, "role": member.role, "lang": member.lang}
    return body | {"account_created_at": member.account_created_at} if member.account_created_at else body


def _member(tenant: str, conversation: str, participant: str) -> ColumnElement[bool]:
    c = t.members.c
    return (c.tenant == tenant) & (c.conversation == conversation) & (c.participant == participant)


def _as_member(row: Any) -> Member:
    return Member(
        row.participant, row.name, Role(row.role), row.lang, row.joined_seq, row.left_seq or 0, row.read_seq,
        row.muted_until, row.account_created_at,
    )  # fmt: skip
