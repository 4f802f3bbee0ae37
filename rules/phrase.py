"""Phrases as data: the small notation of ``rules/terms`` and the regular expression that it stands for.

A phrase is written in words: ``te (voy a|vamos a)? <hit> (la|el|los|las)? <part>``.

=================  ====================================================================
``mierd{a,as}``    one word with its endings; ``{,s}`` may be empty
``estaf*``         a word with any ending
``(a|b c)``        one of several; ``<name>`` one of a named list
``item?``          may be left out; items may stand within items
``_`` ``...``      any one word; up to three words, as few as possible
``!(a|b)``         here none of these words follows
``^`` ``$``        the first and the last word of the text
``[ ... ]``        the part that is reported, else all of it
=================  ====================================================================

Everything is bounded, so that matching is linear in the length of the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from rules.text import fold

_BRACES = re.compile(r"\{([^{}]*)\}")
_TOKEN = re.compile(r"\s*(\.\.\.|[()|?!\[\]^$]|<[a-z_]+>|[^\s()|?!\[\]^$<>]+)")

# Too common to find a phrase by, if there is anything else.
_COMMON = frozenset(
    """
    a o e y i u an the of to in on at is it as or and but you your me my we he she they i be are was do no not so if for from
    with this that will can have has get got el la los las lo un una unos unas de del en que se te me le les os su sus tu
    tus mi con por para es no si ya al vas va voy a o os as um uma da do das dos na no nos nas em eu tu ele voce vc seu sua
    teu tua com por para pra nao sim vai vou tem esta muito very all just
    """.split()
)


class PhraseError(ValueError):
    """A phrase of the term data that cannot be read."""

    def __init__(self, phrase: str, problem: str) -> None:
        self.phrase, self.problem = phrase, problem

    def __str__(self) -> str:
        return f"phrase {self.phrase!r}: {self.problem}"


def forms(word: str) -> list[str]:
    """All spellings of ``word``, as it is written (``put{a,o}`` gives ``puta`` and ``puto``)."""
    parts = _BRACES.split(word)
    choices = [part.split(",") if k % 2 else [part] for k, part in enumerate(parts)]
    return ["".join(choice) for choice in itertools.product(*choices)]


def plain(text: str) -> str:
    """``text`` as it appears in ``Folded.words``: folded, with single spaces."""
    return " ".join(fold(text).tokens)


class Phrase:
    """A phrase made ready. ``anchors`` are words of which a text must contain one to match."""

    __slots__ = ("anchors", "expression")

    def __init__(self, source: str, lists: Mapping[str, Sequence[str]]) -> None:
        reader = _Reader(source, lists)
        body, anchors = reader.sequence()
        if reader.tokens:
            raise PhraseError(source, f"cannot read {reader.tokens[0]!r}")
        if not anchors:
            raise PhraseError(source, "no word that it could be found by")
        self.anchors = anchors
        lead = r"\A +" if body.startswith(_FIRST) else "(?<= )"
        body = body.removeprefix(_FIRST)
        self.expression = re.compile(lead + (body if _PART in body else f"{_PART}{body})"))


_FIRST = "(?#first)"
_PART = "(?P<part>"


class _Reader:
    """Reads the notation by recursive descent; every method returns an expression and the words it can be found by."""

    def __init__(self, source: str, lists: Mapping[str, Sequence[str]]) -> None:
        self.source, self.lists = source, lists
        self.tokens = _TOKEN.findall(source)

    def sequence(self) -> tuple[str, frozenset[str]]:
        pieces: list[str] = []
        anchors: frozenset[str] = frozenset()
        while self.tokens and self.tokens[0] not in ("|", ")"):
            expression, found = self.item()
            pieces.append(expression)
            if found and (not anchors or _rarity(found) > _rarity(anchors)):
                anchors = found
        body = "".join(pieces)
        # The part may open before the mark of the first word: that mark goes to the front.
        return (_FIRST + body.replace(_FIRST, "") if _FIRST in body else body), anchors

    def item(self) -> tuple[str, frozenset[str]]:
        token = self.tokens.pop(0)
        if token in ("[", "]", "^", "$"):
            return {"[": _PART, "]": ")", "^": _FIRST, "$": r"(?= *\Z)"}[token], frozenset()
        if token == "...":
            return "(?:[a-z0-9]+ +){0,3}?", frozenset()
        if token == "!":
            return f"(?!{self.item()[0]})", frozenset()
        if token == "(":
            expression, anchors = self.group()
        elif token == "_":
            expression, anchors = "(?:[a-z0-9]+ +)", frozenset()
        elif token.startswith("<"):
            expression, anchors = self.named(token[1:-1])
        elif token in (")", "|", "?"):
            raise PhraseError(self.source, f"{token!r} is out of place")
        else:
            expression, anchors = _word(token)
        if self.tokens and self.tokens[0] == "?":
            self.tokens.pop(0)
            return expression + "?", frozenset()
        return expression, anchors

    def group(self) -> tuple[str, frozenset[str]]:
        choices = [self.sequence()]
        while self.tokens and self.tokens[0] == "|":
            self.tokens.pop(0)
            choices.append(self.sequence())
        if not self.tokens:
            raise PhraseError(self.source, "a bracket is not closed")
        self.tokens.pop(0)
        return _choice(choices)

    def named(self, name: str) -> tuple[str, frozenset[str]]:
        if name not in self.lists:
            raise PhraseError(self.source, f"no list named {name!r}")
        return _choice([_Reader(self.source, {}).read(one) for one in self.lists[name]])

    def read(self, text: str) -> tuple[str, frozenset[str]]:
        self.tokens = _TOKEN.findall(text)
        return self.sequence()


def _choice(choices: Sequence[tuple[str, frozenset[str]]]) -> tuple[str, frozenset[str]]:
    """One of several. It can be found by a word only if each of them can."""
    # The longer first, so that "hijo de puta" is not left at "hijo".
    expressions = sorted(dict.fromkeys(expression for expression, _ in choices), key=len, reverse=True)
    anchors = [found for _, found in choices]
    return f"(?:{'|'.join(expressions)})", frozenset().union(*anchors) if all(anchors) else frozenset()


def _word(word: str) -> tuple[str, frozenset[str]]:
    ending = "[a-z0-9]*" if word.endswith("*") else ""
    written = sorted({plain(form) for form in forms(word.removesuffix("*"))}, key=len, reverse=True)
    expressions = [form.replace(" ", " +") + ending + " +" if form else "" for form in written]
    anchors = frozenset() if ending else frozenset(max(form.split(), key=len, default="") for form in written)
    return f"(?:{'|'.join(expressions)})", frozenset() if "" in anchors else anchors


def _rarity(anchors: frozenset[str]) -> tuple[int, int, int]:
    """Orders anchors: rare words are uncommon and long."""
    return -len(anchors & _COMMON), min(map(len, anchors)), -len(anchors)
