"""The embedded models: conduct, harm, sentiment and language of a message, from one reading of its text.

Ships with its weights; needs numpy only. A text is cut into pieces of ``features.PIECE`` bytes: conduct and harm are those of
the worst piece, sentiment and language those of all pieces together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from moderation.classifiers.features import Blocks, Slots, accents, normal, pieces, slots
from moderation.classifiers.heads import HARMS, OUTPUTS, ConductHead, HarmHead, LanguageHead, SentimentHead
from moderation.classifiers.table import WEIGHTS, Table, read
from rules.text import Folded, fold


class Reading(msgspec.Struct, frozen=True):
    """What the models say of a text.

    ``conduct`` has a probability for each of ``heads.OUTPUTS``, ``harm`` for each of ``heads.HARMS``. ``sentiment`` and
    ``languages`` are shares that sum to 1, in the order of ``heads.LABELS`` and ``heads.LANGUAGES``.
    """

    conduct: dict[str, float]
    sentiment: tuple[float, ...]
    languages: tuple[float, ...]
    harm: dict[str, float]


class Embedded:
    """The three models over one table of weights. Safe to share between threads."""

    def __init__(self, folder: Path = WEIGHTS) -> None:
        """Raises BadWeights where a file in ``folder`` is missing, damaged, or does not belong to the others."""
        conduct, sentiment, language, harm = (
            read(name, folder) for name in ("conduct", "sentiment", "language", "harm")
        )
        self._table = Table(read("features", folder), (conduct, sentiment, language, harm))
        self._conduct, self._sentiment = ConductHead(conduct), SentimentHead(sentiment)
        self._language, self._harm = LanguageHead(language), HarmHead(harm)
        self.thresholds = dict(zip(OUTPUTS, conduct["thresholds"].tolist(), strict=True))
        self.harm_thresholds = dict(zip(HARMS, harm["thresholds"].tolist(), strict=True))
        # The engine asks for the conduct, sentiment and language of one text in turn: its reading is kept for that.
        self._last = "", self._read(fold(""))

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> Embedded:
        """The models whose weights are in ``folder``. Raises BadWeights."""
        return cls(folder)

    def judge(self, text: str | Folded) -> Reading:
        """What the models say of ``text``: the same for the same text, in time linear in its length.

        A text that is folded already is not folded again.
        """
        original = text if isinstance(text, str) else text.original
        last, reading = self._last
        if last != original:
            reading = self._read(fold(text) if isinstance(text, str) else text)
            self._last = original, reading
        return reading

    def _read(self, text: Folded) -> Reading:
        marked = accents(text.original)
        readings = [self._piece(*slots(piece), marked) for piece in pieces(normal(text))]
        if len(readings) == 1:
            return readings[0]
        return Reading(
            {output: max(reading.conduct[output] for reading in readings) for output in OUTPUTS},
            _mean([reading.sentiment for reading in readings]),
            _mean([reading.languages for reading in readings]),
            {harm: max(reading.harm[harm] for reading in readings) for harm in HARMS},
        )

    def _piece(self, found: Slots, blocks: Blocks, marked: Slots) -> Reading:
        whole, worst = self._table.sums(np.concatenate((found, marked)) if len(marked) else found, blocks)
        of_conduct, of_sentiment, of_language, of_harm = self._table.places
        languages = self._language.shares(whole[of_language])
        conduct = self._conduct.scores(whole[of_conduct], worst[of_conduct], languages)
        harm = self._harm.scores(whole[of_harm], worst[of_harm])
        return Reading(conduct, self._sentiment.shares(whole[of_sentiment], languages), languages, harm)


@cache
def shipped() -> Embedded:
    """The models that ship, loaded once for the whole process. Raises BadWeights."""
    return Embedded.load()


def _mean(shares: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(sum(column) / len(shares) for column in zip(*shares, strict=True))
