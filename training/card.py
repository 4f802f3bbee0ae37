"""Model cards: the words stand in ``cards/``, the figures are those of the training run that made the weights."""

from __future__ import annotations

from pathlib import Path
from string import Template

from moderation.classifiers.table import WEIGHTS

CARDS = Path(__file__).parent / "cards"


def write(name: str, **figures: str) -> None:
    """``cards/<name>.md`` with its ``$figures`` filled in, beside the weights. Raises KeyError where one is missing."""
    words = Template((CARDS / f"{name}.md").read_text("utf-8"))
    (WEIGHTS / f"{name}.md").write_text(words.substitute(figures), "utf-8")
    print(f"{name}\n", *figures.values(), sep="\n")
