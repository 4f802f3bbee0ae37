"""People who write, read and come back as phones do, with a record of all that was said, answered and seen."""

from __future__ import annotations

import asyncio
import contextlib
import json
import platform as machine
import random
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx2
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.faults.history import Said, check, folded
from tests.platform import Client, Platform

SETTLE_SECONDS = 2.5  # for a server that missed something to find it in the log
LOG_EVENTS = ("posted", "hidden", "changed", "joined", "left", "setting", "invitation")
# What is said, and how often: {} makes each another. Some are masked, held or refused, so that there is something to hide.
SAYINGS = (
    *["mensaje {}"] * 16, "qué mierda de espera {}", "te voy a matar cuando salgas {}", "mi número es 612 345 678 o {}",
)  # fmt: skip


class Timeline:
    """What happened, a JSON line each, for whoever has to find out why."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self._file = path.open("a")
        self._began = time.monotonic()
        print(f"seed {seed}, timeline {path}, tertulia {version('tertulia')}, Python {machine.python_version()}")
        self.note("begins", seed=seed)

    def close(self) -> None:
        self._file.close()

    def note(self, what: str, **fields: Any) -> None:
        line = {"t": round(time.monotonic() - self._began, 4), "what": what, **fields}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


class Person:
    """One who is on the platforms' servers in turn: whatever ends a connection, they go on to the next server and resume."""

    def __init__(self, name: str, chats: Sequence[str], token: str, platforms: Sequence[Platform], chance: random.Random,
                 timeline: Timeline, *, pause: float = 0.02, node: int = 0) -> None:  # fmt: skip
        self.name, self.chats, self.token, self.platforms = name, list(chats), token, list(platforms)
        self.chance, self.timeline, self.pause, self.node = chance, timeline, pause, node
        self.accepted: dict[str, list[Said]] = {chat: [] for chat in chats}
        self.blocked: dict[str, list[str]] = {chat: [] for chat in chats}
        self.seen: dict[str, list[dict[str, Any]]] = {chat: [] for chat in chats}
        self.over = asyncio.Event()
        self.quiet = asyncio.Event()
        self.arrivals = self.interrupted = self.unanswered = self.sent = 0
        self._unsure: tuple[str, str, str, float] | None = None

    async def live(self) -> None:
        """Until ``quiet`` write and read, then until ``over`` only read."""
        while not self.over.is_set():
            try:
                await self._visit(self.platforms[self.node % len(self.platforms)])
            except (ConnectionClosed, TimeoutError, OSError, EOFError, httpx2.TransportError, InvalidStatus) as problem:
                self.interrupted += 1
                self.timeline.note("interrupted", who=self.name, node=self.node % len(self.platforms), why=str(problem))
                self.node += 1
                await asyncio.sleep(self.chance.uniform(0.02, 0.1))

    async def _visit(self, platform: Platform) -> None:
        client = await platform.raw()
        resume = [{"conversation": chat, "after": self._last(chat), "epoch": ""} for chat in self.chats]
        try:
            await client.send(type="hello", token=self.token, resume=resume)
            await _until(client, "welcome")
            for chat in self.chats:
                self.seen[chat] = folded(self.seen[chat] + await self._missed(client, chat))
            self.arrivals += 1
            self.timeline.note("arrived", who=self.name, node=self.node % len(self.platforms))
            while not self.quiet.is_set():
                await self._say(client)
                await asyncio.sleep(self.chance.uniform(0, 2 * self.pause))
            while not self.over.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.over.wait(), 0.5)
                # What was sent before this answer has come, and who is cut off finds out.
                await _answered(client, client.ask("history", conversation="none"))
        finally:
            goaway = [event for event in client.events if event["type"] == "goaway"]
            for event in client.events:
                if event["type"] in LOG_EVENTS and event["conversation"] in self.seen:
                    self.seen[event["conversation"]].append(event)
            self.seen = {chat: folded(events) for chat, events in self.seen.items()}
            client.socket.transport.abort()
            if goaway:
                await asyncio.sleep(goaway[-1]["retry_after_ms"] / 1_000)

    async def _say(self, client: Client) -> None:
        if self._unsure is None:
            self.sent += 1
            chat, mark = self.chance.choice(self.chats), f"{self.name}-{self.sent}"
            self._unsure = (chat, mark, self.chance.choice(SAYINGS).format(mark), time.monotonic())
        chat, client_id, text, began = self._unsure
        self.unanswered += 1
        answer = await _answered(client, client.post(chat, text, client_id))
        self.unanswered -= 1
        self.timeline.note("answered", who=self.name, chat=chat, client_id=client_id, answer=answer)
        if answer["type"] == "accepted":
            said = Said(
                self.name, client_id, answer["id"], answer["seq"], began, time.monotonic(), text, answer["verdict"]
            )
            self.accepted[chat].append(said)
        elif answer["type"] == "refused" and answer["code"] == "policy":
            self.blocked[chat].append(text)
        elif answer["type"] == "refused":
            await asyncio.sleep(answer.get("retry_after", 100) / 1_000)
            return
        self._unsure = None

    async def _missed(self, client: Client, chat: str) -> list[dict[str, Any]]:
        """What came after the last that was seen: told on arrival, or read back from history where that is too much."""
        told = await _until(client, "resumed", "reset", conversation=chat)
        if told["type"] == "resumed":
            events: list[dict[str, Any]] = told["events"]
            return events
        self.timeline.note("reset", who=self.name, chat=chat, reason=told["reason"])
        assert told["reason"] == "too_many", told
        events = await client.history(chat, limit=100)
        while events[0]["seq"] > self._last(chat) + 1:
            events = await client.history(chat, limit=100, before=events[0]["seq"]) + events
        return events

    def _last(self, chat: str) -> int:
        return self.seen[chat][-1]["seq"] if self.seen[chat] else 0


