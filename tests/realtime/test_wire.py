"""The socket: our frames are the standard's, and the private parts of uvicorn that we stand on are still there."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol
from websockets.streams import StreamReader

from realtime.wire import frame


@given(st.one_of(st.binary(max_size=300), st.integers(0, 70_000).map(bytes)))
def test_our_frames_are_those_of_the_standard(payload: bytes) -> None:
    assert frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


@pytest.mark.parametrize(
    "name",
    ["connection_made", "connection_lost", "run_asgi", "data_received", "send_receive_event_to_app", "handle_cont",
     "handle_ping", "handle_pong", "keepalive_timeout", "handle_parser_exception", "stop_keepalive"],
)  # fmt: skip
def test_uvicorn_still_has_the_methods_that_we_override(name: str) -> None:
    assert callable(getattr(WebSocketsSansIOProtocol, name))


@pytest.mark.parametrize(
    "name",
    [
        "conn",
        "transport",
        "frames",
        "curr_msg_data_type",
        "close_sent",
        "close_timer",
        "ping_interval",
        "ping_timeout",
        "ping_sent_at",
        "pong_timer",
        "pending_ping_payload",
        "scope",
        "request",
        "response",
        "queue",
        "disconnected",
        "handshake_complete",
    ],
)
def test_uvicorn_still_has_the_attributes_that_we_read(name: str) -> None:
    assert f"self.{name}" in inspect.getsource(WebSocketsSansIOProtocol)


def test_the_parser_still_asks_before_each_frame_whether_there_is_one_and_nowhere_else() -> None:
    assert inspect.getsource(Protocol.parse).count("self.reader.at_eof()") == 1
    assert "at_eof" not in inspect.getsource(Frame.parse)
    assert "at_eof" not in inspect.getsource(StreamReader.read_exact)


@pytest.mark.parametrize(
    "name",
    [
        "connection_made",
        "connection_lost",
        "on_message_begin",
        "on_headers_complete",
        "on_message_complete",
        "handle_websocket_upgrade",
    ],
)
def test_uvicorns_http_still_has_the_methods_that_we_override(name: str) -> None:
    assert callable(getattr(HttpToolsProtocol, name))
