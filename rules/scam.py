"""Scams: secrets asked for, money asked for in advance, payments that never were.

Links that are traps are found by ``rules.links``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules.cues import NEAR, read
from rules.lexicon import Hit
from rules.offer import Offers
from rules.text import Folded, fold
from rules.types import Category, Finding, Setting

LOOKED_BACK = 3  # messages before this one in which a code may have been spoken of

_ONESELF = re.compile(
    r"\b(?:i|we|they|do|yo|eu|ya|ja|hoy|quiero|quero|quieren)\s(?:(?:will|have|need|want|had|to|already|just|can|d|ll)\s){0,3}$"
)
_CODE = re.compile(r"\b(?:sms|text|mensaje|mensagem|msg|codigo|code|pin)\b")


def _counts(hit: Hit, text: Folded, setting: Setting) -> bool:
    """Whether it is asked of the other, and "what is the number?" where a secret was spoken of before."""
    if hit.term.group.kind in ("advance", "deposit", "documents"):
        return not _ONESELF.search(text.plain, max(0, hit.start - 20), hit.start)
    if hit.term.group.kind == "secret":
        return not (
            read(text).within("own_secret", (hit.start - NEAR, hit.end + NEAR))
            or _ONESELF.search(text.plain, max(0, hit.start - 20), hit.start)
        )
    if hit.term.group.kind != "after":
        return True
    return any(_CODE.search(fold(said.text).plain) for said in setting.recent[-LOOKED_BACK:])


_PAID = frozenset({"onplatform", "official", "payer", "asking"})
_DOOR = frozenset({"door"})
_EXCUSES = {"secret": _DOOR, "after": _DOOR, "advance": _PAID, "deposit": _PAID, "documents": frozenset({"payer"})}
_OFFERS = Offers("scam", Category.SCAM, ("tell", "advance"), _EXCUSES, counts=_counts)


class Scam:
    """The known frauds of marketplaces, told by what they ask for together with what they promise.

    Warnings of them use the same words, and are none: see ``rules.cues.Cues.refused``.
    """

    name = "scam"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """See ``rules.types.Rule``."""
        return _OFFERS.find(text, setting)
