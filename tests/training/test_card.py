from pathlib import Path

import pytest

from moderation.classifiers.table import WEIGHTS
from training import card


def test_a_card_has_the_figures_of_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "WEIGHTS", tmp_path)
    card.write("language", language="| 1 | 0.5 |")
    written = (tmp_path / "language.md").read_text("utf-8")
    assert "| 1 | 0.5 |" in written
    assert "$" not in written


def test_a_figure_that_is_missing_stops_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "WEIGHTS", tmp_path)
    with pytest.raises(KeyError, match="sets"):
        card.write("conduct", clean="")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", sorted(card.CARDS.glob("*.md")), ids=lambda path: path.stem)
def test_the_card_that_ships_is_of_the_words_that_stand_here(path: Path) -> None:
    shipped = (WEIGHTS / path.name).read_text("utf-8")
    parts = [part for part in path.read_text("utf-8").split("\n\n") if "$" not in part]
    assert parts
    assert not [part for part in parts if part.strip() not in shipped]
