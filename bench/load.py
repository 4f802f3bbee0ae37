"""The load: people in conversations, each on a WebSocket of their own, who post and wait.

It shares the machine with the server that it measures, so it parses no more of a frame than it must. Every server gets
the same texts from the same members in the same order, and the same number of posts in flight.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import cast

import msgspec

from bench.wire import Kind, Seat, Wire

STALLED_SECONDS = 20.0  # nothing completed for so long: the run is broken
CONNECTING = 50  # handshakes under way at a time
PAUSES = (0.2, 1.0, 3.0)  # seconds before another try: a busy machine may shut a door for a moment


class Stalled(RuntimeError):
    """A server that no longer answers. ``waiting`` posts were under way."""

    def __init__(self, waiting: int, last: bytes) -> None:
        super().__init__(waiting, last)
        self.waiting, self.last = waiting, last

    def __str__(self) -> str:
        return (
            f"nothing completed for {STALLED_SECONDS:.0f} s, {self.waiting} posts under way; "
            f"last refusal {self.last[:200]!r}"
        )


class Tally(msgspec.Struct):
    """What one run came to. Times are seconds from the post: to its ``accepted``, and to the last member's receipt."""

    seconds: float = 0.0
    messages: int = 0
    refused: int = 0
    deliveries: int = 0
    accepted: list[float] = []
    delivered: list[float] = []


class Post:
    """A message under way. ``number`` is known once it is accepted."""

    __slots__ = ("author", "number", "sent")

    def __init__(self, author: Connection, sent: float) -> None:
        self.author, self.sent, self.number = author, sent, -1


