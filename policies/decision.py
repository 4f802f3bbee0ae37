"""What a policy, or a person, decides about a message: one record for both."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from rules.types import Finding, Role, Setting


class Verdict(StrEnum):
    """What happens to a message. ``rank`` orders them: the strongest clause that spoke gives the verdict."""

    ALLOW = "allow"
    FLAG = "flag"
    NUDGE = "nudge"
    MASK = "mask"
    HOLD = "hold"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """0 for ``allow`` up to 5 for ``block``."""
        return _RANKS[self]


_RANKS = {verdict: rank for rank, verdict in enumerate(Verdict)}


class Mask(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Characters ``start`` to ``end`` of the original text, covered for readers of the roles in ``audience``.

    An empty ``audience`` means everybody.
    """

    start: int
    end: int
    audience: tuple[Role, ...] = ()


class Failing(StrEnum):
    """How a stage of the judgement failed. ``nan`` is any score that is no number from 0 to 1."""

    ABSENT = "absent"
    LATE = "late"
    CRASHED = "crashed"
    NAN = "nan"


class Behaviour(StrEnum):
    """What a failed stage does to the message: nothing, refuse it, or let a person look at it first."""

    OPEN = "open"
    CLOSED = "closed"
    HOLD = "hold"


class Failure(msgspec.Struct, frozen=True, gc=False):
    """A stage of the judgement without an answer. ``group`` is ``rules`` or ``classifiers``, ``stage`` one of them."""

    group: str
    stage: str
    failing: Failing


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """What else a decision rested on, so that it can be judged again: every classifier's output, and the circumstances.

    ``language`` is that of the text. The messages before it are not repeated here: they are in the log.
    """

    scores: dict[str, float] = {}
    language: str = ""
    setting: Setting | None = None


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a message was treated as it was.

    ``clauses`` holds the ids of the clauses that spoke, strongest first, exceptions (``allow``) at the end. ``policy``
    is ``name@version``. ``degraded`` names the stages that were late or missing, with what was done instead
    (``detoxify:late:open``). ``by`` is ``policy`` or the id of the person who decided. ``evidence`` is kept where anything was
    found.
    """

    verdict: Verdict
    policy: str
    findings: tuple[Finding, ...] = ()
    clauses: tuple[str, ...] = ()
    masks: tuple[Mask, ...] = ()
    degraded: tuple[str, ...] = ()
    by: str = "policy"
    evidence: Evidence | None = None
