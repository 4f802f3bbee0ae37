from __future__ import annotations

import pytest

from moderation.review.figures import DAY_MS, Compared, Decided, Took, Waiting, figures, share


def decided(outcome: str, **fields: object) -> Decided:
    values: dict[str, object] = {
        "at": DAY_MS, "outcome": outcome, "actor": "eva", "clause": "scam", "language": "es", "verdict": "hold",
        "machine": True,
    }  # fmt: skip
    return Decided(**(values | fields))  # type: ignore[arg-type]


def test_false_alarms_are_counted_where_automation_had_spoken() -> None:
    made = [decided("release"), decided("remove"), decided("overturn"), decided("release", machine=False)]
    found = figures(made, Took(), {DAY_MS: 7}, [], {}, DAY_MS, 3 * DAY_MS)
    assert (found.false_alarms.count, found.false_alarms.of) == (2, 3)
    assert [(day.opened, day.decided) for day in found.days] == [
        (7, {"release": 2, "remove": 1, "overturn": 1}), (0, {}),
    ]  # fmt: skip
    assert found.by_clause[0].false_alarms.of == 3


def test_golden_items_are_no_disagreement_between_people() -> None:
    compared = [Compared("eva", "leo", "remove", "remove", "scam", False),
                Compared("golden", "leo", "remove", "release", "scam", True)]  # fmt: skip
    found = figures([], Took(), {}, compared, {"eva": share(1, 2), "": share(1, 2)}, 0, DAY_MS)
    assert (found.agreement.pairs, found.agreement.share) == (1, 1.0)
    (leo,) = found.people
    assert (leo.golden.count, leo.golden.of) == (0, 1)
    assert found.overturned.count == 1


def test_a_share_comes_with_its_bounds() -> None:
    # Wilson's interval of 1 in 10, from the formula: 0.0179 to 0.4042.
    found = share(1, 10)
    assert [found.low, found.high] == pytest.approx([0.0179, 0.4042], abs=1e-4)
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0)


def test_what_is_alike_counts_as_often_as_it_was_done() -> None:
    made = [decided("release", count=7), decided("remove", count=2), decided("remove", actor="leo", clause="insult")]
    took = Took({"": Waiting(10, 4, 9)}, clause={"scam": Waiting(9, 3, 8)}, person={"eva": Waiting(9, 1, 2)})
    found = figures(made, took, {}, [], {}, DAY_MS, 2 * DAY_MS)
    assert (found.outcomes, found.verdicts) == ({"release": 7, "remove": 3}, {"hold": 10})
    assert (found.false_alarms.count, found.false_alarms.of) == (7, 10)
    assert [(line.key, line.decided, line.waiting.items) for line in found.by_clause] == [
        ("scam", 9, 9), ("insult", 1, 0),
    ]  # fmt: skip
    assert [(one.staff, one.decided, one.working.median_ms) for one in found.people] == [("eva", 9, 1), ("leo", 1, 0)]
    assert found.waiting == Waiting(10, 4, 9)
