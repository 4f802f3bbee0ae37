"""Folding: what is undone, and the way back."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.text import fold


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Hola, ¿SIGUE disponible?", "hola, ¿sigue disponible?"),
        ("el sábado por la mañana", "el sabado por la manana"),
        ("não é à vista", "nao e a vista"),
        ("ｔｏｔａｌ ６１１", "total 611"),
        ("𝗺𝗶𝗲𝗿𝗱𝗮 𝒇𝒖𝒄𝒌 𝟞𝟙𝟚", "mierda fuck 612"),
        ("ⓢⓗⓘⓣ 🅢🅷🅸🆃", "shit shit"),
        ("ᴘᴜᴛᴀ", "puta"),
        ("c🅾️ñ🅾️", "cono"),
        ("mi\u200ber\u00adda\u202e", "mierda"),
        ("f̶u̶c̶k̶", "fuck"),
        ("miеrdа", "mierda"),  # Cyrillic е and а
        ("cαrαlho", "caralho"),  # Greek alpha
        ("fiӏho", "filho"),  # Cyrillic palochka
        ("6️⃣4️⃣4️⃣", "644"),
        ("٦١٢ ६१२", "612 612"),
        ("ﬁn, Straße, ø, ł, đ", "fin, strasse, o, l, d"),
        ("İstanbul", "istanbul"),
        ("Brand™ 5º ½", "brand™ 5o ½"),
        ("a\u00a0b\u2003c\u2028d", "a b c\nd"),
        ("🇸🇭🇮🇹", "shit"),
        ("🇫🇺", "fu"),
    ],
)
def test_text_is_folded_to_how_it_reads(text: str, plain: str) -> None:
    assert fold(text).plain.replace("1⁄2", "½") == plain


@pytest.mark.parametrize("text", ["café 🇨🇴 o 🇲🇽?", "puta🇪🇸", "👨\u200d👩\u200d👧 😀👍🏽", "漢字 한국어 привет"])
def test_flags_emoji_and_other_scripts_stay_apart_from_words(text: str) -> None:
    plain = fold(text).plain
    assert "cafeco" not in plain
    assert "putaes" not in plain
    assert "한국어" not in text or "한국어" in plain


@pytest.mark.parametrize(
    ("text", "part", "original"),
    [
        ("la mi\u200berda esa", "mierda", "mi\u200berda"),
        ("es f̶u̶c̶k̶ ya", "fuck", "f̶u̶c̶k̶"),
        ("p🅾️rr🅰️ manda", "porra", "p🅾️rr🅰️"),
        ("el ﬁn", "fin", "ﬁn"),
        ("6️⃣4️⃣ sí", "64", "6️⃣4️⃣"),
        ("ＦＵＣＫ it", "fuck", "ＦＵＣＫ"),
    ],
)
def test_a_span_leads_back_to_the_characters_that_were_typed(text: str, part: str, original: str) -> None:
    folded = fold(text)
    start = folded.plain.index(part)
    first, last = folded.span(start, start + len(part))
    assert text[first:last] == original


def test_percent_encoding_is_decoded_with_spans_in_the_original() -> None:
    text = "ve a %6D%69erda ya"
    decoded = fold(text).decoded
    assert decoded is not None
    start = decoded.plain.index("mierda")
    first, last = decoded.span(start, start + 6)
    assert text[first:last] == "%6D%69erda"


@pytest.mark.parametrize("text", ["hola", "50% de", "100%ef", "%zz", "%00%01"])
def test_a_percent_sign_alone_is_no_encoding(text: str) -> None:
    assert fold(text).decoded is None


def test_views_undo_one_disguise_each_and_lead_back() -> None:
    folded = fold("p u t a, m.i.e.r.d.a y fuuuck 5h1t")
    for view, part, typed in [
        (folded.joined, "puta", "p u t a"),
        (folded.joined, "mierda", "m.i.e.r.d.a"),
        (folded.squeezed, "fuck", "fuuuck"),
        (folded.leet, "shit", "5h1t"),
    ]:
        start = view.text.index(part)
        first, last = view.span(start, start + len(part))
        assert folded.original[first:last] == typed


@given(st.text(max_size=120))
def test_folding_never_loses_an_offset(text: str) -> None:
    folded = fold(text)
    covered = 0
    for place in range(len(folded.plain)):
        first, last = folded.span(place, place + 1)
        assert 0 <= first < last <= len(text)
        assert last >= covered
        covered = last
    assert folded.span(0, len(folded.plain))[1] <= len(text)
    assert len(folded.words) == len(folded.plain)


@given(st.text(st.characters(max_codepoint=0x24F), max_size=80))
def test_composed_and_decomposed_latin_fold_alike(text: str) -> None:
    composed, decomposed = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    assert fold(composed).plain == fold(decomposed).plain


@given(st.text(max_size=60))
def test_views_never_point_outside_the_text(text: str) -> None:
    folded = fold(text)
    for view in (folded.leet, folded.squeezed, folded.joined):
        for place in range(len(view.text)):
            first, last = view.span(place, place + 1)
            assert 0 <= first < last <= len(text)
