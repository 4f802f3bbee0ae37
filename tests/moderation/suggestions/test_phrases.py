"""The phrases that the classifier learns from, and those that it is measured with."""

import json
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from moderation.suggestions.classifier import WEIGHTS
from moderation.suggestions.intents import Intent
from moderation.suggestions.words import HERE, LANGUAGES, learnt_from, tokens

DATA = Path(__file__).parents[2] / "data"


@cache
def seeds(lang: str) -> dict[str, list[str]]:
    table = tomllib.loads((HERE / "phrases" / f"{lang}.toml").read_text("utf-8"))["phrases"]
    return {intent: lines.strip("\n").split("\n") for intent, lines in table.items()}


@cache
def held_out(lang: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / f"suggestions_{lang}.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_intent_has_thirty_seeds_and_twelve_held_out_phrases(lang: str) -> None:
    assert set(seeds(lang)) == set(Intent)
    assert all(len(lines) >= 30 for lines in seeds(lang).values())
    held = [line["intent"] for line in held_out(lang)]
    assert all(held.count(intent) >= 12 for intent in Intent)


def test_there_are_four_hundred_phrases_that_want_nothing() -> None:
    assert sum(len(seeds(lang)["other"]) for lang in LANGUAGES) >= 400


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_held_out_phrase_is_a_seed(lang: str) -> None:
    known = {tuple(tokens(line, lang)) for lines in seeds(lang).values() for line in lines}
    assert [line["text"] for line in held_out(lang) if tuple(tokens(line["text"], lang)) in known] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_seed_stands_under_two_intents(lang: str) -> None:
    places: dict[str, set[str]] = {}
    for intent, lines in seeds(lang).items():
        for line in lines:
            places.setdefault(line, set()).add(intent)
    assert {line: intents for line, intents in places.items() if len(intents) > 1} == {}


def test_the_shipped_weights_were_learnt_from_the_data_in_the_tree() -> None:
    assert np.load(WEIGHTS)["learnt_from"].tobytes() == learnt_from(), "run: python -m training.suggestions"
