"""Between nodes: doorbells that say what was appended where, and signals that nobody misses if they are lost.

A doorbell is never the only copy: a node that misses one finds the gap in ``seq`` and reads the log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from storage.values import LogItem


class Doorbell(msgspec.Struct, frozen=True):
    """Something was appended to a conversation. ``item`` comes along where it is small or the listener is in this process."""

    tenant: str
    conversation: str
    epoch: str
    seq: int
    item: LogItem | None = None


class Signal(msgspec.Struct, frozen=True):
    """A frame's payload that is not part of any log: typing, presence, receipts, and the desk's and the staff's news.

    ``channel`` is ``conversation``, ``desk`` or ``staff``; ``to`` the conversation's id, empty for the others. The connections
    of ``sender`` do not hear it.
    """

    tenant: str
    channel: str
    to: str
    payload: bytes
    sender: str = ""


class Broker(Protocol):
    """Carries doorbells and signals to every node that listens, its own included.

    Delivery is at most once and in no certain order; ``publish`` comes after the commit, never before it.
    """

    async def start(self, ring: Callable[[Doorbell], None], hear: Callable[[Signal], None]) -> None:
        """Begin to listen: ``ring`` and ``hear`` are called on the event loop."""
        ...

    def publish(self, doorbell: Doorbell) -> None:
        """Tell all nodes. Returns at once; what cannot be sent is counted and dropped."""
        ...

    def signal(self, signal: Signal) -> None:
        """Tell all nodes, without any promise."""
        ...

    async def close(self) -> None:
        """Stop listening."""
        ...


class MemoryBroker:
    """For one process: whoever publishes is heard at once."""

    def __init__(self) -> None:
        self._ring: Callable[[Doorbell], None] | None = None
        self._hear: Callable[[Signal], None] | None = None

    async def start(self, ring: Callable[[Doorbell], None], hear: Callable[[Signal], None]) -> None:
        """See Broker."""
        self._ring, self._hear = ring, hear

    def publish(self, doorbell: Doorbell) -> None:
        """See Broker."""
        if self._ring is not None:
            self._ring(doorbell)

    def signal(self, signal: Signal) -> None:
        """See Broker."""
        if self._hear is not None:
            self._hear(signal)

    async def close(self) -> None:
        """See Broker."""
        self._ring = self._hear = None
