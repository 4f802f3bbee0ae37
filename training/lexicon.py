"""Word lists as features: what a corpus of some thousand lines does not show often enough.

A list is a direction over the features: 1 for the slot of each of its words or pairs of words. A model may lean on
it as on one feature; in the end it is part of the weights of its words, and costs nothing at run time.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

import rules
from moderation.classifiers import features
from rules.text import fold
from training import corpus
from training.corpus import Line
from training.matrix import Vector, Vocabulary

TERMS = Path(rules.__file__).parent / "terms"
LONGEST_ENDING = 6  # letters that ``*`` stands for at the end of a stem

_WORD = re.compile(r"[^\W_]+")
_BRACES = re.compile(r"\{([^{}]*)\}")
_PATTERN = frozenset("[]<>()*?!|^")


class Lexicon:
    """The lists of ``words/`` and of the rules over a vocabulary; a stem ``bonit*`` stands for the words in ``lines``."""

    def __init__(self, lines: Sequence[Line], vocabulary: Vocabulary) -> None:
        self._features = len(vocabulary.kept)
        self._places = np.full(features.SLOTS, -1)
        self._places[vocabulary.kept] = np.arange(self._features)
        self._words: dict[str, set[str]] = {}
        for line in lines:
            self._words.setdefault(line.lang, set()).update(_WORD.findall(line.plain))

    def directions(self, names: Iterable[str], lang: str) -> Vector:
        """One column for each named list of a language: (features, lists)."""
        return np.column_stack([self._column(self._listed(name, lang)) for name in names])

    def denied(self, names: Iterable[str], lang: str) -> Vector:
        """The same for the words of the lists right after a word such as ``not``."""
        nots = corpus.entries("not", lang)
        words = ([word for word in self._listed(name, lang) if " " not in word] for name in names)
        return np.column_stack([self._column(f"{no} {word}" for word in listed for no in nots) for listed in words])

    def _listed(self, name: str, lang: str) -> list[str]:
        listed = []
        for entry in entries(name, lang):
            stem = fold(entry).plain.removesuffix("*")
            longest = len(stem) + LONGEST_ENDING
            if entry.endswith("*"):
                listed += sorted(w for w in self._words[lang] if w.startswith(stem) and len(w) <= longest)
            else:
                listed.append(entry)
        return listed

    def _column(self, entries: Iterable[str]) -> Vector:
        found = self._places[[slot for entry in entries for slot in _slot(entry)]]
        column = np.zeros(self._features)
        column[found[found >= 0]] = 1
        return column


def entries(name: str, lang: str) -> list[str]:
    """The entries of ``words/<name>.<lang>.txt``, or else the plain terms of the rules' list of that name."""
    if (corpus.WORDS / f"{name}.{lang}.txt").exists():
        return corpus.entries(name, lang)
    listed = tomllib.loads((TERMS / f"{name}.{lang}.toml").read_text("utf-8"))
    terms = [term for group in listed["groups"] for term in group["terms"] if _PATTERN.isdisjoint(term)]
    return [entry for term in terms for entry in _spelled(term)]


def slots(names: Iterable[str], langs: Iterable[str]) -> list[int]:
    """The slots of all words and pairs that the lists spell out, whether or not a corpus has them."""
    spelled = (entry for lang in langs for name in names for entry in entries(name, lang) if not entry.endswith("*"))
    return [slot for entry in spelled for slot in _slot(entry)]


def _spelled(term: str) -> list[str]:
    """``tont{o,a}`` as ``tonto`` and ``tonta``."""
    braces = _BRACES.search(term)
    if not braces:
        return [term]
    before, after = term[: braces.start()], term[braces.end() :]
    return [entry for ending in braces[1].split(",") for entry in _spelled(before + ending + after)]


def _slot(entry: str) -> list[int]:
    """The slot of a word or of a pair of words; of an emoji, that of its last three bytes. Nothing else has one."""
    plain = features.normal(fold(entry))
    if plain[:1] > "\u2000":
        found, blocks = features.slots(plain.encode()[-3:])
        return [int(found[len(blocks) - 2])]  # between the two runs that have a gap in them
    found, _ = features.slots(plain.encode())
    # Words come first, then pairs of them.
    place = {1: 0, 2: 2}.get(len(_WORD.findall(plain)))
    return [] if place is None else [int(found[place])]
