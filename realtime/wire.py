"""The socket itself: uvicorn's sans-I/O WebSocket protocol, with what a hub needs beside ASGI.

A frame goes to the hub without a queue between, one encoded frame is shared by all who see the same, and a peer that does not
read, does not answer or says nothing but control frames is cut off. Subclasses private parts of uvicorn 0.54; a test pins them.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.transports import BaseTransport
from collections.abc import Callable, Generator
from functools import cached_property
from typing import Any, cast

from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import OPEN
from websockets.speedups import apply_mask
from websockets.streams import StreamReader

from realtime.errors import Close

OUTBOX_BYTES = 1024 * 1024  # a reader this far behind is closed with 4005 and catches up by resuming
KERNEL_BYTES = 256 * 1024  # what the kernel may hold for a reader on top
CONTROL_FRAMES = 100  # pings and pongs in a window
FRAGMENTS = 64  # of one message
MESSAGE_SECONDS = (
    20.0  # from the first byte of a message to its last; the longest text on the slowest phone takes half of it
)
WINDOW_SECONDS = 10.0
HANDSHAKE_SECONDS = 5.0
BODY_SECONDS = 60.0  # for a request to have arrived whole
STALLED_SECONDS = 1.0  # that a pong may still take once our own loop, which stood still, moves again
CLOSES = Counter("tertulia_closes_total", "Connections that this server hung up, by close code.", ("code",))
FAREWELL_SECONDS = 2.0  # for a peer to answer a close, then it is cut off

TURNED_AWAY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

AFTER_CLOSE_BYTES = 256 * 1024  # that a peer may have had under way when we hung up; who sends more does not listen

EXTENSION = "tertulia.wire"


def frame(payload: bytes) -> bytes:
    """One unmasked text frame (RFC 6455, section 5.2) around a JSON document."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


class _Nowhere:
    """In place of the queue of an application that has gone: a queue holds two kilobytes, even an empty one."""

    def put_nowait(self, event: object) -> None:
        """Nobody hears it."""


_NOWHERE: Any = _Nowhere()


