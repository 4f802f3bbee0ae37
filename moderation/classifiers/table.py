"""The weights of all embedded models side by side, so that one gathering serves every model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from moderation.classifiers.features import BLOCKS, SLOTS, Blocks, Slots

WEIGHTS = Path(__file__).parent / "weights"

Weights = Mapping[str, npt.NDArray[Any]]
Sums = list[float]


class BadWeights(Exception):
    """A weights file that is missing, damaged, or does not belong to the others. ``path`` and ``problem`` say which."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


def read(name: str, folder: Path = WEIGHTS) -> Weights:
    """The arrays of ``folder/<name>.npz``. Raises BadWeights."""
    path = folder / f"{name}.npz"
    try:
        with path.open("rb") as stored, np.load(stored, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (OSError, EOFError, ValueError, BadZipFile) as problem:
        raise BadWeights(path, str(problem)) from problem


class Table:
    """For each known slot a row of int8 weights, with the columns of every model in it.

    Slots that training did not meet share a row of zeros. The columns of a model stand together; ``places`` tells
    where. Raises BadWeights where a model was learnt with other features.
    """

    def __init__(self, features: Weights, models: Sequence[Weights]) -> None:
        known = np.flatnonzero(np.unpackbits(features["kept"], count=SLOTS))
        self._rows = np.zeros(SLOTS, dtype=np.int32)
        self._rows[known] = np.arange(1, len(known) + 1)
        parts = [features["columns"], *(model["columns"] for model in models)]
        for model in models:
            if model["digest"].tobytes() != features["digest"].tobytes():
                raise BadWeights(WEIGHTS, "a model was learnt with other features: train all of them anew")
        self._weights = np.zeros((len(known) + 1, sum(part.shape[1] for part in parts)), dtype=np.int8)
        np.concatenate(parts, axis=1, out=self._weights[1:])
        scales = [features["columns_scales"], *(model["columns_scales"] for model in models)]
        self._scales = np.concatenate(scales).astype(np.float32)
        ends = np.cumsum([part.shape[1] for part in parts])
        self.places = [slice(start, end) for start, end in pairwise(ends)]

    def sums(self, slots: Slots, blocks: Blocks) -> tuple[Sums, Sums]:
        """For each column the sum of its weights over all slots, and the highest sum over any window of two blocks.

        Each sum is over the length of its text: the root of the sum of idf squared (the first column), as in training.
        ``blocks`` tells where the first ``len(blocks)`` slots are.
        """
        found = self._weights.take(self._rows.take(slots), axis=0).astype(np.float32)
        placed = len(blocks)
        if not placed:
            sums = np.add.reduce(found, axis=0, keepdims=True)
        else:
            sums = _products(_WITHIN[int(blocks[-1])].take(blocks, axis=0), found[:placed])
            if placed < len(slots):
                sums[0] += np.add.reduce(found[placed:], axis=0)
        sums /= np.sqrt(np.maximum(sums[:, :1] * self._scales[0], _LEAST_LENGTH))
        whole: Sums = (sums[0] * self._scales).tolist()
        return whole, (np.maximum.reduce(sums[1:], axis=0) * self._scales).tolist() if placed else whole


def _products(within: npt.NDArray[np.float32], found: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """``within.T @ found``, in parts that BLAS does not share out among threads: those wait for each other by spinning."""
    step = _SINGLE_THREADED // (within.shape[1] * found.shape[1])
    product: npt.NDArray[np.float32] = within[:step].T @ found[:step]
    for start in range(step, len(found), step):
        product += within[start : start + step].T @ found[start : start + step]
    return product


def _within(last: int) -> npt.NDArray[np.float32]:
    """For each block up to the ``last`` what it is within: the whole text, and of its windows those that it is in.

    A window is a block and the next.
    """
    windows = np.eye(last + 1, max(1, last), dtype=np.float32)
    windows[1:] += np.eye(last, windows.shape[1], dtype=np.float32)
    return np.hstack((np.ones((last + 1, 1), dtype=np.float32), windows))


_SINGLE_THREADED = 1 << 18  # multiplications up to which OpenBLAS keeps to one thread (interface/gemm.c)
_LEAST_LENGTH = np.float32(1e-9)
_WITHIN = [_within(last) for last in range(BLOCKS)]
