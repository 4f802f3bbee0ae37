"""How bad it would be if a message were what it is taken for: four steps, on which order, strikes and exposure all rest."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from policies.decision import Verdict
from rules.types import Category


class Severity(IntEnum):
    """``SEVERE`` counts towards what a person is asked to look at in an hour, see ``exposure``."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    SEVERE = 4


_OF_CATEGORY: dict[str, Severity] = {
    Category.EMOJI: Severity.LOW,
    Category.LINK: Severity.LOW,
    Category.PROFANITY: Severity.LOW,
    Category.SPAM: Severity.LOW,
    Category.CONTACT: Severity.MEDIUM,
    Category.INSULT: Severity.MEDIUM,
    Category.TOXICITY: Severity.MEDIUM,
    Category.DRUGS_WEAPONS: Severity.HIGH,
    Category.OFF_PLATFORM_PAYMENT: Severity.HIGH,
    Category.SCAM: Severity.HIGH,
    Category.SEXUAL: Severity.HIGH,
    Category.HATE: Severity.SEVERE,
    Category.SELF_HARM: Severity.SEVERE,
    Category.THREAT: Severity.SEVERE,
}

# What a participant may give as the reason of a report; a reason that is none of these counts as medium.
_OF_REASON = {
    "insult": Severity.MEDIUM,
    "hate": Severity.SEVERE,
    "threat": Severity.SEVERE,
    "sexual": Severity.HIGH,
    "scam": Severity.HIGH,
    "off_platform": Severity.HIGH,
    "spam": Severity.LOW,
    "other": Severity.LOW,
}


def of_decision(categories: Iterable[str], verdict: Verdict) -> Severity:
    """The worst of what was found. What was held back or refused without a category is at least medium: nobody knows it."""
    worst = max((of_category(one) for one in categories), default=Severity.LOW)
    unknown = verdict.rank >= Verdict.HOLD.rank and worst is Severity.LOW
    return Severity.MEDIUM if unknown else worst


def of_category(category: str) -> Severity:
    """The step of a category; medium for one that is none of ours."""
    return _OF_CATEGORY.get(category, Severity.MEDIUM)


def of_reason(reason: str) -> Severity:
    """What a report with this reason alleges."""
    return _OF_REASON.get(reason, Severity.MEDIUM)
