"""How each server is spoken to: what to send once connected, what a post looks like, what an arriving frame is."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

import msgspec

_json = msgspec.json.encode


class Kind(IntEnum):
    """What an arriving frame means to the load. A ``REFUSED`` post takes no number and is delivered to nobody."""

    OTHER = 0
    READY = 1
    ACCEPTED = 2
    DELIVERED = 3
    REFUSED = 4
    PING = 5


class Seat(msgspec.Struct, frozen=True):
    """One member of one conversation, and what opens the door to it. ``port`` is 0 where there is only one server."""

    conversation: str
    participant: str
    token: str
    port: int = 0


class Wire(Protocol):
    """``mark`` stands before the number that ``ACCEPTED`` and ``DELIVERED`` frames of one message have in common."""

    path: str
    headers: str
    mark: bytes
    pong: bytes

    def opening(self, seat: Seat) -> bytes:
        """The frame that follows the handshake."""
        ...

    def post(self, seat: Seat, ref: int, text: str) -> bytes:
        """The frame that says ``text``."""
        ...

    def kind(self, data: bytes, start: int) -> Kind:
        """What the frame is whose payload begins at ``start``."""
        ...


class Tertulia:
    """Ours: ``tertulia.v1``, and the same frames spoken by the two hubs that only relay."""

    path = "/v1/ws"
    headers = "Sec-WebSocket-Protocol: tertulia.v1\r\n"
    mark = b'"seq":'
    pong = b""

    def opening(self, seat: Seat) -> bytes:
        return _json({"type": "hello", "token": seat.token})

    def post(self, seat: Seat, ref: int, text: str) -> bytes:
        return _json(
            {
                "type": "post",
                "ref": str(ref),
                "conversation": seat.conversation,
                "client_id": f"bench-{ref}",
                "text": text,
            }
        )

    def kind(self, data: bytes, start: int) -> Kind:
        # Every event of ours begins with its tag.
        if data.startswith((b"posted", b"hidden"), start + 9):
            return Kind.DELIVERED
        if data.startswith(b"accepted", start + 9):
            return Kind.ACCEPTED
        if data.startswith((b"refused", b"advised"), start + 9):
            return Kind.REFUSED
        if data.startswith(b"welcome", start + 9):
            return Kind.READY
        return Kind.OTHER


class SocketIO:
    """Socket.IO 4 over Engine.IO 4's WebSocket transport, an acknowledgement asked for each post."""

    path = "/socket.io/?EIO=4&transport=websocket"
    headers = ""
    mark = b'"id":'
    pong = b"3"

    def opening(self, seat: Seat) -> bytes:
        return b"40" + _json({"token": seat.token})

    def post(self, seat: Seat, ref: int, text: str) -> bytes:
        return b"42%d" % ref + _json(["post", {"conversation": seat.conversation, "text": text}])

    def kind(self, data: bytes, start: int) -> Kind:
        if data.startswith(b'42["posted"', start):
            return Kind.DELIVERED
        if data.startswith(b"43", start):
            return Kind.ACCEPTED if data.startswith(b'[{"ok":true', data.index(b"[", start)) else Kind.REFUSED
        if data.startswith(b"40", start):
            return Kind.READY
        return Kind.PING if data[start] == 0x32 else Kind.OTHER
