"""What could be meant ill, for classifiers that only know how grim words are."""

import pytest

from rules.meant import may_insult, may_threaten
from rules.text import fold


@pytest.mark.parametrize(
    "text",
    [
        "te voy a buscar",
        "SÉ DÓNDE TIENES EL TALLER",
        "nice van, how is your dog?",
        "ｙｏｕ will see",
        "vou na tua casa",
        "você vai ver",
        "le espero abajo",
        "saludos a tu\u200b familia",
        "retira el reporte o lo vas a lamentar tú",
    ],
)
def test_what_is_said_to_somebody_may_be_one(text: str) -> None:
    assert may_threaten(fold(text))


@pytest.mark.parametrize(
    "text",
    ["", "el queso huele a muerto", "estuve a punto de morir de risa", "os produtos chegaram", "youth hostel", "👍"],
)
def test_what_is_said_to_nobody_is_none(text: str) -> None:
    assert not may_threaten(fold(text))


@pytest.mark.parametrize(
    "text",
    ["te voy a denunciar", "te voy a demandar, hablo con mi abogado", "I will report you", "see you in court",
     "vou te processar", "vou te denunciar no procon"],
)  # fmt: skip
def test_recourse_is_none(text: str) -> None:
    assert not may_threaten(fold(text))


@pytest.mark.parametrize(
    "text", ["passo na tua casa às 5", "I'll be at your door around 7", "te espero a las 18:30", "em tua rua 10h"]
)
def test_an_appointment_is_none(text: str) -> None:
    assert not may_threaten(fold(text))


@pytest.mark.parametrize(
    "text", ["menudo inútil", "ladrona", "eres retrasada", "soy yo quien te dice que eres tonto", "useless clown", ""]
)
def test_what_is_said_of_others_may_insult(text: str) -> None:
    assert may_insult(fold(text))


@pytest.mark.parametrize(
    "text",
    ["voy retrasada", "soy tonta", "I'm so stupid", "sou burra mesmo", "el pedido va muy retrasado", "La entrega está retrasada",
     "el tren va retrasado, llego tarde"],
)  # fmt: skip
def test_what_is_said_of_oneself_or_of_the_time_does_not(text: str) -> None:
    assert not may_insult(fold(text))
