"""What must hold for rules and classifiers together: no disguise helps, and no harmless change of a harmless message harms."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

import emoji
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.engine import Engine, default_engine
from moderation.judgement import Judgement
from policies.load import load
from rules.types import Category, Setting, Utterance
from server.evaluation import MEASURES, Labelled

SUITE = Path(__file__).parent.parent / "data" / "marketplace.jsonl"
LINES = [msgspec.json.decode(line, type=Labelled) for line in SUITE.read_bytes().splitlines()]
HARMLESS = [line for line in LINES if line.expect == []]
ABUSIVE = [line for line in LINES if "profanity" in (line.expect or ()) and line.text]
POLICY = load("marketplace")
TONES = "🏻🏼🏽🏾🏿"
INVISIBLE = "\u200b\u200c\u200d\u00ad\u2060\ufeff\u202e"
LOOK_ALIKES = str.maketrans({"a": "а", "e": "е", "o": "о", "c": "с", "p": "р", "i": "і", "A": "А", "E": "Е", "O": "О"})


@cache
def engine() -> Engine:
    return default_engine()


def judged(text: str, setting: Setting | None = None) -> Judgement:
    return engine().judge(text, setting or Setting(), POLICY)


def seen(judgement: Judgement) -> set[Category]:
    return {finding.category for finding in judgement.decision.findings} - MEASURES


def profanity(judgement: Judgement) -> float:
    scores = [f.score for f in judgement.decision.findings if f.category is Category.PROFANITY]
    return max(scores, default=0.0)


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def toned(text: str) -> str:
    """The text with a skin tone on every emoji that can have one."""
    pieces = []
    for place, character in enumerate(text):
        tone = TONES[place % len(TONES)]
        pieces.append(character + tone if character + tone in emoji.EMOJI_DATA else character)
    return "".join(pieces)


@pytest.mark.parametrize("change", [decomposed, toned])
def test_a_clean_message_stays_clean(change: Callable[[str], str]) -> None:
    alarms = []
    for line in HARMLESS:
        recent = tuple(Utterance(one.author, change(one.text)) for one in line.setting.recent)
        setting = msgspec.structs.replace(line.setting, recent=recent)
        if (change(line.judged), setting) == (line.judged, line.setting) or seen(judged(line.judged, line.setting)):
            continue
        changed = judged(change(line.judged), setting)
        if seen(changed):
            alarms.append((line.judged, changed.decision.findings))
    assert alarms == []


@pytest.mark.parametrize("change", [decomposed, toned])
def test_enough_messages_are_changed(change: Callable[[str], str]) -> None:
    assert sum(change(line.judged) != line.judged for line in HARMLESS) >= 5


abusive = st.sampled_from(ABUSIVE)


@given(abusive, st.lists(st.tuples(st.integers(0, 400), st.sampled_from(INVISIBLE)), min_size=1, max_size=8))
@settings(max_examples=60)
def test_invisible_characters_hide_nothing_from_rules_or_classifiers(
    line: Labelled, inserted: list[tuple[int, str]]
) -> None:
    text = line.judged
    for place, character in inserted:
        # Between letters: a joiner between emoji makes another emoji of them.
        places = [at for at in range(1, len(text)) if text[at - 1].isalpha() and text[at].isalpha()]
        if places:
            at = places[place % len(places)]
            text = text[:at] + character + text[at:]
    plain, disguised = judged(line.judged, line.setting), judged(text, line.setting)
    assert profanity(disguised) >= profanity(plain)
    assert disguised.scores == pytest.approx(plain.scores)


@given(abusive)
@settings(max_examples=60)
def test_look_alikes_hide_nothing_from_rules_or_classifiers(line: Labelled) -> None:
    plain, disguised = judged(line.judged, line.setting), judged(line.judged.translate(LOOK_ALIKES), line.setting)
    assert profanity(disguised) >= profanity(plain)
    assert disguised.scores == pytest.approx(plain.scores)


@given(st.one_of(st.text(max_size=120), st.sampled_from([line.judged for line in LINES])))
@settings(max_examples=100)
def test_the_same_text_policy_and_models_give_the_same_decision(text: str) -> None:
    first = judged(text)
    judged("something else in between, você viu?")
    again = judged(text)
    assert first.decision == again.decision
    assert (first.scores, first.sentiment, first.language) == (again.scores, again.sentiment, again.language)
    assert all(0 <= finding.start <= finding.end <= len(text) for finding in first.decision.findings)
    assert all(0 <= score <= 1 for score in first.scores.values())
