"""The labelled marketplace messages: what the rules of conduct find, and what they leave alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rules.drugs_weapons import DrugsWeapons
from rules.insult import Insult
from rules.profanity import Profanity
from rules.self_harm import SelfHarm
from rules.sexual import Sexual
from rules.spam import Spam
from rules.text import fold
from rules.threat import Threat
from rules.types import Finding, Rule, Setting, Stage

FILE = Path(__file__).parent.parent / "data" / "marketplace.jsonl"
LINES = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
RULES: tuple[Rule, ...] = (Profanity(), Insult(), Sexual(), Threat(), DrugsWeapons(), SelfHarm(), Spam())
CATEGORIES = ("profanity", "insult", "sexual", "threat", "drugs_weapons", "self_harm", "spam")


def findings(line: dict[str, str]) -> list[Finding]:
    setting = Setting(listing=line["listing"], stage=Stage(line["stage"]))
    folded = fold(line["text"])
    return [finding for rule in RULES for finding in rule.find(folded, setting)]


@pytest.mark.parametrize("language", ["es", "en", "pt"])
@pytest.mark.parametrize("category", CATEGORIES)
def test_nearly_all_labelled_messages_are_found(category: str, language: str) -> None:
    lines = [
        line
        for line in LINES
        if line["suite"] in ("profanity", "conduct") and line["lang"] == language and category in line["expect"]
    ]
    missed = [line["text"] for line in lines if category not in {finding.category for finding in findings(line)}]
    assert lines
    assert len(missed) <= 0.05 * len(lines), missed


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_harmless_messages_of_every_suite_are_left_alone(language: str) -> None:
    lines = [line for line in LINES if line.get("expect") == [] and line["lang"] == language and "text" in line]
    alarms = [(line["text"], found) for line in lines if (found := findings(line))]
    assert len(alarms) <= 0.02 * len(lines), alarms


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_findings_point_at_the_labelled_words(language: str) -> None:
    lines = [
        line
        for line in LINES
        if line["suite"] in ("profanity", "conduct") and line["lang"] == language and line["spans"]
    ]
    pointed = 0
    for line in lines:
        places = {place for finding in findings(line) for place in range(finding.start, finding.end)}
        starts = [(line["text"].index(span), len(span)) for span in line["spans"]]
        labelled = {place for start, length in starts for place in range(start, start + length)}
        pointed += 2 * len(places & labelled) >= len(labelled)
    assert pointed >= 0.9 * len(lines)
