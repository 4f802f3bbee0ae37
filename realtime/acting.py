"""What the staff does about a message and its author: carried out, or taken back, in one transaction each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection as Transaction

from moderation.review import acting, strikes
from moderation.review.acting import UNDO_MS, AnyAct, Ban, Escalate, Mute, OnMessage, RemoveMember, Warn
from moderation.review.lease import LEASE_MS, Lease
from moderation.review.notices import WARNINGS
from moderation.review.settings import ReviewSettings
from moderation.review.severity import Severity, of_category
from moderation.review.strikes import Proposal
from policies.decision import Decision, Verdict
from policies.policy import Policy
from storage import (
    acts,
    appeals,
    audit,
    conversations,
    decisions,
    leases,
    log,
    notices,
    refusals,
    reports,
    review_items,
    review_settings,
    sanctions,
    second_looks,
)
from storage import strikes as strike_rows
from storage.acts import Acted, Trace
from storage.errors import NotFound
from storage.leases import Barred, Claimed
from storage.notices import Notice
from storage.review_items import AGAINST, Item
from storage.sanctions import Sanction, Standing
from storage.second_looks import SecondLook
from storage.staff import Staff, StaffRole
from storage.strikes import StrikeRow
from storage.values import Case, Form, LogItem, Member, Message

REVIEWER_BAN_HOURS = 24 * 30  # a longer ban is for a lead
HOUR_MS = 3_600_000
IN_CHAT = "staff"  # participants are not told who of the staff it was
LOOKED_AT_AGAIN = ("release", "mask", "remove")  # outcomes that somebody else can also come to


class TooLate(Exception):
    """An act that cannot be taken back any more; ``why`` says it to people."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return self.why


class NotAllowed(Exception):
    """An act that takes another role."""

    def __str__(self) -> str:
        return "This takes a lead: escalate the item."


class Deed(msgspec.Struct, frozen=True):
    """What somebody wants done. ``request`` is their own mark, under which it is done once.

    ``version`` is that of the item they looked at, 0 for any; ``message_version`` that of the message's form.
    """

    request: str
    acts: Sequence[AnyAct]
    reason: str
    clause: str = ""
    version: int = 0
    message_version: int = 0
    batch: str = ""


class Done(msgspec.Struct, frozen=True):
    """What came of it: the act as kept, the item as it is now, and whom to tell what.

    ``again`` when it had been done before. ``proposal`` is what the ladder says about the author.
    """

    acted: Acted
    item: Item
    events: tuple[LogItem, ...] = ()
    notices: tuple[Notice, ...] = ()
    standing: Standing | None = None
    proposal: Proposal | None = None
    lang: str = "en"
    again: bool = False


class Subject(msgspec.Struct, frozen=True):
    """What is acted on: a message of the log, or one that was blocked (``message`` None)."""

    id: str
    conversation: str
    author: str
    text: str
    message: Message | None = None


def subject(tx: Transaction, tenant: str, id: str) -> Subject:
    """The message of this id, blocked or not. Raises NotFound."""
    message = log.find(tx, tenant, id)
    if message is not None:
        return Subject(id, message.conversation, message.author, message.text, message)
    refused = refusals.find(tx, tenant, id)
    if refused is None:
        raise NotFound("message")
    return Subject(id, refused.conversation, refused.author, refused.text)


def settings(tx: Transaction, tenant: str) -> ReviewSettings:
    """What the tenant has set about its review."""
    kept = review_settings.load(tx, tenant)
    return ReviewSettings() if kept is None else msgspec.json.decode(kept, type=ReviewSettings)


