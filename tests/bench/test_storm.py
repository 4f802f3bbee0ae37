"""A storm of a few, and a few who say nothing, at a server of ours."""

import pytest

from bench import idle, storm
from bench.load import Room
from bench.servers import Ours
from bench.wire import Kind, Seat


def test_everybody_comes_back_and_is_told_what_they_missed() -> None:
    (found,) = storm.measured([lambda: Ours(postgres=False)], 8)
    assert found.connections == 8
    assert 0 < found.p50 <= found.p99 <= found.seconds
    assert found.us > 0
    assert "| 8 |" in storm.section([found]).lines()[-1]


async def test_who_is_told_to_wait_waits_as_long_as_that() -> None:
    talk = storm.Resuming()
    seat = Seat("c", "p", "token")
    frame = b'{"type":"goaway","retry_after_ms":1500}'
    comer = storm.Comer(talk, seat, Room(None))  # type: ignore[arg-type]
    comer._frame(0x81, frame, 0, len(frame))
    assert comer.wait == 1.5
    assert b'"after":2' in talk.opening(seat)
    assert talk.kind(b'\x81\x00{"type":"welcome"}', 2) is Kind.OTHER
    assert talk.kind(b'\x81\x00{"type":"resumed"}', 2) is Kind.READY


def test_who_says_nothing_is_weighed_without_the_first_who_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "SETTLE_SECONDS", 0.2)
    (found,) = idle.measured([lambda: Ours(postgres=False)], 40)
    assert found.connections == 20
    assert found.us > 0
    assert "| 20 |" in idle.section([found]).lines()[-1]
