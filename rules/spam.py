"""Spam: advertising nobody asked for, chain letters, bait, and the same message again and again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules import lexicon
from rules.text import Folded
from rules.types import Category, Finding, Setting

ENOUGH = 0.75  # weight of signs that makes a message spam
SHOUTED = 0.2
REPEATED = 0.35
COPIES = 2  # earlier copies of a message that make the next one a flood
SHORT_COPIES = 4  # the same for a few words: "hello?" is asked again by honest people
SHORT = 15  # characters up to which a message is a few words
ALIKE = 0.8  # share of words in common that makes a longer message a copy

_CAPITALS = re.compile(r"\b[^\W\d_a-zß-ÿ]{3,}\b")
_BANGS = re.compile(r"!{2,}|(?:![^!]*){3,}|[🔥🚨💰💸🤑❗‼⚠]")
_SAME_AGAIN = re.compile(r"\b(\w{3,20}(?: \w{2,20}){0,2})[\s!,.]+\1\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")


class Spam:
    """Spam by its signs, or by repetition in the recent messages. The finding is about the whole message."""

    name = "spam"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """At most one finding of either kind, with the signs as source."""
        found = [*self._signs(text, setting), *self._flood(text, setting)]
        return found

    def _signs(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        hits = lexicon.load().find(text, setting, self.name)
        if not hits:
            return ()
        weights: dict[str, float] = {}
        for hit in hits:
            kind = hit.term.group.kind
            weights[kind] = max(weights.get(kind, 0.0), hit.term.group.score)
        if sum(hit.term.group.kind == "offer" for hit in hits) > 1:
            weights["offers"] = 0.2
        if len(_CAPITALS.findall(text.original)) >= 3:
            weights["capitals"] = SHOUTED
        if _BANGS.search(text.original):
            weights["bangs"] = SHOUTED
        if _SAME_AGAIN.search(text.original):
            weights["repeated"] = REPEATED
        weight = sum(weights.values())
        if weight < ENOUGH or len(weights) < 2 and "chain" not in weights:
            return ()
        return [Finding(Category.SPAM, min(weight, 1.0), 0, 0, f"spam:{'+'.join(sorted(weights))}")]

    def _flood(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """The same words from the same author again."""
        before = [said.text for said in setting.recent if said.author == setting.author]
        if len(before) < COPIES:
            return ()
        needed = COPIES if len(text.original) > SHORT else SHORT_COPIES
        copies = sum(_alike(text.original, said) for said in before)
        if copies < needed:
            return ()
        return [Finding(Category.SPAM, min(0.7 + 0.1 * (copies - needed), 1.0), 0, 0, f"spam:flood/{copies}")]


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    if len(one) <= SHORT or not 0.7 < len(one) / (len(other) or 1) < 1.4:
        return False
    words, others = set(_WORD.findall(one.lower())), set(_WORD.findall(other.lower()))
    return len(words & others) >= ALIKE * len(words | others)
