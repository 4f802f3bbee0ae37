"""How a chat message is read before it is understood: accents folded, stretched letters squeezed, shorthand spelled out.

Amounts, times, order numbers, links and telephone numbers become signs, so that no figure is learnt by heart.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
LANGUAGES = ("es", "en", "pt")
LAUGHTER = "<laugh>"

_DIGIT = re.compile(r"\d")
_LINK = re.compile(r"https?://\S+|www\.\S+|\b\w+@\w+\.\w+\b", re.IGNORECASE)
_FIGURES = (
    ("<phone>", re.compile(r"(?<!\w)\+?\d[\d ().-]{7,}\d(?!\w)")),
    (
        "<price>",
        re.compile(
            r"(?:[€$£]|r\$|us\$|\b(?:eur|usd|gbp|ars|mxn|cop|brl))\s*\d[\d.,]*k?"
            r"|\b\d[\d.,]*\s*(?:[€$£]|(?:euros?|eur|pesos?|dolar(?:es)?|reais|real|pounds?|quid|bucks?|dollars?|lucas"
            r"|lukas|contos?|pila|mil|usd|k)\b)"
        ),
    ),
    (
        "<time>",
        re.compile(
            r"\b\d{1,2}[:.h]\d{2}\s*(?:am|pm|h)?\b|\b\d{1,2}\s*(?:am|pm|a\.m\.|p\.m\.|hs?|hrs?|horas|o'clock)\b"
        ),
    ),
    ("<minutes>", re.compile(r"\b\d{1,3}\s*(?:min(?:uto|ute)?s?|mins|')(?!\w)")),
    ("<date>", re.compile(r"\b\d{1,2}[/-]\d{1,2}(?:[/-]\d{2,4})?\b")),
    ("<order>", re.compile(r"#\s*\w*\d\w*|\b[a-z]{0,3}\d{5,}[a-z]{0,3}\b")),
    ("<number>", re.compile(r"\b\d[\d.,]*\b")),
)
_TOKEN = re.compile(r"<\w+>|[^\W_]+(?:['’-][^\W_]+)*|[?!]|\.{3}|[\u2190-\u2bff\U0001f000-\U0001faff]")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_LAUGH = re.compile(r"\b(?:(?:j+[aeiou]+){2,}j*|(?:h+[aeiou]+){2,}h*|k{3,}|(?:rs){2,}|lo+l|lmao+)\b")

# An amount is an amount with or without its currency: "30 and it's mine" is an offer as "30 euros" is.
_SIGN_CONCEPTS = {"<price>": "amount", "<number>": "amount", "<time>": "clock", "<minutes>": "minutes", "?": "asks"}


def fold(text: str) -> str:
    """NFKC, lower case, accents off, laughter as one sign, stretched letters squeezed."""
    lowered = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    if not lowered.isascii():
        lowered = "".join(c for c in unicodedata.normalize("NFD", lowered) if not unicodedata.combining(c))
    return _STRETCHED.sub(r"\1", _LAUGH.sub(f" {LAUGHTER} ", lowered))


def tokens(text: str, lang: str) -> list[str]:
    """The words and signs of a message, folded, the shorthand of ``lang`` spelled out."""
    short = shorthand(lang)
    plain = _signed(fold(_LINK.sub(" <link> ", text)))
    return [word for token in _TOKEN.findall(plain) for word in short.get(token, token).split()]


def learnt_from() -> bytes:
    """A digest of all data that the weights were learnt from."""
    digest = sha256()
    for path in (*sorted((HERE / "phrases").glob("*.toml")), HERE / "concepts.toml", HERE / "shorthand.toml"):
        digest.update(path.read_bytes())
    return digest.digest()


def _signed(plain: str) -> str:
    if _DIGIT.search(plain):
        for sign, pattern in _FIGURES:
            plain = pattern.sub(f" {sign} ", plain)
    return plain


@cache
def shorthand(lang: str) -> dict[str, str]:
    """What people type -> what they mean, for one language; empty where the language is unknown."""
    table: dict[str, dict[str, str]] = tomllib.loads((HERE / "shorthand.toml").read_text("utf-8"))
    return table.get(lang, {})


class Concepts:
    """Words and word pairs of one meaning, by language."""

    def __init__(self, lang: str) -> None:
        table: dict[str, dict[str, str]] = tomllib.loads((HERE / "concepts.toml").read_text("utf-8"))
        self.whole: dict[str, list[str]] = {}
        self.stems: dict[str, list[str]] = {}
        self.longest = 1
        for concept, spellings in table.items():
            for entry in fold(spellings.get(lang, "")).split():
                words = entry.replace("_", " ")
                self.longest = max(self.longest, words.count(" ") + 1)
                into = self.stems if words.endswith("*") else self.whole
                into.setdefault(words.rstrip("*"), []).append(concept)
        self.shortest = min(map(len, self.stems), default=1)

    def of(self, words: Sequence[str]) -> list[str]:
        """The concepts that ``words`` touch, in order, each as often as it is touched."""
        found: list[str] = []
        for i, word in enumerate(words):
            if word in _SIGN_CONCEPTS:
                found.append(_SIGN_CONCEPTS[word])
                continue
            for length in range(self.shortest, len(word) + 1):
                found.extend(self.stems.get(word[:length], ()))
            for size in range(1, self.longest + 1):
                if i + size <= len(words):
                    found.extend(self.whole.get(" ".join(words[i : i + size]), ()))
        return found


@cache
def concepts(lang: str) -> Concepts:
    """The concept words of one language."""
    return Concepts(lang)
