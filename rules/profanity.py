"""Swear words, at whatever they are thrown. Those thrown at a person are insults as well: ``rules/insult.py``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules import lexicon
from rules.lexicon import Hit
from rules.text import Folded
from rules.types import Category, Finding, Setting

_TITLE = re.compile(r"\b(?:senora?|senhora?|senorita|sra?|mrs?|ms|miss|don|dona|dr|dra|profesora?|professora?)\.? $")


class Profanity:
    """Swear words of the reviewed lists, in the open or in disguise."""

    name = "profanity"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """One finding for each swear word; neighbouring ones stay apart unless a phrase covers both."""
        hits = lexicon.load().find(text, setting, self.name)
        return lexicon.findings(Category.PROFANITY, [hit for hit in hits if not _name(hit, text)]) if hits else ()


def _name(hit: Hit, text: Folded) -> bool:
    """Whether it is somebody's name: "la señora Verga" is called so."""
    start, end = hit.original
    return (
        text.original[start:end].istitle() and _TITLE.search(text.plain, max(0, hit.start - 14), hit.start) is not None
    )
