"""The proxy that the fault tests stand before servers does what it says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.faults.proxy import Proxy


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1_000):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with Proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


async def say(proxy: Proxy, text: bytes = b"hola") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(text)
    return reader, writer


async def test_it_passes_what_it_gets_and_the_end_of_it(proxy: Proxy) -> None:
    reader, writer = await say(proxy)
    assert await reader.readexactly(4) == b"hola"
    assert (proxy.connections, proxy.up.moved, proxy.down.moved) == (1, 4, 4)
    writer.close()
    async with asyncio.timeout(5):
        while proxy.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_stall_keeps_the_connection_and_what_was_said_comes_when_it_is_over(proxy: Proxy) -> None:
    proxy.stall(up=False)
    reader, writer = await say(proxy)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readexactly(4), 0.2)
    proxy.heal()
    assert await asyncio.wait_for(reader.readexactly(4), 5) == b"hola"
    writer.close()


async def test_a_delay_holds_everything_up(proxy: Proxy) -> None:
    proxy.down.delay = 0.3
    began = asyncio.get_running_loop().time()
    reader, writer = await say(proxy)
    assert await reader.readexactly(4) == b"hola"
    assert asyncio.get_running_loop().time() - began >= 0.3
    writer.close()


async def test_a_cut_is_a_reset_and_whoever_comes_next_is_passed(proxy: Proxy) -> None:
    reader, _ = await say(proxy)
    await reader.readexactly(4)
    assert proxy.cut() == 1
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    reader, writer = await say(proxy)
    assert await reader.readexactly(4) == b"hola"
    writer.close()


async def test_whoever_comes_while_it_refuses_is_dropped_and_the_others_stay(proxy: Proxy) -> None:
    reader, writer = await say(proxy)
    await reader.readexactly(4)
    proxy.refuses = True
    dropped, _ = await say(proxy)
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await dropped.readexactly(1)
    writer.write(b"otra")
    assert await reader.readexactly(4) == b"otra"
    writer.close()
