"""How a message treats people: toxicity, insult, hate, threat."""

from __future__ import annotations

from collections.abc import Mapping

from moderation.classifiers.embedded import Embedded, shipped
from rules.text import Folded


class Conduct:
    """The conduct model, as the engine asks for it.

    ``thresholds`` are chosen in training, on lines that the models did not learn from: see ``weights/conduct.md``.
    """

    name = "conduct"

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded
        self.thresholds: Mapping[str, float] = embedded.thresholds

    @classmethod
    def load(cls) -> Conduct:
        """With the weights that ship. Raises BadWeights."""
        return cls(shipped())

    def scores(self, text: str | Folded) -> Mapping[str, float]:
        """Calibrated probabilities of toxicity, insult, hate and threat."""
        return self._embedded.judge(text).conduct
