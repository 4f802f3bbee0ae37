from __future__ import annotations

import pytest

from moderation.review.severity import Severity
from moderation.review.strikes import DAY_MS, EXPIRY_DAYS, POINTS, Proposal, Strike, expiry, points, propose


def strike(severity: Severity, at: int = 0, **fields: int) -> Strike:
    return Strike("s", "ana", POINTS[severity], severity, "clause", "m", "a", at, expiry(severity, at), **fields)


def test_strikes_add_up_until_they_expire_or_are_taken_back() -> None:
    given = [strike(Severity.LOW), strike(Severity.HIGH), strike(Severity.SEVERE, withdrawn_at=5)]
    assert points(given, 1) == 5
    assert points(given, EXPIRY_DAYS[Severity.LOW] * DAY_MS) == 4
    assert points(given, EXPIRY_DAYS[Severity.HIGH] * DAY_MS) == 0


@pytest.mark.parametrize(
    ("before", "severity", "proposal"),
    [
        (0, Severity.LOW, Proposal(1)),
        (0, Severity.HIGH, Proposal(4, "mute", 24)),
        (3, Severity.LOW, Proposal(4, "mute", 24)),
        (4, Severity.LOW, Proposal(5)),
        (3, Severity.SEVERE, Proposal(11, "mute", 168)),
        (12, Severity.HIGH, Proposal(16, "ban", 720)),
        (40, Severity.SEVERE, Proposal(48)),
    ],
)
def test_a_step_is_taken_once_when_it_is_reached(before: int, severity: Severity, proposal: Proposal) -> None:
    assert propose(before, severity) == proposal
