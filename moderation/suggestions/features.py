"""A message as slots of a hash table, in three blocks: words, letters, concepts. Training and runtime share this module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from moderation.suggestions.words import concepts, tokens

TEXT_SLOTS = 1 << 16
CONCEPT_SLOTS = 1 << 12
SLOTS = TEXT_SLOTS + CONCEPT_SLOTS

LETTERS_WEIGHT = 0.8  # of the letters' block beside the words', chosen by cross-validation over the seed phrases
LONGEST_READ = 400  # characters of a message that are read: an intent is said early or not at all

Slots = npt.NDArray[np.int64]
Values = npt.NDArray[np.float32]


class Block(msgspec.Struct, frozen=True):
    """Features of one kind: the distinct ``slots``, ``1 + log(count)`` of each, and the weight of the whole block."""

    slots: Slots
    values: Values
    weight: float


def read(text: str, lang: str) -> list[str]:
    """The words that the blocks are made of. ``lang`` empty: shorthand is read as it stands."""
    return tokens(text[:LONGEST_READ], lang)


def text_blocks(words: Sequence[str]) -> tuple[Block, Block]:
    """Words with their neighbours, and the letters inside words."""
    return (
        _block(_words(words), 1.0, 0, TEXT_SLOTS),
        _block(_letters(words), LETTERS_WEIGHT, 0, TEXT_SLOTS),
    )


def concept_block(words: Sequence[str], lang: str) -> Block:
    """What the words are about, one by one and two by two."""
    touched = concepts(lang).of(words)
    pairs = ("+".join(pair) for pair in combinations(sorted(set(touched)), 2))
    return _block([*touched, *pairs], 1.0, TEXT_SLOTS, CONCEPT_SLOTS)


def scaled(block: Block, idf: Values) -> Values:
    """The block's values, each times the rarity of its slot, brought to the block's weight as length.

    Slots that training never met have rarity 0: they neither count nor dilute.
    """
    values = block.values * idf[block.slots]
    length = float(np.sqrt(values @ values))
    return values * np.float32(block.weight / length) if length else values


def _words(words: Sequence[str]) -> Iterator[str]:
    framed = ["^", *words, "$"]
    yield from (f"w {word}" for word in words)
    yield from (f"w {first} {second}" for first, second in pairwise(framed))
    yield from (f"s {first} {third}" for first, third in zip(words, words[2:], strict=False))


def _letters(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        if word[0] == "<":
            continue
        padded = f" {word} "
        for size in (3, 4, 5):
            yield from (padded[i : i + size] for i in range(len(padded) - size + 1))


def _block(names: Iterable[str], weight: float, first: int, slots: int) -> Block:
    hashed = [first + crc32(name.encode()) % slots for name in names]
    distinct, counts = np.unique(np.array(hashed, dtype=np.int64), return_counts=True)
    return Block(distinct, (1 + np.log(counts)).astype(np.float32), weight)
