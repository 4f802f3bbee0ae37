"""How many are let in at once. After a deploy thousands come back in the same second: they are served in turn, not all badly."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import AsyncIterator

from prometheus_client import Counter, Gauge

AT_ONCE = 24  # hellos that are being served; more would only wait for the database's few readers
WAIT_SECONDS = 2.0  # in line; who would have to wait longer is told when to come back
LINE = 1_000  # people who wait, at most
FIRST_SECONDS = 0.02  # that a hello is taken to need before any was served
AGAIN_SECONDS = 1.0, 30.0  # the soonest and the latest that anybody is told to come back

ADMITTED = Counter(
    "tertulia_hellos_total", "Hellos, by what became of them: admitted, or told to come back.", ("outcome",)
)
WAITING = Gauge("tertulia_hellos_waiting", "People who wait in line to be let in.")


class Busy(Exception):
    """Too many are coming at once. ``retry_after`` in seconds, another one for everybody."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"too many people are connecting at once; come back in {self.retry_after:.1f} s"


class Admission:
    """A door with a short line before it. Who finds the line too long gets a time at which there will be room."""

    def __init__(self, at_once: int = AT_ONCE, wait: float = WAIT_SECONDS) -> None:
        self._at_once = at_once
        self._wait = wait
        self._inside = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._seconds = FIRST_SECONDS
        self._booked = 0.0

    @contextlib.asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Wait for one's turn, and let the next one in afterwards. Raises Busy."""
        await self._turn()
        began = time.monotonic()
        ADMITTED.labels("admitted").inc()
        try:
            yield
        finally:
            self._seconds += 0.05 * (time.monotonic() - began - self._seconds)
            self._leave()

    @property
    def rate(self) -> float:
        """How many people a second get through, going by the latest."""
        return self._at_once / max(self._seconds, 0.001)

    async def _turn(self) -> None:
        if self._inside < self._at_once and not self._line:
            self._inside += 1
            return
        if len(self._line) >= min(LINE, self.rate * self._wait):
            ADMITTED.labels("later").inc()
            raise Busy(self._book())
        called = asyncio.get_running_loop().create_future()
        self._line.append(called)
        WAITING.set(len(self._line))
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():
                self._leave()  # it was one's turn, and one is gone
            raise

    def _leave(self) -> None:
        while self._line:
            called = self._line.popleft()
            WAITING.set(len(self._line))
            if not called.done():
                called.set_result(None)
                return
        self._inside -= 1

    def _book(self) -> float:
        """The next time at which somebody could be let in behind all who wait and all who were told a time already."""
        soonest, latest = AGAIN_SECONDS
        now = time.monotonic()
        self._booked = max(self._booked, now + soonest) + 1 / self.rate
        return min(self._booked - now, latest) + random.uniform(0, soonest)
