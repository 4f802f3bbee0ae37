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
Kind = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-z0-9][a-z0-9_-]*$")]
Language = Literal["es", "en", "pt"]
# Who signs in to the console is known by such an id; nobody in a chat is taken for them.
ParticipantId = Annotated[str, Meta(min_length=1, max_length=64, pattern="^(?!staff:)")]


class NewParticipant(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody to be added to a conversation. ``lang`` is the language in which they are told why.

    ``account_created_at`` is when they came to the platform, in milliseconds since 1970; 0 if that is not to be told.
    """

    id: ParticipantId
    name: Name
    role: Role
    lang: Language = "en"
    account_created_at: Annotated[int, Meta(ge=0, le=2**53)] = 0


class NewConversation(Struct, frozen=True, forbid_unknown_fields=True):
    """A conversation to be opened. Without ``id`` one is made up; ``listing`` is a category such as ``groceries``.

    ``kind`` is the platform's word for its sort; a policy may be for one kind alone.
    """

    participants: Annotated[list[NewParticipant], Meta(max_length=1_000)]
    id: Id | None = None
    title: Title = ""
    listing: Listing | None = None
    stage: Stage = Stage.ENQUIRY
    kind: Kind = "default"


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
    kind: str
    last_seq: int
    created_at: int
    members: list[Person]
    invitation: InvitationView | None


class NewToken(Struct, frozen=True, forbid_unknown_fields=True):
    """A token for one participant, or for ``staff``. ``expires_in`` in seconds, a day at most."""

    participant: ParticipantId
    name: Name
    role: Literal["buyer", "seller", "provider", "agent", "bot", "staff"]
    lang: Language = "en"
    conversations: Annotated[list[Id], Meta(max_length=200)] | Literal["*"] = "*"
    expires_in: Annotated[int, Meta(ge=1, le=86_400)] = 3_600


class MintedToken(Struct, frozen=True):
    """A signed token, and when it expires (seconds since 1970)."""

    token: str
    expires: int


class NewAppeal(Struct, frozen=True, forbid_unknown_fields=True):
    """An author's appeal that reached the platform. ``note`` is what they say about it, for the staff."""

    note: Annotated[str, Meta(max_length=1_000)] = ""


class OpenAppeal(Struct, frozen=True):
    """An appeal that waits for an answer, by ``due_at`` at the latest; in milliseconds since 1970."""

    message: str
    conversation: str
    author: str
    at: int
    due_at: int


class TokenKey(Struct, frozen=True, forbid_unknown_fields=True):
    """An Ed25519 public key in PEM, with which the platform signs tokens of its own; empty to withdraw it."""

    public_key: Annotated[str, Meta(max_length=2_000)]


class Page(Struct, frozen=True):
    """Events before a seq, oldest first, as staff may see them: nothing covered, nothing hidden."""

    events: list[LogEvent]
    more: bool


class Switch(Struct, frozen=True, forbid_unknown_fields=True):
    """Turns something on or off."""

    on: bool


class SuggestionCounts(Struct, frozen=True):
    """What became of the replies of one intent, stance and language. ``intent`` is empty for those to a heated conversation.

    ``shown``: offered to a reader; ``taken``: sent as offered; ``edited``: sent in other words; ``dismissed``: put away;
    ``rejected``: not shown, because the policy would not have let it through.
    """

    intent: str
    stance: str
    lang: str
    shown: int
    taken: int
    edited: int
    dismissed: int
    rejected: int


class SuggestionFigures(Struct, frozen=True):
    """Whether the tenant's people are offered replies at all, and what has become of them so far."""

    on: bool
    counts: list[SuggestionCounts]


class Check(Struct, frozen=True, forbid_unknown_fields=True):
    """A text to be judged as if it were posted under these circumstances. Nothing is stored."""

    text: Annotated[str, Meta(min_length=1, max_length=4_000)]
    id: Annotated[str, Meta(max_length=100)] = ""
    listing: Listing | None = None
    stage: Stage = Stage.ENQUIRY
    sender: Role = Role.BUYER
    lang: Language | None = None
    kind: Kind = "default"


class Checks(Struct, frozen=True, forbid_unknown_fields=True):
    """Texts to be judged."""

    messages: Annotated[list[Check], Meta(min_length=1, max_length=HISTORY_PAGE)]


class Health(Struct, frozen=True):
    """``status`` is ready, degraded or down; ``parts`` tells which part is not well, by name."""

    status: Literal["ready", "degraded", "down"]
    version: str
    parts: dict[str, str]
