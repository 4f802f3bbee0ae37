"""Spam: advertising nobody asked for, chain letters, bait, and the same message again and again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rules import lexicon
from rules.text import Folded, fold
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
LONG = 4  # letters of a word that tells one message from another
REMEMBERED = 4_096  # messages: those that are still among the recent ones of their conversation

_long_words: dict[str, frozenset[str]] = {}  # of the last messages seen, by their text


class Spam:
    """Spam by its signs, or by repetition in the recent messages. The finding is about the whole message."""

    name = "spam"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """At most one finding of either kind, with the signs as source."""
        found = self._signs(text, setting)
        return [*found, *self._flood(text, setting)] if len(setting.recent) >= COPIES else found

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
        if sum(weights.values()) + 2 * SHOUTED + REPEATED < ENOUGH:
            return ()
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
        own, author = text.original, setting.author
        length = len(own)
        shortest, longest = (length / 1.4, length / 0.7) if length > SHORT else (length, length)
        before = [
            said.text for said in setting.recent if said.author == author and shortest <= len(said.text) <= longest
        ]
        if len(before) < COPIES:
            return ()
        told = _telling(text)
        # Copies lack at most a quarter of the words, two more for what is split into words in another way.
        shared = len(told) - len(text.vocabulary) // 4 - 2
        copies = 0
        for said in before:
            if said == own:
                copies += 1
            elif length > SHORT and (shared <= 0 or len(told & _remembered(said)) >= shared):
                copies += _alike(own, said)
        needed = COPIES if length > SHORT else SHORT_COPIES
        if copies < needed:
            return ()
        return [Finding(Category.SPAM, min(0.7 + 0.1 * (copies - needed), 1.0), 0, 0, f"spam:flood/{copies}")]


def _telling(text: Folded) -> frozenset[str]:
    """The long words of a message, which is remembered for the messages after it."""
    told = _long_words.get(text.original)
    if told is None:
        if len(_long_words) >= REMEMBERED:
            _long_words.clear()
        told = frozenset([word for word in text.vocabulary if len(word) >= LONG])
        _long_words[text.original] = told
    return told


def _remembered(said: str) -> frozenset[str]:
    told = _long_words.get(said)
    return _telling(fold(said)) if told is None else told


def _alike(one: str, other: str) -> bool:
    words, others = _words(one), _words(other)
    common = len(words & others)
    return common >= ALIKE * (len(words) + len(others) - common)


@lru_cache(maxsize=256)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))
