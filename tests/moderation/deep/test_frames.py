"""Frames between the hub and the deep process."""

from __future__ import annotations

import math

import pytest

from moderation.deep.frames import FRAME_BYTES, BadStream, Frame, Judge, Judged, Ready, Unfit, Unpacker, pack

FRAMES: list[Frame] = [
    Judge(1, "¿qué tal? 🚲", urgent=True),
    Ready(("toxicity", "threat"), "cpu", 64),
    Unfit("no model"),
    Judged(1, [0.25, 1.0]),
    Judged(2, None),
    Judge(3, ""),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_frames_arrive_whole_however_the_bytes_are_cut(size: int) -> None:
    stream = b"".join(pack(frame) for frame in FRAMES)
    unpacker = Unpacker()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [frame for piece in pieces for frame in unpacker.feed(piece)] == FRAMES


def test_a_score_that_is_no_number_comes_through() -> None:
    (judged,) = Unpacker().feed(pack(Judged(1, [math.nan])))
    assert isinstance(judged, Judged)
    assert judged.scores is not None
    assert math.isnan(judged.scores[0])


@pytest.mark.parametrize(
    "stream",
    [
        (FRAME_BYTES + 1).to_bytes(4, "big"),  # told before the bytes of such a frame are waited for
        b"\x00\x00\x00\x01\xc1",
        b"\x00\x00\x00\x05hello",
        pack(Judge(1, "a"))[:-1] + b"\x07\x07\x07\x07\x07",
        b"Traceback (most recent call last):",
    ],
)
def test_other_bytes_are_no_stream_of_ours(stream: bytes) -> None:
    with pytest.raises(BadStream):
        list(Unpacker().feed(stream))
