"""An emoji's sense is in its company: other emoji, the words around it, what is being sold."""

from __future__ import annotations

import pytest
from emoji import EMOJI_DATA
from hypothesis import given
from hypothesis import strategies as st

from rules.emoji import Emoji, seen
from rules.text import fold
from rules.types import Category, Finding, Setting

RULE = Emoji()
TONES = ["", "🏻", "🏼", "🏽", "🏾", "🏿"]


def found(text: str, listing: str | None = None) -> list[Finding]:
    return list(RULE.find(fold(text), Setting(listing=listing)))


def categories(text: str, listing: str | None = None) -> set[Category]:
    return {finding.category for finding in found(text, listing)}


@pytest.mark.parametrize(
    ("text", "listing", "category"),
    [
        ("mándame otra foto 🍆💦", "fashion", Category.SEXUAL),
        ("ur hot, sit with me :peach: :eggplant:", "rides", Category.SEXUAL),
        ("when do we 👉🏾👌🏾", "art", Category.SEXUAL),
        ("come sit on my 🍆", "rides", Category.SEXUAL),
        ("toma tu reembolso 🖕", "electronics", Category.INSULT),
        ("keep the dress :middle_finger:", "fashion", Category.INSULT),
        ("como vendedor eres un 💩", "fashion", Category.INSULT),
        ("you're a 🐀 and everyone should know", "kitchen", Category.INSULT),
        ("tá escrito no título, seu 🫏", "books", Category.INSULT),
        ("sé en qué portal vives, esta noche nos vemos 🔪🩸", None, Category.THREAT),
        ("si vienes te llevas el 🔫", None, Category.THREAT),
        ("devuélveme el dinero o 🔫", "electronics", Category.THREAT),
        ("tengo ❄️ de la buena, 60 el gramo", None, Category.DRUGS_WEAPONS),
        ("your local 🔌, got 🍃💨 by the eighth", None, Category.DRUGS_WEAPONS),
        ("got 💊💊 and 🍄 hmu", None, Category.DRUGS_WEAPONS),
    ],
)
def test_finds_the_sense_behind_the_picture(text: str, listing: str | None, category: Category) -> None:
    assert categories(text, listing) == {category}


@pytest.mark.parametrize(
    ("text", "listing"),
    [
        ("a cuánto está el kilo de 🍆 y de 🍑 hoy?", "groceries"),
        ("🍆🍆🍆 tres berenjenas, 🍌🍌 dos plátanos", "groceries"),
        ("el aspersor llega a 10 metros? 💦💦", "garden"),
        ("corta que da gusto 🔪🍅", "kitchen"),
        ("las pistolas de agua 🔫💦 son para mayores de 6?", "toys"),
        ("las 💊 de vitamina D son de 30 o de 60", "pharmacy"),
        ("el aire enfría de lujo ❄️❄️", "electronics"),
        ("el cojín 💩 con ojitos es el que quiere mi hija", "toys"),
        ("need a 🤡 for a kids party on the 14th", "jobs"),
        ("la decoración ⚰️🦇🎃 incluye las luces?", "art"),
        ("going fast 🔥🔥 last two left", "electronics"),
        ("is it a UK or EU 🔌 on the amp?", "electronics"),
        ("me quedo el 3️⃣8️⃣ en negro", "fashion"),
        ("somos 👨‍👩‍👧‍👦 y un perro 🐕", "lodging"),
        ("llegó perfecto ❤️‍🔥 mil gracias 🫶🏾", "art"),
        ("listo jefa 👌🏽 mañana a primera hora 💪🏽", "home_services"),
        ("eres un sol 🌞", None),
        ("you look amazing in that 😍🔥", "fashion"),
        ("qué miedo de libro 💀🔪 me encantó", "books"),
    ],
)
def test_goods_and_joy_are_no_finding(text: str, listing: str | None) -> None:
    assert found(text, listing) == []


def test_the_listing_decides_between_food_and_a_come_on() -> None:
    assert categories("dos 🍆 y una 🍑 para ti 😏", "groceries") == set()
    assert categories("esta noche 🍆 y 🍑 para ti 😏", "lodging") == {Category.SEXUAL}


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("variation", ["", "\ufe0f"])
def test_skin_tone_and_variation_never_change_the_finding(tone: str, variation: str) -> None:
    text = f"toma 🖕{tone}{variation} y ya"
    (finding,) = found(text)
    assert finding.category is Category.INSULT
    assert text[finding.start : finding.end] == f"🖕{tone}{variation}"


def test_a_joined_picture_is_one_emoji() -> None:
    assert [one.face for one in seen("❤️‍🔥 👨‍👩‍👧")] == ["❤‍🔥", "👨‍👩‍👧"]


@given(st.lists(st.sampled_from(["👍", "👌", "💪", "🙏", "👏", "🤝", "👋"]), max_size=6), st.sampled_from(TONES))
def test_a_clean_message_stays_clean_in_every_skin_tone(hands: list[str], tone: str) -> None:
    assert found("mañana a las 9 paso " + " ".join(hand + tone for hand in hands)) == []


@given(st.lists(st.one_of(st.sampled_from(sorted(EMOJI_DATA)), st.text(max_size=8)), max_size=30))
def test_every_finding_lies_inside_the_original_text(parts: list[str]) -> None:
    text = "".join(parts)
    for finding in found(text):
        assert 0 <= finding.start < finding.end <= len(text)
