"""What the calls of the review take and give. Times are milliseconds since 1970; a staff id begins with ``staff:``.

Everything here is for staff: texts are whole, whatever a participant may see of them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from moderation.review.acting import AnyAct
from moderation.review.strikes import Proposal
from policies.decision import Mask
from rules.types import Finding
from storage.appeals import Appealed
from storage.review_items import Count
from storage.sanctions import Sanction
from storage.strikes import StrikeRow

Request = Annotated[str, Meta(min_length=8, max_length=64, pattern="^[A-Za-z0-9_-]+$")]
Reason = Annotated[str, Meta(min_length=1, max_length=1_000)]
Clause = Annotated[str, Meta(max_length=100)]
MessageId = Annotated[str, Meta(min_length=1, max_length=64)]
Outcome = Literal["release", "mask", "remove"]


# --------------------------------------------------------------------------------------------------- the queue


class ItemQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """``GET /queue?...``: which items, and from where on. ``after`` is ``next`` of the page before.

    ``state`` is open, waiting (open and claimed by nobody), claimed or decided. ``claimed_by`` may be ``me``. ``older_than`` in
    minutes since the item was opened; ``severity`` is the least, from 1 (low) to 4 (severe).
    """

    state: Literal["open", "waiting", "claimed", "decided"] = "open"
    queue: Annotated[str, Meta(max_length=40)] = ""
    cause: Annotated[str, Meta(max_length=20)] = ""
    category: Annotated[str, Meta(max_length=40)] = ""
    clause: Clause = ""
    language: Annotated[str, Meta(max_length=10)] = ""
    claimed_by: Annotated[str, Meta(max_length=64)] = ""
    author: Annotated[str, Meta(max_length=64)] = ""
    conversation: Annotated[str, Meta(max_length=64)] = ""
    severity: Annotated[int, Meta(ge=0, le=4)] = 0
    older_than: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    after: Annotated[str, Meta(max_length=100)] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class Row(Struct, frozen=True, kw_only=True):
    """An item as the queue lists it. ``status`` is waiting, claimed or decided; ``due_at`` by when to look.

    ``message_state`` is visible, held or removed; ``refused`` for what was blocked and never sent. ``causes`` tells what has
    fired: flag, hold, block, nudge or mask (the verdict), late, report, appeal, edit, staff. ``barred`` must not decide it.
    """

    message: str
    conversation: str
    title: str
    status: str
    version: int
    text: str
    message_state: str
    author: str
    author_name: str
    author_role: str
    causes: tuple[str, ...]
    queue: str
    severity: int
    categories: tuple[str, ...]
    clauses: tuple[str, ...]
    language: str
    policy: str
    degraded: bool
    reach: int
    reports: int
    opened_at: int
    due_at: int
    claimed_by: str
    claimed_name: str
    claimed_at: int
    lease_until: int
    barred: str
    decided_at: int
    decided_by: str
    decided_name: str
    outcome: str


class Page(Struct, frozen=True):
    """A page of the queue, most urgent first (decided ones: newest first). ``next`` is empty on the last one."""

    items: list[Row]
    next: str


class Counts(Struct, frozen=True):
    """How much is open, where. ``mine`` are claimed by who asks; ``appeals`` the open items that an author appeals."""

    open: int
    claimed: int
    overdue: int
    mine: int
    appeals: int
    second_looks: int
    groups: list[Count]


class NextWanted(Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /next``: the first item that matches and that nobody has, claimed."""

    queue: Annotated[str, Meta(max_length=40)] = ""
    cause: Annotated[str, Meta(max_length=20)] = ""
    category: Annotated[str, Meta(max_length=40)] = ""
    clause: Clause = ""
    language: Annotated[str, Meta(max_length=10)] = ""
    severity: Annotated[int, Meta(ge=0, le=4)] = 0


class View(Struct, frozen=True, forbid_unknown_fields=True):
    """A filter with a name."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    filter: ItemQuery


class HandOver(Struct, frozen=True, forbid_unknown_fields=True):
    """``to`` is the staff id of somebody who decides. ``note`` is kept with the item."""

    to: Annotated[str, Meta(min_length=1, max_length=64)]
    note: Annotated[str, Meta(max_length=1_000)] = ""


# ------------------------------------------------------------------------------------------------------ one item


class ClauseView(Struct, frozen=True):
    """A clause in the words of who looks. ``points`` is the strike for breaking it.

    ``thresholds`` maps a classifier's output to the least value from which the clause speaks.
    """

    id: str
    verdict: str
    categories: list[str]
    text: str
    severity: int
    points: int
    thresholds: dict[str, float] = {}


class DecisionView(Struct, frozen=True):
    """A decision about the message, as it fell. ``dropped``: automation wanted this while a person's decision stood."""

    at: int
    kind: str
    by: str
    verdict: str
    policy: str
    clauses: tuple[str, ...]
    findings: tuple[Finding, ...]
    scores: dict[str, float]
    masks: tuple[Mask, ...]
    degraded: tuple[str, ...]
    received_by: tuple[str, ...]
    dropped: bool


