"""The figures of judgement: how they are computed, and that the page about it promises no more than holds."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from bench.quality import PAGE, SUITE, Aim, auc, card, judged, main, measured, tables
from bench.report import BEGIN, END
from moderation.engine import FINDINGS
from moderation.heat import CALMING, COMPLAINT, GAIN, GLADNESS, HALF_LIFE_MS, HURT
from rules.types import Category

# How far a figure of the page may be off without anybody being misled.
SLACK = 0.015


@cache
def figures() -> str:
    return tables(judged([SUITE]))


def rows(text: str) -> dict[tuple[str, int], list[str]]:
    """The rows of all tables, by their first cell and its how-many-eth row that is."""
    found: dict[tuple[str, int], list[str]] = {}
    for first, rest in re.findall(r"^\| ([^|]*) \|(.+)\|$", text, flags=re.MULTILINE):
        place = sum(name == first for name, _ in found)
        found[first, place] = [cell.strip() for cell in rest.split("|")]
    return found


def test_the_page_has_every_figure_and_promises_no_more_than_holds() -> None:
    page = PAGE.read_text()
    told, holds = rows(page[page.index(BEGIN) : page.index(END)]), rows(figures())
    assert told.keys() == holds.keys(), "run `python -m bench.quality --publish`"
    for claim, cells in told.items():
        fewer_is_better = "at most" in holds[claim][1] if len(holds[claim]) > 1 else False
        if cells[-1] in ("met", "missed"):
            figure, now = float(cells[0]), float(holds[claim][0])
            worse = now - figure if fewer_is_better else figure - now
            assert worse <= SLACK, (claim, figure, now)
            assert (cells[-1], holds[claim][-1]) != ("met", "missed"), claim


def test_the_page_tells_the_thresholds_and_weights_in_use() -> None:
    page = " ".join(PAGE.read_text().split())
    told = re.search(r"A score of \*conduct\* becomes a finding from (.+?) on\.", page)
    assert told
    thresholds = {name: float(score) for score, name in re.findall(r"([\d.]+) \((\w+)\)", told[1])}
    assert thresholds == FINDINGS
    assert f"a threat or hate {HURT[Category.THREAT]:g}, an insult {HURT[Category.INSULT]:g}" in page
    assert (
        f"toxicity {HURT[Category.TOXICITY]:g}, a negative feeling {COMPLAINT:g}, a swear word {HURT[Category.PROFANITY]:g}"
        in page
    )
    assert f"halves every {HALF_LIFE_MS // 60_000} minutes" in page
    assert f"(1 - H) · {GAIN:g} · h; a calm one takes {CALMING:.0%}".replace("%", " %") in page
    assert f"a glad one up to {CALMING + GLADNESS:.0%}".replace("%", " %") in page


@pytest.mark.parametrize(
    "promise", ["recall, the lowest", "false alarms, the highest", "AUC, davidson en", "suggestions, top-1"]
)
def test_the_aims_that_were_met_are_met(promise: str) -> None:
    (row,) = [cells for (claim, _), cells in rows(figures()).items() if claim.startswith(promise)]
    assert row[-1] == "met", row


@pytest.mark.parametrize(
    ("scored", "area"),
    [
        ([(0.9, True), (0.1, False)], 1.0),
        ([(0.1, True), (0.9, False)], 0.0),
        ([(0.5, True), (0.5, False)], 0.5),
        ([(0.9, True), (0.4, True), (0.6, False), (0.4, False)], 0.625),
    ],
)
def test_the_area_under_the_curve_counts_the_pairs_in_order(scored: list[tuple[float, bool]], area: float) -> None:
    assert auc(scored) == area


def test_an_aim_is_met_from_above_or_from_below() -> None:
    assert Aim("recall", 0.95, 0.95).met
    assert not Aim("recall", 0.94, 0.95).met
    assert Aim("alarms", 0.02, 0.02, most=True).met
    assert not Aim("alarms", 0.03, 0.02, most=True).met


def test_the_cards_hold_the_figures_that_are_read_from_them() -> None:
    assert 0.5 < float(card("conduct")["told_br pt"][1]) < 1
    assert 0.3 < float(card("sentiment")["umsab pt"][1]) < 1


def test_sets_of_ones_own_are_measured(tmp_path: Path) -> None:
    sets = {
        "toxicity__mine__en": [("you are a fucking idiot", 1), ("is it still available?", 0)],
        "clean__mine__en": [("is it still available?", 0)],
        "sentiment__mine__en": [("wonderful, I love it", 1), ("terrible, I hate it", -1)],
        "other__mine__en": [("x", 0)],
    }
    for name, lines in sets.items():
        encoded = [msgspec.json.encode({"text": text, "label": label}) for text, label in lines]
        (tmp_path / f"{name}.jsonl").write_bytes(b"\n".join(encoded))
    shown = rows("\n".join(measured(tmp_path)))
    assert shown["toxicity__mine__en", 0] == ["2", "AUC 1.000"]
    assert shown["clean__mine__en", 0] == ["1", "flagged 0.0000"]
    assert shown["sentiment__mine__en", 0] == ["2", "mean recall 1.000"]
    assert not any(name.startswith("other") for name, _ in shown)


def test_files_of_ones_own_are_judged_instead(tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    mine.write_text('{"text": "joder", "expect": ["profanity"], "suite": "profanity", "lang": "es", "spans": ["joder"]}\n'
                    '{"text": "hola", "expect": [], "suite": "profanity", "lang": "es"}\n')  # fmt: skip
    ran = CliRunner().invoke(main, [str(mine)])
    assert ran.exit_code == 0, ran.output
    assert "| profanity, es | 1 | 1.000 | 1 | 0.000 | 1.000 |" in ran.output
