"""The platform's API: what a marketplace's backend may ask for, and the answers, as types.

The OpenAPI document is generated from these types and the table of operations in ``server.api``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from realtime.protocol import HISTORY_PAGE, Id, InvitationView, LogEvent, Person
from rules.types import Role, Stage

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Title = Annotated[str, Meta(max_length=200)]
Listing = Annotated[str, Meta(min_length=1, max_length=60, pattern="^[a-z][a-z0-9_]*$")]
Language = Literal["es", "en", "pt"]


class NewParticipant(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody to be added to a conversation. ``lang`` is the language in which they are told why."""

    id: Id
    name: Name
    role: Role
    lang: Language = "en"


class NewConversation(Struct, frozen=True, forbid_unknown_fields=True):
    """A conversation to be opened. Without ``id`` one is made up; ``listing`` is a category such as ``groceries``."""

    participants: Annotated[list[NewParticipant], Meta(max_length=1_000)]
    id: Id | None = None
    title: Title = ""
    listing: Listing | None = None
    stage: Stage = Stage.ENQUIRY


class ConversationChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be changed; what is left out stays. ``listing`` null takes the category away."""

    title: Title | UnsetType = UNSET
    listing: Listing | UnsetType | None = UNSET
    stage: Stage | UnsetType = UNSET


class ConversationInfo(Struct, frozen=True):
    """A conversation as the platform sees it. ``last_seq`` is the number of its newest event."""

    id: str
    title: str
    listing: str | None
    stage: Stage
    last_seq: int
    created_at: int
    members: list[Person]
    invitation: InvitationView | None


class NewToken(Struct, frozen=True, forbid_unknown_fields=True):
    """A token for one participant, or for ``staff``. ``expires_in`` in seconds, a day at most."""

    participant: Id
    name: Name
    role: Literal["buyer", "seller", "provider", "agent", "bot", "staff"]
    lang: Language = "en"
    conversations: Annotated[list[Id], Meta(max_length=200)] | Literal["*"] = "*"
    expires_in: Annotated[int, Meta(ge=1, le=86_400)] = 3_600


class MintedToken(Struct, frozen=True):
    """A signed token, and when it expires (seconds since 1970)."""

    token: str
    expires: int


class TokenKey(Struct, frozen=True, forbid_unknown_fields=True):
    """An Ed25519 public key in PEM, with which the platform signs tokens of its own; empty to withdraw it."""

    public_key: Annotated[str, Meta(max_length=2_000)]


class Page(Struct, frozen=True):
    """Events before a seq, oldest first, as staff may see them: nothing covered, nothing hidden."""

    events: list[LogEvent]
    more: bool


class Check(Struct, frozen=True, forbid_unknown_fields=True):
    """A text to be judged as if it were posted under these circumstances. Nothing is stored."""

    text: Annotated[str, Meta(min_length=1, max_length=4_000)]
    id: Annotated[str, Meta(max_length=100)] = ""
    listing: Listing | None = None
    stage: Stage = Stage.ENQUIRY
    sender: Role = Role.BUYER
    lang: Language | None = None


class Checks(Struct, frozen=True, forbid_unknown_fields=True):
    """Texts to be judged."""

    messages: Annotated[list[Check], Meta(min_length=1, max_length=HISTORY_PAGE)]


class Health(Struct, frozen=True):
    """``status`` is ready, degraded or down; ``parts`` tells which part is not well, by name."""

    status: Literal["ready", "degraded", "down"]
    version: str
    parts: dict[str, str]
