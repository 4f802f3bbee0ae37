"""Links in every writing, and where they lead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.links import Links, baits, imitates, is_under
from rules.text import fold
from rules.types import Category, Setting


def categories(text: str, rule: Links | None = None) -> set[Category]:
    return {finding.category for finding in (rule or Links()).find(fold(text), Setting())}


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("mira en www.sillasdepaco.example ahora", "www.sillasdepaco.example"),
        ("entra en wa . me / 52 55 0011 2233", "wa . me / 52 55 0011 2233"),
        ("w a . m e / 4 4 7 7 0 0 9 0 0 3 0 3", "w a . m e / 4 4 7 7 0 0 9 0 0 3 0 3"),
        ("linktr . ee / brechodabia", "linktr . ee / brechodabia"),
        ("t.me/granada_pisos", "t.me/granada_pisos"),
        ("tess2024 ponto com tem melhor", "tess2024 ponto com"),
        ("www(punto)mueblesruiz(punto)es", "www(punto)mueblesruiz(punto)es"),
    ],
)
def test_finds_links_with_their_place(text: str, link: str) -> None:
    findings = [f for f in Links().find(fold(text), Setting()) if f.category is Category.CONTACT]
    assert [text[finding.start : finding.end] for finding in findings] == [link]


@pytest.mark.parametrize(
    "text",
    [
        "gracias.es muy amable",
        "listo.me avisas cuando llegue",
        "ok.no hay problema",
        "revisa el archivo factura.pdf que subí",
        "el punto es kilómetro doce de la carretera",
        "no ponto com mais sombra, perto da padaria",
        "is that the polka dot dress",
        "mide 2.10 por 1.60 y pesa 45.5 kg",
    ],
)
def test_a_dot_alone_makes_no_link(text: str) -> None:
    assert categories(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "https://www.youtube.com/watch?v=abc",
        "síguelo en correos.es",
        "see maps.app.goo.gl/xyz",
        "https://www.gob.mx/tramite",
    ],
)
def test_maps_carriers_and_authorities_are_no_finding(text: str) -> None:
    assert categories(text) == set()


def test_the_platforms_own_hosts_are_no_finding() -> None:
    own = Links(own=["plaza.example"])
    assert categories("help.plaza.example/returns", own) == set()
    assert categories("help.plaza.example/returns") >= {Category.CONTACT, Category.LINK}


@pytest.mark.parametrize(
    "text",
    [
        "cobro-seguro-envios.example/recibir",
        "paypa1-login.example",
        "correos-aduana.example",
        "entra en xn--pypal-4ve.example/pay",
        "claim your payment at foo-desk.example and enter your card",
        "verifique sus datos en%20https://www.bbva-cuenta.example",
    ],
)
def test_traps_are_scams(text: str) -> None:
    assert Category.SCAM in categories(text)


def test_a_wallets_link_is_payment() -> None:
    assert categories("paypal.me/anabel") == {Category.OFF_PLATFORM_PAYMENT}


def test_percent_encoding_hides_nothing() -> None:
    assert Category.CONTACT in categories("https://%77%61.me/34611222333")


def test_hosts() -> None:
    assert is_under("api.whatsapp.com", frozenset({"whatsapp.com"}))
    assert not is_under("notwhatsapp.com", frozenset({"whatsapp.com"}))
    assert imitates("paypal.com") == ""
    assert imitates("paypal-secure.com") == "paypal"
    assert baits("cobro-seguro.example")
    assert not baits("cobro.example")


@given(st.text(alphabet="ab. /:-@pqw%41dotpuntocom", max_size=300))
def test_every_finding_lies_inside_the_original_text(text: str) -> None:
    for finding in Links().find(fold(text), Setting()):
        assert 0 <= finding.start < finding.end <= len(text)
