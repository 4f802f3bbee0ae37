"""How the cost of a message grows with what else there is: conversations, members, what is stored, tenants.

All sizes of a curve are servers of their own that take turns, round by round; what each holds is written into its database
beforehand. The exponent ``e`` is that of cost ~ size ** e, by least squares over the logarithms: 0 is flat.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from statistics import median

import click
import msgspec
import uvloop
from sqlalchemy import Connection as Transaction

from bench.figures import exponent
from bench.hub import SETTLE_SECONDS, Length
from bench.load import Connection, Load, Room, Stalled
from bench.sections import Section
from bench.servers import Ours
from bench.texts import messages
from bench.wire import Seat
from moderation.engine import default_engine
from moderation.review.intake import recorded
from policies.decision import Decision
from policies.load import load as load_policy
from realtime.auth import mint
from rules.types import Role, Setting, Stage
from storage import conversations, log, tenants
from storage.database import beside
from storage.values import Conversation, Entry, Form, Member

PAIR = (Role.BUYER, Role.SELLER)
GREETED = 200  # conversations of one person, at most
PEOPLE = 200  # connected in all, if that is enough for so many conversations
IN_FLIGHT = 48
TEXTS = 20_000
BATCH, COMMIT = 500, 20_000  # stored messages in one statement, and in one transaction
FLAT = 0.05
STORED_TEXTS = 400


class World(msgspec.Struct, frozen=True):
    """What a database holds: ``conversations`` of ``members`` spread over ``tenants``, and ``stored`` messages in them."""

    conversations: int = 250
    members: int = 2
    tenants: int = 1
    stored: int = 0


class Point(msgspec.Struct, frozen=True):
    """Microseconds of the server's CPU for a message, its database included, in the middle of the rounds."""

    size: int
    us: float


class Curve(msgspec.Struct, frozen=True):
    """``what`` grows; ``per`` is what the cost is reckoned for."""

    what: str
    per: str
    points: Sequence[Point]

    @property
    def exponent(self) -> float:
        return exponent([(one.size, one.us) for one in self.points])


class Sizes(msgspec.Struct, frozen=True):
    """How far the curves go. ``FULL`` takes minutes to fill, and is measured by name only."""

    conversations: Sequence[int] = (100, 1_000, 10_000)
    stored: Sequence[int] = (1_000, 10_000, 100_000)
    members: Sequence[int] = (4, 16, 64, 256)
    tenants: Sequence[int] = (1, 10, 100)


FULL = Sizes(conversations=(100, 1_000, 10_000, 100_000), stored=(1_000, 10_000, 100_000, 1_000_000),
             tenants=(1, 10, 100, 1_000))  # fmt: skip


