"""Clients that mean harm: they are cut off by a limit, keep no memory for themselves, and the others go on."""

from __future__ import annotations

import asyncio
import secrets
import struct
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from realtime.auth import mint
from storage import tenants
from storage.database import beside
from tests.faults.phones import Phone, cpu_seconds, files, many_files, memory, quantile
from tests.platform import Platform, new_tenant

MIB = 1024 * 1024


class Place:
    """A server on SQLite that a module shares, a tenant on it and its people."""

    def __init__(self, server: Any) -> None:
        self.server, self.pid = server, server.process.pid
        self.database = server.environment["TERTULIA_DATABASE"]
        self.platform = Platform(server.url, server.ws_url, new_tenant(self.database, "t"))
        with beside(self.database) as tx:
            tenant = tenants.by_id(tx, "t")
        assert tenant is not None
        self.tenant = tenant

    def phone(self, name: str, chat: str = "") -> Phone:
        return Phone(self.server.port, mint(self.tenant, name, name=name, role="buyer", lang="es"), chat)

    async def in_chat(self, *names: str) -> list[Phone]:
        mark = secrets.token_hex(3)  # credit belongs to a person: these are others than those of the test before
        names = tuple(f"{name}-{mark}" for name in names)
        chat = await self.platform.open(*(f"{name}:buyer" for name in names))
        people = [self.phone(name, chat) for name in names]
        for start in range(0, len(people), 50):
            await asyncio.gather(*(phone.come_back() for phone in people[start : start + 50]))
        return people


@pytest.fixture(scope="module")
async def place(start_server: Callable[..., Any]) -> AsyncIterator[Place]:
    there = Place(start_server())
    yield there
    await there.platform.leave()


@pytest.fixture
async def busy_place(serve: Callable[..., Any]) -> AsyncIterator[Place]:
    """Where people write more than they should."""
    there = Place(serve(TERTULIA_POSTS_PER_SECOND="1000", TERTULIA_POSTS_BURST="1000"))
    yield there
    await there.platform.leave()


def frame(first: int, payload: bytes = b"", *, size: int = -1) -> bytes:
    """A masked frame; with ``size`` one that claims another length."""
    claimed = len(payload) if size < 0 else size
    if claimed < 126:
        length = bytes([0x80 | claimed])
    elif claimed < 65_536:
        length = b"\xfe" + struct.pack("!H", claimed)
    else:
        length = b"\xff" + struct.pack("!Q", claimed)
    return bytes([first]) + length + bytes(4) + payload


