"""Several servers on one PostgreSQL and one Redis: one chat for those who write in it, whatever of them breaks."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from moderation.raids import PEOPLE
from storage import sanctions
from storage.database import beside
from storage.sanctions import Sanction
from tests.faults.history import Said, check, folded
from tests.platform import Client, Platform, new_tenant
from tests.server.console.conftest import Office

LOG_EVENTS = ("posted", "hidden", "changed", "joined", "left", "setting", "invitation")


class Cluster:
    """Servers that share a database and a Redis, and a tenant on them."""

    def __init__(self, servers: list[Any], redis: Any, api_key: str) -> None:
        self.servers = servers
        self.redis = redis
        self.platforms = [Platform(server.url, server.ws_url, api_key) for server in servers]

    async def says(self, status: str, node: int = 0, seconds: float = 6) -> None:
        """Waits until a node says of itself that it is ``ready``, so that it hears and is heard, or ``degraded``."""
        async with asyncio.timeout(seconds):
            while (await self.health(node))["status"] != status:  # noqa: ASYNC110 - another process cannot set our events
                await asyncio.sleep(0.05)

    async def health(self, node: int = 0) -> dict[str, Any]:
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer: dict[str, Any] = (await http.get(f"{self.servers[node].url}/health")).json()
            return answer

    async def history(self, chat: str, node: int = 0) -> list[dict[str, Any]]:
        stored: list[dict[str, Any]] = []
        while True:
            path = f"/v1/conversations/{chat}/history?limit=100&before={stored[0]['seq'] if stored else 0}"
            page = (await self.platforms[node].http.get(path)).json()
            stored = page["events"] + stored
            if not page["more"]:
                return stored


@pytest.fixture
async def cluster(serve: Callable[..., Any], postgres_url: str, own_redis: Any) -> AsyncIterator[Callable[..., Any]]:
    environment = {
        "TERTULIA_DATABASE": postgres_url, "TERTULIA_REDIS": own_redis.url, "TERTULIA_API_KEY": "a key that no test uses",
        "TERTULIA_POSTS_PER_SECOND": "1000", "TERTULIA_POSTS_BURST": "1000", "TERTULIA_DRAIN_SECONDS": "0.5",
    }  # fmt: skip
    started: list[Cluster] = []

    async def start(count: int, **more: str) -> Cluster:
        told = environment | more
        servers = await asyncio.gather(*(asyncio.to_thread(serve, **told) for _ in range(count)))
        nodes = Cluster(servers, own_redis, new_tenant(postgres_url, "t"))
        started.append(nodes)
        for node in range(count):
            await nodes.says("ready", node)
        return nodes

    yield start
    for nodes in started:
        for platform in nodes.platforms:
            await platform.leave()
        for server in nodes.servers:
            server.kill()


async def test_people_on_two_servers_are_in_one_chat(cluster: Callable[..., Any]) -> None:
    nodes = await cluster(2)
    one, two = nodes.platforms
    ana = await one.connect("ana")
    chat = await two.open("ana:buyer", "luis:seller")  # made on the other server: shown to who is connected here
    assert (await ana.next("conversation"))["conversation"]["id"] == chat
    luis = await two.connect("luis")
    assert (await ana.next("presence", participant="luis"))["online"] is True
    # His server asks the others who is there; what it does not know at the welcome it tells as soon as it does.
    members = luis.welcome["conversations"][0]["members"]
    if not any(person["id"] == "ana" and person.get("online") for person in members):
        assert (await luis.next("presence", participant="ana"))["online"] is True

    staff = await two.connect("sam", "staff")  # the only one, and not where she writes
    first = await ana.post(chat, "hola, ¿sigue disponible?")
    assert (await luis.next("posted"))["id"] == first["id"]
    await staff.next("decided", message=first["id"])
    second = await luis.post(chat, "sí, claro " + "a" * 2_000)  # too large to travel: read from the log
    assert (await ana.next("posted", id=second["id"]))["seq"] == second["seq"]
    await ana.send(type="typing", conversation=chat)
    await luis.next("typing", participant="ana")
    await luis.send(type="read", conversation=chat, seq=second["seq"])
    assert (await ana.next("receipt", participant="luis"))["seq"] == second["seq"]

    # Two agents on two servers take the same invitation: one gets it, the other learns that it is gone.
    offers = [await one.connect("eva", "agent"), await two.connect("noa", "agent")]
    invited = await ana.ask("invite", conversation=chat, topic="order", scopes=["messages"])
    for agent in offers:
        await agent.next("invitation")
    answers = await asyncio.gather(*(agent.ask("accept", invitation=invited["id"]) for agent in offers))
    assert sorted(answer["type"] for answer in answers) == ["accepted", "refused"]
    assert {answer.get("code", "") for answer in answers} == {"", "conflict"}
    assert (await luis.next("joined"))["member"]["role"] == "agent"

    # Who is removed on one server hears nothing more on the other.
    response = await two.http.delete(f"/v1/conversations/{chat}/participants/ana")
    assert response.status_code == 200
    await ana.next("left", participant="ana")
    unheard = await luis.post(chat, "¿queda alguien?")
    assert (await ana.post(chat, "yo"))["code"] == "not_found"
    assert unheard["id"] not in [event.get("id") for event in ana.events]

    await luis.close()
    nodes.servers[1].kill()
    eva = offers[0]
    if answers[0]["type"] == "accepted":
        assert (await eva.next("presence", participant="luis", online=False))["online"] is False


async def test_without_redis_each_server_goes_on_and_the_others_catch_up(cluster: Callable[..., Any]) -> None:
    nodes = await cluster(2)
    one, two = nodes.platforms
    chat = await one.open("ana:buyer", "luis:seller", "mia:seller", "eva:seller")
    ana, luis, mia = await one.connect("ana"), await two.connect("luis"), await one.connect("mia")
    nodes.redis.process.end(signal.SIGKILL)
    began = time.monotonic()
    sent = [await ana.post(chat, f"mensaje {n}") for n in range(5)]
    assert all(answer["type"] == "accepted" for answer in sent)
    assert time.monotonic() - began < 1
    for answer in sent:
        await mia.next("posted", id=answer["id"])  # who is on the same server notices nothing
    await nodes.says("degraded")
    assert (await nodes.health())["parts"]["redis"] == "down"
    nodes.redis.start()
    await nodes.says("ready", 1)
    async with asyncio.timeout(2):
        for answer in sent:
            await luis.next("posted", id=answer["id"])
    await nodes.says("ready")
    last = await luis.post(chat, "ya estoy")
    await ana.next("posted", id=last["id"])
    # It has come back empty: who is where is told anew, and no number is given twice.
    await two.connect("eva")
    assert (await ana.next("presence", participant="eva"))["online"] is True
    assert [event["seq"] for event in await nodes.history(chat)] == list(range(1, last["seq"] + 1))


@pytest.mark.parametrize("seed", range(1))
async def test_nothing_accepted_is_lost_when_a_server_is_killed_and_people_go_to_another(
    cluster: Callable[..., Any], seed: int
) -> None:
    chance = random.Random(seed)
    nodes = await cluster(3)
    names = [f"p{n}" for n in range(9)]
    chat = await nodes.platforms[0].open(*(f"{name}:buyer" for name in names))
    accepted: list[Said] = []
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    over = asyncio.Event()

    async def live(name: str, node: int) -> None:
        """Writes one message after the other; goes to the next server when the one at hand dies, as a phone does."""
        number, unsure, began = 0, "", 0.0
        while not over.is_set():
            platform = nodes.platforms[node % 3]
            client: Client | None = None
            with contextlib.suppress(ConnectionClosed, TimeoutError, OSError, httpx2.TransportError):
                client = await platform.raw()
                last = seen[name][-1]["seq"] if seen[name] else 0
                await client.say_hello(tokens[name], resume=[{"conversation": chat, "after": last, "epoch": ""}])
                seen[name] = folded(seen[name] + await missed(client, last))
                while not over.is_set():
                    if not unsure:
                        unsure, began = f"{name}-{(number := number + 1)}", time.monotonic()
                    client_id = unsure  # what is sent again was said when it was sent first
                    answer = await asyncio.wait_for(client.post(chat, f"mensaje {client_id}", client_id), 5)
                    if answer["type"] == "accepted":
                        unsure = ""
                        accepted.append(Said(name, client_id, answer["id"], answer["seq"], began, time.monotonic()))
                    await asyncio.sleep(chance.uniform(0, 0.01))
                await asyncio.sleep(1)
            if client is not None:
                events = [event for event in client.events if event["type"] in LOG_EVENTS]
                seen[name] = folded(seen[name] + events)
            node += 1
            await asyncio.sleep(0.05)

    async def missed(client: Client, last: int) -> list[dict[str, Any]]:
        """What came after ``last``: told on arrival, or read back from the history where that is too much."""
        async with asyncio.timeout(10):
            while not (told := [event for event in client.events if event["type"] in ("resumed", "reset")]):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        client.events.remove(told[0])
        if told[0]["type"] == "resumed":
            events: list[dict[str, Any]] = told[0]["events"]
            return events
        events = await client.history(chat, limit=100)
        while events[0]["seq"] > last + 1:
            events = await client.history(chat, limit=100, before=events[0]["seq"]) + events
        return events

    tokens = {name: await nodes.platforms[0].token(name) for name in names}
    living = [asyncio.create_task(live(name, n)) for n, name in enumerate(names)]
    await asyncio.sleep(chance.uniform(1.0, 1.5))
    nodes.servers[0].kill()
    await asyncio.sleep(1.0)
    nodes.redis.process.send(signal.SIGSTOP)
    await asyncio.sleep(0.7)
    nodes.redis.process.send(signal.SIGCONT)
    await asyncio.sleep(1.0)
    await asyncio.to_thread(nodes.servers[0].start)
    over.set()
    await asyncio.gather(*living)

    stored = await nodes.history(chat, 1)
    check(stored, accepted, seen)
    assert len(accepted) > 200
    # Whoever was connected at the end has seen everything up to it.
    for name, events in seen.items():
        assert {e["seq"] for e in events} == set(range(1, len(stored) + 1)), f"{name} was left behind"


async def test_a_ban_that_was_not_heard_holds_once_redis_is_back(
    cluster: Callable[..., Any], postgres_url: str
) -> None:
    nodes = await cluster(2)
    one, two = nodes.platforms
    chat = await one.open("ana:buyer", "luis:seller")
    ana, luis = await one.connect("ana"), await two.connect("luis")
    message = (await luis.post(chat, "hola"))["id"]
    await ana.next("posted", id=message)
    nodes.redis.process.end(signal.SIGKILL)
    await nodes.says("degraded", 1)
    ban = Sanction("b", "luis", "ban", sanctions.EVERYWHERE, 1, 0, "act", "staff:eva", "")
    with beside(postgres_url) as tx:
        sanctions.add(tx, "t", ban)
    nodes.redis.start()
    assert await luis.close_code() == 4403


async def test_what_a_server_had_stored_and_told_nobody_is_delivered_by_the_others(
    cluster: Callable[..., Any], tmp_path: Path
) -> None:
    rules = tmp_path / "rules"
    nodes = await cluster(2, TERTULIA_FAILPOINTS=str(rules), TERTULIA_BREAK_ON_PURPOSE="yes")
    one, two = nodes.platforms
    chat = await one.open("ana:buyer", "luis:seller")
    ana, luis = await one.connect("ana"), await two.connect("luis")
    first = await ana.post(chat, "hola")
    await luis.next("posted", id=first["id"])
    rules.write_text("after_commit_before_publish=kill")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ana.post(chat, "¿sigue disponible?", "again"), 0.5)
    rules.unlink()
    died = time.monotonic()
    untold = await luis.next("posted")
    assert time.monotonic() - died < 2
    # She was not answered, sends it again at the other server, and gets the answer that she was owed.
    elsewhere = await two.connect("ana")
    again = await elsewhere.post(chat, "¿sigue disponible?", "again")
    assert (again["id"], again["seq"]) == (untold["id"], untold["seq"]) == (again["id"], first["seq"] + 1)
    assert [event["seq"] for event in await nodes.history(chat, 1)] == list(range(1, again["seq"] + 1))


async def test_who_is_on_two_servers_may_do_no_more_than_on_one(cluster: Callable[..., Any]) -> None:
    nodes = await cluster(
        2, TERTULIA_POSTS_PER_SECOND="0.5", TERTULIA_POSTS_BURST="6", TERTULIA_CONNECTIONS_PER_USER="3"
    )
    one, two = nodes.platforms
    chat = await one.open("ana:buyer", "luis:seller")
    phones = [await one.connect("ana"), await two.connect("ana"), await two.connect("ana")]
    for platform in (one, two):
        fourth = await platform.raw()
        await fourth.send(type="hello", token=await platform.token("ana"))
        assert await fourth.close_code() == 4429
    luis = await two.connect("luis")  # another participant is not counted with her
    assert (await luis.post(chat, "hola"))["type"] == "accepted"

    began = time.monotonic()
    answers = []
    for n in range(16):
        answers.append(await phones[n % 2].post(chat, f"mensaje {n}"))
        await asyncio.sleep(0.02)  # each server is told beside the message what was sent on the other
    accepted = sum(answer["type"] == "accepted" for answer in answers)
    # One more for each of the servers, which had not heard of the last ones yet.
    assert 6 <= accepted <= 6 + 0.5 * (time.monotonic() - began) + 2
    assert {answer["code"] for answer in answers if answer["type"] == "refused"} == {"rate_limited"}

    await phones[2].close()
    async with asyncio.timeout(5):
        while True:  # the place is free as soon as Redis knows
            again = await one.raw()
            await again.send(type="hello", token=await one.token("ana"))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(again.next("welcome"), 1)
                break


async def test_who_may_no_longer_takes_effect_on_every_server_within_a_second(
    cluster: Callable[..., Any],
) -> None:
    nodes = await cluster(2)
    offices = [Office(nodes.servers[0])]
    one, two = (Platform(server.url, server.ws_url, offices[0].api_key) for server in nodes.servers)
    eva = await offices[0].enter("eva")  # at one server; the others are at the other
    chat = await one.open("ana:buyer", "luis:seller", "mia:seller", "leo:provider")
    ana, luis, mia, leo = [await two.connect(name) for name in ("ana", "luis", "mia", "leo")]

    async def acts(author: Client, *acts: dict[str, Any]) -> float:
        message = (await author.post(chat, "esto se tiene que ver"))["id"]
        reported = await ana.ask("report", conversation=chat, message=message, reason="threat")
        assert reported["type"] == "accepted", reported
        found = await eva.call("GET", f"/review/items/{message}")
        assert found.status_code == 200, found.text
        version = found.json()["item"]["version"]
        body = {
            "request": message,
            "acts": list(acts),
            "reason": "as the rules say",
            "clause": "threat",
            "version": version,
        }
        answer = await eva.call("POST", f"/review/items/{message}/acts", body)
        assert answer.status_code == 200, answer.text
        return time.monotonic()

    async def refused(client: Client, code: str, since: float) -> float:
        async with asyncio.timeout(10):
            while (await client.post(chat, "¿y ahora?")).get("code") != code:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
        return time.monotonic() - since

    took = {"muted": await refused(leo, "muted", await acts(leo, {"act": "remove"}, {"act": "mute", "hours": 1}))}
    assert (await one.http.delete(f"/v1/conversations/{chat}/participants/mia")).status_code == 200
    took["removed"] = await refused(mia, "not_found", time.monotonic())
    banned = await acts(luis, {"act": "remove"}, {"act": "ban", "hours": 24})
    assert await luis.close_code() == 4403
    took["banned"] = time.monotonic() - banned
    # Who was a seller comes back as somebody who provides: what they say next is said as that, and no sooner.
    again = {"id": "mia", "name": "Mia", "role": "provider", "lang": "es"}
    assert (await one.http.post(f"/v1/conversations/{chat}/participants", json=again)).status_code in (200, 201)
    await ana.next("joined")
    said = (await mia.post(chat, "ya estoy"))["id"]
    assert (await ana.next("posted", id=said))["role"] == "provider"
    print("seconds until it held on the other server:", took)
    assert max(took.values()) < 1
    await offices[0].close()
    for platform in (one, two):
        await platform.leave()


async def test_a_flood_and_a_raid_are_stopped_and_told_and_others_go_on(cluster: Callable[..., Any]) -> None:
    nodes = await cluster(1, TERTULIA_POSTS_PER_SECOND="5", TERTULIA_POSTS_BURST="10")
    [platform] = nodes.platforms
    names = [f"p{n}" for n in range(30)]
    besieged, quiet = (
        await platform.open(*(f"{n}:buyer" for n in names), "flo:buyer"),
        await platform.open("ana:buyer", "luis:seller"),
    )
    ana, luis, flo = [await platform.connect(name) for name in ("ana", "luis", "flo")]
    sam = await platform.connect("sam", "staff")

    # One who sends as fast as the line takes it: a few pass, the others are told to wait.
    answers = await asyncio.gather(*(flo.post(besieged, f"mensaje {n}") for n in range(100)))
    kinds = [answer["type"] for answer in answers]
    assert 10 <= kinds.count("accepted") <= 10 + 5 * 5
    assert all(
        answer["code"] == "rate_limited" and answer["retry_after"] > 0
        for answer in answers
        if answer["type"] == "refused"
    )

    # Many with one text: the staff is told how many.
    voices = [await platform.connect(name) for name in names]
    text = "no compréis nada a esta tienda"
    storm = asyncio.gather(*(voice.post(besieged, f"{text}{'!' * n}") for n, voice in enumerate(voices)))
    calm = await ana.post(quiet, "hola, ¿sigue disponible?")
    await luis.next("posted", id=calm["id"])
    await storm
    told: set[str] = set()
    while "spam:raid/30" not in told:
        event = await sam.next("decided")
        told |= {one["source"] for one in event.get("findings", ()) if one["source"].startswith("spam:raid")}
    assert len(told) == 30 - PEOPLE + 1


@pytest.mark.tier2
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["gone", "frozen"])
async def test_while_redis_is_away_for_long_nobody_waits_and_the_log_is_looked_into(
    cluster: Callable[..., Any], how: str
) -> None:
    nodes = await cluster(2)
    one, two = nodes.platforms
    chat = await one.open("ana:buyer", "luis:seller")
    ana, luis = await one.connect("ana"), await two.connect("luis")
    first = await ana.post(chat, "hola")
    await luis.next("posted", id=first["id"])
    if how == "gone":
        nodes.redis.process.end(signal.SIGKILL)
    else:
        nodes.redis.process.send(signal.SIGSTOP)
    await nodes.says("degraded")
    waits, late = [], []
    for n in range(20):
        began = time.monotonic()
        answer = await ana.post(chat, f"mensaje {n}")
        waits.append(time.monotonic() - began)
        assert answer["type"] == "accepted"
        await luis.next("posted", id=answer["id"])  # from the log, within a look or two
        late.append(time.monotonic() - began)
    if how == "gone":
        nodes.redis.start()
    else:
        nodes.redis.process.send(signal.SIGCONT)
    for node in range(2):
        await nodes.says("ready", node, 10)
    last = await luis.post(chat, "ya estoy")
    await ana.next("posted", id=last["id"])
    assert [event["seq"] for event in await nodes.history(chat)] == list(range(1, last["seq"] + 1))
    print(f"{how}: answered within {max(waits):.3f} s, on the other server within {max(late):.1f} s")
    assert max(waits) < 1
