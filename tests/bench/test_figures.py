import pytest

from bench.figures import exponent, percentile, ratio

HUNDRED = list(range(100, 0, -1))


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7], 0.01, 7),
        ([7], 1, 7),
        ([1, 2], 0.5, 1),
        ([1, 2], 0.51, 2),
        ([3, 1, 2], 0.5, 2),
        (HUNDRED, 0.5, 50),
        (HUNDRED, 0.99, 99),
        (HUNDRED, 0.991, 100),
        (HUNDRED, 1, 100),
        # In binary 0.07 * 100 is 7.000000000000001, and 0.29 * 100 is 28.999999999999996.
        (HUNDRED, 0.07, 7),
        (HUNDRED, 0.29, 29),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1], 0), ([1], -0.1), ([1], 1.01)])
def test_a_percentile_of_nothing_or_out_of_bounds_is_an_error(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match=r"no values|out of bounds"):
        percentile(values, share)


def test_a_ratio_compares_rounds_that_ran_side_by_side() -> None:
    # The second pair ran while the machine was slow: the ratio stays the same.
    found = ratio([10, 30, 12], [40, 120, 40])
    assert (found.low, found.middle, found.high) == (0.25, 0.25, 0.3)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1], []), ([1, 2], [1])])
def test_rounds_that_do_not_pair_are_an_error(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError, match="do not pair"):
        ratio(ours, theirs)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(100, 7.0), (10_000, 7.0)], 0.0),
        ([(10, 10.0), (100, 100.0), (1_000, 1_000.0)], 1.0),
        ([(1, 4.0), (4, 2.0)], -0.5),
        ([(2, 12.0), (4, 48.0), (8, 192.0)], 2.0),
    ],
)
def test_an_exponent_is_the_slope_of_the_logarithms(points: list[tuple[float, float]], expected: float) -> None:
    assert exponent(points) == pytest.approx(expected)


@pytest.mark.parametrize("points", [[], [(1, 2.0)], [(5, 2.0), (5, 3.0)], [(0, 1.0), (1, 1.0)]])
def test_what_has_no_slope_is_an_error(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        exponent(points)
