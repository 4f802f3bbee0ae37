"""The term data as a whole, and what the lexicon makes of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from rules import lexicon
from rules.lexicon import Group, Lexicon, Vocabulary
from rules.text import fold
from rules.types import Setting

FILES = sorted(file for family in lexicon.FAMILIES for file in lexicon.TERMS.glob(f"{family}.*.toml"))


def terms(*groups: Group, family: str = "profanity", language: str = "es", **lists: str) -> Lexicon:
    return Lexicon([Vocabulary(family, language, groups, lists)])


def found(words: Lexicon, text: str, setting: Setting | None = None) -> list[str]:
    return [text[slice(*hit.original)] for hit in words.find(fold(text), setting or Setting(), "profanity")]


def test_every_family_has_terms_in_three_languages() -> None:
    assert {file.name for file in FILES} == {
        f"{family}.{language}.toml" for family in lexicon.FAMILIES for language in ("es", "en", "pt")
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_of_terms_is_what_it_says(file: Path) -> None:
    vocabulary = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Vocabulary)
    assert f"{vocabulary.family}.{vocabulary.language}.toml" == file.name
    for group in vocabulary.groups:
        assert 0 < group.score <= 1
        assert {*group.unless, *group.only} <= set(vocabulary.lists)
        assert set(group.languages) <= {"es", "en", "pt"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_phrase_compiles(file: Path) -> None:
    vocabulary = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Vocabulary)
    words = Lexicon([vocabulary])
    words.prepare()


def test_a_word_of_the_surroundings_makes_a_term_harmless() -> None:
    words = terms(Group(("verga",), unless=("boat",)), boat="mástil, velero{,s}")
    assert found(words, "la verga") == ["verga"]
    assert found(words, "la verga y el mástil") == []


def test_a_term_may_need_another_word() -> None:
    words = terms(Group(("nieve",), only=("sale",)), sale="vendo")
    assert found(words, "nieve en la sierra") == []
    assert found(words, "vendo nieve") == ["nieve"]


def test_an_accent_may_tell_a_word_from_a_harmless_one() -> None:
    words = terms(Group(("coño",), accents=True))
    assert found(words, "coño ya") == ["coño"]
    assert found(words, "cono de helado") == []
    assert found(words, "con\u0303o") == ["con\u0303o"]


def test_regions_narrow_where_a_term_counts() -> None:
    words = terms(Group(("pija",), regions=("AR",)), Group(("puto",), elsewhere=("PT",)))
    assert found(words, "pija", Setting(region="AR")) == ["pija"]
    assert found(words, "pija", Setting(region="ES")) == []
    assert found(words, "puto", Setting(region="PT")) == []


def test_words_written_by_ear_are_found() -> None:
    words = terms(Group(("cabrón", "gilipollas"), sounds=True))
    assert found(words, "kabron jilipoyas cavron") == ["kabron", "jilipoyas", "cavron"]


def test_a_phrase_is_found_with_one_of_its_words_in_disguise() -> None:
    words = terms(Group(("hijo de puta",)))
    assert found(words, "hijo de p*ta") == ["hijo de p*ta"]
    assert found(words, "h1j0 de pu\nta") == ["h1j0 de pu\nta"]


def test_a_text_that_says_little_else_is_covered_whole() -> None:
    words = terms(Group(("mierda",)))
    text = "mierda " * 500
    assert found(words, text) == [text]


def test_a_term_is_found_wherever_it_stands_in_a_long_text() -> None:
    words = terms(Group(("te rompo la cara",)))
    for place in range(0, 3000, 97):
        text = "x " * (place // 2) + "te rompo la cara" + " y" * (1500 - place // 2)
        assert found(words, text) == ["te rompo la cara"]
