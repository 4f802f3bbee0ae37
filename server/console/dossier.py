"""What the staff is shown about an item: put together from what the log and the review have kept, in one read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from moderation.review.acting import UNDO_MS
from moderation.review.severity import Severity, of_category
from moderation.review.strikes import POINTS, Proposal, propose
from policies.decision import Decision, Evidence, Verdict
from policies.policy import Clause, Policy
from realtime.acting import settings, severity_of
from server.console.review_shapes import (
    ActView,
    ClauseView,
    ContextLine,
    DecisionView,
    Detail,
    Looker,
    MessageView,
    PersonView,
    ReportView,
    Row,
)
from storage import (
    acts,
    appeals,
    conversations,
    decisions,
    leases,
    log,
    refusals,
    reports,
    review_items,
    sanctions,
    strikes,
)
from storage import staff as accounts
from storage.acts import Acted
from storage.decisions import Decided
from storage.errors import NotFound
from storage.review_items import Item
from storage.staff import Staff, StaffRole
from storage.values import LogItem, Member, Message

CONTEXT = 10  # lines before the message, and as many after it
HISTORY = 20  # of a person's acts and items


class People(msgspec.Struct, frozen=True):
    """Names of members of some conversations, and of the staff."""

    members: Mapping[tuple[str, str], Member]
    titles: Mapping[str, str]
    staff: Mapping[str, str]


def people(tx: Connection, tenant: str, places: Sequence[str]) -> People:
    """The names that are needed to show what happened in these conversations."""
    return People(
        conversations.members_of(tx, tenant, places), conversations.titles(tx, tenant, places), staff_names(tx, tenant)
    )


def staff_names(tx: Connection, tenant: str) -> dict[str, str]:
    """The names of all who ever were of the staff, by id."""
    return {one.staff.id: one.staff.name for one in accounts.everybody(tx, tenant)}


def rows(
    tx: Connection, tenant: str, items: Sequence[Item], at: int, staff: Mapping[str, str] | None = None
) -> list[Row]:
    """Items as the queue lists them. ``staff`` are the names of the staff, where they are known already."""
    if not items:
        return []
    texts = log.many(tx, tenant, [item.message for item in items])
    unsent = [item.message for item in items if item.message not in texts]
    refused = refusals.many(tx, tenant, unsent) if unsent else {}
    names = conversations.names(tx, tenant, [(item.conversation, item.author) for item in items])
    titles = conversations.titles(tx, tenant, [item.conversation for item in items])
    staff = staff_names(tx, tenant) if staff is None else staff
    told = []
    for item in items:
        message = texts.get(item.message)
        name, role = names.get((item.conversation, item.author), (item.author, ""))
        if message is not None:
            text, state = message.text, message.form.state
        else:
            text, state = refused.get(item.message, ""), "refused"
        told.append(_row(item, text, state, name, role, titles.get(item.conversation, ""), staff, at))
    return told


def detail(tx: Connection, staff: Staff, id: str, policy: Policy, looking: Sequence[Looker], at: int) -> Detail:
    """All about one item. Raises NotFound."""
    tenant = staff.tenant
    item = review_items.load(tx, tenant, id)
    message = log.find(tx, tenant, id)
    known = people(tx, tenant, [item.conversation])
    decided = decisions.about(tx, tenant, id)
    judged = decisions.judged(decided) if decided else None
    decision = judged.decision if judged is not None else Decision(Verdict.ALLOW, policy.id)
    done = acts.of_message(tx, tenant, id)
    rules = settings(tx, tenant)
    points = strikes.points(tx, tenant, item.author, at)
    severity = severity_of(item.clauses[0] if item.clauses else "", policy, item)
    (row,) = rows(tx, tenant, [item], at, known.staff)
    barred = leases.bars(tx, tenant, item, staff.id)
    if barred:
        row = msgspec.structs.replace(row, barred=staff.id)
    return Detail(
        item=row, message=message_view(tx, tenant, id, known, message), findings=decision.findings,
        scores=(decision.evidence or Evidence()).scores,
        clauses=clause_views(policy, decision.clauses, staff.lang, item.categories),
        decisions=[_decision_view(one) for one in decided],
        reports=[ReportView(one.reason, one.note, one.day) for one in reports.about(tx, tenant, id)],
        appeal=appeals.find(tx, tenant, id), acts=[act_view(one, known.staff, staff, at) for one in done],
        context=context(tx, tenant, item.conversation, id, message.seq if message is not None else 0, known),
        person=person(tx, staff, item.author, known.members.get((item.conversation, item.author)), at, known.staff,
                      propose(points, severity, rules.ladder)),
        looking=list(looking), names=dict(known.staff),
        may=_may(staff, item, message, at, barred=barred),
    )  # fmt: skip


def person(
    tx: Connection, staff: Staff, id: str, member: Member | None, at: int, names: Mapping[str, str],
    proposal: Proposal | None = None,
) -> PersonView:  # fmt: skip
    """A participant's history in this tenant."""
    tenant = staff.tenant
    given = strikes.of_participant(tx, tenant, id)
    items = review_items.of_author(tx, tenant, id, HISTORY)
    return PersonView(
        id=id, name=member.name if member else id, role=member.role if member else "",
        lang=member.lang if member else "",
        points=sum(one.points for one in given if not one.withdrawn_at and one.expires_at > at), strikes=given,
        sanctions=sanctions.of_participant(tx, tenant, id),
        acts=[act_view(one, names, staff, at) for one in acts.of_author(tx, tenant, id, HISTORY)],
        items=rows(tx, tenant, items, at, names), conversations=conversations.how_many_of(tx, tenant, id),
        proposal=proposal,
    )  # fmt: skip


