"""What a marketplace calls harm, where the rules have no wording for it."""

from __future__ import annotations

from collections.abc import Mapping

from moderation.classifiers.embedded import Embedded, shipped
from rules.text import Folded


class Harm:
    """The harm model, as the engine asks for it. Its outputs are named ``harm.threat`` and so on, apart from those of conduct.

    ``thresholds`` are chosen in training, on lines that the model did not learn from: see ``weights/harm.md``.
    """

    name = "harm"

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded
        self.thresholds: Mapping[str, float] = {f"harm.{kind}": at for kind, at in embedded.harm_thresholds.items()}

    @classmethod
    def load(cls) -> Harm:
        """With the weights that ship. Raises BadWeights."""
        return cls(shipped())

    def scores(self, text: str | Folded) -> Mapping[str, float]:
        """Calibrated probabilities of each kind of harm."""
        return {f"harm.{kind}": score for kind, score in self._embedded.judge(text).harm.items()}
