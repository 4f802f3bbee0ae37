"""One contract for every broker, and what a Redis that stops, freezes, forgets or hangs up may and may not do."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from realtime.broker import Attendance, Broker, Doorbell, MemoryBroker, Signal
from realtime.redis_broker import BLIND_SECONDS, DEAF_SECONDS, ITEM_BYTES, PUBLISH_AT_OWNER, RedisBroker
from rules.types import Role
from storage import failpoints
from storage.values import Form, LogItem, Message


class Ear:
    """A node, as far as a broker knows it: writes down what it hears."""

    def __init__(self) -> None:
        self.bells: list[Doorbell] = []
        self.signals: list[Signal] = []
        self.people: list[Attendance] = []
        self.gone: list[str] = []
        self.looks = self.glances = 0

    def ring(self, doorbell: Doorbell) -> None:
        self.bells.append(doorbell)

    def hear(self, signal: Signal) -> None:
        self.signals.append(signal)

    def attended(self, node: str, attendance: Attendance) -> None:
        self.people.append(attendance)

    def lost(self, node: str) -> None:
        self.gone.append(node)

    def missed(self) -> None:
        self.looks += 1

    def look(self) -> None:
        self.glances += 1


async def until(done: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110 - what is waited for knows nothing of events
            await asyncio.sleep(0.01)


async def ready(broker: Broker) -> None:
    await until(lambda: broker.state == "ready")


def said(seq: int, text: str = "hola") -> Doorbell:
    message = Message(f"m{seq}", "c", seq, "ana", text, seq, seq, Form(Role.BUYER, 1, reactions={"👍": ["luis"]}))
    return Doorbell("t", "c", "e", seq, LogItem(seq, "posted", "ana", 1, message, {}))


def bare(bell: Doorbell) -> tuple[str, str, str, int]:
    return bell.tenant, bell.conversation, bell.epoch, bell.seq


@pytest.fixture
async def nodes() -> AsyncIterator[Callable[..., Any]]:
    """Starts brokers on one Redis and waits until they hear each other."""
    started: list[Broker] = []

    async def start(url: str, count: int = 1, epoch: str = "e") -> list[tuple[RedisBroker, Ear]]:
        pairs = [(RedisBroker(url, epoch), Ear()) for _ in range(count)]
        for broker, ear in pairs:
            started.append(broker)
            await broker.start(ear)
        for broker, _ in pairs:
            await ready(broker)
        return pairs

    yield start
    for broker in started:
        await broker.close()


@pytest.fixture(params=["memory", "redis", "cluster"])
async def broker(request: pytest.FixtureRequest, nodes: Callable[..., Any]) -> AsyncIterator[tuple[Broker, Ear]]:
    if request.param != "memory":
        url = request.getfixturevalue("redis_url" if request.param == "redis" else "redis_cluster_url")
        yield (await nodes(url))[0]
        return
    memory, ear = MemoryBroker(), Ear()
    await memory.start(ear)
    yield memory, ear
    await memory.close()


async def test_the_own_node_hears_its_news_at_once_and_once(broker: tuple[Broker, Ear]) -> None:
    told, ear = broker
    bell, typing = said(1), Signal("t", "conversation", "c", b"{}", "ana")
    told.publish(bell)
    told.signal(typing)
    assert (ear.bells, ear.signals) == ([bell], [typing])
    await asyncio.sleep(0.2)
    assert (ear.bells, ear.signals, ear.people) == ([bell], [typing], [])


async def test_after_the_end_nothing_is_heard_and_nothing_breaks(broker: tuple[Broker, Ear]) -> None:
    told, ear = broker
    await told.close()
    told.publish(said(1))
    told.signal(Signal("t", "staff", "", b"{}"))
    told.attend(Attendance("t", "c", ("ana",)))
    await told.close()
    assert ear.bells == []
    assert ear.signals == []


async def test_another_node_hears_everything_whole_and_in_order(any_redis_url: str, nodes: Callable[..., Any]) -> None:
    (one, _), (_, other) = await nodes(any_redis_url, 2)
    bells = [said(n, "ñandú 🍆" * n) for n in range(1, 30)]
    for bell in bells:
        one.publish(bell)
    one.signal(Signal("t", "desk", "", b'{"type":"invitation"}'))
    one.attend(Attendance("t", "c", ("ana", "luis"), asks=True))
    await until(lambda: len(other.bells) == 29 and other.signals and other.people)
    assert other.bells == bells
    assert other.people == [Attendance("t", "c", ("ana", "luis"), asks=True)]


async def test_a_large_event_stays_in_the_log_and_only_its_bell_rings(
    any_redis_url: str, nodes: Callable[..., Any]
) -> None:
    (one, own), (_, other) = await nodes(any_redis_url, 2)
    one.publish(said(1, "a" * ITEM_BYTES))
    await until(lambda: other.bells)
    assert other.bells == [Doorbell("t", "c", "e", 1)]
    assert own.bells[0].item is not None


async def test_nodes_of_another_database_on_the_same_redis_hear_nothing(
    redis_url: str, nodes: Callable[..., Any]
) -> None:
    [(one, _)] = await nodes(redis_url, epoch="e")
    [(stranger, strangers_ear)] = await nodes(redis_url, epoch="f")
    one.publish(said(1))
    stranger.publish(said(2))
    await asyncio.sleep(0.3)
    assert [bell.seq for bell in strangers_ear.bells] == [2]


async def test_what_is_not_ours_on_the_channel_is_left_alone(redis_url: str, nodes: Callable[..., Any]) -> None:
    (one, _), (_, other) = await nodes(redis_url, 2)
    async with Redis.from_url(redis_url) as stranger:
        for rubbish in (b"", b"\xff\xff", b"[]", b"\x91" * 5_000, b"hello", b"\x96\x01\x02\x03\x04\x05\x06"):
            await stranger.publish("tertulia:e", rubbish)
    one.publish(said(1))
    await until(lambda: other.bells)


async def test_a_node_that_leaves_is_told_of_and_one_that_is_killed_is_missed(
    any_redis_url: str, nodes: Callable[..., Any]
) -> None:
    (one, ear), (polite, _), (killed, _) = await nodes(any_redis_url, 3)
    await until(lambda: len(one._last_heard) == 2)
    looks = ear.looks
    await polite.close()
    await until(lambda: ear.gone == [polite.node], 1)
    for task in killed._tasks:
        task.cancel()
    await until(lambda: ear.gone == [polite.node, killed.node], 3)
    assert ear.looks >= looks + 2  # what they had stored but not told is looked for in the log


async def test_a_subscription_that_redis_cuts_makes_the_node_look_into_the_log(
    redis_url: str, nodes: Callable[..., Any]
) -> None:
    (one, _), (_, other) = await nodes(redis_url, 2)
    looks = other.looks
    async with Redis.from_url(redis_url) as admin:
        assert await admin.client_kill_filter(_type="pubsub") == 2
    one.publish(said(1))
    await until(lambda: other.looks > looks, 3)
    await until(lambda: one.state == "ready")
    one.publish(said(2))
    await until(lambda: said(2) in other.bells)


async def test_a_message_that_is_lost_on_the_way_is_missed_by_its_number(
    any_redis_url: str, nodes: Callable[..., Any]
) -> None:
    (one, _), (_, other) = await nodes(any_redis_url, 2)
    one.publish(said(1))
    await until(lambda: other.bells)
    looks = other.looks
    one._number += 1  # as if a message had been sent that nobody got
    await until(lambda: other.looks > looks, 2)


async def test_a_frozen_redis_holds_up_nobody_and_is_caught_up_with(own_redis: Any, nodes: Callable[..., Any]) -> None:
    (one, own), (_, other) = await nodes(own_redis.url, 2)
    looks = other.looks
    own_redis.process.send(signal.SIGSTOP)
    try:
        began = asyncio.get_running_loop().time()
        for n in range(1, 1_001):
            one.publish(said(n))
        assert asyncio.get_running_loop().time() - began < 0.5
        assert len(own.bells) == 1_000
        await until(lambda: one.state == "down", 3)
    finally:
        own_redis.process.send(signal.SIGCONT)
    await until(lambda: one.state == "ready", 5)
    await until(lambda: other.looks > looks or len(other.bells) == 1_000, 3)


async def test_in_a_cluster_only_the_channels_node_carries_it(redis_cluster: Any, nodes: Callable[..., Any]) -> None:
    (one, _), (_, other) = await nodes(redis_cluster.url, 2, epoch="sharded")
    one.publish(said(1))
    await until(lambda: other.bells)
    owner = redis_cluster.has("tertulia:sharded")
    for node in redis_cluster.nodes:
        numbers = node.ask("PUBSUB", "SHARDNUMSUB", "tertulia:sharded")
        assert numbers[-1] == (2 if node is owner else 0)
        assert node.ask("PUBSUB", "NUMSUB", "tertulia:sharded")[-1] == 0


async def test_a_cluster_that_is_rearranged_is_followed(redis_cluster: Any, nodes: Callable[..., Any]) -> None:
    (one, _), (_, other) = await nodes(redis_cluster.url, 2, epoch="moved")
    one.publish(said(1))
    await until(lambda: other.bells)
    owner, slot = (
        redis_cluster.has("tertulia:moved"),
        redis_cluster.nodes[0].ask("CLUSTER", "KEYSLOT", "tertulia:moved"),
    )
    heir = next(node for node in redis_cluster.nodes if node is not owner)
    name = heir.ask("CLUSTER", "MYID")
    for node in (heir, owner, *redis_cluster.nodes):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", name)
    looks = other.looks
    one.publish(said(2))
    await until(lambda: said(2) in other.bells or other.looks > looks, DEAF_SECONDS + 5)
    await until(lambda: one.state == "ready", DEAF_SECONDS + 5)
    await until(lambda: heir.ask("PUBSUB", "SHARDNUMSUB", "tertulia:moved")[-1] == 2, DEAF_SECONDS + 5)
    one.publish(said(3))
    await until(lambda: said(3) in other.bells)


async def test_a_cluster_that_cannot_shard_its_channels_carries_them_to_all(
    redis_cluster: Any, nodes: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = RedisBroker._way

    async def as_before_7(broker: RedisBroker, client: Any) -> tuple[str, ...]:
        way = await learnt(broker, client)
        return ("EVAL", PUBLISH_AT_OWNER, "1") if way == ("SPUBLISH",) else way

    monkeypatch.setattr(RedisBroker, "_way", as_before_7)
    (one, _), (_, other) = await nodes(redis_cluster.url, 2, epoch="plain")
    one.publish(said(1))
    await until(lambda: other.bells)


async def test_a_deaf_node_says_so_looks_into_the_log_and_hears_again(
    redis_url: str, nodes: Callable[..., Any], tmp_path: Path
) -> None:
    (one, ear), (other, _) = await nodes(redis_url, 2)
    (tmp_path / "rules").write_text("news_heard=skip")
    failpoints.arm({"TERTULIA_FAILPOINTS": str(tmp_path / "rules"), "TERTULIA_BREAK_ON_PURPOSE": "yes"})
    try:
        glances, looks = ear.glances, ear.looks
        await until(lambda: one.state == "down", DEAF_SECONDS + 3)
        await until(lambda: ear.glances > glances, BLIND_SECONDS + 3)
        assert ear.looks == looks
    finally:
        failpoints.arm({})
    await until(lambda: one.state == other.state == "ready", DEAF_SECONDS + 3)
    assert ear.looks > looks
    other.publish(said(1))
    await until(lambda: ear.bells)


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://localhost", "redis+sentinel://localhost", "redis://"])
def test_what_is_no_redis_is_told_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="A Redis is"):
        RedisBroker(url, "e")


async def test_a_redis_that_is_not_there_yet_is_found_when_it_comes(own_redis: Any, nodes: Callable[..., Any]) -> None:
    own_redis.process.end()
    broker, ear = RedisBroker(own_redis.url, "e"), Ear()
    await broker.start(ear)
    broker.publish(said(1))
    assert ear.bells == [said(1)]
    assert broker.state == "down"
    own_redis.start()
    await until(lambda: broker.state == "ready", DEAF_SECONDS + 3)
    with contextlib.suppress(Exception):
        await broker.close()
