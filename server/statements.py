"""The statement of reasons for one message, from what the log and the review have kept."""

from __future__ import annotations

from sqlalchemy import Connection

from moderation.review.statement import Facts, Kind, Sanctioned, Statement, statement
from policies.decision import Decision, Verdict
from policies.policy import Policy
from realtime.hub import Hub
from storage import acts, appeals, conversations, decisions, log, notices, refusals, reports, sanctions
from storage.acts import Acted
from storage.database import Database
from storage.errors import NotFound

_KINDS: dict[str, Kind] = {"mute": "muted", "ban": "banned", "removal": "removed_member"}


async def of_message(database: Database, hub: Hub, tenant: str, message: str) -> Statement:
    """The statement about a message, in its author's language. Raises NotFound."""

    def place(tx: Connection) -> str:
        found = log.find(tx, tenant, message) or refusals.find(tx, tenant, message)
        if found is None:
            raise NotFound("decision")
        return found.conversation

    policy = (await hub.room(tenant, await database.read(place, of=tenant))).policy
    return statement(await database.read(lambda tx: facts(tx, tenant, message, policy), of=tenant))


def facts(tx: Connection, tenant: str, id: str, policy: Policy) -> Facts:
    """What a statement about a message is made of. Raises NotFound."""
    message, refused = log.find(tx, tenant, id), refusals.find(tx, tenant, id)
    found = message or refused
    if found is None:
        raise NotFound("decision")
    conversation = conversations.load(tx, tenant, found.conversation)
    author = next((one for one in conversation.members if one.id == found.author), None)
    lang = author.lang if author is not None else "en"
    decided = decisions.about(tx, tenant, id)
    first, last = decisions.judged(decided), decisions.in_force(decided)
    person = acts.last_decision(tx, tenant, id)
    holds = _holds(last.decision, person)
    appeal = appeals.find(tx, tenant, id)
    return Facts(
        message=id, conversation=found.conversation, at=max(last.at, person.at if person is not None else 0), lang=lang,
        first=first.decision, last=holds, state=message.form.state if message is not None else "",
        outcome=person.outcome if person is not None else "", by=person.actor if person is not None else holds.by,
        reasons=policy.reasons(holds, lang) if holds.verdict is not Verdict.ALLOW else (),
        refused=message is None, reported=bool(reports.about(tx, tenant, id)),
        members=sum(not one.left_seq for one in conversation.members), sanctions=_sanctions(tx, tenant, id, found.author),
        appeal=appeal.state if appeal is not None else "none",
    )  # fmt: skip


def _holds(last: Decision, person: Acted | None) -> Decision:
    """The decision in force; a person who found nothing wrong has left no verdict in the log where nothing was to change."""
    if person is not None and person.outcome in ("release", "overturn"):
        return Decision(Verdict.ALLOW, last.policy, by=person.actor)
    return last


def _sanctions(tx: Connection, tenant: str, message: str, author: str) -> list[Sanctioned]:
    """What was done about the author because of this message, and not taken back."""
    about = {one.id for one in acts.of_message(tx, tenant, message) if not one.undone_at}
    put = [one for one in sanctions.of_participant(tx, tenant, author) if one.act in about and not one.lifted_at]
    warned = [Sanctioned("warned")] if notices.warned(tx, tenant, author, sorted(about)) else []
    return [*warned, *(Sanctioned(_KINDS[one.kind], one.until) for one in put)]
