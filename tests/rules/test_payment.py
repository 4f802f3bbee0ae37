"""Which words about money lead past the checkout, and which speak of it or refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.payment import Payment, valid_card, valid_iban
from rules.text import fold
from rules.types import Category, Finding, Setting

RULE = Payment()


def found(text: str) -> list[Finding]:
    return list(RULE.find(fold(text), Setting()))


@pytest.mark.parametrize(
    "text",
    [
        "hazme un bizum y te lo dejo en 40",
        "h a z m e un b i z u m",
        "págame por fuera de la app y te rebajo",
        "deposítame en oxxo a mi tarjeta",
        "transferime al alias MESA.SILLA.SOL",
        "páguelo por nequi y le quito la comisión",
        "acepto usdt a mi wallet",
        "la mitad en negro, en sobre",
        "por la app son 90, si es en efectivo 75",
        "venmo me direct and I knock off the fee",
        "paypal friends and family and it's yours",
        "pay me straight, the platform takes 20 percent",
        "cancel the job on here and pay me in hand",
        "the other 600 cash so they don't see it",
        "if you deal with me directly I can drop the price",
        "faz pix direto pra mim que eu tiro a taxa",
        "manda mbway e eu anulo a venda aqui",
        "me paga por fora que faço 10% a menos",
        "os outros 600 em espécie que ninguém vê",
        "fecha comigo direto sem a plataforma",
    ],
)
def test_finds_payment_past_the_platform(text: str) -> None:
    assert [finding.category for finding in found(text)][:1] == [Category.OFF_PLATFORM_PAYMENT]


@pytest.mark.parametrize(
    "text",
    [
        "lo siento, solo acepto el pago de la plataforma, nada por fuera",
        "no hago transferencias directas, compra con el botón",
        "no me pidas bizum, aquí se paga con el botón",
        "me quiso cobrar por fuera y lo reporté",
        "no cash apps sorry, checkout only",
        "we don't take zelle or venmo, please use the checkout",
        "the other host wanted a wire so I reported him",
        "pix por fora eu não aceito, só o pagamento daqui",
        "golpista pediu pix por fora, denunciei",
        "el pago es por la app con compra protegida, no?",
        "la comisión del 10% me la descuentan a mí",
        "o pix que o próprio site gera expira em quantos minutos?",
        "my card was charged twice through the app",
        "when does the payout reach my bank account?",
        "el libro de bitcoin para principiantes está subrayado?",
        "does the leather wallet have a coin pocket",
        "a carteira de couro tem porta-moedas?",
        "la mesa por fuera está rayada",
        "do you deliver directly or by courier?",
    ],
)
def test_the_checkout_refusals_and_goods_are_none(text: str) -> None:
    assert found(text) == []


def test_an_offer_is_one_finding_as_wide_as_its_phrase() -> None:
    text = "oye, hazme un bizum y ya está"
    (finding,) = found(text)
    assert text[finding.start : finding.end] == "hazme un bizum"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("no reserves por aquí, pásame la plata por plin", "pásame la plata por plin"),
        ("skip the checkout and venmo me the deposit", "venmo me the deposit"),
        ("a aula aqui é 90, por fora são 70", "por fora são 70"),
        ("80 in the app or 70 by zelle", "70 by zelle"),
        ("por aquí son 60 la hora, 50 la hora en mano", "50 la hora en mano"),
    ],
)
def test_of_several_ways_the_one_past_the_platform_is_pointed_at(text: str, part: str) -> None:
    (finding,) = found(text)
    assert text[finding.start : finding.end] == part


@pytest.mark.parametrize(
    "text",
    [
        "puedo pagar con bizum en la app o solo con tarjeta?",
        "do you take venmo through the app or card only?",
        "o mbway no site dá erro, a vocês também?",
        "não pago por fora, desculpa",
        "a guy asked me to zelle him first and I said nope",
        "é verdade que quem paga por fora perde a garantia?",
        "me lo mandas en negro o en azul?",
        "a transferência de arquivos é por usb",
    ],
)
def test_the_same_way_inside_the_platform_is_none(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("ingresa en ES91 2100 0418 4502 0005 1332 porfa", "payment:iban/ES"),
        ("here is GB29 NWBK 6016 1331 9268 19", "payment:iban/GB"),
        ("o meu IBAN é PT50 0000 0000 1111 2222 3333 4", "payment:iban/PT"),
        ("my visa is 4111 1111 1111 1111", "payment:card"),
        ("sort code 20-11-43 account 12345678", "payment:account"),
        ("minha chave pix é o cpf 123.456.789-09", "payment:account"),
        ("mi clabe es 032180000118359719", "payment:account"),
    ],
)
def test_finds_account_and_card_numbers(text: str, source: str) -> None:
    assert source in [finding.source for finding in found(text)]


@pytest.mark.parametrize(
    "text", ["guía de Estafeta 805590127763100045", "tracking JD014600006312345678", "order 4111 1111 1111 1112"]
)
def test_a_parcel_is_no_account(text: str) -> None:
    assert found(text) == []


def test_check_digits() -> None:
    assert valid_iban("es9121000418450200051332")
    assert not valid_iban("es9221000418450200051332")
    assert valid_card("4111111111111111")
    assert not valid_card("4111111111111112")


@given(st.text(max_size=300))
def test_every_finding_lies_inside_the_original_text(text: str) -> None:
    for finding in found("bizum " + text + " por fuera pix ES91"):
        assert 0 <= finding.start < finding.end <= len(text) + 40
