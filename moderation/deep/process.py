"""The deep process as the hub holds it: started, spoken to over a socket pair, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import Callable, Sequence
from typing import cast

from moderation.deep.frames import BadStream, Frame, Judge, Unpacker, pack

# The process counts its own cores: libraries that start a thread for each would only wait for each other.
# And it keeps the memory of one batch for the next: glibc would hand it back to the system after each layer and take it
# again page by page, 15,000 of them a batch, which costs a quarter of its time. 32 MiB is the most that glibc allows.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
}


class Process(asyncio.Protocol):
    """One run of ``command``. ``heard`` takes the frames that come; ``ended`` is set when it is gone or beyond use."""

    def __init__(self, heard: Callable[[Frame], None]) -> None:
        self.pid = 0
        self.ended = asyncio.Event()
        self._heard = heard
        self._unpacker = Unpacker()
        self._transport: asyncio.Transport | None = None
        self._child: subprocess.Popen[bytes] | None = None

    async def start(self, command: Sequence[str]) -> None:
        """Start it. Raises OSError."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        # In a thread, because starting a process takes a moment in which nobody could be relayed anything.
        spawned = loop.run_in_executor(None, _spawn, command, theirs)
        try:
            self._child = await asyncio.shield(spawned)
        except asyncio.CancelledError:
            ours.close()
            with contextlib.suppress(OSError):  # which must not take the place of being cancelled
                self._child = await spawned  # so that it can be ended
            raise
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.pid = self._child.pid
        ours.setblocking(False)
        await loop.create_unix_connection(lambda: self, sock=ours)

    def send(self, asks: Sequence[Judge]) -> None:
        """Ask for scores; lost if it is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join([pack(ask) for ask in asks]))

    async def end(self) -> None:
        """Take it away, whatever it is doing, and wait until it is gone."""
        if self._transport is not None:
            self._transport.abort()
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()
            await asyncio.get_running_loop().run_in_executor(None, self._child.wait)

    # ------------------------------------------------------------------------------------- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        try:
            for frame in self._unpacker.feed(data):
                self._heard(frame)
        except BadStream:
            self.ended.set()

    def connection_lost(self, problem: Exception | None) -> None:
        """See asyncio."""
        self.ended.set()


def _spawn(command: Sequence[str], connection: socket.socket) -> subprocess.Popen[bytes]:
    # A session of its own: the interrupt that a terminal sends to the hub is not for it.
    return subprocess.Popen(
        list(command), stdin=connection.fileno(), stdout=subprocess.DEVNULL, env={**os.environ, **_ENVIRONMENT},
        start_new_session=True,
    )  # fmt: skip
