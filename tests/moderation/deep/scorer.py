"""A deep process without a model: speaks the real protocol, and does what its texts tell it to. For faults on demand.

usage: python scorer.py [unfit | dies | deaf]
"""

from __future__ import annotations

import math
import os
import sys
import time

from moderation.deep import worker

NAMES = ("toxicity", "threat", "insult", "obscene")
HIGH = {"zorglub": "toxicity", "grumox": "threat", "flagox": "insult", "coverox": "obscene"}
SLOW_SECONDS = 1.5


class Obedient:
    """Gives the class of each known word 0.99 and all else 0.01; some words make it fail."""

    names: tuple[str, ...] = NAMES
    device = "cpu"
    window = 64
    most_tokens = 64

    def tokens(self, texts: list[str]) -> list[list[int]]:
        self._texts = getattr(self, "_texts", {})
        ids = [[hash(text) & 0xFFFFFF, *range(len(text.split()))] for text in texts]
        self._texts.update((one[0], text) for one, text in zip(ids, texts, strict=True))
        return ids

    def scores(self, batch: list[list[int]]) -> list[list[float]]:
        return [self._score(self._texts[one[0]]) for one in batch]

    def _score(self, text: str) -> list[float]:
        if "crashox" in text:
            os._exit(1)
        if "hangox" in text:
            time.sleep(3_600)
        if "slowox" in text:
            time.sleep(SLOW_SECONDS)
        if "raisox" in text:
            raise RuntimeError(text)
        if "shortox" in text:
            return [0.5]
        if "nanox" in text:
            return [math.nan] * len(NAMES)
        if "beyondox" in text:
            return [1.5] * len(NAMES)
        found = {HIGH[word] for word in HIGH if word in text}
        return [0.99 if name in found else 0.01 for name in NAMES]


def load() -> Obedient:
    match sys.argv[1:]:
        case ["unfit"]:
            raise ValueError("no model here")
        case ["dies"]:
            os._exit(3)
        case ["deaf"]:
            time.sleep(3_600)
    return Obedient()


if __name__ == "__main__":
    worker.run(load)
