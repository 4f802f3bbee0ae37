"""Several server processes behind one port of one machine: a parent that starts them, and again when one ends, and ends them.

The parent holds the listening socket and hands it down, so that who knocks while a process is missing is let in by another. To each
process it holds a line: down it go the settings and the word to stop, up comes that it is ready, and when the parent is
gone the line breaks and the processes stop by themselves. They hear each other as servers on several machines do.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, cast

import click
import msgspec

from server import logs
from server.config import Config

AGAIN_SECONDS = 0.5, 30.0  # before a process that ended is started again: at first, and at most; doubled each time
STEADY_SECONDS = 60.0  # who has lived this long begins at the first again
READY_SECONDS = 120.0  # for a process to get ready while the others are being renewed
FAREWELL_SECONDS = 15.0  # beyond the drain, then a process is killed
_CHILD = "from server.processes import child; child()"

logger = logging.getLogger("tertulia.processes")


class Seat(msgspec.Struct, frozen=True):
    """A process's place among those that share a port: ``number`` of ``count``, and the two ends that its parent gave it."""

    number: int
    count: int
    listener: socket.socket
    line: socket.socket

    def __str__(self) -> str:
        return f"{self.number} of {self.count}"

    def ready(self) -> None:
        """Tell the parent that people can come."""
        with contextlib.suppress(OSError):
            self.line.sendall(b"ready\n")

    def follow(self, leave: Callable[[], object], end: Callable[[], object]) -> None:
        """Call ``leave`` when the parent says so or is gone, and ``end`` when it cannot wait; from a thread of its own."""
        threading.Thread(target=self._follow, args=(leave, end), name="tertulia-parent", daemon=True).start()

    def _follow(self, leave: Callable[[], object], end: Callable[[], object]) -> None:
        with contextlib.suppress(OSError), self.line.makefile("rb") as said:
            for word in said:
                leave() if word == b"stop\n" else end()
        leave()


def child() -> None:
    """What each process runs: the settings come down the line, the rest is that of a single server."""
    from server.app import serve
    from server.cli import failures_told

    listener, line = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    number, count, config = _settings.decode(_line_of(line))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the parent gets it too, and says what to do
    try:
        with failures_told():
            serve(config, Seat(number, count, listener, line))
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)


def serve_many(config: Config, count: int) -> None:
    """Run ``count`` processes until SIGTERM or SIGINT; SIGHUP renews them one after the other.

    Raises ValueError for settings that only a single process can have, OSError when the port cannot be had.
    """
    if not (config.database.startswith("postgres") and config.redis):
        raise ValueError("Several processes need PostgreSQL and Redis: give --database postgresql://… and --redis too.")
    logs.configure(config.log)
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.create_server((config.host, config.port), family=family, backlog=2_048) as listener:
        status = asyncio.run(_Parent(config, count, listener).run())
    if status:
        sys.exit(status)


class _Process:
    """One process and the line to it."""

    def __init__(self, process: asyncio.subprocess.Process, line: asyncio.StreamWriter) -> None:
        self.process = process
        self._line = line
        self.began = time.monotonic()

    def say(self, word: bytes) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            self._line.write(word)

    async def ended(self) -> int:
        status = await self.process.wait()
        self._line.close()
        return status

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()


