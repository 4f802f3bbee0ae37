"""Which language a message is in, given what the person or the conversation usually speaks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from moderation.classifiers.embedded import Embedded, shipped
from moderation.classifiers.heads import LANGUAGES
from rules.text import Folded

UNKNOWN = "unknown"

# What people write in any of the languages; a message of nothing else says nothing of its own.
_ANYWHERE = re.compile(
    r"o+k+(?:ay|ey|i|is|s)?|k+|(?:[hj]+[aeiou])+[hj]*|(?:rs)+|l+o+l+|lmf?ao|omg|wtf|x+d+|h*m+|[uao]h+|e+h*|yay|wow"
)
_WORD = re.compile(r"[^\W\d_]+")
_LONGEST_EXCLAMATION = 40  # characters; longer messages are left to the model

# What the usual language weighs, beside the words of a message.
PRIOR = 0.85
# A language must be this likely to be named.
SURE = 0.6
# Of the words alone: with less, a message says nothing of its language, whatever its author usually speaks.
TELLING = 0.5


class Language:
    """The language model, as the engine asks for it."""

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded

    @classmethod
    def load(cls) -> Language:
        """With the weights that ship. Raises BadWeights."""
        return cls(shipped())

    def identify(self, text: str | Folded, prior: str | None = None) -> tuple[str, float]:
        """``es``, ``en``, ``pt`` or ``unknown``, and how likely that is.

        ``prior`` is the language that the person, or else the conversation, usually speaks. It decides between
        languages that a text could be in; what could be in any (``ok``, ``kkkk``) stays ``unknown``.
        """
        said = text if isinstance(text, str) else text.original
        if len(said) <= _LONGEST_EXCLAMATION and all(map(_ANYWHERE.fullmatch, _WORD.findall(said.lower()))):
            return UNKNOWN, 1.0
        return decide(self._embedded.judge(text).languages, prior)


def identify(text: str | Folded, prior: str | None = None) -> tuple[str, float]:
    """``Language.identify`` with the weights that ship. Raises BadWeights at the first call."""
    return Language.load().identify(text, prior)


def decide(shares: Sequence[float], prior: str | None) -> tuple[str, float]:
    """The language and how likely it is, from the shares that the words give to each of ``LANGUAGES``."""
    telling = max(shares)
    if telling < TELLING:
        return UNKNOWN, 1.0 - telling
    if prior in LANGUAGES:
        rest = (1 - PRIOR) / (len(LANGUAGES) - 1)
        weighed = [share * (PRIOR if name == prior else rest) for name, share in zip(LANGUAGES, shares, strict=True)]
        shares = [share / sum(weighed) for share in weighed]
    best = max(range(len(LANGUAGES)), key=shares.__getitem__)
    return (LANGUAGES[best], shares[best]) if shares[best] >= SURE else (UNKNOWN, 1.0 - shares[best])
