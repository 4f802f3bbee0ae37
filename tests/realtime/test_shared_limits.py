"""What somebody may do on several nodes is no more than on one, and no Redis that fails holds anybody up."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from realtime.limits import Credit
from realtime.redis_client import Asking, Away, Breaker, Places, each_host
from realtime.shared_limits import Overfull, SharedLimits
from tests.realtime.test_broker import until

ANA = ("t", "ana")


@pytest.fixture
async def nodes() -> AsyncIterator[Callable[..., list[SharedLimits]]]:
    """The limits of some nodes that share them."""
    made: list[SharedLimits] = []

    def make(url: str, *names: str, epoch: str = "e") -> list[SharedLimits]:
        some = [SharedLimits(url, epoch, name, lambda name=name: [n for n in names if n != name]) for name in names]  # type: ignore[misc]
        made.extend(some)
        return some

    yield make
    for one in made:
        await one.close()


async def settled(*nodes: SharedLimits) -> None:
    await asyncio.gather(*(node._telling for node in nodes if node._telling is not None))


async def test_what_is_spent_on_one_node_is_gone_on_the_other(
    any_redis_url: str, nodes: Callable[..., list[SharedLimits]]
) -> None:
    one, two = nodes(any_redis_url, "one", "two")
    here, there = Credit(rate=1, burst=10), Credit(rate=1, burst=10)
    loop = asyncio.get_running_loop()
    for _ in range(10):
        assert here.spend(loop.time()) == 0
        one.spent(ANA, here)
    await settled(one)
    assert there.spend(loop.time()) == 0  # the other node has not asked yet
    two.spent(ANA, there)
    await settled(two)
    wait = there.spend(loop.time())
    assert 1 < wait <= 2  # for the one that was too much, and the next


async def test_in_the_long_run_several_nodes_let_through_what_one_would(
    any_redis_url: str, nodes: Callable[..., list[SharedLimits]]
) -> None:
    some = nodes(any_redis_url, "one", "two", "three")
    loop, rate, burst = asyncio.get_running_loop(), 20, 5
    credits = [Credit(rate, burst) for _ in some]
    passed, began = 0, loop.time()
    while loop.time() - began < 1.5:
        for node, credit in zip(some, credits, strict=True):
            if credit.spend(loop.time()) == 0:
                passed += 1
                node.spent(ANA, credit)
        await asyncio.sleep(0.002)
    await settled(*some)
    took = loop.time() - began
    assert burst + rate * took - 4 <= passed <= burst + rate * took + len(some)


async def test_no_two_people_share_a_credit(any_redis_url: str, nodes: Callable[..., list[SharedLimits]]) -> None:
    [one] = nodes(any_redis_url, "one")
    [elsewhere] = nodes(any_redis_url, "one", epoch="f")
    alike = [("a", "b:c"), ("a:b", "c"), ("1:a", "b"), ("1", "a:b"), ("{a}", "b"), ("{a", "}b"), ("", "a"), ("a", "")]
    loop = asyncio.get_running_loop()
    credits = {(node, key): Credit(1, 3) for node in (one, elsewhere) for key in alike}
    for _ in range(3):
        for (node, key), credit in credits.items():
            assert credit.spend(loop.time()) == 0
            node.spent(key, credit)
        await settled(one, elsewhere)


async def test_connections_are_counted_on_all_nodes_that_live(
    any_redis_url: str, nodes: Callable[..., list[SharedLimits]]
) -> None:
    one, two = nodes(any_redis_url, "one", "two")
    assert await one.count(ANA, 2, most=3) == 0
    assert await two.count(ANA, 1, most=3) == 2
    with pytest.raises(Overfull):
        await two.count(ANA, 2, most=3)
    with pytest.raises(Overfull):
        await one.count(ANA, 3, most=3)
    one.recount(ANA, 0)
    await settled(one)
    assert await two.count(ANA, 2, most=3) == 0
    # A node that was killed counts no more: nobody hears it.
    [survivor] = nodes(any_redis_url, "three")
    assert await survivor.count(ANA, 3, most=3) == 0


async def test_a_redis_that_fails_is_asked_no_more_for_a_while_and_holds_up_nobody(
    own_redis: Any, nodes: Callable[..., list[SharedLimits]]
) -> None:
    [one] = nodes(own_redis.url, "one")
    credit = Credit(1_000, 1_000)
    assert await one.count(ANA, 1, most=1) == 0
    own_redis.process.send(signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(8):
        assert await one.count(ANA, 2, most=1) == 0  # by what the node sees itself
        one.spent(ANA, credit)
    assert time.monotonic() - began < 5 * 0.25 + 1.5  # five are waited for at most, the rest is not asked
    own_redis.process.send(signal.SIGCONT)

    async def refused() -> bool:
        try:
            await one.count(ANA, 2, most=1)
        except Overfull:
            return True
        return False

    async with asyncio.timeout(10):
        while not await refused():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_a_redis_that_comes_back_empty_counts_anew(
    own_redis: Any, nodes: Callable[..., list[SharedLimits]]
) -> None:
    one, two = nodes(own_redis.url, "one", "two")
    await one.count(ANA, 3, most=3)
    own_redis.process.end(signal.SIGKILL)
    own_redis.start()
    assert await two.count(ANA, 1, most=3) == 0
    one.recount(ANA, 3)  # as the hub does once it has missed something
    await until(lambda: one._telling is None or one._telling.done())
    with pytest.raises(Overfull):
        await two.count(ANA, 2, most=3)


async def test_who_gives_up_waiting_never_gets_anothers_answer(any_redis_url: str) -> None:
    asking = Asking(any_redis_url, "test")
    echo = "return ARGV[1]"
    try:
        for n in range(200):
            patience = asyncio.create_task(asking.ask([("EVAL", echo, "1", f"k{n % 7}", f"lost {n}")]))
            await asyncio.sleep(0.0001 * (n % 9))
            patience.cancel()
            assert await asking.ask([("EVAL", echo, "1", f"k{n % 5}", f"mine {n}")]) == [f"mine {n}".encode()]
    finally:
        await asking.close()


def test_a_breaker_opens_after_some_failures_within_a_while_and_closes_with_an_answer() -> None:
    breaker = Breaker()
    for second in (0, 20, 21, 22, 23):
        breaker.failed(second)
    assert not breaker.is_open(23)  # the first is long ago
    breaker.failed(24)
    assert breaker.is_open(25)
    assert not breaker.is_open(26)
    breaker.failed(26)
    assert breaker.is_open(27)
    breaker.answered()
    breaker.failed(30)
    assert not breaker.is_open(30)


async def test_nothing_is_asked_of_a_redis_that_is_not_there(own_redis: Any) -> None:
    own_redis.process.end(signal.SIGKILL)
    asking = Asking(own_redis.url, "test")
    for _ in range(10):
        with pytest.raises(Away):
            await asking.ask([("EVAL", "return 1", "1", "k")])
    await asking.close()


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("redis://one:6379/3", ["redis://one:6379/3"]),
        ("rediss://u:p%2C@one:1,two:2/0?a=b", ["rediss://u:p%2C@one:1/0?a=b", "rediss://u:p%2C@two:2/0?a=b"]),
        ("redis://[::1]:1,[::2]:2", ["redis://[::1]:1", "redis://[::2]:2"]),
    ],
)
def test_a_cluster_is_named_by_some_of_its_nodes(url: str, hosts: list[str]) -> None:
    assert each_host(url) == hosts


def test_a_node_that_fails_gives_way_to_the_next_and_what_has_moved_is_asked_where_it_is() -> None:
    from redis.exceptions import MovedError

    places = Places("redis://u:p@one:1,two:2/0")
    assert places.of("k") == "redis://u:p@one:1/0"
    places.failed("redis://u:p@one:1/0")
    assert places.of("k") == "redis://u:p@two:2/0"
    places.moved("redis://u:p@two:2/0", MovedError("7629 three:3"))  # the slot of "k"
    assert places.of("k") == "redis://u:p@three:3/0"
    assert places.of("other") == "redis://u:p@two:2/0"
    places.moved("redis://u:p@two:2/0", MovedError("7629 :4"))
    assert places.of("k") == "redis://u:p@two:4/0"
    places.failed("redis://u:p@two:4/0")
    assert places.of("k") == "redis://u:p@two:2/0"
