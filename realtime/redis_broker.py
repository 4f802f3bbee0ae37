"""News between nodes by Redis publish and subscribe.

What one turn of a node's loop has to tell goes out as one message on one channel that all nodes hear: a message costs a
node the same whether it brings one doorbell or fifty, and no node keeps a list of subscriptions that could go stale. The
messages of a node are numbered. Publish and subscribe forgets who is not there for a moment, and its clients connect
again without a word; here a listener that finds a number missing knows that it missed something and reads the log. A node
that falls silent is taken for dead: what it had committed but not told is then found in the log as well.

In a cluster the channel belongs to one of its nodes, and where that knows how (from Redis 7 on), only those who listen there
hear it (sharded). Which node it is, and what it can do, is asked anew with every connection; when it changes, whoever still
listens elsewhere does not hear the own beat any more and begins anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from typing import Any

import msgspec
from prometheus_client import Counter

from realtime.broker import Attendance, Doorbell, Listener, Signal
from realtime.redis_client import ANSWER_SECONDS, HOPS, Places
from storage import failpoints

BEAT_SECONDS = 0.5  # a node that has nothing to tell says so this often
LOST_SECONDS = 1.6  # of silence, and a node counts as dead
SURE_SECONDS = 1.1  # since the own beat was heard: beyond that it may be us who do not hear
BLIND_SECONDS = 3.0  # between two looks into the log while nothing is heard
DEAF_SECONDS = 3.0  # without hearing even oneself, and the listening begins anew
AGAIN_SECONDS = 0.5  # before another try when it did not
ITEM_BYTES = 1_024  # an event larger than this is read from the log by those who want it
BATCH = 500  # news in one message, at most: one that is too large has cut off all listeners of others before
WAITING = 20_000  # news that wait to be sent; beyond this they are dropped

DROPPED = Counter("tertulia_broker_dropped_total", "News that could not be sent to the other nodes.")
MISSED = Counter(
    "tertulia_broker_missed_total", "Times that news of other nodes were missed and looked for in the log."
)

# Before Redis 7 a cluster carries a channel to all of its nodes. By a script it takes it from the channel's owner alone, who
# says so when it is that no longer.
PUBLISH_AT_OWNER = "return redis.call('PUBLISH', KEYS[1], ARGV[1])"

logger = logging.getLogger("tertulia.broker")


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """What a node tells at once. ``number`` counts from 1 and has no gaps; ``leaves`` says goodbye."""

    node: str
    number: int
    doorbells: list[Doorbell]
    signals: list[Signal]
    attendances: list[Attendance]
    leaves: bool = False


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Batch).decode
News = Doorbell | Signal | Attendance


class RedisBroker:
    """A broker for several nodes on one Redis or Valkey, from 6.2 on, alone or a cluster.

    ``epoch`` is the database's: nodes hear each other if they share both. Raises ValueError for a URL that is none.
    """

    alone = False

    def __init__(self, url: str, epoch: str) -> None:
        self._places = Places(url)
        # Two clients: one may wait for ever for what comes, the other for what it sends must not wait at all.
        self._speaking: dict[str, Any] = {}
        self._listening: dict[str, Any] = {}
        self._publishing: tuple[str, ...] = ()
        self.node = os.urandom(6).hex()
        self._channel = f"tertulia:{epoch}"
        self._listener: Listener | None = None
        self._heard = self._sent = False
        self._own_beat = 0.0
        self._number = 0
        self._numbers: dict[str, int] = {}
        self._last_heard: dict[str, float] = {}
        self._waiting: list[News] = []
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def state(self) -> str:
        """``ready`` while this node is heard and hears, else ``down``."""
        return "ready" if self._heard and self._sent else "down"

    def others(self) -> list[str]:
        """The nodes that are alive beside this one."""
        return list(self._last_heard)

    async def start(self, listener: Listener) -> None:
        """See Broker. Does not wait for Redis: a node serves its own people without it."""
        self._listener = listener
        for work in (self._listen(), self._speak(), self._watch()):
            self._tasks.append(asyncio.create_task(work))

    def publish(self, doorbell: Doorbell) -> None:
        """See Broker."""
        if self._listener is not None:
            self._listener.ring(doorbell)
            self._tell(doorbell)

    def signal(self, signal: Signal) -> None:
        """See Broker."""
        if self._listener is not None:
            self._listener.hear(signal)
            self._tell(signal)

    def attend(self, attendance: Attendance) -> None:
        """See Broker."""
        if self._listener is not None:
            self._tell(attendance)

    async def close(self) -> None:
        """See Broker. The other nodes are told, so that they need not wait for the silence."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listener is not None and self._sent:
            with contextlib.suppress(Exception):
                await self._send(self._gathered(), leaves=True)
        self._listener = None
        for client in (*self._speaking.values(), *self._listening.values()):
            with contextlib.suppress(Exception):
                await client.aclose()

    # ------------------------------------------------------------------------------------------------ speaking

    def _tell(self, news: News) -> None:
        if len(self._waiting) >= WAITING:
            DROPPED.inc()
            return
        self._waiting.append(news)
        self._news.set()

    async def _speak(self) -> None:
        while True:
            if not self._waiting:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), BEAT_SECONDS)
            self._news.clear()
            news = self._gathered()
            try:
                await self._send(news)
                self._sent = True
            except Exception as problem:
                # What is not heard now is found in the log: by the missing number, as soon as another one is heard.
                if self._sent or not self._number:
                    logger.warning("Redis takes no messages: %s", type(problem).__name__)
                self._sent = False
                DROPPED.inc(len(news))
                await asyncio.sleep(AGAIN_SECONDS)

    def _gathered(self) -> list[News]:
        news, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        return news

    async def _send(self, news: list[News], *, leaves: bool = False) -> None:
        self._number += 1
        batch = Batch(
            self.node, self._number,
            [_light(one) for one in news if isinstance(one, Doorbell)],
            [one for one in news if isinstance(one, Signal)],
            [one for one in news if isinstance(one, Attendance)],
            leaves,
        )  # fmt: skip
        if failpoints.reached("news_sent"):
            return
        async with asyncio.timeout(2 * ANSWER_SECONDS):
            await self._publish(_encode(batch))

    async def _publish(self, data: bytes) -> None:
        from redis.exceptions import MovedError, ResponseError

        for _ in range(HOPS):
            address = self._places.of(self._channel)
            client = self._client(address, self._speaking)
            try:
                if not self._publishing:
                    self._publishing = await self._way(client)
                await client.execute_command(*self._publishing, self._channel, data)
                return
            except MovedError as moved:
                self._places.moved(address, moved)
            except BaseException as problem:
                if not isinstance(problem, ResponseError):
                    self._places.failed(address)
                self._publishing = ()
                raise
            self._publishing = ()
        raise ConnectionError("the channel is nowhere to be found")

    async def _way(self, client: Any) -> tuple[str, ...]:
        """How to publish there: sharded in a cluster that can, else to all."""
        from redis.exceptions import MovedError, ResponseError

        try:
            await client.execute_command("CLUSTER", "KEYSLOT", self._channel)
        except ResponseError:
            return ("PUBLISH",)
        try:
            await client.execute_command("SPUBLISH", self._channel, b"")
        except MovedError:
            raise
        except ResponseError as problem:
            if "unknown command" not in str(problem):
                raise
            return ("EVAL", PUBLISH_AT_OWNER, "1")
        return ("SPUBLISH",)

    def _client(self, address: str, clients: dict[str, Any]) -> Any:
        client = clients.get(address)
        if client is None:
            # The extra `scale` brings it; who runs one process does without.
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            speaks, never = clients is self._speaking, Retry(NoBackoff(), 0)
            client = clients[address] = Redis.from_url(
                address, socket_timeout=ANSWER_SECONDS if speaks else None, retry=never, max_connections=1 if speaks else 2,
                socket_connect_timeout=ANSWER_SECONDS if speaks else 1.0,
                client_name="tertulia-speaks" if speaks else "tertulia-listens",
            )  # fmt: skip
        return client

    # ----------------------------------------------------------------------------------------------- listening

    async def _listen(self) -> None:
        from redis.exceptions import MovedError

        while True:
            address = self._places.of(self._channel)
            try:
                client = self._client(address, self._listening)
                async with asyncio.timeout(DEAF_SECONDS):
                    way = await self._way(client)
                async with client.pubsub() as subscription:
                    subscribe = subscription.ssubscribe if way == ("SPUBLISH",) else subscription.subscribe
                    await subscribe(self._channel)
                    await self._follow(subscription)
            except MovedError as moved:
                self._places.moved(address, moved)
                if not self._heard:
                    await asyncio.sleep(BEAT_SECONDS / 10)
                    continue
            except Exception as problem:
                self._places.failed(address)
                if self._heard:
                    logger.warning("Redis is not heard: %s", type(problem).__name__)
            self._heard = False
            await asyncio.sleep(AGAIN_SECONDS)

    async def _follow(self, subscription: Any) -> None:
        """Take in what comes; ends when nothing does, not even the own beat."""
        loop = asyncio.get_running_loop()
        own_beat, unsure = loop.time(), True
        while loop.time() - own_beat < DEAF_SECONDS:
            message = await subscription.get_message(timeout=DEAF_SECONDS)
            if message is None:
                continue
            if message["type"] in ("subscribe", "ssubscribe"):
                # From here on nothing is missed unseen; what was told before is in the log.
                self._nobody_is_dead()
                if self._listener is not None:
                    self._listener.look()
            elif message["type"] == "sunsubscribe":
                return  # the channel has moved to another node of the cluster
            elif failpoints.reached("news_heard"):
                continue
            elif message["type"] in ("message", "smessage") and message["data"] and self._take(message["data"]):
                if loop.time() - own_beat > SURE_SECONDS:
                    self._nobody_is_dead()
                own_beat = self._own_beat = loop.time()
                self._heard = True
                if unsure and self._listener is not None:
                    # Only now is it certain that we are back among the others.
                    self._listener.missed()
                unsure = False

    def _nobody_is_dead(self) -> None:
        """Nobody is dead whom we could not hear."""
        self._last_heard = dict.fromkeys(self._last_heard, asyncio.get_running_loop().time())

    def _take(self, data: bytes) -> bool:
        """Pass on what a node tells. True if it was the own one."""
        try:
            batch = _decode(data)
        except (msgspec.DecodeError, RecursionError):
            logger.error("a message on %s is not ours", self._channel)
            return False
        listener = self._listener
        if batch.node == self.node or listener is None:
            return True
        last = self._numbers.get(batch.node, 0)
        self._numbers[batch.node] = max(last, batch.number)
        self._last_heard[batch.node] = asyncio.get_running_loop().time()
        for attendance in batch.attendances:
            listener.attended(batch.node, attendance)
        for doorbell in batch.doorbells:
            listener.ring(doorbell)
        for signal in batch.signals:
            listener.hear(signal)
        if batch.number > last + 1:
            MISSED.inc()
            listener.missed()
        if batch.leaves:
            del self._numbers[batch.node]
            self._forget(batch.node)
        return False

    async def _watch(self) -> None:
        """Miss the nodes that have fallen silent; where nothing is heard at all, look into the log meanwhile."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            await asyncio.sleep(BEAT_SECONDS / 2)
            if self._heard:
                looked = loop.time()
                if loop.time() - self._own_beat > SURE_SECONDS:
                    continue
                for node in [node for node, at in self._last_heard.items() if loop.time() - at > LOST_SECONDS]:
                    self._forget(node)
            elif loop.time() - looked > BLIND_SECONDS and self._listener is not None:
                looked = loop.time()
                self._listener.look()

    def _forget(self, node: str) -> None:
        self._last_heard.pop(node, None)
        if self._listener is not None:
            MISSED.inc()
            self._listener.lost(node)
            self._listener.missed()


def _light(doorbell: Doorbell) -> Doorbell:
    """Without its event where that is large."""
    if doorbell.item is None or len(_encode(doorbell.item)) <= ITEM_BYTES:
        return doorbell
    return Doorbell(doorbell.tenant, doorbell.conversation, doorbell.epoch, doorbell.seq)
