"""Many voices with one text are told from many people who happen to say the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from moderation.raids import PEOPLE, PEOPLE_ANYWHERE, WINDOW_SECONDS, Raids

BOYCOTT = "No compréis a esta tienda, es una estafa"
CAMPAIGN = (
    "Gana dinero desde casa sin experiencia, escribe ahora mismo a nuestro equipo y recibe un regalo exclusivo este mes"
)


def voices(raids: Raids, text: Callable[[int], str], count: int, *, apart: bool = False, over: float = 10) -> int:
    """What is said of the last of so many people, who write within some seconds."""
    told = 0
    for n in range(count):
        told = raids.people("t", f"c{n}" if apart else "c", f"p{n}", text(n), 1_000 + over * n / count)
    return told


@pytest.mark.parametrize(
    ("text", "count", "apart", "told"),
    [
        (lambda n: BOYCOTT, 200, False, 200),
        (lambda n: BOYCOTT, PEOPLE, False, PEOPLE),
        (lambda n: BOYCOTT, PEOPLE - 1, False, 0),
        (lambda n: f"{BOYCOTT.upper()}{'!' * n} {n}", 50, False, 50),
        (lambda n: "hola", 200, False, 0),  # a greeting is nobody's
        (lambda n: "Hola, ¿sigue disponible?", 200, True, 0),  # each in a conversation of their own
        (lambda n: CAMPAIGN, 200, True, 200),
        (lambda n: CAMPAIGN, PEOPLE_ANYWHERE - 1, True, 0),
        (lambda n: f"palabra {'ab' * (2 + n)} que cambia {'cd' * (2 + n)} siempre", 200, False, 0),
    ],
)  # fmt: skip
def test_as_many_as_say_the_like_are_counted(text: Callable[[int], str], count: int, apart: bool, told: int) -> None:
    assert voices(Raids(), text, count, apart=apart) == told


@pytest.mark.parametrize("text", [BOYCOTT, CAMPAIGN])
def test_a_word_put_in_place_of_another_or_beside_it_does_not_hide_it(text: str) -> None:
    for word in text.replace(",", "").split():
        for instead in ("zapato", "", f"{word} zapato"):
            raids = Raids()
            voices(raids, lambda n: text, 30)
            assert raids.people("t", "c", "late", text.replace(word, instead, 1), 1_020) >= PEOPLE


def test_one_person_who_repeats_themselves_is_no_raid_and_old_voices_are_forgotten() -> None:
    raids = Raids()
    assert [raids.people("t", "c", "ana", BOYCOTT, 1_000) for _ in range(50)] == [0] * 50
    voices(raids, lambda n: BOYCOTT, PEOPLE - 2)
    assert raids.people("t", "c", "late", BOYCOTT, 1_000 + 3 * WINDOW_SECONDS) == 0


def test_tenants_do_not_add_up() -> None:
    raids = Raids()
    for n in range(50):
        assert raids.people(f"t{n}", "c", f"p{n}", BOYCOTT, 1_000) == 0
