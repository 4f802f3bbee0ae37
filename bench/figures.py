"""Arithmetic of the figures: percentiles, and the spread of rounds, alone or side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """A figure over several rounds: the lowest, the middle and the highest of them."""

    low: float
    middle: float
    high: float


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of ``values`` that at least ``share`` (above 0, up to 1) of them do not exceed: the nearest rank.

    Raises ValueError when there are no values or ``share`` is out of bounds.
    """
    if not values:
        raise ValueError("no values")
    if not 0 < share <= 1:
        raise ValueError(f"share out of bounds: {share}")
    # 0.07 * 100 is a little more than 7 in binary; a rank must not jump for that.
    return sorted(values)[math.ceil(round(share * len(values), 9)) - 1]


def spread(rounds: Sequence[float]) -> Spread:
    """The spread of a figure over ``rounds``. Raises ValueError when there are none."""
    if not rounds:
        raise ValueError("no rounds")
    return Spread(min(rounds), median(rounds), max(rounds))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """``ours`` over ``theirs``, round by round. Raises ValueError unless both have equally many, at least one."""
    if not ours or len(ours) != len(theirs):
        raise ValueError(f"rounds do not pair: {len(ours)} and {len(theirs)}")
    return spread([mine / other for mine, other in zip(ours, theirs, strict=True)])
