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
PIECE = 512  # bytes that are read at once
BLOCK_LOG2 = 4  # 16 bytes; two neighbouring blocks are a window, some five words
BLOCKS = (PIECE >> BLOCK_LOG2) + 1  # of the longest piece

Slots = npt.NDArray[np.int64]
Blocks = npt.NDArray[np.uint8]

_SPACE = 32
_U64 = 0xFFFFFFFFFFFFFFFF
_BASE = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(64 - SLOTS_LOG2)

_LONG = 512  # characters from which on pictures are left out: four bytes each, and hardly a word among them
_PICTURES = re.compile("[\U00010000-\U0010ffff]+")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_HANDLE = re.compile(r"@\w+")


def normal(text: Folded) -> str:
    """The plain form of a text with links and handles made one sign each: whose they are says nothing of conduct."""
    plain = text.plain
    if len(plain) > _LONG and not text.latin:
        plain = _PICTURES.sub(" ", plain)
    if "://" in plain or "www." in plain:
        plain = _LINK.sub("url", plain)
    return _HANDLE.sub("@user", plain) if "@" in plain else plain


def pieces(plain: str) -> list[bytes]:
    """A normal text as bytes, cut into parts of at most ``PIECE``, at a space where there is one. At least one part."""
    rest, parts = plain.encode("utf-8", "replace"), []
    while len(rest) > PIECE:
        cut = rest.rfind(b" ", PIECE // 2, PIECE) + 1 or PIECE
        parts.append(rest[:cut])
        rest = rest[cut:]
    if rest or not parts:
        parts.append(rest)
    return parts


def accents(original: str) -> Slots:
    """Slots of the accented letters and inverted marks of Spanish and Portuguese, once each: folding drops them."""
    if original.isascii():
        return _NONE
    lowered = original.lower()
    return np.array([slot for letter, slot in _ACCENTED if letter in lowered], dtype=np.int64)


def slots(piece: bytes) -> tuple[Slots, Blocks]:
    """Slots of a piece of a normal text, one for each occurrence of a feature, and the blocks of the first of them.

    Features: words, pairs of neighbouring words, runs of 5 and of 3 bytes without a gap inside (a gap may open or
    close them), each in the block where it starts; after them the punctuation marks, which are in no block. The last
    block is the highest. A digit counts as any digit, a letter repeated more than twice as two. Empty text has no
    slots.
    """
    text = _squeezed(np.frombuffer(b"  " + piece.translate(_LETTERS) + b" ", dtype=np.uint8))
    starts, ends = _spans(text)
    # A polynomial hash of text[start:end] is a difference of running sums, moved to the origin.
    sums = np.zeros(len(text) + 1, dtype=np.uint64)
    np.cumsum(text * _POWERS[: len(text)], out=sums[1:])
    hashes = sums.take(ends)
    hashes -= sums.take(starts)
    hashes *= _INVERSES.take(starts)
    hashes >>= _SHIFT
    found, blocks = hashes.view(np.int64), (starts >> BLOCK_LOG2).astype(np.uint8)
    marks = piece.translate(None, _UNMARKED)
    if marks:
        found = np.concatenate((found, _MARKED.take(np.frombuffer(marks, dtype=np.uint8))))
    return found, blocks


def _squeezed(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Runs of spaces become one, longer runs of a letter two. ``text`` starts with two spaces; one is left."""
    same = text[1:] == text[:-1]
    kept = np.empty(len(text) - 1, dtype=np.bool_)
    kept[0] = True
    np.logical_not(same[1:] & (same[:-1] | (text[2:] == _SPACE)), out=kept[1:])
    return text[1:][kept]


def _spans(text: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Starts and ends in ``text`` of the words (with the gap before them), pairs of words, 5-grams and 3-grams."""
    gap = text == _SPACE
    inside = ~gap[1:-1]
    threes = inside.nonzero()[0]
    fives = (inside[:-2] & inside[1:-1] & inside[2:]).nonzero()[0]
    gaps = gap.nonzero()[0]
    starts = np.concatenate((gaps[:-1], gaps[:-2], fives, threes))
    ends = np.concatenate((gaps[1:], gaps[2:], fives + 5, threes + 3))
    return starts, ends


def _powers(base: int, count: int, first: int = 1) -> npt.NDArray[np.uint64]:
    values, value = [], first
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


def _signs(codes: range) -> Slots:
    """Slots of single signs, far from those of texts."""
    hashes = np.array([(code + 1) * 0x2545F4914F6CDD1D & _U64 for code in codes], dtype=np.uint64) * _MIX
    return (hashes >> _SHIFT).view(np.int64)


_LETTERS = _letters()
_UNMARKED = bytes(code for code in range(256) if code <= _SPACE or code >= 127 or chr(code).isalnum())
_MARKED = _signs(range(256))
_ACCENTED = tuple(
    (letter, int(_signs(range(ord(letter) + 256, ord(letter) + 257))[0])) for letter in "áéíóúüñ¿¡ãõâêôàç"
)
_POWERS = _powers(_BASE, PIECE + 3)
_INVERSES = _powers(pow(_BASE, -1, 1 << 64), PIECE + 3, int(_MIX))  # the mixing multiplier is in them already
_NONE = np.empty(0, dtype=np.int64)
