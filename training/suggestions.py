"""Learns what a message wants from the seed phrases. Run: ``python -m training.suggestions``; about two minutes.

Everything comes from ``moderation/suggestions/phrases``; nothing is drawn by chance, so a second run writes the same
weights. The report it prints is by cross-validation over the seeds: the held-out phrases under ``tests/data`` are for
the tests alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from moderation.suggestions import features
from moderation.suggestions.classifier import INTENTS, WEIGHTS
from moderation.suggestions.intents import Intent
from moderation.suggestions.words import LANGUAGES, learnt_from

PHRASES = Path(features.__file__).parent / "phrases"
FOLDS = 5
RIDGE = 0.5
CONCEPTS = 0.5  # weight of the concepts' scores beside the text's
SURE = 0.96  # share of right ones among those spoken to, in cross-validation; the promise is 0.90
LEAK = 0.03  # share of ``other`` spoken to, in cross-validation; the promise is 0.10
MISTAKEN_FOR_OTHER = 0.01  # share of wishes that may be read as ``other``

Vector = npt.NDArray[np.float64]
OTHER = INTENTS.index(Intent.OTHER)


class Phrase(msgspec.Struct, frozen=True):
    """A seed. ``place`` counts within its language and intent; twins in other languages share a fold."""

    lang: str
    intents: tuple[Intent, ...]
    text: str
    place: int


def phrases(folder: Path = PHRASES) -> list[Phrase]:
    """All seeds, in the order of the files."""
    found = []
    for lang in LANGUAGES:
        table = tomllib.loads((folder / f"{lang}.toml").read_text("utf-8"))
        for names, lines in (table["phrases"] | table["several"]).items():
            intents = tuple(map(Intent, names.split()))
            found += [Phrase(lang, intents, line, i) for i, line in enumerate(lines.strip("\n").split("\n"))]
    return found


def main() -> None:
    seeds = phrases()
    readings = [features.read(seed.text, seed.lang) for seed in seeds]
    text = [features.text_blocks(words) for words in readings]
    concepts = [(features.concept_block(words, seed.lang),) for words, seed in zip(readings, seeds, strict=True)]
    idf = rarity([(*a, *b) for a, b in zip(text, concepts, strict=True)])
    wishes = np.array([[float(intent in seed.intents) for intent in INTENTS] for seed in seeds])
    folds = np.array([seed.place % FOLDS for seed in seeds])

    unseen = np.zeros_like(wishes)
    for fold in range(FOLDS):
        known = np.flatnonzero(folds != fold)
        # Rarity is learnt within the fold as well: a slot that only the unseen phrases have must count as unknown.
        inner = rarity([(*text[i], *concepts[i]) for i in known])
        weights, bias = learn(matrix(text, inner), matrix(concepts, inner), wishes, known)
        rows = np.flatnonzero(folds == fold)
        unseen[rows] = (matrix(text, inner) + matrix(concepts, inner))[rows] @ weights + bias
    temperature = calibrate(seeds, unseen)
    discount = float(np.exp(-lead_of_other(seeds, unseen) / temperature))
    chances = probabilities(unseen, temperature)
    chances[:, OTHER] *= discount
    thresholds = {lang: threshold(seeds, chances, lang) for lang in LANGUAGES}
    print(report(seeds, chances, thresholds), f"\ntemperature {temperature:.3f}, discount of other {discount:.3f}")

    everything = np.arange(len(seeds))
    weights, bias = learn(matrix(text, idf), matrix(concepts, idf), wishes, everything)
    table, scales = quantized(weights)
    np.savez_compressed(
        WEIGHTS, idf=idf.astype(np.float16), weights=table, scales=scales, bias=bias.astype(np.float32),
        temperature=np.float32(temperature), discount=np.float32(discount),
        thresholds=np.array([thresholds[lang] for lang in LANGUAGES], dtype=np.float32),
        learnt_from=np.frombuffer(learnt_from(), dtype=np.uint8),
    )  # fmt: skip
    print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1e6:.2f} MB from {len(seeds):,} phrases")


def rarity(rows: Sequence[Sequence[features.Block]]) -> features.Values:
    """``1 + log((1 + phrases) / (1 + phrases with it))`` of each slot, its root for concepts; 0 where it never occurs."""
    met = np.zeros(features.SLOTS)
    for blocks in rows:
        met[np.unique(np.concatenate([block.slots for block in blocks]))] += 1
    idf = np.where(met > 0, 1 + np.log((1 + len(rows)) / (1 + met)), 0)
    idf[features.TEXT_SLOTS :] **= 0.5
    return idf.astype(np.float32)


def matrix(rows: Sequence[Sequence[features.Block]], idf: features.Values) -> csr_matrix:
    """Phrases as rows, slots as columns, the values that the runtime computes."""
    slots = [np.concatenate([block.slots for block in blocks]) for blocks in rows]
    values = [np.concatenate([features.scaled(block, idf) for block in blocks]) for blocks in rows]
    ends = np.cumsum([0, *map(len, slots)])
    return csr_matrix((np.concatenate(values), np.concatenate(slots), ends), shape=(len(rows), features.SLOTS))


def learn(
    text: csr_matrix, concepts: csr_matrix, wishes: Vector, known: npt.NDArray[np.int64]
) -> tuple[Vector, Vector]:
    """Weights (SLOTS, intents) and bias from the phrases at ``known``: two regressions, which share no slot, added up.

    Learnt together, the few strong concepts would drown what words say: measured, it costs four points on phrases
    of another hand.
    """
    from_text, bias = ridge(text[known], wishes[known])
    from_concepts, _ = ridge(concepts[known], wishes[known])
    return from_text + CONCEPTS * from_concepts, bias


def ridge(rows: csr_matrix, targets: Vector) -> tuple[Vector, Vector]:
    """Weights and bias of kernel ridge regression; the dual form, because there are fewer phrases than slots."""
    bias = targets.mean(axis=0)
    kernel = (rows @ rows.T).toarray()
    kernel[np.diag_indices_from(kernel)] += RIDGE
    return rows.T @ np.linalg.solve(kernel, targets - bias), bias


def lead_of_other(seeds: Sequence[Phrase], scores: Vector) -> float:
    """How much ``other`` must lose so that few wishes are mistaken for it: its many phrases give it a head start."""
    wishes = scores[[Intent.OTHER not in seed.intents for seed in seeds]]
    leads = wishes[:, OTHER] - np.delete(wishes, OTHER, axis=1).max(axis=1)
    return float(np.quantile(leads, 1 - MISTAKEN_FOR_OTHER))


def probabilities(scores: Vector, temperature: float) -> Vector:
    """Softmax of the scores, row by row."""
    powers = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def calibrate(seeds: Sequence[Phrase], scores: Vector) -> float:
    """The temperature of least cross-entropy."""
    truth = first_intents(seeds)

    def loss(temperature: float) -> float:
        chosen = probabilities(scores, temperature)[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chosen, 1e-9)).mean())

    return float(min(np.geomspace(0.02, 1, 200), key=loss))


def first_intents(seeds: Sequence[Phrase]) -> npt.NDArray[np.int64]:
    return np.array([INTENTS.index(seed.intents[0]) for seed in seeds])


def threshold(seeds: Sequence[Phrase], chances: Vector, lang: str) -> float:
    """The least confidence at which those spoken to in ``lang`` are surely right, and ``other`` hardly leaks."""
    here = np.array([seed.lang == lang for seed in seeds])
    truth, best, sure = first_intents(seeds)[here], chances[here].argmax(axis=1), chances[here].max(axis=1)
    for candidate in np.arange(0.2, 1, 0.01):
        spoken = (sure >= candidate) & (best != OTHER)
        if (best == truth)[spoken].mean() >= SURE and spoken[truth == OTHER].mean() <= LEAK:
            return round(float(candidate), 2)
    return 1.0


def report(seeds: Sequence[Phrase], chances: Vector, thresholds: dict[str, float]) -> str:
    """By language: right first guesses, truth among three, share spoken to, right ones among them, leak of ``other``."""
    truth = first_intents(seeds)
    ranked = np.argsort(-chances, axis=1, kind="stable")
    lines = [
        "| lang | top-1 | top-3 | threshold | coverage | precision | other spoken to |",
        "|---|---|---|---|---|---|---|",
    ]
    for lang, least in thresholds.items():
        here = np.array([seed.lang == lang for seed in seeds])
        wishes, others = here & (truth != OTHER), here & (truth == OTHER)
        spoken = (chances.max(axis=1) >= least) & (ranked[:, 0] != OTHER)
        figures = (
            (ranked[:, 0] == truth)[wishes].mean(),
            (ranked[:, :3] == truth[:, None]).any(axis=1)[wishes].mean(),
            least,
            spoken[wishes].mean(),
            (ranked[:, 0] == truth)[wishes & spoken].mean(),
            spoken[others].mean(),
        )
        lines.append(f"| {lang} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
    return "\n".join(lines)


def quantized(weights: Vector) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Columns as int8, and the scale of each: ``weights ~ int8 * scales``."""
    scales = np.maximum(np.abs(weights).max(axis=0), 1e-12) / 127
    return np.rint(weights / scales).astype(np.int8), scales.astype(np.float32)


if __name__ == "__main__":
    main()
