"""For as long as it is told to: people write while chance breaks one thing after the other. ``make soak MINUTES=360``."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.conftest import free_port
from tests.faults.people import Timeline, living, more
from tests.faults.phones import files, memory
from tests.platform import Platform, new_tenant

ROUND_SECONDS = 40.0
FAULT_SECONDS = 2.0, 6.0  # between two of them
WARM_SECONDS = 300.0  # before memory is looked at
GROWTH = 1024 * 1024  # bytes an hour that a server may grow, where there was an hour to see it


class Ground:
    """Three servers on a PostgreSQL and a Redis, of which all may be broken but the last server, so that somebody can be asked."""

    def __init__(self, servers: list[Any], ports: list[int], postgres: Any, redis: Any, timeline: Timeline) -> None:
        self.servers, self.ports, self.postgres, self.redis, self.timeline = servers, ports, postgres, redis, timeline

    async def break_something(self, chance: random.Random) -> None:
        fault = chance.choice(
            [self.kill, self.restart, self.freeze, self.freeze_redis, self.empty_redis, self.freeze_database]
        )
        server, seconds = chance.choice(self.servers[:-1]), chance.uniform(0.3, 2.0)
        self.timeline.note("fault", fault=fault.__name__, node=self.servers.index(server), seconds=round(seconds, 2))
        await fault(server, seconds)
        self.timeline.note("mended", fault=fault.__name__)

    async def kill(self, server: Any, seconds: float) -> None:
        server.kill()
        await asyncio.sleep(seconds)
        await asyncio.to_thread(server.start)

    async def restart(self, server: Any, _: float) -> None:
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)

    async def freeze(self, server: Any, seconds: float) -> None:
        os.kill(server.process.pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(server.process.pid, signal.SIGCONT)

    async def freeze_redis(self, _: Any, seconds: float) -> None:
        self.redis.process.send(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.redis.process.send(signal.SIGCONT)

    async def empty_redis(self, _: Any, seconds: float) -> None:
        self.redis.process.end(signal.SIGKILL)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.redis.start)

    async def freeze_database(self, _: Any, seconds: float) -> None:
        with self.postgres.frozen():
            await asyncio.sleep(min(seconds, 1.0))

    async def look(self) -> dict[str, float]:
        """What the server that is never broken holds."""
        pid = self.servers[-1].process.pid
        async with httpx2.AsyncClient(trust_env=False) as http:
            text = (await http.get(f"http://127.0.0.1:{self.ports[-1]}/metrics", timeout=20)).text
        gauges = dict(line.split(" ") for line in text.splitlines() if line.startswith("tertulia_") and "{" not in line)
        names = ("tertulia_tasks", "tertulia_connections", "tertulia_conversations_held")
        return {"memory": memory(pid), "files": files(pid), **{name: float(gauges[name]) for name in names}}


@pytest.fixture
async def ground(
    serve: Callable[..., Any], own_postgres: Any, own_redis: Any, timeline: Timeline
) -> tuple[Ground, str]:
    url = own_postgres.url(own_postgres.create())
    servers, ports = [], []
    for _ in range(3):
        ports.append(free_port())
        servers.append(
            await asyncio.to_thread(
                serve, TERTULIA_DATABASE=url, TERTULIA_REDIS=own_redis.url, TERTULIA_DRAIN_SECONDS="0.5",
                TERTULIA_API_KEY="a key that no test uses", TERTULIA_POSTS_PER_SECOND="1000",
                TERTULIA_POSTS_BURST="1000", TERTULIA_METRICS=f"127.0.0.1:{ports[-1]}",
            )
        )  # fmt: skip
    return Ground(servers, ports, own_postgres, own_redis, timeline), new_tenant(url, "t")


@pytest.mark.tier2
@pytest.mark.timeout(0)
async def test_whatever_breaks_and_for_however_long_nothing_is_lost_and_nothing_is_left_behind(
    ground: tuple[Ground, str], timeline: Timeline, seed: int, request: pytest.FixtureRequest
) -> None:
    here, key = ground
    chance = random.Random(seed)
    ends = time.monotonic() + 60 * request.config.getoption("--minutes")
    platforms = [Platform(server.url, server.ws_url, key) for server in here.servers]
    readings: list[tuple[float, float]] = []
    began, total, rounds = time.monotonic(), 0, 0
    before: dict[str, float] = {}
    while not rounds or time.monotonic() < ends:
        async with living(platforms, 18, 6, chance, timeline, pause=0.04) as people:
            await more(people, 2)
            until = min(ends, time.monotonic() + ROUND_SECONDS)
            while time.monotonic() < until:
                await asyncio.sleep(chance.uniform(*FAULT_SECONDS))
                await here.break_something(chance)
            await more(people, 2)
        rounds += 1
        total += sum(len(said) for person in people for said in person.accepted.values())
        for server in here.servers:
            assert server.process.running
        await asyncio.sleep(1)
        now = await here.look()
        before = before or now
        readings.append((time.monotonic() - began, now["memory"]))
        timeline.note("round", number=rounds, accepted=total, **now)
    slope = growth([one for one in readings if one[0] > WARM_SECONDS])
    print(
        f"seed {seed}: {rounds} rounds, {total} messages accepted, none lost or doubled; memory {slope / 1e6:+.2f} MB an hour"
    )
    assert now["files"] <= before["files"] + 10
    assert now["tertulia_tasks"] <= before["tertulia_tasks"] + 10
    if time.monotonic() - began > WARM_SECONDS + 3_600:
        assert slope < GROWTH
    for platform in platforms:
        await platform.leave()


def growth(readings: list[tuple[float, float]]) -> float:
    """The slope of a line through what was read, in bytes an hour; 0 for too little to tell."""
    if len(readings) < 3:
        return 0.0
    middle = sum(at for at, _ in readings) / len(readings)
    spread = sum((at - middle) ** 2 for at, _ in readings)
    return 3_600 * sum((at - middle) * value for at, value in readings) / spread


@pytest.mark.parametrize(
    ("readings", "slope"),
    [([], 0), ([(0, 5)] * 2, 0), ([(n * 60.0, 1_000.0) for n in range(10)], 0),
     ([(n * 3_600.0, 1_000.0 + 500.0 * n) for n in range(5)], 500)],
)  # fmt: skip
def test_growth_is_the_slope_of_what_was_read(readings: list[tuple[float, float]], slope: float) -> None:
    assert round(growth(readings), 6) == slope
