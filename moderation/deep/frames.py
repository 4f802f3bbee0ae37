"""What the hub and the deep process tell each other: MessagePack behind a length of four bytes, over a socket pair."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

FRAME_BYTES = 1 << 20  # a text has 4,000 characters; longer frames mean that the stream is no longer in step
_LENGTH = 4


class Judge(msgspec.Struct, frozen=True, array_like=True, tag="judge"):
    """Score ``text``. ``urgent`` when the relay waits for the answer."""

    id: int
    text: str
    urgent: bool = False


class Ready(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """The model is loaded. ``names`` are those of its scores, ``window`` how many texts it wants to have at hand."""

    names: tuple[str, ...]
    device: str
    window: int


class Unfit(msgspec.Struct, frozen=True, array_like=True, tag="unfit"):
    """The model cannot be loaded, and trying again soon will not help."""

    problem: str


class Judged(msgspec.Struct, frozen=True, array_like=True, tag="judged"):
    """The scores of a text in the order of ``Ready.names``; none when scoring it failed."""

    id: int
    scores: list[float] | None


Frame = Judge | Ready | Unfit | Judged


class BadStream(ValueError):
    """Bytes that are no frame of ours."""


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)


def pack(frame: Frame) -> bytes:
    """One frame as it goes over the wire."""
    body = _encoder.encode(frame)
    return len(body).to_bytes(_LENGTH, "big") + body


class Unpacker:
    """Puts frames together again, however the bytes were cut on the way."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with ``data``. Raises BadStream."""
        self._rest += data
        while len(self._rest) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._rest[:_LENGTH], "big")
            if end > FRAME_BYTES:
                raise BadStream(f"a frame of {end} bytes")
            if len(self._rest) < end:
                return
            body, self._rest = self._rest[_LENGTH:end], self._rest[end:]
            try:
                yield _decoder.decode(body)
            except msgspec.DecodeError as problem:
                raise BadStream(str(problem)) from None
