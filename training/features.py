"""Chooses the features that every model reads. Run first: ``python -m training.features --data DIR``."""

from __future__ import annotations

from pathlib import Path

from moderation.classifiers.table import WEIGHTS
from training import corpus, matrix
from training.matrix import Vocabulary


def main(folder: Path) -> None:
    vocabulary = Vocabulary.of(matrix.counts(corpus.read(folder)))
    vocabulary.save(WEIGHTS / "features.npz")
    print(f"{len(vocabulary.kept):,} features in {matrix.LEAST_LINES} lines or more")


if __name__ == "__main__":
    main(corpus.place())
