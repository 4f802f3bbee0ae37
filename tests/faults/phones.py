"""Thousands of clients in one process: each a socket and little else, so that the server is what is measured."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

HANDSHAKE = (
    "GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: tertulia.v1\r\n\r\n"
)


def many_files(count: int) -> None:
    """Let this process have so many open, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count + 200, hard), hard))


class Phone(asyncio.Protocol):
    """One who says hello, counts what comes and comes back when it is cut off, by the waits that the documentation asks for."""

    def __init__(self, port: int, token: str, chat: str = "") -> None:
        self.port, self.token, self.chat = port, token, chat
        self.welcomed = asyncio.Event()
        self.gone = asyncio.Event()
        self.codes: list[int] = []
        self.status = b""
        self.seqs: list[int] = []
        self.resets: list[str] = []
        self.hellos = self.answers = 0
        self.lag = list[float]()
        self.on_posted: Callable[[dict[str, Any]], None] | None = None
        self.retry_after = 0.0
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._refs = itertools.count()
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._open = False

    async def connect(self) -> bool:
        """One try; whether it was welcomed."""
        self.welcomed.clear()
        self.gone.clear()
        self._rest, self._open, self.status = b"", False, b""
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self, "127.0.0.1", self.port)
        except OSError:
            self.gone.set()
            return False
        waiting = [asyncio.ensure_future(one.wait()) for one in (self.welcomed, self.gone)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        for one in waiting:
            one.cancel()
        return self.welcomed.is_set()

    async def come_back(self) -> None:
        """Until one is welcomed: at once, then ever later, and not before the server said."""
        for attempt in itertools.count():
            if await self.connect():
                return
            wait = min(30.0, 0.5 * 2**attempt)
            await asyncio.sleep(max(self.retry_after, random.uniform(wait / 2, wait)))
            self.retry_after = 0.0

    async def post(self, text: str, client_id: str) -> tuple[dict[str, Any], float]:
        """The answer and how long it took."""
        if self._transport is None:
            raise ConnectionError("there is no connection")
        ref = f"r{next(self._refs)}"
        answer = self._asked[ref] = asyncio.get_running_loop().create_future()
        began = time.monotonic()
        self.send({"type": "post", "ref": ref, "conversation": self.chat, "client_id": client_id, "text": text})
        return await asyncio.wait_for(answer, 30), time.monotonic() - began

    def send(self, command: dict[str, Any]) -> None:
        self.write(text_frame(json.dumps(command)))

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def stop_reading(self) -> None:
        assert self._transport is not None
        self._transport.pause_reading()

    def read_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # What the network does to it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(HANDSHAKE.format(key=key).encode())

    def connection_lost(self, problem: Exception | None) -> None:
        self._transport = None
        self.gone.set()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the connection ended"))
        self._asked.clear()

    def data_received(self, data: bytes) -> None:
        data, self._rest = self._rest + data, b""
        at = 0
        if not self._open:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            self.status = data[9:12]
            if self.status != b"101":
                return
            self._open, at = True, end + 4
            resume = [{"conversation": self.chat, "after": self.seqs[-1], "epoch": ""}] if self.seqs else []
            self.hellos += 1
            self.send({"type": "hello", "token": self.token, "resume": resume})
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if start + size > len(data):
                break
            self._frame(data[at], data[start : start + size])
            at = start + size
        self._rest = data[at:]

    def _frame(self, head: int, payload: bytes) -> None:
        if head == 0x89:
            self.write(b"\x8a" + bytes([0x80 | len(payload)]) + bytes(4) + payload)
        elif head == 0x88:
            self.codes.append(int.from_bytes(payload[:2], "big"))
            self.write(b"\x88\x82" + bytes(4) + payload[:2])
        elif head == 0x81:
            # Most of what comes needs no more than a look.
            if payload.startswith((b'{"type":"presence"', b'{"type":"receipt"', b'{"type":"suggested"')):
                return
            self._event(json.loads(payload))

    def _event(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "welcome":
                if not self.seqs and event["conversations"]:
                    self.seqs.append(event["conversations"][0]["last_seq"])
                self.welcomed.set()
            case "goaway":
                self.retry_after = event["retry_after_ms"] / 1_000
            case "resumed":
                self.seqs += [one["seq"] for one in event.get("events", [])]
            case "reset":
                self.resets.append(event["reason"])
            case "accepted" | "refused" | "advised":
                answer = self._asked.pop(event.get("ref", ""), None)
                if answer is not None and not answer.done():
                    answer.set_result(event)
            case "posted" | "changed" | "hidden" | "joined" | "left" | "setting" | "invitation":
                if event["conversation"] == self.chat and (not self.seqs or event["seq"] > self.seqs[-1]):
                    self.seqs.append(event["seq"])
                    if self.on_posted is not None:
                        self.on_posted(event)


def text_frame(text: str) -> bytes:
    """As a client writes it; a mask of zeros leaves the text as it is."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return b"\x81" + bytes([0x80 | size]) + bytes(4) + payload
    if size < 65_536:
        return b"\x81\xfe" + size.to_bytes(2, "big") + bytes(4) + payload
    return b"\x81\xff" + size.to_bytes(8, "big") + bytes(4) + payload


def memory(pid: int) -> int:
    """What a process has in memory, in bytes."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def files(pid: int) -> int:
    """How many files a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def quantile(values: list[float], share: float) -> float:
    """The value below which ``share`` of them lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