def carry_out(
    tx: Transaction, staff: Staff, conversation: str, id: str, deed: Deed, policy: Policy, act_id: str, at: int
) -> Done:
    """Do it. Raises NotFound, BadActs, NotAllowed, Claimed (somebody else was first, or has it) or Barred."""
    tenant = staff.tenant
    log.lock(tx, tenant, conversation)
    previous = acts.last_decision(tx, tenant, id)
    if previous is not None:
        at = max(at, previous.at + 1)  # the clock was read before the lock, perhaps on another node
    done = acts.by_request(tx, tenant, staff.id, deed.request)
    if done is not None:
        if done.message != id:
            raise acting.BadActs("request", "Something else was done under this request.")
        return Done(done, review_items.load(tx, tenant, id), again=True)

    about = subject(tx, tenant, id)
    item = review_items.find(tx, tenant, id, lock=True)
    if item is None:
        item = review_items.open_item(tx, tenant, about.conversation, id, about.author, "staff", Case(at), at)
    elif deed.version and deed.version != item.version:
        raise Claimed(item)
    if Lease(item.claimed_by, item.lease_until).bars(staff.id, at):
        raise Claimed(item)
    appealed = "appeal" in item.causes and item.state == "open"
    outcome = acting.outcome(deed.acts, appealed=appealed)
    if outcome != "note" and leases.bars(tx, tenant, item, staff.id):
        raise Barred(item)
    _check(tx, staff, about, item, deed, outcome, policy)

    decided = decisions.about(tx, tenant, id)
    change = _change(tx, staff, about, deed, policy, previous, at)
    cleared = _clear(tx, tenant, staff, about, outcome, at)
    trace = Trace(
        item=item,
        before=about.message.form if change and about.message else None,
        after=change.message.form if change and change.message else None,
        seq=change.seq if change else 0,
        revision=about.message.revision if about.message else 0,
        reporters=_answer_reports(tx, tenant, id, outcome),
        appeal=_answer_appeal(tx, staff, id, outcome, at),
        strikes=cleared.strikes,
        sanctions=cleared.sanctions,
        notices=tuple(one.id for one in cleared.notices),
        back=cleared.back,
    )
    member = _member(tx, tenant, about)
    rules = settings(tx, tenant)
    proposal = None
    wanted: Sequence[AnyAct] = deed.acts
    if acting.violates(outcome):
        severity = severity_of(deed.clause, policy, item)
        proposal = _strike(tx, tenant, about, deed, act_id, severity, rules, at)
        if rules.ladder_mode == "apply" and proposal.act and not any(isinstance(one, Mute | Ban) for one in wanted):
            step = Mute(proposal.hours, everywhere=True) if proposal.act == "mute" else Ban(proposal.hours or None)
            wanted = (*wanted, step)
    events = [*([change] if change else []), *cleared.events]
    told, left = _sanction(tx, staff, about, member, wanted, deed, act_id, events, at)
    if outcome in ("uphold", "overturn"):
        template = f"appeal_{'upheld' if outcome == 'uphold' else 'overturned'}"
        refused = outcome == "overturn" and about.message is None
        told.append(_notice(tx, tenant, about, f"{template}_refused" if refused else template, act_id, 0, at))

    told = [*cleared.notices, *told]
    if isinstance(deed.acts[0], Escalate):
        review_items.move(tx, tenant, id, deed.acts[0].queue)
    elif outcome != "note":
        review_items.decide(tx, tenant, id, staff.id, outcome, at)
    category = item.categories[0] if item.categories else ""
    acted = Acted(
        id=act_id, actor=staff.id, request=deed.request, batch=deed.batch, message=id, conversation=about.conversation,
        author=about.author, at=at, outcome=outcome, acts=msgspec.json.encode(list(wanted)).decode(),
        reason=deed.reason, clause=deed.clause, policy=policy.id, category=category, severity=item.severity,
        language=item.language, verdict=decisions.judged(decided).decision.verdict if decided else Verdict.ALLOW,
        causes=msgspec.json.encode(item.causes).decode(), queue=item.queue, opened_at=item.opened_at,
        claimed_at=item.claimed_at if item.claimed_by == staff.id else 0,
        trace=msgspec.structs.replace(trace, left=left),
    )  # fmt: skip
    acts.add(tx, tenant, acted)
    if outcome in LOOKED_AT_AGAIN and sampled(act_id, rules.second_looks):
        second_looks.add(tx, tenant, SecondLook(act_id, id, act_id, staff.id, outcome, deed.clause, at))
    audit.record(
        tx, tenant, staff.id, f"review.{outcome}", id,
        {"acts": [msgspec.to_builtins(one) for one in wanted], "clause": deed.clause, "policy": policy.id,
         "act": act_id, "conversation": about.conversation, "author": about.author, "batch": deed.batch},
        at,
    )  # fmt: skip
    standing = None
    if proposal is not None or told or cleared.strikes or cleared.sanctions:
        standing = sanctions.standing(tx, tenant, about.author, at)
    return Done(
        acted, review_items.load(tx, tenant, id), tuple(events), tuple(told), standing, proposal,
        member.lang if member else "en",
    )  # fmt: skip


