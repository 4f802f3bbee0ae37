"""Worlds of a growing size, and the people who post in them."""

from collections import Counter

import pytest

from bench.growth import GREETED, Curve, Point, World, _groups, fill, section
from realtime.auth import verify
from storage import log, tenants
from storage.database import beside, looking, migrate


@pytest.mark.parametrize("count", [1, 2, 100, 1_000, 30_000])
def test_nobody_is_in_more_conversations_than_they_are_greeted_with(count: int) -> None:
    groups = list(_groups(count, 2, 200))
    assert len(groups) == count
    assert all(len(set(pair)) == 2 for pair in groups)
    assert max(Counter(one for pair in groups for one in pair).values()) <= GREETED


def test_larger_conversations_share_nobody() -> None:
    groups = list(_groups(4, 64, 200))
    assert len({one for group in groups for one in group}) == 4 * 64


def test_a_world_is_a_log_like_any_other_and_everybody_has_a_seat(empty_database_url: str) -> None:
    migrate(empty_database_url)
    seats = fill(empty_database_url, World(conversations=6, members=2, tenants=2, stored=40))
    assert len(seats) == 6
    with beside(empty_database_url) as tx:
        for n, members in enumerate(seats):
            tenant = tenants.by_id(tx, f"tenant{n // 3}")
            assert tenant is not None
            assert [verify(one.token, tenant).id for one in members] == [one.participant for one in members]
    with looking(empty_database_url) as connection:
        stored = 0
        for n, (first, *_) in enumerate(seats):
            assert log.broken_link(connection, f"tenant{n // 3}", first.conversation) == 0
            stored += len(log.since(connection, f"tenant{n // 3}", first.conversation, 2, 100))
        assert stored == 40


def test_the_table_shows_each_size_and_the_exponent() -> None:
    flat = Curve("conversations", "message", [Point(100, 50.0), Point(10_000, 50.0)])
    steep = Curve("tenants", "message", [Point(1, 10.0), Point(100, 1_000.0)])
    lines = "\n".join(section([flat, steep]).lines())
    assert "| conversations | CPU a message, us | 100: 50.0, 10,000: 50.0 | +0.000 |" in lines
    assert "+1.000" in lines
