"""What participants are told by the staff, in their language."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

_words: dict[str, dict[str, dict[str, str]]] = tomllib.loads(
    (Path(__file__).parent / "notices.toml").read_text("utf-8")
)
WARNINGS: dict[str, dict[str, str]] = _words["warning"]
_all = {**{f"warning.{id}": words for id, words in WARNINGS.items()}, **_words["act"]}
_MOMENTS = {"es": "{0.day}/{0.month}/{0.year} a las {0:%H:%M} (UTC)", "en": "{0:%Y-%m-%d %H:%M} (UTC)",
            "pt": "{0.day}/{0.month}/{0.year} às {0:%H:%M} (UTC)"}  # fmt: skip


def told(template: str, lang: str, until: int = 0) -> str:
    """The words of a template: ``warning.`` and an id, or an act. English where the language is none of ours.

    Of a template that is gone the words are gone as well: it gives an empty text.
    """
    lang = lang.partition("-")[0]
    words = _all.get(template)
    if words is None:
        return ""
    language = lang if lang in words else "en"
    return words[language].replace("{until}", moment(until, language))


def moment(at: int, lang: str) -> str:
    """A time in milliseconds as people write it; empty for 0."""
    if not at:
        return ""
    return _MOMENTS.get(lang, _MOMENTS["en"]).format(datetime.fromtimestamp(at / 1_000, UTC))
