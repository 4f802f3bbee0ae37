from __future__ import annotations

import pytest

from moderation.review.figures import DAY_MS, Compared, Decided, figures, share, waiting


def decided(outcome: str, **fields: object) -> Decided:
    values: dict[str, object] = {
        "at": DAY_MS, "outcome": outcome, "actor": "eva", "clause": "scam", "language": "es", "verdict": "hold",
        "machine": True, "waited_ms": 10, "worked_ms": 4,
    }  # fmt: skip
    return Decided(**(values | fields))  # type: ignore[arg-type]


def test_false_alarms_are_counted_where_automation_had_spoken() -> None:
    made = [decided("release"), decided("remove"), decided("overturn"), decided("release", machine=False)]
    found = figures(made, {DAY_MS: 7}, [], {}, DAY_MS, 3 * DAY_MS)
    assert (found.false_alarms.count, found.false_alarms.of) == (2, 3)
    assert [(day.opened, day.decided) for day in found.days] == [
        (7, {"release": 2, "remove": 1, "overturn": 1}), (0, {}),
    ]  # fmt: skip
    assert found.by_clause[0].false_alarms.of == 3


def test_golden_items_are_no_disagreement_between_people() -> None:
    compared = [Compared("eva", "leo", "remove", "remove", "scam", False),
                Compared("golden", "leo", "remove", "release", "scam", True)]  # fmt: skip
    found = figures([], {}, compared, {"eva": share(1, 2), "": share(1, 2)}, 0, DAY_MS)
    assert (found.agreement.pairs, found.agreement.share) == (1, 1.0)
    (leo,) = found.people
    assert (leo.golden.count, leo.golden.of) == (0, 1)
    assert found.overturned.count == 1


def test_a_share_comes_with_its_bounds() -> None:
    # Wilson's interval of 1 in 10, from the formula: 0.0179 to 0.4042.
    found = share(1, 10)
    assert [found.low, found.high] == pytest.approx([0.0179, 0.4042], abs=1e-4)
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0)


def test_waiting_tells_the_middle_and_the_long_ones() -> None:
    found = waiting(range(1, 101))
    assert (found.items, found.median_ms, found.p90_ms) == (100, 50, 90)
    assert waiting([]).items == 0
