"""The wire: commands that a client may send, events that it may receive, each a tagged struct of one JSON text frame.

Commands are imperative (``post``), events are past tense or nouns (``posted``, ``receipt``). ``ref`` is the client's own
mark for a command; the answer carries it back. Times are milliseconds since 1970 by the server's clock.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from policies.policy import Reason
from rules.types import Finding, Role, Stage

SUBPROTOCOL = "tertulia.v1"
FRAME_BYTES = 64 * 1024
TEXT_CHARACTERS = 4_000
HISTORY_PAGE = 100  # events in one page of history, at most
RESUME_EVENTS = 300  # a client further behind than this is told to start afresh

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Ref = Annotated[str, Meta(max_length=64)]
Text = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARACTERS)]
Note = Annotated[str, Meta(max_length=1_000)]
Seq = Annotated[int, Meta(ge=0, le=2**53)]
Emoji = Annotated[str, Meta(min_length=1, max_length=32)]


class Attachment(Struct, frozen=True, forbid_unknown_fields=True):
    """A link to something the platform hosts; nothing is fetched. ``size`` is in bytes."""

    url: Annotated[str, Meta(min_length=1, max_length=2_000, pattern="^https?://")]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    media_type: Annotated[str, Meta(max_length=100)] = ""
    size: Annotated[int, Meta(ge=0)] = 0


# --------------------------------------------------------------------------------------------------- commands


class Command(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=str.lower):
    """Base of all commands; the tag is the class name in lower case."""


class Resume(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a client stands in one conversation: the last ``seq`` it has folded, and the epoch it read it in."""

    conversation: Id
    after: Seq
    epoch: str = ""


class Hello(Command, frozen=True):
    """First frame of a connection: who is there, and where to go on. ``token`` may instead come as an Authorization header."""

    token: Annotated[str, Meta(max_length=8_192)] = ""
    resume: Annotated[list[Resume], Meta(max_length=200)] = []


class Prefer(Command, frozen=True):
    """Say whether words to answer with are wanted. Kept for the participant, on whatever they connect next."""

    ref: Ref
    suggestions: bool


class Dismiss(Command, frozen=True):
    """What was suggested as answers to ``message`` was put away. Never answered unless refused."""

    conversation: Id
    message: Id


class Post(Command, frozen=True):
    """Say something. ``client_id`` makes it safe to send again. ``despite_advice`` sends after a nudge all the same."""

    ref: Ref
    conversation: Id
    client_id: Id
    text: Text
    reply_to: Id | None = None
    attachments: Annotated[list[Attachment], Meta(max_length=10)] = []
    suggestion: Annotated[str, Meta(max_length=64)] = ""
    despite_advice: bool = False


class Draft(Command, frozen=True):
    """Ask what would become of a text. Nothing is stored or relayed."""

    ref: Ref
    conversation: Id
    text: Text


class Edit(Command, frozen=True):
    """Replace the text of one's own message; the new text is judged as a new message is."""

    ref: Ref
    conversation: Id
    message: Id
    text: Text


class Retract(Command, frozen=True):
    """Take back one's own message."""

    ref: Ref
    conversation: Id
    message: Id


class React(Command, frozen=True):
    """Put an emoji on a message, or take it off again (``on`` false)."""

    ref: Ref
    conversation: Id
    message: Id
    emoji: Emoji
    on: bool = True


class Read(Command, frozen=True):
    """All up to ``seq`` has been seen. Never answered unless refused."""

    conversation: Id
    seq: Seq


class Typing(Command, frozen=True):
    """The participant is writing. Never answered unless refused; say it again every few seconds while it lasts."""

    conversation: Id


class Report(Command, frozen=True):
    """Tell the staff about a message. The reporter is never revealed."""

    ref: Ref
    conversation: Id
    message: Id
    reason: Annotated[str, Meta(min_length=1, max_length=40, pattern="^[a-z_]+$")]
    note: Note = ""


class Appeal(Command, frozen=True):
    """Ask for a second look at a decision about one's own message; ``decision`` is the message's id, or that of the refusal."""

    ref: Ref
    decision: Id
    note: Note = ""


class Invite(Command, frozen=True):
    """Invite the brand into the conversation.

    ``scopes`` is what the inviter agrees to share of what they wrote before: ``messages`` or nothing.
    """

    ref: Ref
    conversation: Id
    topic: Annotated[str, Meta(min_length=1, max_length=40, pattern="^[a-z_]+$")]
    note: Note = ""
    scopes: Annotated[list[str], Meta(max_length=8)] = []


