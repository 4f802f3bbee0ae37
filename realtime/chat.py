"""The verbs of the chat: each is one function that reads in order. Refusals come first, flat, then the work."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection as Transaction

from desk.consent import SCOPES
from moderation.engine import Engine
from moderation.judgement import Judgement
from policies.decision import Decision, Verdict
from policies.policy import Policy, Reason
from realtime.auth import Gate
from realtime.connection import Connection
from realtime.errors import Refusal
from realtime.hub import Hub
from realtime.protocol import (
    HISTORY_PAGE,
    RESUME_EVENTS,
    Accept,
    Accepted,
    Advised,
    Appeal,
    Consent,
    Decided,
    Draft,
    Edit,
    Hello,
    History,
    HistoryPage,
    Invitation,
    Invite,
    Leave,
    Limits,
    LogEvent,
    Post,
    Rate,
    React,
    Read,
    Receipt,
    Report,
    Reset,
    Resolve,
    Resumed,
    Retract,
    Typing,
    TypingNow,
    Welcome,
    Withdraw,
)
from realtime.room import Room
from realtime.second_look import SecondLook
from realtime.visibility import Reader, invitation_view
from rules.types import Role
from storage import conversations, invitations, log, reviews
from storage.database import Database
from storage.errors import NotFound
from storage.values import Entry, Form, LogItem, Member, Message, StoredInvitation

CONVERSATIONS = 200  # a participant is greeted with, newest first
WAITING_INVITATIONS = 100  # an agent is shown on arrival
REACTIONS = 20  # different ones on a message
READ_SECONDS = 1.0  # read marks are stored this often
TYPING_SECONDS = 2.0  # told to the others no more often


class Chat:
    """What participants can do. Holds no state of conversations: the hub and the log do."""

    def __init__(
        self, database: Database, engine: Engine, hub: Hub, gate: Gate, limits: Limits,
        second_look: SecondLook | None = None,
    ) -> None:  # fmt: skip
        self.database = database
        self.engine = engine
        self.hub = hub
        self.gate = gate
        self.limits = limits
        self.second_look = second_look
        self._marks: dict[tuple[str, str, str], int] = {}
        self._typed: dict[tuple[str, str, str], float] = {}

    # ------------------------------------------------------------------------------------- coming and going

    async def hello(self, connection: Connection, command: Hello) -> None:
        """Greet a participant: what they are part of, then what they missed. Raises Refusal when they are here too often."""
        me = connection.identity
        already = self.hub.people.get((me.tenant, me.id))
        if already is not None and len(already.connections) >= self.limits.connections:
            raise Refusal("too_many_connections", "Too many connections of this participant are open.")
        mine = [] if me.role == "staff" else await self._conversations_of(connection)
        connection.person = self.hub.arrive(connection)
        rooms = []
        for id in mine:
            room = await self.hub.room(me.tenant, id)
            if me.id in room.members:
                self.hub.attach(room, connection)
                rooms.append(room)
        connection.send(
            Welcome(
                participant=me.id, name=me.name, role=me.role, lang=me.lang,
                conversations=[room.view(me.id) for room in rooms], limits=self.limits, server_time=now(),
            )
        )  # fmt: skip
        for at in command.resume:
            if at.conversation in connection.rooms:
                connection.send(await self.since(connection, at.conversation, at.after, at.epoch))
            else:
                connection.send(Reset(at.conversation, "membership_changed", self.database.epoch, 0))
        if me.role == Role.AGENT:
            await self._show_waiting(connection)

    async def leave(self, connection: Connection, command: Leave) -> Accepted:
        """Leave a conversation; an agent who leaves ends the invitation, and the conversation goes on."""
        room, member = self._room(connection, command.conversation)
        invitation, at = room.invitation, now()
        ends = member.role is Role.AGENT and invitation is not None and invitation.agent == member.id

        def act(tx: Transaction) -> list[LogItem]:
            items = []
            if ends and invitation is not None and invitation.state == "joined":
                items.append(invitations.close(tx, room.tenant, invitation.id, member.id, at))
            items.append(conversations.leave(tx, room.tenant, room.id, member.id, "", at))
            return items

        await self._commit(room.tenant, room.id, act)
        return Accepted(command.ref)

    def read(self, connection: Connection, command: Read) -> None:
        """Move the participant's read mark forward and tell the others. Stored within a second."""
        room, member = self._room(connection, command.conversation)
        seq = min(command.seq, room.last_seq)
        if seq <= member.read_seq:
            return
        room.members[member.id] = msgspec.structs.replace(member, read_seq=seq)
        if not self._marks:
            self.hub.run(self._store_marks())
        self._marks[(room.tenant, room.id, member.id)] = seq
        self.hub.signal(room.tenant, "conversation", room.id, Receipt(room.id, member.id, seq))

    def typing(self, connection: Connection, command: Typing) -> None:
        """Tell the others that the participant is writing."""
        room, member = self._room(connection, command.conversation)
        key, at = (room.tenant, room.id, member.id), time.monotonic()
        if at - self._typed.get(key, 0.0) < TYPING_SECONDS:
            return
        if len(self._typed) > 10_000:
            self._typed.clear()
        self._typed[key] = at
        self.hub.signal(room.tenant, "conversation", room.id, TypingNow(room.id, member.id), member.id)

    # -------------------------------------------------------------------------------------------- messages

    async def post(self, connection: Connection, command: Post) -> Accepted | Advised:
        """A message's whole way: may they, what does the engine say, is it stored, who is told.

        Raises Refusal: not_found, muted, rate_limited, policy, idempotency_conflict; storage errors pass.
        """
        room, member = self._room(connection, command.conversation)
        at = now()
        if member.muted_until > at:
            raise Refusal("muted", "You cannot write here at the moment.", retry_after=member.muted_until - at)
        self._spend(connection)
        setting = room.setting(member)
        judged = self.engine.judge(command.text, setting, room.policy)
        if self.second_look is not None:
            judged = await self.second_look.before(room, member, command.text, setting, judged)
            if member.id not in room.members:
                raise NotFound("conversation")
            at = now()
        decision = judged.decision
        if decision.verdict is Verdict.BLOCK or (decision.verdict is Verdict.NUDGE and not command.despite_advice):
            # Sent again after it had been accepted, it was judged under the circumstances of that time.
            answered = await self._answered(connection, room, command)
            if answered is not None:
                return answered
            await self._tell_staff(room, member, "", 0, command.text, judged)
            return await self._turn_down(connection, room, member, command.ref, command.text, decision, at)

        entry = Entry(
            tenant=room.tenant, conversation=room.id, id=new_id(at), author=member.id, client_id=command.client_id,
            at=at, text=command.text, form=_form(member, command, decision, at),
            decision=decision,
        )  # fmt: skip
        appended = await self.database.append(entry)
        if appended.conflict:
            raise Refusal("idempotency_conflict", "Another message was sent under this client_id.")
        if appended.repeated:
            return await self._first_answer(connection, room, command, appended.id, appended.seq)
        message = Message(
            appended.id, room.id, appended.seq, member.id, command.text, appended.seq, appended.seq, entry.form
        )
        self.hub.publish(room.tenant, room.id, LogItem(appended.seq, "posted", member.id, at, message, {}))
        if self.second_look is not None:
            self.second_look.beside(room, setting, judged, message)
        if room.tenant in self.hub.staff:
            await self._tell_staff(room, member, appended.id, appended.seq, command.text, judged)
        return Accepted(
            ref=command.ref, client_id=command.client_id, id=appended.id, seq=appended.seq,
            verdict=shown_to_author(decision.verdict), reasons=self._reasons(connection, room.policy, decision),
        )  # fmt: skip

    def draft(self, connection: Connection, command: Draft) -> Advised:
        """What would become of a text; nothing is stored or relayed."""
        room, member = self._room(connection, command.conversation)
        self._spend(connection)
        decision = self.engine.judge(command.text, room.setting(member), room.policy).decision
        return Advised(command.ref, shown_to_author(decision.verdict), self._reasons(connection, room.policy, decision))

    async def edit(self, connection: Connection, command: Edit) -> Accepted | Advised:
        """Other words for one's own message; they are judged as a new message is."""
        room, member = self._room(connection, command.conversation)
        at = now()
        if member.muted_until > at:
            raise Refusal("muted", "You cannot write here at the moment.", retry_after=member.muted_until - at)
        self._spend(connection)
        current = await self._own_message(connection, room, command.message)
        setting = room.setting(member)
        judged = self.engine.judge(command.text, setting, room.policy)
        if self.second_look is not None:
            judged = await self.second_look.before(room, member, command.text, setting, judged)
            at = now()
        decision = judged.decision
        if decision.verdict is Verdict.BLOCK:
            await self._tell_staff(room, member, "", 0, command.text, judged)
            return await self._turn_down(connection, room, member, command.ref, command.text, decision, at)

        def act(tx: Transaction) -> list[LogItem]:
            latest = log.message(tx, room.tenant, room.id, current.id)
            # Words that a person of the staff still has to look at stay held, whatever replaces them.
            held = decision.verdict is Verdict.HOLD or latest.form.state == "held"
            form = msgspec.structs.replace(
                latest.form, state="held" if held else "visible", masks=decision.masks, edited_at=at,
                verdict=decision.verdict if shows(decision) else Verdict.ALLOW,
                clauses=decision.clauses if shows(decision) else (),
            )  # fmt: skip
            if latest.form.state == "removed":
                raise Refusal("forbidden", "The message was removed.")
            item = log.change(tx, room.tenant, latest, "edited", member.id, at, form, command.text, decision)
            if decision.verdict in log.WAITS_FOR_A_PERSON:
                reviews.open_item(tx, room.tenant, room.id, latest.id, decision.verdict, at)
            return [item]

        item = (await self._commit(room.tenant, room.id, act))[0]
        if self.second_look is not None and item.message is not None:
            self.second_look.beside(room, setting, judged, item.message)
        await self._tell_staff(room, member, current.id, item.seq, command.text, judged)
        return Accepted(
            ref=command.ref, id=current.id, seq=item.seq, verdict=shown_to_author(decision.verdict),
            reasons=self._reasons(connection, room.policy, decision),
        )  # fmt: skip

    async def retract(self, connection: Connection, command: Retract) -> Accepted:
        """Take one's own message back; it leaves a tombstone."""
        room, member = self._room(connection, command.conversation)
        current = await self._own_message(connection, room, command.message)
        at = now()

        def act(tx: Transaction) -> list[LogItem]:
            latest = log.message(tx, room.tenant, room.id, current.id)
            form = msgspec.structs.replace(latest.form, state="removed")
            return [log.change(tx, room.tenant, latest, "retracted", member.id, at, form)]

        item = (await self._commit(room.tenant, room.id, act))[0]
        return Accepted(ref=command.ref, id=current.id, seq=item.seq)

    async def react(self, connection: Connection, command: React) -> Accepted:
        """Put an emoji on a message, or take it off. An emoji that would not pass as a message does not pass here."""
        room, member = self._room(connection, command.conversation)
        self._spend(connection)
        decision = self.engine.judge(command.emoji, room.setting(member), room.policy).decision
        if command.on and decision.verdict.rank >= Verdict.MASK.rank:
            raise Refusal("policy", "This reaction is not for this chat.",
                          reasons=self._reasons(connection, room.policy, decision))  # fmt: skip
        at = now()
        reader = room.reader(member.id)

        def act(tx: Transaction) -> list[LogItem]:
            latest = log.message(tx, room.tenant, room.id, command.message)
            if latest.form.state != "visible" or not self._sees(room, latest, reader):
                raise NotFound("message")
            reactions = {emoji: list(who) for emoji, who in latest.form.reactions.items()}
            who = reactions.setdefault(command.emoji, [])
            if command.on is (member.id in who):
                return []
            if command.on and len(reactions) > REACTIONS:
                raise Refusal("forbidden", "There are too many different reactions on this message.")
            who.append(member.id) if command.on else who.remove(member.id)
            reactions = {emoji: who for emoji, who in reactions.items() if who}
            form = msgspec.structs.replace(latest.form, reactions=reactions)
            return [log.change(tx, room.tenant, latest, "reacted", member.id, at, form)]

        items = await self._commit(room.tenant, room.id, act)
        return Accepted(ref=command.ref, id=command.message, seq=items[0].seq if items else 0)

    # ---------------------------------------------------------------------------------------------- reading

    async def since(self, connection: Connection, conversation: str, after: int, epoch: str) -> Resumed | Reset:
        """All that came after ``after``, or the reason why it cannot be told event by event."""
        room, member = self._room(connection, conversation)
        if epoch and epoch != room.epoch:
            return Reset(room.id, "epoch_changed", room.epoch, room.last_seq)
        if after > room.last_seq or room.last_seq - after > RESUME_EVENTS:
            return Reset(room.id, "too_many" if after <= room.last_seq else "epoch_changed", room.epoch, room.last_seq)
        reader, last_seq = room.reader(member.id), room.last_seq
        items = await self.database.read(lambda tx: log.since(tx, room.tenant, room.id, after, RESUME_EVENTS * 2))
        # What is newer than this moment's last_seq reaches the client live.
        events = [self.hub.view(room, item, reader) for item in items if item.seq <= last_seq]
        return Resumed(room.id, after, room.epoch, last_seq, events)

    async def history(self, connection: Connection, command: History) -> HistoryPage:
        """A page of the log before a seq."""
        room, member = self._room(connection, command.conversation)
        events, more = await self.page(room, room.reader(member.id), command.before, command.limit)
        return HistoryPage(command.ref, room.id, events, more)

    async def page(self, room: Room, reader: Reader, before: int, limit: int) -> tuple[list[LogEvent], bool]:
        """The last ``limit`` events before a seq (0: the newest), as ``reader`` may see them, and whether there are older ones."""
        limit = min(limit, HISTORY_PAGE)
        items = await self.database.read(lambda tx: log.before(tx, room.tenant, room.id, before, limit + 1))
        shown = items[-limit:]
        return [self.hub.view(room, item, reader) for item in shown], len(items) > limit

    # --------------------------------------------------------------------------------- staff, reports, appeals

    async def report(self, connection: Connection, command: Report) -> Accepted:
        """Tell the staff about a message. Nobody else learns of it."""
        room, member = self._room(connection, command.conversation)
        self._spend(connection)
        reader, at = room.reader(member.id), now()

        def act(tx: Transaction) -> None:
            reported = log.message(tx, room.tenant, room.id, command.message)
            if reported.form.state == "held" or not self._sees(room, reported, reader):
                raise NotFound("message")
            reviews.report(
                tx, room.tenant, room.id, reported.id, member.id, command.reason, command.note, at
            )  # fmt: skip

        await self.database.write(act)
        return Accepted(ref=command.ref, id=command.message)

    async def appeal(self, connection: Connection, command: Appeal) -> Accepted:
        """Ask for a second look at what was decided about one's own message."""
        me = connection.identity
        self._spend(connection)
        await self.database.write(
            lambda tx: reviews.appeal(tx, me.tenant, command.decision, me.id, command.note, now())
        )
        return Accepted(ref=command.ref, id=command.decision)

    async def resolve(self, connection: Connection, command: Resolve) -> Accepted:
        """Staff settle a message: release what was held, or withdraw what was not."""
        me = connection.identity
        if me.role != "staff":
            raise Refusal("forbidden", "Only staff can do this.")
        at = now()

        def act(tx: Transaction) -> list[LogItem]:
            latest = log.message(tx, me.tenant, command.conversation, command.message)
            state, kind = ("visible", "released") if command.act == "release" else ("removed", "removed")
            if latest.form.state in (state, "removed"):
                raise Refusal("conflict", f"The message is {latest.form.state} already.")
            form = msgspec.structs.replace(latest.form, state=state, clauses=())
            return [log.change(tx, me.tenant, latest, kind, me.id, at, form)]

        item = (await self._commit(me.tenant, command.conversation, act))[0]
        return Accepted(ref=command.ref, id=command.message, seq=item.seq)

    # --------------------------------------------------------------------------------------------- the brand

    async def invite(self, connection: Connection, command: Invite) -> Accepted:
        """Invite the brand. The chat goes on meanwhile; nobody is removed and nothing is handed over."""
        room, member = self._room(connection, command.conversation)
        if member.role in (Role.AGENT, Role.BOT):
            raise Refusal("forbidden", "The brand is invited by the participants.")
        self._spend(connection)
        scopes = _known_scopes(command.scopes)
        at = now()
        invitation = StoredInvitation(
            id=new_id(at), conversation=room.id, state="requested", by=member.id, topic=command.topic,
            note=command.note, created_at=at, consents={member.id: scopes},
        )  # fmt: skip
        items = await self._commit(room.tenant, room.id, lambda tx: [invitations.create(tx, room.tenant, invitation)])
        self._tell_desks(room, invitation)
        return Accepted(ref=command.ref, id=invitation.id, seq=items[0].seq)

    async def consent(self, connection: Connection, command: Consent) -> Accepted:
        """Say which of one's own earlier words the agent may read, or take that back."""
        invitation = await self._invitation(connection, command.invitation)
        room, member = self._room(connection, invitation.conversation, what="invitation")
        if member.role in (Role.AGENT, Role.BOT):
            raise Refusal("forbidden", "Consent is the participants' to give.")
        scopes, at = _known_scopes(command.scopes), now()
        items = await self._commit(
            room.tenant, room.id,
            lambda tx: [invitations.consent(tx, room.tenant, invitation.id, member.id, scopes, at)],
        )  # fmt: skip
        return Accepted(ref=command.ref, id=invitation.id, seq=items[0].seq)

    async def withdraw(self, connection: Connection, command: Withdraw) -> Accepted:
        """Take back an invitation that nobody has accepted yet. Only who invited can."""
        invitation = await self._invitation(connection, command.invitation)
        room, member = self._room(connection, invitation.conversation, what="invitation")
        if invitation.by != member.id:
            raise Refusal("forbidden", "Only who invited can withdraw the invitation.")
        if invitation.state != "requested":
            raise Refusal("conflict", f"The invitation is {invitation.state} by now.")
        at = now()

        def act(tx: Transaction) -> list[LogItem]:
            if invitations.by_id(tx, room.tenant, invitation.id).state != "requested":
                raise Refusal("conflict", "The invitation was taken up in the meantime.")
            return [invitations.close(tx, room.tenant, invitation.id, member.id, at)]

        items = await self._commit(room.tenant, room.id, act)
        self._tell_desks(room, msgspec.structs.replace(invitation, state="withdrawn"))
        return Accepted(ref=command.ref, id=invitation.id, seq=items[0].seq)

    async def accept(self, connection: Connection, command: Accept) -> Accepted:
        """An agent takes an invitation and joins; of two who try, the first gets it."""
        me = connection.identity
        if me.role != Role.AGENT:
            raise Refusal("forbidden", "Only the brand's agents accept invitations.")
        at = now()
        agent = Member(me.id, me.name, Role.AGENT, me.lang)

        def act(tx: Transaction) -> tuple[StoredInvitation, list[LogItem]]:
            invitation = invitations.by_id(tx, me.tenant, command.invitation)
            if invitation.state != "requested":
                raise Refusal("conflict", f"The invitation is {invitation.state} by now.")
            seq = log.next_seq(tx, me.tenant, invitation.conversation)
            told = invitations.accept(tx, me.tenant, invitation.id, me.id, me.name, seq, at)
            joined, _ = conversations.join(tx, me.tenant, invitation.conversation, agent, at)
            return invitation, [told, joined]

        invitation, items = await self.database.write(act)
        for item in items:
            self.hub.publish(me.tenant, invitation.conversation, item)
        room = await self.hub.room(me.tenant, invitation.conversation)
        self._tell_desks(room, msgspec.structs.replace(invitation, state="joined", agent=me.id, agent_name=me.name))
        return Accepted(ref=command.ref, id=invitation.id, seq=items[0].seq)

    async def rate(self, connection: Connection, command: Rate) -> Accepted:
        """Rate the service after it has ended, once."""
        invitation = await self._invitation(connection, command.invitation)
        room, member = self._room(connection, invitation.conversation, what="invitation")
        if member.role in (Role.AGENT, Role.BOT):
            raise Refusal("forbidden", "The service is rated by the participants.")
        await self.database.write(
            lambda tx: invitations.rate(tx, room.tenant, invitation.id, member.id, command.score, command.note, now())
        )
        return Accepted(ref=command.ref, id=invitation.id)

    # ----------------------------------------------------------------------------------------------- inside

    def _room(self, connection: Connection, conversation: str, what: str = "conversation") -> tuple[Room, Member]:
        """The conversation if this connection is in it: authorization is the lookup, so a stranger learns nothing."""
        room = connection.rooms.get(conversation)
        member = room.members.get(connection.identity.id) if room is not None else None
        if room is None or member is None:
            raise NotFound(what)
        return room, member

    def _spend(self, connection: Connection) -> None:
        wait = connection.person.posts.spend(time.monotonic()) if connection.person else 0.0
        if wait:
            raise Refusal(
                "rate_limited", "Too many messages at once. Wait a moment.", retry_after=int(wait * 1_000) + 1
            )

    def _sees(self, room: Room, message: Message, reader: Reader) -> bool:
        item = LogItem(message.version, "posted", message.author, message.form.at, message, {})
        return getattr(self.hub.view(room, item, reader), "id", "") == message.id

    def _reasons(self, connection: Connection, policy: Policy, decision: Decision) -> list[Reason]:
        if decision.verdict is Verdict.ALLOW:
            return []
        return list(policy.reasons(decision, connection.identity.lang))

    async def _conversations_of(self, connection: Connection) -> Sequence[str]:
        me = connection.identity
        mine = await self.database.read(lambda tx: conversations.of_participant(tx, me.tenant, me.id, CONVERSATIONS))
        return mine if me.conversations is None else [id for id in mine if id in me.conversations]

    async def _commit(self, tenant: str, conversation: str, act: object) -> list[LogItem]:
        items: list[LogItem] = await self.database.write(act)  # type: ignore[arg-type]
        for item in items:
            self.hub.publish(tenant, conversation, item)
        return items

    async def _own_message(self, connection: Connection, room: Room, id: str) -> Message:
        me = connection.identity.id
        message = await self.database.read(lambda tx: log.message(tx, room.tenant, room.id, id))
        if message.author != me:
            if not self._sees(room, message, room.reader(me)):
                raise NotFound("message")
            raise Refusal("forbidden", "Only its author can change a message.")
        if message.form.state == "removed":
            raise Refusal("forbidden", "The message was removed.")
        return message

    async def _invitation(self, connection: Connection, id: str) -> StoredInvitation:
        tenant = connection.identity.tenant
        return await self.database.read(lambda tx: invitations.by_id(tx, tenant, id))

    async def _turn_down(
        self, connection: Connection, room: Room, member: Member, ref: str, text: str, decision: Decision, at: int
    ) -> Advised:
        """Nudge, or refuse and keep what was refused: its author may appeal."""
        reasons = self._reasons(connection, room.policy, decision)
        if decision.verdict is Verdict.NUDGE:
            return Advised(ref, decision.verdict, reasons)
        refused = new_id(at)
        await self.database.write(
            lambda tx: reviews.record_refusal(tx, room.tenant, room.id, refused, member.id, text, decision, at)
        )
        sentence = reasons[0].message if reasons else "This message cannot be sent here."
        raise Refusal("policy", sentence, reasons=reasons, decision=refused)

    async def _answered(self, connection: Connection, room: Room, command: Post) -> Accepted | None:
        me = connection.identity.id

        def ask(tx: Transaction) -> tuple[str, int, bool] | None:
            known = log.by_client_id(tx, room.tenant, room.id, me, command.client_id)
            form = _form(room.members[me], command, Decision(Verdict.ALLOW, ""), 0)
            return known and (*known, log.same(tx, room.tenant, room.id, known[1], command.text, form))

        found = await self.database.read(ask)
        if found is None:
            return None
        id, seq, same = found
        if not same:
            raise Refusal("idempotency_conflict", "Another message was sent under this client_id.")
        return await self._first_answer(connection, room, command, id, seq)

    async def _first_answer(self, connection: Connection, room: Room, command: Post, id: str, seq: int) -> Accepted:
        first = await self.database.read(lambda tx: log.posted(tx, room.tenant, room.id, seq))
        return Accepted(
            ref=command.ref, client_id=command.client_id, id=id, seq=seq,
            verdict=shown_to_author(first.decision.verdict),
            reasons=self._reasons(connection, room.policy, first.decision),
        )  # fmt: skip

    async def _tell_staff(self, room: Room, member: Member, id: str, seq: int, text: str, judged: Judgement) -> None:
        decision = judged.decision
        self.hub.signal(
            room.tenant, "staff", "",
            Decided(
                conversation=room.id, message=id, seq=seq, at=now(), author=member.id, role=member.role, text=text,
                verdict=decision.verdict, policy=decision.policy, findings=list(decision.findings),
                clauses=list(decision.clauses), degraded=list(decision.degraded), us=judged.us,
            ),
        )  # fmt: skip

    def _tell_desks(self, room: Room, invitation: StoredInvitation) -> None:
        self.hub.signal(room.tenant, "desk", "", _offer(invitation, room.title))

    async def _show_waiting(self, connection: Connection) -> None:
        tenant = connection.identity.tenant
        for invitation, title in await self.database.read(
            lambda tx: invitations.waiting(tx, tenant, WAITING_INVITATIONS)
        ):
            connection.send(_offer(invitation, title))

    async def _store_marks(self) -> None:
        await asyncio.sleep(READ_SECONDS)
        marks, self._marks = self._marks, {}
        await self.database.write(
            lambda tx: conversations.mark_read(tx, [(*key, seq) for key, seq in sorted(marks.items())])
        )


