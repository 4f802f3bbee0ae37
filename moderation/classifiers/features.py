"""Text to slots of a hash table: letter n-grams, words, pairs of words and marks, all by numpy.

Every embedded model reads the same slots, so a message is featurised once. Training calls these very functions: what
was learnt and what is judged cannot drift apart.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from rules.text import Folded

SLOTS_LOG2 = 21
SLOTS = 1 << SLOTS_LOG2
LONGEST_NGRAM = 5  # bytes
PIECE = 480  # characters that are judged at once: longer text is cut, so that a long wrapping hides nothing

Slots = npt.NDArray[np.int64]

_SPACE = 32
_WIDEST = 4 * PIECE + 64  # bytes of the longest piece
_U64 = 0xFFFFFFFFFFFFFFFF
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(64 - SLOTS_LOG2)
# One salt per kind of feature, so that the word "no" and the letters "no" get slots of their own.
_WORD, _PAIR, _MARK, _ACCENT = (np.uint64(salt * 0x2545F4914F6CDD1D & _U64) for salt in (11, 13, 17, 19))

_LINK = re.compile(r"(?:https?://|www\.)\S+")
_HANDLE = re.compile(r"@\w+")


def normal(text: Folded) -> str:
    """The plain form of a text with links and handles made one sign each: whose they are says nothing of conduct."""
    plain = text.plain
    if "://" in plain or "www." in plain:
        plain = _LINK.sub("url", plain)
    return _HANDLE.sub("@user", plain) if "@" in plain else plain


def pieces(plain: str) -> list[str]:
    """``plain`` cut into parts of at most ``PIECE`` characters, at a space where there is one. At least one part."""
    parts = []
    while len(plain) > PIECE:
        cut = plain.rfind(" ", PIECE // 2, PIECE) + 1 or PIECE
        parts.append(plain[:cut])
        plain = plain[cut:]
    if plain or not parts:
        parts.append(plain)
    return parts


def accents(original: str) -> Slots:
    """Slots of the accented letters and inverted marks of Spanish and Portuguese, once each: folding drops them."""
    if original.isascii():
        return _NONE
    lowered = original.lower()
    return np.array([slot for letter, slot in _ACCENTED if letter in lowered], dtype=np.int64)


def slots(piece: str) -> Slots:
    """Slots of a normal text of at most ``PIECE`` characters, repeated where a feature repeats.

    Features: byte n-grams of 2 to 5 inside a word (with the gap before and after it), words, pairs of neighbouring
    words, punctuation marks. A digit counts as any digit, a letter repeated more than twice as two. Empty text has
    no slots.
    """
    raw = piece.encode("utf-8", "replace")
    text = _squeezed(np.frombuffer(b"  " + raw.translate(_LETTERS) + b" ", dtype=np.uint8))
    hashes = _ngrams(text) + _words(text) if len(text) > 2 else []
    marks = raw.translate(None, _UNMARKED)
    if marks:
        hashes.append(np.frombuffer(marks, dtype=np.uint8) + _MARK)
    return _mixed(np.concatenate(hashes)) if hashes else _NONE


def _mixed(hashes: npt.NDArray[np.uint64]) -> Slots:
    hashes *= _MIX
    hashes >>= _SHIFT
    return hashes.view(np.int64)


def _squeezed(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Runs of spaces become one, longer runs of a letter two. ``text`` starts with two spaces; one is left."""
    same = text[1:] == text[:-1]
    kept = np.empty(len(text) - 1, dtype=np.bool_)
    kept[0] = True
    np.logical_not(same[1:] & (same[:-1] | (text[2:] == _SPACE)), out=kept[1:])
    return text[1:][kept]


def _ngrams(text: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint64]]:
    """Hashes of the byte runs that have no gap inside (a gap may open or close them)."""
    wide = text.astype(np.uint64)
    whole = inside = text[1:-1] != _SPACE
    gram = wide[:-1] * _BASE + wide[1:]
    found = [gram]
    for size in range(3, LONGEST_NGRAM + 1):
        gram = gram[:-1] * _BASE + wide[size - 1 :]
        if size > 3:
            whole = whole[:-1] & inside[size - 3 :]
        found.append(gram[whole])
    return found


def _words(text: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint64]]:
    """Hashes of the words and of each two neighbours, from one running sum (a polynomial hash, moved to the origin)."""
    gaps = np.flatnonzero(text == _SPACE)
    total = np.zeros(len(text) + 1, dtype=np.uint64)
    np.cumsum(text * _POWERS[: len(text)], out=total[1:])
    at = total[gaps]
    home = _INVERSES[gaps[:-1]]
    return [(at[1:] - at[:-1]) * home + _WORD, (at[2:] - at[:-2]) * home[:-1] + _PAIR]


def _powers(base: int, count: int) -> npt.NDArray[np.uint64]:
    values, value = [], 1
    for _ in range(count):
        values.append(value)
        value = value * base & _U64
    return np.array(values, dtype=np.uint64)


def _letters() -> bytes:
    """What words and n-grams see of a byte: a letter as it is, a digit as 0, all else as a space."""
    table = bytearray([_SPACE] * 256)
    for code in range(256):
        if code >= 128 or chr(code).isalpha():
            table[code] = code
        elif chr(code).isdigit():
            table[code] = ord("0")
    return bytes(table)


_LETTERS = _letters()
_UNMARKED = bytes(code for code in range(256) if code <= _SPACE or code >= 127 or chr(code).isalnum())
_POWERS = _powers(int(_BASE), _WIDEST)
_INVERSES = _powers(pow(int(_BASE), -1, 1 << 64), _WIDEST)
_NONE = np.empty(0, dtype=np.int64)
_ACCENTED = tuple(
    (letter, int(_mixed(np.array([ord(letter)], dtype=np.uint64) + _ACCENT)[0])) for letter in "áéíóúüñ¿¡ãõâêôàç"
)
