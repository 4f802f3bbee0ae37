"""All that the engine has to say about one message."""

from __future__ import annotations

import msgspec

from policies.decision import Decision, Failure


class Judgement(msgspec.Struct, frozen=True):
    """What was decided, and what was measured on the way.

    ``scores`` holds every classifier's output, whether or not it became a finding. ``sentiment`` is a label
    (``negative``, ``neutral``, ``positive``) and its score, None where no classifier gave one. ``language`` is ``es``,
    ``en``, ``pt`` or ``unknown``. ``us`` is the time that judging took, in microseconds. ``failures`` are the stages that
    gave no answer.
    """

    decision: Decision
    scores: dict[str, float]
    sentiment: tuple[str, float] | None
    language: str
    us: int
    failures: tuple[Failure, ...] = ()
