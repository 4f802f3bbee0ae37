from __future__ import annotations

import pytest

from moderation.review.agreement import agreement


def test_kappa_is_that_of_the_textbook() -> None:
    # 50 proposals, two readers: 20 yes and yes, 15 no and no, 5 yes and no, 10 no and yes.
    pairs = [("y", "y")] * 20 + [("n", "n")] * 15 + [("y", "n")] * 5 + [("n", "y")] * 10
    found = agreement(pairs)
    assert (found.pairs, found.share) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)


def test_agreement_that_chance_would_reach_is_none() -> None:
    assert agreement([]).kappa is None
    assert agreement([("y", "y")] * 9).kappa is None
    assert agreement([("y", "n"), ("n", "y")]).kappa == pytest.approx(-1.0)