class Consent(Command, frozen=True):
    """Say what of one's own earlier words an invited agent may read; an empty list takes consent back."""

    ref: Ref
    invitation: Id
    scopes: Annotated[list[str], Meta(max_length=8)] = []


class Withdraw(Command, frozen=True):
    """Take back an invitation that nobody has accepted yet."""

    ref: Ref
    invitation: Id


class Accept(Command, frozen=True):
    """An agent takes an invitation and joins the conversation."""

    ref: Ref
    invitation: Id


class Rate(Command, frozen=True):
    """Rate the service of an invitation that has ended, from 1 to 5."""

    ref: Ref
    invitation: Id
    score: Annotated[int, Meta(ge=1, le=5)]
    note: Note = ""


class Acknowledge(Command, frozen=True):
    """A notice was read; it need not be shown again."""

    ref: Ref
    notice: Annotated[str, Meta(min_length=1, max_length=100)]


class Resolve(Command, frozen=True):
    """Staff only: settle a message that was held, or withdraw one that was not. ``act`` is release or remove.

    ``version`` is that of the form which was looked at: if the message has changed since, nothing is done. 0 for any.
    """

    ref: Ref
    conversation: Id
    message: Id
    act: Literal["release", "remove"]
    version: Seq = 0


class Since(Command, frozen=True):
    """The only repair: everything after a ``seq``."""

    conversation: Id
    after: Seq
    epoch: str = ""


class History(Command, frozen=True):
    """A page of events before a ``seq`` (0: the newest), oldest first in the answer."""

    ref: Ref
    conversation: Id
    before: Seq = 0
    limit: Annotated[int, Meta(ge=1, le=HISTORY_PAGE)] = 50


class Leave(Command, frozen=True):
    """Leave the conversation. For an agent this ends the invitation too."""

    ref: Ref
    conversation: Id


AnyCommand = (
    Hello | Prefer | Dismiss | Post | Draft | Edit | Retract | React | Read | Typing | Report | Appeal | Invite | Consent | Withdraw
    | Accept | Rate | Acknowledge | Resolve | Since | History | Leave
)  # fmt: skip


# ----------------------------------------------------------------------------------------------------- events


class Event(Struct, frozen=True, tag_field="type", tag=str.lower, omit_defaults=True):
    """Base of all events; the tag is the class name in lower case unless said otherwise."""


class Person(Struct, frozen=True, omit_defaults=True):
    """A participant as the others see them. ``read`` is the ``seq`` up to which they have read; ``online`` now."""

    id: str
    name: str
    role: Role
    read: int = 0
    online: bool = False


class InvitationView(Struct, frozen=True, omit_defaults=True):
    """An invitation of the brand. ``state`` is requested, joined, left, withdrawn or expired.

    ``consents`` maps a participant to the scopes they agreed to. ``note`` is only shown to the inviter and to agents.
    """

    id: str
    conversation: str
    state: str
    by: str
    topic: str
    at: int
    note: str = ""
    agent: str = ""
    agent_name: str = ""
    joined_at: int = 0
    left_at: int = 0
    consents: dict[str, list[str]] = {}


class ConversationView(Struct, frozen=True, omit_defaults=True):
    """A conversation as its participant sees it on arrival. ``last_seq`` is the newest event, ``read`` one's own mark."""

    id: str
    title: str
    stage: Stage
    epoch: str
    last_seq: int
    read: int
    members: list[Person]
    listing: str | None = None
    invitation: InvitationView | None = None


class Limits(Struct, frozen=True):
    """What the server accepts; published so that clients can keep within it."""

    frame_bytes: int = FRAME_BYTES
    text_characters: int = TEXT_CHARACTERS
    posts_per_second: float = 5
    posts_burst: int = 10
    connections: int = 20
    history_page: int = HISTORY_PAGE
    resume_events: int = RESUME_EVENTS


class Welcome(Event, frozen=True):
    """The answer to ``hello``. ``role`` is ``staff`` for a connection that watches decisions and takes part in nothing.

    ``suggestions`` is ``on``, ``off`` (the participant has turned them off) or ``none`` (there are none here).
    """

    participant: str
    name: str
    role: str
    lang: str
    conversations: list[ConversationView]
    limits: Limits
    server_time: int
    suggestions: str = "on"


class Opened(Event, frozen=True, tag="conversation"):
    """A conversation that one has just become part of, as it stands. Its history can be read from now on."""

    conversation: ConversationView


