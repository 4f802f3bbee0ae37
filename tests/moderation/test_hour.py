"""The hour of the day is that of the policy's time zone, and nobody looks at the clock where no clause asks."""

from __future__ import annotations

import pytest

from moderation.hour import hour_of
from policies.load import load, parse

SUMMER, WINTER = 1_784_289_600_000, 1_768_564_800_000  # 12:00 UTC on 17 July and on 16 January 2026
NIGHT = '[[clause]]\nid = "night"\ncategory = "contact"\nhours = "22-07"\nverdict = "hold"\n'


@pytest.mark.parametrize(
    ("zone", "at", "hour"),
    [
        ("UTC", SUMMER, 12),
        ("Europe/Madrid", SUMMER, 14),
        ("Europe/Madrid", WINTER, 13),
        ("America/Sao_Paulo", SUMMER, 9),
        ("Asia/Kathmandu", SUMMER, 17),
        ("Asia/Kathmandu", SUMMER + 15 * 60_000, 18),
    ],
)
def test_the_hour_is_that_of_the_policys_time_zone(zone: str, at: int, hour: int) -> None:
    source = f'name = "tried"\nextends = "marketplace"\ntime_zone = "{zone}"\n{NIGHT}'
    assert hour_of(parse(source.encode(), "p.toml"), at) == hour


def test_nobody_asks_for_the_hour_where_no_clause_does() -> None:
    assert hour_of(load("marketplace"), SUMMER) is None
