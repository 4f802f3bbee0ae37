"""Scams: secrets asked for, money asked for in advance, payments that never were.

Links that are traps are found by ``rules.links``.
"""

from __future__ import annotations

from collections.abc import Sequence

from rules.cues import offers, read, recipes
from rules.text import Folded
from rules.types import Category, Finding, Setting

_RECIPES = recipes("scam")
_LEADS = ("tell", "advance")


class Scam:
    """The known frauds of marketplaces, told by what they ask for together with what they promise.

    Warnings of them use the same words, and are none: see ``rules.cues.Cues.refused``.
    """

    name = "scam"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """See ``rules.types.Rule``."""
        cues = read(text)
        if _RECIPES.first.isdisjoint(cues.present):
            return ()
        return [
            Finding(Category.SCAM, recipe.score, *text.span(*span), f"scam:{recipe.name}")
            for recipe, span in offers(cues, _RECIPES, _LEADS)
        ]
