"""What must hold for every text: disguise never helps, and harmless changes never harm."""

from __future__ import annotations

import json
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.catalogue import check
from rules.profanity import Profanity
from rules.text import fold
from rules.types import Setting

SUITE = Path(__file__).parent.parent / "data" / "marketplace.jsonl"
LINES = [json.loads(line) for line in SUITE.read_text("utf-8").splitlines()]
HARMLESS = [line["text"] for line in LINES if line.get("expect") == [] and "text" in line and line["kind"] != "link"]
SWEARING = [
    "mierda",
    "cabrón",
    "gilipollas",
    "joder",
    "pendejo",
    "fuck",
    "bullshit",
    "wanker",
    "porra",
    "caralho",
    "merda",
]
INVISIBLE = "\u200b\u200c\u200d\u00ad\u2060\ufeff\u202e\u0336\u0301\ufe0f"
LOOK_ALIKES = {
    "a": "аαａ𝗮ⓐᴀ",
    "e": "еｅ𝗲ⓔᴇ",
    "i": "іｉ𝗶ⓘ",
    "o": "оοｏ𝗼ⓞᴏ",
    "c": "сｃ𝗰ⓒ",
    "p": "рｐ𝗽ⓟ",
    "r": "ｒ𝗿ⓡ",
    "u": "υｕ𝘂ⓤ",
}


def score(text: str) -> float:
    return max((finding.score for finding in Profanity().find(fold(text), Setting())), default=0.0)


swearing = st.sampled_from(SWEARING)
sentence = st.sampled_from(["qué {} de pedido", "this {} again", "que {} é essa", "{}"])


@given(swearing, sentence, st.lists(st.tuples(st.integers(0, 20), st.sampled_from(INVISIBLE)), min_size=1, max_size=6))
def test_invisible_characters_never_lower_a_profanity_score(
    word: str, text: str, inserted: list[tuple[int, str]]
) -> None:
    disguised = word
    for place, character in inserted:
        place = 1 + place % len(disguised)
        disguised = disguised[:place] + character + disguised[place:]
    assert score(text.format(disguised)) >= score(text.format(word))


@given(swearing, sentence, st.lists(st.integers(1, 6), min_size=12, max_size=12))
@example("porra", "{}", [2] * 12)
def test_stretching_never_lowers_a_profanity_score(word: str, text: str, times: list[int]) -> None:
    stretched = "".join(letter * count for letter, count in zip(word, times, strict=False))
    natural = sum(count == 2 for count in times[: len(word)]) <= 2 or max(times[: len(word)]) > 2
    if natural:
        assert score(text.format(stretched)) >= score(text.format(word))


@given(swearing, sentence, st.lists(st.integers(0, 9), min_size=12, max_size=12))
def test_look_alikes_never_lower_a_profanity_score(word: str, text: str, picks: list[int]) -> None:
    disguised = "".join(
        LOOK_ALIKES[letter][pick % len(LOOK_ALIKES[letter])] if letter in LOOK_ALIKES else letter
        for letter, pick in zip(word, picks, strict=False)
    )
    assert score(text.format(disguised)) >= score(text.format(word))


@given(st.sampled_from(HARMLESS), st.sampled_from(["NFC", "NFD"]))
@settings(max_examples=200)
def test_a_clean_message_stays_clean_in_either_normal_form(text: str, form: str) -> None:
    assert not Profanity().find(fold(unicodedata.normalize(form, text)), Setting())  # type: ignore[arg-type]


@given(st.text(max_size=200))
@settings(max_examples=200)
def test_any_text_gets_findings_that_lie_within_it_and_the_same_twice(text: str) -> None:
    findings = check(text, Setting())
    assert all(0 <= finding.start <= finding.end <= len(text) for finding in findings)
    assert findings == check(text, Setting())


HOSTILE = {
    "one letter": "a" * 4000,
    "spelled": "p u t a " * 500,
    "swearing": "puta " * 800,
    "glued": "mierda" * 660,
    "stars": "f*** " * 800,
    "only stars": "*" * 4000,
    "leet": "1!|l" * 1000,
    "breaks": "pu\nta " * 600,
    "zero width": "\u200b" * 4000,
    "zalgo": "a\u0336\u0301" * 1300,
    "flags": "🇸🇭" * 2000,
    "percent": "%6D" * 1300,
    "bangs": "x!" * 2000,
    "dots": "a.b" * 1300,
    "spaces": " " * 4000,
    "surrogates": "\ud800" * 4000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_time_grows_in_proportion_to_length_on_hostile_texts(text: str) -> None:
    def spent(length: int) -> float:
        best = 1.0
        for _ in range(5):
            start = time.thread_time()
            Profanity().find(fold(text[:length]), Setting())
            best = min(best, time.thread_time() - start)
        return best

    spent(1000)
    # Eight times the length in at most 20 times the time: what is quadratic would take 64 times.
    assert spent(4000) < max(20 * spent(500), 0.004)