def message_view(
    tx: Connection, tenant: str, id: str, known: People, message: Message | None = None
) -> MessageView:  # fmt: skip
    """The message of an item, whole; ``message`` where it was read already. Raises NotFound."""
    message = message or log.find(tx, tenant, id)
    if message is None:
        refused = refusals.find(tx, tenant, id)
        if refused is None:
            raise NotFound("message")
        member = known.members.get((refused.conversation, refused.author))
        return MessageView(
            id=id, conversation=refused.conversation, seq=0, version=0, author=refused.author,
            author_name=member.name if member else refused.author, role=member.role if member else "",
            text=refused.text, state="refused", masks=(), at=refused.at, edited_at=0, reply_to="", attachments=[],
            refused=True, retracted=False,
        )  # fmt: skip
    member = known.members.get((message.conversation, message.author))
    form = message.form
    return MessageView(
        id=id, conversation=message.conversation, seq=message.seq, version=message.version, author=message.author,
        author_name=member.name if member else message.author, role=form.role, text=message.text, state=form.state,
        masks=form.masks, at=form.at, edited_at=form.edited_at, reply_to=form.reply_to,
        attachments=list(form.attachments), refused=False,
        retracted=form.state == "removed" and log.taken_back(tx, tenant, message),
    )  # fmt: skip


def context(
    tx: Connection, tenant: str, conversation: str, subject: str, seq: int, known: People, around: int = CONTEXT
) -> list[ContextLine]:
    """What was said and done around a message; for one that was never sent, what was said last before it."""
    if not seq:
        refused = refusals.find(tx, tenant, subject)
        until = refused.at if refused is not None else 0
        last = [item for item in log.before(tx, tenant, conversation, 0, 4 * around) if item.at <= until]
        return lines(last[-around:], subject, known, conversation)
    before = log.before(tx, tenant, conversation, seq + 1, around + 1)
    after = log.since(tx, tenant, conversation, seq, 3 * around)
    return lines([*before, *after], subject, known, conversation)[: 2 * around + 1]


def lines(items: Sequence[LogItem], subject: str, known: People, conversation: str) -> list[ContextLine]:
    """Events as lines to read; what only changed a message shows in the message itself."""
    told = []
    for item in items:
        if item.kind not in ("posted", "joined", "left", "setting"):
            continue
        author = item.message.author if item.message is not None else item.actor
        member = known.members.get((conversation, author))
        told.append(
            ContextLine(
                seq=item.seq, kind=item.kind, at=item.at, author=author, author_name=member.name if member else author,
                role=member.role if member else "", message=item.message.id if item.message else "",
                text=item.message.text if item.message else "",
                state=item.message.form.state if item.message else "",
                subject=item.message is not None and item.message.id == subject,
                detail=item.body if item.kind == "setting" else {},
            )
        )  # fmt: skip
    return told