def take_back(tx: Transaction, staff: Staff, act_id: str, at: int) -> Done:
    """Undo an act: the form as it was, strikes and sanctions taken back. Raises NotFound, NotAllowed or TooLate."""
    tenant = staff.tenant
    acted = acts.load(tx, tenant, act_id)
    log.lock(tx, tenant, acted.conversation)
    acted = acts.load(tx, tenant, act_id, lock=True)
    item = review_items.load(tx, tenant, acted.message, lock=True)
    if acted.actor != staff.id and staff.role not in (StaffRole.LEAD, StaffRole.ADMIN):
        raise NotAllowed
    if acted.undone_at:
        return Done(acted, item, again=True)
    if at - acted.at > UNDO_MS:
        raise TooLate(f"An act can be taken back for {UNDO_MS // 1_000} seconds.")
    last = acts.last_decision(tx, tenant, acted.message)
    if acted.outcome == "note" or (acted.outcome != "escalate" and (last is None or last.id != act_id)):
        raise TooLate("Something else was decided since.")
    trace, events = acted.trace, []
    if item.state != (trace.item.state if acted.outcome == "escalate" else "decided") or (
        acted.outcome == "escalate" and item.barred != trace.item.barred
    ):
        # To take it back would put away what waits now, and let its decider answer an appeal against themselves.
        raise TooLate("It was put before a person again since, by an appeal, a report or new words: decide anew.")

    about = subject(tx, tenant, acted.message)
    if trace.before is not None and trace.after is not None and about.message is not None:
        back = acting.restored(about.message.form, trace.after, trace.before)
        if back is not None and about.message.revision == trace.revision:
            kind, form = back
            events.append(log.change(tx, tenant, about.message, kind, staff.id, at, form))
    strike_rows.withdraw(tx, tenant, act_id, at)
    sanctions.lift(tx, tenant, act_id, staff.id, at)
    strike_rows.put_back(tx, tenant, trace.strikes)
    sanctions.put_back(tx, tenant, trace.sanctions)
    told = notices.withdraw(tx, tenant, act_id, at) + notices.put_back(tx, tenant, trace.notices)
    reports.unsettle(tx, tenant, acted.message, trace.reporters)
    if trace.appeal:
        appeals.unsettle(tx, tenant, acted.message)
    second_looks.drop(tx, tenant, act_id)
    if trace.left is not None and not _is_member(tx, tenant, acted.conversation, trace.left.id):
        events.append(conversations.join(tx, tenant, acted.conversation, trace.left, at))
    if trace.back is not None and _is_member(tx, tenant, acted.conversation, trace.back.id):
        events += conversations.leave(tx, tenant, acted.conversation, trace.back.id, IN_CHAT, at)
    review_items.reopen(tx, tenant, acted.message, trace.item, staff.id, at + LEASE_MS)
    acts.undo(tx, tenant, act_id, staff.id, at)
    audit.record(tx, tenant, staff.id, "review.undo", acted.message, {"act": act_id, "outcome": acted.outcome}, at)
    member = _member(tx, tenant, about)
    return Done(
        msgspec.structs.replace(acted, undone_at=at, undone_by=staff.id), review_items.load(tx, tenant, acted.message),
        tuple(events), tuple(told), sanctions.standing(tx, tenant, acted.author, at),
        lang=member.lang if member else "en",
    )  # fmt: skip