async def _answered(client: Client, asking: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """The answer. Raises EOFError when the connection ends before, TimeoutError when it does not come."""
    answer = asyncio.create_task(asking)
    try:
        await asyncio.wait({answer, client.reader}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
    finally:
        answer.cancel()
    if client.reader.done():
        raise EOFError(f"closed with {client.socket.close_code}")
    raise TimeoutError("no answer")


async def _until(client: Client, *types: str, **fields: Any) -> dict[str, Any]:
    """The first event of these types. Raises EOFError when the connection ends before."""
    async with asyncio.timeout(20):
        while True:
            for event in client.events:
                if event["type"] in types and fields.items() <= event.items():
                    client.events.remove(event)
                    return event
            if client.reader.done():
                raise EOFError(f"closed with {client.socket.close_code}")
            await asyncio.sleep(0.01)


async def history(platform: Platform, chat: str) -> list[dict[str, Any]]:
    """All of a conversation as the platform may see it, oldest first."""
    events: list[dict[str, Any]] = []
    while True:
        before = events[0]["seq"] if events else 0
        page = (await platform.http.get(f"/v1/conversations/{chat}/history?limit=100&before={before}")).json()
        events = page["events"] + events
        if not page["more"]:
            return events


@contextlib.asynccontextmanager
async def living(
    platforms: Sequence[Platform],
    people: int,
    chats: int,
    chance: random.Random,
    timeline: Timeline,
    *,
    pause: float = 0.02,
) -> AsyncIterator[list[Person]]:
    """People who live on these servers; in the end all must fit together, and who is there have seen everything."""
    names = [f"{timeline.path.stem[:20]}-{chance.randrange(10**6)}-p{n}" for n in range(people)]
    groups = [names[n::chats] for n in range(chats)]
    ids = [await platforms[0].open(*(f"{name}:buyer" for name in group)) for group in groups]
    here = [
        Person(name, [ids[n % chats]], await platforms[0].token(name), platforms, random.Random(chance.random()),
               timeline, pause=pause, node=n)
        for n, name in enumerate(names)
    ]  # fmt: skip
    tasks = [asyncio.create_task(person.live()) for person in here]
    try:
        yield here
        for person in here:
            person.quiet.set()
        await asyncio.sleep(SETTLE_SECONDS)
        for person in here:
            person.over.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
        timeline.note("ends")
        await _all_fits(platforms, ids, here)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _all_fits(platforms: Sequence[Platform], ids: list[str], here: list[Person]) -> None:
    for id in ids:
        stored = await history(platforms[-1], id)
        mine = [person for person in here if id in person.chats]
        check(
            stored, [said for person in mine for said in person.accepted[id]],
            {person.name: person.seen[id] for person in mine},
            {text for person in mine for text in person.blocked[id]},
        )  # fmt: skip
        for person in mine:
            gaps = sorted(set(range(1, len(stored) + 1)) - {event["seq"] for event in person.seen[id]})
            assert not gaps, f"{person.name} never saw {gaps[:5]} of {id}"


async def more(people: Sequence[Person], messages: int = 5, seconds: float = 60) -> None:
    """Wait until each has been answered that many times more."""
    counts = [sum(map(len, person.accepted.values())) for person in people]
    async with asyncio.timeout(seconds):
        for person, before in zip(people, counts, strict=True):
            while sum(map(len, person.accepted.values())) < before + messages:  # noqa: ASYNC110 - counts grow elsewhere
                await asyncio.sleep(0.05)
