"""From the sums of a model's columns to its scores: the few numbers that follow the gathering."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, sqrt, tanh

from moderation.classifiers.table import Sums, Weights

OUTPUTS = ("toxicity", "insult", "hate", "threat")
HARMS = ("threat", "insult", "sexual", "scam", "drugs_weapons", "self_harm")
LABELS = ("negative", "neutral", "positive")
LANGUAGES = ("en", "es", "pt")


class ConductHead:
    """Logits of each output from the sum over the whole text and the highest sum over any of its windows.

    Columns: for the whole text toxicity as learnt from English, Spanish and Portuguese, then insult, hate, threat; for
    windows toxicity as learnt from windows of each language. The other outputs use one column for both.
    """

    WHOLE = (0, 1, 2, 3, 4, 5)
    WINDOW = (6, 7, 8, 3, 4, 5)

    def __init__(self, weights: Weights) -> None:
        slopes: list[list[float]] = weights["slopes"].tolist()
        places = zip(self.WHOLE, self.WINDOW, slopes, strict=True)
        self._heads = [(column, window, whole, worst, offset) for column, window, (whole, worst, offset) in places]

    def scores(self, whole: Sums, worst: Sums, languages: Sequence[float]) -> dict[str, float]:
        """Probabilities of the ``OUTPUTS``. ``languages``: how likely the text is in each of ``LANGUAGES``."""
        en, es, pt, insult, hate, threat = (
            _probability(whole[column] * slope + worst[window] * peak_slope + offset)
            for column, window, slope, peak_slope, offset in self._heads
        )
        return {"toxicity": in_any((en, es, pt), languages), "insult": insult, "hate": hate, "threat": threat}


def in_any(toxicity: Sequence[float], languages: Sequence[float]) -> float:
    """How likely a text is toxic in a language that it may well be in.

    The language of an abusive word alone is easily mistaken, and a mistake must not hide it: so each counts by the root
    of its share, and one is enough.
    """
    harmless = 1.0
    for score, share in zip(toxicity, languages, strict=True):
        harmless *= 1 - score * sqrt(share)
    return 1 - harmless


class HarmHead:
    """Logits of each of the ``HARMS`` from one column: the sum over the whole text and the highest over any of its windows."""

    def __init__(self, weights: Weights) -> None:
        slopes: list[list[float]] = weights["slopes"].tolist()
        places = enumerate(zip(HARMS, slopes, strict=True))
        self._heads = [(harm, place, whole, worst, offset) for place, (harm, (whole, worst, offset)) in places]

    def scores(self, whole: Sums, worst: Sums) -> dict[str, float]:
        """Probabilities of the ``HARMS``."""
        return {
            harm: _probability(whole[place] * slope + worst[place] * peak_slope + offset)
            for harm, place, slope, peak_slope, offset in self._heads
        }


class SentimentHead:
    """Columns: one for each of the ``LABELS`` in each of the ``LANGUAGES``, language by language."""

    def __init__(self, weights: Weights) -> None:
        self._slopes: list[float] = weights["slopes"].ravel().tolist()
        self._offsets: list[float] = weights["offsets"].ravel().tolist()

    def shares(self, whole: Sums, languages: Sequence[float]) -> tuple[float, ...]:
        """How likely each label is; they sum to 1. ``languages``: how likely the text is in each."""
        logits = list(map(_scaled, whole, self._slopes, self._offsets))
        en, es, pt = languages
        return _softmax([en * logits[k] + es * logits[k + 3] + pt * logits[k + 6] for k in range(len(LABELS))])


class LanguageHead:
    """Columns: one for each of the ``LANGUAGES``."""

    def __init__(self, weights: Weights) -> None:
        self._slopes: list[float] = weights["slopes"].tolist()
        self._offsets: list[float] = weights["offsets"].tolist()

    def shares(self, whole: Sums) -> tuple[float, ...]:
        """How likely each language is, of the words alone; they sum to 1."""
        return _softmax(list(map(_scaled, whole, self._slopes, self._offsets)))


def _scaled(value: float, slope: float, offset: float) -> float:
    return value * slope + offset


def _probability(logit: float) -> float:
    return 0.5 + 0.5 * tanh(0.5 * logit)  # the logistic function, without its overflow


def _softmax(logits: Sequence[float]) -> tuple[float, ...]:
    top = max(logits)
    powers = [exp(logit - top) for logit in logits]
    total = sum(powers)
    return tuple(power / total for power in powers)
