"""Spam by its signs and by repetition."""

from __future__ import annotations

import pytest

from rules.spam import Spam
from rules.text import fold
from rules.types import Setting, Utterance


def is_spam(text: str, *before: str, author: str = "ann") -> bool:
    recent = tuple(Utterance(author, said) for said in before)
    return bool(Spam().find(fold(text), Setting(author="ann", recent=recent)))


@pytest.mark.parametrize(
    "text",
    [
        "GANA DINERO DESDE CASA!!! cupos limitados, escribe YA",
        "comparte este mensaje con 20 contactos o tendrás años de mala suerte",
        "seguidores reales baratos, likes para tu tienda, aprovecha hoy!!!",
        "EARN $500 A DAY FROM HOME!!! no experience needed, limited spots, sign up now",
        "forward this to 10 friends before midnight or bad luck",
        "buy real followers cheap, 1000 for 20, order now!!!",
        "RENDA EXTRA trabalhando em casa!!! últimas vagas, digite QUERO",
        "repasse para 15 amigos e não quebre a corrente",
        "EMPRÉSTIMO SEM CONSULTA!!! aproveite, só hoje, clique aqui",
    ],
)
def test_advertising_bait_and_chain_letters_are_spam(text: str) -> None:
    assert is_spam(text)


@pytest.mark.parametrize(
    "text",
    [
        "solo hoy lo dejo en 40, mañana sube",
        "HOLA BUENAS TARDES SIGUE DISPONIBLE???",
        "trabajo desde casa, puedes pasar a cualquier hora",
        "comparte la ubicación por aquí porfa",
        "only two left, last chance before I list them elsewhere",
        "can you send this to my work address?",
        "I work from home on fridays so any time suits",
        "free delivery today only on orders over 30",
        "SÓ HOJE consigo entregar, pode ser?",
        "leve 3 pague 2 nas geleias",
        "restam duas vagas na carona de sábado",
    ],
)
def test_offers_of_ordinary_sellers_are_no_spam(text: str) -> None:
    assert not is_spam(text)


def test_the_third_copy_of_a_message_is_a_flood() -> None:
    said = "precio negociable, mira mi perfil"
    assert not is_spam(said, said)
    assert is_spam(said, said, said)
    assert is_spam(said + "!!", said, said)


def test_other_peoples_words_are_no_copies() -> None:
    said = "precio negociable, mira mi perfil"
    assert not is_spam(said, said, said, said, author="bob")


def test_asking_again_in_a_few_words_is_honest_for_longer() -> None:
    assert not is_spam("hola?", "hola?", "hola?")
    assert is_spam("hola?", "hola?", "hola?", "hola?", "hola?")
