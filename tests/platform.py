"""A platform with its people, over a real server: what the tests of the chat are written in."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
from sqlalchemy import create_engine
from websockets.asyncio.client import ClientConnection, connect

from storage import tenants
from storage.database import normalise


class Client:
    """One connection. ``ask`` sends a command and gives its answer; all else that comes is kept in ``events``."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.welcome: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self._refs = itertools.count(1)
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Event()
        self.reader = asyncio.create_task(self._read())

    async def say_hello(self, token: str, **fields: Any) -> Client:
        await self.send(type="hello", token=token, **fields)
        self.welcome = await self.next("welcome")
        return self

    async def send(self, **command: Any) -> None:
        await self.socket.send(json.dumps(command))

    async def ask(self, type: str, **fields: Any) -> dict[str, Any]:
        ref = f"r{next(self._refs)}"
        answer = self._answers[ref] = asyncio.get_running_loop().create_future()
        await self.send(type=type, ref=ref, **fields)
        return await asyncio.wait_for(answer, 10)

    async def post(self, conversation: str, text: str, client_id: str = "", **fields: Any) -> dict[str, Any]:
        client_id = client_id or f"{id(self)}-{next(self._refs)}"
        return await self.ask("post", conversation=conversation, client_id=client_id, text=text, **fields)

    async def history(self, conversation: str, **fields: Any) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = (await self.ask("history", conversation=conversation, **fields))["events"]
        return events

    async def next(self, type: str, **fields: Any) -> dict[str, Any]:
        """The first event not yet taken of this type and with these fields; waits for it."""
        async with asyncio.timeout(10):
            while True:
                for event in self.events:
                    if event["type"] == type and fields.items() <= event.items():
                        self.events.remove(event)
                        return event
                self._news.clear()
                await self._news.wait()

    async def settled(self) -> list[dict[str, Any]]:
        """All that has come and was not taken, once the server has answered everything before."""
        await self.ask("history", conversation="no such conversation")
        await asyncio.sleep(0.05)
        events, self.events = self.events, []
        return events

    async def close_code(self) -> int:
        """Waits until the server hangs up, and tells why."""
        async with asyncio.timeout(15):
            await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return self.socket.close_code

    async def close(self) -> None:
        await self.socket.close()
        await self.reader

    async def _read(self) -> None:
        with contextlib.suppress(Exception):
            async for frame in self.socket:
                event = json.loads(frame)
                waiting = self._answers.pop(event.get("ref", ""), None)
                if waiting is not None:
                    waiting.set_result(event)
                else:
                    self.events.append(event)
                    self._news.set()


class Platform:
    """A marketplace's backend, and the phones of its people."""

    def __init__(self, url: str, ws_url: str, api_key: str) -> None:
        self.ws_url, self.api_key = ws_url, api_key
        self.http = httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {api_key}"}, trust_env=False)
        self._clients: list[Client] = []

    async def open(self, *people: str, **fields: Any) -> str:
        """Opens a conversation of people such as ``ana:buyer``; its id."""
        participants = [
            {"id": id, "name": id.title(), "role": role, "lang": "es"}
            for id, role in (one.split(":") for one in people)
        ]
        body = {"title": "Title", "participants": participants, **fields}
        response = await self.http.post("/v1/conversations", json=body)
        assert response.status_code == 201, response.text
        id: str = response.json()["id"]
        return id

    async def token(self, participant: str, role: str = "buyer", **fields: Any) -> str:
        body = {"participant": participant, "name": participant.title(), "role": role, "lang": "es", **fields}
        response = await self.http.post("/v1/tokens", json=body)
        assert response.status_code == 201, response.text
        token: str = response.json()["token"]
        return token

    async def raw(self, **options: Any) -> Client:
        """A connection on which nothing was said yet."""
        socket = await connect(self.ws_url, subprotocols=["tertulia.v1"], proxy=None, **options)  # type: ignore[list-item]
        client = Client(socket)
        self._clients.append(client)
        return client

    async def connect(self, participant: str, role: str = "buyer", *, resume: Any = (), **fields: Any) -> Client:
        client = await self.raw()
        return await client.say_hello(await self.token(participant, role, **fields), resume=list(resume))

    async def leave(self) -> None:
        for client in self._clients:
            await client.close()
        await self.http.aclose()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def chat_server(request: pytest.FixtureRequest, start_server: Callable[..., Any]) -> Any:
    """A server that many tests share, once with SQLite and once with PostgreSQL. Each test is a tenant of its own."""
    environment = {
        "TERTULIA_POSTS_PER_SECOND": "1000", "TERTULIA_POSTS_BURST": "1000", "TERTULIA_ORIGIN": "https://shop.example",
    }  # fmt: skip
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        name = server.create(request.getfixturevalue("postgres_template"))
        environment |= {"TERTULIA_DATABASE": server.url(name), "TERTULIA_API_KEY": "not used by any test"}
        # As a careful operator would have it: whatever is read without its tenant's name finds nothing.
        environment["TERTULIA_READER_ROLE"] = "tertulia_reader"
    return start_server(**environment)


def new_tenant(database: str, id: str) -> str:
    """Makes a tenant, as an operator would; its API key."""
    engine = create_engine(normalise(database), connect_args={"timeout": 20} if "sqlite" in database else {})
    key = secrets.token_hex(16)
    with engine.begin() as connection:
        tenants.ensure(connection, id, id, key, 1)
    engine.dispose()
    return key


@pytest.fixture
async def platform(chat_server: Any) -> AsyncIterator[Platform]:
    """A platform that has the server to itself, as far as it can see."""
    database = chat_server.environment["TERTULIA_DATABASE"]
    platform = Platform(chat_server.url, chat_server.ws_url, new_tenant(database, f"tenant-{secrets.token_hex(4)}"))
    yield platform
    await platform.leave()


@pytest.fixture
async def other_platform(chat_server: Any) -> AsyncIterator[Platform]:
    """Another tenant of the same server."""
    database = chat_server.environment["TERTULIA_DATABASE"]
    platform = Platform(chat_server.url, chat_server.ws_url, new_tenant(database, f"tenant-{secrets.token_hex(4)}"))
    yield platform
    await platform.leave()
