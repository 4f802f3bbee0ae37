"""The servers that are measured, each a process of its own: ours and its peers."""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench import cpu, wire
from bench.postgres import Postgres, free_port
from bench.redis import Redis
from bench.wire import Seat

ROOT = Path(__file__).resolve().parent.parent
PEERS = Path(__file__).resolve().parent / "peers"
STARTING_SECONDS = 60.0
SILENT = ", no suggestions"
_ROLES = ("buyer", "seller", "provider")


class Server(ABC):
    """A running server. ``database`` is its own PostgreSQL, where it has one."""

    name: str
    wire: wire.Wire
    port: int
    process: subprocess.Popen[bytes]
    others: Sequence[subprocess.Popen[bytes]] = ()  # further processes of it, where it has several
    database: Postgres | None = None
    redis: Redis | None = None

    @abstractmethod
    def seats(self, conversations: int, members: int) -> Sequence[Sequence[Seat]]:
        """New conversations with their members, ready to be taken."""

    def cpu(self) -> float:
        """Microseconds that the server's processes have worked so far."""
        return sum(cpu.of_family(one.pid) for one in (self.process, *self.others))

    def database_cpu(self) -> float:
        """Microseconds that its database and its Redis have worked so far; 0 where all lies within the process."""
        return sum(cpu.of_family(one.pid) for one in (self.database, self.redis) if one is not None)

    def memory(self) -> float:
        """KiB that the server's processes hold, what they share with others divided among them (PSS)."""
        return sum(cpu.memory_of_family(one.pid) for one in (self.process, *self.others))

    def stop(self) -> None:
        for process in (self.process, *self.others):
            process.terminate()
        for process in (self.process, *self.others):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        for beside in (self.database, self.redis):
            if beside is not None:
                beside.stop()


class Peer(Server):
    """A program of ``bench/peers``: prints its port, and takes ``conversation/participant`` as token."""

    def __init__(
        self, name: str, talk: wire.Wire, command: Sequence[str | Path], database: Postgres | None = None,
        redis: Redis | None = None, nodes: int = 1,
    ) -> None:  # fmt: skip
        self.name, self.wire, self.database, self.redis = name, talk, database, redis
        started: list[subprocess.Popen[bytes]] = []
        self.ports: list[int] = []
        for _ in range(nodes):
            # One after the other: the first makes the tables.
            started.append(subprocess.Popen(command, cwd=PEERS, stdout=subprocess.PIPE, env=_environment()))
            self.ports.append(int(_first_line(started[-1], name)))
        self.process, *self.others = started
        self.port = self.ports[0]

    def seats(self, conversations: int, members: int) -> Sequence[Sequence[Seat]]:
        rooms = [f"c{secrets.token_hex(8)}" for _ in range(conversations)]
        return [
            [Seat(room, f"p{n}", f"{room}/p{n}", self.ports[n % len(self.ports)]) for n in range(members)]
            for room in rooms
        ]


def marketplace() -> Peer:
    """Node, Socket.IO, obscenity, a contact pattern, one INSERT a message."""
    database = Postgres()
    command = ["node", "marketplace.js", database.url]
    return Peer("Socket.IO + obscenity + INSERT", wire.SocketIO(), command, database)


def marketplace_nodes() -> Peer:
    """The same in two processes, with the Redis adapter of Socket.IO between them."""
    database, redis = Postgres(), Redis()
    command = ["node", "marketplace.js", database.url, redis.url]
    return Peer("Socket.IO + obscenity + INSERT, 2 nodes", wire.SocketIO(), command, database, redis, nodes=2)


def floor() -> Peer:
    """C: one epoll loop, one write a delivery."""
    return Peer("C, one write a delivery", wire.Tertulia(), [PEERS / "floor"])


def node_ws() -> Peer:
    """Node `ws`, relaying only."""
    return Peer("Node ws", wire.Tertulia(), ["node", "relay.js"])


def uwebsockets() -> Peer:
    """uWebSockets by `socketify`, relaying only."""
    return Peer("uWebSockets", wire.Tertulia(), [PEERS / ".venv/bin/python", PEERS / "relay.py"])


