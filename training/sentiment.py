"""Learns how a message feels. Run: ``python -m training.sentiment DATA_DIR``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.metrics import recall_score

from moderation.classifiers.table import WEIGHTS
from training import corpus, linear, matrix
from training.corpus import FOLDS, Line
from training.matrix import Vector, Vocabulary

LABELS = (-1, 0, 1)  # negative, neutral, positive


def main(folder: Path) -> None:
    lines = [line for line in corpus.read(folder) if line.task == "sentiment"]
    vocabulary = Vocabulary.load(WEIGHTS / "features.npz")
    scaled = vocabulary.scaled(matrix.counts(lines))
    columns, unseen = learn(lines, scaled, vocabulary)
    slopes, offsets = calibrate(lines, unseen, np.ones(len(lines), dtype=np.bool_))
    print(report(lines, unseen))
    table, scales = matrix.quantized(columns)
    np.savez_compressed(
        WEIGHTS / "sentiment.npz", columns=table, columns_scales=scales, slopes=slopes, offsets=offsets,
        digest=vocabulary.digest(),
    )  # fmt: skip


def learn(lines: Sequence[Line], scaled: csr_matrix, vocabulary: Vocabulary) -> tuple[Vector, Vector]:
    """Weights (features, 3) from all lines, and for each line the sums (lines, 3) of a model that never saw it."""
    folds = np.array([line.fold for line in lines])
    source = np.unique([f"{line.source} {line.lang}" for line in lines], return_inverse=True)[1]
    weight = np.ones(len(lines))
    columns, unseen = np.zeros((scaled.shape[1], len(LABELS))), np.zeros((len(lines), len(LABELS)))
    for place, label in enumerate(LABELS):
        wanted = np.array([float(line.label == label) for line in lines])
        for held in range(FOLDS):
            seen = folds != held
            found = linear.fit(scaled[seen], wanted[seen], weight[seen], vocabulary.idf, source[seen])
            unseen[~seen, place] = scaled[~seen] @ found
        columns[:, place] = linear.fit(scaled, wanted, weight, vocabulary.idf, source)
    return columns, unseen


def calibrate(lines: Sequence[Line], sums: Vector, used: np.ndarray) -> tuple[Vector, Vector]:
    """Slope and offset of each label's sum that make the softmax a probability where the labels are equally common."""
    truth = np.array([LABELS.index(line.label) for line in lines])[used]
    weight = 1.0 / np.bincount(truth)[truth]

    def loss(parameters: Vector) -> float:
        z = sums[used] * parameters[:3] + parameters[3:]
        z = z - z.max(axis=1, keepdims=True)
        chosen = z[np.arange(len(z)), truth] - np.log(np.exp(z).sum(axis=1))
        return float(-(weight * chosen).sum())

    best = minimize(loss, np.array([1.0] * 3 + [0.0] * 3)).x
    return best[:3], best[3:]


def report(lines: Sequence[Line], unseen: Vector) -> str:
    """Mean recall of the three labels by corpus; the calibration, too, is of lines of other folds."""
    folds = np.array([line.fold for line in lines])
    label = np.array([line.label for line in lines])
    source = np.array([f"{line.source} {line.lang}" for line in lines])
    said = np.zeros(len(lines), dtype=int)
    for held in range(FOLDS):
        slopes, offsets = calibrate(lines, unseen, folds != held)
        here = folds == held
        said[here] = np.array(LABELS)[(unseen[here] * slopes + offsets).argmax(axis=1)]
    rows = ["| set | lines | mean recall | negative | neutral | positive |", "|---|---|---|---|---|---|"]
    for name in np.unique(source):
        here = source == name
        recalls = recall_score(label[here], said[here], labels=LABELS, average=None)
        each = " | ".join(f"{recall:.3f}" for recall in recalls)
        rows.append(f"| {name} | {here.sum()} | {recalls.mean():.3f} | {each} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
