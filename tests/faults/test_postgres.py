"""PostgreSQL is restarted, gone, frozen, read only or busy: everybody is told in time, and nothing accepted is lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import httpx2
import pytest
from sqlalchemy import text

from policies.decision import Decision, Verdict
from rules.types import Role, Stage
from storage import conversations, log
from storage.database import READERS, Database
from storage.errors import Unavailable
from storage.values import Appended, Conversation, Entry, Form, Member
from tests.faults.history import Said, check, folded
from tests.platform import Client, Platform, new_tenant

LOG_EVENTS = ("posted", "hidden", "changed", "joined", "left", "setting", "invitation")
IN_TIME = 4  # seconds; two are promised, the rest is for the neighbours on this machine
FREQUENT = {"TERTULIA_POSTS_PER_SECOND": "1000", "TERTULIA_POSTS_BURST": "1000"}


class Writer:
    """Somebody who writes without pause, and sends each message again until it is accepted."""

    def __init__(self, name: str, client: Client) -> None:
        self.name, self.client = name, client
        self.accepted: list[Said] = []
        self.answers: set[tuple[str, str]] = set()
        self.longest = 0.0

    async def write(self, chat: str, over: asyncio.Event) -> None:
        for n in itertools.count():
            client_id, began = f"{self.name}-{n}", time.monotonic()
            while (answer := await self._once(chat, client_id))["type"] != "accepted":  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            self.accepted.append(
                Said(self.name, client_id, answer["id"], answer["seq"], began, time.monotonic())
            )  # fmt: skip
            if over.is_set():
                return

    async def _once(self, chat: str, client_id: str) -> dict[str, Any]:
        began = time.monotonic()
        answer = await self.client.post(chat, f"mensaje {client_id}", client_id)
        self.longest = max(self.longest, time.monotonic() - began)
        self.answers.add((answer["type"], answer.get("code", "")))
        return answer

    async def saw(self, seq: int) -> list[dict[str, Any]]:
        """All that was shown on this one connection, once ``seq`` is there."""
        async with asyncio.timeout(10):
            while not any(event.get("seq") == seq for event in self.client.events):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return folded([event for event in self.client.events if event["type"] in LOG_EVENTS])


async def history(platform: Platform, chat: str) -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = []
    while True:
        path = f"/v1/conversations/{chat}/history?limit=100&before={stored[0]['seq'] if stored else 0}"
        page = (await platform.http.get(path)).json()
        stored = page["events"] + stored
        if not page["more"]:
            return stored


async def healthy(server: Any, status: str = "ready") -> dict[str, Any]:
    """Waits until the server says so of itself."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        while True:
            answer: dict[str, Any] = (await http.get(f"{server.url}/health")).json()
            if answer["status"] == status:
                return answer
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.tier2) for seed in range(1, 10))])
async def test_a_restart_of_the_database_under_load_loses_nothing_that_was_accepted(
    serve: Callable[..., Any], own_postgres: Any, seed: int
) -> None:
    chance = random.Random(seed)
    url = own_postgres.url(own_postgres.create())
    server = serve(TERTULIA_DATABASE=url, **FREQUENT)
    platform = Platform(server.url, server.ws_url, new_tenant(url, "t"))
    names = [f"p{n}" for n in range(6)]
    chat = await platform.open(*(f"{name}:buyer" for name in names))
    writers = [Writer(name, await platform.connect(name)) for name in names]
    over = asyncio.Event()
    writing = [asyncio.create_task(writer.write(chat, over)) for writer in writers]

    await asyncio.sleep(chance.uniform(0.3, 0.9))
    await asyncio.to_thread(
        own_postgres.process.end, signal.SIGQUIT
    )  # an immediate shutdown: nobody is asked, nothing tidied
    await asyncio.to_thread(own_postgres.start)
    async with asyncio.timeout(5):
        await healthy(server)
    await asyncio.sleep(0.3)
    over.set()
    await asyncio.gather(*writing)

    stored = await history(platform, chat)
    seen = {writer.name: await writer.saw(len(stored)) for writer in writers}
    accepted = [said for writer in writers for said in writer.accepted]
    check(stored, accepted, seen)
    assert {event["id"] for event in stored if event["type"] == "posted"} == {said.id for said in accepted}
    assert {answer for writer in writers for answer in writer.answers} == {("accepted", ""), ("refused", "unavailable")}
    assert max(writer.longest for writer in writers) < IN_TIME
    await platform.leave()
    assert server.stop() == 0


