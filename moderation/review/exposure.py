"""How much of the worst one person is asked to look at: a budget by the hour, after which the queue gives them other items.

Covering text up was not found to spare people (Lewitzka 2026); seeing less of it does.
"""

from __future__ import annotations

from collections.abc import Sequence

HOUR_MS = 3_600_000


def left(seen_at: Sequence[int], budget: int, at: int) -> int:
    """How many more severe items this person may be given now; ``seen_at`` tells when they were given those before."""
    return max(0, budget - sum(one > at - HOUR_MS for one in seen_at))


def free_at(seen_at: Sequence[int], budget: int, at: int) -> int:
    """When the next severe item may be given; ``at`` itself if one may be given now, 0 if the budget is none at all."""
    if not budget:
        return 0
    recent = sorted(one for one in seen_at if one > at - HOUR_MS)
    return at if len(recent) < budget else recent[len(recent) - budget] + HOUR_MS