class Ours(Server):
    """``tertulia serve`` as anybody starts it, but for the limits on how fast one person may post."""

    wire = wire.Tertulia()

    def __init__(self, postgres: bool, suggestions: bool = True, nodes: int = 1) -> None:
        self.name = "Tertulia, PostgreSQL" if postgres else "Tertulia, SQLite"
        if not suggestions:
            self.name += SILENT
        if nodes > 1:
            self.name += f", {nodes} nodes"
        self.database = Postgres() if postgres else None
        self.redis = Redis() if nodes > 1 else None
        self.folder = Path(tempfile.mkdtemp(prefix="bench-tertulia-"))
        self.url = self.database.url if self.database else f"sqlite:///{self.folder}/bench.db"
        self._key = secrets.token_hex(24)
        self.log = (self.folder / "log").open("wb")
        settings = {
            "TERTULIA_POSTS_PER_SECOND": "1000000", "TERTULIA_POSTS_BURST": "1000000", "TERTULIA_DATABASE": self.url,
            "TERTULIA_API_KEY": self._key, "TERTULIA_SUGGESTIONS": "1" if suggestions else "0",
            "TERTULIA_REDIS": self.redis.url if self.redis else "",
        }  # fmt: skip
        self.ports: list[int] = []
        started: list[subprocess.Popen[bytes]] = []
        for _ in range(nodes):
            self.port = free_port()
            self.ports.append(self.port)
            started.append(
                subprocess.Popen(
                    [Path(sys.executable).parent / "tertulia", "serve", "--port", str(self.port)],
                    cwd=ROOT, stdout=self.log, stderr=self.log, env=_environment() | settings,
                )
            )  # fmt: skip
            self.process, *self.others = started
            self._wait()

    def seats(self, conversations: int, members: int) -> Sequence[Sequence[Seat]]:
        platform = HTTPConnection("127.0.0.1", self.port, timeout=STARTING_SECONDS)
        rooms = []
        for _ in range(conversations):
            people = [
                {"id": f"p{secrets.token_hex(8)}", "name": f"Member {n}", "role": _ROLES[n % len(_ROLES)]}
                for n in range(members)
            ]
            asked = {"title": "Bench", "listing": "electronics", "stage": "negotiation", "participants": people}
            room = self._ask(platform, "/v1/conversations", asked)["id"]
            tokens = [
                self._ask(
                    platform,
                    "/v1/tokens",
                    {
                        "participant": person["id"],
                        "name": person["name"],
                        "role": person["role"],
                        "conversations": [room],
                    },
                )["token"]
                for person in people
            ]
            rooms.append(
                [
                    Seat(room, person["id"], token, self.ports[n % len(self.ports)])
                    for n, (person, token) in enumerate(zip(people, tokens, strict=True))
                ]
            )
        platform.close()
        return rooms

    def stop(self) -> None:
        super().stop()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ask(self, platform: HTTPConnection, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        platform.request("POST", path, json.dumps(body), headers)
        answer = platform.getresponse()
        content = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"POST {path}: {answer.status} {content[:500]!r}")
        found: dict[str, Any] = json.loads(content)
        return found

    def _wait(self) -> None:
        until = time.monotonic() + STARTING_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5):
                    return
            except OSError:
                if any(one.poll() is not None for one in (self.process, *self.others)) or time.monotonic() > until:
                    log = (self.folder / "log").read_text()[-2000:]
                    self.stop()
                    raise RuntimeError(f"tertulia serve did not start: {log}") from None
                time.sleep(0.1)


def install_peers() -> list[str]:
    """Fetch what the peers need, once. Returns what could not be had, as sentences."""
    missing = []
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing.append("Node.js or npm is not installed: no Socket.IO, no Node ws, no obscenity.")
    elif not node_installed():
        # Without a lock file on purpose: package.json pins the exact versions that are measured.
        fetch = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        if subprocess.run(fetch, cwd=PEERS, check=False).returncode:
            missing.append("npm install failed in bench/peers: no Socket.IO, no Node ws, no obscenity.")
    if not floor_installed():
        compiler = shutil.which("cc")
        build = [str(compiler), "-O2", "-o", str(PEERS / "floor"), str(PEERS / "floor.c")]
        if compiler is None or subprocess.run(build, check=False).returncode:
            missing.append("No C compiler (cc): no loop in C.")
    if not python_installed():
        subprocess.run([sys.executable, "-m", "venv", PEERS / ".venv"], check=True)
        fetch = [
            str(PEERS / ".venv/bin/python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "-r",
            str(PEERS.parent / "requirements.txt"),
        ]
        if subprocess.run(fetch, check=False).returncode:
            missing.append("pip install failed in bench/peers/.venv: no uWebSockets, no better-profanity.")
            shutil.rmtree(PEERS / ".venv")
    return missing


def node_installed() -> bool:
    """Whether the peers that run on Node can be started."""
    return (PEERS / "node_modules/@socket.io/redis-adapter").exists()


def floor_installed() -> bool:
    """Whether the loop in C has been compiled from what is there."""
    program, source = PEERS / "floor", PEERS / "floor.c"
    return program.exists() and program.stat().st_mtime >= source.stat().st_mtime


def python_installed() -> bool:
    """Whether the peers that run on Python can be started."""
    return (PEERS / ".venv/bin/python").exists()


def _environment() -> dict[str, str]:
    """The environment without settings of ours that somebody may have exported."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TERTULIA_")}


def _first_line(process: subprocess.Popen[bytes], name: str) -> bytes:
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], STARTING_SECONDS)[0]:
        process.kill()
        raise RuntimeError(f"{name} did not start within {STARTING_SECONDS:.0f} s")
    line: bytes = process.stdout.readline()
    if not line.strip().isdigit():
        process.kill()
        raise RuntimeError(f"{name} did not start: {line!r}")
    return line
