"""Everybody at once: 5,000 people whose server went away come back within a moment, and say where they stand."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from time import perf_counter

import msgspec
import uvloop

from bench import wire
from bench.figures import percentile
from bench.load import Connection, Load, Room
from bench.sections import Section
from bench.servers import Server
from bench.wire import Kind, Seat

CONNECTIONS = 5_000
MEMBERS = 4
AFTER = 2  # the seq up to which everybody has read: two more people have joined since
GIVING_UP_SECONDS = 120.0
AGAIN_SECONDS = (0.2, 1.0)  # before another try, where a door is shut
AWAY_SECONDS = 1.0


class Storm(msgspec.Struct, frozen=True):
    """How a storm went: seconds until half, nearly all and all were in, tries that met a shut door, CPU for each connection."""

    server: str
    connections: int
    p50: float
    p99: float
    seconds: float
    turned_away: int
    us: float


class Comer(Connection):
    """Comes when it is told to, where it is told that others are in front."""

    wait = 0.0
    _mark = b'"retry_after_ms":'

    def _frame(self, head: int, data: bytes, start: int, end: int) -> None:
        if data.startswith(b'{"type":"goaway"', start, end):
            self.wait = int(data[data.index(self._mark, start) + len(self._mark) : end - 1]) / 1e3
        else:
            super()._frame(head, data, start, end)


class Resuming(wire.Tertulia):
    """Says where it stands, and is ready when it has been told what it missed."""

    def opening(self, seat: Seat) -> bytes:
        """See Wire."""
        at = {"conversation": seat.conversation, "after": AFTER}
        return msgspec.json.encode({"type": "hello", "token": seat.token, "resume": [at]})

    def kind(self, data: bytes, start: int) -> Kind:
        """See Wire."""
        return Kind.READY if data.startswith((b"resumed", b"reset"), start + 9) else Kind.OTHER


def measured(contenders: Sequence[Callable[[], Server]], connections: int = CONNECTIONS) -> list[Storm]:
    """One server after the other."""
    results = []
    for contender in contenders:
        server = contender()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                results.append(runner.run(_one(server, connections)))
        finally:
            server.stop()
    return results


async def _one(server: Server, connections: int) -> Storm:
    seats = server.seats(connections // MEMBERS, MEMBERS)
    load = Load(server.wire, 1, ["-"])
    await load.connect(server.port, seats)
    load.close()
    await asyncio.sleep(AWAY_SECONDS)
    talk = Resuming() if isinstance(server.wire, wire.Tertulia) else server.wire
    again = Load(talk, 1, ["-"])
    before, began = server.cpu(), perf_counter()
    turned_away = 0
    chance = random.Random(0)

    async def come(seat: Seat) -> float:
        nonlocal turned_away
        room = Room(again)
        room.closed = True
        while not (member := await _tried(talk, seat, room, seat.port or server.port)).room.members:
            turned_away += 1
            await asyncio.sleep(member.wait or chance.uniform(*AGAIN_SECONDS))
        again.rooms.append(room)
        return perf_counter() - began

    async with asyncio.timeout(GIVING_UP_SECONDS):
        times = await asyncio.gather(*(come(seat) for members in seats for seat in members))
    us = (server.cpu() - before) / len(times)
    again.close()
    return Storm(
        server.name, len(times), percentile(times, 0.5), percentile(times, 0.99), max(times), turned_away, us
    )  # fmt: skip


async def _tried(talk: wire.Wire, seat: Seat, room: Room, port: int) -> Comer:
    """One try to come back. The room has its member then, or none."""
    member = Comer(talk, seat, room)
    with contextlib.suppress(OSError):
        await asyncio.get_running_loop().create_connection(lambda: member, "127.0.0.1", port)
        await member.ready
        room.members.append(member)
    return member


def section(results: Sequence[Storm]) -> Section:
    """The table."""
    rows = [
        (
            one.server, f"{one.connections:,}", f"{one.connections / one.seconds:,.0f}",
            f"{one.p50:.1f} / {one.p99:.1f} / {one.seconds:.1f}", f"{one.turned_away:,}", f"{one.us:,.0f}",
        )
        for one in results
    ]  # fmt: skip
    columns = ("server", "people", "a second", "in after p50 / p99 / all, s", "turned away", "CPU each, us")
    return Section("Everybody comes back at once and asks for what they missed", columns, rows)