@contextlib.contextmanager
def stopped(postgres: Any) -> Iterator[None]:
    postgres.process.end(signal.SIGINT)
    yield
    postgres.start()


@contextlib.contextmanager
def frozen(postgres: Any) -> Iterator[None]:
    with postgres.frozen():
        yield


@pytest.mark.parametrize("away", [stopped, frozen])
@pytest.mark.parametrize("seconds", [1, pytest.param(60, marks=pytest.mark.tier2)])
async def test_while_the_database_is_away_messages_are_refused_in_time_and_connections_stay(
    serve: Callable[..., Any], own_postgres: Any, away: Callable[[Any], Any], seconds: float
) -> None:
    url = own_postgres.url(own_postgres.create())
    server = serve(TERTULIA_DATABASE=url, **FREQUENT)
    platform = Platform(server.url, server.ws_url, new_tenant(url, "t"))
    chat = await platform.open("ana:buyer", "luis:seller")
    ana, luis = await platform.connect("ana"), await platform.connect("luis")
    first = await ana.post(chat, "antes", "a")
    with away(own_postgres):
        until, tried = time.monotonic() + seconds, 0
        while time.monotonic() < until or tried < 2:
            tried, began = tried + 1, time.monotonic()
            answer = await luis.post(chat, "durante", "durante")
            assert (answer["type"], answer["code"]) == ("refused", "unavailable")
            assert answer["retry_after"] > 0
            assert time.monotonic() - began < IN_TIME
            await asyncio.sleep(min(0.2, seconds))
        response = await platform.http.get(f"/v1/conversations/{chat}/history", timeout=30)
        assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")
        assert int(response.headers["Retry-After"]) > 0
        assert (await platform.http.get("/health", timeout=30)).status_code == 503
    async with asyncio.timeout(5):
        await healthy(server)
        while (await luis.post(chat, "durante", "durante"))["type"] != "accepted":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    posted = [event["text"] for event in await history(platform, chat) if event["type"] == "posted"]
    assert posted == ["antes", "durante"]
    await luis.next("posted", id=first["id"])  # on the connection that he had from the beginning
    await platform.leave()
    assert server.stop() == 0


async def test_a_database_that_can_only_be_read_is_read_and_writing_goes_on_by_itself(
    serve: Callable[..., Any], own_postgres: Any
) -> None:
    name = own_postgres.create()
    url = own_postgres.url(name)
    server = serve(TERTULIA_DATABASE=url, **FREQUENT)
    platform = Platform(server.url, server.ws_url, new_tenant(url, "t"))
    chat = await platform.open("ana:buyer")
    ana = await platform.connect("ana")
    assert (await ana.post(chat, "antes", "a"))["type"] == "accepted"

    own_postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    own_postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    answers = [await ana.post(chat, f"durante {n}", f"d{n}") for n in range(4)]
    assert {(one["type"], one["code"]) for one in answers} == {("refused", "unavailable")}
    assert answers[-1]["message"] == "Only reading works at the moment. Try again."
    assert [event["text"] for event in await ana.history(chat) if event["type"] == "posted"] == ["antes"]
    response = await platform.http.post("/v1/conversations", json={"participants": []})
    assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")
    health = await healthy(server, "degraded")
    assert health["parts"]["database"] == "read only"
    assert server.process.running

    # A server that is started meanwhile reads as well.
    await platform.leave()
    assert server.stop() == 0
    await asyncio.to_thread(server.start)
    platform = Platform(server.url, server.ws_url, platform.api_key)
    assert [event["text"] for event in await history(platform, chat) if event["type"] == "posted"] == ["antes"]
    ana = await platform.connect("ana")
    assert (await ana.post(chat, "durante 0", "d0"))["code"] == "unavailable"

    # Sessions keep what they began with: those in the pool can only read for as long as they last, and must not be used again.
    own_postgres.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    async with asyncio.timeout(10):
        while (await ana.post(chat, "durante 0", "d0"))["type"] != "accepted":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await healthy(server)
    await platform.leave()
    assert server.stop() == 0


