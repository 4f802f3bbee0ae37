"""Harm in other words, trades and cities than those of the marketplace messages: "could I pay the fare with a kiss"."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from rules.catalogue import check
from rules.types import Category, Finding
from server.evaluation import MEASURES, Labelled

FILE = Path(__file__).parent.parent / "data" / "fresh_harm.jsonl"
DECODER = msgspec.json.Decoder(Labelled)
LINES = [DECODER.decode(line) for line in FILE.read_bytes().splitlines()]
FAMILIES = (
    Category.PROFANITY,
    Category.INSULT,
    Category.SEXUAL,
    Category.THREAT,
    Category.DRUGS_WEAPONS,
    Category.SELF_HARM,
)


@pytest.fixture(scope="module")
def judged() -> list[tuple[Labelled, list[Finding]]]:
    return [(line, check(line.judged, line.setting)) for line in LINES]


@pytest.mark.parametrize("language", ["es", "en", "pt"])
@pytest.mark.parametrize("family", FAMILIES)
def test_nearly_all_are_found(judged: list[tuple[Labelled, list[Finding]]], family: Category, language: str) -> None:
    lines = [(line, found) for line, found in judged if line.lang == language and family in (line.expect or ())]
    missed = [line.judged for line, found in lines if family not in {finding.category for finding in found}]
    assert len(lines) >= 20
    assert len(missed) <= 0.1 * len(lines), missed


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_what_only_looks_alike_is_left_alone(judged: list[tuple[Labelled, list[Finding]]], language: str) -> None:
    lines = [(line, found) for line, found in judged if line.lang == language and line.expect == []]
    alarms = [
        (line.judged, finding.source) for line, found in lines for finding in found if finding.category not in MEASURES
    ]
    assert len(alarms) <= 0.03 * len(lines), alarms
