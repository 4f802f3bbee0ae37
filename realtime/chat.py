"""The verbs of the chat: each is one function that reads in order. Refusals come first, flat, then the work."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Collection, Sequence
from urllib.parse import urlsplit

import msgspec
from prometheus_client import Counter
from sqlalchemy import Connection as Transaction

from desk.consent import SCOPES
from moderation.engine import Engine
from moderation.heat import Tone, tone
from moderation.judgement import Judgement
from moderation.raids import Raids
from moderation.review.acting import AnyAct, Overturn, Release, Remove, Uphold
from moderation.review.intake import recorded
from moderation.rewriting import rewrites
from moderation.suggestions.suggester import harmful
from policies.decision import Decision, Verdict
from policies.policy import Policy, Reason
from realtime import intake
from realtime.acting import Deed, NotAllowed
from realtime.admission import Admission
from realtime.auth import STAFF, Gate, Identity
from realtime.connection import Connection
from realtime.errors import Close, Refusal
from realtime.hub import Hub
from realtime.protocol import (
    HISTORY_PAGE,
    RESUME_EVENTS,
    Accept,
    Accepted,
    Acknowledge,
    Advised,
    Appeal,
    Consent,
    Decided,
    Dismiss,
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
    Prefer,
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
from realtime.review import Review, shown
from realtime.room import Room
from realtime.second_look import SecondLook
from realtime.suggesting import Suggesting
from realtime.visibility import Reader, invitation_view
from rules.emoji import is_emoji
from rules.types import Category, Finding, Role, Setting
from storage import conversations, invitations, log, notices, review_items, sanctions, suggestions
from storage import staff as accounts
from storage.database import Database
from storage.errors import NotFound, StorageError
from storage.leases import Barred, Claimed
from storage.notices import Notice
from storage.review_items import Item
from storage.sanctions import Standing
from storage.staff import Staff, StaffRole
from storage.values import Entry, Form, LogItem, Member, Message, StoredInvitation

CONVERSATIONS = 200  # a participant is greeted with, newest first
WAITING_INVITATIONS = 100  # an agent is shown on arrival
REACTIONS = 20  # different ones on a message
READ_SECONDS = 1.0  # read marks are stored this often
TYPING_SECONDS = 2.0  # told to the others no more often
LOG_RESUMES = 16  # read at once; more would wait for the database's readers, and for too long

RAIDS = Counter("tertulia_raid_messages_total", "Messages that many people say alike within a minute or two.")
RESUMES = Counter(
    "tertulia_resumes_total", "Conversations that were resumed, by where what was missed came from, or why it could not be told.",
    ("outcome",),
)  # fmt: skip


class _Arrival(msgspec.Struct, frozen=True):
    """Who has just come: where they are members, whether words may be suggested (see ``Welcome``), where they stand."""

    conversations: Sequence[str] = ()
    suggestions: str = "none"
    standing: Standing = Standing()
    notices: Sequence[Notice] = ()


class Chat:
    """What participants can do. Of conversations it holds nothing that the hub or the log does not.

    ``origins`` are those on which attachments may lie.
    """

    def __init__(
        self, database: Database, engine: Engine, hub: Hub, gate: Gate, limits: Limits, origins: Collection[str] = (),
        second_look: SecondLook | None = None, suggesting: Suggesting | None = None,
    ) -> None:  # fmt: skip
        self.database = database
        self.engine = engine
        self.hub = hub
        self.gate = gate
        self.limits = limits
        self.origins = frozenset(origins)
        self.second_look = second_look
        self.review = Review(database, hub, new_id=new_id)
        self.suggesting = suggesting
        self.admission = Admission()
        self.raids = Raids()
        self._from_log = asyncio.Semaphore(LOG_RESUMES)
        self._marks: dict[tuple[str, str, str], int] = {}
        self._typed: dict[tuple[str, str, str], float] = {}

    # ------------------------------------------------------------------------------------- coming and going

    async def hello(self, connection: Connection, command: Hello) -> None:
        """Greet a participant: what they are part of, and what they are to know. Raises Refusal if they are here too often."""
        me = connection.identity
        connection.person = self.hub.arrive(connection, self.limits.connections)
        await self.hub.admit(connection, self.limits.connections)
        if me.role == STAFF and me.id.startswith(accounts.PREFIX):
            # Asked once the hub knows of the connection: who is signed out meanwhile is found there and hung up.
            signed_in = await self.database.read(
                lambda tx: accounts.is_signed_in(tx, me.tenant, me.id, me.session, now()), of=me.tenant
            )
            if not signed_in:
                connection.close(Close.TOKEN, "the session has ended")
                return
        asked = connection.person.asked
        arrival = _Arrival() if me.role == STAFF else await self._arrival(connection)
        connection.person.suggestions = arrival.suggestions != "off"
        connection.person.stands(arrival.standing, asked)
        if me.role != STAFF and connection.person.standing.banned(now()):
            connection.close(Close.NOT_A_MEMBER, "suspended")
            return
        rooms = await asyncio.gather(*(self.hub.room(me.tenant, id) for id in arrival.conversations))
        if connection.gone:
            return
        # Nothing is awaited between here and the welcome: what happens from now on reaches the client after it.
        rooms = [room for room in rooms if me.id in room.members]
        for room in rooms:
            self.hub.attach(room, connection)
        connection.welcomed = True
        connection.send(
            Welcome(
                participant=me.id, name=me.name, role=me.role, lang=me.lang,
                conversations=[room.view(me.id) for room in rooms], limits=self.limits, server_time=now(),
                suggestions=arrival.suggestions,
            )
        )  # fmt: skip
        for notice in arrival.notices:
            connection.send(shown(notice, me.lang))

    async def resume(self, connection: Connection, command: Hello) -> None:
        """Tell somebody who has been welcomed what they missed, and an agent who is waiting."""
        me = connection.identity
        for at in {one.conversation: one for one in command.resume}.values():
            # One after the other, at the pace of the reader: a slow link must not be cut off for what it asked for.
            await connection.drained()
            if connection.gone:
                return
            if at.conversation in connection.rooms:
                connection.send(await self.since(connection, at.conversation, at.after, at.epoch))
            else:
                RESUMES.labels("membership_changed").inc()
                connection.send(Reset(at.conversation, "membership_changed", self.database.epoch, 0))
        if me.role == Role.AGENT:
            await self._show_waiting(connection)

    async def close(self) -> None:
        """Store what is not stored yet."""
        await self._store_marks()
        if self.suggesting is not None:
            await self.suggesting.offers.store()

    async def leave(self, connection: Connection, command: Leave) -> Accepted:
        """Leave a conversation; an agent who leaves ends the invitation, and the conversation goes on."""
        room, member = self._room(connection, command.conversation)
        self._spend(connection)
        at = now()
        await self._commit(
            room.tenant, room.id, lambda tx: conversations.leave(tx, room.tenant, room.id, member.id, "", at)
        )
        return Accepted(command.ref)

    def read(self, connection: Connection, command: Read) -> None:
        """Move the participant's read mark forward and tell the others. Stored within a second."""
        room, member = self._room(connection, command.conversation)
        seq = min(command.seq, room.last_seq)
        if seq <= member.read_seq:
            return
        room.members[member.id] = msgspec.structs.replace(member, read_seq=seq)
        if not self._marks:
            self.hub.run(self._store_marks_soon())
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
        if self.suggesting is not None:
            self.suggesting.writes(key)
        self.hub.signal(room.tenant, "conversation", room.id, TypingNow(room.id, member.id), member.id)

    async def prefer(self, connection: Connection, command: Prefer) -> Accepted:
        """Turn suggested replies off, or on again, for the participant."""
        me = connection.identity
        if me.role == STAFF or connection.person is None:
            raise Refusal("forbidden", "Staff is not offered replies.")
        self._spend(connection)
        on, at = command.suggestions, now()
        await self.database.write(lambda tx: suggestions.switch(tx, me.tenant, participant=me.id, on=on, at=at))
        connection.person.suggestions = on
        return Accepted(command.ref)

    def dismiss(self, connection: Connection, command: Dismiss) -> None:
        """Count that what was suggested was put away."""
        room, member = self._room(connection, command.conversation)
        if self.suggesting is not None:
            self.suggesting.offers.dismissed((room.tenant, room.id, member.id), command.message)

    # -------------------------------------------------------------------------------------------- messages

    async def post(self, connection: Connection, command: Post) -> Accepted | Advised:
        """A message's whole way: may they, what does the engine say, is it stored, who is told.

        Raises Refusal: not_found, muted, rate_limited, policy, idempotency_conflict; storage errors pass.
        """
        room, member = self._room(connection, command.conversation)
        at = now()
        muted_until = _muted_until(connection, room, member, at)
        if muted_until > at:
            answered = await self._answered(connection, room, command)
            if answered is not None:
                return answered
            raise Refusal("muted", "You cannot write here at the moment.", retry_after=muted_until - at)
        self._spend(connection)
        setting = self._setting(connection, room, member, at)
        if command.attachments:
            self._check_attachments(connection, room, command, setting)
        judged = self.engine.judge(command.text, setting, room.policy)
        alike = self.raids.people(room.tenant, room.id, member.id, command.text, at / 1_000)
        if alike:
            RAIDS.inc()
        if self.second_look is not None:
            judged = await self.second_look.before(room, member, command.text, setting, judged)
            if member.id not in room.members:
                raise NotFound("conversation")
            at = now()
        decision = recorded(judged.decision, judged.scores, judged.language, setting)
        if decision.verdict is Verdict.BLOCK or (decision.verdict is Verdict.NUDGE and not command.despite_advice):
            answer = await self._turn_down(connection, room, member, command, setting, judged, at)
            if answer is not None:
                return answer
            decision = Decision(Verdict.ALLOW, decision.policy, by="appeal")

        entry = Entry(
            tenant=room.tenant, conversation=room.id, id=new_id(at), author=member.id, client_id=command.client_id,
            at=at, text=command.text, form=_form(member, command, decision, at, tone(judged)),
            decision=decision, case=intake.case(room, decision, judged.language, at),
        )  # fmt: skip
        appended = await self.database.append(entry)
        if appended.missing:
            raise NotFound("conversation" if appended.missing == "conversation" else "message")
        if appended.conflict or appended.repeated:
            return await self._first_answer(
                connection, room, command, appended.id, appended.seq, same=appended.repeated
            )
        message = Message(
            appended.id, room.id, appended.seq, member.id, command.text, appended.seq, appended.seq, entry.form
        )
        self.hub.publish(room.tenant, room.id, LogItem(appended.seq, "posted", member.id, at, message, {}))
        if self.second_look is not None:
            self.second_look.beside(room, setting, judged, message)
        self._tell_staff(room, member, appended.id, appended.seq, command.text, judged, alike)
        if entry.case is not None:
            intake.tell_new(self.hub, entry, entry.case)
        self._try_draft(room, command.text, setting, judged, appended.id, appended.seq, at)
        if command.suggestion and self.suggesting is not None:
            self.suggesting.offers.sent((room.tenant, room.id, member.id), command.suggestion, command.text)
        return Accepted(
            ref=command.ref, client_id=command.client_id, id=appended.id, seq=appended.seq,
            verdict=shown_to_author(decision.verdict), reasons=self._reasons(connection, room.policy, decision),
        )  # fmt: skip

    def draft(self, connection: Connection, command: Draft) -> Advised:
        """What would become of a text; nothing is stored or relayed."""
        room, member = self._room(connection, command.conversation)
        self._spend(connection)
        setting = self._setting(connection, room, member, now())
        policy = room.policy
        judged = self.engine.judge(command.text, setting, policy)
        return Advised(
            command.ref, shown_to_author(judged.decision.verdict), self._reasons(connection, policy, judged.decision),
            rewrites(command.text, judged, setting, policy, self.engine),
        )  # fmt: skip

    async def edit(self, connection: Connection, command: Edit) -> Accepted | Advised:
        """Other words for one's own message; they are judged as a new message is."""
        room, member = self._room(connection, command.conversation)
        at = now()
        _refuse_muted(connection, room, member, at)
        self._spend(connection)
        current = await self._own_message(connection, room, command.message)
        setting = self._setting(connection, room, member, at)
        judged = self.engine.judge(command.text, setting, room.policy)
        if self.second_look is not None:
            judged = await self.second_look.before(room, member, command.text, setting, judged)
            at = now()
        decision, sounds = recorded(judged.decision, judged.scores, judged.language, setting), tone(judged)
        waiting: list[Item] = []
        if decision.verdict.rank >= Verdict.HOLD.rank:
            # The others have the old words before them; new ones that a person must see first cannot take their place.
            answer = await self._turn_down(connection, room, member, command, setting, judged, at)
            assert answer is not None  # no edit is pardoned
            return answer

        def act(tx: Transaction) -> list[LogItem]:
            latest = log.message(tx, room.tenant, room.id, current.id)
            conversations.require_member(tx, room.tenant, room.id, member.id)
            if latest.form.state == "removed":
                raise Refusal("forbidden", "The message was removed.")
            # What a person of the staff still has to look at stays held, whatever its author makes of it meanwhile.
            held = latest.form.state == "held"
            verdict, clauses = (decision.verdict, decision.clauses) if shows(decision) else (Verdict.ALLOW, ())
            form = msgspec.structs.replace(
                latest.form, masks=decision.masks, edited_at=at, verdict=latest.form.verdict if held else verdict,
                clauses=latest.form.clauses if held else clauses, heat=sounds.heat, feeling=sounds.feeling,
                language=sounds.language,
            )  # fmt: skip
            item = log.change(tx, room.tenant, latest, "edited", member.id, at, form, command.text, decision)
            waiting[:] = intake.edited(tx, room, latest, decision, sounds.language, at)
            return [item]

        item = (await self._commit(room.tenant, room.id, act))[0]
        for one in waiting:
            intake.tell(self.hub, room.tenant, one, "reopened")
        if self.second_look is not None and item.message is not None:
            self.second_look.beside(room, setting, judged, item.message)
        self._tell_staff(room, member, current.id, item.seq, command.text, judged)
        self._try_draft(room, command.text, setting, judged, current.id, item.seq, at)
        held = item.message is not None and item.message.form.state == "held"
        return Accepted(
            ref=command.ref, id=current.id, seq=item.seq,
            verdict=Verdict.HOLD if held else shown_to_author(decision.verdict),
            reasons=self._reasons(connection, room.policy, decision),
        )  # fmt: skip

    async def retract(self, connection: Connection, command: Retract) -> Accepted:
        """Take one's own message back; it leaves a tombstone."""
        room, member = self._room(connection, command.conversation)
        self._spend(connection)
        current = await self._own_message(connection, room, command.message)
        at = now()

        def act(tx: Transaction) -> list[LogItem]:
            latest = log.message(tx, room.tenant, room.id, current.id)
            conversations.require_member(tx, room.tenant, room.id, member.id)
            form = removed(latest.form)
            return [log.change(tx, room.tenant, latest, "retracted", member.id, at, form)]

        item = (await self._commit(room.tenant, room.id, act))[0]
        return Accepted(ref=command.ref, id=current.id, seq=item.seq)

    async def react(self, connection: Connection, command: React) -> Accepted:
        """Put an emoji on a message, or take it off. An emoji that would not pass as a message does not pass here."""
        room, member = self._room(connection, command.conversation)
        self._spend(connection)
        at = now()
        _refuse_muted(connection, room, member, at)
        if not is_emoji(command.emoji):
            raise Refusal("bad_request", "A reaction is one emoji.")
        decision = self.engine.judge(command.emoji, room.setting(member), room.policy).decision
        if command.on and decision.verdict.rank >= Verdict.NUDGE.rank:
            raise Refusal("policy", "This reaction is not for this chat.",
                          reasons=self._reasons(connection, room.policy, decision))  # fmt: skip
        reader = room.reader(member.id)

        def act(tx: Transaction) -> list[LogItem]:
            conversations.require_member(tx, room.tenant, room.id, member.id)
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
        if (epoch and epoch != room.epoch) or after > room.last_seq:
            RESUMES.labels("epoch_changed").inc()
            return Reset(room.id, "epoch_changed", room.epoch, room.last_seq)
        if room.last_seq - after > RESUME_EVENTS:
            RESUMES.labels("too_many").inc()
            return Reset(room.id, "too_many", room.epoch, room.last_seq)
        reader, last_seq = room.reader(member.id), room.last_seq
        # What is newer than this moment's last_seq reaches the client live.
        # A node that does not hear the others may hold words that were taken back there.
        current = self.hub.broker.state == "ready"
        items = [] if after == last_seq else room.tail.since(after) if current else None
        RESUMES.labels("log" if items is None else "memory").inc()
        if items is None:
            async with self._from_log:
                items = await self.database.read(
                    lambda tx: log.since(tx, room.tenant, room.id, after, last_seq - after), of=room.tenant
                )
        events = [self.hub.view(room, item, reader) for item in items]
        return Resumed(room.id, after, room.epoch, last_seq, events)

    async def history(self, connection: Connection, command: History) -> HistoryPage:
        """A page of the log before a seq."""
        room, member = self._room(connection, command.conversation)
        events, more = await self.page(room, room.reader(member.id), command.before, command.limit)
        return HistoryPage(command.ref, room.id, events, more)

    async def page(self, room: Room, reader: Reader, before: int, limit: int) -> tuple[list[LogEvent], bool]:
        """The last ``limit`` events before a seq (0: the newest), as ``reader`` may see them, and whether there are older ones."""
        limit = min(limit, HISTORY_PAGE)
        items = await self.database.read(
            lambda tx: log.before(tx, room.tenant, room.id, before, limit + 1), of=room.tenant
        )
        shown = items[-limit:]
        return [self.hub.view(room, item, reader) for item in shown], len(items) > limit

    # --------------------------------------------------------------------------------- staff, reports, appeals

    async def report(self, connection: Connection, command: Report) -> Accepted:
        """Tell the staff about a message. Nobody else learns of it."""
        room, member = self._room(connection, command.conversation)
        self._spend(connection)
        reader, at = room.reader(member.id), now()

        def act(tx: Transaction) -> Item:
            log.lock(tx, room.tenant, room.id)
            reported = log.message(tx, room.tenant, room.id, command.message)
            if reported.form.state == "held" or not self._sees(room, reported, reader):
                raise NotFound("message")
            return intake.report(tx, room, reported, member.id, command.reason, command.note, at)

        intake.tell(self.hub, room.tenant, await self.database.write(act), "opened")
        return Accepted(ref=command.ref, id=command.message)

    async def appeal(self, connection: Connection, command: Appeal) -> Accepted:
        """Ask for a second look at what was decided about one's own message."""
        me = connection.identity
        self._spend(connection)
        await self.review.appeal(me.tenant, command.decision, command.note, me.id)
        return Accepted(ref=command.ref, id=command.decision)

    async def acknowledge(self, connection: Connection, command: Acknowledge) -> Accepted:
        """A notice was read."""
        me, at = connection.identity, now()
        self._spend(connection)
        await self.database.write(lambda tx: notices.acknowledge(tx, me.tenant, me.id, command.notice, at))
        return Accepted(ref=command.ref, id=command.notice)

    async def resolve(self, connection: Connection, command: Resolve) -> Accepted:
        """Staff settle a message: release what was held, or withdraw what was not."""
        me = connection.identity
        if me.role != STAFF:
            raise Refusal("forbidden", "Only staff can do this.")

        def ask(tx: Transaction) -> tuple[Message, Sequence[str], Staff]:
            latest = log.message(tx, me.tenant, command.conversation, command.message)
            item = review_items.find(tx, me.tenant, latest.id)
            return latest, item.causes if item is not None and item.state == "open" else (), _staff(tx, me)

        latest, causes, staff = await self.database.read(ask, of=connection.identity.tenant)
        appealed = "appeal" in causes
        if command.version and command.version != latest.version:
            raise Refusal("conflict", "The message has changed since it was looked at.")
        settled = latest.form.state == "removed" or (
            command.act == "release" and latest.form.state == "visible" and not causes
        )
        if settled and not appealed:
            raise Refusal("conflict", f"The message is {latest.form.state} already.")
        acts: dict[str, AnyAct] = {"release": Release(), "remove": Remove()}
        if appealed:
            acts = {"release": Overturn(), "remove": Uphold()}
        deed = Deed(new_id(now()), [acts[command.act]], reason="", message_version=latest.version)
        try:
            done = await self.review.act(staff, latest.id, deed)
        except Claimed as problem:
            raise Refusal("conflict", "Somebody else of the staff has it, or was first.") from problem
        except (Barred, NotAllowed) as problem:
            raise Refusal("forbidden", str(problem)) from problem
        return Accepted(ref=command.ref, id=command.message, seq=done.acted.trace.seq)

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
        self._tell_desks(room.tenant, invitation, room.title)
        if self.suggesting is not None:
            self.suggesting.offers.invited((room.tenant, room.id, member.id))
        return Accepted(ref=command.ref, id=invitation.id, seq=items[0].seq)

    async def consent(self, connection: Connection, command: Consent) -> Accepted:
        """Say which of one's own earlier words the agent may read, or take that back."""
        room, member, invitation = await self._invited(connection, command.invitation)
        scopes, at = _known_scopes(command.scopes), now()

        def act(tx: Transaction) -> list[LogItem]:
            item = invitations.consent(tx, room.tenant, invitation.id, member.id, scopes, at)
            return [] if item is None else [item]

        items = await self._commit(room.tenant, room.id, act)
        return Accepted(ref=command.ref, id=invitation.id, seq=items[0].seq if items else 0)

    async def withdraw(self, connection: Connection, command: Withdraw) -> Accepted:
        """Take back an invitation that nobody has accepted yet. Only who invited can."""
        room, member, invitation = await self._invited(connection, command.invitation)
        if invitation.by != member.id:
            raise Refusal("forbidden", "Only who invited can withdraw the invitation.")
        at = now()

        def act(tx: Transaction) -> list[LogItem]:
            state = invitations.by_id(tx, room.tenant, invitation.id).state
            if state != "requested":
                raise Refusal("conflict", f"The invitation is {state} by now.")
            return [invitations.close(tx, room.tenant, invitation.id, member.id, at)]

        items = await self._commit(room.tenant, room.id, act)
        self._tell_desks(room.tenant, msgspec.structs.replace(invitation, state="withdrawn"), room.title)
        return Accepted(ref=command.ref, id=invitation.id, seq=items[0].seq)

    async def accept(self, connection: Connection, command: Accept) -> Accepted:
        """An agent takes an invitation and joins; of two who try, the first gets it."""
        me = connection.identity
        if me.role != Role.AGENT:
            raise Refusal("forbidden", "Only the brand's agents accept invitations.")
        self._spend(connection)
        at = now()
        agent = Member(me.id, me.name, Role.AGENT, me.lang)

        def act(tx: Transaction) -> tuple[StoredInvitation, str, list[LogItem]]:
            invitation = invitations.by_id(tx, me.tenant, command.invitation)
            seq = log.next_seq(tx, me.tenant, invitation.conversation)
            # Looked at again behind the lock: on another node somebody may have been first.
            invitation = invitations.by_id(tx, me.tenant, command.invitation)
            if invitation.state != "requested":
                raise Refusal("conflict", f"The invitation is {invitation.state} by now.")
            told = invitations.accept(tx, me.tenant, invitation.id, me.id, me.name, seq, at)
            joined = conversations.join(tx, me.tenant, invitation.conversation, agent, at)
            return invitation, conversations.title(tx, me.tenant, invitation.conversation), [told, joined]

        invitation, title, items = await self.database.write(act)
        for item in items:
            self.hub.publish(me.tenant, invitation.conversation, item)
        taken = msgspec.structs.replace(invitation, state="joined", agent=me.id, agent_name=me.name)
        self._tell_desks(me.tenant, taken, title)
        return Accepted(ref=command.ref, id=invitation.id, seq=items[0].seq)

    async def rate(self, connection: Connection, command: Rate) -> Accepted:
        """Rate the service after it has ended, once."""
        room, member, invitation = await self._invited(connection, command.invitation)
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
        wait = self.hub.spend(connection)
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

    def _setting(self, connection: Connection, room: Room, member: Member, at: int) -> Setting:
        """The circumstances in which ``member`` speaks now, their strikes among them."""
        setting = room.setting(member)
        strikes = connection.person.standing.strikes_at(at) if connection.person else 0
        return msgspec.structs.replace(setting, strikes=strikes) if strikes else setting

    async def _arrival(self, connection: Connection) -> _Arrival:
        """All that is to be known about who has just come."""
        me, at = connection.identity, now()

        def ask(tx: Transaction) -> _Arrival:
            mine = conversations.of_participant(tx, me.tenant, me.id, CONVERSATIONS, me.conversations)
            standing = sanctions.standing(tx, me.tenant, me.id, at)
            unread = notices.unread(tx, me.tenant, me.id)
            suggested = "on" if suggestions.wanted(tx, me.tenant, me.id) else "off"
            if self.suggesting is None or (suggested == "on" and suggestions.off(tx, me.tenant, "")):
                suggested = "none"
            return _Arrival(mine, suggested, standing, unread)

        return await self.database.read(ask, of=connection.identity.tenant)

    async def _commit(
        self, tenant: str, conversation: str, act: Callable[[Transaction], list[LogItem]]
    ) -> list[LogItem]:
        def alone(tx: Transaction) -> list[LogItem]:
            log.lock(tx, tenant, conversation)
            return act(tx)

        items = await self.database.write(alone)
        for item in items:
            self.hub.publish(tenant, conversation, item)
        return items

    async def _own_message(self, connection: Connection, room: Room, id: str) -> Message:
        me = connection.identity.id
        message = await self.database.read(lambda tx: log.message(tx, room.tenant, room.id, id), of=room.tenant)
        if message.author != me:
            if not self._sees(room, message, room.reader(me)):
                raise NotFound("message")
            raise Refusal("forbidden", "Only its author can change a message.")
        if message.form.state == "removed":
            raise Refusal("forbidden", "The message was removed.")
        return message

    async def _invited(self, connection: Connection, id: str) -> tuple[Room, Member, StoredInvitation]:
        """An invitation of a conversation that one takes part in, and not for the brand."""
        tenant = connection.identity.tenant
        invitation = await self.database.read(
            lambda tx: invitations.by_id(tx, tenant, id), of=connection.identity.tenant
        )
        room, member = self._room(connection, invitation.conversation, what="invitation")
        if member.role in (Role.AGENT, Role.BOT):
            raise Refusal("forbidden", "This is for the participants to say, not for the brand.")
        self._spend(connection)
        return room, member, invitation

    def _check_attachments(self, connection: Connection, room: Room, command: Post, setting: Setting) -> None:
        """Links to the platform's own files only, under names that would pass as messages. Raises Refusal."""
        for one in command.attachments:
            parts = urlsplit(one.url)
            if f"{parts.scheme}://{parts.netloc}" not in self.origins:
                raise Refusal("bad_request", "Attachments must lie on an origin of the platform.")
            decision = self.engine.judge(one.name, setting, room.policy).decision
            if decision.verdict.rank >= Verdict.NUDGE.rank:
                reasons = self._reasons(connection, room.policy, decision)
                raise Refusal("policy", "The name of an attachment cannot be sent here.", reasons=reasons)

    async def _turn_down(
        self, connection: Connection, room: Room, member: Member, command: Post | Edit, setting: Setting,
        judged: Judgement, at: int,
    ) -> Accepted | Advised | None:  # fmt: skip
        """Nudge, or refuse and keep what was refused: its author may appeal.

        A post that had been accepted and comes again was judged under the circumstances of its time: it gets its first
        answer. None where a person has found, on appeal, that these very words may be said here. Raises Refusal.
        """
        decision = recorded(judged.decision, judged.scores, judged.language, setting)
        reasons = self._reasons(connection, room.policy, decision)
        if decision.verdict is Verdict.NUDGE:
            self._tell_staff(room, member, "", 0, command.text, judged)
            self._try_draft(room, command.text, setting, judged, "", 0, at)
            answered = await self._answered(connection, room, command) if isinstance(command, Post) else None
            return answered or Advised(
                command.ref, decision.verdict, reasons,
                rewrites(command.text, judged, setting, room.policy, self.engine),
            )  # fmt: skip
        kept = await self.database.append(
            Entry(
                tenant=room.tenant, conversation=room.id, id=new_id(at), author=member.id,
                client_id=command.client_id if isinstance(command, Post) else "", at=at, text=command.text,
                form=_form(member, command, decision, at, Tone()) if isinstance(command, Post) else Form(member.role, at),
                decision=decision, refused=True,
            )
        )  # fmt: skip
        if kept.pardoned:
            return None
        self._tell_staff(room, member, "", 0, command.text, judged)
        if kept.repeated or kept.conflict:
            assert isinstance(command, Post)
            return await self._first_answer(connection, room, command, kept.id, kept.seq, same=kept.repeated)
        refused = kept.id
        self._try_draft(room, command.text, setting, judged, refused, 0, at)
        if decision.verdict is Verdict.HOLD:
            raise Refusal(
                "policy", "The new words would have to be looked at first. The old ones stay.", decision=refused
            )
        sentence = reasons[0].message if reasons else "This message cannot be sent here."
        raise Refusal("policy", sentence, reasons=reasons, decision=refused)

    def _try_draft(
        self, room: Room, text: str, setting: Setting, judged: Judgement, message: str, revision: int, at: int
    ) -> None:
        """Let a draft that is on trial beside the policy in force see what was said and what became of it."""
        shadow = self.hub.policies.shadow(room.tenant, room.kind)
        if shadow is not None:
            shadow.see(text, setting, judged, message=message, conversation=room.id, revision=revision, at=at)

    async def _answered(self, connection: Connection, room: Room, command: Post) -> Accepted | None:
        me = connection.identity.id
        known = await self.database.read(lambda tx: self._known(tx, room, me, command), of=room.tenant)
        return None if known is None else await self._first_answer(connection, room, command, *known)

    def _known(self, tx: Transaction, room: Room, author: str, command: Post) -> tuple[str, int, bool] | None:
        """The id and seq of what was already posted under this client id, and whether it was the same."""
        known = log.by_client_id(tx, room.tenant, room.id, author, command.client_id)
        if known is None:
            return None
        form = _form(room.members[author], command, Decision(Verdict.ALLOW, ""), 0, Tone())
        return (*known, log.same(tx, room.tenant, room.id, known[1], command.text, form))

    async def _first_answer(
        self, connection: Connection, room: Room, command: Post, id: str, seq: int, same: bool
    ) -> Accepted:
        if not same:
            raise Refusal("idempotency_conflict", "Another message was sent under this client_id.")
        first = await self.database.read(lambda tx: log.posted(tx, room.tenant, room.id, seq), of=room.tenant)
        return Accepted(
            ref=command.ref, client_id=command.client_id, id=id, seq=seq,
            verdict=shown_to_author(first.decision.verdict),
            reasons=self._reasons(connection, room.policy, first.decision),
        )  # fmt: skip

    def _tell_staff(
        self, room: Room, member: Member, id: str, seq: int, text: str, judged: Judgement, alike: int = 0
    ) -> None:
        if self.hub.broker.alone and room.tenant not in self.hub.staff:
            return
        decision = judged.decision
        raid = [Finding(Category.SPAM, 1.0, 0, 0, f"spam:raid/{alike}")] if alike else []
        self.hub.signal(
            room.tenant, "staff", "",
            Decided(
                conversation=room.id, message=id, seq=seq, at=now(), author=member.id, role=member.role, text=text,
                verdict=decision.verdict, policy=decision.policy, findings=[*decision.findings, *raid],
                clauses=list(decision.clauses), degraded=list(decision.degraded), us=judged.us,
            ),
        )  # fmt: skip

    def _tell_desks(self, tenant: str, invitation: StoredInvitation, title: str) -> None:
        self.hub.signal(tenant, "desk", "", _offer(invitation, title))

    async def _show_waiting(self, connection: Connection) -> None:
        tenant = connection.identity.tenant
        for invitation, title in await self.database.read(
            lambda tx: invitations.waiting(tx, tenant, WAITING_INVITATIONS), of=connection.identity.tenant
        ):
            connection.send(_offer(invitation, title))

    async def _store_marks_soon(self) -> None:
        await asyncio.sleep(READ_SECONDS)
        await self._store_marks()

    async def _store_marks(self) -> None:
        marks, self._marks = self._marks, {}
        if not marks:
            return
        try:
            await self.database.write(
                lambda tx: conversations.mark_read(tx, [(*key, seq) for key, seq in sorted(marks.items())])
            )
        except StorageError:
            # Tried again with the next mark. One that is lost is set again when its reader next reads.
            self._marks = {**marks, **self._marks}