def now() -> int:
    """The server's clock: milliseconds since 1970. No other clock decides anything."""
    return time.time_ns() // 1_000_000


def new_id(at: int) -> str:
    """A new id of 32 hexadecimal digits: 48 bits of time, so that neighbours in time are neighbours in an index, and 80 random."""
    return f"{at:012x}{random.getrandbits(80):020x}"


def shows(decision: Decision) -> bool:
    """Whether a decision shows in the form of a message, so that its author is owed the reason."""
    return decision.verdict in (Verdict.MASK, Verdict.HOLD)


def shown_to_author(verdict: Verdict) -> str:
    """What an author hears: a flag is between the engine and the staff, who may well find nothing wrong."""
    return Verdict.ALLOW if verdict is Verdict.FLAG else verdict


def _form(member: Member, command: Post, decision: Decision, at: int) -> Form:
    if not shows(decision) and not command.reply_to and not command.attachments:
        return Form(member.role, at)
    return Form(
        role=member.role, at=at, state="held" if decision.verdict is Verdict.HOLD else "visible",
        masks=decision.masks, reply_to=command.reply_to or "",
        attachments=tuple(msgspec.to_builtins(one) for one in command.attachments),
        verdict=decision.verdict if shows(decision) else Verdict.ALLOW,
        clauses=decision.clauses if shows(decision) else (),
    )  # fmt: skip


def _known_scopes(scopes: Sequence[str]) -> list[str]:
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        raise Refusal("bad_request", f"There is no scope {unknown[0]!r}; known: {', '.join(sorted(SCOPES))}.")
    return sorted(set(scopes))


def _offer(invitation: StoredInvitation, title: str) -> Invitation:
    agent = Reader("", Role.AGENT, "en")
    at = now()
    return Invitation(
        conversation=invitation.conversation, seq=0, at=at, invitation=invitation_view(invitation, agent), title=title,
        waiting_ms=max(0, at - invitation.created_at),
    )  # fmt: skip