def curves(sizes: Sizes, length: Length, *, postgres: bool) -> list[Curve]:
    """All four."""
    worlds = {
        "conversations": [(n, World(conversations=n)) for n in sizes.conversations],
        "messages stored": [(n, World(stored=n)) for n in sizes.stored],
        "tenants": [(n, World(conversations=1_000, tenants=n)) for n in sizes.tenants],
        "members": [(n, World(conversations=256 // n, members=n)) for n in sizes.members],
    }
    return [_curve(what, sized, length, postgres=postgres) for what, sized in worlds.items()]


def _curve(what: str, worlds: Sequence[tuple[int, World]], length: Length, *, postgres: bool) -> Curve:
    per = "delivery" if what == "members" else "message"
    texts = list(islice(messages(seed=5), TEXTS))
    servers: list[Ours] = []
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            places = []
            for _, world in worlds:
                servers.append(Ours(postgres=postgres))
                click.echo(f"  {servers[-1].name}: {world}", err=True)
                places.append(fill(servers[-1].url, world))
            # Only then: who is connected answers pings only while the loop runs.
            crowds = [
                runner.run(Crowd.gathered(server, seats, texts))
                for server, seats in zip(servers, places, strict=True)
            ]  # fmt: skip
            costs: list[list[float]] = [[] for _ in worlds]
            for number in range(length.rounds + 1):
                for cost, crowd in zip(costs, crowds, strict=True):
                    us = runner.run(crowd.round(length.seconds, per))
                    if number:
                        cost.append(us)
            for crowd in crowds:
                crowd.load.close()
    finally:
        for server in servers:
            server.stop()
    return Curve(
        what, per, [Point(size, median(cost)) for (size, _), cost in zip(worlds, costs, strict=True)]
    )  # fmt: skip


def fill(url: str, world: World) -> list[list[Seat]]:
    """Write a world into a database that a server runs on; the seats of each conversation."""
    at = time.time_ns() // 1_000_000
    spoken = list(_judged())
    seats: list[list[Seat]] = []
    filled: list[tuple[str, list[tuple[str, list[Member]]]]] = []
    with beside(url) as tx:
        for t in range(world.tenants):
            tenant = tenants.ensure(tx, f"tenant{t}", "Bench", f"key of the tenant number {t}", at)
            count = len(range(t, world.conversations, world.tenants))
            tokens: dict[str, str] = {}
            made: list[tuple[str, list[Member]]] = []
            for n, ids in enumerate(_groups(count, world.members, max(1, PEOPLE // world.tenants))):
                members = [Member(id, "Somebody", PAIR[k % 2], "es") for k, id in enumerate(ids)]
                place = f"{t:08x}{n:024x}"
                conversation = Conversation(
                    tenant.id, place, "Bench", "electronics", Stage.NEGOTIATION, "default", 0, at
                )
                conversations.create(tx, conversation, members)
                made.append((place, members))
                for one in members:
                    if one.id not in tokens:
                        tokens[one.id] = mint(tenant, one.id, name=one.name, role=one.role, expires_in=86_400)
                seats.append([Seat(place, one.id, tokens[one.id]) for one in members])
            filled.append((tenant.id, made))
    for id, made in filled:
        for start in range(0, world.stored // world.tenants, COMMIT):
            with beside(url) as tx:
                _speak(tx, id, made, spoken, range(start, min(start + COMMIT, world.stored // world.tenants)), at)
    return seats


def _groups(count: int, members: int, least: int) -> Iterator[list[str]]:
    """Who is in each conversation: few people in many, as far as a server greets them with all of theirs."""
    if members > 2:
        yield from ([f"p{n}-{k}" for k in range(members)] for n in range(count))
        return
    people = max(2, -(-2 * count // GREETED), min(2 * count, least))
    for n in range(count):
        first = n % people
        yield [f"p{first}", f"p{(first + 1 + n // people % (people - 1)) % people}"]


def _speak(
    tx: Transaction, tenant: str, made: Sequence[tuple[str, list[Member]]], spoken: Sequence[tuple[str, Decision]],
    numbers: range, at: int,
) -> None:  # fmt: skip
    for start in range(0, len(numbers), BATCH):
        entries = []
        for n in numbers[start : start + BATCH]:
            place, members = made[n % len(made)]
            author, (text, decision) = members[n // len(made) % 2], spoken[n % len(spoken)]
            form = Form(author.role, at)
            entries.append(Entry(tenant, place, f"{at:012x}{n:020x}", author.id, f"old-{n}", at, text, form, decision))
        log.append_posts(tx, entries)


def _judged() -> Iterator[tuple[str, Decision]]:
    engine, policy = default_engine(), load_policy("marketplace")
    setting = Setting(author="p0", sender=Role.BUYER, listing="electronics", stage=Stage.NEGOTIATION)
    for text in islice(messages(seed=6, reactive=0.0), STORED_TEXTS):
        judged = engine.judge(text, setting, policy)
        yield text, recorded(judged.decision, judged.scores, judged.language, setting)


class Crowd(Room):
    """People who are each in many conversations, and post now in one of them, now in another."""

    def __init__(self, server: Ours, load: Load, seats: Sequence[Sequence[Seat]]) -> None:
        super().__init__(load)
        self.server = server
        self._places = seats
        self._people: dict[tuple[str, str], Connection] = {}
        self._chance = random.Random(0)

    @classmethod
    async def gathered(cls, server: Ours, seats: Sequence[Sequence[Seat]], texts: Sequence[str]) -> Crowd:
        """Connect everybody once."""
        load = Load(server.wire, 1, texts)
        crowd = cls(server, load, seats)
        load.rooms.append(crowd)
        loop = asyncio.get_running_loop()
        for seat in {(one.token, one.participant): one for members in seats for one in members}.values():
            _, member = await loop.create_connection(
                lambda seat=seat: Connection(server.wire, seat, crowd),  # type: ignore[misc]
                "127.0.0.1", server.port,
            )  # fmt: skip
            await member.ready
            crowd.members.append(member)
            crowd._people[seat.token, seat.participant] = member
        return crowd

    async def round(self, seconds: float, per: str) -> float:
        """Microseconds of CPU for a message, or a delivery."""
        self.load.in_flight = min(IN_FLIGHT, max(1, len(self.members) // 4))
        gc.collect()
        gc.disable()
        cpu = self.server.cpu() + self.server.database_cpu()
        tally = await self.load.run(seconds)
        await asyncio.sleep(SETTLE_SECONDS)
        cpu = self.server.cpu() + self.server.database_cpu() - cpu
        gc.enable()
        return cpu / (tally.deliveries if per == "delivery" else tally.messages)

    def say(self) -> None:
        """Somebody who waits for nothing posts in one of their conversations."""
        for _ in range(100):
            seat = self._chance.choice(self._chance.choice(self._places))
            author = self._people[seat.token, seat.participant]
            if author.post is None:
                break
        else:
            raise Stalled(len(self.members), self.load.last)
        ref, text = self.load.next_text()
        self.post(author, author.wire.post(seat, ref, text))

    def accepted(self, author: Connection, number: int) -> None:
        """What is accepted is through: who receives it is counted, and not waited for."""
        post = author.post
        if post is None:
            raise ValueError(f"accepted without a post: {number}")
        self.done(author, post)

    def delivered(self, number: int) -> None:
        """Count it."""
        self.load.tally.deliveries += 1


def section(found: Sequence[Curve]) -> Section:
    """The table."""
    rows = [
        (
            one.what, f"CPU a {one.per}, us",
            ", ".join(f"{point.size:,}: {point.us:,.1f}" for point in one.points), f"{one.exponent:+.3f}",
        )
        for one in found
    ]  # fmt: skip
    return Section("What a message costs as everything else grows", ("of", "cost", "at each size", "exponent"), rows)
