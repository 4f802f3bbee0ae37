"""Words of somebody who may harm themselves: for care, never for punishment."""

from __future__ import annotations

from collections.abc import Sequence

from rules import lexicon
from rules.text import Folded
from rules.types import Category, Finding, Setting


class SelfHarm:
    """Phrases of the reviewed lists."""

    name = "self_harm"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """One finding for each phrase."""
        return lexicon.findings(Category.SELF_HARM, lexicon.load().find(text, setting, self.name))
