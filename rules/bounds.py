"""Where a found phrase ends for those who read it: not in the middle of what it says.

A pattern may stop at the word that told it enough ("I send those pics to your"), or reach for one that belongs to what
follows ("tu é burro ou"). What is quoted, underlined and covered is brought to the next word that can end a phrase.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from rules.lexicon import Hit
from rules.text import Folded

# Words of Spanish, English and Portuguese after which something must follow: articles, possessives, prepositions, pronouns
# before a verb, auxiliaries.
_OPEN = frozenset(
    """
    un una unos unas el la los las lo mi mis tu tus su sus nuestro nuestra este esta ese esa de del con sin en al a para por pa
    te se le les nos os voy vas va vamos van ni tan muy
    the an my your his her our their this that these those to of in at with for on from by very im gonna going
    um uma uns umas as meu minha teu tua seu sua nosso nossa em na nas do da dos das ao com sem pra pro lhe vou vai
    vao num numa nem pelo pela aquela aquelas aquele aqueles
    """.split()
)
# Words that join a phrase to one before it, and those behind which another begins.
_JOINING = frozenset("y e o u ou or and but pero mas".split())
_OPENING = _JOINING | frozenset("porque because if si se que that then".split())
_LONGEST = 4  # words that are taken in at most

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_NEXT = re.compile(r"[ \t]+([^\W_]+(?:'[^\W_]+)?)")


def rounded(text: Folded, hits: Iterable[Hit]) -> list[Hit]:
    """The hits, with phrases brought to a good end in the original text. Those behind a disguise stay as they are."""
    return [
        hit
        if hit.step
        else msgspec.structs.replace(hit, original=text.span(*good_ends(text.plain, hit.start, hit.end)))
        for hit in hits
    ]


def good_ends(plain: str, start: int, end: int) -> tuple[int, int]:
    """``plain[start:end]`` without what hangs over at either end, or with the words that complete it.

    A single word, and a phrase of which nothing would be left, stay as they are.
    """
    words = [(match.start(), match.end()) for match in _WORD.finditer(plain, start, end)]
    if len(words) < 2:
        return start, end
    first, last = 0, len(words) - 1
    while first < last and plain[slice(*words[first])] in _JOINING:
        first += 1
    while last > first and plain[slice(*words[last])] in _OPENING:
        last -= 1
    begin = words[first][0] if first else start
    if last < len(words) - 1:
        return begin, words[last][1]
    if plain[slice(*words[last])] not in _OPEN:
        return begin, end
    whole = _completed(plain, words[last][1])
    if whole:
        return begin, whole
    while last > first and plain[slice(*words[last])] in _OPEN:
        last -= 1
    return (begin, words[last][1]) if last > first else (begin, end)


def _completed(plain: str, end: int) -> int:
    """Where the words end that complete an open phrase; 0 where they do not follow at once."""
    for _ in range(_LONGEST):
        following = _NEXT.match(plain, end)
        if following is None or following[1] in _OPENING:
            return 0
        end = following.end()
        if following[1] not in _OPEN:
            return end
    return 0
