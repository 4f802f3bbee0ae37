"""The server is killed in the middle of a conversation: what was accepted is there once, what was not can be sent again."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from storage import log
from storage.database import Database, beside
from tests.platform import Platform, new_tenant

WRITERS = 8
ROUNDS = 2


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_nothing_accepted_is_lost_or_doubled_by_a_crash(
    serve: Callable[..., Any], database_url: str, seed: int
) -> None:
    chance = random.Random(seed)
    environment = {
        "TERTULIA_DATABASE": database_url,
        "TERTULIA_POSTS_PER_SECOND": "1000",
        "TERTULIA_POSTS_BURST": "1000",
    }
    server = serve(**environment)
    platform = Platform(server.url, server.ws_url, new_tenant(database_url, "t"))
    names = [f"p{n}" for n in range(WRITERS)]
    chat = await platform.open(*(f"{name}:buyer" for name in names))

    sent: dict[str, list[str]] = {name: [] for name in names}  # client ids, in the order of sending
    accepted: dict[tuple[str, str], tuple[str, int]] = {}

    async def write(name: str, client: Any) -> None:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            while True:
                client_id = f"{name}-{len(sent[name])}"
                sent[name].append(client_id)
                answer = await asyncio.wait_for(client.post(chat, f"mensaje {client_id}", client_id), 5)
                accepted[name, client_id] = (answer["id"], answer["seq"])

    clients = {name: await platform.connect(name) for name in names}
    writers = [asyncio.create_task(write(name, client)) for name, client in clients.items()]
    await asyncio.sleep(chance.uniform(0.5, 1.2))
    server.kill()
    await asyncio.gather(*writers)
    assert len(accepted) > WRITERS, "the server did something before it was killed"
    before_crash = {
        name: [event for event in client.events if event["type"] == "posted"] for name, client in clients.items()
    }

    server.start()
    for name in names:
        last = max((event["seq"] for event in before_crash[name]), default=0)
        client = await platform.connect(name, resume=[{"conversation": chat, "after": last, "epoch": ""}])
        # A writer waits for each answer, so that only the last of its messages can be in doubt; some more are tried to be sure.
        for client_id in sent[name][-6:]:
            answer = await client.post(chat, f"mensaje {client_id}", client_id)
            again = (answer["id"], answer["seq"])
            assert accepted.setdefault((name, client_id), again) == again, "another answer than the first"
        if last:
            # What came before the crash and what came after it fit together without a gap, and nothing comes twice.
            resumed = await client.next("resumed")
            assert [event["seq"] for event in resumed["events"]][:1] in ([], [last + 1])
            known = {event["id"] for event in before_crash[name]}
            assert known.isdisjoint(event.get("id") for event in resumed["events"])

    stored: list[dict[str, Any]] = []
    while True:
        path = f"/v1/conversations/{chat}/history?limit=100&before={stored[0]['seq'] if stored else 0}"
        page = (await platform.http.get(path)).json()
        stored = page["events"] + stored
        if not page["more"]:
            break
    assert [event["seq"] for event in stored] == list(range(1, len(stored) + 1)), "numbers are dense"
    posted = [(event["id"], event["seq"]) for event in stored if event["type"] == "posted"]
    assert sorted(posted) == sorted(accepted.values()), "exactly what was accepted is stored, each once"
    for name in names:
        order = [accepted[name, client_id][1] for client_id in sent[name]]
        assert order == sorted(order), "an author's messages keep their order"

    await platform.leave()
    assert server.stop() == 0
    database = Database.open(database_url)
    assert await database.read(lambda tx: log.broken_link(tx, "t", chat)) == 0
    await database.close()


async def test_a_server_that_is_told_to_stop_sends_people_elsewhere_and_loses_nothing(
    serve: Callable[..., Any],
) -> None:
    server = serve(TERTULIA_POSTS_PER_SECOND="1000", TERTULIA_POSTS_BURST="1000", TERTULIA_DRAIN_SECONDS="1")
    database = server.environment["TERTULIA_DATABASE"]
    platform = Platform(server.url, server.ws_url, new_tenant(database, "t"))
    chat = await platform.open("ana:buyer", "luis:seller")
    ana, luis = await platform.connect("ana"), await platform.connect("luis")
    accepted = [(await ana.post(chat, f"mensaje {n}", f"c{n}"))["id"] for n in range(5)]
    asked = [asyncio.create_task(ana.post(chat, f"a la vez {n}", f"d{n}")) for n in range(20)]
    await asyncio.sleep(0)
    stopping = asyncio.create_task(asyncio.to_thread(server.stop))
    assert (await luis.next("goaway"))["retry_after_ms"] >= 0
    assert {await ana.close_code(), await luis.close_code()} == {4001}
    assert await stopping == 0
    done, open_ones = await asyncio.wait(asked, timeout=1)
    accepted += [task.result()["id"] for task in done if task.result()["type"] == "accepted"]
    for task in open_ones:
        task.cancel()

    server.start()
    history = (await platform.http.get(f"/v1/conversations/{chat}/history?limit=100")).json()["events"]
    stored = [event["id"] for event in history if event["type"] == "posted"]
    assert set(accepted) <= set(stored)
    assert len(stored) == len(set(stored))
    await platform.leave()


async def test_a_database_that_goes_away_and_comes_back_is_waited_for(serve: Callable[..., Any], postgres_server: Any,
                                                                      postgres_url: str) -> None:  # fmt: skip
    server = serve(TERTULIA_DATABASE=postgres_url, TERTULIA_POSTS_PER_SECOND="1000", TERTULIA_POSTS_BURST="1000")
    platform = Platform(server.url, server.ws_url, new_tenant(postgres_url, "t"))
    chat = await platform.open("ana:buyer")
    ana = await platform.connect("ana")
    assert (await ana.post(chat, "antes"))["type"] == "accepted"
    name = postgres_url.rpartition("/")[2]
    postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    answers = [await ana.post(chat, f"durante {n}", f"d{n}") for n in range(3)]
    assert {(one["type"], one["code"]) for one in answers} == {("refused", "unavailable")}
    assert all(one["retry_after"] > 0 for one in answers)
    assert (await platform.http.get("/health")).status_code == 503
    assert (await platform.http.get("/health/live")).status_code == 200, "to start it again would help nobody"
    postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert (await ana.post(chat, "durante 0", "d0"))["type"] == "accepted"
    texts = [event["text"] for event in await ana.history(chat) if event["type"] == "posted"]
    assert texts == ["antes", "durante 0"]
    await platform.leave()


@pytest.mark.parametrize(
    ("point", "stored"),
    [
        ("after_commit", True),
        pytest.param("before_commit", False, marks=pytest.mark.tier2),
        pytest.param("after_commit_before_publish", True, marks=pytest.mark.tier2),
        pytest.param("after_publish_before_answer", True, marks=pytest.mark.tier2),
    ],
)
async def test_who_was_not_answered_because_the_server_died_sends_it_again_and_gets_the_first_answer(
    serve: Callable[..., Any], database_url: str, tmp_path: Path, point: str, stored: bool
) -> None:
    rules = tmp_path / "rules"
    server = serve(
        TERTULIA_DATABASE=database_url, TERTULIA_FAILPOINTS=str(rules), TERTULIA_BREAK_ON_PURPOSE="yes"
    )  # fmt: skip
    platform = Platform(server.url, server.ws_url, new_tenant(database_url, "t"))
    chat = await platform.open("ana:buyer", "luis:seller")
    ana = await platform.connect("ana")
    before = await ana.post(chat, "antes", "a")
    rules.write_text(f"{point}=kill")
    with contextlib.suppress(TimeoutError, ConnectionClosed):
        await asyncio.wait_for(ana.post(chat, "¿me oyes?", "b"), 5)
        pytest.fail("it was answered by a server that was to die before")
    assert server.process.end(signal.SIGKILL) == -signal.SIGKILL  # it had ended by itself
    rules.unlink()

    def there() -> list[str]:
        with beside(database_url) as tx:
            return [item.message.id for item in log.since(tx, "t", chat, 2, 10) if item.message is not None]

    assert there()[0] == before["id"]
    assert len(there()) == 1 + stored
    server.start()
    ana = await platform.connect("ana")
    first = await ana.post(chat, "¿me oyes?", "b")
    again = await ana.post(chat, "¿me oyes?", "b")
    assert (first["type"], first["seq"]) == ("accepted", before["seq"] + 1)
    assert (again["id"], again["seq"]) == (first["id"], first["seq"])
    assert there() == [before["id"], first["id"]]
    assert (await ana.post(chat, "otra cosa", "b"))["code"] == "idempotency_conflict"
    await platform.leave()
    assert server.stop() == 0
