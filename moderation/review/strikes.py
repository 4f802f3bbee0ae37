"""Strikes: points for what a person of the staff found to break a clause. They expire, and they add up to steps of a ladder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from moderation.review.severity import Severity

DAY_MS = 86_400_000
POINTS = {Severity.LOW: 1, Severity.MEDIUM: 2, Severity.HIGH: 4, Severity.SEVERE: 8}
EXPIRY_DAYS = {Severity.LOW: 30, Severity.MEDIUM: 60, Severity.HIGH: 90, Severity.SEVERE: 180}


class Strike(msgspec.Struct, frozen=True):
    """One strike. It counts until ``expires_at``, unless it was taken back (``withdrawn_at`` is not 0)."""

    id: str
    participant: str
    points: int
    severity: int
    clause: str
    message: str
    act: str
    at: int
    expires_at: int
    withdrawn_at: int = 0

    def counts(self, at: int) -> bool:
        """Whether it is in force."""
        return not self.withdrawn_at and self.expires_at > at


class Step(msgspec.Struct, frozen=True):
    """From ``points`` on: a mute for some hours, or a ban for some; 0 hours for a ban without end."""

    points: int
    act: Literal["mute", "ban"]
    hours: int


class Proposal(msgspec.Struct, frozen=True):
    """What the ladder says about somebody who would have ``points`` with one more strike. ``act`` empty for nothing."""

    points: int
    act: str = ""
    hours: int = 0


LADDER = (Step(4, "mute", 24), Step(8, "mute", 168), Step(16, "ban", 720))


def points(strikes: Iterable[Strike], at: int) -> int:
    """What is in force, added up."""
    return sum(strike.points for strike in strikes if strike.counts(at))


def propose(before: int, severity: Severity, ladder: Sequence[Step] = LADDER) -> Proposal:
    """What a strike of this severity would lead to, on top of ``before`` points: the highest step that it newly reaches."""
    after = before + POINTS[severity]
    reached = [step for step in ladder if before < step.points <= after]
    if not reached:
        return Proposal(after)
    step = max(reached, key=lambda one: one.points)
    return Proposal(after, step.act, step.hours)


def expiry(severity: Severity, at: int) -> int:
    """When a strike of this severity, given now, ceases to count."""
    return at + EXPIRY_DAYS[severity] * DAY_MS