class Connection(asyncio.Protocol):
    """One member's WebSocket (RFC 6455), reduced to what a well-behaved server needs and sends."""

    __slots__ = ("_mask", "_rest", "_upgraded", "post", "ready", "room", "seat", "transport", "wire")

    def __init__(self, wire: Wire, seat: Seat, room: Room) -> None:
        self.wire, self.seat, self.room = wire, seat, room
        self.post: Post | None = None
        self.ready = asyncio.get_running_loop().create_future()
        self._rest = b""
        self._upgraded = False
        self._mask = os.urandom(4)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport = cast(asyncio.Transport, transport)  # uvloop's own, not a subclass
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self.wire.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{self.wire.headers}\r\n".encode()
        )

    def connection_lost(self, problem: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"closed before it was ready: {self._rest!r}"))
            return
        self.room.lost(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._read(data)
        except (ValueError, RuntimeError) as problem:
            self.room.load.broken(problem)

    def _read(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
            self._rest = b""
        at = 0 if self._upgraded else self._handshake(data)
        end = len(data)
        while end - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                start = at + 4
                size = int.from_bytes(data[at + 2 : start], "big") if start <= end else end
            elif size == 127:
                start = at + 10
                size = int.from_bytes(data[at + 2 : start], "big") if start <= end else end
            if start + size > end:
                break
            self._frame(data[at], data, start, start + size)
            at = start + size
        if at < end:
            self._rest = data[at:]

    def _handshake(self, data: bytes) -> int:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._rest = data
            return len(data)
        if not data.startswith(b"HTTP/1.1 101"):
            self._rest = data[:300]
            self.transport.close()
            return len(data)
        self._upgraded = True
        self.send(self.wire.opening(self.seat))
        return end + 4

    def _frame(self, head: int, data: bytes, start: int, end: int) -> None:
        if head == 0x81:
            kind = self.wire.kind(data, start)
            if kind is Kind.DELIVERED:
                self.room.delivered(self._number(data, start, end))
            elif kind is Kind.ACCEPTED:
                self.room.accepted(self, self._number(data, start, end))
            elif kind is Kind.REFUSED:
                self.room.refused(self, data[start:end])
            elif kind is Kind.READY:
                if not self.ready.done():
                    self.ready.set_result(None)
            elif kind is Kind.PING:
                self.send(self.wire.pong)
        elif head == 0x89:
            self.send(data[start:end], opcode=0x8A)
        elif head == 0x88:
            self._rest = data[start:end]
            self.transport.close()
        elif head != 0x8A:
            raise ValueError(f"a frame of no expected kind: {data[start - 4 : end]!r}")

    def _number(self, data: bytes, start: int, end: int) -> int:
        at = data.index(self.wire.mark, start, end) + len(self.wire.mark)
        # Socket.IO sends PostgreSQL's bigint as a string, as `pg` gives it.
        while not 48 <= data[at] <= 57:
            at += 1
        number = 0
        while 48 <= (digit := data[at]) <= 57:
            number = number * 10 + digit - 48
            at += 1
        return number

    def send(self, payload: bytes, opcode: int = 0x81) -> None:
        """One masked frame. A client's frames must be masked (RFC 6455, section 5.3)."""
        size = len(payload)
        head = bytes((opcode, 0x80 | size)) if size < 126 else bytes((opcode, 0xFE)) + size.to_bytes(2, "big")
        key = int.from_bytes((self._mask * (size // 4 + 1))[:size], "big")
        self.transport.write(head + self._mask + (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big"))


class Room:
    """One conversation. Its members post in turn, each one message at a time."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.members: list[Connection] = []
        self._turn = 0
        self._under_way: dict[int, Post] = {}
        self._received: dict[int, int] = {}
        self.closed = False

    def has_time(self) -> bool:
        """Whether somebody waits for nothing."""
        return any(member.post is None for member in self.members)

    def say(self) -> None:
        """The next member who waits for nothing posts the next text."""
        for _ in self.members:
            author = self.members[self._turn % len(self.members)]
            self._turn += 1
            if author.post is None:
                break
        else:
            raise Stalled(len(self.members), self.load.last)
        ref, text = self.load.next_text()
        self.post(author, author.wire.post(author.seat, ref, text))

    def post(self, author: Connection, frame: bytes) -> None:
        author.post = Post(author, perf_counter())
        author.send(frame)

    def done(self, author: Connection, post: Post) -> None:
        self.load.tally.accepted.append(perf_counter() - post.sent)
        author.post = None
        self.load.completed(self)

    def accepted(self, author: Connection, number: int) -> None:
        post = author.post
        if post is None or post.number >= 0:
            raise ValueError(f"accepted without a post: {number}")
        post.number = number
        self.load.tally.accepted.append(perf_counter() - post.sent)
        self._under_way[number] = post
        if self._received.get(number) == len(self.members):
            self._complete(number)

    def delivered(self, number: int) -> None:
        self.load.tally.deliveries += 1
        count = self._received[number] = self._received.get(number, 0) + 1
        if count == len(self.members) and number in self._under_way:
            self._complete(number)

    def refused(self, author: Connection, frame: bytes) -> None:
        if author.post is None:
            raise ValueError(f"refused without a post: {frame!r}")
        self.load.tally.refused += 1
        self.load.last = frame
        self.done(author, author.post)

    def lost(self, member: Connection) -> None:
        if not self.closed:
            self.load.broken(ConnectionError(f"{member.seat.participant} was disconnected: {member._rest[:200]!r}"))

    def _complete(self, number: int) -> None:
        post = self._under_way.pop(number)
        del self._received[number]
        self.load.tally.delivered.append(perf_counter() - post.sent)
        post.author.post = None
        self.load.completed(self)


class Load:
    """All conversations held with one server, and ``in_flight`` posts in each."""

    def __init__(self, wire: Wire, in_flight: int, texts: Sequence[str]) -> None:
        self.wire, self.in_flight = wire, in_flight
        self.rooms: list[Room] = []
        self.tally = Tally()
        self.last = b""
        self._texts = texts
        self._ref = 0
        self._waiting = 0
        self._posting = False
        self._idle = asyncio.Event()
        self._problem: Exception | None = None

    async def connect(self, port: int, conversations: Sequence[Sequence[Seat]]) -> None:
        """Seat everybody. Raises ConnectionError when a door stays shut."""
        gate = asyncio.Semaphore(CONNECTING)

        async def sit(room: Room, seat: Seat) -> Connection:
            async with gate:
                for pause in PAUSES:
                    with contextlib.suppress(ConnectionError):
                        return await self._seated(room, seat, port)
                    await asyncio.sleep(pause)
                return await self._seated(room, seat, port)

        for _ in conversations:
            self.rooms.append(Room(self))
        arrivals = [
            asyncio.gather(*(sit(room, seat) for seat in seats))
            for room, seats in zip(self.rooms, conversations, strict=True)
        ]
        for room, members in zip(self.rooms, await asyncio.gather(*arrivals), strict=True):
            room.members = list(members)

    async def _seated(self, room: Room, seat: Seat, port: int) -> Connection:
        _, member = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self.wire, seat, room), "127.0.0.1", seat.port or port
        )
        await asyncio.wait_for(member.ready, STALLED_SECONDS)
        return member

    async def run(self, seconds: float) -> Tally:
        """Keep ``in_flight`` posts under way in each conversation, then wait until the last has reached everybody.

        So all that a server did between the call and the return belongs to the messages counted. Raises Stalled, or
        ConnectionError when a member was disconnected.
        """
        self.tally = tally = Tally()
        self._posting = True
        begun = perf_counter()
        for room in self.rooms:
            for _ in range(self.in_flight):
                self._start(room)
        await self._watch(begun + seconds)
        self._posting = False
        await self._drain()
        tally.seconds = perf_counter() - begun
        return tally

    async def paced(self, seconds: float, gaps: Iterator[float]) -> Tally:
        """Post in one conversation after another, ``gaps`` seconds apart, whether or not earlier posts are through."""
        self.tally = tally = Tally()
        begun = due = perf_counter()
        rooms = 0
        while due < begun + seconds and self._problem is None:
            await asyncio.sleep(max(0.0, due - perf_counter()))
            # A server that falls behind has conversations in which everybody waits: others go on meanwhile.
            ready = (self.rooms[n % len(self.rooms)] for n in range(rooms, rooms + len(self.rooms)))
            self._start(next((room for room in ready if room.has_time()), self.rooms[rooms % len(self.rooms)]))
            rooms += 1
            due += next(gaps)
        await self._drain()
        tally.seconds = perf_counter() - begun
        return tally

    def close(self) -> None:
        """Everybody leaves."""
        for room in self.rooms:
            room.closed = True
            for member in room.members:
                member.transport.abort()

    def next_text(self) -> tuple[int, str]:
        """A number never used before with this server, and the text that belongs to it."""
        self._ref += 1
        return self._ref, self._texts[self._ref % len(self._texts)]

    def completed(self, room: Room) -> None:
        self.tally.messages += 1
        self._waiting -= 1
        if self._posting:
            self._start(room)
        elif not self._waiting:
            self._idle.set()

    def broken(self, problem: Exception) -> None:
        self._problem = problem
        self._idle.set()

    def _start(self, room: Room) -> None:
        self._waiting += 1
        self._idle.clear()
        room.say()

    async def _watch(self, until: float) -> None:
        messages, moved = -1, perf_counter()
        while (now := perf_counter()) < until:
            if self._problem is not None:
                raise self._problem
            if self.tally.messages != messages:
                messages, moved = self.tally.messages, now
            elif now - moved > STALLED_SECONDS:
                raise Stalled(self._waiting, self.last)
            await asyncio.sleep(min(0.05, until - now))

    async def _drain(self) -> None:
        if self._waiting:
            try:
                await asyncio.wait_for(self._idle.wait(), STALLED_SECONDS)
            except TimeoutError:
                raise Stalled(self._waiting, self.last) from None
        if self._problem is not None:
            raise self._problem
