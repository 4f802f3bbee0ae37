"""What could be a threat, for classifiers that only know how grim words are."""

import pytest

from rules.menace import may_menace
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
    assert may_menace(fold(text))


@pytest.mark.parametrize(
    "text",
    ["", "el queso huele a muerto", "estuve a punto de morir de risa", "os produtos chegaram", "youth hostel", "👍"],
)
def test_what_is_said_to_nobody_is_none(text: str) -> None:
    assert not may_menace(fold(text))


@pytest.mark.parametrize(
    "text",
    ["te voy a denunciar", "te voy a demandar, hablo con mi abogado", "I will report you", "see you in court",
     "vou te processar", "vou te denunciar no procon"],
)  # fmt: skip
def test_recourse_is_none(text: str) -> None:
    assert not may_menace(fold(text))
