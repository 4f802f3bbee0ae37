"""Peers that do not behave: too slow to ask, too slow to read, or gone without a word. Others do not notice."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import random
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

import realtime.wire
from realtime.wire import EXTENSION, Http, Wire

HANDSHAKE = (
    "GET /v1/ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: tertulia.v1\r\n\r\n"
)


async def raw_socket(port: int, *, receive_buffer: int = 0) -> socket.socket:
    """A WebSocket after its handshake, as bare bytes."""
    peer = socket.socket()
    if receive_buffer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(peer, ("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    await loop.sock_sendall(peer, HANDSHAKE.format(host=f"127.0.0.1:{port}", key=key).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += await loop.sock_recv(peer, 4_096)
    assert answer.startswith(b"HTTP/1.1 101")
    return peer


def essay(number: int) -> str:
    """A long text that nothing is wrong with, another each time."""
    words = ["casa", "mesa", "silla", "jardín", "ventana", "puerta", "lámpara", "libro", "cuadro", "alfombra"]
    chance = random.Random(number)
    return " ".join(chance.choice(words) for _ in range(130))


def text_frame(text: str) -> bytes:
    payload = text.encode()
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0xFE]) + len(payload).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + payload  # a mask of zeros leaves it as it is


async def test_who_never_finishes_asking_is_cut_off(platform: Any) -> None:
    port = int(platform.ws_url.split(":")[2].partition("/")[0])
    peers = []
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /v1/ws HTTP/1.1\r\nHost: x\r\n")
        peers.append((reader, writer))
    began = time.monotonic()
    await platform.connect("ana")
    assert time.monotonic() - began < 3, "others get in meanwhile"
    async with asyncio.timeout(15):
        for reader, writer in peers:
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
    assert time.monotonic() - began > 3


async def test_a_reader_who_does_not_read_is_closed_and_can_come_back(platform: Any) -> None:
    chat = await platform.open("ana:buyer", "luis:seller", "zoe:provider")
    ana, zoe = await platform.connect("ana"), await platform.connect("zoe", "provider")
    port = int(platform.ws_url.split(":")[2].partition("/")[0])
    stuck = await raw_socket(port, receive_buffer=4_096)
    token = await platform.token("luis", "seller")
    await asyncio.get_running_loop().sock_sendall(stuck, text_frame(f'{{"type":"hello","token":"{token}"}}'))
    await zoe.next("presence", participant="luis", online=True)

    # The kernel's buffers, then ours: 256 KiB and 1 MiB, and whatever the loopback interface takes. Asking for pages
    # fills them sooner than posting does.
    await asyncio.gather(*(ana.post(chat, essay(n)) for n in range(60)))
    asked = f'{{"type":"history","ref":"r","conversation":"{chat}","limit":100}}'
    for _ in range(60):
        await asyncio.get_running_loop().sock_sendall(stuck, text_frame(asked))
    # Once the buffers are nearly full pages wait for room, but what is said does not: it is what ends the connection then.
    for n in range(60, 1_500, 20):
        if any(event["type"] == "presence" and not event["online"] for event in zoe.events):
            break
        await asyncio.gather(*(ana.post(chat, essay(n + k)) for k in range(20)))
    await zoe.next("presence", participant="luis", online=False)
    said = await zoe.post(chat, "seguimos")
    assert said["type"] == "accepted"
    stuck.close()
    resume = [{"conversation": chat, "after": said["seq"] - 1, "epoch": ""}]
    back = await platform.connect("luis", "seller", resume=resume)
    assert (await back.next("resumed"))["events"][-1]["text"] == "seguimos"


async def serve_bare(app: Any, **options: Any) -> uvicorn.Server:
    """A server on our protocol classes that does nothing of its own; on the loop that runs."""
    config = uvicorn.Config(app, port=0, http=Http, ws=Wire, lifespan="off", log_level="error",
                            ws_per_message_deflate=False, **options)  # fmt: skip
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    return server


def port_of(server: uvicorn.Server) -> int:
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


async def listens(scope: Scope, receive: Receive, send: Send) -> None:
    """Takes whatever comes, and says nothing."""
    wire: Wire = scope["extensions"][EXTENSION]
    await receive()
    wire.receiver = lambda text: None
    await send({"type": "websocket.accept", "subprotocol": "tertulia.v1"})
    await wire.lost.wait()


@pytest.fixture
async def impatient() -> AsyncIterator[int]:
    """A bare server that pings every 0.2 s; its port."""
    server = await serve_bare(listens, ws_ping_interval=0.2, ws_ping_timeout=0.2)
    yield port_of(server)
    await server.shutdown()


async def test_a_peer_that_is_gone_without_a_word_is_removed(impatient: int) -> None:
    peer = await raw_socket(impatient)
    loop = asyncio.get_running_loop()
    received = b""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionResetError):
            while data := await loop.sock_recv(peer, 4_096):
                received += data  # read, but never answered
    peer.close()
    assert received.startswith(b"\x89"), "it was asked"
    assert (4006).to_bytes(2, "big") in received, "and told why"


async def test_compression_is_not_offered_so_that_no_bomb_is_inflated(platform: Any) -> None:
    client = await platform.raw(compression="deflate")
    assert client.socket.response.headers.get("Sec-WebSocket-Extensions") is None


def whole(_: str) -> list[bytes]:
    """A frame of 60 letters, byte by byte."""
    return [bytes([byte]) for byte in text_frame("a" * 60)]


def fragments(_: str) -> list[bytes]:
    """A message of which each letter is a fragment, and the last never comes."""
    return [b"\x01\x81" + bytes(4) + b"a", *[b"\x00\x81" + bytes(4) + b"a"] * 59]


@pytest.mark.parametrize("parts", [whole, fragments])
async def test_a_message_that_takes_for_ever_is_not_waited_for(
    parts: Callable[[str], list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime.wire, "MESSAGE_SECONDS", 0.5)
    server = await serve_bare(listens, ws_ping_interval=None)
    peer, patient = await raw_socket(port_of(server)), await raw_socket(port_of(server))
    loop = asyncio.get_running_loop()
    received = b""

    async def hear() -> None:
        nonlocal received
        with contextlib.suppress(ConnectionResetError):
            while data := await loop.sock_recv(peer, 4_096):
                received += data

    hearing = asyncio.create_task(hear())
    with contextlib.suppress(ConnectionError):
        for part in parts(""):
            if hearing.done():
                break
            await loop.sock_sendall(peer, part)
            await asyncio.sleep(0.05)
            await loop.sock_sendall(patient, text_frame("whole messages are no reason, however many"))
    await asyncio.wait_for(hearing, 10)
    assert (1008).to_bytes(2, "big") in received, received
    await loop.sock_sendall(patient, b"\x89\x80" + bytes(4))
    async with asyncio.timeout(5):
        assert await loop.sock_recv(patient, 2) == b"\x8a\x00", "it is answered still"
    peer.close()
    patient.close()
    await server.shutdown()


async def test_a_pong_that_came_while_the_loop_stood_still_is_not_missed() -> None:
    """libuv looks at its timers before its sockets: what is overdue then may have come long ago."""

    async def stalls(scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"][EXTENSION].receiver = lambda text: time.sleep(1.5)
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "tertulia.v1"})
        await scope["extensions"][EXTENSION].lost.wait()

    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    over = threading.Event()
    here = asyncio.get_running_loop()

    async def main() -> None:
        server = await serve_bare(stalls, ws_ping_interval=0.2, ws_ping_timeout=0.2)
        here.call_soon_threadsafe(port.set_result, port_of(server))
        while not over.is_set():  # noqa: ASYNC110 - the other loop cannot set our events
            await asyncio.sleep(0.05)
        await server.shutdown()

    thread = threading.Thread(target=lambda: uvloop.new_event_loop().run_until_complete(main()))
    thread.start()
    try:
        peer = await raw_socket(await port)
        began, pings = time.monotonic(), 0
        while time.monotonic() - began < 4:
            data = await asyncio.wait_for(here.sock_recv(peer, 6), 3)
            assert data[:2] == b"\x89\x04", data  # a ping, and no close
            if pings == 1:
                await here.sock_sendall(peer, text_frame("stand still"))
                await asyncio.sleep(0.1)
            await here.sock_sendall(peer, b"\x8a\x84" + bytes(4) + data[2:])
            pings += 1
        assert pings > 3
        peer.close()
    finally:
        over.set()
        await asyncio.to_thread(thread.join)
