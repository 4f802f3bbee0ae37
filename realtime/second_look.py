"""The deep tier in the way of a message: who waits for it, and what its verdict does to a message that is out already."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial

import msgspec
from sqlalchemy import Connection as Transaction

from moderation.deep.tier import Deep, Scores
from moderation.judgement import Judgement
from moderation.review.intake import case_of, recorded
from policies.decision import Decision, Failing, Failure, Verdict
from policies.policy import Policy
from realtime import intake
from realtime.acting import settings
from realtime.hub import Hub
from realtime.protocol import Decided
from realtime.room import Room
from realtime.visibility import uniform, visible_to
from rules.types import Role, Setting
from storage import log, review_items
from storage.database import Database
from storage.errors import Unavailable
from storage.review_items import Item
from storage.values import Form, LogItem, Member, Message

RETRY_SECONDS = (0.5, 1, 2, 5, 10, 30)  # while the database does not answer

# What each verdict does to a message that its readers have. Advice comes too late: the author has sent it.
_EFFECT = {
    Verdict.ALLOW: 0, Verdict.NUDGE: 0, Verdict.FLAG: 1, Verdict.MASK: 2, Verdict.HOLD: 3, Verdict.BLOCK: 4,
}  # fmt: skip
# How that is called in the log. Only staff hears of a flag; for the others it is a number without an event.
_KINDS = {Verdict.FLAG: "flagged", Verdict.MASK: "masked", Verdict.HOLD: "held", Verdict.BLOCK: "removed"}


class Case(msgspec.Struct, frozen=True):
    """A message that was sent on without the deep scores: what was decided about it, by what, and who got it at once."""

    tenant: str
    policy: Policy
    setting: Setting
    judged: Judgement
    message: Message
    role: Role
    received_by: frozenset[str]


class SecondLook:
    """Asks the deep tier about messages: before they are sent on where the policy says so, else beside it."""

    def __init__(self, deep: Deep, database: Database, hub: Hub) -> None:
        self.deep = deep
        self._database = database
        self._hub = hub
        self._turns: dict[tuple[str, str, str], asyncio.Event] = {}

    async def before(self, room: Room, member: Member, text: str, setting: Setting, judged: Judgement) -> Judgement:
        """The judgement on which the message may be sent on; waits where the policy wants the deep scores first.

        A message does not overtake an earlier one of its author that waits. The caller stores it without waiting for
        anything else, because the next in turn goes on then.
        """
        key = (room.tenant, room.id, member.id)
        ahead = self._turns.get(key)
        deadline_ms = room.policy.deep_deadline_ms(judged.decision)
        if ahead is None and not deadline_ms:
            return judged
        mine = self._turns[key] = asyncio.Event()
        try:
            if deadline_ms:
                judged = await self._decided(text, setting, judged, room.policy, deadline_ms)
            if ahead is not None:
                await ahead.wait()
            return judged
        finally:
            mine.set()
            if self._turns.get(key) is mine:
                del self._turns[key]

    def beside(self, room: Room, setting: Setting, judged: Judgement, message: Message) -> None:
        """Have a message judged that was sent on without the deep scores; a stronger verdict still changes it."""
        if message.form.state != "visible" or any(name.startswith(f"{self.deep.name}.") for name in judged.scores):
            return
        case = Case(room.tenant, room.policy, setting, judged, message, message.form.role, self._readers(room, message))
        self.deep.later(message.text, partial(self._scored, case))

    async def _decided(
        self, text: str, setting: Setting, judged: Judgement, policy: Policy, deadline_ms: int
    ) -> Judgement:
        began = time.perf_counter_ns()
        answer = await self.deep.scores(text, deadline_ms / 1_000)
        failures, scores = judged.failures, judged.scores
        if isinstance(answer, Failing):
            failures = (*failures, Failure("classifiers", self.deep.name, answer))
        else:
            scores = {**scores, **answer}
        decision = policy.decide(judged.decision.findings, scores, setting, failures, text)
        us = judged.us + (time.perf_counter_ns() - began) // 1_000
        return msgspec.structs.replace(judged, decision=decision, scores=scores, us=us)

    def _scored(self, case: Case, scores: Scores) -> None:
        judged = case.judged
        decision = case.policy.decide(
            judged.decision.findings,
            {**judged.scores, **scores},
            case.setting,
            judged.failures,
            case.message.text,
        )
        if _stronger(decision, judged.decision):
            scores = {**judged.scores, **scores}
            self._hub.run(self._change(case, recorded(decision, scores, judged.language, case.setting)))

    async def _change(self, case: Case, decision: Decision) -> None:
        """Do to the message what the late verdict says, unless a person or its author has been there before."""
        at = time.time_ns() // 1_000_000
        sent = case.message
        room = self._hub.rooms.get((case.tenant, sent.conversation))
        received_by = sorted(case.received_by | (self._readers(room, sent) if room is not None else frozenset()))

        def act(tx: Transaction) -> tuple[list[LogItem], Item | None]:
            log.lock(tx, case.tenant, sent.conversation)
            latest = log.message(tx, case.tenant, sent.conversation, sent.id)
            # Other words are another case, and what a person has decided stands.
            if latest.revision != sent.revision or latest.form.state != "visible":
                return [], None
            days = settings(tx, case.tenant).stands_days
            if review_items.stands(tx, case.tenant, latest, at, days):
                dropped = log.note(tx, case.tenant, latest, "dropped", at, decision)
                return [dropped], review_items.find(tx, case.tenant, latest.id)
            kind, waiting = _KINDS[decision.verdict], None
            if decision.verdict is not Verdict.MASK:
                waits = case_of(decision, case.policy, at=at, reach=len(received_by), language=latest.form.language)
                waiting = review_items.open_item(
                    tx, case.tenant, latest.conversation, latest.id, latest.author, "late", waits, at
                )  # fmt: skip
            if decision.verdict is Verdict.FLAG:
                return [log.note(tx, case.tenant, latest, kind, at, decision)], waiting
            form = _changed(latest.form, decision)
            changed = log.change(
                tx, case.tenant, latest, kind, "", at, form, decision=decision, received_by=received_by
            )  # fmt: skip
            return [changed], waiting

        events, waiting = await self._store(act)
        for item in events:
            self._hub.publish(case.tenant, sent.conversation, item)
            if item.kind != "dropped":
                withdrawn = [] if decision.verdict is Verdict.FLAG else received_by
                self._tell_staff(case, decision, item, withdrawn, at)
        if waiting is not None:
            dropped = any(item.kind == "dropped" for item in events)
            intake.tell(self._hub, case.tenant, waiting, "dropped" if dropped else "opened")

    async def _store(
        self, act: Callable[[Transaction], tuple[list[LogItem], Item | None]]
    ) -> tuple[list[LogItem], Item | None]:
        """Patient, because nobody else will come to withdraw the message."""
        for seconds in RETRY_SECONDS:
            with contextlib.suppress(Unavailable):
                return await self._database.write(act)
            await asyncio.sleep(seconds)
        return await self._database.write(act)

    def _tell_staff(self, case: Case, decision: Decision, item: LogItem, received_by: list[str], at: int) -> None:
        message = case.message
        self._hub.signal(
            case.tenant, "staff", "",
            Decided(
                conversation=message.conversation, message=message.id, seq=item.seq, at=at, author=message.author,
                role=case.role, text=message.text, verdict=decision.verdict, policy=decision.policy,
                findings=list(decision.findings), clauses=list(decision.clauses), degraded=list(decision.degraded),
                us=case.judged.us, received_by=received_by,
            ),
        )  # fmt: skip

    def _readers(self, room: Room, message: Message) -> frozenset[str]:
        """The members who have the message, as far as is known here: who is connected, and who has read beyond it."""
        item = LogItem(message.seq, "posted", message.author, message.form.at, message, {})
        here = {reader.id for reader in room.connections.values()}
        read = {member.id for member in room.members.values() if member.read_seq >= message.seq}
        others = (room.members[id] for id in here | read if id in room.members and id != message.author)
        alike = uniform(item)
        return frozenset(
            member.id for member in others if (alike and member.role is not Role.AGENT) or _shows(room, item, member.id)
        )


def _shows(room: Room, item: LogItem, participant: str) -> bool:
    event = visible_to(room.id, item, room.reader(participant), room.policy.reasons)
    return bool(getattr(event, "id", ""))


def _stronger(late: Decision, done: Decision) -> bool:
    more = _EFFECT[late.verdict] - _EFFECT[done.verdict]
    return more > 0 or (late.verdict is done.verdict is Verdict.MASK and late.masks != done.masks)


def _changed(form: Form, decision: Decision) -> Form:
    state = {Verdict.MASK: "visible", Verdict.HOLD: "held", Verdict.BLOCK: "removed"}[decision.verdict]
    return msgspec.structs.replace(
        form, state=state, masks=decision.masks, verdict=decision.verdict, clauses=decision.clauses
    )
