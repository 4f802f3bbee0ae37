"""Chooses the features that every model reads. Run first: ``python -m training.features --data DIR``."""

from __future__ import annotations

from pathlib import Path

from moderation.classifiers.heads import LANGUAGES
from moderation.classifiers.table import WEIGHTS
from training import corpus, lexicon, matrix
from training.matrix import Vocabulary

LISTS = ("profanity", "insult", "abuse", "positive", "negative")  # every word of them is known, met or not


def main(folder: Path) -> None:
    listed = lexicon.slots(LISTS, LANGUAGES)
    vocabulary = Vocabulary.of(matrix.counts(corpus.read(folder)), listed)
    vocabulary.save(WEIGHTS / "features.npz")
    print(f"{len(vocabulary.kept):,} features in {matrix.LEAST_LINES} lines or more, or in a word list")


if __name__ == "__main__":
    main(corpus.place())
