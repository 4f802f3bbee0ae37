"""From the sums of a model's columns to its scores: the few numbers that follow the gathering."""

from __future__ import annotations

import math
from collections.abc import Sequence

from moderation.classifiers.table import Sums, Weights

OUTPUTS = ("toxicity", "insult", "hate", "threat")
LABELS = ("negative", "neutral", "positive")
LANGUAGES = ("en", "es", "pt")


class _Scaled:
    """Every sum by a slope and an offset of its own, so that it is a calibrated logit."""

    def __init__(self, weights: Weights) -> None:
        self._slopes: list[float] = weights["slopes"].tolist()
        self._offsets: list[float] = weights["offsets"].tolist()

    def _logits(self, sums: Sums) -> list[float]:
        return [s * slope + offset for s, slope, offset in zip(sums.tolist(), self._slopes, self._offsets, strict=True)]


class ConductHead(_Scaled):
    """Columns: toxicity as learnt from English, Spanish and Portuguese, then insult, hate, threat."""

    def scores(self, sums: Sums, languages: Sequence[float]) -> dict[str, float]:
        """Probabilities of the ``OUTPUTS``. Toxicity mixes its three logits in the shares of the ``LANGUAGES``."""
        logits = self._logits(sums)
        toxicity = sum(logit * share for logit, share in zip(logits[:3], languages, strict=True))
        return dict(zip(OUTPUTS, map(_probability, (toxicity, *logits[3:])), strict=True))


class SentimentHead(_Scaled):
    """Columns: one for each of the ``LABELS``."""

    def shares(self, sums: Sums) -> tuple[float, ...]:
        """How likely each label is; they sum to 1."""
        return _softmax(self._logits(sums))


class LanguageHead(_Scaled):
    """Columns: one for each of the ``LANGUAGES``."""

    def shares(self, sums: Sums) -> tuple[float, ...]:
        """How likely each language is, of the words alone; they sum to 1."""
        return _softmax(self._logits(sums))


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))


def _softmax(logits: Sequence[float]) -> tuple[float, ...]:
    top = max(logits)
    powers = [math.exp(logit - top) for logit in logits]
    total = sum(powers)
    return tuple(power / total for power in powers)
