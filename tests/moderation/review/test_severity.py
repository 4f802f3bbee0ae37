from __future__ import annotations

import pytest

from moderation.review.severity import Severity, of_category, of_decision, of_reason
from policies.decision import Verdict
from rules.types import Category


def test_every_category_has_its_step() -> None:
    assert {of_category(one) for one in Category} == set(Severity)


@pytest.mark.parametrize(
    ("categories", "verdict", "severity"),
    [
        (["profanity"], Verdict.MASK, Severity.LOW),
        (["profanity", "threat"], Verdict.FLAG, Severity.SEVERE),
        ([], Verdict.FLAG, Severity.LOW),
        ([], Verdict.HOLD, Severity.MEDIUM),
        (["something new"], Verdict.FLAG, Severity.MEDIUM),
    ],
)
def test_the_worst_of_what_was_found_counts(categories: list[str], verdict: Verdict, severity: Severity) -> None:
    assert of_decision(categories, verdict) is severity


@pytest.mark.parametrize(("reason", "severity"), [("threat", 4), ("scam", 3), ("spam", 1), ("never_heard", 2)])
def test_a_report_counts_as_what_it_alleges(reason: str, severity: int) -> None:
    assert of_reason(reason) == severity