def severity_of(clause: str, policy: Policy, item: Item) -> Severity:
    """How bad it is to break a clause: the worst of its categories, or what the item was taken for."""
    known = policy.clause(clause) if clause else None
    if known is None or not known.categories:
        return Severity(item.severity)
    # Of a clause about several things only what was found here counts.
    found = [one for one in known.categories if one in item.categories] or list(known.categories)
    return max(of_category(one) for one in found)


def sampled(id: str, share: float) -> bool:
    """Whether an act is in a sample of this share: by its id alone, so that nobody can tell beforehand and anybody check."""
    return int.from_bytes(hashlib.sha256(id.encode()).digest()[:8], "big") < share * 2**64


# ------------------------------------------------------------------------------------------------------- inside


def _check(
    tx: Transaction, staff: Staff, about: Subject, item: Item, deed: Deed, outcome: str, policy: Policy
) -> None:  # fmt: skip
    """Raises Claimed when the message has changed, BadActs or NotAllowed when this cannot be done to it."""
    message = about.message
    if deed.message_version and message is not None and deed.message_version != message.version:
        raise Claimed(item)
    known = not deed.clause or policy.clause(deed.clause) is not None or deed.clause in item.clauses
    if not known:
        raise acting.BadActs("clause", f"The policy has no clause {deed.clause!r}.")
    if message is None and outcome in ("release", "mask", "remove"):
        raise acting.BadActs("acts", "It was never sent: there is nothing to show or to hide.")
    for act in deed.acts:
        if isinstance(act, acting.Mask):
            acting.check_spans(act.spans, about.text)
        shows = isinstance(act, acting.Release | acting.Mask)
        if shows and message is not None and _taken_back(tx, staff.tenant, message):
            raise acting.BadActs("acts", "Its author has taken it back.")
        if isinstance(act, Warn) and act.template not in WARNINGS:
            raise acting.BadActs("acts", f"There is no template {act.template!r}.")
        too_long = isinstance(act, Ban) and (act.hours is None or act.hours > REVIEWER_BAN_HOURS)
        if too_long and staff.role is StaffRole.REVIEWER:
            raise NotAllowed


def _change(
    tx: Transaction, staff: Staff, about: Subject, deed: Deed, policy: Policy, previous: Acted | None, at: int
) -> LogItem | None:
    """Let the act about the message, if there is one, be seen in the log."""
    act = next((one for one in deed.acts if isinstance(one, OnMessage)), None)
    message = about.message
    if act is None or message is None:
        return None
    if _taken_back(tx, staff.tenant, message):
        return None
    before: Form | None = previous.trace.before if previous is not None else None
    changed = acting.changed(message.form, act, deed.clause, before)
    if changed is None or changed[1] == message.form:
        return None
    kind, form = changed
    decision = Decision(form.verdict, policy.id, clauses=form.clauses, masks=form.masks, by=staff.id)
    return log.change(tx, staff.tenant, message, kind, staff.id, at, form, decision=decision)


def _answer_reports(tx: Transaction, tenant: str, id: str, outcome: str) -> tuple[str, ...]:
    if outcome in ("note", "escalate"):
        return ()
    right = outcome in ("mask", "remove", "sanction", "uphold")
    return tuple(reports.settle(tx, tenant, id, "upheld" if right else "dismissed"))


def _answer_appeal(tx: Transaction, staff: Staff, id: str, outcome: str, at: int) -> str:
    if outcome not in ("uphold", "overturn"):
        return ""
    state = "upheld" if outcome == "uphold" else "overturned"
    appeals.settle(tx, staff.tenant, id, state, staff.id, at)
    return state


class _Cleared(msgspec.Struct, frozen=True):
    """What somebody had been given for a message and is rid of; ``back`` is a member again, which ``events`` tell."""

    strikes: tuple[str, ...] = ()
    sanctions: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    back: Member | None = None
    events: tuple[LogItem, ...] = ()


