from __future__ import annotations

import pytest

from moderation.review.reporters import LEAST, MOST, Record, weight


@pytest.mark.parametrize("record", [Record(), Record(5, 0), Record(0, 5)])
def test_five_reports_say_nothing_about_anybody(record: Record) -> None:
    assert weight(record) == 1.0


def test_seventy_in_a_hundred_are_neither_good_nor_bad() -> None:
    assert weight(Record(70, 30)) == pytest.approx(1.0)


def test_who_is_right_weighs_more_the_longer_and_who_is_wrong_less() -> None:
    assert 1 < weight(Record(8, 0)) < weight(Record(16, 0)) <= MOST
    assert weight(Record(16, 0)) == pytest.approx(1 + 5 * 2)
    assert weight(Record(0, 16)) == LEAST
    assert LEAST < weight(Record(5, 3)) < 1
