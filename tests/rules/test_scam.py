"""The frauds of marketplaces, and the warnings that speak of them in the same words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.scam import Scam
from rules.text import fold
from rules.types import Category, Finding, Setting, Utterance

RULE = Scam()


def found(text: str) -> list[Finding]:
    return list(RULE.find(fold(text), Setting()))


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("te llegó un sms, pásame los 6 dígitos", "scam:secret"),
        ("tell me the verification code you just got", "scam:secret"),
        ("me manda o código que chegou no seu celular", "scam:secret"),
        ("soy de soporte, dime tu contraseña", "scam:secret"),
        ("send a picture of your card front and back", "scam:documents"),
        ("te transferí de más por error, devuélveme la diferencia", "scam:overpaid"),
        ("I sent too much by mistake, wire the rest to my shipper", "scam:overpaid"),
        ("buy two steam cards and send me the codes", "scam:gift-card"),
        ("compre cartões da apple e me mande os números", "scam:gift-card"),
        ("escanea este qr para recibir el dinero", "scam:collect"),
        ("install anydesk and I'll refund you", "scam:remote"),
        ("le ofrezco empleo desde casa, solo debe comprar el kit de 80", "scam:job-fee"),
        ("puppy is free, you only pay the crate 250 upfront, then he flies", "scam:advance"),
        ("empréstimo aprovado, pague 80 do seguro e cai hoje", "scam:advance"),
    ],
)
def test_finds_the_known_frauds(text: str, source: str) -> None:
    findings = found(text)
    assert {finding.category for finding in findings} == {Category.SCAM}
    assert source in {finding.source for finding in findings}


@pytest.mark.parametrize(
    "text",
    [
        "ojo, si alguien os pide el código del sms no se lo deis nunca",
        "nunca le pediremos su contraseña por este chat",
        "never give anyone the code from your texts",
        "we will never ask for your password or gift cards, please report anyone who does",
        "gente cuidado, nunca passem o código do sms pra ninguém",
        "el repartidor me pide el código de entrega, se lo doy?",
        "your door code unlocks in the app at 3pm",
        "qual a senha do wifi?",
        "I forgot my password, how do I reset it",
        "vendéis la tarjeta regalo de la propia tienda?",
        "el seguro del coche va aparte, lo paga el comprador",
        "is insurance included in the van hire?",
        "o curso inclui apostila e certificado?",
        "I was charged too much by mistake, can support refund me?",
        "is this a scam? price looks too good",
        "do I pay a deposit upfront or on arrival?",
    ],
)
def test_warnings_and_honest_questions_are_none(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("lend me your bank account, you keep 50", "scam:mule"),
        ("si me adelantas la fianza te lo guardo", "scam:deposit"),
        ("aceita o pedido de mbway que eu mandei", "scam:collect"),
        ("manda foto do RG frente e verso e uma selfie", "scam:documents"),
        ("invest 200 and get 2000 in a week", "scam:invest"),
        ("transfiera el 50% al agente y sale hoy", "scam:escrow"),
        ("usted lo cobra y me devuelve lo que sobre", "scam:overpaid"),
    ],
)
def test_finds_frauds_by_what_they_ask_for(text: str, source: str) -> None:
    assert source in {finding.source for finding in found(text)}


@pytest.mark.parametrize("text", ["dime los números", "what's the number?", "me fala qual é"])
def test_a_number_is_a_secret_where_a_code_was_spoken_of(text: str) -> None:
    before = (Utterance("b", "me llegó un sms / got a code / chegou um código"),)
    assert list(RULE.find(fold(text), Setting(recent=before)))
    assert not found(text)


@pytest.mark.parametrize(
    "text",
    [
        "I paid the insurance on the site when booking",
        "how much will I have to pay in taxes?",
        "mándame una foto de la tarjeta gráfica puesta",
        "I read out the numbers on the meter, 44512",
        "what is the verification code for my card?",
    ],
)
def test_what_people_say_of_their_own_is_none(text: str) -> None:
    assert found(text) == []


@given(st.text(max_size=300))
def test_every_finding_lies_inside_the_original_text(text: str) -> None:
    whole = "pásame " + text + " el token 😀"
    for finding in found(whole):
        assert 0 <= finding.start < finding.end <= len(whole)
