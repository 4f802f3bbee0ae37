"""Learns how a message feels. Run: ``python -m training.sentiment --data DIR``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.metrics import recall_score

from moderation.classifiers.heads import LANGUAGES
from moderation.classifiers.table import WEIGHTS
from training import card, corpus, linear, matrix
from training.corpus import FOLDS, Line
from training.lexicon import Lexicon
from training.matrix import Vector, Vocabulary

LABELS = (-1, 0, 1)  # negative, neutral, positive
FELT = {"sorry": -1, "even": 0, "glad": 1}  # phrases of the project
OWN = 2.0  # weight of such a phrase
OTHERS = 0.4  # weight of a line of another language
LISTS = ("positive", "negative", "abuse")

# Emoji by which people say how they feel themselves; lines that have them teach the words around them.
GLAD = "😀😁😂😃😄😊😍🥰😘😋😎🤗🙌👏👍💪❤💕💖💙💚💛💜🎉🎊✨🔥💯😻🌟🥳😉☺♥♡🙏"
SORRY = "😞😢😭😡😠🤬😤😩😫😒😔😟😕🙁☹😣😖🤮🤢💔👎😰😨🙄😑🤦😪😥😓"


def main(folder: Path) -> None:
    everything = corpus.read(folder)
    lines = felt(everything)
    vocabulary = Vocabulary.load(WEIGHTS / "features.npz")
    columns, unseen = learn(lines, vocabulary, directions(everything, vocabulary))
    langs = np.array([line.lang for line in lines])
    scaling = [calibrate(lines, unseen, langs == lang) for lang in LANGUAGES]
    card.write("sentiment", sentiment=report(lines, unseen))
    table, scales = matrix.quantized(columns)
    np.savez_compressed(
        WEIGHTS / "sentiment.npz",
        columns=table,
        columns_scales=scales,
        slopes=np.array([slopes for slopes, _ in scaling]),
        offsets=np.array([offsets for _, offsets in scaling]),
        digest=vocabulary.digest(),
    )


def felt(lines: Sequence[Line]) -> list[Line]:
    """Lines labelled by how they feel: the corpora's, and the project's own phrases of a marketplace."""
    own = [msgspec.structs.replace(line, label=FELT[line.category]) for line in lines if line.category in FELT]
    return [line for line in lines if line.task == "sentiment"] + own


def directions(lines: Sequence[Line], vocabulary: Vocabulary) -> Vector:
    """What is known of words beforehand: the lists, the lists after a ``not``, and the company of emoji."""
    lexicon = Lexicon(lines, vocabulary)
    lists = [lexicon.directions(LISTS, lang) for lang in LANGUAGES]
    denied = sum(lexicon.denied(LISTS[:2], lang) for lang in LANGUAGES)
    return np.column_stack([*lists, denied, emoji(lines, vocabulary)])


def emoji(lines: Sequence[Line], vocabulary: Vocabulary) -> Vector:
    """For each language the direction from words beside sorry emoji to words beside glad ones: (features, 3).

    No label is looked at, and the emoji themselves are taken out.
    """
    moods = [any(sign in line.plain for sign in GLAD) - any(sign in line.plain for sign in SORRY) for line in lines]
    signs = str.maketrans(dict.fromkeys(GLAD + SORRY, " "))
    columns = []
    for lang in LANGUAGES:
        shown = [
            (msgspec.structs.replace(line, plain=line.plain.translate(signs)), mood)
            for line, mood in zip(lines, moods, strict=True)
            if mood and line.lang == lang
        ]
        scaled = vocabulary.scaled(matrix.counts([line for line, _ in shown]))
        glad = np.array([float(mood > 0) for _, mood in shown])
        source = np.unique([line.source for line, _ in shown], return_inverse=True)[1]
        columns.append(linear.fit(scaled, glad, np.ones(len(shown)), vocabulary.idf, source, strength=0.5))
    return np.column_stack(columns)


def learn(lines: Sequence[Line], vocabulary: Vocabulary, known: Vector) -> tuple[Vector, Vector]:
    """Weights (features, 9) from all lines, and for each line the sums (lines, 3) of a model that never saw it.

    Each language has three columns of its own, learnt from the others' lines too, which count less.
    """
    scaled = vocabulary.scaled(matrix.counts(lines))
    folds, langs = np.array([line.fold for line in lines]), np.array([line.lang for line in lines])
    source = np.unique([f"{line.source} {line.lang}" for line in lines], return_inverse=True)[1]
    own = np.array([OWN if line.category in FELT else 1.0 for line in lines])
    columns, unseen = [], np.zeros((len(lines), len(LABELS)))
    for lang, (place, label) in product(LANGUAGES, enumerate(LABELS)):
        wanted = np.array([float(line.label == label) for line in lines])
        weight = own * np.where(langs == lang, 1.0, OTHERS)

        def fit(seen: npt.NDArray[np.bool_], wanted: Vector = wanted, weight: Vector = weight) -> Vector:
            return linear.fit(
                scaled[seen], wanted[seen], weight[seen], vocabulary.idf, source[seen], directions=known, strength=2.0
            )

        for held in range(FOLDS):
            here = (folds == held) & (langs == lang)
            unseen[here, place] = scaled[here] @ fit(folds != held)
        columns.append(fit(np.ones(len(lines), dtype=np.bool_)))
    return np.column_stack(columns), unseen


def calibrate(lines: Sequence[Line], sums: Vector, used: npt.NDArray[np.bool_]) -> tuple[Vector, Vector]:
    """Slope and offset of each sum that make the softmax a probability where labels and corpora are equally common."""
    used = used & np.array([line.task == "sentiment" for line in lines])  # own phrases are too few to weigh by
    truth = np.array([LABELS.index(line.label) for line in lines])[used]
    kinds = np.unique([f"{line.source} {line.label}" for line in lines], return_inverse=True)[1][used]
    weight = 1.0 / np.bincount(kinds)[kinds]

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
    langs = np.array([line.lang for line in lines])
    label = np.array([line.label for line in lines])
    source = np.array([f"{line.source} {line.lang}" for line in lines])
    said = np.zeros(len(lines), dtype=int)
    for held, lang in product(range(FOLDS), LANGUAGES):
        slopes, offsets = calibrate(lines, unseen, (folds != held) & (langs == lang))
        here = (folds == held) & (langs == lang)
        said[here] = np.array(LABELS)[(unseen[here] * slopes + offsets).argmax(axis=1)]
    rows = ["| set | lines | mean recall | negative | neutral | positive |", "|---|---|---|---|---|---|"]
    for name in np.unique(source):
        here = source == name
        recalls = recall_score(label[here], said[here], labels=LABELS, average=None)
        each = " | ".join(f"{recall:.3f}" for recall in recalls)
        rows.append(f"| {name} | {here.sum()} | {recalls.mean():.3f} | {each} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main(corpus.place())
