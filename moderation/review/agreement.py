"""Whether two people who look at the same message decide alike, and more often than chance would have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec


class Agreement(msgspec.Struct, frozen=True):
    """``share`` of the pairs that agree; ``kappa`` from -1 to 1, None where there is nothing to tell it from."""

    pairs: int
    share: float
    kappa: float | None


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Cohen's kappa: agreement beyond what two people with these habits would reach by chance.

    Cohen, A coefficient of agreement for nominal scales (1960). None without pairs, and where both always give the same
    answer: then chance would agree as well.
    """
    n = len(pairs)
    if not n:
        return Agreement(0, 0.0, None)
    observed = sum(one == other for one, other in pairs) / n
    ours, theirs = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum(ours[outcome] * theirs[outcome] for outcome in ours) / (n * n)
    kappa = None if expected == 1.0 else (observed - expected) / (1 - expected)
    return Agreement(n, observed, kappa)
