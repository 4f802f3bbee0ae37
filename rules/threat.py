"""Threats of violence, arson, exposure, and to people's families."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules import lexicon
from rules.bounds import rounded
from rules.lexicon import Hit
from rules.text import Folded
from rules.types import Category, Finding, Setting

_DENIAL = re.compile(r"\b(?:no|nao|not|never|nunca|jamas|wont|won't)\s+$")


class Threat:
    """Phrases of the reviewed lists."""

    name = "threat"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """One finding for each phrase that is not denied."""
        hits = lexicon.load().find(text, setting, self.name)
        meant = [hit for hit in hits if not _denied(hit, text)] if hits else []
        return lexicon.findings(Category.THREAT, rounded(text, meant)) if meant else ()


def _denied(hit: Hit, text: Folded) -> bool:
    """Whether the word before takes it back: "no te vas a arrepentir"."""
    return _DENIAL.search(text.plain, max(0, hit.start - 12), hit.start) is not None
