"""`python -m bench.quality`: how well messages are judged and suggestions are chosen, all figures in one run.

What is measured here: the labelled messages and the held-out phrases of the tests. What the training run measured by
cross-validation, which takes ten minutes and the corpora, is read from the cards beside the weights. `--data` measures
the shipped models on labelled sets of one's own, such as halves that nobody has learnt from.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from bench.report import published
from moderation.classifiers.conduct import Conduct
from moderation.classifiers.sentiment import Sentiment
from moderation.classifiers.table import WEIGHTS
from moderation.engine import FINDINGS, default_engine
from moderation.suggestions.classifier import IntentClassifier, Reading
from moderation.suggestions.intents import Intent
from policies.load import load
from rules.types import Setting
from server.evaluation import MEASURES, Overlap, Report, Row, evaluate, labelled

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
SUITE = DATA / "marketplace.jsonl"
PAGE = ROOT / "docs" / "judgement.md"
LANGUAGES = ("es", "en", "pt")
NAMES = {
    "payment": "payment and scams",
    "emoji": "emoji, drugs, come-ons",
    "conduct": "insults, threats, spam, self-harm",
}

Cells = Sequence[str]


class Aim(msgspec.Struct, frozen=True):
    """A promise about a figure: at least ``aim``, or with ``most`` at most."""

    claim: str
    figure: float
    aim: float
    most: bool = False

    @property
    def met(self) -> bool:
        return self.figure <= self.aim if self.most else self.figure >= self.aim


@click.command(help=__doc__)
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Labelled sets to measure on."
)
@click.option("--publish", is_flag=True, help="Put the tables into docs/judgement.md.")
def main(files: tuple[Path, ...], data: Path | None, publish: bool) -> None:
    figures = tables(judged(files or (SUITE,)))
    if publish:
        PAGE.write_text(published(PAGE.read_text(), figures))
    click.echo(figures)
    if data is not None:
        click.echo("\n".join(measured(data)))
    click.echo(
        "What judging costs is measured by `make bench`, what disguise can do by `make test TESTS=tests/rules/test_properties.py`."
    )


def tables(report: Report) -> str:
    """All figures in Markdown, the aims last."""
    suggestions = {lang: suggested(lang) for lang in LANGUAGES}
    everyday = {lang: alarmed(lang) for lang in LANGUAGES}
    conduct, sentiment = card("conduct"), card("sentiment")
    worst = max(share for _, share in everyday.values())
    aims = [
        *suite_aims(report),
        Aim("false alarms on everyday phrases, the highest", worst, 0.02, most=True),
        *card_aims(conduct, sentiment),
        *suggestion_aims(suggestions),
    ]
    return "\n".join([
        "**Labelled marketplace messages**, of which a harmful one is found when every expected category is",
        "",
        *table(("", "harmful", "found", "harmless", "false alarms", "spans overlap"), suite_rows(report)),
        "",
        "The same by category; a false alarm is a harmless message in which it was seen",
        "",
        *table(("", "expected in", "found", "false alarms", "spans overlap"), category_rows(report)),
        "",
        "**Everyday phrases**: the held-out phrases of the suggestions, without those that ask for contact or payment, or complain",
        "",
        *table(("", "phrases", "false alarms"), [(lang, str(n), _share(share)) for lang, (n, share) in everyday.items()]),
        "",
        "**Conduct**, by cross-validation: how often an abusive line scores above a harmless one (AUC), and how much of "
        "clean chat is flagged at the thresholds of the card, which are lower than those in use",
        "",
        *table(("set", "AUC", "clean chat flagged"), conduct_rows(conduct)),
        "",
        "**Sentiment**, by cross-validation on tweets: mean recall of negative, neutral, positive",
        "",
        *table(("", "mean recall"), [(lang, sentiment[f"umsab {lang}"][1]) for lang in LANGUAGES]),
        "",
        "**Suggested replies** on held-out phrases",
        "",
        *table(("", *(name for name, _, _ in SUGGESTIONS)), suggestion_rows(suggestions)),
        "",
        "**Aims**",
        "",
        *table(("", "figure", "aim", ""), map(aim_row, aims)),
        "",
    ])  # fmt: skip


# ----------------------------------------------------------------------------------------------- labelled messages


def judged(files: Iterable[Path]) -> Report:
    """The shipped engine and policy on labelled lines. Raises BrokenLine."""

    def broken(problem: Exception) -> None:
        raise problem

    lines = [line for file in files for line in labelled(file.read_bytes().splitlines(), broken)]
    return evaluate(lines, default_engine(), load())


def suite_rows(report: Report) -> Iterator[Cells]:
    overlaps = {each.group: each for each in report.overlap_by_suite_and_language}
    for row in [*report.by_suite_and_language, report.total]:
        suite, _, lang = row.group.partition(" ")
        name = f"{NAMES.get(suite, suite)}, {lang}" if lang else suite
        overlap = overlaps.get(row.group) if lang else report.overlap
        yield (
            name,
            str(row.harmful),
            _share(row.recall),
            str(row.harmless),
            _share(row.false_alarm_rate),
            _jaccard(overlap),
        )


def category_rows(report: Report) -> Iterator[Cells]:
    overlaps = {each.group: each for each in report.overlap_by_category_and_language}
    for row in report.by_category_and_language:
        yield (
            row.group.replace(" ", ", "),
            str(row.harmful),
            _share(row.recall),
            str(row.alarms),
            _jaccard(overlaps.get(row.group)),
        )


def suite_aims(report: Report) -> list[Aim]:
    rows = report.by_suite_and_language
    return [
        Aim("recall, the lowest of any family and language", min(_known(rows, lambda row: row.recall)), 0.95),
        Aim("false alarms, the highest", max(_known(rows, lambda row: row.false_alarm_rate)), 0.02, most=True),
        Aim(
            "overlap of spans, the lowest",
            min(each.jaccard for each in report.overlap_by_suite_and_language if each.jaccard is not None),
            0.9,
        ),
    ]


def _known(rows: Sequence[Row], share: Callable[[Row], float | None]) -> list[float]:
    return [known for row in rows if (known := share(row)) is not None]


def _jaccard(overlap: Overlap | None) -> str:
    return _share(overlap.jaccard if overlap else None)


TELLING = {Intent.CONTACT_ASK, Intent.PAYMENT_HOW, Intent.TONE_COMPLAINT, Intent.DISPUTE}  # may rightly hold something


def alarmed(lang: str) -> tuple[int, float]:
    """How many phrases of everyday talk there are, and in what share of them something is found."""
    engine, policy = default_engine(), load()
    texts = [text for intent, text in phrases(lang) if intent not in TELLING]
    found = (engine.judge(text, Setting(language=lang), policy).decision.findings for text in texts)
    return len(texts), _mean(any(finding.category not in MEASURES for finding in each) for each in found)


# ------------------------------------------------------------------------------------------------- the models' cards

Card = dict[str, Cells]

CONDUCT = {"es": ("offendes es", 0.93, 2.0), "en": ("davidson en", 0.98, 0.5), "pt": ("told_br pt", 0.85, 2.0)}
SENTIMENT = {"es": 0.62, "en": 0.62, "pt": 0.68}


def card(name: str) -> Card:
    """The rows of every table of a card by their first cell; later tables win."""
    rows = re.findall(r"^\| ([^|]+) \| (.+) \|$", (WEIGHTS / f"{name}.md").read_text("utf-8"), flags=re.MULTILINE)
    # A set of toxicity has two or more figures, so "en" of clean chat and "davidson en" stand side by side.
    return {first.strip(): [cell.strip() for cell in rest.split("|")] for first, rest in rows}


def conduct_rows(figures: Card) -> Iterator[Cells]:
    for lang, (name, _, _) in CONDUCT.items():
        yield name, figures[name][1], f"{figures[lang][-1]} %"


def card_aims(conduct: Card, sentiment: Card) -> Iterator[Aim]:
    for name, least, _ in CONDUCT.values():
        yield Aim(f"AUC, {name}", float(conduct[name][1]), least)
    for lang, (_, _, most) in CONDUCT.items():
        yield Aim(f"clean chat flagged, {lang}, %", float(conduct[lang][-1]), most, most=True)
    for lang, least in SENTIMENT.items():
        yield Aim(f"sentiment, mean recall, {lang}", float(sentiment[f"umsab {lang}"][1]), least)


# ---------------------------------------------------------------------------------------------------- suggestions

Understood = list[tuple[Intent, Reading]]

SUGGESTIONS: tuple[tuple[str, float, bool], ...] = (
    ("top-1", 0.85, False),
    ("among three", 0.95, False),
    ("spoken to", 0.5, False),
    ("of those rightly", 0.9, False),
    ("wants nothing, yet spoken to", 0.1, True),
)


def phrases(lang: str) -> list[tuple[Intent, str]]:
    """The held-out phrases of a language, each with what it wants."""
    lines = map(json.loads, (DATA / f"suggestions_{lang}.jsonl").read_text("utf-8").splitlines())
    return [(Intent(line["intent"]), line["text"]) for line in lines]


def suggested(lang: str) -> list[float]:
    """The figures of ``SUGGESTIONS`` in one language."""
    classifier = IntentClassifier.load()
    read: Understood = [(truth, classifier.read(text, lang)) for truth, text in phrases(lang)]
    wishes = [(truth, reading) for truth, reading in read if truth is not Intent.OTHER]
    spoken = [(truth, reading) for truth, reading in wishes if reading.speaks]
    others = [reading for truth, reading in read if truth is Intent.OTHER]
    return [
        _mean(reading.intent is truth for truth, reading in wishes),
        _mean(truth in dict(reading.intents[:3]) for truth, reading in wishes),
        len(spoken) / len(wishes),
        _mean(reading.intent is truth for truth, reading in spoken),
        _mean(reading.speaks for reading in others),
    ]


def suggestion_rows(figures: dict[str, list[float]]) -> Iterator[Cells]:
    for lang, each in figures.items():
        yield lang, *map(_share, each)


def suggestion_aims(figures: dict[str, list[float]]) -> Iterator[Aim]:
    for place, (name, aim, most) in enumerate(SUGGESTIONS):
        worst = (max if most else min)(each[place] for each in figures.values())
        yield Aim(f"suggestions, {name}, the worst language", worst, aim, most)


# ---------------------------------------------------------------------------------------------- sets of one's own


def measured(folder: Path) -> Iterator[str]:
    """The shipped models on the sets in ``folder``: JSON lines with ``text`` and ``label``, named by their task.

    ``toxicity__*.jsonl``, ``hate__*.jsonl`` (label 0 or 1), ``sentiment__*.jsonl`` (-1, 0, 1), ``clean__*.jsonl``.
    """
    sets: dict[str, list[dict[str, Any]]] = {
        path.stem: [json.loads(row) for row in path.read_text("utf-8").splitlines()]
        for path in sorted(folder.glob("*__*.jsonl"))
    }
    conduct, sentiment = Conduct.load(), Sentiment.load()
    rows: list[Cells] = []
    for name, lines in sets.items():
        match name.partition("__")[0]:
            case "toxicity" | "hate":
                scored = [(conduct.scores(line["text"])["toxicity"], line["label"] == 1) for line in lines]
                rows.append((name, str(len(lines)), f"AUC {auc(scored):.3f}"))
            case "clean":
                flagged = (
                    any(score >= FINDINGS[output] for output, score in conduct.scores(line["text"]).items())
                    for line in lines
                )
                rows.append((name, str(len(lines)), f"flagged {_mean(flagged):.4f}"))
            case "sentiment":
                rows.append((name, str(len(lines)), f"mean recall {_macro_recall(sentiment, lines):.3f}"))
    yield "**The shipped models on sets of your own**: of lines that they have learnt from this says nothing\n"
    yield from table(("set", "lines", ""), rows)


def auc(scored: Iterable[tuple[float, bool]]) -> float:
    """How often a positive scores above a negative, ties by half. Raises ZeroDivisionError without both."""
    places: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for score, positive in scored:
        places[score][positive] += 1
    below = won = positives = 0.0
    for _, (negative, positive_here) in sorted(places.items()):
        won += positive_here * (below + negative / 2)
        below += negative
        positives += positive_here
    return won / (positives * below)


def _macro_recall(sentiment: Sentiment, lines: Iterable[dict[str, Any]]) -> float:
    right: dict[str, list[bool]] = defaultdict(list)
    for line in lines:
        truth = {-1: "negative", 0: "neutral", 1: "positive"}[line["label"]]
        right[truth].append(sentiment.label(line["text"])[0] == truth)
    return sum(map(_mean, right.values())) / len(right)


# --------------------------------------------------------------------------------------------------------- tables


def table(head: Cells, rows: Iterable[Cells]) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def aim_row(aim: Aim) -> Cells:
    bound = f"{'at most' if aim.most else 'at least'} {aim.aim:g}"
    return aim.claim, f"{aim.figure:.3f}", bound, "met" if aim.met else "missed"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def _mean(values: Iterable[float]) -> float:
    those = list(values)
    return sum(those) / len(those)


if __name__ == "__main__":
    main()
