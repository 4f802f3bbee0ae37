"""Threats of violence, arson, exposure, and to people's families."""

from __future__ import annotations

from collections.abc import Sequence

from rules import lexicon
from rules.text import Folded
from rules.types import Category, Finding, Setting


class Threat:
    """Phrases of the reviewed lists."""

    name = "threat"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """One finding for each phrase."""
        return lexicon.findings(Category.THREAT, lexicon.load().find(text, setting, self.name))