class Accepted(Event, frozen=True):
    """A command was carried out, durably. For ``post`` and ``edit`` ``verdict`` tells what became of it."""

    ref: str
    client_id: str = ""
    id: str = ""
    seq: int = 0
    verdict: str = ""
    reasons: list[Reason] = []


class Refused(Event, frozen=True):
    """A command was not carried out. ``code`` is for programs, ``message`` for people; ``retry_after`` in milliseconds.

    A message that the policy blocked has ``reasons`` and the ``decision`` that its author may appeal.
    """

    ref: str
    code: str
    message: str
    retry_after: int = 0
    reasons: list[Reason] = []
    decision: str = ""


class Advised(Event, frozen=True):
    """What would become of a draft, or why a post waits for a second thought. ``advice`` is a verdict."""

    ref: str
    advice: str
    reasons: list[Reason] = []
    rewrites: list[str] = []


class MessageForm(Event, frozen=True, tag=None):
    """A message as one reader may see it. Carried by ``posted`` and ``changed``: always whole, always current.

    ``state`` is visible, masked (parts of ``text`` are covered by ``█``), held (its author's eyes only) or removed (no text).
    ``version`` is the ``seq`` of the last change folded in: a client keeps the form with the higher one.
    ``reactions`` maps an emoji to the participants who put it. ``reasons`` reach its author only.
    """

    conversation: str
    seq: int
    id: str
    author: str
    role: Role
    text: str
    at: int
    version: int
    state: str = "visible"
    reply_to: str = ""
    attachments: list[Attachment] = []
    reactions: dict[str, list[str]] = {}
    edited_at: int = 0
    reasons: list[Reason] = []


class Posted(MessageForm, frozen=True, tag="posted"):
    """A message, at its place in the order."""


class Changed(MessageForm, frozen=True, tag="changed"):
    """A message took another form: edited, retracted, reacted to, masked, held, removed, released or restored.

    ``seq`` is the change's own place in the order, ``message_seq`` the message's.
    """

    message_seq: int = 0
    change: str = ""


class Hidden(Event, frozen=True):
    """Something that this reader may not see took a number."""

    conversation: str
    seq: int


class Joined(Event, frozen=True):
    """Somebody became a member."""

    conversation: str
    seq: int
    at: int
    member: Person


class Left(Event, frozen=True):
    """Somebody is no longer a member. ``by`` tells who removed them, empty if they left by themselves."""

    conversation: str
    seq: int
    at: int
    participant: str
    by: str = ""


class SettingChanged(Event, frozen=True, tag="setting"):
    """The platform moved the deal on: the listing, the stage or the title."""

    conversation: str
    seq: int
    at: int
    title: str
    stage: Stage
    listing: str | None = None


class Invitation(Event, frozen=True):
    """An invitation of the brand changed its state. ``seq`` is 0 where an agent hears of it outside the conversation."""

    conversation: str
    seq: int
    at: int
    invitation: InvitationView
    title: str = ""
    waiting_ms: int = 0


class Receipt(Event, frozen=True):
    """A participant has read up to ``seq``. Not part of the log."""

    conversation: str
    participant: str
    seq: int


class TypingNow(Event, frozen=True, tag="typing"):
    """A participant is writing; forget it after 6 s. Not part of the log."""

    conversation: str
    participant: str


class Presence(Event, frozen=True):
    """A participant came (``online``) or went. Not part of the log."""

    conversation: str
    participant: str
    online: bool


class SuggestionView(Struct, frozen=True, omit_defaults=True):
    """Words that one could answer with. ``action`` (``invite``) is what is done in place of writing them."""

    id: str
    text: str
    stance: str = ""
    action: str = ""


class Suggested(Event, frozen=True):
    """Answers to ``message`` for this reader, three at most, in the language ``lang``. Never sent by themselves."""

    conversation: str
    message: str
    suggestions: list[SuggestionView]
    lang: str = ""


LogEvent = Posted | Changed | Hidden | Joined | Left | SettingChanged | Invitation


class Resumed(Event, frozen=True):
    """All that happened after ``after``, oldest first: the client is up to date once it has folded it."""

    conversation: str
    after: int
    epoch: str
    last_seq: int
    events: list[LogEvent]


class Reset(Event, frozen=True):
    """The gap cannot be told event by event: drop what is held of this conversation and read its history again.

    ``reason`` is too_old, too_many, epoch_changed or membership_changed.
    """

    conversation: str
    reason: str
    epoch: str
    last_seq: int


class HistoryPage(Event, frozen=True, tag="history"):
    """Events before ``before``, oldest first. ``more`` tells whether older ones exist."""

    ref: str
    conversation: str
    events: list[LogEvent]
    more: bool


