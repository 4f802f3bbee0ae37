from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.review.priority import APPEAL_MINUTES, PATIENCE_MINUTES, due_at, patience_ms
from moderation.review.severity import Severity

severities = st.sampled_from(list(Severity))


def test_severe_waits_ten_minutes_and_mild_a_working_day() -> None:
    assert [patience_ms(one) // 60_000 for one in Severity] == [480, 120, 30, 10]


@settings(max_examples=50)
@given(severities, st.integers(0, 1_000), st.floats(0, 50), st.booleans())
def test_nothing_that_speaks_for_looking_sooner_makes_anything_later(
    severity: Severity, reach: int, reports: float, held: bool
) -> None:
    now = patience_ms(severity, reach=reach, reports=reports, held=held)
    assert 0 <= now <= PATIENCE_MINUTES[severity] * 60_000
    assert patience_ms(severity, reach=reach + 1, reports=reports, held=held) <= now
    assert patience_ms(severity, reach=reach, reports=reports + 1, held=held) < now
    assert patience_ms(severity, reach=reach, reports=reports, held=True) <= now
    if severity < Severity.SEVERE:
        assert patience_ms(Severity(severity + 1), reach=reach, reports=reports, held=held) < now


def test_fifteen_readers_halve_the_patience_and_so_does_a_report() -> None:
    alone = patience_ms(Severity.HIGH)
    assert patience_ms(Severity.HIGH, reach=15) == alone // 2
    assert patience_ms(Severity.HIGH, reports=1.0) == alone // 2


def test_an_appeal_is_answered_in_time_however_mild() -> None:
    assert due_at(0, Severity.LOW, appealed=True) == APPEAL_MINUTES * 60_000
    assert due_at(0, Severity.SEVERE, appealed=True) == patience_ms(Severity.SEVERE)
