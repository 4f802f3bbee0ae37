"""The hub under a broker that loses, doubles and reorders: every reader still gets every event once, in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from moderation.policy_book import PolicyBook
from policies.decision import Decision, Verdict
from realtime.auth import Identity
from realtime.broker import Doorbell, MemoryBroker, Signal
from realtime.hub import Hub
from rules.types import Role, Stage
from storage import conversations, sanctions
from storage.database import Database
from storage.sanctions import Sanction, Standing
from storage.values import Conversation, Entry, Form, LogItem, Member, Message


class Listener:
    """The part of a connection that the hub needs; keeps what it is sent."""

    def __init__(self, participant: str, role: str) -> None:
        self.identity = Identity("t", participant, participant, role, "es", 2**31)
        self.rooms: dict[str, Any] = {}
        self.person: Any = None
        self.welcomed = True
        self.frames: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.frames.append(data)

    def send(self, event: Any) -> None:
        pass

    def posted(self) -> list[int]:
        seqs = []
        for data in self.frames:
            at = 0
            while at < len(data):
                size, start = data[at + 1], at + 2
                if size == 126:
                    size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
                event = msgspec.json.decode(data[start : start + size])
                if event["type"] == "posted":
                    seqs.append(event["seq"])
                at = start + size
        return seqs


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database.open(sqlite_url)
    members = [Member("ana", "Ana", Role.BUYER, "es"), Member("luis", "Luis", Role.SELLER, "es")]
    conversation = Conversation("t", "c", "Title", None, Stage.ENQUIRY, "default", 0, 1)
    await database.write(lambda tx: conversations.create(tx, conversation, members))
    yield database
    await database.close()


async def until(done: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if done():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it did not happen within 10 s")


async def hub_on(database: Database) -> Hub:
    hub = Hub(database, MemoryBroker(), PolicyBook(), posts_per_second=5, posts_burst=10)
    await hub.start()
    return hub


async def stored(database: Database, count: int) -> list[LogItem]:
    items = []
    for n in range(count):
        form = Form(Role.BUYER, 1)
        entry = Entry("t", "c", f"m{n}", "ana", str(n), 1, f"texto {n}", form, Decision(Verdict.ALLOW, "p@1"))
        seq = (await database.append(entry)).seq
        items.append(
            LogItem(seq, "posted", "ana", 1, Message(f"m{n}", "c", seq, "ana", entry.text, seq, seq, form), {})
        )
    return items


@pytest.mark.parametrize("seed", range(8))
async def test_lost_doubled_and_reordered_doorbells_make_no_difference(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    hub = await hub_on(database)
    listener = Listener("luis", "seller")
    listener.person = hub.arrive(listener, 20)  # type: ignore[arg-type]
    hub.attach(await hub.room("t", "c"), listener)  # type: ignore[arg-type]

    bells = []
    for item in await stored(database, 40):
        fate = chance.random()
        with_item = chance.random() < 0.7
        bell = Doorbell("t", "c", database.epoch, item.seq, item if with_item else None)
        bells += [bell] * (0 if fate < 0.3 else 2 if fate > 0.8 else 1)
    for n in range(len(bells) - 1):
        if chance.random() < 0.4:
            bells[n], bells[n + 1] = bells[n + 1], bells[n]
    last = Doorbell("t", "c", database.epoch, 42, None)
    for bell in [*bells, last]:
        hub.ring(bell)
        if chance.random() < 0.3:
            await asyncio.sleep(0.001)
    await until(lambda: listener.posted()[-1:] == [42])
    assert listener.posted() == list(range(3, 43))


async def test_doorbells_that_ring_while_a_conversation_is_being_loaded_are_not_missed(database: Database) -> None:
    hub = await hub_on(database)
    loading = asyncio.create_task(hub.room("t", "c"))
    await asyncio.sleep(0)
    for item in await stored(database, 5):
        hub.ring(Doorbell("t", "c", database.epoch, item.seq, item))
    room = await loading
    await until(lambda: room.last_seq == 7)


async def test_what_one_turn_of_the_loop_brings_is_written_in_one_piece(database: Database) -> None:
    hub = await hub_on(database)
    listener = Listener("luis", "seller")
    listener.person = hub.arrive(listener, 20)  # type: ignore[arg-type]
    hub.attach(await hub.room("t", "c"), listener)  # type: ignore[arg-type]
    for item in await stored(database, 16):
        hub.publish("t", "c", item)
    await asyncio.sleep(0)
    assert len(listener.frames) == 1
    assert listener.posted() == list(range(3, 19))


async def test_a_conversation_that_nobody_looks_at_is_let_go(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.hub.LINGER_SECONDS", 0.01)
    hub = await hub_on(database)
    listener = Listener("luis", "seller")
    listener.person = hub.arrive(listener, 20)  # type: ignore[arg-type]
    hub.attach(await hub.room("t", "c"), listener)  # type: ignore[arg-type]
    await asyncio.sleep(0.05)
    assert len(hub.rooms) == 1, "somebody looks at it"
    hub.depart(listener)  # type: ignore[arg-type]
    assert (len(hub.people), listener.rooms) == (1, {}), "their credit is kept until it is whole again"
    await until(lambda: (hub.rooms, hub.people) == ({}, {}))


async def test_who_has_left_is_not_sent_what_comes_in_the_same_turn(database: Database) -> None:
    hub = await hub_on(database)
    ana, luis = Listener("ana", "buyer"), Listener("luis", "seller")
    for one in (ana, luis):
        one.person = hub.arrive(one, 20)  # type: ignore[arg-type]
        hub.attach(await hub.room("t", "c"), one)  # type: ignore[arg-type]
    (gone,) = await database.write(lambda tx: conversations.leave(tx, "t", "c", "luis", "platform", 5))
    hub.publish("t", "c", gone)
    for item in await stored(database, 1):
        hub.publish("t", "c", item)
    await asyncio.sleep(0)
    assert (ana.posted(), luis.posted()) == ([4], [])
    assert b'"left"' in luis.frames[0], "but that they have left"


async def test_one_conversation_that_cannot_be_sent_does_not_silence_the_others(database: Database) -> None:
    await database.write(
        lambda tx: conversations.create(
            tx,
            Conversation("t", "d", "Title", None, Stage.ENQUIRY, "default", 0, 1),
            [Member("ana", "Ana", Role.BUYER, "es")],
        )
    )
    hub = await hub_on(database)
    ana = Listener("ana", "buyer")
    ana.person = hub.arrive(ana, 20)  # type: ignore[arg-type]
    for id in ("c", "d"):
        hub.attach(await hub.room("t", id), ana)  # type: ignore[arg-type]
    closed: list[int] = []
    ana.close = lambda code, reason: closed.append(code)  # type: ignore[attr-defined]
    broken = LogItem(3, "setting", "platform", 1, None, {"title": "T", "stage": "no stage", "listing": None})
    hub.rooms["t", "c"].pending.append(broken)
    hub._dirty.append(hub.rooms["t", "c"])
    moved = await database.write(lambda tx: conversations.move(tx, "t", "d", "T", None, Stage.ORDERED, "platform", 5))
    hub.rooms["t", "d"].fold(moved)
    hub.rooms["t", "d"].pending.append(moved)
    hub._dirty.append(hub.rooms["t", "d"])
    hub._flush_all()
    assert closed == [4007]
    assert b'"ordered"' in ana.frames[-1]


LONG = 2**52  # milliseconds: none of these sanctions ends
MUTED = Standing(1_000, mutes=(("", LONG),))


async def sanctioned(database: Database, kind: str) -> None:
    row = Sanction(kind, "luis", kind, sanctions.EVERYWHERE, 1, LONG, "act", "staff:eva", "")
    await database.write(lambda tx: sanctions.add(tx, "t", row))


async def luis_on(hub: Hub) -> tuple[Listener, list[int]]:
    luis, closed = Listener("luis", "seller"), list[int]()
    luis.person = hub.arrive(luis, 20)  # type: ignore[arg-type]
    luis.close = lambda code, reason: closed.append(code)  # type: ignore[attr-defined]
    return luis, closed


async def test_a_mute_holds_though_the_clock_of_its_act_was_read_before_that_of_an_arrival(database: Database) -> None:
    hub = await hub_on(database)
    luis, _ = await luis_on(hub)
    luis.person.stands(Standing(1_050), luis.person.asked)
    await sanctioned(database, "mute")
    hub.stand("t", "luis", MUTED)
    assert luis.person.standing.muted_until("c", 1_100) == LONG, "at once"
    await until(lambda: not luis.person.learning)
    assert luis.person.standing.muted_until("c", 1_100) == LONG


async def test_what_is_told_late_does_not_outlast_what_is_stored(database: Database) -> None:
    hub = await hub_on(database)
    luis, _ = await luis_on(hub)
    hub.stand("t", "luis", MUTED)  # taken back since, and that was told before
    await until(lambda: not luis.person.standing.mutes)


async def test_a_reading_begun_before_the_news_is_not_taken_for_newer(database: Database) -> None:
    hub = await hub_on(database)
    luis, _ = await luis_on(hub)
    begun = luis.person.asked
    await sanctioned(database, "mute")
    hub.stand("t", "luis", MUTED)
    await until(lambda: not luis.person.learning)
    luis.person.stands(Standing(2**50), begun)
    assert luis.person.standing.mutes


async def test_who_was_banned_while_nobody_told_is_cut_off(database: Database) -> None:
    hub = await hub_on(database)
    _, closed = await luis_on(hub)
    ana = Listener("ana", "buyer")
    ana.person = hub.arrive(ana, 20)  # type: ignore[arg-type]
    await sanctioned(database, "ban")
    hub.missed()
    await until(lambda: closed == [4403])
    assert not ana.person.standing.bans


async def test_staff_is_hung_up_when_its_session_ends_and_asked_back_when_news_were_missed(database: Database) -> None:
    hub = await hub_on(database)
    closed: list[tuple[str, int]] = []
    for id in ("staff:eva", "staff:leo"):
        one = Listener(id, "staff")
        one.close = lambda code, reason, id=id: closed.append((id, code))  # type: ignore[attr-defined]
        hub.arrive(one, 20)  # type: ignore[arg-type]
    hub.hang_up("t", "staff:eva")
    assert closed == [("staff:eva", 4401)]
    closed.clear()
    hub.missed()
    await until(lambda: sorted(closed) == [("staff:eva", 4007), ("staff:leo", 4007)])


async def test_staff_hears_nothing_before_it_is_welcome(database: Database) -> None:
    hub = await hub_on(database)
    eva = Listener("staff:eva", "staff")
    hub.arrive(eva, 20)  # type: ignore[arg-type]
    eva.welcomed = False
    hub.hear(Signal("t", "staff", "", b"{}"))
    assert eva.frames == []
    eva.welcomed = True
    hub.hear(Signal("t", "staff", "", b"{}"))
    assert len(eva.frames) == 1
