"""The load against a small real hub that counts for itself."""

import json
from collections.abc import AsyncIterator, Sequence
from itertools import repeat

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from bench.hub import Case, _figures
from bench.load import Load
from bench.wire import Kind, Seat, SocketIO, Tertulia

TEXTS = ["clean", "also clean", "refuse me", "¿y esto? 👍", "x" * 300]


class Hub:
    """Relays, refuses what says so, and sends what a client must put up with: other events, pings, large frames."""

    def __init__(self) -> None:
        self.members: dict[str, set[ServerConnection]] = {}
        self.seqs: dict[str, int] = {}
        self.posts: list[str] = []
        self.refused = 0
        self.sent = 0

    async def talk(self, socket: ServerConnection) -> None:
        hello = json.loads(await socket.recv())
        conversation = hello["token"]
        self.members.setdefault(conversation, set()).add(socket)
        await socket.send(json.dumps({"type": "welcome", "filler": "x" * 70_000}, separators=(",", ":")))
        async for frame in socket:
            post = json.loads(frame)
            self.posts.append(post["text"])
            if post["text"].startswith("refuse"):
                self.refused += 1
                await socket.send(json.dumps({"type": "refused", "ref": post["ref"]}, separators=(",", ":")))
                continue
            seq = self.seqs[conversation] = self.seqs.get(conversation, 10) + 1
            # A member may hear of a message before its author hears that it was accepted.
            for member in self.members[conversation]:
                self.sent += 1
                await member.ping()
                await member.send(self._event("receipt", seq))
                await member.send(self._event("posted", seq, post["text"]))
            await socket.send(self._event("accepted", seq))

    def _event(self, kind: str, seq: int, text: str = "") -> str:
        return json.dumps({"type": kind, "seq": seq, "text": text}, separators=(",", ":"))


@pytest.fixture
async def hub() -> AsyncIterator[tuple[Hub, Server]]:
    hub = Hub()
    async with serve(hub.talk, "127.0.0.1", 0) as server:
        yield hub, server


def seats(rooms: int, members: int) -> Sequence[Sequence[Seat]]:
    return [[Seat(f"c{room}", f"p{n}", f"c{room}") for n in range(members)] for room in range(rooms)]


@pytest.mark.parametrize(("rooms", "members", "in_flight"), [(5, 4, 1), (1, 20, 4), (1, 20, 16)])
async def test_a_run_counts_every_message_and_delivery(
    hub: tuple[Hub, Server], rooms: int, members: int, in_flight: int
) -> None:
    chat, server = hub
    load = Load(Tertulia(), in_flight, TEXTS)
    await load.connect(next(iter(server.sockets)).getsockname()[1], seats(rooms, members))
    for _ in range(2):
        chat.posts.clear()
        chat.sent = chat.refused = 0
        tally = await load.run(0.3)
        assert tally.messages == len(chat.posts) >= rooms * in_flight
        assert tally.refused == chat.refused > 0
        assert tally.deliveries == chat.sent == (tally.messages - tally.refused) * members
        assert len(tally.accepted) == tally.messages
        assert len(tally.delivered) == tally.messages - tally.refused
        assert set(chat.posts) <= set(TEXTS)
    load.close()


async def test_a_paced_run_posts_when_it_is_due(hub: tuple[Hub, Server]) -> None:
    chat, server = hub
    load = Load(Tertulia(), 1, TEXTS)
    await load.connect(next(iter(server.sockets)).getsockname()[1], seats(4, 4))
    tally = await load.paced(0.5, repeat(0.01))
    load.close()
    assert tally.messages == len(chat.posts)
    assert tally.messages == pytest.approx(50, abs=1)


async def test_a_member_who_is_thrown_out_ends_the_run(hub: tuple[Hub, Server]) -> None:
    chat, server = hub
    load = Load(Tertulia(), 1, TEXTS)
    await load.connect(next(iter(server.sockets)).getsockname()[1], seats(1, 4))
    await next(iter(chat.members["c0"])).close()
    with pytest.raises(ConnectionError, match="disconnected"):
        await load.run(5.0)
    load.close()


async def test_a_closed_door_is_an_error() -> None:
    async def refuse(socket: ServerConnection) -> None:
        await socket.close()

    async with serve(refuse, "127.0.0.1", 0) as server:
        with pytest.raises(ConnectionError):
            await Load(Tertulia(), 1, TEXTS).connect(next(iter(server.sockets)).getsockname()[1], seats(1, 1))


def test_costs_are_per_message_and_per_delivery_over_all_that_was_posted() -> None:
    tally = Load(Tertulia(), 1, TEXTS).tally
    tally.seconds, tally.messages, tally.refused, tally.deliveries = 2.0, 100, 20, 320
    tally.accepted, tally.delivered = [0.001] * 99 + [0.5], [0.002]
    round_ = _figures(tally, hub=64_000, database=32_000)
    assert round_.messages_per_second == 50
    assert (round_.hub_us_per_message, round_.database_us_per_message, round_.us_per_message) == (640, 320, 960)
    assert (round_.hub_us_per_delivery, round_.us_per_delivery) == (200, 300)
    assert (round_.accepted_p50_ms, round_.accepted_p99_ms, round_.delivered_p99_ms) == (1.0, 1.0, 2.0)
    assert Case("room", 1, 200, 4).pace == 0


@pytest.mark.parametrize(
    ("wire", "frame", "kind"),
    [
        (Tertulia(), b'{"type":"posted","conversation":"c"}', Kind.DELIVERED),
        (Tertulia(), b'{"type":"hidden","conversation":"c","seq":3}', Kind.DELIVERED),
        (Tertulia(), b'{"type":"accepted","ref":"1"}', Kind.ACCEPTED),
        (Tertulia(), b'{"type":"refused","ref":"1"}', Kind.REFUSED),
        (Tertulia(), b'{"type":"advised","ref":"1"}', Kind.REFUSED),
        (Tertulia(), b'{"type":"welcome"}', Kind.READY),
        (Tertulia(), b'{"type":"presence"}', Kind.OTHER),
        (SocketIO(), b'0{"sid":"x"}', Kind.OTHER),
        (SocketIO(), b'40{"sid":"x"}', Kind.READY),
        (SocketIO(), b"2", Kind.PING),
        (SocketIO(), b'42["posted",{"id":"7"}]', Kind.DELIVERED),
        (SocketIO(), b'4317[{"ok":true,"id":"7"}]', Kind.ACCEPTED),
        (SocketIO(), b'4317[{"ok":false,"code":"contact"}]', Kind.REFUSED),
    ],
)
def test_a_frame_is_told_by_how_it_begins(wire: Tertulia | SocketIO, frame: bytes, kind: Kind) -> None:
    assert wire.kind(b"\x81\x7e??" + frame, 4) is kind
