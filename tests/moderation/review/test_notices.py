from __future__ import annotations

import pytest

from moderation.review import notices, statement


@pytest.mark.parametrize("words", [notices._words["warning"], notices._words["act"], statement._words])
def test_everything_is_said_in_three_languages(words: dict[str, dict[str, str]]) -> None:
    for key, said in words.items():
        assert set(said) == {"es", "en", "pt"}, key
        assert len(set(said.values())) == 3, key


@pytest.mark.parametrize(("lang", "begins"), [("es", "No puedes"), ("pt-BR", "Você não"), ("fr", "You cannot")])
def test_a_mute_tells_until_when(lang: str, begins: str) -> None:
    said = notices.told("muted", lang, 1_780_000_000_000)
    assert said.startswith(begins)
    assert "2026" in said
    assert "{" not in said


def test_a_template_that_is_gone_says_nothing() -> None:
    assert notices.told("warning.long_gone", "es") == ""
