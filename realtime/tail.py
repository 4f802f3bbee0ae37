"""The newest events of conversations that are alive: who comes back after a moment is answered from memory."""

from __future__ import annotations

from collections import deque

import msgspec

from storage.values import LogItem, Message

NODE_BYTES = 32 * 1024 * 1024  # of all conversations of a node together, as far as texts and events can be weighed
EVENT_BYTES = 1_000  # of an event beside its text


class Tail:
    """The last events of one conversation, without a gap and in their current form: just what the log would answer."""

    __slots__ = ("_items",)

    def __init__(self) -> None:
        self._items: deque[LogItem] = deque()

    def add(self, item: LogItem) -> None:
        """Take the next event in. A change of a message is a change of all its events, as it is in the log."""
        if self._items and self._items[-1].seq + 1 != item.seq:
            self._items.clear()
        self._items.append(item)
        if item.message is not None and item.message.version != item.message.seq:
            self._restate(item.message)

    def since(self, after: int) -> list[LogItem] | None:
        """The events behind ``after``, oldest first; None if they are not all here."""
        missing = self._items[-1].seq - after if self._items else 0
        if not 0 < missing <= len(self._items):
            return None
        return [self._items[n] for n in range(len(self._items) - missing, len(self._items))]

    def forget(self, seq: int) -> None:
        """Let go of what is there up to ``seq``."""
        while self._items and self._items[0].seq <= seq:
            self._items.popleft()

    def _restate(self, message: Message) -> None:
        for n, one in enumerate(self._items):
            if one.message is not None and one.message.id == message.id and one.message.version < message.version:
                self._items[n] = msgspec.structs.replace(one, message=message)


class Tails:
    """The tails of all conversations of a node: when there is too much, the oldest event of all goes first."""

    def __init__(self, most: int = NODE_BYTES) -> None:
        self._most = most
        self._held = 0
        self._order: deque[tuple[Tail, int, int]] = deque()

    def add(self, tail: Tail, item: LogItem) -> None:
        """Take an event in at the end of ``tail``."""
        tail.add(item)
        size = EVENT_BYTES if item.message is None else EVENT_BYTES + len(item.message.text)
        self._order.append((tail, item.seq, size))
        self._held += size
        while self._held > self._most:
            oldest, seq, weighed = self._order.popleft()
            oldest.forget(seq)
            self._held -= weighed
