"""Arithmetic of the figures: percentiles, growth, and the spread of rounds, alone or side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean as mean
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


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """``e`` of ``cost ~ size ** e``, by least squares over the logarithms of (size, cost): 0 is flat, 1 is linear.

    Raises ValueError unless there are two sizes at least, and all is above 0.
    """
    if len({size for size, _ in points}) < 2:
        raise ValueError("one size has no exponent")
    logs = [(math.log(size), math.log(cost)) for size, cost in points]
    middle, level = mean(size for size, _ in logs), mean(cost for _, cost in logs)
    slope = sum((size - middle) * (cost - level) for size, cost in logs)
    return slope / sum((size - middle) ** 2 for size, _ in logs)
