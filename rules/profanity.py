"""Swear words, at whatever they are thrown. Those thrown at a person are insults as well: ``rules/insult.py``."""

from __future__ import annotations

from collections.abc import Sequence

from rules import lexicon
from rules.text import Folded
from rules.types import Category, Finding, Setting


class Profanity:
    """Swear words of the reviewed lists, in the open or in disguise."""

    name = "profanity"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """One finding for each swear word; neighbouring ones stay apart unless a phrase covers both."""
        return lexicon.findings(Category.PROFANITY, lexicon.load().find(text, setting, self.name))
