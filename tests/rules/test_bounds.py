"""Found phrases begin and end where a reader would let them."""

from collections.abc import Callable

import pytest

from rules.bounds import good_ends
from rules.insult import Insult
from rules.threat import Threat


@pytest.mark.parametrize(
    ("text", "found", "whole"),
    [
        ("or I send those pics to your boss", "I send those pics to your", "I send those pics to your boss"),
        ("or I send those pics to your boss", "or I send those pics", "I send those pics"),
        ("tu e burro ou se faz?", "tu e burro ou", "tu e burro"),
        ("do the massage topless and I'll tip", "do the massage topless and", "do the massage topless"),
        ("te voy a caer con mis compas", "te voy a caer con mis", "te voy a caer con mis compas"),
        ("la señal o te voy a buscar", "la señal o te", "la señal o te voy a buscar"),
        ("te quiero comer todita en, bueno", "te quiero comer todita en", "te quiero comer todita"),
        ("watch what happens to your dog", "watch what happens to", "watch what happens to your dog"),
        ("limpio, con tiros", "limpio, con", "limpio, con tiros"),
        ("eres un inutil", "eres un inutil", "eres un inutil"),
        ("joder con el gato", "joder", "joder"),
        ("con la de", "con la de", "con la de"),
    ],
)
def test_a_phrase_is_brought_to_its_next_good_end(text: str, found: str, whole: str) -> None:
    start = text.index(found)
    assert text[slice(*good_ends(text, start, start + len(found)))] == whole


@pytest.mark.parametrize("text", ["", "a", "  ", "y", "¿?", "a  b", "de la", "y o u"])
def test_any_span_stays_within_the_text(text: str) -> None:
    for start in range(len(text) + 1):
        for end in range(start, len(text) + 1):
            first, last = good_ends(text, start, end)
            assert 0 <= first <= last <= len(text)
            assert (first < last) == (start < end)


def test_what_is_pointed_at_is_in_the_original(seen: Callable[..., list[tuple[str, str]]]) -> None:
    assert seen(Threat(), "paga o ＴＥ rompo las piernas, listo") == [("threat", "ＴＥ rompo las piernas")]


def test_an_insult_that_ends_in_a_swear_word_points_at_it(seen: Callable[..., list[tuple[str, str]]]) -> None:
    assert seen(Insult(), "give it back you greedy asshole") == [("insult", "asshole")]