def clause_views(policy: Policy, ids: Sequence[str], lang: str, found: Sequence[str] = ()) -> list[ClauseView]:
    """Clauses in the words of who looks; one of an older version that is gone has only its id."""
    return [_clause_view(policy.clause(id), id, policy, lang, found) for id in ids]


def act_view(acted: Acted, names: Mapping[str, str], staff: Staff, at: int) -> ActView:
    """An act, and whether this person can still undo it."""
    mine = acted.actor == staff.id or staff.role in (StaffRole.LEAD, StaffRole.ADMIN)
    until = acted.at + UNDO_MS
    open_ = mine and not acted.undone_at and until > at and acted.outcome != "note"
    return ActView(
        id=acted.id, actor=acted.actor, actor_name=names.get(acted.actor, acted.actor), at=acted.at,
        outcome=acted.outcome, acts=msgspec.json.decode(acted.acts), reason=acted.reason, clause=acted.clause,
        policy=acted.policy, message=acted.message, undo_until=until if open_ else 0, undone_at=acted.undone_at,
        undone_by=acted.undone_by,
    )  # fmt: skip


def _clause_view(clause: Clause | None, id: str, policy: Policy, lang: str, found: Sequence[str]) -> ClauseView:
    if clause is None:
        return ClauseView(id, "", [], "", int(Severity.MEDIUM), POINTS[Severity.MEDIUM])
    told = policy.reasons(Decision(clause.verdict, policy.id, clauses=(id,)), lang)
    categories = sorted(str(one) for one in clause.categories)
    severity = max((of_category(one) for one in categories if one in found or not found), default=Severity.MEDIUM)
    return ClauseView(
        id, clause.verdict, categories, told[0].message if told else "", int(severity), POINTS[severity],
        dict(clause.scores),
    )  # fmt: skip


def _decision_view(one: Decided) -> DecisionView:
    decision = one.decision
    return DecisionView(
        at=one.at, kind=one.kind, by=decision.by, verdict=decision.verdict, policy=decision.policy,
        clauses=decision.clauses, findings=decision.findings, scores=(decision.evidence or Evidence()).scores,
        masks=decision.masks, degraded=decision.degraded, received_by=one.received_by, dropped=one.kind == "dropped",
    )  # fmt: skip


def _may(staff: Staff, item: Item, message: Message | None, at: int, *, barred: bool) -> list[str]:
    """What this person can do with an item now, in the words of the calls."""
    if staff.role is StaffRole.AUDITOR:
        return []
    if item.lease_until > at and item.claimed_by != staff.id:
        return ["look"]
    if barred:
        return ["note"]
    about = (
        ["uphold", "overturn"] if "appeal" in item.causes and item.state == "open" else ["release", "mask", "remove"]
    )
    if message is None:
        about = [one for one in about if one in ("uphold", "overturn")]
    return [*about, "warn", "mute", "remove_member", "ban", "escalate", "note"]


def _row(
    item: Item, text: str, state: str, name: str, role: str, title: str, staff: Mapping[str, str], at: int
) -> Row:  # fmt: skip
    claimed = item.state == "open" and item.lease_until > at
    return Row(
        message=item.message, conversation=item.conversation, title=title,
        status="decided" if item.state != "open" else "claimed" if claimed else "waiting", version=item.version,
        text=text, message_state=state, author=item.author, author_name=name, author_role=role, causes=item.causes,
        queue=item.queue, severity=item.severity, categories=item.categories, clauses=item.clauses,
        language=item.language, policy=item.policy, degraded=item.degraded, reach=item.reach, reports=item.reports,
        opened_at=item.opened_at, due_at=item.due_at, claimed_by=item.claimed_by if claimed else "",
        claimed_name=staff.get(item.claimed_by, item.claimed_by) if claimed else "", claimed_at=item.claimed_at,
        lease_until=item.lease_until if claimed else 0, barred=item.barred, decided_at=item.decided_at,
        decided_by=item.decided_by, decided_name=staff.get(item.decided_by, item.decided_by), outcome=item.outcome,
    )  # fmt: skip
