"""What a connection holds while nothing happens: 10,000 of them, kept open by processes of their own.

As a program it is such a process: it reads from stdin how to speak and who sits where, takes the seats, says so, and
keeps them until stdin ends.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import uvloop

from bench import wire
from bench.figures import Spread, spread
from bench.load import Load
from bench.sections import Section
from bench.servers import Server
from bench.wire import Seat

CONNECTIONS = 10_000
MEMBERS = 4
CLIENTS = 2  # processes that hold them
SETTLE_SECONDS = 2.0
OPENING_SECONDS = 300.0
AIM_KIB = 20.0
WIRES: dict[str, type[wire.Wire]] = {"Tertulia": wire.Tertulia, "SocketIO": wire.SocketIO}


class Crowd(msgspec.Struct, frozen=True):
    """Who comes, and where to."""

    wire: str
    port: int
    conversations: Sequence[Sequence[Seat]]


class Idle(msgspec.Struct, frozen=True):
    """What ``connections`` took. ``kib`` of the server's memory and ``us`` of its CPU for each, its database left out."""

    server: str
    connections: int
    kib: float
    us: float
    per_second: float


def measured(contenders: Sequence[Callable[[], Server]], connections: int = CONNECTIONS) -> list[Idle]:
    """One server after the other, each with as many connections."""
    results = []
    for contender in contenders:
        server = contender()
        try:
            results.append(_one(server, connections))
        finally:
            server.stop()
    return results


def _one(server: Server, connections: int) -> Idle:
    seats = server.seats(connections // MEMBERS, MEMBERS)
    # A first few: what is loaded and compiled for them is not the price of a connection.
    first = _sit(server, seats[:5])
    time.sleep(SETTLE_SECONDS)
    memory, cpu, began = server.memory(), server.cpu(), time.monotonic()
    crowd = [_sit(server, seats[5 + n :: CLIENTS], wait=False) for n in range(CLIENTS)]
    for one in crowd:
        _ready(one)
    seconds = time.monotonic() - began
    time.sleep(SETTLE_SECONDS)
    count = (len(seats) - 5) * MEMBERS
    kib, us = (server.memory() - memory) / count, (server.cpu() - cpu) / count
    for one in (first, *crowd):
        one.kill()
        one.wait()
        assert one.stdin is not None
        assert one.stdout is not None
        one.stdin.close()
        one.stdout.close()
    return Idle(server.name, count, kib, us, count / seconds)


def _sit(server: Server, conversations: Sequence[Sequence[Seat]], *, wait: bool = True) -> subprocess.Popen[bytes]:
    crowd = Crowd(type(server.wire).__name__, server.port, conversations)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.idle"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parent.parent,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(crowd) + b"\n")
    process.stdin.flush()
    if wait:
        _ready(process)
    return process


def _ready(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    if process.stdout.readline() != b"ready\n":
        raise RuntimeError("those who hold the connections could not take their seats")


def more_files() -> None:
    """Let this process, and those it starts, open as many sockets as the system lets it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def section(results: Sequence[Idle]) -> Section:
    """The table."""
    rows = [
        (one.server, f"{one.connections:,}", f"{one.kib:,.1f}", f"{one.us:,.0f}", f"{one.per_second:,.0f}")
        for one in results
    ]
    title = f"Connections that say nothing, in conversations of {MEMBERS}: memory (PSS) of the server for each"
    return Section(title, ("server", "connections", "KiB each", "CPU to connect, us", "connected/s"), rows)


def figure(results: Sequence[Idle], server: str) -> Spread | None:
    """KiB of one server, as an aim wants it."""
    return next((spread([one.kib]) for one in results if one.server == server), None)


async def _keep(crowd: Crowd) -> None:
    load = Load(WIRES[crowd.wire](), 1, ["-"])
    await asyncio.wait_for(load.connect(crowd.port, crowd.conversations), OPENING_SECONDS)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    more_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_keep(msgspec.json.decode(sys.stdin.buffer.readline(), type=Crowd)))
