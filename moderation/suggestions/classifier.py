"""What a message wants: a linear model over hashed words, letters and concepts.

Ridge regression on one-hot intents, text and concepts learnt apart and added up, made probabilities by one temperature
(Guo et al. 2017, "On Calibration of Modern Neural Networks"). Learnt by ``python -m training.suggestions``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt

from moderation.suggestions.features import (
    SLOTS,
    Values,
    concept_block,
    read,
    scaled,
    text_blocks,
)
from moderation.suggestions.intents import SOCIAL, Intent
from moderation.suggestions.words import LANGUAGES

WEIGHTS = Path(__file__).parent / "weights" / "intents.npz"
INTENTS = tuple(Intent)

MOST_CLAUSES = 3  # of one message that are understood by themselves
DOUBT = 0.3  # probability of ``other`` from which no clause is asked
PLAUSIBLE = 0.1  # probability from which an intent of the whole may be settled by a clause

_CLAUSE = re.compile(r"(?<=[.!?;,])\s+|\n+|\s+(?:y|e|and|pero|mas|but)\s+")


class Reading(msgspec.Struct, frozen=True):
    """What a message may want: intents with their probabilities, likeliest first; ``speaks`` if it is sure enough.

    Probabilities of intents found in separate clauses stand side by side, so they may sum to more than 1.
    """

    lang: str
    intents: tuple[tuple[Intent, float], ...]
    speaks: bool

    @property
    def intent(self) -> Intent:
        """The likeliest one."""
        return self.intents[0][0]

    @property
    def confidence(self) -> float:
        """Its probability."""
        return self.intents[0][1]


class IntentClassifier:
    """Reads messages. Immutable after its making.

    ``weights`` is (SLOTS, intents), ``idf`` the rarity of each slot, ``thresholds`` the least confidence to speak at, by
    language. ``discount`` is what the probability of ``other`` counts for beside a wish, when the likeliest is named.
    """

    def __init__(
        self,
        idf: Values,
        weights: Values,
        bias: Values,
        temperature: float,
        discount: float,
        thresholds: dict[str, float],
    ) -> None:
        if weights.shape != (SLOTS, len(INTENTS)) or len(idf) != SLOTS:
            raise ValueError("The weights do not fit the features: train them again.")
        self._idf, self._weights, self._bias = idf, weights, bias
        self._temperature, self._discount = temperature, discount
        self.thresholds = thresholds

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Self:
        """The shipped model, or another. Raises OSError, KeyError or ValueError where it cannot be read."""
        with np.load(path) as stored:
            return cls(
                stored["idf"].astype(np.float32),
                stored["weights"] * stored["scales"],
                stored["bias"],
                float(stored["temperature"]),
                float(stored["discount"]),
                dict(zip(LANGUAGES, map(float, stored["thresholds"]), strict=True)),
            )

    def probabilities(self, text: str, lang: str) -> npt.NDArray[np.float32]:
        """Of each intent, in the order of INTENTS; they sum to 1."""
        words = read(text, lang)
        scores = self._bias.copy()
        for block in (*text_blocks(words), concept_block(words, lang)):
            scores += scaled(block, self._idf) @ self._weights[block.slots]
        powers = np.exp((scores - scores.max()) / self._temperature)
        return np.asarray(powers / powers.sum())

    def read(self, text: str, lang: str) -> Reading:
        """What the whole message wants, and what its clauses are sure to want beside that."""
        whole = self.probabilities(text, lang)
        threshold = self.thresholds.get(lang, max(self.thresholds.values()))
        chances = dict(zip(INTENTS, map(float, whole), strict=True))
        order = sorted(chances, key=lambda intent: -self._weight(intent, chances[intent]))
        unsure = chances[order[0]] < threshold or order[0] in SOCIAL
        if unsure and chances[Intent.OTHER] < DOUBT:
            chances |= self._settled(text, lang, chances, threshold)
            order.sort(key=lambda intent: -self._weight(intent, chances[intent]))
        order = _wishes_before_manners(order, chances, threshold)
        speaks = order[0] is not Intent.OTHER and chances[order[0]] >= threshold
        return Reading(lang, tuple((intent, chances[intent]) for intent in order), speaks)

    def _settled(self, text: str, lang: str, whole: Mapping[Intent, float], threshold: float) -> dict[Intent, float]:
        """What single clauses are sure of. Cut at a comma or an "and" they may mean anything, so they only settle what
        the whole leaves open: "I'll give you 40 and come at 6" is half an offer and half a question of time."""
        found: dict[Intent, float] = {}
        for clause in _clauses(text):
            parts = self.probabilities(clause, lang)
            intent, chance = INTENTS[int(parts.argmax())], float(parts.max())
            if chance >= threshold and whole[intent] >= PLAUSIBLE:
                found[intent] = max(found.get(intent, 0.0), chance)
        return found

    def _weight(self, intent: Intent, chance: float) -> float:
        return chance * (self._discount if intent is Intent.OTHER else 1)


def _clauses(text: str) -> list[str]:
    clauses = [clause for clause in _CLAUSE.split(text) if clause.strip()]
    return clauses[:MOST_CLAUSES] if len(clauses) > 1 else []


def _wishes_before_manners(order: list[Intent], chances: Mapping[Intent, float], threshold: float) -> list[Intent]:
    if order[0] not in SOCIAL:
        return order
    wishes = [i for i in order if i not in SOCIAL and i is not Intent.OTHER and chances[i] >= threshold]
    return [*wishes, *(intent for intent in order if intent not in wishes)]
