"""Insults: at a person, not at a thing, oneself or in a report."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rules.insult import Insult

Seen = Callable[..., list[tuple[str, str]]]


@pytest.mark.parametrize(
    "text",
    [
        "eres un impresentable",
        "es usted un sinvergüenza, señora",
        "sois unos ladrones y unos mentirosos",
        "mira, imbécil, el precio es ese",
        "menudo payaso estás hecho",
        "no vales para nada",
        "tienes cara de sapo",
        "das asco",
        "maldito estafador, devuélveme la plata",
        "andate a la mierda, forro de cuarta",
        "chinga tu madre",
        "you're nothing but a thief",
        "ur a pathetic little worm",
        "are you dumb or what",
        "you lying cow",
        "absolute moron, read the listing",
        "what a clown you are, you absolute plonker",
        "get lost you creep",
        "screw you and your bike",
        "you have no shame",
        "você é um golpista",
        "vc é burra demais",
        "tu és um aldrabão",
        "seu vigarista",
        "bando de incompetentes",
        "cara de cavalo",
        "vai se ferrar",
        "nao tem vergonha na cara",
        "otária, devolve meu dinheiro",
    ],
)
def test_insults_to_the_reader_are_found(seen: Seen, text: str) -> None:
    assert any(category == "insult" for category, _ in seen(Insult(), text))


@pytest.mark.parametrize(
    "text",
    [
        "soy idiota, me equivoqué de talla",
        "qué tonto soy, perdona",
        "esperando como un idiota en la puerta",
        "esto es una basura",
        "la app es una porquería",
        "me llamó estúpida en el chat",
        "no eres tonto, tranquilo",
        "busco disfraz de payaso",
        "eres el mejor, mil gracias",
        "el perro es un animal precioso",
        "I'm such an idiot, wrong address",
        "I felt like a moron standing there",
        "this thing is garbage",
        "he called me an idiot",
        "you're not stupid, the manual is",
        "you absolute legend",
        "you're a star, thanks",
        "is it a thick glass or a dumb phone",
        "sou muito burra, comprei errado",
        "que burro que eu fui",
        "ele me chamou de ladrão",
        "você é um amor",
        "que porcaria de produto",
        "seu cachorro é lindo",
        "o palhaço da festa chega às 3?",
        "é lixo reciclável",
    ],
)
def test_complaints_excuses_and_reports_are_no_insults(seen: Seen, text: str) -> None:
    assert seen(Insult(), text) == []


@pytest.mark.parametrize("text", ["putos moros", "vete a tu país", "dirty immigrants", "volta pra tua terra"])
def test_contempt_for_a_group_is_hate(seen: Seen, text: str) -> None:
    assert any(category == "hate" for category, _ in seen(Insult(), text))


def test_an_insult_is_reported_once_however_it_is_put_together(seen: Seen) -> None:
    assert seen(Insult(), "eres un idiota") == [("insult", "eres un idiota")]
