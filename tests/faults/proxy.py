"""A proxy that a test stands before a server, and that is worse than any network: slow, deaf or gone, as told at run time."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType

CHUNK = 65_536
LOOK_SECONDS = 0.02  # between two looks at whether a stall is over


@dataclass(eq=False)
class Way:
    """One direction of all connections. ``delay`` and ``jitter`` are seconds; while ``stalled`` nothing moves, not even an end."""

    delay: float = 0.0
    jitter: float = 0.0
    stalled: bool = False
    moved: int = 0


@dataclass(eq=False)
class Proxy:
    """Listens on ``port`` and passes everything to ``target`` until it is told otherwise. ``async with`` starts and ends it.

    ``up`` is the way from the clients to the server, ``down`` the way back. ``refuses`` drops who connects from then on, at once.
    """

    target: int
    up: Way = field(default_factory=Way)
    down: Way = field(default_factory=Way)
    refuses: bool = False
    accepted: int = 0
    port: int = 0
    _pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        """How many are open just now."""
        return len(self._pairs)

    def stall(self, *, up: bool = True, down: bool = True) -> None:
        """Keep every connection and move nothing any more: what a peer sees of a cable that was pulled."""
        self.up.stalled, self.down.stalled = up, down

    def heal(self) -> None:
        """From now on everything passes; what a stall has held up arrives."""
        self.refuses = False
        for way in (self.up, self.down):
            way.delay, way.jitter, way.stalled = 0.0, 0.0, False

    def cut(self) -> int:
        """Reset every open connection at both ends; how many there were."""
        pairs = list(self._pairs)
        for pair in pairs:
            for writer in pair:
                _reset(writer)
        return len(pairs)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.refuses:
            _reset(writer)
            return
        self.accepted += 1
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _reset(writer)
            return
        pair = (writer, far_writer)
        self._pairs.add(pair)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, far_writer, self.up))
                both.create_task(self._pass(far_reader, writer, self.down))
        finally:
            self._pairs.discard(pair)
            for one in pair:
                one.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if way.delay or way.jitter:
                    await asyncio.sleep(way.delay + random.uniform(0, way.jitter))
                while way.stalled:  # noqa: ASYNC110 - switched by a plain attribute, from anywhere
                    await asyncio.sleep(LOOK_SECONDS)
                way.moved += len(data)
                writer.write(data)
                await writer.drain()
        # One end has closed, and the other hears so; both ways end, as with most servers behind a socket.
        if not writer.is_closing():
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close without a goodbye: the peer reads an error, not an end."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
