"""Invitations of the brand, the consents given to them and the ratings left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, insert, select, update

from storage import log
from storage import tables as t
from storage.errors import NotFound, Stale
from storage.values import LogItem, StoredInvitation

OPEN = ("requested", "joined")


def create(connection: Connection, tenant: str, invitation: StoredInvitation) -> LogItem:
    """Invite the brand. Raises Stale when an invitation of this conversation is open already."""
    current = latest(connection, tenant, invitation.conversation)
    if current is not None and current.state in OPEN:
        raise Stale("invitation", current.state)
    connection.execute(
        insert(t.invitations).values(
            tenant=tenant, id=invitation.id, conversation=invitation.conversation, state="requested",
            by=invitation.by, topic=invitation.topic, note=invitation.note, created_at=invitation.created_at,
        )
    )  # fmt: skip
    for participant, scopes in invitation.consents.items():
        _consent(connection, tenant, invitation.id, participant, scopes, invitation.created_at)
    return _told(connection, tenant, invitation.id, invitation.by, invitation.created_at)


def accept(
    connection: Connection, tenant: str, id: str, agent: str, agent_name: str, joined_seq: int, at: int
) -> LogItem:
    """An agent takes it; ``joined_seq`` is where their sight begins. Raises Stale when another was first."""
    _move(connection, tenant, id, ("requested",), state="joined", agent=agent, agent_name=agent_name, joined_at=at,
          joined_seq=joined_seq)  # fmt: skip
    return _told(connection, tenant, id, agent, at)


def close(connection: Connection, tenant: str, id: str, actor: str, at: int) -> LogItem:
    """It ends: ``left`` after an agent had joined, ``withdrawn`` before. Raises Stale when it has ended already."""
    state = "left" if by_id(connection, tenant, id).state == "joined" else "withdrawn"
    _move(connection, tenant, id, OPEN, state=state, left_at=at)
    return _told(connection, tenant, id, actor, at)


def consent(
    connection: Connection, tenant: str, id: str, participant: str, scopes: Sequence[str], at: int
) -> LogItem | None:
    """What a participant agrees to share with this invitation's agent, in place of what they said before.

    None when that is what they had said already. Raises NotFound, or Stale when the invitation has ended.
    """
    invitation = by_id(connection, tenant, id)
    if invitation.state not in OPEN:
        raise Stale("invitation", invitation.state)
    if invitation.consents.get(participant) == scopes:
        return None
    _consent(connection, tenant, id, participant, scopes, at)
    return _told(connection, tenant, id, participant, at)


def rate(connection: Connection, tenant: str, id: str, participant: str, score: int, note: str, at: int) -> None:
    """Rate the agent who attended. Raises Stale when nobody has, or when this participant has rated it already."""
    invitation = by_id(connection, tenant, id)
    if invitation.state != "left":
        raise Stale("invitation", invitation.state)
    key = (t.ratings.c.tenant == tenant) & (t.ratings.c.invitation == id) & (t.ratings.c.participant == participant)
    if connection.execute(select(t.ratings.c.score).where(key)).first():
        raise Stale("invitation", "rated")
    connection.execute(
        insert(t.ratings).values(
            tenant=tenant, invitation=id, participant=participant, agent=invitation.agent, score=score, note=note, at=at
        )
    )


def by_id(connection: Connection, tenant: str, id: str) -> StoredInvitation:
    """One invitation. Raises NotFound."""
    found = _read(connection, tenant, select(t.invitations).where(t.invitations.c.id == id))
    if not found:
        raise NotFound("invitation")
    return found[0]


def latest(connection: Connection, tenant: str, conversation: str) -> StoredInvitation | None:
    """The newest invitation of a conversation, whatever became of it."""
    query = select(t.invitations).where(t.invitations.c.conversation == conversation)
    found = _read(
        connection, tenant, query.order_by(t.invitations.c.created_at.desc(), t.invitations.c.id.desc()).limit(1)
    )
    return found[0] if found else None


def waiting(connection: Connection, tenant: str, limit: int) -> list[tuple[StoredInvitation, str]]:
    """Invitations that no agent has accepted, longest waiting first, each with its conversation's title."""
    query = select(t.invitations).where(t.invitations.c.state == "requested").order_by(t.invitations.c.created_at)
    found = _read(connection, tenant, query.limit(limit))
    titles = select(t.conversations.c.id, t.conversations.c.title).where(
        t.conversations.c.tenant == tenant, t.conversations.c.id.in_([one.conversation for one in found])
    )
    title_of = {row.id: row.title for row in connection.execute(titles)} if found else {}
    return [(one, title_of[one.conversation]) for one in found]


def _read(connection: Connection, tenant: str, query: Select[Any]) -> list[StoredInvitation]:
    rows = connection.execute(query.where(t.invitations.c.tenant == tenant)).all()
    given: dict[str, dict[str, list[str]]] = {row.id: {} for row in rows}
    if given:
        consents = select(t.consents).where(t.consents.c.tenant == tenant, t.consents.c.invitation.in_(given))
        for row in connection.execute(consents):
            given[row.invitation][row.participant] = msgspec.json.decode(row.scopes)
    return [_invitation(row, given[row.id]) for row in rows]


def _invitation(row: Row[Any], consents: dict[str, list[str]]) -> StoredInvitation:
    return StoredInvitation(
        id=row.id, conversation=row.conversation, state=row.state, by=row.by, topic=row.topic, note=row.note,
        created_at=row.created_at, agent=row.agent or "", agent_name=row.agent_name or "",
        joined_at=row.joined_at or 0, left_at=row.left_at or 0, joined_seq=row.joined_seq or 0, consents=consents,
    )  # fmt: skip


def _move(connection: Connection, tenant: str, id: str, states: Sequence[str], **values: object) -> None:
    key = (t.invitations.c.tenant == tenant) & (t.invitations.c.id == id)
    moved = connection.execute(update(t.invitations).where(key, t.invitations.c.state.in_(states)).values(**values))
    if moved.rowcount == 0:
        raise Stale("invitation", by_id(connection, tenant, id).state)


def _consent(connection: Connection, tenant: str, id: str, participant: str, scopes: Sequence[str], at: int) -> None:
    key = (t.consents.c.tenant == tenant) & (t.consents.c.invitation == id) & (t.consents.c.participant == participant)
    values = {"scopes": msgspec.json.encode(scopes).decode(), "at": at}
    if connection.execute(update(t.consents).where(key).values(**values)).rowcount == 0:
        connection.execute(insert(t.consents).values(tenant=tenant, invitation=id, participant=participant, **values))


def _told(connection: Connection, tenant: str, id: str, actor: str, at: int) -> LogItem:
    invitation = by_id(connection, tenant, id)
    # The note is somebody's words: it stays out of the log, from which nothing can be erased.
    logged = msgspec.to_builtins(msgspec.structs.replace(invitation, note=""))
    seq = log.append(connection, tenant, invitation.conversation, "invitation", actor, at, {"invitation": logged})
    return LogItem(seq, "invitation", actor, at, None, {"invitation": msgspec.to_builtins(invitation)})
