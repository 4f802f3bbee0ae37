"""Learns toxicity, insult, hate and threat. Run: ``python -m training.conduct --data DIR``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from moderation.classifiers.heads import LANGUAGES, OUTPUTS, in_any
from moderation.classifiers.table import WEIGHTS, read
from rules.text import fold
from training import card, corpus, linear, matrix
from training.corpus import FOLDS, Line
from training.features import LISTS
from training.lexicon import Lexicon
from training.matrix import Vector, Vocabulary

HEADS = ("toxicity en", "toxicity es", "toxicity pt", "insult", "hate", "threat")
LEARNT_FROM_WINDOWS = HEADS[:3]
LABELLED = (
    "davidson en",
    "surge_toxicity en",
    "hatemojibuild en",
    "jigsaw_bias_madlibs en",
    "offendes es",
    "told_br pt",
)

DOUBT = 0.025

# How many of the annotators of a line agreed says how sure its label is: 0, 1, 2, 3 or more flags.
SHARE_OF_FLAGS = (0.05, 0.75, 0.95, 1.0)

# The scores are probabilities for talk of which this share is abusive, half of the rest comments of strangers and
# half chat with a service.
ABUSIVE = 0.2

# Shares of clean chat on which each output may be a finding, by language; the least threshold is chosen that keeps them.
FALSE_ALARMS = {
    "en": (0.003, 0.001, 0.001, 0.001),
    "es": (0.01, 0.005, 0.005, 0.005),
    "pt": (0.01, 0.005, 0.005, 0.005),
}
LEAST_THRESHOLD = 0.5

Flags = npt.NDArray[np.bool_]


def main(folder: Path) -> None:
    lines = corpus.read(folder)
    vocabulary = Vocabulary.load(WEIGHTS / "features.npz")
    learner = Learner(lines, vocabulary)
    learnt = learner.all()
    columns = [head.whole for head in learnt] + [head.window for head in learnt if head.window is not None]
    sums, peaks = np.stack([head.sums for head in learnt]), np.stack([head.peaks for head in learnt])
    logits, slopes = calibrate(lines, sums, peaks, learner)
    thresholds = choose_thresholds(lines, logits)
    card.write("conduct", **report(lines, logits, thresholds))
    table, scales = matrix.quantized(np.column_stack(columns))
    np.savez_compressed(
        WEIGHTS / "conduct.npz",
        columns=table,
        columns_scales=scales,
        slopes=slopes,
        thresholds=np.array(thresholds),
        digest=vocabulary.digest(),
    )


def target(head: str, lines: Sequence[Line]) -> tuple[Vector, Vector]:
    """For each line how much it is of this head (0..1) and how much it counts (0: says nothing of it).

    Never quite 0 or 1: any label may be wrong.
    """
    kind, _, lang = head.partition(" ")
    judge = {"toxicity": _toxicity, "insult": _insult, "hate": _hate, "threat": _threat}[kind]
    pairs = np.array([judge(line) if not lang or line.lang == lang else (0.0, 0.0) for line in lines])
    return np.clip(pairs[:, 0], DOUBT, 1 - DOUBT), pairs[:, 1]


def _harmless(line: Line) -> tuple[float, float] | None:
    """What no head may speak on, and how much that counts."""
    if line.task == "clean":
        return 0.0, 1.0 if line.lang == "en" else 2.0
    if line.task == "sentiment" and line.label >= 0:
        return 0.0, 0.3
    if line.task in ("contact", "pii"):
        return 0.0, 0.3
    if line.task == "phrase" and not line.label:
        return 0.0, 0.5 if line.category == "identity" else 3.0
    return None


@cache
def _identities() -> frozenset[str]:
    names = (entry for lang in LANGUAGES for entry in corpus.entries("identity", lang))
    return frozenset(word for name in names for word in fold(name).plain.split())


def names_identity(line: Line) -> bool:
    """Whether a listed term is the plain name of a group: some lists take the name itself for a slur."""
    return bool(_identities() & set(line.plain.split()))


def _flags(line: Line, *kinds: str) -> float:
    return SHARE_OF_FLAGS[min(3, sum(n for kind, n in line.counts.items() if not kinds or kind in kinds))]


def _toxicity(line: Line) -> tuple[float, float]:
    if line.source == "hatemojibuild":
        return float(line.label), 0.3
    if line.task in ("toxicity", "bias"):
        return (_flags(line) if line.source == "told_br" else float(line.label)), 1.0
    if line.task == "profanity_term":
        return 1.0, 0.0 if names_identity(line) else 0.3
    if line.task == "phrase" and line.label:
        return 1.0, 0.2 if line.category == "identity" else 2.0
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
        return float(line.label), 0.3  # written to mislead a model: hard to tell by words, whatever the label
    if line.source == "jigsaw_bias_madlibs":
        return 0.0, float(not line.label)
    if line.source == "surge_profanity":
        slur = line.category in ("racial / ethnic slurs", "sexual orientation / gender")
        return 1.0, float(slur and not names_identity(line))
    if line.task == "phrase" and line.label:
        if line.category == "identity":
            return 1.0, 0.3
        return (1.0, 5.0) if line.category == "hate" else (0.0, 1.0)
    return _harmless(line) or (0.0, 0.0)


def _threat(line: Line) -> tuple[float, float]:
    if line.source == "hatemojibuild":
        return float(line.category == "threateninglanguage"), 1.0
    if line.source in ("told_br", "offendes", "davidson"):
        return 0.0, 0.1 if line.label else 0.3
    if line.task == "phrase" and line.label:
        if line.category == "identity":
            return 0.0, 0.0
        return (1.0, 10.0) if line.category == "threat" else (0.0, 2.0)
    return _harmless(line) or (0.0, 0.0)


class Learnt(msgspec.Struct, frozen=True):
    """A head: weights for the sum over a text and for that over a window, (features,); of each line both sums."""

    whole: Vector
    window: Vector | None
    sums: Vector
    peaks: Vector


class Learner:
    """Learns columns from lines and from the windows of lines, by models that never saw the line they speak on."""

    def __init__(self, lines: Sequence[Line], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._text = vocabulary.scaled(matrix.counts(lines))
        windows, self._owner = matrix.windows(lines)
        self._window = vocabulary.scaled(windows)
        self._folds = np.array([line.fold for line in lines])
        self._source = np.unique([f"{line.source} {line.lang}" for line in lines], return_inverse=True)[1]
        self.targets = {head: target(head, lines) for head in HEADS}
        self.languages = language_shares(self._text, vocabulary)
        lexicon = Lexicon(lines, vocabulary)
        self._directions = {lang: lexicon.directions(LISTS, lang) for lang in LANGUAGES}

    def all(self) -> list[Learnt]:
        """Of each of ``HEADS``, by two processes, each of which has a copy of all lines."""
        global _learner
        _learner = self
        with get_context("fork").Pool(2) as processes:
            return processes.map(_learn, HEADS, chunksize=1)

    def learn(self, head: str) -> Learnt:
        """Weights from all lines, and how each line looks to models that never saw it.

        Of the windows of a line the highest sum counts. Where windows have weights of their own, a window has the label
        of its line, and of the windows of an abusive line those count that look like it.
        """
        wanted, weight = self.targets[head]
        used = weight > 0
        sums, peaks = np.zeros(len(wanted)), np.zeros(len(wanted))
        for held in range(FOLDS):
            seen = used & (self._folds != held)
            found = self._fit(head, self._text, wanted, weight, seen, self._source)
            sums = np.where(self._folds == held, self._text @ found, sums)
            if head in LEARNT_FROM_WINDOWS:
                found = self._fit_windows(head, found, wanted, weight, seen)
            peaks = np.where(self._folds == held, self._peaks(found), peaks)
        whole = self._fit(head, self._text, wanted, weight, used, self._source)
        window = self._fit_windows(head, whole, wanted, weight, used) if head in LEARNT_FROM_WINDOWS else None
        return Learnt(whole, window, sums, peaks)

    def _fit_windows(self, head: str, first: Vector, wanted: Vector, weight: Vector, seen: Flags) -> Vector:
        likeness = np.exp(2 * (self._window @ first))
        number = np.bincount(self._owner)
        share = likeness / np.bincount(self._owner, likeness)[self._owner]
        each = np.where(wanted[self._owner] > 0.5, share, number[self._owner] ** -0.5) * weight[self._owner]
        source = self._source[self._owner]
        return self._fit(head, self._window, wanted[self._owner], each, seen[self._owner] & (each > 0.02), source)

    def _fit(
        self, head: str, text: csr_matrix, wanted: Vector, weight: Vector, seen: Flags, source: npt.NDArray[np.int64]
    ) -> Vector:
        _, _, lang = head.partition(" ")
        directions = self._directions[lang] if lang else np.column_stack(list(self._directions.values()))
        idf = self._vocabulary.idf
        return linear.fit(text[seen], wanted[seen], weight[seen], idf, source[seen], directions=directions)

    def _peaks(self, found: Vector) -> Vector:
        peaks = np.full(len(self._folds), -np.inf)
        np.maximum.at(peaks, self._owner, self._window @ found)
        return peaks


def _learn(head: str) -> Learnt:
    assert _learner is not None
    return _learner.learn(head)


_learner: Learner | None = None  # what the processes share


def language_shares(scaled: csr_matrix, vocabulary: Vocabulary) -> Vector:
    """How likely each line is in each language, by the model that ships: (lines, 3)."""
    stored = read("language")
    if stored["digest"].tobytes() != vocabulary.digest().tobytes():
        raise SystemExit("weights/language.npz was learnt with other features: run training.language first")
    z = scaled @ (stored["columns"] * stored["columns_scales"]) * stored["slopes"] + stored["offsets"]
    shares = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def calibrate(
    lines: Sequence[Line], sums: Vector, peaks: Vector, learner: Learner
) -> tuple[Vector, npt.NDArray[np.float32]]:
    """Platt scaling of each head over the sum and the peak; toxicity mixes its heads by language as at run time.

    Returns the logits (lines, outputs), each by a scaling that did not see the line's fold, and the slopes (heads, 3)
    of sum, peak and 1 from all lines.
    """
    folds = np.array([line.fold for line in lines])
    clean = np.array([line.task == "clean" for line in lines])
    scaled = np.zeros_like(sums)
    slopes = np.zeros((len(HEADS), 3), dtype=np.float32)
    for place, head in enumerate(HEADS):
        wanted, weight = learner.targets[head]
        weight = _mixed_as_shipped(lines, wanted, weight)
        balance = _balance(sums[place], peaks[place], wanted, learner.targets[head][1] * ~clean)
        both = sums[place] + balance * peaks[place]
        for held in range(FOLDS):
            slope, offset = _platt(both, wanted, weight * (folds != held))
            scaled[place] = np.where(folds == held, both * slope + offset, scaled[place])
        slope, offset = _platt(both, wanted, weight)
        slopes[place] = slope, slope * balance, offset
    toxic = 1 / (1 + np.exp(-scaled[:3].T))
    toxicity = np.array([in_any(*pair) for pair in zip(toxic.tolist(), learner.languages.tolist(), strict=True)])
    toxicity = toxicity.clip(1e-9, 1 - 1e-9)
    return np.column_stack([np.log(toxicity / (1 - toxicity)), scaled[3:].T]), slopes


def _mixed_as_shipped(lines: Sequence[Line], wanted: Vector, weight: Vector) -> Vector:
    positive, clean = wanted > 0.5, np.array([line.task == "clean" for line in lines])
    shares = np.zeros(len(lines))
    parts = ((positive, ABUSIVE), (~positive & clean, (1 - ABUSIVE) / 2), (~positive & ~clean, (1 - ABUSIVE) / 2))
    for part, share in parts:
        here = part & (weight > 0)
        shares[here] = share * weight[here] / max(1e-9, weight[here].sum())
    return shares


def _balance(sums: Vector, peaks: Vector, wanted: Vector, weight: Vector) -> float:
    """How much the peak counts beside the sum: what ranks talk with and without abuse best."""
    used = weight > 0
    label = wanted[used] > 0.5
    ranked = [
        (roc_auc_score(label, (sums + balance * peaks)[used], sample_weight=weight[used]), balance)
        for balance in np.arange(0, 1.01, 0.1)
    ]
    return float(max(ranked)[1])


def _platt(sums: Vector, wanted: Vector, weight: Vector) -> tuple[float, float]:
    used = np.flatnonzero(weight)
    model = LogisticRegression(C=1e4)
    model.fit(
        np.concatenate([sums[used], sums[used]])[:, None],
        np.repeat([1, 0], len(used)),
        np.concatenate([weight[used] * wanted[used], weight[used] * (1 - wanted[used])]) * 1e3,
    )
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def choose_thresholds(lines: Sequence[Line], logits: Vector) -> list[float]:
    """For each output the least threshold, in steps of 0.01, that keeps FALSE_ALARMS in every language."""
    scores = 1 / (1 + np.exp(-logits))
    thresholds = []
    for place in range(len(OUTPUTS)):
        least = LEAST_THRESHOLD
        for lang in LANGUAGES:
            clean = np.array([line.task == "clean" and line.lang == lang for line in lines])
            allowed = int(FALSE_ALARMS[lang][place] * clean.sum())
            least = max(least, np.sort(scores[clean, place])[-1 - allowed] + 0.005)
        thresholds.append(min(0.99, float(np.ceil(least * 100) / 100)))
    return thresholds


def report(lines: Sequence[Line], logits: Vector, thresholds: Sequence[float]) -> dict[str, str]:
    """What the model card quotes: every figure is of lines whose fold the models did not see."""
    scores = 1 / (1 + np.exp(-logits))
    found = scores >= np.array(thresholds)
    return {
        "thresholds": ", ".join(f"{output} {least}" for output, least in zip(OUTPUTS, thresholds, strict=True)),
        "sets": _by_set(lines, logits[:, 0], found.any(axis=1)),
        "clean": _false_alarms(lines, found.any(axis=1)),
        "phrases": _own_phrases(lines, logits),
        "identities": _by_identity(lines, logits[:, 0], found.any(axis=1)),
        "reliability": _reliability(lines, scores[:, 0]),
    }


def _by_set(lines: Sequence[Line], logits: Vector, found: Flags) -> str:
    source, label = _sources(lines), np.array([line.label for line in lines])
    rows = ["| set | lines | AUC of toxicity | recall | flagged of the rest |", "|---|---|---|---|---|"]
    for name in LABELLED:
        here = source == name
        auc = roc_auc_score(label[here], logits[here])
        recall, alarms = (found[here & (label == value)].mean() for value in (1, 0))
        rows.append(f"| {name} | {here.sum()} | {auc:.3f} | {recall:.3f} | {alarms:.3f} |")
    return "\n".join(rows)


def _false_alarms(lines: Sequence[Line], found: Flags) -> str:
    source, clean = _sources(lines), np.array([line.task == "clean" for line in lines])
    rows = ["| clean chat | lines | false alarms, % |", "|---|---|---|"]
    for name in [*np.unique(source[clean]), *LANGUAGES]:
        here = clean & (source == name if " " in name else np.array([line.lang == name for line in lines]))
        rows.append(f"| {name} | {here.sum()} | {100 * found[here].mean():.2f} |")
    return "\n".join(rows)


def _own_phrases(lines: Sequence[Line], logits: Vector) -> str:
    label = np.array([line.label for line in lines])
    rows = ["| own phrases | AUC en | es | pt |", "|---|---|---|---|"]
    for place, output in enumerate(OUTPUTS[1:], start=1):
        named = np.array([line.task == "phrase" and line.category in (output, "clean") for line in lines])
        aucs = []
        for lang in LANGUAGES:
            here = named & np.array([line.lang == lang for line in lines])
            aucs.append(f"{roc_auc_score(label[here], logits[here, place]):.3f}")
        rows.append(f"| {output} | {' | '.join(aucs)} |")
    return "\n".join(rows)


def _sources(lines: Sequence[Line]) -> npt.NDArray[np.str_]:
    return np.array([f"{line.source} {line.lang}" for line in lines])


def _by_identity(lines: Sequence[Line], logits: Vector, found: Flags) -> str:
    """Sentences that differ in the identity named only: how well abuse is told within each, and neutral ones flagged."""
    rows = ["| identity | lines | AUC | neutral flagged |", "|---|---|---|---|"]
    named: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        if line.source == "jigsaw_bias_madlibs" and line.category == "name_adj":
            named.setdefault(line.plain.split(" is a ")[-1].split(" ", 1)[-1], []).append(place)
    label = np.array([line.label for line in lines])
    for identity, places in sorted(named.items()):
        if len(set(label[places])) == 2 and len(places) >= 10:
            neutral = [place for place in places if not label[place]]
            auc = roc_auc_score(label[places], logits[places])
            rows.append(f"| {identity} | {len(places)} | {auc:.3f} | {found[neutral].sum()} of {len(neutral)} |")
    for lang in LANGUAGES:
        own = [
            place
            for place, line in enumerate(lines)
            if line.task == "phrase" and line.category == "hate" and not line.label and line.lang == lang
        ]
        rows.append(f"| own neutral sentences, {lang} | {len(own)} | | {found[own].sum()} of {len(own)} |")
    return "\n".join(rows)


def _reliability(lines: Sequence[Line], scores: Vector) -> str:
    """Of the lines with a score in each tenth, the share that is toxic, weighted as the scores are meant."""
    wanted, weight = (np.zeros(len(lines)), np.zeros(len(lines)))
    for lang in LANGUAGES:
        values, weights = target(f"toxicity {lang}", lines)
        wanted, weight = wanted + values, weight + _mixed_as_shipped(lines, values, weights)
    rows = ["| score | said | found |", "|---|---|---|"]
    for tenth in range(10):
        here = (scores >= tenth / 10) & (scores < (tenth + 1) / 10) & (weight > 0)
        said, true = (np.average(values[here], weights=weight[here]) for values in (scores, wanted))
        rows.append(f"| {tenth / 10:.1f}-{(tenth + 1) / 10:.1f} | {said:.2f} | {true:.2f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main(corpus.place())
