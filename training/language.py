"""Learns which language a message is in. Run: ``python -m training.language --data DIR``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from moderation.classifiers.features import normal
from moderation.classifiers.heads import LANGUAGES
from moderation.classifiers.table import WEIGHTS
from rules.text import fold
from training import card, corpus, linear, matrix
from training.corpus import FOLDS, Line
from training.matrix import Vector, Vocabulary

LINES = 5_000  # of each language
SNIPPETS = 2  # short runs of words cut from each line, because chat lines are short
LONGEST_SNIPPET = 5  # words
SEED = 20


def main(folder: Path) -> None:
    lines = sample(corpus.read(folder))
    lines += snippets(lines)
    vocabulary = Vocabulary.load(WEIGHTS / "features.npz")
    scaled = vocabulary.scaled(matrix.counts(lines))
    columns, logits = learn(lines, scaled, vocabulary)
    slopes, offsets = calibrate(lines, logits)
    card.write("language", language=report(lines, logits * slopes + offsets))
    table, scales = matrix.quantized(columns)
    np.savez_compressed(
        WEIGHTS / "language.npz", columns=table, columns_scales=scales, slopes=slopes, offsets=offsets,
        digest=vocabulary.digest(),
    )  # fmt: skip


def sample(lines: Sequence[Line]) -> list[Line]:
    """Lines of each language, the rarer corpora first, so that talk of many kinds is among them."""
    chance = np.random.default_rng(SEED)
    sizes = Counter((line.source, line.lang) for line in lines)
    mixed = [lines[place] for place in chance.permutation(len(lines)) if lines[place].task != "profanity_term"]
    mixed.sort(key=lambda line: sizes[line.source, line.lang] > LINES)
    return [line for lang in LANGUAGES for line in [line for line in mixed if line.lang == lang][:LINES]]


def snippets(lines: Sequence[Line]) -> list[Line]:
    """Runs of one to five words out of each line."""
    chance = np.random.default_rng(SEED)
    found = []
    for line in lines:
        words = line.text.split()
        for _ in range(SNIPPETS if len(words) > 1 else 0):
            length = chance.integers(1, LONGEST_SNIPPET + 1)
            start = chance.integers(0, max(1, len(words) - length + 1))
            text = " ".join(words[start : start + length])
            found.append(
                msgspec.structs.replace(line, text=text, plain=normal(fold(text)), source=line.source + " cut")
            )
    return found


def learn(lines: Sequence[Line], scaled: csr_matrix, vocabulary: Vocabulary) -> tuple[Vector, Vector]:
    """Weights (features, 3) from all lines, and for each line the logits (lines, 3) of a model that never saw it."""
    folds = np.array([line.fold for line in lines])
    langs = np.array([line.lang for line in lines])
    flat = np.zeros(len(lines), dtype=np.int64)
    weight = np.array([1.0 / np.sum(langs == lang) for lang in langs]) * len(lines) / len(LANGUAGES)
    logits = np.zeros((len(lines), len(LANGUAGES)))
    columns = np.zeros((scaled.shape[1], len(LANGUAGES)))
    for place, lang in enumerate(LANGUAGES):
        target = (langs == lang).astype(np.float64)
        for held in range(FOLDS):
            seen = folds != held
            found = linear.fit(scaled[seen], target[seen], weight[seen], vocabulary.idf, flat[seen])
            logits[~seen, place] = scaled[~seen] @ found
        columns[:, place] = linear.fit(scaled, target, weight, vocabulary.idf, flat)
    return columns, logits


def calibrate(lines: Sequence[Line], logits: Vector) -> tuple[Vector, Vector]:
    """Slope and offset of each language's logit that make the softmax a probability (least cross-entropy)."""
    truth = np.array([LANGUAGES.index(line.lang) for line in lines])
    weight = 1.0 / np.bincount(truth)[truth]

    def loss(parameters: Vector) -> float:
        z = logits * parameters[:3] + parameters[3:]
        z -= z.max(axis=1, keepdims=True)
        chosen = z[np.arange(len(z)), truth] - np.log(np.exp(z).sum(axis=1))
        return float(-(weight * chosen).sum())

    best = minimize(loss, np.array([1.0] * 3 + [0.0] * 3)).x
    return best[:3], best[3:]


def report(lines: Sequence[Line], logits: Vector) -> str:
    """Accuracy by language and length of the text in words, as a table."""
    truth = np.array([LANGUAGES.index(line.lang) for line in lines])
    right = logits.argmax(axis=1) == truth
    words = np.array([len(line.text.split()) for line in lines])
    rows = ["| words | en | es | pt | lines |", "|---|---|---|---|---|"]
    for least, most in ((1, 1), (2, 2), (3, 5), (6, 10), (11, 1000)):
        within = (words >= least) & (words <= most)
        shares = [f"{right[within & (truth == place)].mean():.3f}" for place in range(len(LANGUAGES))]
        name = str(least) if least == most else f"{least}-{most}" if most < 1000 else f"{least}+"
        rows.append(f"| {name} | {' | '.join(shares)} | {within.sum()} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main(corpus.place())
