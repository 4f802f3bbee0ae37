"""What a conversation has named."""

import pytest

from moderation.suggestions.slots import DATE, ORDER, PLACE, PRICE, TIME, filled, found, offered_price


@pytest.mark.parametrize(
    ("text", "lang", "slot", "named"),
    [
        ("te doy 40 euros", "es", PRICE, "40 euros"),
        ("son $1.500", "es", PRICE, "$1.500"),
        ("R$ 80 fecha?", "pt", PRICE, "R$ 80"),
        ("how about £20?", "en", PRICE, "£20"),
        ("15.5€ vale", "es", PRICE, "15.5€"),
        ("quedamos mañana", "es", DATE, "mañana"),
        ("pasado mañana puedo", "es", DATE, "pasado mañana"),
        ("el viernes", "es", DATE, "el viernes"),
        ("can you do SATURDAY", "en", DATE, "Saturday"),
        ("pode ser na terça", "pt", DATE, "terça-feira"),
        ("el 12/05 me va", "es", DATE, "12/05"),
        ("nos vemos a las 5", "es", TIME, "a las 5"),
        ("sobre las 7 y media", "es", TIME, "sobre las 7 y media"),
        ("see you at 6", "en", TIME, "6"),
        ("5pm works", "en", TIME, "5pm"),
        ("às 18h", "pt", TIME, "às 18h"),
        ("mi pedido 48213", "es", ORDER, "48213"),
        ("order #AB-99120", "en", ORDER, "AB-99120"),
        ("encomenda nº 77123", "pt", ORDER, "77123"),
        ("estoy en Villa Crespo", "es", PLACE, "Villa Crespo"),
        ("I'm near Camden Town", "en", PLACE, "Camden Town"),
        ("moro em Pinheiros", "pt", PLACE, "Pinheiros"),
    ],
)
def test_what_is_named_once_is_found_as_a_reply_would_say_it(text: str, lang: str, slot: str, named: str) -> None:
    assert found(text, lang)[slot] == named


@pytest.mark.parametrize(
    ("text", "lang", "slot"),
    [
        ("40 euros o 50 euros", "es", PRICE),
        ("tengo 40", "es", PRICE),
        ("mejor a las 8 que a las 6", "es", TIME),
        ("hoy no, mañana", "es", DATE),
        ("el sábado por la mañana o el domingo", "es", DATE),
        ("es de segunda mão", "pt", DATE),
        ("llama al 612345678", "es", ORDER),
        ("estoy en casa", "es", PLACE),
        ("mide 40", "es", TIME),
    ],
)
def test_what_is_named_twice_or_not_at_all_is_left_open(text: str, lang: str, slot: str) -> None:
    assert slot not in found(text, lang)


@pytest.mark.parametrize(
    ("text", "price"),
    [("te doy 40", "40"), ("te doy 40 y paso a las 5", "40"), ("me lo dejas en 1.200?", "1.200"), ("30 o 40", None)],
)
def test_an_offer_names_its_price_without_a_currency(text: str, price: str | None) -> None:
    assert offered_price(text) == price


def test_a_wording_is_filled_or_not_said() -> None:
    assert filled("De acuerdo: {price}.", {"price": "40 €"}) == "De acuerdo: 40 €."
    assert filled("De acuerdo: {price}.", {"date": "hoy"}) is None
    assert filled("Claro.", {}) == "Claro."
    assert filled("{price}", {"price": "{date}"}) == "{date}"
