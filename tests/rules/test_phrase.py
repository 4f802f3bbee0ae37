"""The notation of the term data."""

from __future__ import annotations

import pytest

from rules.phrase import Lists, Phrase, PhraseError, forms, plain
from rules.text import fold

LISTS = Lists({"part": "cara, pierna{,s}, la boca"})


def reported(source: str, text: str) -> str | None:
    folded = fold(text)
    for start, end in Phrase(source, LISTS).find(folded.padded, frozenset(folded.tokens)):
        return folded.padded[start:end]
    return None


def test_braces_give_every_ending() -> None:
    assert forms("put{a,o}{,s}") == ["puta", "putas", "puto", "putos"]


def test_plain_is_what_a_text_becomes() -> None:
    assert plain("You're COÑO") == "you re cono"


@pytest.mark.parametrize(
    ("source", "text", "part"),
    [
        ("te rompo (la|las) <part>", "pues te rompo las piernas!", "te rompo las piernas"),
        ("te rompo (la|las)? <part>", "te rompo la boca", "te rompo la boca"),
        ("te (voy a)? romp* ... <part>", "te voy a romper toda la puta cara", "te voy a romper toda la puta cara"),
        ("vete a la [mierda]", "vete   a la... mierda", "mierda"),
        ("dick !(francis|van)", "what a dick", "dick"),
        ("dick !(francis|van)", "a Dick Francis novel", None),
        ("^ hostia", "¡hostia, tío!", "hostia"),
        ("^ hostia", "una hostia consagrada", None),
        ("or else $", "pay or else!!", "or else"),
        ("or else $", "or else I keep it", None),
        ("you _ idiot", "you absolute idiot", "you absolute idiot"),
        ("hast* la _ puta", "y hasta la otra puta", "hasta la otra puta"),
        ("... te mato", "ay te mato", "ay te mato"),
        ("(a (b|c)? d)", "x a c d y", "a c d"),
        ("[# (euros)? en mano]", "son 1.200 euros en mano", "1 200 euros en mano"),
        ("[# (euros)? en mano]", "nada en mano", None),
        ("you're mad", "youre mad, you're mad", "you re mad"),
    ],
)
def test_a_phrase_reports_its_part(source: str, text: str, part: str | None) -> None:
    assert reported(source, text) == part


@pytest.mark.parametrize("source", ["", "(a|b", "<nowhere> x", "a ? ? b)", "word? other?", "...", "| a"])
def test_a_phrase_that_cannot_be_read_says_so(source: str) -> None:
    with pytest.raises(PhraseError):
        Phrase(source, LISTS)


def test_a_phrase_is_found_by_its_rarest_words() -> None:
    assert Phrase("te rompo (la|las)? <part>", LISTS).needs[0] == frozenset(("rompo",))
