"""Between nodes: doorbells that say what was appended where, and news that nobody misses for long if it is lost.

A doorbell is never the only copy: a node that misses one finds the gap in ``seq`` and reads the log.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from storage.values import LogItem


class Doorbell(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something was appended to a conversation. ``item`` comes along where it is small or the listener is in this process."""

    tenant: str
    conversation: str
    epoch: str
    seq: int
    item: LogItem | None = None


class Signal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A frame's payload that is not part of any log: typing, receipts, and the desk's and the staff's news.

    ``channel`` is ``conversation``, ``desk``, ``staff``, ``person``, ``standing``, ``spread`` (somebody is connected to several
    nodes) or ``session`` (of the console, which has ended); ``to`` the conversation's or the person's id, empty for the desk and
    the staff. The connections of ``sender`` do not hear it.
    """

    tenant: str
    channel: str
    to: str
    payload: bytes
    sender: str = ""


class Attendance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who of a conversation is connected to the node that says so: all of them, each time.

    ``asks`` wants the same of the other nodes.
    """

    tenant: str
    conversation: str
    here: tuple[str, ...]
    asks: bool = False


class Listener(Protocol):
    """Who hears what the broker carries. Everything is called on the event loop and returns at once."""

    def ring(self, doorbell: Doorbell) -> None:
        """Something was appended, here or on another node."""
        ...

    def hear(self, signal: Signal) -> None:
        """A signal, from here or from another node."""
        ...

    def attended(self, node: str, attendance: Attendance) -> None:
        """Another node tells who is there."""
        ...

    def lost(self, node: str) -> None:
        """Another node has fallen silent: nobody is there any more, and what it said last may have been lost."""
        ...

    def missed(self) -> None:
        """Something was not heard, nobody knows what: look into the log."""
        ...

    def look(self) -> None:
        """Nothing is heard just now: look into the log, for those who must not wait until it is."""
        ...


class Broker(Protocol):
    """Carries news to every node that listens.

    Delivery is at most once and in no certain order; ``publish`` comes after the commit, never before it. The own node hears
    its doorbells and signals at once.
    """

    @property
    def state(self) -> str:
        """``ready`` while this node is heard and hears, else ``down``."""
        ...

    @property
    def alone(self) -> bool:
        """Whether there can be no other node: what nobody here listens to need not be told."""
        ...

    async def start(self, listener: Listener) -> None:
        """Begin to listen."""
        ...

    def publish(self, doorbell: Doorbell) -> None:
        """Tell all nodes. Returns at once; what cannot be sent is dropped, and the others notice that."""
        ...

    def signal(self, signal: Signal) -> None:
        """Tell all nodes, without any promise."""
        ...

    def attend(self, attendance: Attendance) -> None:
        """Tell the other nodes who is here."""
        ...

    async def close(self) -> None:
        """Stop listening."""
        ...


class MemoryBroker:
    """For one process: whoever publishes is heard at once."""

    state = "ready"
    alone = True

    def __init__(self) -> None:
        self._listener: Listener | None = None

    async def start(self, listener: Listener) -> None:
        """See Broker."""
        self._listener = listener

    def publish(self, doorbell: Doorbell) -> None:
        """See Broker."""
        if self._listener is not None:
            self._listener.ring(doorbell)

    def signal(self, signal: Signal) -> None:
        """See Broker."""
        if self._listener is not None:
            self._listener.hear(signal)

    def attend(self, attendance: Attendance) -> None:
        """See Broker."""

    async def close(self) -> None:
        """See Broker."""
        self._listener = None
