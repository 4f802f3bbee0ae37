"""Several processes behind one port: killed, renewed and stopped while people write."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.faults.people import Timeline, living, more
from tests.platform import Platform, new_tenant


@pytest.fixture
async def several(serve: Callable[..., Any], postgres_url: str, redis_url: str) -> AsyncIterator[Any]:
    server = serve(
        "--workers", "2", TERTULIA_DATABASE=postgres_url, TERTULIA_REDIS=redis_url, TERTULIA_POSTS_PER_SECOND="1000",
        TERTULIA_POSTS_BURST="1000", TERTULIA_DRAIN_SECONDS="0.5", TERTULIA_API_KEY="a key that no test uses",
    )  # fmt: skip
    async with asyncio.timeout(60):
        while "2 processes" not in server.log:  # noqa: ASYNC110 - another process cannot set our events
            await asyncio.sleep(0.05)
    platform = Platform(server.url, server.ws_url, new_tenant(postgres_url, "t"))
    yield server, platform
    await platform.leave()


def children(server: Any) -> list[int]:
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    """Whether it still runs; an orphan that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def seats(server: Any) -> set[str]:
    """Which processes answer: each call is a connection of its own, and whoever is free takes it."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        answers = await asyncio.gather(
            *(http.get(f"{server.url}/health", headers={"Connection": "close"}) for _ in range(20))
        )
    return {answer.json()["parts"]["process"] for answer in answers}


async def both_answer(server: Any) -> None:
    async with asyncio.timeout(60):
        while await seats(server) != {"1 of 2", "2 of 2"}:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_one_of_several_processes_may_be_killed_and_all_be_renewed_while_people_write(
    several: Any, timeline: Timeline
) -> None:
    server, platform = several
    await both_answer(server)
    async with living([platform], 6, 1, random.Random(6), timeline) as people:
        await more(people)
        first = children(server)
        assert len(first) == 2
        os.kill(first[0], signal.SIGKILL)
        await more(people)
        await both_answer(server)
        second = children(server)
        assert len(second) == 2
        assert first[1] in second, "the other one goes on"
        assert "ended with -9 and is started again" in server.log

        server.process.send(signal.SIGHUP)
        async with asyncio.timeout(60):
            while len(now := set(children(server))) != 2 or now & set(second):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await both_answer(server)
        await more(people)
    assert all(person.arrivals > 1 for person in people)
    assert server.stop() == 0
    assert "Traceback" not in server.log


async def test_processes_stop_when_their_parent_is_told_or_is_gone(several: Any) -> None:
    server, platform = several
    chat = await platform.open("ana:buyer")
    ana = await platform.connect("ana")
    assert (await ana.post(chat, "hola"))["type"] == "accepted"
    pids = children(server)
    server.process.end(signal.SIGKILL)
    assert (await ana.next("goaway"))["retry_after_ms"] >= 0
    assert await ana.close_code() == 4001
    async with asyncio.timeout(20):
        while any(map(alive, pids)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await asyncio.to_thread(server.start)  # the port is free
    ana = await platform.connect("ana")
    stopping = asyncio.create_task(asyncio.to_thread(server.stop))
    assert (await ana.next("goaway"))["retry_after_ms"] >= 0
    assert await stopping == 0


def test_several_processes_need_what_they_share(tmp_path: Path) -> None:
    program = str(Path(sys.executable).parent / "tertulia")
    command = [program, "serve", "--workers", "2", "--port", "0", "--database", f"sqlite:///{tmp_path / 'x.db'}"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert run.stderr.startswith("Error: Several processes need PostgreSQL and Redis")


def test_settings_that_cannot_be_are_told_once(postgres_url: str, redis_url: str) -> None:
    program = str(Path(sys.executable).parent / "tertulia")
    command = [program, "serve", "--workers", "3", "--port", "0", "--database", postgres_url, "--redis", redis_url]
    run = subprocess.run([*command, "--api-key", "short"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert run.stderr == "Error: The API key must have at least 16 characters.\n"
