"""Credits: a burst at once, a rate in the long run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from realtime.limits import Credit


def test_a_burst_passes_and_then_one_has_to_wait() -> None:
    credit = Credit(rate=5, burst=10)
    assert [credit.spend(100.0) for _ in range(10)] == [0.0] * 10
    assert round(credit.spend(100.0), 6) == 0.2
    assert credit.spend(100.2) == 0.0
    assert credit.spend(100.2) > 0


@given(st.floats(0.5, 100), st.integers(1, 20), st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_never_more_than_the_burst_and_the_rate_allow(rate: float, burst: int, pauses: list[float]) -> None:
    credit, now, passed = Credit(rate, burst), 1_000.0, []
    for pause in pauses:
        now += pause
        if credit.spend(now) == 0.0:
            passed.append(now)
    for n, first in enumerate(passed):
        for m in range(n, len(passed)):
            assert m - n + 1 <= burst + (passed[m] - first) * rate + 1e-3


@given(st.floats(0.5, 100), st.integers(1, 20), st.integers(1, 50))
def test_who_waits_as_told_gets_through(rate: float, burst: int, tries: int) -> None:
    credit, now = Credit(rate, burst), 1_000.0
    for _ in range(tries):
        wait = credit.spend(now)
        if wait:
            now += wait + 1e-6
            assert credit.spend(now) == 0.0
