"""What storage takes and gives: frozen values, one type a concept."""

from __future__ import annotations

from typing import Any

import msgspec

from policies.decision import Decision, Mask, Verdict
from rules.types import Role, Stage


class Form(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of a message but its identity and its words. ``state`` is visible, held or removed; times are milliseconds.

    ``unseen`` marks a message that was removed before anybody but its author could see it.

    ``verdict`` and ``clauses`` tell its author why it is not seen as written; they are left at their defaults when it is.

    ``heat`` (0 to 1), ``feeling`` (-1 to 1) and ``language`` are how it sounds, for the heat of the conversation; no reader
    is shown them. To a ``harmful`` message nobody is offered an answer.
    """

    role: Role
    at: int
    state: str = "visible"
    masks: tuple[Mask, ...] = ()
    reply_to: str = ""
    attachments: tuple[dict[str, Any], ...] = ()
    reactions: dict[str, list[str]] = {}
    edited_at: int = 0
    unseen: bool = False
    verdict: Verdict = Verdict.ALLOW
    clauses: tuple[str, ...] = ()
    heat: float = 0.0
    feeling: float = 0.0
    language: str = ""
    harmful: bool = False


class Message(msgspec.Struct, frozen=True):
    """A message in its current form. ``seq`` is its place, ``version`` the seq of the last change folded in.

    ``revision`` is the seq of the event that brought the present words.
    """

    id: str
    conversation: str
    seq: int
    author: str
    text: str
    revision: int
    version: int
    form: Form


class LogItem(msgspec.Struct, frozen=True):
    """An event of the log. ``message`` is set where it is about one; ``body`` holds the other kinds' fields."""

    seq: int
    kind: str
    actor: str
    at: int
    message: Message | None
    body: dict[str, Any]


class Case(msgspec.Struct, frozen=True):
    """How a message waits for a person: where, how bad it would be (1 to 4), what about, and by when it should be looked at.

    ``policy`` is that of the decision, ``reach`` how many others have received it. ``due_at`` in milliseconds.
    """

    due_at: int
    queue: str = "review"
    severity: int = 2
    categories: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    language: str = ""
    policy: str = ""
    degraded: bool = False
    reach: int = 0


class Entry(msgspec.Struct):
    """A message to be appended. ``case`` says how it waits for a person, if its decision wants one.

    One that is ``refused`` is kept beside the log under its ``id``. New words for a message have no ``client_id``.
    """

    tenant: str
    conversation: str
    id: str
    author: str
    client_id: str
    at: int
    text: str
    form: Form
    decision: Decision
    case: Case | None = None
    refused: bool = False


class Appended(msgspec.Struct, frozen=True):
    """Where an entry came to stand. ``repeated`` if it had been there before, ``conflict`` if other words had.

    ``missing`` tells why it was not appended at all: ``conversation`` when its author is no member (any more), ``reply_to``
    when there is no such message to answer. ``pardoned`` if it was to be refused, and a person has found that it may be said.
    """

    seq: int = 0
    id: str = ""
    repeated: bool = False
    conflict: bool = False
    missing: str = ""
    pardoned: bool = False


class Member(msgspec.Struct, frozen=True):
    """A participant of a conversation. ``left_seq`` is 0 while they are in it.

    ``account_created_at`` is when they came to the platform, 0 where that is not known.
    """

    id: str
    name: str
    role: Role
    lang: str
    joined_seq: int = 0
    left_seq: int = 0
    read_seq: int = 0
    muted_until: int = 0
    account_created_at: int = 0


class StoredInvitation(msgspec.Struct, frozen=True):
    """An invitation of the brand with the consents given to it (participant to scopes)."""

    id: str
    conversation: str
    state: str
    by: str
    topic: str
    note: str
    created_at: int
    agent: str = ""
    agent_name: str = ""
    joined_at: int = 0
    left_at: int = 0
    joined_seq: int = 0
    consents: dict[str, list[str]] = {}


class Conversation(msgspec.Struct, frozen=True):
    """A conversation as it stands: its setting, its members (those who left too) and its latest invitation.

    ``kind`` is the platform's word for its sort, ``default`` for the ordinary one.
    """

    tenant: str
    id: str
    title: str
    listing: str | None
    stage: Stage
    kind: str
    last_seq: int
    created_at: int
    members: tuple[Member, ...] = ()
    invitation: StoredInvitation | None = None


class Tenant(msgspec.Struct, frozen=True):
    """A platform that embeds the service. ``token_secret`` signs its participants' tokens (HS256).

    ``public_key`` (PEM, may be empty) verifies tokens that the platform signs itself (EdDSA).
    """

    id: str
    name: str
    token_secret: str
    public_key: str = ""
