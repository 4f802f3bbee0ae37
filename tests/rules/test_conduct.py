"""Threats, sexual advances, offers of drugs and weapons, and words of people in danger."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rules.drugs_weapons import DrugsWeapons
from rules.self_harm import SelfHarm
from rules.sexual import Sexual
from rules.threat import Threat

Seen = Callable[..., list[tuple[str, str]]]


@pytest.mark.parametrize(
    "text",
    [
        "te voy a partir la cara cuando te vea",
        "como no me devuelvas la fianza te quemo el coche",
        "sabemos dónde vives",
        "me las vas a pagar",
        "voy a matarte",
        "te voy a meter dos tiros",
        "subo tus fotos íntimas a internet si no pagas",
        "I'll smash your face in",
        "I know where you live",
        "you'll regret this",
        "we're going to burn your shop down",
        "I'm gonna find you and hurt you",
        "your wife will see the screenshots",
        "vou te quebrar a cara",
        "vou te matar",
        "sei onde você mora",
        "você vai se arrepender",
        "vou botar fogo na sua loja",
        "te encho de porrada",
    ],
)
def test_threats_are_found(seen: Seen, text: str) -> None:
    assert seen(Threat(), text)


@pytest.mark.parametrize(
    "text",
    [
        "no te vas a arrepentir de la compra",
        "te mato de la risa jaja",
        "sé dónde queda la tienda",
        "te voy a buscar a la estación a las 8",
        "corta la cabeza del clavo y rompe el azulejo",
        "te caigo a las cinco con el paquete",
        "I'd kill for that lamp",
        "this deal is killing me, will you take 40",
        "you won't regret it",
        "I'll shoot you a message tomorrow",
        "can you break the set up? I only need the chairs",
        "I'll hunt down the receipt for you",
        "você não vai se arrepender",
        "te pego na saída do metrô às 6",
        "morri de rir",
        "vou te mandar o endereço pelo app",
        "o sol está de matar",
        "esse preço me mata",
    ],
)
def test_figures_of_speech_and_ordinary_plans_are_no_threats(seen: Seen, text: str) -> None:
    assert seen(Threat(), text) == []


@pytest.mark.parametrize(
    "text",
    [
        "mándame fotos desnuda y te hago precio",
        "quiero verte sin ropa",
        "te follaba toda la noche",
        "a cambio de dormir conmigo te dejo el piso gratis",
        "qué culo tienes mami",
        "send me nudes",
        "wanna see you naked",
        "I'd pay double for a happy ending",
        "sleep with me and the rent is free",
        "you look so sexy in that, damn",
        "manda foto pelada",
        "quero te ver nua",
        "se você dormir comigo sai de graça",
        "que bunda gostosa",
        "massagem com final feliz?",
    ],
)
def test_sexual_advances_are_found(seen: Seen, text: str) -> None:
    assert seen(Sexual(), text)


@pytest.mark.parametrize(
    "text",
    [
        "mándame una foto tuya con el paquete en la puerta",
        "un cuadro de una mujer desnuda, óleo",
        "mi hija duerme conmigo, cabe una cuna?",
        "masaje deportivo de 90 minutos",
        "qué ricas las empanadas",
        "Ford Escort 1.8",
        "tarjeta prepago con saldo",
        "nude lipstick palette",
        "I left my keys in my hotel room",
        "send me a photo of the label",
        "that dress looks lovely on you",
        "topless convertible? no, hard top",
        "que delícia de bolo",
        "foto sua com o produto, por favor",
        "o cachorro dorme na minha cama",
        "pernas da mesa em pinho",
        "preservativos e lubrificante à base de água",
    ],
)
def test_products_bodies_of_work_and_compliments_are_no_advances(seen: Seen, text: str) -> None:
    assert seen(Sexual(), text) == []


@pytest.mark.parametrize(
    "text",
    [
        "tengo coca y tusi, entrego hoy",
        "20 el gramo de mota, discreción",
        "clonazepam sin receta, envío",
        "revólver 38 sin papeles",
        "vendo hongos mágicos",
        "got molly and ket, dm me",
        "an ounce of kush, can deliver",
        "valium no prescription needed",
        "unregistered pistol, cash only",
        "vendo maconha, entrego",
        "ritalina sem receita",
        "pistola com numeração raspada",
        "cocaína pura, pino de 20",
    ],
)
def test_offers_of_drugs_and_weapons_are_found(seen: Seen, text: str) -> None:
    assert seen(DrugsWeapons(), text)


@pytest.mark.parametrize(
    "text",
    [
        "pistola de pintura sin estrenar",
        "hierba luisa y té verde, 100 gramos",
        "coca cola zero, pack de 12",
        "pistola de juguete con tres cargadores",
        "polvo de hornear, 50 gramos",
        "tengo cristal templado para tu móvil",
        "weed killer, 2 litres",
        "nerf gun with three mags",
        "speed bump and crack filler",
        "a gram of saffron",
        "glue gun, no sticks",
        "erva-mate e chá verde",
        "pistola de pressão para lavar carro",
        "pó de café, 500 gramas",
        "bala de coco para festa infantil",
        "farinha branca e fermento em pó",
    ],
)
def test_tools_toys_groceries_and_medicine_are_no_drugs_or_weapons(seen: Seen, text: str) -> None:
    assert seen(DrugsWeapons(), text) == []


@pytest.mark.parametrize(
    "text",
    [
        "no quiero vivir más",
        "he pensado en suicidarme",
        "estoy cansada de vivir",
        "voy a quitarme la vida",
        "I want to kill myself",
        "there's no point in living any more",
        "everyone would be better off without me",
        "não aguento mais viver",
        "vou me matar",
        "penso em acabar com a minha vida",
    ],
)
def test_words_of_people_in_danger_are_found(seen: Seen, text: str) -> None:
    assert seen(SelfHarm(), text)


@pytest.mark.parametrize(
    "text",
    [
        "me muero de ganas de verlo",
        "no quiero vivir en esa zona",
        "me mato a trabajar y llega tarde",
        "no puedo más con esta obra",
        "I'm dying to see it",
        "this app makes me want to scream",
        "I can't live without coffee",
        "I don't want to live there, too noisy",
        "não quero morar longe",
        "tô morta de cansaço",
        "morro de vontade de experimentar",
        "me matei de rir",
    ],
)
def test_weariness_and_hyperbole_are_no_danger(seen: Seen, text: str) -> None:
    assert seen(SelfHarm(), text) == []
