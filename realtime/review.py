"""The verbs of the staff: who works on what, what is done about it, and who is told. Each reads in order."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection as Transaction

from moderation.review import exposure
from moderation.review.acting import BadActs, Note
from moderation.review.lease import LEASE_MS, LOOKING_MS
from moderation.review.notices import told
from moderation.review.severity import Severity
from policies.policy import Policy
from realtime import acting, intake
from realtime.acting import Deed, Done
from realtime.errors import Refusal
from realtime.hub import Hub
from realtime.protocol import Looking, Notice
from storage import acts, audit, exposures, leases, review_items, second_looks
from storage.database import Database
from storage.errors import NotFound, Stale
from storage.leases import Barred, Claimed
from storage.notices import Notice as StoredNotice
from storage.review_items import Item, ItemFilter
from storage.sanctions import Standing
from storage.second_looks import SecondLook
from storage.staff import Staff

BULK = 200  # items in one go, at most


class Next(msgspec.Struct, frozen=True):
    """The next item for somebody, if there is one. ``left`` is what remains of their exposure budget.

    ``withheld`` counts severe items that wait and that they are not given any more, until ``free_at``.
    """

    item: Item | None
    left: int
    withheld: int = 0
    free_at: int = 0


class Outcome(msgspec.Struct, frozen=True):
    """What came of one item of several: ``done``, or why not (``problem`` is a code, ``message`` a sentence)."""

    message: str
    done: Done | None = None
    problem: str = ""
    sentence: str = ""


class Review:
    """What the staff can do. Holds nothing but who looks at what."""

    def __init__(self, database: Database, hub: Hub, *, new_id: Callable[[int], str]) -> None:
        self.database = database
        self.hub = hub
        self._new_id = new_id
        self._looking: dict[tuple[str, str], dict[str, tuple[str, int]]] = {}

    # ------------------------------------------------------------------------------------------ who works on what

    async def next(self, staff: Staff, wanted: ItemFilter) -> Next:
        """Claim the first item of the queue that nobody has and that this person should be given."""
        at = now()
        free = msgspec.structs.replace(wanted, state="waiting", claimed_by="")

        def act(tx: Transaction) -> Next:
            budget = acting.settings(tx, staff.tenant).severe_an_hour
            seen = exposures.since(tx, staff.tenant, staff.id, at - exposure.HOUR_MS)
            left = exposure.left(seen, budget, at)
            most = Severity.SEVERE if left else Severity.HIGH
            mine = review_items.page(
                tx, staff.tenant, msgspec.structs.replace(wanted, state="claimed", claimed_by=staff.id), at, limit=1
            )
            taken = mine[0] if mine else None
            if taken is None:
                taken = leases.take_next(
                    tx, staff.tenant, free, staff.id, at + LEASE_MS, at, most_severe=most
                )  # fmt: skip
                if taken is not None:
                    audit.record(tx, staff.tenant, staff.id, "review.claim", taken.message, {}, at)
            if left:
                return Next(taken, left - (taken is not None and not mine and taken.severity >= Severity.SEVERE))
            severe = msgspec.structs.replace(free, severity=int(Severity.SEVERE))
            withheld = review_items.how_many(tx, staff.tenant, severe, at)
            return Next(taken, 0, withheld, exposure.free_at(seen, budget, at))

        given = await self.database.write(act)
        if given.item is not None:
            intake.tell(self.hub, staff.tenant, given.item, "claimed", by=staff.id, name=staff.name)
        return given

    async def claim(self, staff: Staff, message: str) -> Item:
        """Have an item to oneself for ten minutes, or for ten more. Raises NotFound, Claimed or Barred."""
        at = now()

        def act(tx: Transaction) -> Item:
            item = leases.claim(tx, staff.tenant, message, staff.id, at + LEASE_MS, at)
            audit.record(tx, staff.tenant, staff.id, "review.claim", message, {}, at)
            return item

        item = await self.database.write(act)
        intake.tell(self.hub, staff.tenant, item, "claimed", by=staff.id, name=staff.name)
        return item

    async def extend(self, staff: Staff, message: str) -> Item:
        """Keep an item for ten more minutes. Raises NotFound, or Claimed when somebody else has it by now."""
        at = now()
        item = await self.database.write(
            lambda tx: leases.claim(tx, staff.tenant, message, staff.id, at + LEASE_MS, at)
        )
        intake.tell(self.hub, staff.tenant, item, "claimed", by=staff.id, name=staff.name)
        return item

    async def let_go(self, staff: Staff, message: str) -> Item:
        """Give an item back. Raises NotFound, or Claimed when it is somebody else's."""
        at = now()
        item = await self.database.write(lambda tx: leases.let_go(tx, staff.tenant, message, staff.id, at))
        intake.tell(self.hub, staff.tenant, item, "let_go", by=staff.id)
        return item

    async def hand_over(self, staff: Staff, message: str, to: str, note: str) -> Item:
        """Give an item to a colleague, who has it for ten minutes and finds the note there. Raises NotFound, Claimed or Barred."""
        at = now()
        conversation, _ = await self.database.read(
            lambda tx: intake.author_of(tx, staff.tenant, message), of=staff.tenant
        )
        policy, act_id = await self.policy(staff.tenant, conversation), self._new_id(at)

        def act(tx: Transaction) -> Item:
            if note:
                deed = Deed(act_id, [Note()], note)
                acting.carry_out(tx, staff, conversation, message, deed, policy, act_id, at)
            item = leases.hand_over(tx, staff.tenant, message, staff.id, to, at + LEASE_MS, at)
            audit.record(tx, staff.tenant, staff.id, "review.hand_over", message, {"to": to}, at)
            return item

        item = await self.database.write(act)
        intake.tell(self.hub, staff.tenant, item, "handed_over", by=staff.id)
        return item

    def look(self, staff: Staff, message: str) -> list[Looking]:
        """Say that one looks at an item; who else does. Nobody is kept from anything by it."""
        here, at = self._looking.setdefault((staff.tenant, message), {}), now()
        here[staff.id] = (staff.name, at + LOOKING_MS)
        for id in [id for id, (_, until) in here.items() if until <= at]:
            del here[id]
        if len(self._looking) > 10_000:
            self._looking = {key: who for key, who in self._looking.items() if any(end > at for _, end in who.values())}
        self.hub.signal(staff.tenant, "staff", "", Looking(message, staff.id, staff.name), staff.id)
        return self.who_looks(staff, message)

    def who_looks(self, staff: Staff, message: str) -> list[Looking]:
        """Who else looks at an item, as far as is known on this node."""
        at, here = now(), self._looking.get((staff.tenant, message), {})
        return [Looking(message, id, name) for id, (name, until) in here.items() if id != staff.id and until > at]

    # ------------------------------------------------------------------------------------------------------ acting

    async def act(self, staff: Staff, message: str, deed: Deed) -> Done:
        """Do something about a message and its author.

        Raises NotFound, BadActs, NotAllowed, Barred, or Claimed when somebody else was first or has the item.
        """
        at = now()
        conversation, _ = await self.database.read(
            lambda tx: intake.author_of(tx, staff.tenant, message), of=staff.tenant
        )
        policy = await self.policy(staff.tenant, conversation)
        act_id = self._new_id(at)
        done = await self.database.write(
            lambda tx: acting.carry_out(tx, staff, conversation, message, deed, policy, act_id, at)
        )  # fmt: skip
        if not done.again:
            self._tell(staff, done, _CHANGES.get(done.acted.outcome, "decided"))
        return done

    async def undo(self, staff: Staff, act_id: str) -> Done:
        """Take an act back, within 30 seconds. Raises NotFound, NotAllowed or TooLate."""
        at = now()
        done = await self.database.write(lambda tx: acting.take_back(tx, staff, act_id, at))
        if not done.again:
            self._tell(staff, done, "undone")
        return done

    async def act_on_all(
        self, staff: Staff, messages: Sequence[str], deed: Deed, versions: Mapping[str, int]
    ) -> list[Outcome]:
        """The same for several items, each on its own: what cannot be done to one does not keep the others from it."""
        outcomes = []
        for message in dict.fromkeys(messages):
            one = msgspec.structs.replace(
                deed, request=f"{deed.request}/{message}", batch=deed.request, version=versions.get(message, 0)
            )
            outcomes.append(await _outcome(message, self.act(staff, message, one)))
        return outcomes

    async def undo_all(self, staff: Staff, batch: str) -> list[Outcome]:
        """Take back what was done in one go. Raises NotFound when there was no such go."""
        done = await self.database.read(lambda tx: acts.of_batch(tx, staff.tenant, batch), of=staff.tenant)
        if not done:
            raise NotFound("batch")
        return [await _outcome(one.message, self.undo(staff, one.id)) for one in done]

    # ------------------------------------------------------------------------------------------------------ appeals

    async def appeal(self, tenant: str, message: str, note: str, author: str = "") -> Item:
        """Put a decision before somebody who did not make it, for its author; ``author`` empty for whoever that is.

        Raises NotFound when nothing was decided against the message, or it is somebody else's; Stale when it is under appeal or
        that was the last word.
        """
        at = now()
        conversation, whose = await self.database.read(lambda tx: intake.author_of(tx, tenant, message), of=tenant)
        if author and author != whose:
            raise NotFound("decision")
        policy = await self.policy(tenant, conversation)
        item = await self.database.write(lambda tx: intake.appeal(tx, tenant, message, whose, note, policy, at))
        intake.tell(self.hub, tenant, item, "opened")
        return item

    # ------------------------------------------------------------------------------------------------ second looks

    async def next_second_look(self, staff: Staff) -> SecondLook | None:
        """What somebody should decide blindly: a decision of another's from the sample, or a golden item. Never said which."""
        at = now()

        def act(tx: Transaction) -> SecondLook | None:
            look = second_looks.take_next(tx, staff.tenant, staff.id, at + LEASE_MS, at)
            golden = second_looks.next_golden(tx, staff.tenant, staff.id)
            if look is None and golden is not None:
                look = SecondLook(
                    self._new_id(at), golden.message, "", second_looks.GOLDEN, golden.outcome, golden.clause, at,
                    assigned=staff.id, lease_until=at + LEASE_MS,
                )  # fmt: skip
                second_looks.add(tx, staff.tenant, look)
            if look is not None:
                audit.record(tx, staff.tenant, staff.id, "review.second_look", look.message, {}, at)
            return look

        return await self.database.write(act)

    async def answer(self, staff: Staff, id: str, outcome: str, clause: str) -> None:
        """What one would have decided. Nothing happens to the message. Raises NotFound, or Refusal for another's."""
        at = now()

        def act(tx: Transaction) -> None:
            look = second_looks.load(tx, staff.tenant, id)
            if look.answered_at:
                raise Refusal("conflict", "This was answered already.")
            if look.decider == staff.id or look.assigned != staff.id:
                raise Refusal("conflict", "This is somebody else's to look at by now.")
            second_looks.answer(tx, staff.tenant, id, staff.id, outcome, clause, at)
            detail = {"outcome": outcome, "clause": clause, "second_look": id}
            audit.record(tx, staff.tenant, staff.id, "review.answer", look.message, detail, at)

        await self.database.write(act)

    # ------------------------------------------------------------------------------------------------------ inside

    async def policy(self, tenant: str, conversation: str) -> Policy:
        """The policy of a conversation. Raises NotFound."""
        return (await self.hub.room(tenant, conversation)).policy

    def _tell(self, staff: Staff, done: Done, change: str) -> None:
        """Everybody sees what has happened: the chat's readers, its author, who works on the queue."""
        acted = done.acted
        for item in done.events:
            self.hub.publish(staff.tenant, acted.conversation, item)
        for notice in done.notices:
            self.hub.signal(staff.tenant, "person", acted.author, shown(notice, done.lang))
        if done.standing is not None:
            self.stand(staff.tenant, acted.author, done.standing)
        intake.tell(self.hub, staff.tenant, done.item, change, by=staff.id, name=staff.name, act=acted.id)

    def stand(self, tenant: str, participant: str, standing: Standing) -> None:
        """Let every node know where somebody stands now; who is banned is cut off there."""
        self.hub.stand(tenant, participant, standing)


async def _outcome(message: str, doing: Awaitable[Done]) -> Outcome:
    try:
        return Outcome(message, await doing)
    except (NotFound, Stale, Claimed, Barred, acting.TooLate, acting.NotAllowed, BadActs) as problem:
        return Outcome(message, problem=_CODES.get(type(problem), "bad_request"), sentence=str(problem))


def shown(notice: StoredNotice, lang: str) -> Notice:
    """A notice as its reader sees it."""
    return Notice(
        id=notice.id, kind=notice.template, conversation=notice.conversation, message=notice.message,
        text="" if notice.withdrawn_at else told(notice.template, lang, notice.until), at=notice.at,
        until=notice.until, withdrawn=bool(notice.withdrawn_at),
    )  # fmt: skip


def now() -> int:
    """The server's clock: milliseconds since 1970."""
    return time.time_ns() // 1_000_000


_CHANGES = {"escalate": "escalated", "note": "noted"}
_CODES: dict[type[Exception], str] = {
    NotFound: "not_found", Stale: "conflict", Claimed: "conflict", Barred: "forbidden", acting.TooLate: "conflict",
    acting.NotAllowed: "forbidden",
}  # fmt: skip
