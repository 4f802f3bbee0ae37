"""How heated a conversation is: warmed by what hurts, cooled by calm words and by time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.heat import HALF_LIFE_MS, Mood, Tone, tone
from moderation.judgement import Judgement
from policies.decision import Decision, Verdict
from rules.types import Category, Finding

INSULT = Tone(heat=0.76)
CALM = Tone()
GLAD = Tone(feeling=0.8)
NOW = 1_700_000_000_000


def judged(*findings: tuple[Category, float], sentiment: tuple[str, float] | None = None) -> Judgement:
    found = tuple(Finding(category, score, 0, 0, "tried") for category, score in findings)
    return Judgement(Decision(Verdict.ALLOW, "p@1", findings=found), {}, sentiment, "es", 1)


def course(*tones: Tone, pause: int = 30_000) -> Mood:
    mood = Mood()
    for number, each in enumerate(tones):
        mood = mood.after(each, NOW + number * pause)
    return mood


@pytest.mark.parametrize(
    ("judgement", "heat"),
    [
        (judged(), 0.0),
        (judged((Category.CONTACT, 1.0), (Category.SPAM, 1.0)), 0.0),
        (judged((Category.INSULT, 1.0)), 0.8),
        (judged((Category.INSULT, 0.5), (Category.INSULT, 1.0)), 0.8),
        (judged((Category.INSULT, 1.0), (Category.PROFANITY, 1.0)), 0.86),
        (judged((Category.THREAT, 0.9)), 0.9),
        (judged((Category.PROFANITY, 1.0)), 0.3),
        (judged((Category.PROFANITY, 1.0), sentiment=("positive", 0.9)), 0.0),
        (judged(sentiment=("negative", 1.0)), 0.35),
        (judged(sentiment=("negative", 0.5)), 0.0),
        (judged(sentiment=("neutral", 1.0)), 0.0),
    ],
)
def test_a_message_is_as_heated_as_what_was_seen_in_it(judgement: Judgement, heat: float) -> None:
    assert tone(judgement).heat == pytest.approx(heat, abs=0.005)


@pytest.mark.parametrize(
    ("sentiment", "feeling"),
    [
        (None, 0.0),
        (("positive", 1.0), 1.0),
        (("negative", 0.75), -0.5),
        (("neutral", 0.9), 0.0),
        (("positive", 0.4), 0),
    ],
)
def test_a_feeling_counts_as_far_as_it_is_sure(sentiment: tuple[str, float] | None, feeling: float) -> None:
    assert tone(judged(sentiment=sentiment)).feeling == feeling


def test_two_insults_in_a_row_make_a_heated_conversation() -> None:
    assert course(INSULT).heat < 0.5
    assert course(INSULT, INSULT).heat > 0.6


def test_an_hour_of_plain_talk_stays_cold_and_one_complaint_in_two_stays_below_heated() -> None:
    complaint = tone(judged(sentiment=("negative", 0.9)))
    assert course(*[CALM] * 100).heat == 0
    assert course(*[complaint, CALM] * 100).heat < 0.5
    assert course(*[complaint] * 10).heat > 0.6


def test_calm_words_cool_and_glad_ones_cool_more() -> None:
    hot = course(INSULT, INSULT)
    assert hot.heat > hot.after(CALM, hot.at).heat > hot.after(GLAD, hot.at).heat


def test_heat_halves_with_time_and_a_clock_set_back_changes_nothing() -> None:
    hot = course(INSULT, INSULT)
    assert hot.heat_at(hot.at + HALF_LIFE_MS) == pytest.approx(hot.heat / 2)
    assert hot.heat_at(hot.at - 1_000_000) == hot.heat
    assert hot.after(CALM, hot.at - 1_000_000).at == hot.at


tones = st.builds(
    Tone, heat=st.floats(0, 1), feeling=st.floats(-1, 1), language=st.sampled_from(["es", "en", "pt", ""])
)


@given(st.lists(st.tuples(tones, st.integers(-10_000, 10**9)), max_size=30))
@settings(max_examples=50)
def test_whatever_is_said_the_measures_stay_within_their_bounds(said: list[tuple[Tone, int]]) -> None:
    mood, at = Mood(), NOW
    for each, pause in said:
        at += pause
        mood = mood.after(each, at)
        assert 0 <= mood.heat <= 1
        assert mood.heat_at(at + 1) <= mood.heat
        assert -1 <= mood.slow <= 1
        assert -1 <= mood.quick <= 1


def test_the_trend_falls_while_people_become_less_glad_and_settles_again() -> None:
    glad, cross = Tone(feeling=0.8), Tone(heat=0.3, feeling=-0.8)
    assert course(*[glad] * 30).trend == pytest.approx(0, abs=0.1)
    assert course(*[glad] * 30, cross, cross).trend < -0.3
    assert course(*[cross] * 60).trend == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    ("spoken", "language"),
    [
        ([], None),
        (["es"], None),
        (["es", "es"], "es"),
        (["es", "", "", "es"], "es"),
        (["es", "en"], None),
        (["es", "es", "es", "pt"], None),
        (["en"] * 9 + ["pt"] * 6, "pt"),
    ],
)
def test_the_usual_language_is_what_most_of_the_latest_messages_are_in(spoken: list[str], language: str | None) -> None:
    assert course(*(Tone(language=one) for one in spoken)).language == language
