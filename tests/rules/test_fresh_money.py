"""Payment, fraud, contact and advertising in other words, trades and cities than those of the marketplace messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from rules.catalogue import check
from rules.types import Category, Finding
from server.evaluation import MEASURES, Labelled

FILE = Path(__file__).parent.parent / "data" / "fresh_money.jsonl"
DECODER = msgspec.json.Decoder(Labelled)
LINES = [DECODER.decode(line) for line in FILE.read_bytes().splitlines()]
FAMILIES = (Category.OFF_PLATFORM_PAYMENT, Category.SCAM, Category.CONTACT, Category.SPAM)


@pytest.fixture(scope="module")
def judged() -> list[tuple[Labelled, list[Finding]]]:
    return [(line, check(line.judged, line.setting)) for line in LINES]


@pytest.mark.parametrize("language", ["es", "en", "pt"])
@pytest.mark.parametrize("family", FAMILIES)
def test_nearly_all_are_found(judged: list[tuple[Labelled, list[Finding]]], family: Category, language: str) -> None:
    lines = [(line, found) for line, found in judged if line.lang == language and family in (line.expect or ())]
    missed = [line.judged for line, found in lines if family not in {finding.category for finding in found}]
    assert lines
    assert len(missed) <= (0.15 if family is Category.CONTACT else 0.05) * len(lines), missed


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_what_only_looks_alike_is_left_alone(judged: list[tuple[Labelled, list[Finding]]], language: str) -> None:
    lines = [(line, found) for line, found in judged if line.lang == language and line.expect == []]
    alarms = [
        (line.judged, finding.source) for line, found in lines for finding in found if finding.category not in MEASURES
    ]
    assert len(alarms) <= 0.02 * len(lines), alarms


@pytest.mark.parametrize("family", [Category.OFF_PLATFORM_PAYMENT, Category.SCAM])
def test_findings_point_at_the_telling_phrase(judged: list[tuple[Labelled, list[Finding]]], family: Category) -> None:
    shares = [share for line, found in judged for share in _overlap(line, found, family)]
    assert sum(shares) / len(shares) >= 0.7


def _overlap(line: Labelled, found: list[Finding], family: Category) -> Iterator[float]:
    """Of characters labelled or found, the share that is both."""
    seen = {place for finding in found if finding.category == family for place in range(finding.start, finding.end)}
    places = [(line.judged.find(span), len(span)) for span in line.spans]
    labelled = {place for start, length in places if start >= 0 for place in range(start, start + length)}
    if line.expect == [family] and seen and labelled:
        yield len(seen & labelled) / len(seen | labelled)
