"""Learns the kinds of harm that a marketplace knows, beyond the rules' wording. Run: ``python -m training.harm --data DIR``."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from moderation.classifiers.features import normal
from moderation.classifiers.heads import HARMS, LANGUAGES
from moderation.classifiers.table import WEIGHTS
from rules.text import fold
from training import card, corpus, linear, matrix, suggestions
from training.corpus import FOLDS, Line
from training.grammar import Grammar
from training.matrix import Vector, Vocabulary

ROOT = Path(__file__).resolve().parent.parent
MESSAGES = (*sorted((ROOT / "training" / "messages").glob("*.jsonl")), *sorted((ROOT / "tests" / "data").glob("fresh_*.jsonl")),
            ROOT / "tests" / "data" / "marketplace.jsonl")  # fmt: skip
FAMILIES = ("threat", "insult", "sexual", "scam", "drugs_weapons", "self_harm")
CLEAN = ("banking77", "chatterbot", "clinc_oos", "dstc8", "restaurant8k", "umsab")
SEED = 7
TEXTS = 20  # drawn of each phrase
WEIGHT = {"drawn": 0.4, "written": 1.0, "everyday": 1.0, "clean": 0.3}
DOUBT = 0.025
STRENGTH = 4.0
# Shares of clean talk, of everyday messages of a deal, and of hard harmless ones, on which an output may be a finding at most.
CLEAN_ALARMS, EVERYDAY_ALARMS, HARD_ALARMS = 0.0005, 0.001, 0.004
LEAST_THRESHOLD = 0.3


class Message(msgspec.Struct, frozen=True):
    """A line with what is harmful in it. ``origin`` is a key of ``WEIGHT``."""

    line: Line
    harms: frozenset[str]
    origin: str


def main(folder: Path) -> None:
    messages = [*drawn(), *written(), *everyday(), *clean(folder)]
    vocabulary = Vocabulary.load(WEIGHTS / "features.npz")
    lines = [message.line for message in messages]
    scaled = vocabulary.scaled(matrix.counts(lines))
    windows, owner = matrix.windows(lines)
    peaks = vocabulary.scaled(windows)
    columns, wholes, worst = [], [], []
    for harm in HARMS:
        column, whole, peak = learn(messages, harm, scaled, peaks, owner, vocabulary)
        columns.append(column)
        wholes.append(whole)
        worst.append(peak)
    sums, highest = np.stack(wholes), np.stack(worst)
    logits, slopes = calibrate(messages, sums, highest)
    thresholds = [threshold(messages, harm, logits[k]) for k, harm in enumerate(HARMS)]
    card.write("harm", harm=report(messages, logits, thresholds))
    table, scales = matrix.quantized(np.column_stack(columns))
    np.savez_compressed(
        WEIGHTS / "harm.npz", columns=table, columns_scales=scales, slopes=slopes, thresholds=np.array(thresholds),
        digest=vocabulary.digest(),
    )  # fmt: skip


def drawn() -> Iterator[Message]:
    """Texts of the phrases of the rules. All of one phrase are on one side of every split."""
    chance = random.Random(SEED)
    for family in FAMILIES:
        for lang in LANGUAGES:
            grammar = Grammar(family, lang)
            for phrase in grammar.phrases:
                for text in dict.fromkeys(grammar.texts(phrase, TEXTS, chance)):
                    yield Message(_line(text, lang, "drawn", phrase), frozenset({family}), "drawn")


def written() -> Iterator[Message]:
    """Messages labelled by hand, harmful and harmless: of several the last one counts."""
    for path in MESSAGES:
        for row in map(json.loads, path.read_text("utf-8").splitlines()):
            if "text" in row and "expect" in row:
                harms = frozenset(row["expect"]) & set(HARMS)
                yield Message(_line(row["text"], row["lang"], "written", row["text"]), harms, "written")


def everyday() -> Iterator[Message]:
    """What people ask and answer in a deal: the seeds of suggested replies."""
    for seed in suggestions.phrases():
        yield Message(_line(seed.text, seed.lang, "everyday", seed.text), frozenset(), "everyday")


def clean(folder: Path) -> Iterator[Message]:
    """Talk with services, and tweets: what nobody means ill, as good as always."""
    for line in corpus.read(folder):
        if line.source in CLEAN:
            yield Message(line, frozenset(), "clean")


def _line(text: str, lang: str, source: str, key: str) -> Line:
    place = int(hashlib.sha256(key.encode("utf-8", "replace")).hexdigest(), 16) % FOLDS
    return Line(text, normal(fold(text)), lang, "harm", source, 0, "", {}, place)


def learn(
    messages: Sequence[Message], harm: str, scaled: csr_matrix, windows: csr_matrix, owner: npt.NDArray[np.int64],
    vocabulary: Vocabulary,
) -> tuple[Vector, Vector, Vector]:  # fmt: skip
    """Weights from all messages; and for each message the sum, and the highest of a window, by a model that never saw it."""
    folds = np.array([message.line.fold for message in messages])
    target = np.clip([float(harm in message.harms) for message in messages], DOUBT, 1 - DOUBT)
    weight = np.array([WEIGHT[message.origin] for message in messages])
    flat = np.zeros(len(messages), dtype=np.int64)
    whole, worst = np.zeros(len(messages)), np.full(len(messages), -np.inf)
    for held in range(FOLDS):
        seen = folds != held
        found = linear.fit(scaled[seen], target[seen], weight[seen], vocabulary.idf, flat[seen], strength=STRENGTH)
        whole[~seen] = scaled[~seen] @ found
        theirs = ~seen[owner]
        np.maximum.at(worst, owner[theirs], windows[theirs] @ found)
    column = linear.fit(scaled, target, weight, vocabulary.idf, flat, strength=STRENGTH)
    return column, whole, worst


def calibrate(messages: Sequence[Message], sums: Vector, peaks: Vector) -> tuple[Vector, Vector]:
    """Logits (harms, messages), and the slopes (whole, worst window, offset) of each harm: from what was written and clean talk."""
    judged = np.array([message.origin != "drawn" for message in messages])
    logits, slopes = np.zeros_like(sums), np.zeros((len(HARMS), 3))
    for k, harm in enumerate(HARMS):
        target = np.array([harm in message.harms for message in messages])
        both = np.column_stack((sums[k], peaks[k]))
        model = LogisticRegression(C=10.0, random_state=0)
        weight = np.array([WEIGHT[message.origin] for message in messages])
        model.fit(both[judged], target[judged], sample_weight=weight[judged])
        slopes[k] = (*np.maximum(model.coef_[0], 0.0), model.intercept_[0])
        logits[k] = both @ slopes[k][:2] + slopes[k][2]
    return logits, slopes


def threshold(messages: Sequence[Message], harm: str, logits: Vector) -> float:
    """The least probability that keeps the false alarms on clean talk and on hard harmless messages."""
    scores = 1 / (1 + np.exp(-logits))
    least = LEAST_THRESHOLD
    for origin, share in (("clean", CLEAN_ALARMS), ("everyday", EVERYDAY_ALARMS), ("written", HARD_ALARMS)):
        harmless = np.array([message.origin == origin and not message.harms for message in messages])
        least = max(least, float(np.quantile(scores[harmless], 1 - share)))
    return round(min(least, 0.999), 4)


def report(messages: Sequence[Message], logits: Vector, thresholds: Sequence[float]) -> str:
    """A table in Markdown: how the models that never saw a message rank and judge it."""
    rows = [
        "| harm | lang | harmful | AUC | found | false alarms on harmless messages | on clean talk | threshold |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for k, harm in enumerate(HARMS):
        scores = 1 / (1 + np.exp(-logits[k]))
        for lang in LANGUAGES:

            def of(origin: str, lang: str = lang) -> npt.NDArray[np.bool_]:
                return np.array([message.origin == origin and message.line.lang == lang for message in messages])

            harmful = of("written") & np.array([harm in message.harms for message in messages])
            harmless = of("written") & np.array([not message.harms for message in messages])
            ranked = harmful | harmless
            auc = roc_auc_score(harmful[ranked], scores[ranked])
            found, hard, easy = (
                float((scores[those] >= thresholds[k]).mean()) for those in (harmful, harmless, of("clean"))
            )
            cells = (f"{auc:.3f}", f"{found:.2f}", f"{hard:.3f}", f"{easy:.4f}", f"{thresholds[k]:.2f}")
            rows.append(f"| {harm} | {lang} | {harmful.sum()} | {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main(corpus.place())
