import random
from time import perf_counter

import numpy as np
import pytest

from moderation.classifiers.features import BLOCKS, PIECE, SLOTS, accents, normal, pieces, slots
from rules.text import fold


def of(text: str) -> list[int]:
    return [int(slot) for piece in pieces(text) for slot in slots(piece)[0]]


def same(one: str, other: str) -> bool:
    return of(one) == of(other)


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t  "])
def test_nothing_written_has_no_slots(text: str) -> None:
    assert of(text) == []


@pytest.mark.parametrize(
    "text", ["a", "!", "ok", "🔥", "\ud800", "0", "ß", "日本", "x y" * PIECE, "🔥" * PIECE, "\x00" * 9]
)
def test_slots_and_blocks_lie_within_the_table(text: str) -> None:
    for piece in pieces(text):
        found, blocks = slots(piece)
        assert found.dtype == np.int64
        assert len(blocks) <= len(found)
        assert all(0 <= slot < SLOTS for slot in found.tolist())
        assert all(block < BLOCKS for block in blocks.tolist())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hola   que tal", "hola que tal"),
        (" hola ", "hola"),
        ("goooool", "gool"),
        ("son 25 euros", "son 99 euros"),
        ("hola\nque", "hola que"),
    ],
)
def test_spacing_stretching_and_which_digit_make_no_difference(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("hola", "ola"), ("no me gusta", "me gusta no"), ("bien", "bien!"), ("perro", "pero")]
)
def test_different_words_orders_and_marks_differ(one: str, other: str) -> None:
    assert not same(one, other)


def test_a_word_shares_its_inner_letters_with_its_inflections() -> None:
    base, inflected = set(of("estafador")), set(of("estafadores"))
    assert len(base & inflected) > len(base) / 2


def test_a_word_hashes_alike_wherever_it_stands() -> None:
    assert set(of("estafador")) <= set(of("menudo estafador eres tu"))


def test_links_and_handles_are_one_sign_each() -> None:
    assert normal(fold("mira https://a.example/x?y=1 @Ana_23")) == normal(fold("mira www.b.example/z @Luis"))


def test_disguise_that_folding_undoes_leaves_the_same_slots() -> None:
    assert same(normal(fold("Ｉｄｉｏｔ\u200ba")), normal(fold("idiota")))


def test_accents_of_the_original_are_kept_beside_the_folded_text() -> None:
    assert len(accents("manana")) == 0
    assert accents("mañana").tolist() == accents("MAÑANA").tolist()
    assert len(accents("São João não")) == 1
    assert len(set(accents("áéíóúüñ¿¡ãõâêôàç").tolist())) == 16


def test_what_stands_later_is_in_a_later_block() -> None:
    found, blocks = slots(b"idiota " + b"la " * 20 + b"idiota")
    places = [int(block) for slot, block in zip(found, blocks, strict=False) if slot == slots(b"idiota")[0][0]]
    assert places[0] == 0
    assert places[-1] > 3


def test_long_text_is_cut_at_spaces_and_nothing_is_lost() -> None:
    chance = random.Random(3)
    text = " ".join("ñ" * chance.randint(1, 30) for _ in range(300))
    parts = pieces(text)
    assert b"".join(parts).decode() == text
    assert max(map(len, parts)) <= PIECE
    assert all(part.endswith(b" ") for part in parts[:-1])


def test_text_without_spaces_is_cut_all_the_same() -> None:
    assert [len(part) for part in pieces("x" * (2 * PIECE + 5))] == [PIECE, PIECE, 5]
    assert pieces("") == [b""]


def test_a_piece_takes_well_under_a_millisecond() -> None:
    piece = (b"que tal esta la bicicleta, sigue disponible? " * 20)[:PIECE]
    assert min(_timed(piece) for _ in range(30)) < 0.001


def _timed(piece: bytes) -> float:
    began = perf_counter()
    slots(piece)
    return perf_counter() - began
