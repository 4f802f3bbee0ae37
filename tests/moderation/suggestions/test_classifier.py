"""What the classifier understands, measured on phrases written by other hands than the seeds."""

import json
from functools import cache
from pathlib import Path
from time import thread_time_ns

import numpy as np
import pytest

from moderation.suggestions.classifier import INTENTS, IntentClassifier, Reading
from moderation.suggestions.features import SLOTS
from moderation.suggestions.intents import Intent
from moderation.suggestions.words import LANGUAGES

DATA = Path(__file__).parents[2] / "data"

Measured = list[tuple[Intent, Reading]]


@cache
def classifier() -> IntentClassifier:
    return IntentClassifier.load()


@cache
def measured(lang: str) -> Measured:
    lines = map(json.loads, (DATA / f"suggestions_{lang}.jsonl").read_text("utf-8").splitlines())
    return [(Intent(line["intent"]), classifier().read(line["text"], lang)) for line in lines]


@cache
def wishes(lang: str) -> Measured:
    return [(truth, reading) for truth, reading in measured(lang) if truth is not Intent.OTHER]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_guess_is_right_for_85_of_100(lang: str) -> None:
    assert np.mean([reading.intent is truth for truth, reading in wishes(lang)]) >= 0.85


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_truth_is_among_three_for_95_of_100(lang: str) -> None:
    assert np.mean([truth in dict(reading.intents[:3]) for truth, reading in wishes(lang)]) >= 0.95


@pytest.mark.parametrize("lang", LANGUAGES)
def test_at_least_half_are_spoken_to_and_nine_in_ten_of_them_rightly(lang: str) -> None:
    spoken = [(truth, reading) for truth, reading in wishes(lang) if reading.speaks]
    assert len(spoken) >= 0.5 * len(wishes(lang))
    assert np.mean([reading.intent is truth for truth, reading in spoken]) >= 0.9


@pytest.mark.parametrize("lang", LANGUAGES)
def test_at_most_one_in_ten_that_want_nothing_is_spoken_to(lang: str) -> None:
    others = [reading for truth, reading in measured(lang) if truth is Intent.OTHER]
    assert np.mean([reading.speaks for reading in others]) <= 0.1


def test_a_message_is_read_within_five_milliseconds() -> None:
    texts = [
        line for lang in LANGUAGES for line in (DATA / f"suggestions_{lang}.jsonl").read_text("utf-8").splitlines()
    ]
    taken = []
    for text in texts[::5]:
        began = thread_time_ns()
        classifier().read(text, "es")
        taken.append(thread_time_ns() - began)
    assert np.quantile(taken, 0.95) <= 5_000_000


@pytest.mark.parametrize(
    ("text", "lang", "intents"),
    [
        ("te doy 40 euros y lo recojo mañana a las 6, te va?", "es", {Intent.OFFER, Intent.MEET_TIME}),
        ("it never arrived. I want a refund", "en", {Intent.NOT_RECEIVED, Intent.RETURN_OR_REFUND}),
        ("fechado, como te pago?", "pt", {Intent.ACCEPT, Intent.PAYMENT_HOW}),
    ],
)
def test_a_message_may_want_several_things(text: str, lang: str, intents: set[Intent]) -> None:
    assert {intent for intent, _ in classifier().read(text, lang).intents[:2]} == intents


@pytest.mark.parametrize(
    ("text", "lang", "intent"),
    [
        ("muchas gracias! sigue disponible?", "es", Intent.AVAILABILITY),
        ("hi, what's the exact address?", "en", Intent.ADDRESS_ASK),
        ("bom dia! quanto custa?", "pt", Intent.PRICE_ASK),
    ],
)
def test_a_wish_goes_before_manners(text: str, lang: str, intent: Intent) -> None:
    assert classifier().read(text, lang).intent is intent


@pytest.mark.parametrize("text", ["", " ", "\n\n", "😀", "....", "\u200b", "𝟙𝟚", "a" * 4_000, "? " * 2_000])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_any_text_has_a_reading_with_probabilities(text: str, lang: str) -> None:
    assert set(dict(classifier().read(text, lang).intents)) == set(Intent)
    chances = classifier().probabilities(text, lang)
    assert chances.min() >= 0
    assert chances.sum() == pytest.approx(1)


def test_the_same_text_reads_the_same() -> None:
    assert classifier().read("me lo dejas en 60?", "es") == IntentClassifier.load().read("me lo dejas en 60?", "es")


def test_weights_of_other_features_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        IntentClassifier(
            np.ones(SLOTS, dtype=np.float32), np.zeros((SLOTS - 1, len(INTENTS)), dtype=np.float32),
            np.zeros(len(INTENTS), dtype=np.float32), 1.0, 1.0, {"es": 0.9},
        )  # fmt: skip
