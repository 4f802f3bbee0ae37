"""All rules, in the order in which they look at a message."""

from __future__ import annotations

from rules.insult import Insult
from rules.profanity import Profanity
from rules.self_harm import SelfHarm
from rules.text import fold
from rules.threat import Threat
from rules.types import Finding, Rule, Setting

RULES: tuple[Rule, ...] = (
    Profanity(),
    Insult(),
    Threat(),
    SelfHarm(),
)


def check(text: str, setting: Setting) -> list[Finding]:
    """What all rules see in ``text``, by place. Pure: the same text and setting give the same findings."""
    folded = fold(text)
    found = [finding for rule in RULES for finding in rule.find(folded, setting)]
    return sorted(found, key=lambda finding: (finding.start, finding.end))