ATTACKS: dict[str, tuple[Callable[[], bytes], set[int]]] = {
    "a megabyte": (lambda: frame(0x81, b"x" * MIB), {1009}),
    "one byte too much": (lambda: frame(0x81, b"x" * (64 * 1024 + 1)), {1009}),
    "a head that claims 2^62": (lambda: frame(0x81, size=2**62), {1009}),
    "60,000 empty fragments": (lambda: frame(0x01) + frame(0x00) * 60_000, {1008}),
    "200,000 pings": (lambda: frame(0x89, b"x" * 100) * 200_000, {1008}),
    "200,000 pongs": (lambda: frame(0x8A, b"x" * 100) * 200_000, {1008}),
    "a thousand commands at once": (
        lambda: frame(0x81, b'{"type":"typing","conversation":"c"}') * 60_000,
        {4008, 4002, 4005},
    ),
    "rubbish": (lambda: frame(0x81, b"rubbish") * 60_000, {4002, 4008, 4005}),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_ends_its_own_connection_and_leaves_no_memory_behind(place: Place, attack: str) -> None:
    build, codes = ATTACKS[attack]
    ana, luis = await place.in_chat("ana", "luis")
    await ana.post("antes", "a")
    before, bytes_sent = memory(place.pid), build()
    attackers = [place.phone(f"mala{n}") for n in range(4)]
    await asyncio.gather(*(one.connect() for one in attackers))
    for one in attackers:
        one.stop_reading()  # nothing that comes back is taken off the server's hands
        one.write(bytes_sent)
    answered = [(await luis.post(f"seguimos {n}", f"c{n}"))[0]["type"] for n in range(8)]
    assert set(answered) == {"accepted"}
    async with asyncio.timeout(30):
        while any(not one.gone.is_set() for one in attackers):
            for one in attackers:
                one.read_on()
            await asyncio.sleep(0.05)
    assert {code for one in attackers for code in one.codes} <= codes
    assert memory(place.pid) - before < 12 * MIB
    assert (await ana.post("después", "b"))[0]["type"] == "accepted"


async def test_hundreds_of_handshakes_that_drip_are_cut_and_others_get_in_meanwhile(place: Place) -> None:
    many_files(600)
    began = time.monotonic()
    lost = [asyncio.Event() for _ in range(500)]

    class Drip(asyncio.Protocol):
        def __init__(self, gone: asyncio.Event) -> None:
            self.gone = gone

        def connection_lost(self, problem: Exception | None) -> None:
            self.gone.set()

    loop = asyncio.get_running_loop()
    drips = []
    for gone in lost:
        transport, _ = await loop.create_connection(lambda gone=gone: Drip(gone), "127.0.0.1", place.server.port)  # type: ignore[misc]
        drips.append(transport)
    waits = []
    head = b"GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: " + b"a" * 1_000
    for n in range(200):
        if all(gone.is_set() for gone in lost):
            break
        for transport in drips:
            if not transport.is_closing():
                transport.write(head[n : n + 1])
        phone, asked = place.phone(f"p{n}"), time.monotonic()
        assert await phone.connect()
        waits.append(time.monotonic() - asked)
        phone.cut()
        await asyncio.sleep(0.2)
    assert all(gone.is_set() for gone in lost)
    assert time.monotonic() - began < 30
    assert quantile(waits, 0.5) < 1


@pytest.mark.parametrize(
    ("members", "seconds"),
    [(30, 3), pytest.param(200, 12, marks=[pytest.mark.tier2, pytest.mark.timeout(300)])],
)
async def test_a_reader_who_stops_in_a_busy_chat_is_closed_and_the_others_do_not_feel_it(
    busy_place: Place, members: int, seconds: float
) -> None:
    place = busy_place
    many_files(members)
    people = await place.in_chat(*(f"p{n}" for n in range(members)))
    writers, slow = people[:5], people[-1]
    text = (
        "casa mesa silla jardín ventana puerta " * 100
    )  # 3.8 KB each, to be behind before the loopback's buffers are full

    async def talk(tag: str) -> tuple[float, float]:
        """Ten times a second each; the server's processor time for a message, and the wait at the 99th percentile."""
        began, used, waits, number = time.monotonic(), cpu_seconds(place.pid), [], 0
        while time.monotonic() - began < seconds:
            number += 1
            answers = await asyncio.gather(*(one.post(f"{number} {text}", f"{tag}{number}") for one in writers))
            assert {answer["type"] for answer, _ in answers} == {"accepted"}
            waits += [wait for _, wait in answers]
            await asyncio.sleep(0.1)
        return (cpu_seconds(place.pid) - used) / len(waits), quantile(waits, 0.99)

    before, _ = await talk("a")
    held, open_files = memory(place.pid), files(place.pid)
    last = slow.seqs[-1]
    slow.stop_reading()
    began = time.monotonic()
    during, _ = await talk("b")
    number = 0
    async with asyncio.timeout(60):
        while files(place.pid) >= open_files:
            number += 1
            await asyncio.gather(*(one.post(f"{number} {text}", f"c{number}") for one in writers))
    gone, ratio = time.monotonic() - began, during / before
    print(f"closed after {gone:.1f} s; processor time a message {before * 1e3:.2f} ms, with them {ratio:.2f} times")
    assert memory(place.pid) - held < 64 * MIB
    assert during < 1.5 * before
    slow.cut()
    slow.seqs = [last]
    await slow.come_back()
    async with asyncio.timeout(20):
        while not slow.resets and slow.seqs[-1] < people[1].seqs[-1]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    if not slow.resets:
        assert slow.seqs == list(range(last, slow.seqs[-1] + 1)), "each that it missed, once"
    else:
        assert set(slow.resets) == {"too_many"}
