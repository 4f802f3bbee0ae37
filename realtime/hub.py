"""This process's sockets: which conversations are held here, who looks at them, and who is sent what."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import msgspec

from moderation.policy_book import PolicyBook
from realtime.broker import Attendance, Broker, Doorbell, Signal
from realtime.errors import Close, Refusal
from realtime.limits import Credit
from realtime.protocol import Event, Goaway, LogEvent, Opened, Presence, Reset, encode
from realtime.room import RECENT, Room
from realtime.shared_limits import Overfull, SharedLimits
from realtime.tail import Tails
from realtime.visibility import Reader, uniform, visible_to
from realtime.wire import frame
from rules.types import Role
from storage import conversations, failpoints, log, sanctions
from storage.database import EVERY_TENANT, Database
from storage.errors import StorageError
from storage.sanctions import Standing
from storage.values import LogItem

if TYPE_CHECKING:
    from realtime.connection import Connection
    from realtime.suggesting import Suggesting

Key = tuple[str, str]  # tenant and an id within it: never one string, so that no two tenants' keys can meet

REPAIR_EVENTS = 500  # read at once to fill a gap
COMPARED = 500  # conversations or people in one question to the log
MISSED_SECONDS = (
    600.0  # a membership that began longer ago has been seen, or will be when its participant connects again
)
REPAIR_SECONDS = 0.5  # before another try when the log cannot be read
ABSENCE_SECONDS = 5.0  # a page that is loaded again is back sooner
LOADS = 16  # conversations that are read at once; more would wait for the database's readers, and for too long
LINGER_SECONDS = 30.0  # a conversation that nobody looks at is kept for who comes back

logger = logging.getLogger("tertulia.hub")


class Presences:
    """One participant on this node: their connections, what they may still send, and whether words may be suggested."""

    __slots__ = ("asked", "connections", "frames", "learning", "learnt", "posts", "spread", "standing", "suggestions")

    def __init__(self, posts: Credit, frames: Credit) -> None:
        self.connections: set[Connection] = set()
        self.posts = posts
        self.frames = frames
        self.suggestions = True
        self.spread = False  # connected to other nodes too, as far as is known
        self.standing = Standing()
        self.asked = self.learnt = 0
        self.learning = False

    def stands(self, standing: Standing, asked: int) -> None:
        """Where they stand, as a reading that was begun at ``asked`` found it; nothing if a later one is known.

        ``asked`` counts what gave reason to read, here and not by a clock: clocks differ, and a reading takes its time.
        """
        if asked >= self.learnt:
            self.learnt = asked
            self.standing = standing


class Hub:
    """Relays: takes doorbells and signals from the broker and writes frames to the sockets that may see them."""

    def __init__(
        self,
        database: Database,
        broker: Broker,
        policies: PolicyBook,
        *,
        posts_per_second: float,
        posts_burst: int,
        shared: SharedLimits | None = None,
    ) -> None:
        self.shared = shared
        self.database = database
        self.broker = broker
        self.policies = policies
        self.suggesting: Suggesting | None = None
        self.draining = False
        self._empty = asyncio.Event()
        self.rooms: dict[Key, Room] = {}
        self.people: dict[Key, Presences] = {}
        self.desks: dict[str, set[Connection]] = {}
        self.staff: dict[str, set[Connection]] = {}
        self._loading: dict[Key, asyncio.Task[Room]] = {}
        self._loads = asyncio.Semaphore(LOADS)
        self._tails = Tails()
        self._early: dict[Key, list[Doorbell]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._dirty: list[Room] = []
        self._behind = self._comparing = False
        self._posts = (posts_per_second, posts_burst)

    async def start(self) -> None:
        """Begin to hear from the other nodes."""
        self._loop = asyncio.get_running_loop()
        await self.broker.start(self)

    # ----------------------------------------------------------------------------------------- who is here

    def arrive(self, connection: Connection, most: int) -> Presences:
        """A participant's connection is open. Raises Refusal when ``most`` are open already."""
        identity = connection.identity
        key = (identity.tenant, identity.id)
        person = self.people.get(key)
        if person is None:
            rate, burst = self._posts
            # 20 times over the limit is no longer a person who types fast.
            person = self.people[key] = Presences(Credit(rate, burst), Credit(rate * 20, burst * 20))
        if len(person.connections) >= most:
            raise Refusal("too_many_connections", "Too many connections of this participant are open.")
        person.connections.add(connection)
        if identity.role == "staff":
            self.staff.setdefault(identity.tenant, set()).add(connection)
        elif identity.role == Role.AGENT:
            self.desks.setdefault(identity.tenant, set()).add(connection)
        return person

    async def admit(self, connection: Connection, most: int) -> None:
        """Ask whether other nodes have so many connections of this participant that, with those here, there are too many.

        Raises Refusal.
        """
        key = (connection.identity.tenant, connection.identity.id)
        person = self.people.get(key)
        if self.shared is None or person is None:
            return
        try:
            elsewhere = await self.shared.count(key, len(person.connections), most)
        except Overfull:
            raise Refusal("too_many_connections", "Too many connections of this participant are open.") from None
        if elsewhere:
            # From now on all of these nodes tell each other what is sent.
            self.broker.signal(Signal(key[0], "spread", key[1], b""))

    def spend(self, connection: Connection) -> float:
        """Spend one credit of a participant; the seconds until there is one, if there is none."""
        person = connection.person
        if person is None:
            return 0.0
        wait = person.posts.spend(self._loop.time())
        if person.spread and not wait and self.shared is not None:
            self.shared.spent((connection.identity.tenant, connection.identity.id), person.posts)
        return wait

    def depart(self, connection: Connection) -> None:
        """A connection is gone."""
        identity = connection.identity
        key = (identity.tenant, identity.id)
        person = self.people.get(key)
        if person is not None:
            person.connections.discard(connection)
            if self.shared is not None:
                self.shared.recount(key, len(person.connections))
            if not person.connections:
                # Kept until their credit is whole again: coming back must not bring a new one.
                rate, burst = self._posts
                self._loop.call_later(burst / rate, self._forget, key)
        for audience in (self.staff, self.desks):
            listeners = audience.get(identity.tenant, set())
            listeners.discard(connection)
            if not listeners:
                audience.pop(identity.tenant, None)
        for room in list(connection.rooms.values()):
            self.detach(room, connection)
        if self.draining and not self._open():
            self._empty.set()

    async def room(self, tenant: str, id: str) -> Room:
        """The conversation, from the log if it is not held yet. Raises NotFound or Unavailable."""
        key = (tenant, id)
        room = self.rooms.get(key)
        if room is not None:
            return room
        task = self._loading.get(key)
        if task is None:
            self._early[key] = []
            task = self._loading[key] = asyncio.create_task(self._load(key))
        return await asyncio.shield(task)

    def attach(self, room: Room, connection: Connection) -> None:
        """From now on ``connection``, a member's, is sent what happens in ``room``."""
        participant = connection.identity.id
        came = not room.is_here(participant)
        room.connections[connection] = room.reader(participant)
        connection.rooms[room.id] = room
        key = (room.tenant, room.id)
        if self.rooms.setdefault(key, room) is room and came:
            self._tell_presence(room, participant)

    def detach(self, room: Room, connection: Connection) -> None:
        """``connection`` is not sent anything of ``room`` any more."""
        participant = connection.identity.id
        room.connections.pop(connection, None)
        connection.rooms.pop(room.id, None)
        key = (room.tenant, room.id)
        if not room.is_here(participant):
            self._loop.call_later(ABSENCE_SECONDS, self._tell_absence, key, participant)
        if not room.connections:
            self._loop.call_later(LINGER_SECONDS, self._let_go, key)

    # ------------------------------------------------------------------------------------------- what happens

    def publish(self, tenant: str, conversation: str, item: LogItem) -> None:
        """Something was committed: every node is told."""
        failpoints.reached("after_commit_before_publish")
        self.broker.publish(Doorbell(tenant, conversation, self.database.epoch, item.seq, item))
        failpoints.reached("after_publish_before_answer")

    def ring(self, doorbell: Doorbell) -> None:
        """A doorbell came: the event is sent on if it is the next one, else the gap is filled from the log."""
        key = (doorbell.tenant, doorbell.conversation)
        item, room = doorbell.item, self.rooms.get(key)
        if room is None:
            if key in self._early:
                self._early[key].append(doorbell)
            if item is not None and item.kind == "joined" and (doorbell.tenant, item.actor) in self.people:
                self.run(self._open_for(key, item.actor))
            return
        if doorbell.seq <= room.last_seq:
            return
        if item is not None and doorbell.seq == room.last_seq + 1 and not room.early:
            self._take(room, item)
            return
        room.heard = max(room.heard, doorbell.seq)
        if item is not None:
            room.early[doorbell.seq] = item
        self._take_early(room)
        if room.last_seq < room.heard and not room.repairing:
            room.repairing = True
            self.run(self._repair(room))

    def hear(self, signal: Signal) -> None:
        """A signal came: it is sent on as it is."""
        match signal.channel:
            case "conversation":
                room = self.rooms.get((signal.tenant, signal.to))
                listeners = list(room.connections) if room else []
            case "desk":
                listeners = list(self.desks.get(signal.tenant, ()))
            case "person":
                person = self.people.get((signal.tenant, signal.to))
                listeners = list(person.connections) if person else []
            case "standing":
                self._rung((signal.tenant, signal.to), _standing.decode(signal.payload))
                return
            case "spread":
                if (person := self.people.get((signal.tenant, signal.to))) is not None:
                    person.spread = True
                return
            case "session":
                for connection in tuple(self.staff.get(signal.tenant, ())):
                    if connection.identity.id == signal.to:
                        connection.close(Close.TOKEN, "the session has ended")
                return
            case _:
                # Who was not welcomed yet may be somebody who has just been locked out.
                listeners = [connection for connection in self.staff.get(signal.tenant, ()) if connection.welcomed]
        data = frame(signal.payload)
        for connection in listeners:
            if connection.identity.id != signal.sender:
                connection.write(data)

    def attended(self, node: str, attendance: Attendance) -> None:
        """Another node tells who of a conversation is connected there."""
        room = self.rooms.get((attendance.tenant, attendance.conversation))
        if room is None:
            return
        before = room.elsewhere.pop(node, frozenset())
        if attendance.here:
            room.elsewhere[node] = frozenset(attendance.here)
        for participant in before.symmetric_difference(attendance.here):
            self._show_presence(room, participant)
            if participant not in before and (person := self.people.get((room.tenant, participant))) is not None:
                person.spread = True
        if attendance.asks and room.connections:
            self._attend(room)

    def lost(self, node: str) -> None:
        """Another node is gone, and who was there with it."""
        for room in self.rooms.values():
            for participant in room.elsewhere.pop(node, frozenset()):
                self._show_presence(room, participant)

    def missed(self) -> None:
        """Something of other nodes was not heard: everything held here is compared with the log."""
        self._behind = True
        if not self._comparing:
            self._comparing = True
            self.run(self._compare())

    def look(self) -> None:
        """Nothing of other nodes is heard just now: what they store reaches people here all the same, a little later."""
        if not self._comparing:
            self._comparing = True
            self.run(self._compare())

    def signal(self, tenant: str, channel: str, to: str, event: Event, sender: str = "") -> None:
        """Tell all who listen on a channel, on every node, without any promise."""
        self.broker.signal(Signal(tenant, channel, to, encode(event), sender))

    def stand(self, tenant: str, participant: str, standing: Standing) -> None:
        """Let every node know that somebody's standing has changed; who is banned is cut off there."""
        self.broker.signal(Signal(tenant, "standing", participant, msgspec.json.encode(standing)))

    def hang_up(self, tenant: str, staff: str) -> None:
        """End the live connections of somebody of the staff on every node; those of sessions that go on come back."""
        self.broker.signal(Signal(tenant, "session", staff, b""))

    def view(self, room: Room, item: LogItem, reader: Reader) -> LogEvent:
        """What ``reader`` may see of ``item``."""
        return visible_to(room.id, item, reader, room.policy.reasons)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside; what it raises is logged by its type."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    # -------------------------------------------------------------------------------------------------- the end

    async def drain(self, seconds: float) -> None:
        """Send everybody elsewhere, spread over ``seconds``. Nothing that was accepted is lost."""
        self.draining = True
        leaving = [connection for person in self.people.values() for connection in person.connections]
        for connection in leaving:
            delay = random.uniform(0, seconds)
            connection.write(frame(encode(Goaway(int(delay * 1_000)))))
            asyncio.get_running_loop().call_later(delay, connection.close, Close.GO_AWAY, "the server stops")
        if self._open():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), seconds + 1)

    async def close(self) -> None:
        """Stop listening to the other nodes."""
        if self.shared is not None:
            await self.shared.close()
        await self.broker.close()
        for task in list(self._tasks):
            task.cancel()

    # -------------------------------------------------------------------------------------------------- inside

    def _rung(self, key: Key, standing: Standing) -> None:
        """Somebody's standing has changed. What was told holds at once, what is stored in the end: news may come in any order."""
        person = self.people.get(key)
        if person is None:
            return
        person.asked += 1
        self._stands(person, standing, person.asked)
        if person.connections and not person.learning:
            person.learning = True
            self.run(self._learn(key, person))

    async def _learn(self, key: Key, person: Presences) -> None:
        """Read where somebody stands, one reading at a time, until nothing new was told while it was being read."""
        asked = 0
        try:
            while asked != person.asked and person.connections:
                asked = person.asked
                try:
                    standing = await self.database.read(
                        lambda connection: sanctions.standing(connection, *key, _now()), of=key[0]
                    )
                except StorageError:
                    asked = 0
                    await asyncio.sleep(REPAIR_SECONDS)
                else:
                    self._stands(person, standing, asked)
        finally:
            person.learning = False

    def _stands(self, person: Presences, standing: Standing, asked: int) -> None:
        person.stands(standing, asked)
        if person.standing.banned(standing.read_at):
            for connection in list(person.connections):
                if connection.identity.role != "staff":
                    connection.close(Close.NOT_A_MEMBER, "suspended")

    async def _load(self, key: Key) -> Room:
        tenant, id = key
        try:
            async with self._loads:
                conversation, tail = await self.database.read(
                    lambda connection: (
                        conversations.load(connection, tenant, id),
                        log.before(connection, tenant, id, 0, RECENT * 2),
                    ),
                    of=key[0],
                )
            room = Room(conversation, self.policies, self.database.epoch)
            for item in tail:
                if item.kind == "posted" and item.message is not None:
                    room.listen(item.message)
                if item.seq <= room.last_seq:
                    self._tails.add(room.tail, item)
        finally:
            early = self._early.pop(key)
            del self._loading[key]
        self.rooms[key] = room
        self._attend(room, asks=True)
        self._loop.call_later(LINGER_SECONDS, self._let_go, key)
        for doorbell in early:
            self.ring(doorbell)
        return room

    async def _open_for(self, key: Key, participant: str) -> None:
        room = await self.room(*key)
        self._let_in(room, participant)

    def _let_in(self, room: Room, participant: str) -> None:
        """Show a conversation to the connections of somebody who has just become a member of it."""
        person = self.people.get((room.tenant, participant))
        if person is None or participant not in room.members:
            return
        for connection in list(person.connections):
            named = connection.identity.conversations
            if connection.welcomed and connection not in room.connections and (named is None or room.id in named):
                connection.send(Opened(room.view(participant)))
                self.attach(room, connection)

    def _let_go(self, key: Key) -> None:
        room = self.rooms.get(key)
        if room is not None and not room.connections:
            del self.rooms[key]

    def _forget(self, key: Key) -> None:
        person = self.people.get(key)
        if person is not None and not person.connections:
            del self.people[key]

    def _open(self) -> bool:
        return any(person.connections for person in self.people.values())

    def _take_early(self, room: Room) -> None:
        while (item := room.early.pop(room.last_seq + 1, None)) is not None:
            self._take(room, item)

    def _take(self, room: Room, item: LogItem) -> None:
        if item.kind == "joined":
            # Who comes now must not be sent what still waits from before.
            self._flush(room)
        before = room.invitation
        room.fold(item)
        self._tails.add(room.tail, item)
        if not room.pending:
            if not self._dirty:
                self._loop.call_soon(self._flush_all)
            self._dirty.append(room)
        room.pending.append(item)
        if item.kind == "posted" and item.message is not None and self.suggesting is not None:
            self.suggesting.heard(room, item.message)
        if item.kind == "joined":
            self._let_in(room, item.actor)
        elif item.kind == "left":
            # Who has left must not be sent what comes next.
            self._flush(room)
        elif (
            item.kind == "invitation"
            and before is not None
            and room.invitation is not None
            and before.id == room.invitation.id
            and before.consents != room.invitation.consents
        ):
            self._show_agents_anew(room)

    def _show_agents_anew(self, room: Room) -> None:
        """What an agent may read of the past has changed: they are told to read it again."""
        self._flush(room)
        for connection, reader in room.connections.items():
            if reader.role is Role.AGENT:
                connection.send(Reset(room.id, "membership_changed", room.epoch, room.last_seq))

    def _flush_all(self) -> None:
        dirty, self._dirty = self._dirty, []
        for room in dirty:
            try:
                self._flush(room)
            except Exception as problem:
                # One conversation's trouble is not the others'; its readers resume and get what they missed.
                logger.error("a conversation could not be sent: %s", type(problem).__name__)
                for connection in list(room.connections):
                    connection.close(Close.CONTINUITY_LOST, "resume, please")

    def _flush(self, room: Room) -> None:
        """Send what a turn of the loop has gathered, joined into one write a reader; who sees the same shares the bytes."""
        items, room.pending = room.pending, []
        if not items:
            return
        if all(uniform(item) for item in items):
            data = self._frames(room, items, _ANYBODY)
            for connection in list(room.connections):
                connection.write(data)
        else:
            own_view = {item.message.author for item in items if item.message is not None}
            own_view |= {item.body["invitation"]["by"] for item in items if item.kind == "invitation"}
            shared: dict[str, bytes] = {}
            for connection, reader in list(room.connections.items()):
                key = f"id:{reader.id}" if reader.id in own_view or reader.role is Role.AGENT else reader.role
                if key not in shared:
                    shared[key] = self._frames(room, items, reader)
                connection.write(shared[key])
        if any(item.kind == "left" for item in items):
            for connection in [one for one in room.connections if one.identity.id not in room.members]:
                self.detach(room, connection)

    def _frames(self, room: Room, items: list[LogItem], reader: Reader) -> bytes:
        return b"".join([frame(encode(self.view(room, item, reader))) for item in items])

    async def _repair(self, room: Room) -> None:
        try:
            while room.heard > room.last_seq and self.rooms.get((room.tenant, room.id)) is room:
                before = room.last_seq
                try:
                    items = await self.database.read(
                        lambda connection: log.since(connection, room.tenant, room.id, room.last_seq, REPAIR_EVENTS),
                        of=room.tenant,
                    )
                except StorageError:
                    items = []
                for item in items:
                    if item.seq == room.last_seq + 1:
                        self._take(room, item)
                self._take_early(room)
                if room.last_seq == before:
                    await asyncio.sleep(REPAIR_SECONDS)
            room.early = {seq: item for seq, item in room.early.items() if seq > room.last_seq}
        finally:
            room.repairing = False

    async def _compare(self) -> None:
        try:
            once = True
            while (self._behind or once) and not self.draining:
                again, self._behind, once = self._behind, False, False
                held = list(self.rooms)
                for start in range(0, len(held), COMPARED):
                    await self._compare_with_log(held[start : start + COMPARED])
                people = [key for key, person in self.people.items() if person.connections]
                for start in range(0, len(people), COMPARED):
                    await self._open_new(people[start : start + COMPARED])
                    await self._stand_anew(people[start : start + COMPARED])
                if not again:
                    continue
                if self.shared is not None:
                    for key in people:
                        self.shared.recount(key, len(self.people[key].connections) if key in self.people else 0)
                for room in self.rooms.values():
                    self._attend(room, asks=True)
                # What staff is told is in no log: they come back, if they may, and read their queue again.
                for connection in [one for listeners in self.staff.values() for one in listeners]:
                    connection.close(Close.CONTINUITY_LOST, "read again, please")
        except StorageError:
            self._behind = True
            self._loop.call_later(REPAIR_SECONDS, self.missed)
        finally:
            self._comparing = False

    async def _compare_with_log(self, keys: list[Key]) -> None:
        newest = await self.database.read(lambda connection: conversations.last_seqs(connection, keys), of=EVERY_TENANT)
        for (tenant, id), seq in newest.items():
            room = self.rooms.get((tenant, id))
            if room is not None and seq > room.last_seq:
                self.ring(Doorbell(tenant, id, self.database.epoch, seq))

    async def _open_new(self, people: list[Key]) -> None:
        """Show people the conversations that they have become part of while nobody told."""
        after = int((time.time() - MISSED_SECONDS) * 1_000)
        joined = await self.database.read(
            lambda connection: conversations.joined_since(connection, people, after), of=EVERY_TENANT
        )
        for tenant, conversation, participant in joined:
            await self._open_for((tenant, conversation), participant)

    async def _stand_anew(self, keys: list[Key]) -> None:
        """What somebody may not do any more holds here too, though nobody told."""
        asked = {}
        for key in keys:
            if (person := self.people.get(key)) is not None:
                person.asked += 1
                asked[key] = person, person.asked
        standings = await self.database.read(
            lambda connection: sanctions.standings(connection, list(asked), _now()), of=EVERY_TENANT
        )
        for key, (person, count) in asked.items():
            self._stands(person, standings[key], count)

    def _tell_presence(self, room: Room, participant: str) -> None:
        self._attend(room)
        self._show_presence(room, participant)

    def _show_presence(self, room: Room, participant: str) -> None:
        """Tell those who are connected here whether somebody is there, on this node or on another."""
        data = frame(encode(Presence(room.id, participant, room.is_online(participant))))
        for connection in room.connections:
            if connection.identity.id != participant:
                connection.write(data)

    def _attend(self, room: Room, *, asks: bool = False) -> None:
        here = tuple({connection.identity.id for connection in room.connections})
        self.broker.attend(Attendance(room.tenant, room.id, here, asks))

    def _tell_absence(self, key: Key, participant: str) -> None:
        room = self.rooms.get(key)
        if room is not None and not room.is_here(participant):
            self._tell_presence(room, participant)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            logger.error("background work failed: %s", type(problem).__name__)


def _now() -> int:
    return time.time_ns() // 1_000_000


_standing = msgspec.json.Decoder(Standing)
_ANYBODY = Reader("", Role.BUYER, "en")