def _muted_until(connection: Connection, room: Room, member: Member, at: int) -> int:
    sanctioned = connection.person.standing.muted_until(room.id, at) if connection.person else 0
    return max(member.muted_until, sanctioned)


def _refuse_muted(connection: Connection, room: Room, member: Member, at: int) -> None:
    until = _muted_until(connection, room, member, at)
    if until > at:
        raise Refusal("muted", "You cannot write here at the moment.", retry_after=until - at)


def _staff(tx: Transaction, me: Identity) -> Staff:
    """Who settles something over the socket. An account of the console must be of a role that may."""
    if not me.id.startswith(accounts.PREFIX):
        return Staff(me.tenant, me.id, me.name, StaffRole.LEAD, me.lang)
    account = accounts.find(tx, me.tenant, me.id)
    if account is None or account.disabled_at or account.staff.role is StaffRole.AUDITOR:
        raise Refusal("forbidden", "This account may not decide.")
    return account.staff


def now() -> int:
    """The server's clock: milliseconds since 1970. No other clock decides anything."""
    return time.time_ns() // 1_000_000


def new_id(at: int) -> str:
    """A new id of 32 hexadecimal digits: 48 bits of time, so that neighbours in time are neighbours in an index, and 80 random."""
    return f"{at:012x}{random.getrandbits(80):020x}"


