"""Texts that a phrase of ``rules/terms`` stands for, drawn by chance: the lists are a grammar of what people write."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from rules.lexicon import TERMS

_TOKEN = re.compile(r"\s*(\.\.\.|[()|?!\[\]^$]|<[a-z_]+>|[^\s()|?!\[\]^$<>]+)")
_BRACES = re.compile(r"\{([^{}]*)\}")
_DEEPEST = 5
# What stands where a phrase leaves it open.
_FILLERS = {
    "es": "la el un de que con por tu mi eso todo ya pues hoy".split(),
    "en": "the a of that with your my it all just now then".split(),
    "pt": "a o um de que com por teu meu isso tudo já pois hoje".split(),
}


class Grammar:
    """The phrases of one family in one language."""

    def __init__(self, family: str, lang: str) -> None:
        written: dict[str, Any] = tomllib.loads((TERMS / f"{family}.{lang}.toml").read_text("utf-8"))
        self._lists: Mapping[str, str] = written.get("lists", {})
        self._fillers = _FILLERS[lang]
        self.phrases = [
            term
            for group in written["groups"]
            if group.get("kind") != "person"
            for term in group["terms"]
            if " " in term
        ]

    def texts(self, phrase: str, count: int, chance: random.Random) -> Iterator[str]:
        """``count`` texts of a phrase, of two words or more; some may be the same."""
        for _ in range(count):
            words = self._row(_TOKEN.findall(phrase), chance, 0)
            if len(words) > 1:
                yield " ".join(words)

    def _row(self, tokens: list[str], chance: random.Random, depth: int) -> list[str]:
        words: list[str] = []
        while tokens and tokens[0] not in ("|", ")"):
            words += self._item(tokens, chance, depth)
        return words

    def _item(self, tokens: list[str], chance: random.Random, depth: int) -> list[str]:
        token = tokens.pop(0)
        if token in "[]^$":
            return []
        if token == "!":
            self._item(tokens, chance, depth)
            return []
        if token == "...":
            return chance.choices(self._fillers, k=chance.randint(0, 3))
        if token == "(":
            words = self._group(tokens, chance, depth)
        elif token == "_":
            words = [chance.choice(self._fillers)]
        elif token == "#":
            words = [str(chance.randint(5, 900))]
        elif token.startswith("<"):
            entry = chance.choice(self._lists[token[1:-1]].split(", "))
            words = self._row(_TOKEN.findall(entry), chance, depth + 1) if depth < _DEEPEST else []
        else:
            parts = _BRACES.split(token.rstrip("*"))
            words = ["".join(chance.choice(part.split(",")) if k % 2 else part for k, part in enumerate(parts))]
        if tokens and tokens[0] == "?":
            tokens.pop(0)
            return words if chance.random() < 0.5 else []
        return words

    def _group(self, tokens: list[str], chance: random.Random, depth: int) -> list[str]:
        choices = [self._row(tokens, chance, depth)]
        while tokens and tokens[0] == "|":
            tokens.pop(0)
            choices.append(self._row(tokens, chance, depth))
        if tokens:
            tokens.pop(0)
        return chance.choice(choices)
