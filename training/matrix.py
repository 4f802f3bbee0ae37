"""Texts as rows of a sparse matrix over the slots that the runtime will know."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags

from moderation.classifiers import features
from training.corpus import Line

LEAST_LINES = 3  # a feature met in fewer lines is not kept

Vector = npt.NDArray[np.float64]


def counts(lines: Sequence[Line]) -> csr_matrix:
    """How often each slot occurs in each line: (lines, SLOTS)."""
    return _matrix([_slots(line) for line in lines])


def windows(lines: Sequence[Line]) -> tuple[csr_matrix, npt.NDArray[np.int64]]:
    """How often each slot occurs in each window of two neighbouring blocks: (windows, SLOTS), and whose window it is."""
    found: list[features.Slots] = []
    owner = []
    for place, line in enumerate(lines):
        for piece in features.pieces(line.plain):
            slots, blocks = features.slots(piece)
            last = int(blocks.max(initial=0))
            for block in range(max(1, last)):
                found.append(slots[: len(blocks)][(blocks == block) | (blocks == block + 1)])
                owner.append(place)
    return _matrix(found), np.array(owner)


def _slots(line: Line) -> features.Slots:
    parts = [features.slots(piece)[0] for piece in features.pieces(line.plain)]
    return np.concatenate([*parts, features.accents(line.text)])


def _matrix(found: Sequence[features.Slots]) -> csr_matrix:
    ends = np.cumsum([0, *map(len, found)])
    ones = np.ones(ends[-1], dtype=np.float32)
    matrix = csr_matrix((ones, np.concatenate(found).astype(np.int32), ends), shape=(len(found), features.SLOTS))
    matrix.sum_duplicates()
    return matrix


class Vocabulary:
    """The kept slots and the rarity of each: ``idf = 1 + log((1 + lines) / (1 + lines with it))``."""

    def __init__(self, kept: npt.NDArray[np.int64], idf: Vector) -> None:
        self.kept, self.idf = kept, idf

    @classmethod
    def of(cls, matrix: csr_matrix, listed: Sequence[int]) -> Vocabulary:
        """Of what is in ``LEAST_LINES`` of the matrix, and of the slots ``listed``: what word lists know."""
        lines_with = np.asarray((matrix > 0).sum(axis=0)).ravel()
        enough = lines_with >= LEAST_LINES
        enough[listed] = True
        kept = np.flatnonzero(enough)
        return cls(kept, 1 + np.log((1 + matrix.shape[0]) / (1 + lines_with[kept])))

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        stored = np.load(path)
        kept = np.flatnonzero(np.unpackbits(stored["kept"], count=features.SLOTS))
        return cls(kept, np.sqrt(stored["columns"][:, 0] * stored["columns_scales"][0]))

    def save(self, path: Path) -> None:
        """Bits of the kept slots, and idf squared as a column: the runtime divides by the root of its sum."""
        bits = np.zeros(features.SLOTS, dtype=np.uint8)
        bits[self.kept] = 1
        columns, scales = quantized((self.idf**2)[:, None])
        np.savez_compressed(path, kept=np.packbits(bits), columns=columns, columns_scales=scales, digest=self.digest())

    def digest(self) -> npt.NDArray[np.uint8]:
        """Eight bytes that tell this vocabulary from others: weights learnt with another do not fit its rows."""
        return np.frombuffer(hashlib.sha256(self.kept.tobytes()).digest()[:8], dtype=np.uint8)

    def scaled(self, matrix: csr_matrix) -> csr_matrix:
        """Kept columns only, each row divided by its length: the root of the sum of idf squared over its features."""
        kept = matrix[:, self.kept]
        length = np.sqrt(np.maximum(kept @ self.idf**2, 1e-9))
        return csr_matrix(diags(1 / length) @ kept)


def quantized(columns: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Columns as int8 and the scale of each: ``columns ~ int8 * scales``."""
    scales = np.maximum(np.abs(columns).max(axis=0), 1e-12) / 127
    return np.rint(columns / scales).astype(np.int8), scales.astype(np.float32)
