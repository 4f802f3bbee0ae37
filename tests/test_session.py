"""The session of docs/protocol.md, played line by line against a real server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect

PAGE = Path(__file__).resolve().parent.parent / "docs/protocol.md"
ROLES = {"ana": "buyer", "beto": "seller", "eva": "agent"}
# What a page cannot know beforehand: times are only there, ids and the epoch get a meaning where they are first seen.
TIMES = {"at", "server_time", "waiting_ms", "joined_at"}
NAMES = re.compile(r"[mi]\d|[0-9a-f]{16}")
REST = "..."


def lines() -> Iterator[tuple[str, str, str]]:
    """Each line of the session: who, in which direction, what."""
    for block in re.findall(r"^```session\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL):
        for line in re.sub(r"\n +", "", block).splitlines():
            who, arrow, words = re.fullmatch(r"(\w+)([<>]) (.+)", line).groups()  # type: ignore[union-attr]
            yield who, arrow, words


def written(words: str) -> Any:
    """The JSON on the page; ``...`` between fields becomes a field of that name."""
    return json.loads(re.sub(r"(?<=[,{])\.\.\.(?=[,}])", lambda _: next(_rests), words))


_rests = (f'"...{n}":0' for n in range(10_000))


class Meanings(dict[str, str]):
    """What the page's ids stand for in this run."""

    def real(self, page: Any) -> Any:
        """What is sent: the page's value with its ids made real."""
        match page:
            case dict():
                return {key: self.real(value) for key, value in page.items()}
            case list():
                return [self.real(value) for value in page]
            case str():
                return self.get(page, page)
        return page

    def fits(self, page: Any, real: Any, key: str = "") -> bool:
        """Whether what came is what the page shows; fields that it leaves out must be marked by ``...``."""
        match page, real:
            case dict(), dict():
                shown = {name for name in page if not name.startswith(REST)}
                complete = len(shown) == len(page)
                return (shown == set(real) if complete else shown <= set(real)) and all(
                    self.fits(page[name], real[name], name) for name in shown
                )
            case list(), list():
                return len(page) == len(real) and all(map(self.fits, page, real))
            case str(), str() if NAMES.fullmatch(page):
                return self.setdefault(page, real) == real
            case str(), str():
                return re.fullmatch(re.escape(page).replace(re.escape(REST), ".*"), real) is not None
        return key in TIMES or page == real


def done_by_others(event: dict[str, Any], who: str) -> bool:
    """What the page leaves out. One's own messages are not, for ``accepted`` must come before them."""
    return event["type"] in ("presence", "receipt", "invitation", "joined") or event.get("author", who) != who


async def test_the_session_on_the_page_goes_as_it_says(serve: Callable[..., Any]) -> None:
    server, sockets, meanings = serve(), dict[str, ClientConnection](), Meanings()
    with httpx2.Client(headers={"Authorization": f"Bearer {server.api_key}"}, trust_env=False) as platform:
        people = [{"id": who, "name": who.title(), "role": ROLES[who], "lang": "es"} for who in ("ana", "beto")]
        made = {"id": "c1", "title": "Cesta de temporada", "listing": "groceries", "participants": people}
        assert platform.post(f"{server.url}/v1/conversations", json=made).status_code == 201
        tokens = {}
        for who, role in ROLES.items():
            asked = {"participant": who, "name": who.title(), "role": role, "lang": "es"}
            tokens[who] = platform.post(f"{server.url}/v1/tokens", json=asked).json()["token"]

    for who, arrow, words in lines():
        if words.startswith("("):
            await sockets.pop(who).close()
        elif arrow == ">":
            command = meanings.real(written(words))
            if command["type"] == "hello":
                command["token"] = tokens[who]
                sockets[who] = await connect(server.ws_url, subprotocols=["tertulia.v1"], proxy=None)  # type: ignore[list-item]
            await sockets[who].send(json.dumps(command))
        else:
            page = written(words)
            event = json.loads(await sockets[who].recv())
            while event["type"] != page["type"] and done_by_others(event, who):
                event = json.loads(await sockets[who].recv())
            assert meanings.fits(page, event), f"{who}: the page shows {words}, but this came: {event}"
    for socket in sockets.values():
        await socket.close()
