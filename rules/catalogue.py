"""All rules, in the order in which they look at a message."""

from __future__ import annotations

from operator import attrgetter

from rules.contact import Contact
from rules.drugs_weapons import DrugsWeapons
from rules.emoji import Emoji
from rules.insult import Insult
from rules.links import Links
from rules.payment import Payment
from rules.profanity import Profanity
from rules.scam import Scam
from rules.self_harm import SelfHarm
from rules.sexual import Sexual
from rules.spam import Spam
from rules.text import fold
from rules.threat import Threat
from rules.types import Finding, Rule, Setting

RULES: tuple[Rule, ...] = (
    Profanity(),
    Insult(),
    Sexual(),
    Threat(),
    DrugsWeapons(),
    SelfHarm(),
    Spam(),
    Contact(),
    Links(),
    Payment(),
    Scam(),
    Emoji(),
)

_by_place = attrgetter("start", "end")


def check(text: str, setting: Setting) -> list[Finding]:
    """What all rules see in ``text``, by place. Pure: the same text and setting give the same findings."""
    folded = fold(text)
    found = [finding for rule in RULES for finding in rule.find(folded, setting)]
    return sorted(found, key=_by_place) if len(found) > 1 else found
