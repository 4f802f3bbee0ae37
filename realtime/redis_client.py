"""Where a Redis is, and how it is asked on somebody's behalf: it answers at once, or is not asked for a while.

One Redis or Valkey, or a cluster of them: which node of a cluster has what is learnt from the nodes themselves, when they say
that something is elsewhere. Clients that do more than that by themselves wait and try again where nobody has the time for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from prometheus_client import Counter, Gauge

ANSWER_SECONDS = 0.25
CONNECTIONS = 8  # to one Redis by the client that asks; who finds all busy waits no longer than for an answer
FAILURES, WITHIN_SECONDS, OPEN_SECONDS = 5, 10.0, 2.0
HOPS = 3  # from node to node of a cluster that has just been rearranged
REMEMBERED = 32  # nodes of a cluster that are tried when one does not answer, beside those that were named

AWAY = Counter("tertulia_redis_away_total", "Questions that Redis did not answer, or was not asked for that reason.")
OPEN = Gauge("tertulia_redis_open", "1 while Redis is left alone because it has not answered.")


class Away(Exception):
    """Redis does not answer. Nobody waits for it: what is known here has to do."""


class Breaker:
    """Open for a while after some failures within a few seconds: what does not answer is not asked for each caller anew."""

    def __init__(self) -> None:
        self._failures: list[float] = []
        self._open_until = 0.0

    def is_open(self, now: float) -> bool:
        """Whether to leave it alone at ``now`` (seconds)."""
        return now < self._open_until

    def failed(self, now: float) -> None:
        """It did not answer."""
        self._failures = [at for at in self._failures if now - at < WITHIN_SECONDS] + [now]
        if len(self._failures) >= FAILURES:
            # One failure more opens it again, until there has been an answer.
            self._failures.pop(0)
            self._open_until = now + OPEN_SECONDS

    def answered(self) -> None:
        """It is well."""
        self._failures.clear()


class Places:
    """The addresses under which a Redis is found, and which of a cluster's nodes has which key."""

    def __init__(self, url: str) -> None:
        self._named = each_host(url)
        self._known = list(self._named)
        self._slots: dict[int, str] = {}

    def of(self, key: str) -> str:
        """Whom to ask about a key."""
        return self._slots.get(_slot(key), self._known[0]) if self._slots else self._known[0]

    def moved(self, asked: str, answer: Any) -> None:
        """``asked`` says that what it was asked for is elsewhere (redis.exceptions.MovedError)."""
        address = at(asked, answer.host, answer.port)
        self._slots[answer.slot_id] = address
        if address not in self._known:
            learnt = [one for one in self._known if one not in self._named]
            if len(learnt) >= REMEMBERED:
                self._known.remove(learnt[0])
            self._known.append(address)

    def failed(self, asked: str) -> None:
        """``asked`` does not answer: another is asked next, if another is known."""
        self._slots = {slot: address for slot, address in self._slots.items() if address != asked}
        if self._known[0] == asked:
            self._known.append(self._known.pop(0))


class Asking:
    """The client that must not wait: a question has a quarter of a second, and after some failures there is none for a while."""

    def __init__(self, url: str, name: str) -> None:
        self._places = Places(url)
        self._name = name
        self._clients: dict[str, Any] = {}
        self._breaker = Breaker()

    async def ask(self, commands: Sequence[tuple[str, ...]]) -> list[Any]:
        """The answers to ``EVAL`` and its like, of one key each, which is the fourth word. Raises Away."""
        loop = asyncio.get_running_loop()
        if self._breaker.is_open(loop.time()):
            AWAY.inc(len(commands))
            raise Away
        OPEN.set(0)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answers = await self._ask(commands)
        except Exception as problem:
            self._breaker.failed(loop.time())
            OPEN.set(self._breaker.is_open(loop.time()))
            AWAY.inc(len(commands))
            raise Away from problem
        self._breaker.answered()
        return answers

    async def close(self) -> None:
        """Hang up."""
        for client in self._clients.values():
            with contextlib.suppress(Exception):
                await client.aclose()

    async def _ask(self, commands: Sequence[tuple[str, ...]]) -> list[Any]:
        answers: list[Any] = [None] * len(commands)
        open_ones = list(range(len(commands)))
        for _ in range(HOPS):
            groups: dict[str, list[int]] = {}
            for index in open_ones:
                groups.setdefault(self._places.of(commands[index][3]), []).append(index)
            moved = await asyncio.gather(*(self._ask_one(*group, commands, answers) for group in groups.items()))
            open_ones = [index for indexes in moved for index in indexes]
            if not open_ones:
                return answers
        raise Away

    async def _ask_one(
        self, address: str, indexes: list[int], commands: Sequence[tuple[str, ...]], answers: list[Any]
    ) -> list[int]:
        """Those of ``indexes`` that another node has to answer."""
        from redis.exceptions import MovedError

        elsewhere = []
        try:
            async with self._client(address).pipeline(transaction=False) as pipeline:
                for index in indexes:
                    pipeline.execute_command(*commands[index])
                told = await pipeline.execute(raise_on_error=False)
        except BaseException:
            self._places.failed(address)
            raise
        for index, answer in zip(indexes, told, strict=True):
            if isinstance(answer, MovedError):
                self._places.moved(address, answer)
                elsewhere.append(index)
            elif isinstance(answer, Exception):
                self._places.failed(address)
                raise answer
            else:
                answers[index] = answer
        return elsewhere

    def _client(self, address: str) -> Any:
        client = self._clients.get(address)
        if client is None:
            from redis.asyncio import BlockingConnectionPool, Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            # Once more, at once: a connection that Redis has closed meanwhile is found out by using it.
            pool = BlockingConnectionPool.from_url(
                address, max_connections=CONNECTIONS, timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS, retry=Retry(NoBackoff(), 1), client_name=self._name,
            )  # fmt: skip
            client = self._clients[address] = Redis.from_pool(pool)
        return client


def each_host(url: str) -> list[str]:
    """One URL for each host of ``redis://user:password@one:6379,two:6379/0``. Raises ValueError where there is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss") or not parts.netloc:
        raise ValueError(
            f"A Redis is redis://host:port or rediss://host:port, of a cluster some of them: not {parts.scheme!r}."
        )
    user, at_sign, hosts = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{user}{at_sign}{host.strip()}")) for host in hosts.split(",")]


def at(url: str, host: str, port: int) -> str:
    """The same URL at another host; an empty one is the same host."""
    parts = urlsplit(url)
    user, at_sign, _ = parts.netloc.rpartition("@")
    host = host or parts.hostname or ""
    return urlunsplit(parts._replace(netloc=f"{user}{at_sign}{f'[{host}]' if ':' in host else host}:{port}"))


def _slot(key: str) -> int:
    from redis.crc import key_slot

    return int(key_slot(key.encode()))
