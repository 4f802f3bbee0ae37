"""Words and patterns that an operator looks for beside what comes with the service, made ready for search."""

from __future__ import annotations

from typing import Any

import re2

from rules.lexicon import Group, Lexicon, Vocabulary
from rules.phrase import PhraseError
from rules.text import Folded, fold
from rules.types import Setting

MOST_PLACES = 20  # of one pattern in one text; from the last one on the rest counts as found
PATTERN_BYTES = 1 << 20  # of memory that RE2 may take for one pattern; beyond it the pattern is refused

_FAMILY = "own"
_OPTIONS = re2.Options()
_OPTIONS.case_sensitive = False
_OPTIONS.log_errors = False
_OPTIONS.max_mem = PATTERN_BYTES


class KeywordError(ValueError):
    """A word or pattern that cannot be looked for. ``entry`` is as it was written."""

    def __init__(self, entry: str, problem: str) -> None:
        super().__init__(entry, problem)
        self.entry, self.problem = entry, problem

    def __str__(self) -> str:
        return f"{self.entry!r}: {self.problem}"


class Keywords:
    """``words`` in the notation of phrases (see ``rules.phrase``), found as whole words in any disguise; ``patterns`` in RE2.

    Patterns read the plain form of a text: small letters without accents, look-alikes undone. RE2 takes time linear in the
    length of the text whatever the pattern (https://github.com/google/re2/wiki/WhyRE2), and there is nothing else by
    which staff could slow down everybody's messages.
    """

    def __init__(self, words: tuple[str, ...], patterns: tuple[str, ...]) -> None:
        """Raises KeywordError."""
        self.words, self.patterns = words, patterns
        self._compiled = [_compiled(pattern) for pattern in patterns]
        self._lexicon: Lexicon | None = None
        if words:
            try:
                self._lexicon = Lexicon([Vocabulary(_FAMILY, "", (Group(words),))])
            except PhraseError as problem:
                raise KeywordError(problem.phrase, problem.problem) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keywords) and (self.words, self.patterns) == (other.words, other.patterns)

    def __hash__(self) -> int:
        return hash((self.words, self.patterns))

    def find(self, text: Folded) -> list[tuple[int, int]]:
        """Start and end in the original text of each place where one of them stands, by place, none twice."""
        places = {text.span(*place) for pattern in self._compiled for place in _matches(pattern, text.plain)}
        if self._lexicon is not None:
            places.update(hit.original for hit in self._lexicon.find(text, Setting(), _FAMILY))
        return sorted(places)


def _compiled(pattern: str) -> Any:
    folded = next((sign for sign in pattern if not sign.isascii() and fold(sign).plain != sign), "")
    if folded:
        raise KeywordError(pattern, f"texts are read without accents and look-alikes: write {fold(pattern).plain!r}")
    try:
        compiled = re2.compile(pattern, _OPTIONS)
    except re2.error as problem:
        raise KeywordError(pattern, f"is no pattern of RE2: {_said(problem)}") from None
    if compiled.search("") is not None:
        raise KeywordError(pattern, "finds something in a text without a letter")
    return compiled


def _said(problem: Exception) -> str:
    said = problem.args[0] if problem.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _matches(pattern: Any, plain: str) -> list[tuple[int, int]]:
    places: list[tuple[int, int]] = []
    for match in pattern.finditer(plain):
        start, end = match.span()
        if start == end:  # such as \b: a place, and no letters
            continue
        places.append((start, end))
        if len(places) == MOST_PLACES:
            # Some patterns look at all that follows for each place. What stands there is not let through unread.
            places[-1] = (start, len(plain))
            break
    return places
