"""Learns toxicity, insult, hate and threat. Run: ``python -m training.conduct DATA_DIR``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from moderation.classifiers.table import WEIGHTS, read
from training import corpus, linear, matrix
from training.corpus import FOLDS, LANGUAGES, Line
from training.matrix import Vector, Vocabulary

HEADS = ("toxicity en", "toxicity es", "toxicity pt", "insult", "hate", "threat")
OUTPUTS = ("toxicity", "insult", "hate", "threat")

# How many of the annotators of a line agreed says how sure its label is: 0, 1, 2, 3 or more flags.
SHARE_OF_FLAGS = (0.05, 0.75, 0.95, 1.0)

# The scores are probabilities for talk of which this share is abusive, half of the rest comments of strangers and
# half chat with a service.
ABUSIVE = 0.2


def main(folder: Path) -> None:
    lines = corpus.read(folder)
    vocabulary = Vocabulary.load(WEIGHTS / "features.npz")
    scaled = vocabulary.scaled(matrix.counts(lines))
    targets = {head: target(head, lines) for head in HEADS}
    columns = np.zeros((scaled.shape[1], len(HEADS)))
    unseen = np.zeros((len(lines), len(HEADS)))
    for place, head in enumerate(HEADS):
        columns[:, place], unseen[:, place] = learn(lines, scaled, vocabulary, *targets[head])
    languages = language_shares(scaled, vocabulary)
    logits, slopes, offsets = calibrate(lines, unseen, targets, languages)
    print(report(lines, logits))
    table, scales = matrix.quantized(columns)
    np.savez_compressed(
        WEIGHTS / "conduct.npz", columns=table, columns_scales=scales, slopes=slopes, offsets=offsets,
        digest=vocabulary.digest(),
    )  # fmt: skip


def target(head: str, lines: Sequence[Line]) -> tuple[Vector, Vector]:
    """For each line how much it is of this head (0..1) and how much it counts (0: says nothing of it)."""
    kind, _, lang = head.partition(" ")
    judge = {"toxicity": _toxicity, "insult": _insult, "hate": _hate, "threat": _threat}[kind]
    pairs = np.array([judge(line) if not lang or line.lang == lang else (0.0, 0.0) for line in lines])
    return pairs[:, 0], pairs[:, 1]


def _harmless(line: Line) -> tuple[float, float] | None:
    """What no head may speak on, and how much that counts."""
    if line.task == "clean":
        return 0.0, 1.0 if line.lang == "en" else 2.0
    if line.task == "sentiment" and line.label >= 0:
        return 0.0, 0.3
    if line.task in ("contact", "pii"):
        return 0.0, 0.3
    if line.task == "phrase" and not line.label:
        return 0.0, 3.0
    return None


def _flags(line: Line, *kinds: str) -> float:
    return SHARE_OF_FLAGS[min(3, sum(n for kind, n in line.counts.items() if not kinds or kind in kinds))]


def _toxicity(line: Line) -> tuple[float, float]:
    if line.task in ("toxicity", "hate", "bias"):
        return (_flags(line) if line.source == "told_br" else float(line.label)), 1.0
    if line.task == "profanity_term":
        return 1.0, 0.3
    if line.task == "phrase" and line.label:
        return 1.0, 2.0
    return _harmless(line) or (0.0, 0.0)


def _insult(line: Line) -> tuple[float, float]:
    if line.source == "told_br":
        return _flags(line, "insult", "homophobia", "misogyny", "racism", "xenophobia"), 1.0
    if line.source in ("offendes", "jigsaw_bias_madlibs"):
        return float(line.label), 1.0
    if line.source == "davidson":
        # Labelled offensive only; said to somebody, it is most often an insult.
        if not line.label:
            return 0.0, 1.0
        return (0.9, 0.5) if {"you", "your", "ur", "u", "you're"} & set(line.plain.split()) else (0.0, 0.0)
    if line.category == "other / general insult":
        return 1.0, 1.0
    if line.task == "phrase" and line.label:
        return (1.0, 3.0) if line.category == "insult" else (0.0, 0.0)
    return _harmless(line) or (0.0, 0.0)


def _hate(line: Line) -> tuple[float, float]:
    if line.source == "told_br":
        return _flags(line, "homophobia", "misogyny", "racism", "xenophobia"), 1.0
    if line.source == "offendes":
        return (0.6, 0.5) if line.category == "OFG" else (0.0, 1.0 if not line.label else 0.3)
    if line.source == "davidson":
        return float(line.category == "hate"), 1.0
    if line.source == "hatemojibuild":
        return float(line.label), 1.0
    if line.source == "jigsaw_bias_madlibs":
        return 0.0, float(not line.label)
    if line.source == "surge_profanity":
        return 1.0, 1.0 if line.category in ("racial / ethnic slurs", "sexual orientation / gender") else 0.0
    if line.task == "phrase" and line.label:
        return (1.0, 5.0) if line.category == "hate" else (0.0, 1.0)
    return _harmless(line) or (0.0, 0.0)


def _threat(line: Line) -> tuple[float, float]:
    if line.source == "hatemojibuild":
        return float(line.category == "threateninglanguage"), 1.0
    if line.source in ("told_br", "offendes", "davidson"):
        return 0.0, 0.1 if line.label else 0.3
    if line.task == "phrase" and line.label:
        return (1.0, 10.0) if line.category == "threat" else (0.0, 2.0)
    return _harmless(line) or (0.0, 0.0)


def learn(
    lines: Sequence[Line], scaled: csr_matrix, vocabulary: Vocabulary, wanted: Vector, weight: Vector
) -> tuple[Vector, Vector]:
    """Weights (features,) from all lines, and for each line the sum (lines,) by a model that never saw it."""
    folds = np.array([line.fold for line in lines])
    source = np.unique([f"{line.source} {line.lang}" for line in lines], return_inverse=True)[1]
    unseen = np.zeros(len(lines))
    for held in range(FOLDS):
        seen = (folds != held) & (weight > 0)
        found = linear.fit(scaled[seen], wanted[seen], weight[seen], vocabulary.idf, source[seen])
        unseen[folds == held] = scaled[folds == held] @ found
    used = weight > 0
    return linear.fit(scaled[used], wanted[used], weight[used], vocabulary.idf, source[used]), unseen


def language_shares(scaled: csr_matrix, vocabulary: Vocabulary) -> Vector:
    """How likely each line is in each language, by the model that ships: (lines, 3)."""
    stored = read("language")
    if stored["digest"].tobytes() != vocabulary.digest().tobytes():
        raise SystemExit("weights/language.npz was learnt with other features: run training.language first")
    z = scaled @ (stored["columns"] * stored["columns_scales"]) * stored["slopes"] + stored["offsets"]
    shares = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def calibrate(
    lines: Sequence[Line], unseen: Vector, targets: dict[str, tuple[Vector, Vector]], languages: Vector
) -> tuple[Vector, Vector, Vector]:
    """Platt scaling of each column; toxicity is the mixture of its three columns by language.

    Returns the logits (lines, outputs), each by a scaling that did not see the line's fold, and the slopes and
    offsets (columns,) from all lines.
    """
    folds = np.array([line.fold for line in lines])
    scaled = np.zeros_like(unseen)
    slopes, offsets = np.zeros(len(HEADS)), np.zeros(len(HEADS))
    for place, head in enumerate(HEADS):
        wanted, weight = targets[head]
        weight = _mixed_as_shipped(lines, wanted, weight)
        for held in range(FOLDS):
            slope, offset = _platt(unseen[:, place], wanted, weight * (folds != held))
            scaled[folds == held, place] = unseen[folds == held, place] * slope + offset
        slopes[place], offsets[place] = _platt(unseen[:, place], wanted, weight)
    toxicity = (scaled[:, :3] * languages).sum(axis=1)
    return np.column_stack([toxicity, scaled[:, 3:]]), slopes, offsets


def _mixed_as_shipped(lines: Sequence[Line], wanted: Vector, weight: Vector) -> Vector:
    positive, clean = wanted > 0.5, np.array([line.task == "clean" for line in lines])
    shares = np.zeros(len(lines))
    used = weight > 0
    for part, share in (
        (positive, ABUSIVE), (~positive & clean, (1 - ABUSIVE) / 2), (~positive & ~clean, (1 - ABUSIVE) / 2)
    ):  # fmt: skip
        shares[part & used] = share / max(1, (part & used).sum())
    return shares


def _platt(z: Vector, wanted: Vector, weight: Vector) -> tuple[float, float]:
    used = np.flatnonzero(weight)
    model = LogisticRegression(C=1e4)
    model.fit(
        np.concatenate([z[used], z[used]])[:, None],
        np.repeat([1, 0], len(used)),
        np.concatenate([weight[used] * wanted[used], weight[used] * (1 - wanted[used])]) * 1e3,
    )
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def report(lines: Sequence[Line], logits: Vector) -> str:
    source = np.array([f"{line.source} {line.lang}" for line in lines])
    label = np.array([line.label for line in lines])
    task = np.array([line.task for line in lines])
    scores = 1 / (1 + np.exp(-logits))
    rows = ["| set | lines | AUC toxicity |", "|---|---|---|"]
    for name in (
        "davidson en",
        "surge_toxicity en",
        "hatemojibuild en",
        "jigsaw_bias_madlibs en",
        "offendes es",
        "told_br pt",
    ):
        here = source == name
        rows.append(f"| {name} | {here.sum()} | {roc_auc_score(label[here], logits[here, 0]):.3f} |")
    rows += [
        "",
        "| clean chat, % at or above | lines | .3 | .4 | .5 | .6 | .7 | .8 | .9 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in np.unique(source[task == "clean"]):
        here = (source == name) & (task == "clean")
        shares = [f"{100 * (scores[here].max(axis=1) >= least).mean():.2f}" for least in np.arange(0.3, 1, 0.1)]
        rows.append(f"| {name} | {here.sum()} | {' | '.join(shares)} |")
    rows += ["", "| recall at | .3 | .4 | .5 | .6 | .7 | .8 | .9 |", "|---|---|---|---|---|---|---|---|"]
    for name in ("davidson en", "surge_toxicity en", "offendes es", "told_br pt"):
        here = (source == name) & (label == 1)
        shares = [f"{(scores[here, 0] >= least).mean():.2f}" for least in np.arange(0.3, 1, 0.1)]
        rows.append(f"| {name} | {' | '.join(shares)} |")
    rows += ["", "| own phrases | AUC en | es | pt |", "|---|---|---|---|"]
    for place, output in enumerate(OUTPUTS[1:], start=1):
        aucs = []
        for lang in LANGUAGES:
            here = (task == "phrase") & np.array(
                [line.lang == lang and line.category in (output, "clean") for line in lines]
            )
            aucs.append(f"{roc_auc_score(label[here], logits[here, place]):.3f}")
        rows.append(f"| {output} | {' | '.join(aucs)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
