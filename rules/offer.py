"""Offers and demands as the families of money tell them: by a phrase of their grammar, else by words that stand together.

A phrase (``terms/<family>.<language>.toml``) says what is to be paid, or told, by which way: it also says where that
stands. Recipes (``terms/<family>.toml``) know nothing of order, and speak where no phrase does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from rules import lexicon
from rules.cues import Cues, offers, read, recipes
from rules.lexicon import Hit
from rules.text import Folded
from rules.types import Category, Finding, Setting

_SEGMENT_END = re.compile(r"[,.;:!?\n]+(?=\s|$)|\s(?:o|or|ou|y|and|e|pero|but|mas)(?=\s)")
_SENTENCE_END = re.compile(r"[.;!?\n]+(?=\s)")
_COUNTED = re.compile(r"[0-9]+,\s")  # an amount that belongs to what is before: "90, outside it is 70"
SEGMENT = 60  # characters to either side
Excuses = Mapping[str, frozenset[str]]


def _always(hit: Hit, text: Folded, setting: Setting) -> bool:
    return True


class Offers:
    """What one family looks for.

    ``excuses`` names, by a phrase's kind, the concepts that make it harmless. ``checkout`` are the kinds and recipes
    that the platform offers too, harmless where its checkout is named beside. ``counts`` has a say on each phrase.
    """

    def __init__(
        self,
        family: str,
        category: Category,
        leads: Sequence[str],
        excuses: Excuses,
        checkout: Sequence[str] = (),
        counts: Callable[[Hit, Folded, Setting], bool] = _always,
    ) -> None:
        self.family, self.category = family, category
        self._recipes, self._leads, self._excuses, self._counts = recipes(family), leads, excuses, counts
        self._checkout = frozenset(checkout)

    def find(self, text: Folded, setting: Setting) -> list[Finding]:
        """One finding for each offer that is neither refused nor warned of; of several kinds the surest speaks."""
        cues = read(text)
        hits = self.phrases(text, setting, cues)
        if hits:
            return self._told(_surest(hits))
        if self._recipes.first.isdisjoint(cues.present):
            return []
        return [
            Finding(self.category, recipe.score, *text.span(*span), f"{self.family}:{recipe.name}")
            for recipe, span in offers(cues, self._recipes, self._leads)
            if not self._at_checkout(recipe.name, *span, text, cues)
        ]

    def phrases(self, text: Folded, setting: Setting, cues: Cues) -> list[Hit]:
        """The phrases that count."""
        hits = lexicon.load().find(text, setting, self.family)
        return [hit for hit in hits if self._counts(hit, text, setting) and self._means(hit, text, cues)]

    def _means(self, hit: Hit, text: Folded, cues: Cues) -> bool:
        excuses = self._excuses.get(hit.term.group.kind)
        if excuses and not excuses.isdisjoint(cues.present):
            return False
        if self._at_checkout(hit.term.group.kind, hit.start, hit.end, text, cues):
            return False
        if _SENTENCE_END.search(text.plain, hit.start, hit.end) or _COUNTED.match(text.plain, hit.start, hit.end):
            return False
        return not (cues.refused(hit.start, hit.end) or cues.denied([(hit.start, hit.end)]))

    def _told(self, hits: Sequence[Hit]) -> list[Finding]:
        """A finding for each phrase, for those that overlap one."""
        found: list[Finding] = []
        for hit in sorted(hits, key=lambda hit: hit.original):
            start, end = hit.original
            if found and start < found[-1].end:
                found[-1] = msgspec.structs.replace(found[-1], end=max(end, found[-1].end))
                continue
            group = hit.term.group
            found.append(Finding(self.category, group.score, start, end, f"{self.family}:{group.kind}", hit.step))
        return found

    def _at_checkout(self, kind: str, start: int, end: int, text: Folded, cues: Cues) -> bool:
        return (
            kind in self._checkout
            and "onplatform" in cues.present
            and cues.within("onplatform", _segment(text.plain, start, end))
        )


def _segment(plain: str, start: int, end: int) -> tuple[int, int]:
    """The words around a place up to a comma or an "or": "80 in the app or 70 by Zelle" is about two ways."""
    left, right = max(0, start - SEGMENT), min(len(plain), end + SEGMENT)
    for stop in _SEGMENT_END.finditer(plain, left, right):
        if stop.end() <= start:
            left = stop.end()
        elif stop.start() >= end:
            return left, stop.start()
    return left, right


def _surest(hits: Sequence[Hit]) -> list[Hit]:
    best = max(hit.term.group.score for hit in hits)
    return [hit for hit in hits if hit.term.group.score == best]
