"""Which item comes first: each has a time by which somebody should have looked, and the earliest is next.

An order by a moment needs no clock: it stands in an index and holds by itself as items age, where a score that grows with
age would have to be counted again for all of them.
"""

from __future__ import annotations

import math

from moderation.review.severity import Severity

# How long an item may wait that one stranger's eyes have met, in minutes.
PATIENCE_MINUTES = {Severity.LOW: 480, Severity.MEDIUM: 120, Severity.HIGH: 30, Severity.SEVERE: 10}
APPEAL_MINUTES = 240  # somebody waits for an answer, and nobody is hurt meanwhile
HELD = 2.0  # a held message keeps both sides of a deal waiting
WIDE = 4.0  # readers weigh by their logarithm: 15 of them halve the patience


def patience_ms(severity: Severity, *, reach: int = 0, reports: float = 0.0, held: bool = False) -> int:
    """How long this item may wait from its opening on, in milliseconds.

    ``reach`` is how many others have received the message, ``reports`` the weights of its reporters added up.
    """
    haste = (1 + math.log2(1 + max(0, reach)) / WIDE) * (1 + max(0.0, reports)) * (HELD if held else 1.0)
    return int(PATIENCE_MINUTES[severity] * 60_000 / haste)


def due_at(opened_at: int, severity: Severity, *, reach: int = 0, reports: float = 0.0, held: bool = False,
           appealed: bool = False) -> int:  # fmt: skip
    """By when somebody should have looked. An appeal waits no longer than an appeal may."""
    patience = patience_ms(severity, reach=reach, reports=reports, held=held)
    return opened_at + (min(patience, APPEAL_MINUTES * 60_000) if appealed else patience)
