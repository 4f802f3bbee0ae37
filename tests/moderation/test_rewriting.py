"""What is offered instead: the same words without a curse, where it stood apart; and nothing where it did not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.engine import Engine
from moderation.rewriting import rewrites
from policies.decision import Verdict
from policies.load import load
from rules import catalogue
from rules.types import Setting

ENGINE, POLICY = Engine(catalogue.RULES), load("marketplace")


def offered(text: str) -> list[str]:
    setting = Setting()
    return rewrites(text, ENGINE.judge(text, setting, POLICY), setting, POLICY, ENGINE)


OFFERED = [
    ("joder, llevo desde las 9 esperando", "llevo desde las 9 esperando"),
    ("Joder, llevo desde las 9 esperando", "Llevo desde las 9 esperando"),
    ("¡Joder! llevo desde las 9 esperando", "Llevo desde las 9 esperando"),
    ("that is fucking great, thanks", "that is great, thanks"),
    ("¿dónde estás, imbécil?", "¿dónde estás?"),
    ("caralho, que demora!", "que demora!"),
    ("you are late, asshole. Where is my order?", "you are late. Where is my order?"),
]


@pytest.mark.parametrize(("text", "rest"), OFFERED)
def test_leaves_out_what_stands_apart(text: str, rest: str) -> None:
    assert offered(text) == [rest]


NOT_OFFERED = [
    "eres un idiota",  # would leave "eres un"
    "idiota",
    "joder!",
    "that asshole still has my money",
    "llámame al 612 345 678",
    "gracias, hasta mañana",
    "joder, llámame al 612 345 678",
]


@pytest.mark.parametrize("text", NOT_OFFERED)
def test_offers_nothing_where_something_else_would_be_left(text: str) -> None:
    assert offered(text) == []


WORDS = st.sampled_from(
    ["joder", "idiota", "asshole", "hola", "llego", "tarde", ",", ".", "!", "¿", "fucking", "great", "\n"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8).map(" ".join))
def test_what_is_offered_always_passes_and_is_made_of_the_same_words(text: str) -> None:
    for rest in offered(text):
        assert ENGINE.judge(rest, Setting(), POLICY).decision.verdict in (Verdict.ALLOW, Verdict.FLAG)
        assert set(re.findall(r"\w+", rest.lower())) <= set(re.findall(r"\w+", text.lower()))
