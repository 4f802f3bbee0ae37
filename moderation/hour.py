"""The hour of the day by a policy's clock."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from policies.policy import Policy

QUARTER_MS = 900_000  # no zone changes its clock within a quarter of an hour


def hour_of(policy: Policy, at: int) -> int | None:
    """The hour in the policy's time zone, ``at`` in milliseconds since 1970; None if none of its clauses asks for it."""
    return _hour(policy.time_zone, at // QUARTER_MS) if policy.asks_the_hour else None


@lru_cache(maxsize=1_024)
def _hour(zone: str, quarter: int) -> int:
    return datetime.fromtimestamp(quarter * QUARTER_MS / 1_000, ZoneInfo(zone)).hour
