"""Phrases as data: the small notation of ``rules/terms`` and the regular expression that it stands for.

A phrase is written in words: ``te (voy a|vamos a)? <hit> (la|el|los|las)? <part>``.

=================  ====================================================================
``mierd{a,as}``    one word with its endings; ``{,s}`` may be empty
``estaf*``         a word with any ending
``(a|b c)``        one of several; ``<name>`` one of a named list
``item?``          may be left out
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
_ITEM = re.compile(r"(!?)(?:\(([^()]*)\)|<([a-z_]+)>|([^\s()<>?\[\]!^$]+))(\??)|([\[\]^$])")


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
    """A phrase made ready. ``anchors`` are words of which the text must contain one; empty if any text may match."""

    __slots__ = ("anchors", "expression")

    def __init__(self, source: str, lists: Mapping[str, Sequence[str]]) -> None:
        self.anchors: frozenset[str] = frozenset()
        pieces: list[str] = ["(?<= )"]
        rest = source
        while rest := rest.lstrip():
            match = _ITEM.match(rest)
            if match is None:
                raise PhraseError(source, f"cannot read {rest!r}")
            rest = rest[match.end() :]
            pieces.append(self._item(source, match, lists))
        body = "".join(pieces)
        if body.startswith(r"(?<= )(?<=\A )"):
            body = r"\A +" + body.removeprefix(r"(?<= )(?<=\A )")
        if "(?P<part>" not in body:
            lead = "(?<= )" if body.startswith("(?<= )") else r"\A +"
            body = f"{lead}(?P<part>{body.removeprefix(lead)})"
        if not self.anchors:
            raise PhraseError(source, "no word that it could be found by")
        self.expression = re.compile(body)

    def _item(self, source: str, match: re.Match[str], lists: Mapping[str, Sequence[str]]) -> str:
        negated, group, name, word, optional, sign = match.groups()
        if sign:
            return {"[": "(?P<part>", "]": ")", "^": r"(?<=\A )", "$": r"(?= *\Z)"}[sign]
        if word == "...":
            return "(?:[a-z0-9]+ +){0,3}?"
        if word == "_":
            return "(?:[a-z0-9]+ +)" + optional
        if name and name not in lists:
            raise PhraseError(source, f"no list named {name!r}")
        written = lists[name] if name else group.split("|") if group else [word]
        alternatives = sorted({form for one in written for form in forms(one)}, key=len, reverse=True)
        expression = "(?:" + "|".join(map(_words, alternatives)) + ")"
        if negated:
            return f"(?!{expression})"
        if not optional:
            self._anchor(alternatives)
        return expression + optional

    def _anchor(self, alternatives: Sequence[str]) -> None:
        """The required item whose shortest alternative is longest finds the phrase: longer words are rarer."""
        anchors = frozenset(max((w for w in plain(one).split()), key=len, default="") for one in alternatives)
        if any(one.endswith("*") for one in alternatives):
            return
        if not self.anchors or min(map(len, anchors)) > min(map(len, self.anchors)):
            self.anchors = anchors


def _words(alternative: str) -> str:
    words = []
    for word in alternative.split():
        ending = "[a-z0-9]*" if word.endswith("*") else ""
        words.append(" +".join(plain(word).split()) + ending)
    return "".join(word + " +" for word in words)
