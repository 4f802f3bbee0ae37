"""Peers that do not behave: too slow to ask, too slow to read, or gone without a word. Others do not notice."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import random
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

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
    await zoe.next("presence", participant="luis", online=False)
    assert (await zoe.post(chat, "seguimos"))["type"] == "accepted"
    stuck.close()
    back = await platform.connect("luis", "seller", resume=[{"conversation": chat, "after": 50, "epoch": ""}])
    assert (await back.next("resumed"))["events"][-1]["text"] == "seguimos"


@pytest.fixture
async def impatient() -> AsyncIterator[int]:
    """A bare server on our protocol class that pings every 0.2 s; its port."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        wire: Wire = scope["extensions"][EXTENSION]
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "tertulia.v1"})
        await wire.lost.wait()

    config = uvicorn.Config(app, port=0, http=Http, ws=Wire, lifespan="off", log_level="error", ws_ping_interval=0.2,
                            ws_ping_timeout=0.2, ws_per_message_deflate=False)  # fmt: skip
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield server.servers[0].sockets[0].getsockname()[1]
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