def _clear(tx: Transaction, tenant: str, staff: Staff, about: Subject, outcome: str, at: int) -> _Cleared:
    """Of a message with which nothing is wrong, all that any decision had given its author is taken back."""
    if outcome not in ("overturn", "release"):
        return _Cleared()
    strikes, lifted, told, left = list[str](), list[Sanction](), list[Notice](), None
    for act in acts.of_message(tx, tenant, about.id):
        if act.undone_at or act.outcome not in AGAINST:
            continue
        strikes += strike_rows.withdraw(tx, tenant, act.id, at)
        lifted += sanctions.lift(tx, tenant, act.id, staff.id, at)
        told += notices.withdraw(tx, tenant, act.id, at)
        left = act.trace.left or left
    removed = any(one.kind == "removal" for one in lifted)
    back = left if removed and left and not _is_member(tx, tenant, about.conversation, left.id) else None
    events = [conversations.join(tx, tenant, about.conversation, back, at)] if back is not None else []
    return _Cleared(tuple(strikes), tuple(one.id for one in lifted), tuple(told), back, tuple(events))


def _strike(
    tx: Transaction, tenant: str, about: Subject, deed: Deed, act_id: str, severity: Severity, rules: ReviewSettings,
    at: int,
) -> Proposal:  # fmt: skip
    """One strike a message, whatever was done about it how often; what the ladder says now."""
    if strike_rows.about(tx, tenant, about.id, about.author) is not None:
        return Proposal(strike_rows.points(tx, tenant, about.author, at))
    before = strike_rows.points(tx, tenant, about.author, at)
    row = StrikeRow(
        id=f"{act_id}.s", participant=about.author, points=strikes.POINTS[severity], severity=severity,
        clause=deed.clause, message=about.id, act=act_id, at=at, expires_at=strikes.expiry(severity, at),
    )  # fmt: skip
    strike_rows.add(tx, tenant, row)
    return strikes.propose(before, severity, rules.ladder)


def _sanction(
    tx: Transaction, staff: Staff, about: Subject, member: Member | None, wanted: Sequence[AnyAct], deed: Deed,
    act_id: str, events: list[LogItem], at: int,
) -> tuple[list[Notice], Member | None]:  # fmt: skip
    """Put in force what is about the author; what they are told, and who was removed."""
    tenant, told, left = staff.tenant, [], None

    def put(kind: str, conversation: str, until: int) -> None:
        row = Sanction(
            f"{act_id}.{kind}", about.author, kind, conversation, at, until, act_id, staff.id, deed.clause
        )  # fmt: skip
        sanctions.add(tx, tenant, row)

    for act in wanted:
        match act:
            case Warn():
                told.append(_notice(tx, tenant, about, f"warning.{act.template}", act_id, 0, at))
            case Mute():
                until = at + act.hours * HOUR_MS
                put("mute", sanctions.EVERYWHERE if act.everywhere else about.conversation, until)
                told.append(_notice(tx, tenant, about, "muted", act_id, until, at))
            case Ban():
                until = at + act.hours * HOUR_MS if act.hours else 0
                put("ban", sanctions.EVERYWHERE, until)
                told.append(_notice(tx, tenant, about, "banned", act_id, until, at))
            case RemoveMember():
                if member is not None and not member.left_seq:
                    left = member
                    events += conversations.leave(tx, tenant, about.conversation, about.author, IN_CHAT, at)
                    put("removal", about.conversation, 0)
                    told.append(_notice(tx, tenant, about, "removed_member", act_id, 0, at))
    return told, left


def _notice(
    tx: Transaction, tenant: str, about: Subject, template: str, act_id: str, until: int, at: int
) -> Notice:  # fmt: skip
    notice = Notice(
        id=f"{act_id}.{template.replace('.', '-')}", participant=about.author, conversation=about.conversation,
        message=about.id, template=template, at=at, until=until, act=act_id,
    )  # fmt: skip
    notices.add(tx, tenant, notice)
    return notice


def _taken_back(tx: Transaction, tenant: str, message: Message) -> bool:
    return message.form.state == "removed" and log.taken_back(tx, tenant, message)


def _member(tx: Transaction, tenant: str, about: Subject) -> Member | None:
    return conversations.member(tx, tenant, about.conversation, about.author)


def _is_member(tx: Transaction, tenant: str, conversation: str, participant: str) -> bool:
    try:
        conversations.require_member(tx, tenant, conversation, participant)
    except NotFound:
        return False
    return True