class _Parent:
    """Keeps ``count`` processes running."""

    def __init__(self, config: Config, count: int, listener: socket.socket) -> None:
        self._config = config
        self._count = count
        self._listener = listener
        self._processes: dict[int, _Process] = {}
        self._ready = {number: asyncio.Event() for number in range(1, count + 1)}
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._renewal: asyncio.Task[None] | None = None
        self._renewed: set[int] = set()
        self._hears: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> int:
        """Run until a signal; 0 when all ended as they should."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._renew)
        # The first one brings the database up to date, and what is wrong with the settings is told once.
        keepers = [asyncio.create_task(self._keep(1))]
        stopping = asyncio.ensure_future(self._stopping.wait())
        first = asyncio.ensure_future(self._ready[1].wait())
        await asyncio.wait(
            cast(list[asyncio.Future[Any]], [keepers[0], first, stopping]), return_when=asyncio.FIRST_COMPLETED
        )
        if keepers[0].done():
            return keepers[0].result() or 1
        if not self._stopping.is_set():
            keepers += [asyncio.create_task(self._keep(number)) for number in range(2, self._count + 1)]
            everybody = asyncio.ensure_future(asyncio.gather(*(event.wait() for event in self._ready.values())))
            await asyncio.wait(
                cast(list[asyncio.Future[Any]], [everybody, stopping]), return_when=asyncio.FIRST_COMPLETED
            )
        if not self._stopping.is_set():
            port = self._listener.getsockname()[1]
            host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
            where = f"http://{host}:{port}/ with {self._count} processes"
            print(f"Tertulia {version('tertulia')} is ready on {where}", flush=True)  # noqa: T201
        await self._stopping.wait()
        self._listener.close()
        for seat in self._processes:
            self._send_away(seat)
        return await self._end(keepers)

    async def _end(self, keepers: list[asyncio.Task[int]]) -> int:
        hurry = asyncio.create_task(self._hurry.wait())
        ended = asyncio.ensure_future(asyncio.gather(*keepers))
        patience = self._config.drain_seconds + FAREWELL_SECONDS
        await asyncio.wait(
            cast(list[asyncio.Future[Any]], [ended, hurry]), timeout=patience, return_when=asyncio.FIRST_COMPLETED
        )
        if not ended.done():
            for process in self._processes.values():
                process.say(b"now\n")
            await asyncio.wait([ended], timeout=FAREWELL_SECONDS)
        for process in self._processes.values():
            process.kill()
        return max(await ended)

    async def _keep(self, number: int) -> int:
        """Have one seat taken, again and again, until the end; its last process's exit status, 1 for a signal."""
        soonest, latest = AGAIN_SECONDS
        wait, first = soonest, True
        while not self._stopping.is_set():
            process = self._processes[number] = await self._start(number)
            if self._stopping.is_set():
                self._send_away(number)
            status = await process.ended()
            was_ready = self._ready[number].is_set()
            self._ready[number].clear()
            if self._stopping.is_set():
                return (status if status >= 0 else 1) if was_ready else 0
            if first and number == 1 and not was_ready:
                return status if status > 0 else 1
            first = False
            if number in self._renewed:
                self._renewed.discard(number)
                continue
            wait = soonest if time.monotonic() - process.began > STEADY_SECONDS else min(wait * 2, latest)
            logger.error("process %d of %d ended with %d and is started again", number, self._count, status)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)
        return 0

    def _send_away(self, number: int) -> None:
        process = self._processes[number]
        if self._ready[number].is_set():
            process.say(b"stop\n")
        else:
            process.end()  # nobody is there yet

    async def _start(self, number: int) -> _Process:
        ours, theirs = socket.socketpair()
        with theirs:
            ends = (self._listener.fileno(), theirs.fileno())
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-c", _CHILD, *map(str, ends), stdin=asyncio.subprocess.DEVNULL, pass_fds=ends,
                process_group=0,
            )  # fmt: skip
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(_encode((number, self._count, self._config)) + b"\n")
        self._hears[number] = asyncio.create_task(self._hear(number, reader))
        return _Process(process, writer)

    async def _hear(self, number: int, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            if await reader.readline() == b"ready\n":
                self._ready[number].set()

    def _stop(self) -> None:
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    def _renew(self) -> None:
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew_all())

    async def _renew_all(self) -> None:
        """Stop one process, wait for its successor, go on to the next. Ends where a successor does not get ready."""
        for number in range(1, self._count + 1):
            if self._stopping.is_set():
                return
            self._renewed.add(number)
            was = self._processes[number]
            was.say(b"stop\n")
            try:
                async with asyncio.timeout(self._config.drain_seconds + FAREWELL_SECONDS + READY_SECONDS):
                    await was.process.wait()
                    while self._processes[number] is was:  # noqa: ASYNC110 - its keeper is about to put another there
                        await asyncio.sleep(0.01)
                    await self._ready[number].wait()
            except TimeoutError:
                logger.error("process %d of %d was not renewed; the others are left as they are", number, self._count)
                return
        logger.info("all %d processes are new", self._count)


def _line_of(line: socket.socket) -> bytes:
    """Up to the first newline, and nothing behind it."""
    received = bytearray()
    while not received.endswith(b"\n"):
        byte = line.recv(1)
        if not byte:
            os._exit(1)
        received += byte
    return bytes(received)


_encode = msgspec.json.Encoder().encode
_settings = msgspec.json.Decoder(tuple[int, int, Config])
