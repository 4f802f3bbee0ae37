"""How messages come before a person: by what the policy decided, by reports, by appeals and by new words."""

from __future__ import annotations

from sqlalchemy import Connection as Transaction

from moderation.review.intake import case_of, reported_case
from moderation.review.reporters import Record, weight
from policies.decision import Decision, Verdict
from policies.policy import Policy
from realtime.hub import Hub
from realtime.protocol import Queue
from realtime.room import Room
from storage import acts, appeals, decisions, log, refusals, reports, review_items
from storage.errors import NotFound
from storage.review_items import Item
from storage.values import Case, Entry, Message


def case(room: Room, decision: Decision, language: str, at: int) -> Case | None:
    """How a message that is decided now waits for a person, if it does."""
    if decision.verdict not in log.WAITS_FOR_A_PERSON:
        return None
    reach = 0 if decision.verdict is Verdict.HOLD else len(room.members) - 1
    return case_of(decision, room.policy, at=at, reach=reach, language=language)


def edited(
    tx: Transaction, room: Room, latest: Message, decision: Decision, language: str, at: int
) -> list[Item]:  # fmt: skip
    """New words bring a message before a person if they want one, or if a person has had to do with the old ones."""
    known = review_items.find(tx, room.tenant, latest.id)
    waits = decision.verdict in log.WAITS_FOR_A_PERSON
    settled = known is not None and (known.state == "open" or known.outcome in ("mask", "uphold", "sanction"))
    if not waits and not settled:
        return []
    how = case_of(decision, room.policy, at=at, reach=len(room.members) - 1, language=language)
    cause = "edit" if known is not None else str(decision.verdict)
    return [review_items.open_item(tx, room.tenant, room.id, latest.id, latest.author, cause, how, at)]


def report(
    tx: Transaction, room: Room, reported: Message, reporter: str, reason: str, note: str, at: int
) -> Item:  # fmt: skip
    """Put a reported message before a person. Raises Stale when this reporter has reported it already."""
    tenant = room.tenant
    counts_for = weight(Record(*reports.record(tx, tenant, reporter)))
    reports.add(tx, tenant, room.id, reported.id, reporter, reason, note, at)
    decision = decisions.in_force(decisions.about(tx, tenant, reported.id)).decision
    known = review_items.find(tx, tenant, reported.id, lock=True)
    weights = counts_for + (known.weight if known is not None and known.state == "open" else 0.0)
    how = reported_case(
        decision, room.policy, [reason], weights, at=at, reach=len(room.members) - 1,
        language=reported.form.language,
    )  # fmt: skip
    review_items.open_item(tx, tenant, room.id, reported.id, reported.author, "report", how, at)
    review_items.weigh(tx, tenant, reported.id, counts_for, how.due_at)
    return review_items.load(tx, tenant, reported.id)


def appeal(tx: Transaction, tenant: str, message: str, author: str, note: str, policy: Policy, at: int) -> Item:
    """Put a decision before somebody who did not make it.

    Raises NotFound when nothing was decided against a message of this author, Stale when it is under appeal or final.
    """
    current = log.find(tx, tenant, message)
    refused = refusals.find(tx, tenant, message) if current is None else None
    whose = current or refused
    if whose is None or whose.author != author:
        raise NotFound("decision")
    conversation = whose.conversation
    log.lock(tx, tenant, conversation)
    decided = decisions.about(tx, tenant, message)
    person = acts.last_decision(tx, tenant, message)
    latest = decisions.in_force(decided)
    by_person = person is not None and person.outcome not in ("release", "overturn")
    if current is not None and not by_person and latest.decision.verdict in (Verdict.ALLOW, Verdict.FLAG):
        raise NotFound("decision")
    if current is not None and log.taken_back(tx, tenant, current):
        raise NotFound("decision")
    decider = person.actor if person is not None and by_person else appeals.POLICY
    decided_at = max(latest.at, person.at if person is not None else 0)
    appeals.lodge(tx, tenant, message, author, note, decider, decided_at, at)
    language = current.form.language if current is not None else ""
    how = case_of(decisions.judged(decided).decision, policy, at=at, reach=0, language=language, appealed=True)
    barred = decider if decider != appeals.POLICY else None
    return review_items.open_item(tx, tenant, conversation, message, author, "appeal", how, at, barred=barred)


def author_of(tx: Transaction, tenant: str, message: str) -> tuple[str, str]:
    """The conversation and the author of a message, blocked or not. Raises NotFound."""
    found = log.find(tx, tenant, message) or refusals.find(tx, tenant, message)
    if found is None:
        raise NotFound("decision")
    return found.conversation, found.author


def tell_new(hub: Hub, entry: Entry, waits: Case) -> None:
    """Let the staff see that a new message waits for them."""
    verdict = str(entry.decision.verdict)
    hub.signal(
        entry.tenant, "staff", "",
        Queue(
            change="opened", message=entry.id, conversation=entry.conversation, state="open", queue=waits.queue,
            severity=waits.severity, due_at=waits.due_at, version=1, causes=[verdict],
            categories=list(waits.categories), language=waits.language,
        ),
    )  # fmt: skip


def tell(hub: Hub, tenant: str, item: Item, change: str, *, by: str = "", name: str = "", act: str = "") -> None:
    """Let the staff see what happened to an item."""
    hub.signal(
        tenant, "staff", "",
        Queue(
            change=change, message=item.message, conversation=item.conversation, state=item.state, queue=item.queue,
            severity=item.severity, due_at=item.due_at, version=item.version, causes=list(item.causes),
            categories=list(item.categories), language=item.language, reports=item.reports,
            claimed_by=item.claimed_by, claimed_name=name if item.claimed_by == by else "",
            lease_until=item.lease_until, by=by, outcome=item.outcome if item.state == "decided" else "", act=act,
        ),
    )  # fmt: skip
