"""How messages are read before they are understood."""

import pytest

from moderation.suggestions.words import LANGUAGES, concepts, fold, shorthand, tokens


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("¿Está DISPONIBLE?", "¿esta disponible?"),
        ("holaaaaa", "hola"),
        ("ｈｏｌａ", "hola"),
        ("mañana à tarde", "manana a tarde"),
        ("jajajaja sí", " <laugh>  si"),
        ("KKKKKK boa", " <laugh>  boa"),
        ("I’m here", "i'm here"),
        ("son 1000", "son 1000"),
    ],
)
def test_accents_stretching_and_laughter_are_folded(text: str, plain: str) -> None:
    assert fold(text) == plain


@pytest.mark.parametrize(
    ("text", "lang", "words"),
    [
        ("q tal xq no", "es", "que tal por que no"),
        ("r u there thx", "en", "are you there thanks"),
        ("vc tb qdo", "pt", "voce tambem quando"),
        ("q tal", "", "q tal"),
        ("te doy 40€", "es", "te doy <price>"),
        ("R$ 1.200,00 fecha", "pt", "<price> fecha"),
        ("$1,500 obo", "en", "<price> obo"),
        ("a las 17:30", "es", "a las <time>"),
        ("at 5pm", "en", "at <time>"),
        ("llego en 10 min", "es", "llego en <minutes>"),
        ("mi orden 48213", "es", "mi orden <order>"),
        ("el 12/05", "es", "el <date>"),
        ("llama al +34 612 345 678", "es", "llama al <phone>"),
        ("mira www.tienda.es/x", "es", "mira <link>"),
        ("talla 42 👍", "es", "talla <number> 👍"),
    ],
)
def test_shorthand_is_spelled_out_and_figures_become_signs(text: str, lang: str, words: str) -> None:
    assert " ".join(tokens(text, lang)) == words


def test_words_of_one_meaning_touch_the_same_concept_in_every_language() -> None:
    said = {"es": "quiero un reembolso", "en": "i want a refund", "pt": "quero reembolso"}
    touched = [set(concepts(lang).of(tokens(text, lang))) for lang, text in said.items()]
    assert {"want", "refund"} <= set.intersection(*touched)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_shorthand_never_stands_for_itself(lang: str) -> None:
    assert shorthand(lang)
    assert not [short for short, meant in shorthand(lang).items() if short == meant or fold(short) != short]


def test_reading_takes_time_linear_in_the_length() -> None:
    for hostile in ("a" * 50_000, "1 " * 25_000, "+1" * 25_000, "ja" * 25_000, "w@" * 25_000, "." * 50_000):
        tokens(hostile[:4_000], "es")