def shows(decision: Decision) -> bool:
    """Whether a decision shows in the form of a message, so that its author is owed the reason."""
    return decision.verdict in (Verdict.MASK, Verdict.HOLD)


def removed(form: Form) -> Form:
    """The form of a message that is taken away. Who never saw it need not learn that there was one."""
    return msgspec.structs.replace(form, state="removed", unseen=form.state == "held")


def shown_to_author(verdict: Verdict) -> str:
    """What an author hears: a flag is between the engine and the staff, who may well find nothing wrong."""
    return Verdict.ALLOW if verdict is Verdict.FLAG else verdict


def _form(member: Member, command: Post, decision: Decision, at: int, sounds: Tone) -> Form:
    if not shows(decision) and not command.reply_to and not command.attachments:
        return Form(
            member.role, at, heat=sounds.heat, feeling=sounds.feeling, language=sounds.language,
            harmful=harmful(decision),
        )  # fmt: skip
    return Form(
        role=member.role, at=at, state="held" if decision.verdict is Verdict.HOLD else "visible",
        masks=decision.masks, reply_to=command.reply_to or "",
        attachments=tuple(msgspec.to_builtins(one) for one in command.attachments),
        verdict=decision.verdict if shows(decision) else Verdict.ALLOW,
        clauses=decision.clauses if shows(decision) else (),
        heat=sounds.heat, feeling=sounds.feeling, language=sounds.language, harmful=harmful(decision),
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
