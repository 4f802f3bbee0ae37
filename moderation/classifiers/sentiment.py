"""How a message feels: negative, neutral or positive. A measure, not a finding."""

from __future__ import annotations

from moderation.classifiers.embedded import Embedded, shipped
from moderation.classifiers.heads import LABELS
from rules.text import Folded


class Sentiment:
    """The sentiment model, as the engine asks for it."""

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded

    @classmethod
    def load(cls) -> Sentiment:
        """With the weights that ship. Raises BadWeights."""
        return cls(shipped())

    def label(self, text: str | Folded) -> tuple[str, float]:
        """``negative``, ``neutral`` or ``positive``, and how likely that is."""
        shares = self._embedded.judge(text).sentiment
        best = max(range(len(shares)), key=shares.__getitem__)
        return LABELS[best], shares[best]
