"""Many people who say the same within a minute or two: a raid on a conversation, or one hand behind many accounts.

A sign for the staff, and no decision: what is decided about a message depends on nothing that only one server has seen. People
do say the same by chance, so few words count within one conversation only; across conversations it takes a text that
nobody thinks of twice.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import xor
from zlib import crc32

WINDOW_SECONDS = 60.0  # what was said is remembered for one to two of these
FEW_WORDS, MANY_WORDS = 3, 12  # different ones, from which a text is like another in its conversation, and anywhere
PEOPLE = 10  # who say the same in one conversation
PEOPLE_ANYWHERE = 20
REMEMBERED = 100_000  # texts; beyond that the older half is forgotten early

_WORD = re.compile(r"[^\W\d_]{3,}")


class Raids:
    """What has been said lately on this server, as numbers; no words are kept."""

    def __init__(self) -> None:
        self._now: dict[tuple[str, str, int], set[str]] = {}
        self._before: dict[tuple[str, str, int], set[str]] = {}
        self._since = 0.0

    def people(self, tenant: str, conversation: str, author: str, text: str, at: float) -> int:
        """How many have said the like of ``text`` by ``at`` (seconds), the author included, if that is a raid; else 0."""
        if at - self._since > WINDOW_SECONDS or len(self._now) > REMEMBERED // 2:
            self._before = self._now if at - self._since <= 2 * WINDOW_SECONDS else {}
            self._now, self._since = {}, at
        words = {crc32(word.encode()) for word in _WORD.findall(text.casefold())}
        if len(words) < FEW_WORDS:
            return 0
        here = max(self._said(tenant, conversation, sketch, author) for sketch in _sketches(words))
        if here >= PEOPLE:
            return here
        if len(words) < MANY_WORDS:
            return 0
        anywhere = max(self._said(tenant, "", sketch, author) for sketch in _sketches(words))
        return anywhere if anywhere >= PEOPLE_ANYWHERE else 0

    def _said(self, tenant: str, place: str, sketch: int, author: str) -> int:
        key = tenant, place, sketch
        said = self._now.setdefault(key, set())
        said.add(author)
        before = self._before.get(key)
        return len(said | before) if before else len(said)


def _sketches(words: set[int]) -> list[int]:
    """Numbers of which a text that differs in one word has at least one as well; figures and signs make no difference at all."""
    if len(words) < MANY_WORDS:
        whole = reduce(xor, words)
        # All the words, or all but one: whichever was put in place of another, without both the rest is the same.
        return [whole, *(whole ^ word for word in words)] if len(words) > FEW_WORDS else [whole]
    # In four heaps, of which a word that is taken and one that is put change two.
    heaps = [heap << 32 for heap in range(4)]
    for word in words:
        heaps[word & 3] ^= word
    return heaps
