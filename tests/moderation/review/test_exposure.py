from __future__ import annotations

from moderation.review.exposure import HOUR_MS, free_at, left


def test_the_budget_is_that_of_the_last_hour() -> None:
    seen = [0, HOUR_MS // 2, HOUR_MS]
    assert left(seen, 3, HOUR_MS) == 1  # the first is an hour ago
    assert left(seen, 2, HOUR_MS) == 0
    assert free_at(seen, 2, HOUR_MS) == HOUR_MS // 2 + HOUR_MS
    assert free_at(seen, 3, HOUR_MS) == HOUR_MS


def test_who_wants_to_see_none_is_given_none() -> None:
    assert left([], 0, 5) == 0
    assert free_at([], 0, 5) == 0
