"""Word lists as features: what a corpus of some thousand lines does not show often enough.

A list is a direction over the features: 1 for the slot of each of its words or pairs of words. A model may lean on
it as on one feature; in the end it is part of the weights of its words, and costs nothing at run time.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

import rules
from moderation.classifiers import features
from rules.text import fold
from training import corpus
from training.matrix import Vector, Vocabulary

TERMS = Path(rules.__file__).parent / "terms"

_WORD = re.compile(r"[^\W_]+")
_BRACES = re.compile(r"\{([^{}]*)\}")
_PATTERN = frozenset("[]<>()*?!|^")


def directions(vocabulary: Vocabulary, names: Iterable[str], lang: str) -> Vector:
    """One column for each named list of a language: (features, lists)."""
    places = np.full(features.SLOTS, -1)
    places[vocabulary.kept] = np.arange(len(vocabulary.kept))
    columns = []
    for name in names:
        found = places[[slot for entry in entries(name, lang) for slot in _slot(entry)]]
        column = np.zeros(len(vocabulary.kept))
        column[found[found >= 0]] = 1
        columns.append(column)
    return np.column_stack(columns)


def entries(name: str, lang: str) -> list[str]:
    """The entries of ``words/<name>.<lang>.txt``, or else the plain terms of the rules' list of that name."""
    if (corpus.WORDS / f"{name}.{lang}.txt").exists():
        return corpus.entries(name, lang)
    listed = tomllib.loads((TERMS / f"{name}.{lang}.toml").read_text("utf-8"))
    terms = [term for group in listed["groups"] for term in group["terms"] if _PATTERN.isdisjoint(term)]
    return [entry for term in terms for entry in _spelled(term)]


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
