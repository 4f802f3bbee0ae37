"""How a message treats people: toxicity, insult, hate, threat."""

from __future__ import annotations

from collections.abc import Mapping

from moderation.classifiers.embedded import Embedded, shipped

# From which score an output is a finding; chosen on lines that the models did not learn from, see weights/conduct.md.
THRESHOLDS = {"toxicity": 0.9, "insult": 0.9, "hate": 0.9, "threat": 0.9}


class Conduct:
    """The conduct model, as the engine asks for it."""

    name = "conduct"
    thresholds: Mapping[str, float] = THRESHOLDS

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded

    @classmethod
    def load(cls) -> Conduct:
        """With the weights that ship. Raises BadWeights."""
        return cls(shipped())

    def scores(self, text: str) -> Mapping[str, float]:
        """Calibrated probabilities of toxicity, insult, hate and threat."""
        return self._embedded.judge(text).conduct