class Wire(WebSocketsSansIOProtocol):
    """One WebSocket. The application finds it in ``scope["extensions"]["tertulia.wire"]``.

    It either sets ``receiver``, accepts and waits, or lets it ``go_on`` by itself, accepts and ends.
    """

    receiver: Callable[[str], None] | None = None
    _gone: Callable[[], None] | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._closing = False
        self._control_frames = 0
        self._window_ends = 0.0
        self._after_close = 0
        self._within_frame = False
        self._message_due: asyncio.TimerHandle | None = None
        # The parser may have taken a frame's first bytes out of its buffer, which then is as empty as between two frames.
        self.conn.reader.at_eof = self._between_frames  # type: ignore[method-assign]

    def go_on(self, receiver: Callable[[str], None], gone: Callable[[], None]) -> None:
        """From the accept on, text goes to ``receiver``, and ``gone`` is called when the socket is gone, or at once if it is.

        The application may end then, and takes along what it held: the request, its scope, a stack of coroutines.
        """
        if self.disconnected:
            gone()
            return
        self.receiver, self._gone = receiver, gone

    @cached_property
    def lost(self) -> asyncio.Event:
        """Set when the socket is gone."""
        lost = asyncio.Event()
        if self.disconnected:
            lost.set()
        return lost

    # What the hub does with it

    def write(self, data: bytes) -> None:
        """Send frames that ``frame`` made, in one piece. A reader that is too far behind is closed instead."""
        if self._closing:
            return
        if self.transport.get_write_buffer_size() > OUTBOX_BYTES:
            self.close(Close.SLOW, "too far behind")
            return
        self.transport.write(data)

    def buffered(self) -> int:
        """Bytes that the peer has not yet taken off our hands."""
        return self.transport.get_write_buffer_size()

    async def drained(self) -> None:
        """Wait until the peer has taken most of what was written."""
        await self.writable.wait()

    def close(self, code: int, reason: str) -> None:
        """Say why and hang up; who does not answer, or does not read, is cut off after 2 s."""
        if self._closing or self.transport.is_closing():
            return
        self._closing = self.close_sent = True
        CLOSES.labels(code).inc()
        self.stop_keepalive()
        if self.conn.state is OPEN:
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_timer = self.loop.call_later(FAREWELL_SECONDS, self.transport.abort)

    # What the network does to it

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family in (socket.AF_INET, socket.AF_INET6):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                unanswered = (self.ping_interval or 25.0) + (self.ping_timeout or 20.0)
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(unanswered * 1_000))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._closing = True
        self.receiver = None
        self._message_arrived()
        if "lost" in self.__dict__:
            self.lost.set()
        gone, self._gone = self._gone, None
        if gone is not None:
            gone()

    async def run_asgi(self) -> None:
        cast(dict[str, Any], self.scope["extensions"])[EXTENSION] = self
        goes_on = False
        try:
            await self.app(self.scope, self.receive, self.send)
            goes_on = self._gone is not None and self.handshake_complete
        except ClientDisconnected:
            pass
        except BaseException:
            self.logger.exception("the application failed")
        if not goes_on:
            # As uvicorn does with any socket that its application has left.
            self.send_500_response()
            if self.close_timer is None:
                self.transport.close()
        # Not needed any more: much of what a connection holds, and some of it in a circle with this object.
        del self.scope, self.request, self.response
        self.queue = _NOWHERE

    def data_received(self, data: bytes) -> None:
        if self.receiver is not None and not self._closing:
            data = self._take_whole_frames(data)
            if not data:
                return
        elif self._closing:
            self._after_close += len(data)
            if self._after_close > AFTER_CLOSE_BYTES:
                self.transport.abort()
                return
        super().data_received(data)
        if self._closing:
            self.conn.data_to_send()  # pongs for those pings that came too late
        elif (self._within_frame or self.frames) and self._message_due is None:
            self._message_due = self.loop.call_later(MESSAGE_SECONDS, self.close, 1008, "a message took too long")

    def _take_whole_frames(self, data: bytes) -> bytes:
        """Hand on the short text frames that ``data`` begins with; what is left goes through the full protocol.

        Nearly all traffic is one unfragmented frame a segment, and the general parser costs ten times as much for it.
        Anything out of the ordinary (a fragment, a control frame, a half frame, no mask, bad UTF-8) is left to that parser.
        """
        if self.frames or self._within_frame or self.conn.state is not OPEN:
            return data
        at, end = 0, len(data)
        while end - at >= 6 and data[at] == 0x81:
            size, start = data[at + 1] - 0x80, at + 2
            if size == 126 and end - at >= 8:
                size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
                if size < 126:
                    break
            elif not 0 <= size < 126:
                break
            if start + 4 + size > end or size > (self.config.ws_max_size or size):
                break
            try:
                text = apply_mask(data[start + 4 : start + 4 + size], data[start : start + 4]).decode()
            except UnicodeDecodeError:
                break
            at = start + 4 + size
            if self.receiver is None or self._closing:
                return b""
            self.receiver(text)
        return data[at:] if at else data

    def _between_frames(self) -> Generator[None, None, bool]:
        """See ``StreamReader.at_eof``, which the parser calls before each frame and nowhere else."""
        self._within_frame = False
        if not self.frames:
            self._message_arrived()
        ended = yield from StreamReader.at_eof(self.conn.reader)
        self._within_frame = True
        return ended

    def _message_arrived(self) -> None:
        if self._message_due is not None:
            self._message_due.cancel()
            self._message_due = None

    def send_receive_event_to_app(self) -> None:
        self._message_arrived()
        if self.receiver is None or self._closing:
            super().send_receive_event_to_app()
            return
        data = b"".join(self.frames)
        self.frames = []
        if self.curr_msg_data_type != "text":
            self.close(1003, "text frames only")
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.close(1007, "not UTF-8")
            return
        self.receiver(text)

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= FRAGMENTS:
            self.close(1008, "too many fragments")
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        if self._control_frame():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        if self._control_frame():
            super().handle_pong(event)

    def _control_frame(self) -> bool:
        """Count one; pongs that a peer does not read pile up outside of all flow control."""
        now = self.loop.time()
        if now >= self._window_ends:
            self._window_ends, self._control_frames = now + WINDOW_SECONDS, 0
        self._control_frames += 1
        if self._control_frames <= CONTROL_FRAMES and self.transport.get_write_buffer_size() <= OUTBOX_BYTES:
            return not self._closing
        self.close(1008, "too many control frames")
        return False

    def keepalive_timeout(self) -> None:
        late = self.loop.time() - self.ping_sent_at - (self.ping_timeout or 0.0)
        if late > STALLED_SECONDS and self.pending_ping_payload is not None:
            # We were late ourselves: the pong may lie in the kernel's buffer, behind this timer.
            self.ping_sent_at += late + STALLED_SECONDS
            self.pong_timer = self.loop.call_later(STALLED_SECONDS, self.keepalive_timeout)
            return
        # A plain close would wait for a buffer that nobody empties.
        self.close(Close.NO_PONG, "no answer to a ping")

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._closing = True
        self.loop.call_later(FAREWELL_SECONDS, self.transport.abort)


class Http(HttpToolsProtocol):
    """HTTP with a deadline for the headers of each request, which a WebSocket handshake is too, and for the whole of its body.

    Beyond ``most`` open sockets, whatever they are for, a new one is told to come back later.
    """

    def __init__(self, *arguments: Any, most: int = sys.maxsize, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._most = most
        self._due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self._most:
            transport.write(TURNED_AWAY)
            transport.close()
            return
        self._due = self.loop.call_later(HANDSHAKE_SECONDS, transport.abort)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._due is None:
            self._due = self.loop.call_later(HANDSHAKE_SECONDS, self.transport.abort)

    def on_headers_complete(self) -> None:
        self._on_time()
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            self._due = self.loop.call_later(BODY_SECONDS, self.transport.abort)

    def on_message_complete(self) -> None:
        self._on_time()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        # The parser and this object hold each other, and what both have read: without this they stay until the collector comes.
        del self.parser

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_time()
        super().connection_lost(exc)

    def _on_time(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
