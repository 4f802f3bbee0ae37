"""Work that may wait or be left undone: done in small steps while the event loop has little else to do.

On the loop and not in a thread: a thread that computes keeps the interpreter's lock for up to 5 ms at a time, a step is
over in less than one. Between steps everything that has come in meanwhile goes first.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator

from prometheus_client import Counter

Work = Callable[[], Iterator[None]]

SHARE = 0.1  # of the loop's time, at most
BUSY = 0.5  # share of a processor that the loop takes; from here on nothing is begun
GATHERING_SECONDS = 0.03  # before work is begun: what is overtaken meanwhile was not worth it
STALE_SECONDS = 3.0  # work that has waited longer is dropped
WAITING = 64  # pieces of work; the oldest is dropped for a newer one
LATE_SECONDS = 0.02  # for a timer: from here on the machine has too little for all, and nothing is begun
WINDOW_SECONDS = 0.1  # over which the loop's share is measured, at least

DROPPED = Counter("tertulia_suggestions_dropped_total", "Messages not read for suggestions: others were more urgent.")

logger = logging.getLogger("tertulia.spare_time")


class SpareTime:
    """Does the newest work first. ``dropped`` counts what was left undone because something else was more urgent.

    ``clock`` and ``cpu`` tell the time and the processor time of the loop's thread, in seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, cpu: Callable[[], float] = time.thread_time
    ) -> None:
        self.dropped = 0
        self._clock, self._cpu = clock, cpu
        self._waiting: dict[object, tuple[float, Work]] = {}
        self._running: Iterator[None] | None = None
        self._due: float | None = None
        self._was_busy = False
        self._measured = (0.0, 0.0)
        self._own = 0.0  # processor time of the work itself since then: it must not hold itself up

    def put(self, key: object, work: Work) -> None:
        """Do this some time. It takes the place of work under the same key that was not begun."""
        self._waiting.pop(key, None)
        if len(self._waiting) >= WAITING:
            self._drop(next(iter(self._waiting)))
        self._waiting[key] = (self._clock(), work)
        if self._due is None:
            self._next(GATHERING_SECONDS)

    def forget(self, key: object) -> None:
        """Do not begin what waits under a key."""
        self._waiting.pop(key, None)

    def _next(self, seconds: float) -> None:
        self._due = self._clock() + seconds
        asyncio.get_running_loop().call_later(seconds, self._turn)

    def _turn(self) -> None:
        now = self._clock()
        late = self._due is not None and now - self._due > LATE_SECONDS
        self._due = None
        for key in [key for key, (since, _) in self._waiting.items() if now - since > STALE_SECONDS]:
            self._drop(key)
        if self._busy(now) or late:
            if self._running or self._waiting:
                self._next(WINDOW_SECONDS)
            return
        if self._running is None and self._waiting:
            _, (_, work) = self._waiting.popitem()
            self._running = work()
        if self._running is not None:
            self._step(self._running)
            # Reckoned by the clock: where the machine has too little for all, the rest grows with it.
            self._next((self._clock() - now) * (1 / SHARE - 1))

    def _step(self, running: Iterator[None]) -> None:
        began = self._cpu()
        try:
            next(running)
        except StopIteration:
            self._running = None
        except Exception as problem:
            # By its type alone: its own words may hold a message's.
            self._running = None
            logger.error("work in spare time failed: %s", type(problem).__name__)
        self._own += self._cpu() - began

    def _busy(self, now: float) -> bool:
        """Whether the loop had much else to do over the last window."""
        since, before = self._measured
        if now - since >= WINDOW_SECONDS:
            cpu = self._cpu()
            self._was_busy = cpu - before - self._own > BUSY * (now - since)
            self._measured, self._own = (now, cpu), 0.0
        return self._was_busy

    def _drop(self, key: object) -> None:
        del self._waiting[key]
        self.dropped += 1
        DROPPED.inc()
