"""Offers of drugs, medicines without prescription and weapons without papers."""

from __future__ import annotations

from collections.abc import Sequence

from rules import lexicon
from rules.bounds import rounded
from rules.text import Folded
from rules.types import Category, Finding, Setting


class DrugsWeapons:
    """Phrases of the reviewed lists."""

    name = "drugs_weapons"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """One finding for each phrase."""
        return lexicon.findings(Category.DRUGS_WEAPONS, rounded(text, lexicon.load().find(text, setting, self.name)))