# ---------------------------------------------------------------------------------------------------- the storage layer


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    opened = Database.open(postgres_url)
    members = [Member("ana", "Ana", Role.BUYER, "es")]
    about = Conversation("t", "c", "Title", "groceries", Stage.ENQUIRY, "default", 0, 1)
    await opened.write(lambda tx: conversations.create(tx, about, members))
    yield opened
    await opened.close()


def entry(client_id: str) -> Entry:
    decision = Decision(Verdict.ALLOW, "test@1")
    return Entry("t", "c", f"m{client_id}", "ana", client_id, 5, "hola", Form(Role.BUYER, 5), decision)


async def busy(database: Database) -> tuple[int, int]:
    """How many of a database's sessions do something, beside the one that asks, and how many there are."""
    query = text(
        "SELECT count(*) FILTER (WHERE state <> 'idle' AND pid <> pg_backend_pid()), count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND backend_type = 'client backend'"
    )
    active, sessions = await database.read(lambda tx: tx.execute(query).one())
    return int(active), int(sessions)


async def test_when_all_readers_are_busy_the_others_are_told_and_writing_goes_on(database: Database) -> None:
    slow = [
        asyncio.ensure_future(database.read(lambda tx: tx.execute(text("SELECT pg_sleep(2.5)")))) for _ in range(READERS)
    ]  # fmt: skip
    await asyncio.sleep(0.2)
    began = time.monotonic()
    waiting = [asyncio.ensure_future(database.ping()) for _ in range(200)]
    assert (await database.append(entry("1"))).seq == 2
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(one) for one in told} == {Unavailable}
    assert time.monotonic() - began < IN_TIME
    assert {type(one) for one in await asyncio.gather(*slow, return_exceptions=True)} == {Unavailable}
    async with asyncio.timeout(5):
        while True:  # nobody asks any more what those 200 wanted to know
            try:
                assert await busy(database) == (0, 1 + READERS)
            except (Unavailable, AssertionError):
                await asyncio.sleep(0.05)
            else:
                break


async def test_a_thousand_callers_who_hang_up_leave_nothing_running_and_no_hole(database: Database) -> None:
    chance = random.Random(14)
    stored: dict[str, Appended] = {}
    numbers = itertools.count()

    async def call() -> None:
        match chance.randrange(3):
            case 0:
                one = entry(str(next(numbers)))
                stored[one.id] = await database.append(one)
            case 1:
                await database.read(lambda tx: tx.execute(text("SELECT pg_sleep(0.02)")))
            case 2:
                await database.write(lambda tx: log.append(tx, "t", "c", "setting", "platform", 7, {}))

    async def by_a_task_group() -> None:
        with anyio.move_on_after(chance.uniform(0, 0.02)):
            async with anyio.create_task_group() as group:
                for _ in range(10):
                    group.start_soon(call)

    async def by_cancelling() -> None:
        tasks = [asyncio.create_task(call()) for _ in range(10)]
        await asyncio.sleep(chance.uniform(0, 0.02))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    for _ in range(50):
        await by_a_task_group()
        await by_cancelling()

    async with asyncio.timeout(2):
        while (await busy(database))[0]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert (await busy(database))[1] <= 1 + READERS
    items = await database.read(lambda tx: log.since(tx, "t", "c", 0, 2_000))
    assert [item.seq for item in items] == list(range(1, len(items) + 1))
    there = [(item.message.id, item.seq) for item in items if item.message is not None]
    assert len(dict(there)) == len(there)
    assert {id: done.seq for id, done in stored.items()}.items() <= dict(there).items()
    assert await database.read(lambda tx: log.broken_link(tx, "t", "c")) == 0
