"""Which texts are scored together: of like length, because a batch is padded to its longest. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

PADDING = 0.2  # share of a batch that may be padding


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """A text that waits to be scored, as token ids; in the list of those waiting the first has waited longest."""

    id: int
    tokens: list[int]
    urgent: bool = False


def pick(waiting: Sequence[Waiting], most_tokens: int) -> list[int]:
    """Indices of the texts to score next: the first urgent one, else the first, and those of most like length.

    A batch, padded, holds at most ``most_tokens`` (one text alone may have more). Empty if nobody waits.
    """
    if not waiting:
        return []
    seed = next((n for n, one in enumerate(waiting) if one.urgent), 0)
    length = len(waiting[seed].tokens)
    others = [n for n in range(len(waiting)) if n != seed]
    # Among texts as near, an urgent one first, then who has waited longer: the sort is stable.
    others.sort(key=lambda n: (abs(len(waiting[n].tokens) - length), not waiting[n].urgent))
    batch, longest, real = [seed], length, length
    for n in others:
        size = len(waiting[n].tokens)
        padded = max(longest, size) * (len(batch) + 1)
        if padded > most_tokens or padded * (1 - PADDING) > real + size:
            break
        batch.append(n)
        longest, real = max(longest, size), real + size
    return batch