class Decided(Event, frozen=True):
    """For staff only: a decision, as it fell. ``seq`` is 0 for a message that was blocked and so never took a number.

    ``received_by`` lists who had been sent a message that a late verdict has changed.
    """

    conversation: str
    message: str
    seq: int
    at: int
    author: str
    role: Role
    text: str
    verdict: str
    policy: str
    findings: list[Finding] = []
    clauses: list[str] = []
    degraded: list[str] = []
    by: str = "policy"
    us: int = 0
    received_by: list[str] = []


class Queue(Event, frozen=True):
    """For staff only: something has happened to an item of the review queue. Nobody's words are in it.

    ``change`` is opened, reopened, claimed, let_go, handed_over, escalated, decided, noted, undone or dropped (automation
    wanted something while a person's decision stands). ``by`` is who did it, ``outcome`` what was decided. ``due_at`` is its
    place in the order.
    """

    change: str
    message: str
    conversation: str
    state: str
    queue: str
    severity: int
    due_at: int
    version: int
    causes: list[str] = []
    categories: list[str] = []
    language: str = ""
    reports: int = 0
    claimed_by: str = ""
    claimed_name: str = ""
    lease_until: int = 0
    by: str = ""
    outcome: str = ""
    act: str = ""


class Looking(Event, frozen=True):
    """For staff only: somebody looks at an item. Forget it after 20 s unless it is said again."""

    message: str
    staff: str
    name: str


class Notice(Event, frozen=True):
    """For one participant alone: what the staff tells them. Shown again at each arrival until it is acknowledged.

    ``kind`` names the template: ``warning.`` and an id, muted, banned, removed_member, appeal_upheld, appeal_overturned or
    appeal_overturned_refused. ``until`` is 0 for no end. ``withdrawn``: it is no longer so; put it away.
    """

    id: str
    kind: str
    conversation: str
    message: str
    text: str
    at: int
    until: int = 0
    withdrawn: bool = False


class Goaway(Event, frozen=True):
    """This server is about to stop: connect again after ``retry_after_ms``."""

    retry_after_ms: int


AnyEvent = (
    Welcome | Opened | Accepted | Refused | Advised | Posted | Changed | Hidden | Joined | Left | SettingChanged | Invitation
    | Receipt | TypingNow | Presence | Suggested | Resumed | Reset | HistoryPage | Decided | Queue
    | Looking | Notice | Goaway
)  # fmt: skip


class BadFrame(ValueError):
    """A frame that is no command. ``code`` is ``bad_json`` or ``bad_request``, ``ref`` the command's mark where readable."""

    def __init__(self, code: str, problem: str, ref: str = "") -> None:
        super().__init__(code, problem, ref)
        self.code, self.problem, self.ref = code, problem, ref

    def __str__(self) -> str:
        return self.problem


_commands: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_encoder = msgspec.json.Encoder()
encode = _encoder.encode


# NUL is no character of any language, and PostgreSQL stores none. JSON can only spell it like this.
_NUL = "\\u0000"


class _Ref(Struct):
    ref: str | UnsetType = UNSET


_refs = msgspec.json.Decoder(_Ref)


def decode(frame: str) -> AnyCommand:
    """The command in a text frame.

    Raises BadFrame: ``bad_json`` when it is no JSON, ``bad_request`` when it is no command of ours (unknown type or field,
    wrong type, out of bounds), ``too_long`` when a text is over its limit.
    """
    try:
        command = _commands.decode(frame)
    except msgspec.ValidationError as problem:
        code = "too_long" if "length <=" in str(problem) else "bad_request"
        raise BadFrame(code, str(problem), _ref_of(frame)) from None
    except (msgspec.DecodeError, UnicodeError):
        raise BadFrame("bad_json", "The frame is not valid JSON.") from None
    except RecursionError:
        # Deep nesting exhausts the decoder's stack before it can tell that no field of ours nests.
        raise BadFrame("bad_json", "The frame is nested too deeply.") from None
    if _NUL in frame and holds_nul(msgspec.to_builtins(command)):
        raise BadFrame("bad_request", "A text holds the character NUL.", _ref_of(frame))
    return command


def holds_nul(value: Any) -> bool:
    """Whether a text somewhere in ``value`` (of str, dict and list) holds the character NUL."""
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(holds_nul(one) for one in value.values())
        case list():
            return any(holds_nul(one) for one in value)
    return False


def _ref_of(frame: str) -> str:
    try:
        ref = _refs.decode(frame).ref
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    return ref[:64] if isinstance(ref, str) else ""
