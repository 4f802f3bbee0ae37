"""Words of somebody who may harm themselves: for care, never for punishment."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules import lexicon
from rules.lexicon import Hit
from rules.text import Folded
from rules.types import Category, Finding, Setting

# "They will kill me at home for buying another one" is said of others.
_DENIAL = re.compile(r"\b(?:no|nao|not|never|nunca|jamas|vao|vai)\s+$")


class SelfHarm:
    """Phrases of the reviewed lists."""

    name = "self_harm"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """One finding for each phrase that is not denied."""
        hits = lexicon.load().find(text, setting, self.name)
        return lexicon.findings(Category.SELF_HARM, [hit for hit in hits if not _denied(hit, text)]) if hits else ()


def _denied(hit: Hit, text: Folded) -> bool:
    """Whether the word before takes it back: "no quiero morir"."""
    return _DENIAL.search(text.plain, max(0, hit.start - 12), hit.start) is not None