class ActView(Struct, frozen=True):
    """What somebody of the staff did. It can be undone until ``undo_until``, 0 when it cannot."""

    id: str
    actor: str
    actor_name: str
    at: int
    outcome: str
    acts: list[dict[str, Any]]
    reason: str
    clause: str
    policy: str
    message: str
    undo_until: int
    undone_at: int
    undone_by: str


class MessageView(Struct, frozen=True):
    """A message, whole. ``masks`` are what others do not see of it."""

    id: str
    conversation: str
    seq: int
    version: int
    author: str
    author_name: str
    role: str
    text: str
    state: str
    masks: tuple[Mask, ...]
    at: int
    edited_at: int
    reply_to: str
    attachments: list[dict[str, Any]]
    refused: bool
    retracted: bool


class ContextLine(Struct, frozen=True):
    """Something said or done before or after the message: ``kind`` is posted, joined, left or setting."""

    seq: int
    kind: str
    at: int
    author: str
    author_name: str
    role: str
    message: str
    text: str
    state: str
    subject: bool
    detail: dict[str, Any]


class ReportView(Struct, frozen=True):
    """What a report said, and on which day. Who said it is told to nobody."""

    reason: str
    note: str
    day: int


class PersonView(Struct, frozen=True):
    """A participant as this tenant's staff knows them. ``points`` are those of strikes in force.

    ``proposal`` is what a strike for this item would lead to.
    """

    id: str
    name: str
    role: str
    lang: str
    points: int
    strikes: list[StrikeRow]
    sanctions: list[Sanction]
    acts: list[ActView]
    items: list[Row]
    conversations: int
    proposal: Proposal | None = None


class Looker(Struct, frozen=True):
    """Somebody else who looks at the item now."""

    staff: str
    name: str


class Detail(Struct, frozen=True):
    """All about one item. ``findings``, ``scores`` and ``clauses`` are of the last decision of automation about its words.

    ``names`` maps staff ids to names. ``may`` lists what who asks may do with it now.
    """

    item: Row
    message: MessageView
    findings: tuple[Finding, ...]
    scores: dict[str, float]
    clauses: list[ClauseView]
    decisions: list[DecisionView]
    reports: list[ReportView]
    appeal: Appealed | None
    acts: list[ActView]
    context: list[ContextLine]
    person: PersonView
    looking: list[Looker]
    names: dict[str, str]
    may: list[str]


class Lookers(Struct, frozen=True):
    """Who else looks."""

    looking: list[Looker]


class NextItem(Struct, frozen=True):
    """The next item, claimed for ten minutes; null when nothing waits. ``budget_left`` severe items may still be given.

    ``withheld`` severe ones wait for others until ``budget_free_at``, because of the exposure budget.
    """

    item: Detail | None
    budget_left: int
    withheld: int
    budget_free_at: int


# -------------------------------------------------------------------------------------------------------- acting


