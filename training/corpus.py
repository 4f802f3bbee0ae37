"""The labelled lines that the weights are learnt from, and their folds.

The data stay where they are: every command takes their folder as an argument.
"""

from __future__ import annotations

import hashlib
import json
import re
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from moderation.classifiers.features import normal
from rules.text import fold

FOLDS = 5
ABUSIVE = ("hate", "identity", "insult", "threat")  # what phrases are of where no ``- `` stands before them
PHRASES = Path(__file__).parent / "phrases"
WORDS = Path(__file__).parent / "words"

_RETWEET = re.compile(r"^rt |@user|\burl\b|[^a-z ]")


class Line(msgspec.Struct, frozen=True):
    """One labelled text. ``plain`` is what the features see; ``fold`` is the same for lines that are nearly equal."""

    text: str
    plain: str
    lang: str
    task: str
    source: str
    label: int
    category: str
    counts: dict[str, int]
    fold: int


def place() -> Path:
    """The folder of the data, from the command line: ``--data DIR``."""
    parser = ArgumentParser(description="The data are JSON lines; see training/README.md.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the corpora")
    return Path(parser.parse_args().data)


def read(folder: Path) -> list[Line]:
    """Every line of ``folder/*.jsonl`` and of the project's own phrases, in a fixed order."""
    lines = []
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as stored:
            lines += [_line(json.loads(row)) for row in stored]
    return lines + list(phrases())


def phrases() -> Iterable[Line]:
    """The project's own phrases: ``phrases/<what>.<lang>.txt``, one a line, ``- `` before what only looks like it.

    A phrase with ``{}`` stands for one with each entry of ``words/<what>.<lang>.txt``.
    """
    for path in sorted(PHRASES.glob("*.txt")):
        what, lang, _ = path.name.split(".")
        for number, phrase in enumerate(path.read_text("utf-8").splitlines()):
            text = phrase.removeprefix("- ")
            # Files of one name run in parallel through the languages: translations stay on one side of a split.
            row = {"lang": lang, "task": "phrase", "source": "phrases", "category": what, "group": f"{what} {number}"}
            row |= {"label": int(text == phrase and what in ABUSIVE)}
            for filled in map(text.format, entries(what, lang)) if "{}" in text else [text]:
                yield _line({**row, "text": filled})


def entries(name: str, lang: str) -> list[str]:
    """The entries of ``words/<name>.<lang>.txt``, between commas or line breaks."""
    listed = (WORDS / f"{name}.{lang}.txt").read_text("utf-8")
    return [entry.strip() for entry in re.split(r"[,\n]", listed) if entry.strip()]


def _line(row: Mapping[str, object]) -> Line:
    text = str(row["text"])
    plain = normal(fold(text))
    key = str(row["group"]) if row.get("group") else " ".join(_RETWEET.sub("", plain).split()) or plain
    return Line(
        text,
        plain,
        str(row["lang"]),
        str(row["task"]),
        str(row["source"]),
        int(str(row["label"])),
        str(row["category"]),
        {str(k): int(v) for k, v in dict(row.get("extra") or {}).items()},  # type: ignore[call-overload]
        int(hashlib.sha256(key.encode("utf-8", "replace")).hexdigest(), 16) % FOLDS,
    )
