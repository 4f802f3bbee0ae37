"""Sexual advances: at the reader, for favours, for pictures. Talk about products is none."""

from __future__ import annotations

from collections.abc import Sequence

from rules import lexicon
from rules.bounds import rounded
from rules.text import Folded
from rules.types import Category, Finding, Setting


class Sexual:
    """Phrases of the reviewed lists."""

    name = "sexual"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """One finding for each phrase."""
        return lexicon.findings(Category.SEXUAL, rounded(text, lexicon.load().find(text, setting, self.name)))