class Act(Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /items/{message}/acts``. ``request`` is made up by the page: sent again, it is not done again.

    ``version`` is that of the item looked at: after another decision, new words or a reopening the answer is 409 ``conflict``
    with ``now``. ``acts`` are tagged by ``act``: release; mask {spans: [[start, end]]}; remove; uphold; overturn (of an appeal);
    warn {template}; mute {hours, everywhere}; remove_member; ban {hours or null}; escalate {queue}; note. At most one of the
    first five, and any of warn, mute, remove_member and ban with it; escalate and note stand alone. ``then_next`` claims the next
    item in the same answer.
    """

    request: Request
    version: Annotated[int, Meta(ge=1)]
    acts: Annotated[list[AnyAct], Meta(min_length=1, max_length=6)]
    reason: Reason
    clause: Clause = ""
    then_next: NextWanted | None = None


class Done(Struct, frozen=True):
    """What was done. ``again``: it had been done under this request already. ``next`` only where it was asked for."""

    act: ActView
    item: Row
    proposal: Proposal | None
    again: bool
    next: NextItem | None = None


class BulkWanted(Struct, frozen=True, forbid_unknown_fields=True):
    """Several items: named, or the first ``limit`` that match ``filter``."""

    messages: Annotated[list[MessageId], Meta(max_length=200)] = []
    filter: ItemQuery | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 200


class Preview(Struct, frozen=True):
    """What a bulk would be about. ``others`` are claimed by somebody else, ``decided`` no longer open.

    ``appealed`` need an answer each, and are left out as well.
    ``messages`` with ``versions`` are those that it would be done to: send them back.
    """

    messages: list[str]
    versions: dict[str, int]
    people: int
    conversations: int
    severities: dict[str, int]
    states: dict[str, int]
    others: int
    decided: int
    appealed: int


class Bulk(Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /bulk``: the same for each; ``request`` names the whole, under which it can be taken back."""

    request: Annotated[str, Meta(min_length=8, max_length=40, pattern="^[A-Za-z0-9_-]+$")]
    messages: Annotated[list[MessageId], Meta(min_length=1, max_length=200)]
    acts: Annotated[list[AnyAct], Meta(min_length=1, max_length=6)]
    reason: Reason
    clause: Clause = ""
    versions: dict[str, int] = {}


class BulkResult(Struct, frozen=True):
    """One of them. ``problem`` is empty when it was done, else a code with its sentence."""

    message: str
    act: str
    problem: str
    sentence: str


class BulkDone(Struct, frozen=True):
    """How it went, item by item. It can be taken back as one until ``undo_until``."""

    batch: str
    done: int
    results: list[BulkResult]
    undo_until: int


# ----------------------------------------------------------------------------------------- people, other conversations


class Why(Struct, frozen=True, forbid_unknown_fields=True):
    """Why somebody looks at what is not before them. It is written to the audit log."""

    reason: Annotated[str, Meta(min_length=10, max_length=500)]
    before: Annotated[int, Meta(ge=0)] = 0
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class ConversationLine(Struct, frozen=True):
    """A conversation that somebody is or was in."""

    id: str
    title: str
    stage: str
    last_seq: int
    left: bool


class Conversations(Struct, frozen=True):
    """The newest conversations of somebody."""

    conversations: list[ConversationLine]


class Conversation(Struct, frozen=True):
    """What was said in a conversation, oldest first."""

    id: str
    title: str
    lines: list[ContextLine]
    more: bool


# ------------------------------------------------------------------------------------------------ appeals and quality


class Judged(Struct, frozen=True):
    """What one policy makes of the message. ``missing`` when that version is not kept any more."""

    policy: str
    verdict: str
    clauses: list[ClauseView]
    findings: tuple[Finding, ...]
    scores: dict[str, float]
    degraded: tuple[str, ...]
    missing: bool = False


class Replay(Struct, frozen=True):
    """The decision as it fell; the same policy on the same evidence; today's policy on it; today's rules and models with it."""

    decided: Judged
    same: Judged
    current: Judged
    anew: Judged


class LookTask(Struct, frozen=True):
    """Something to be decided blindly: the message with its evidence and context, and nothing about who decided what."""

    id: str
    message: MessageView
    findings: tuple[Finding, ...]
    clauses: list[ClauseView]
    context: list[ContextLine]
    language: str
    lease_until: int


class NextLook(Struct, frozen=True):
    """The next one, null when there is none."""

    look: LookTask | None


class LookAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """What one would have decided. Nothing happens to the message."""

    outcome: Outcome
    clause: Clause = ""


class Disagreement(Struct, frozen=True):
    """Two people, or a person and a golden item, who came to different answers."""

    id: str
    message: str
    text: str
    decider: str
    decider_name: str
    outcome: str
    clause: str
    reviewer: str
    reviewer_name: str
    answer: str
    answer_clause: str
    answered_at: int
    golden: bool


class Disagreements(Struct, frozen=True):
    """Those that no lead has settled, newest first."""

    disagreements: list[Disagreement]


class NewGolden(Struct, frozen=True, forbid_unknown_fields=True):
    """A message whose right answer is known."""

    message: MessageId
    outcome: Outcome
    clause: Clause = ""
    note: Annotated[str, Meta(max_length=1_000)] = ""


class GoldenView(Struct, frozen=True):
    """A golden item."""

    message: str
    text: str
    outcome: str
    clause: str
    note: str
    by: str
    at: int


class Goldens(Struct, frozen=True):
    """All of them."""

    golden: list[GoldenView]


class Words(Struct, frozen=True):
    """What a reviewer chooses from: clauses of the policy in force, templates of warnings in three languages, queues.

    ``thresholds`` are the least scores at which a classifier finds anything, by what it scores.
    """

    clauses: list[ClauseView]
    templates: dict[str, dict[str, str]]
    queues: list[str]
    thresholds: dict[str, float]


class Views(Struct, frozen=True):
    """Somebody's saved views."""

    views: list[View]
