"""Words in disguise: which known word a piece of text is meant to be read as, and by which trick.

A trick counts only where it leaves enough to read: two letters at least must stand for themselves, and letters may be
repeated but not dropped, so that ``as`` is not ``ass`` and ``a55`` is a telephone.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

import ahocorasick_rs
import msgspec

from rules.text import LEET, Folded

SHORTEST = 4  # shorter words are too often an abbreviation, a unit or a model number
MOST = 100  # disguises in one text beyond which no more are undone: it is disguised as a whole
CACHED_PIECES = 20_000  # pieces such as "10:30" and "don't" come again and again
ORDINARY_PIECES = 50_000  # words and pieces known to be no disguise, of which most messages consist
LONGEST_PIECE = 80  # a longer piece without a space is an address, a code or noise

# What may be written for a letter beyond the first reading in LEET.
_ALSO = {"i": "1!|", "l": "1!|", "g": "9", "q": "9", "b": "6", "c": "(<", "s": "z", "u": "v", "a": "^", "e": "3&"}
_VOWELS = frozenset("aeiou")
_MASKS = "*#%&•●·░█■"

# Doubled letters that ordinary words have; of the others one pair already is a stretched word.
_DOUBLED = "lrsnmtcpfeodgbz"
_STRETCHED = re.compile(r"([ahijkquvxy])\1|([a-z0-9])\2\2")

_EDGES = " .,;:?!\"'()[]{}<>¡¿…«»“”‘’-_/~"
_PARTS = re.compile(r"[^a-z0-9@$!|+€*]+")
_STARS = re.compile(r"\*{2,}")
_LONG_RUN = re.compile(r"([a-z0-9])\1{3,}")
_ALNUM = re.compile(r"[a-z0-9]")
_WORD = re.compile(r"[a-z0-9]+")
_CHAIN = re.compile(r"(?<![a-z0-9])[a-z0-9](?:[^a-z0-9]{1,3}[a-z0-9](?![a-z0-9])){2,}")
_BREAK = re.compile(r"([^\s]{1,20})[^\S\n]*\n\s{0,3}(?=([^\s]{1,20}))")
_MODEL = re.compile(r"[a-z]{1,3}[0-9]{2,}")
_CAPITAL_I = re.compile(r"I(?<=[a-z]I)")  # begins with what is rare: that is found sooner
_WITH_CAPITAL_I = re.compile(r"[A-Za-z]+I[A-Za-z]*")

_SKELETON = str.maketrans(LEET | {"l": "i", "z": "s", "v": "u", "<": "c", "^": "a", "&": "e"})


class Reveal(msgspec.Struct, frozen=True, gc=False):
    """``plain[start:end]`` is meant to be read as ``text``."""

    start: int
    end: int
    text: str
    step: str


def _skeleton(text: str) -> str:
    """``text`` with leet undone, letters that are exchanged merged, separators gone and runs made one."""
    merged = text.translate(_SKELETON)
    return "".join(c for c, _ in itertools.groupby(merged) if "a" <= c <= "z")


@cache
def _spelling(word: str) -> re.Pattern[str]:
    """Matches what may stand for ``word``: every letter at least as often as the word has it."""
    classes = []
    for letter, run in itertools.groupby(word):
        signs = letter + "".join(sign for sign, meant in LEET.items() if meant == letter) + _ALSO.get(letter, "")
        classes.append(f"[{re.escape(signs)}]{{{len(list(run))},}}")
    return re.compile("".join(classes))


def _masked(word: str, alone: bool) -> Iterator[str]:
    """Ways of writing ``word`` with a row of its letters, or all its vowels, starred. ``alone``: the first letter will do."""
    for start in range(1, len(word)):
        for end in range(start + 1, len(word) + 1):
            known = len(word) - (end - start)
            if known >= 2 and end - start <= known or alone:
                yield word[:start] + "*" * (end - start) + word[end:]
            if known >= 3 and end - start >= 2:
                yield word[:start] + "+" + word[end:]  # a row of stars of any length
    yield word[0] + "".join("*" if c in _VOWELS else c for c in word[1:])
    yield word[0] + "".join("*" if c in _VOWELS else c for c in word[1:-1]) + word[-1]


class Disguises:
    """All ways in which a set of words is disguised.

    ``doubled`` maps words with a letter too many, such as ``putta``, to what they are read as.
    ``words`` are in plain form. ``famous`` ones are recognised by their first letter and stars. ``glued`` maps what may stand
    within a longer word (``hijodeputa``) to how it is read; ``innocent`` words are what they seem.
    """

    def __init__(
        self, words: Iterable[str], famous: Iterable[str], glued: dict[str, str], innocent: Iterable[str]
    ) -> None:
        self._innocent = frozenset(innocent)
        words = list(words)
        self._made_of = (words, list(famous), glued, self._innocent)
        self._short = frozenset(word for word in words if len(word) == SHORTEST - 1)
        known = [word for word in dict.fromkeys(words) if len(word) >= SHORTEST]
        self._by_skeleton: dict[str, list[str]] = defaultdict(list)
        self._by_mask: dict[str, str] = {}
        self.doubled: dict[str, str] = {}
        self._known = frozenset(known)
        alone = frozenset(self._made_of[1])
        for word in known:
            self._by_skeleton[_skeleton(word)].append(word)
            for form in _masked(word, word in alone):
                self._by_mask.setdefault(form, word)
            for form in _doublings(word):
                if form not in self._innocent:
                    self.doubled.setdefault(form, word)
        for word in known:
            self.doubled.pop(word, None)
        self._skeletons = list(self._by_skeleton)
        self._finder = ahocorasick_rs.AhoCorasick(self._skeletons)
        self._within = lru_cache(maxsize=CACHED_PIECES)(self._piece)
        self._stretched_reading = lru_cache(maxsize=CACHED_PIECES)(self._unstretch)
        self._ordinary: set[str] = set()
        self._glued = list(glued.items())
        self._glue = ahocorasick_rs.AhoCorasick([form for form, _ in self._glued])

    def __reduce__(self) -> tuple[type[Disguises], tuple[Any, ...]]:
        return Disguises, self._made_of

    def reveal(self, text: Folded) -> list[Reveal]:
        """What is disguised in ``text``, by place, without overlaps: the longest reading wins."""
        pieces = text.plain.split()
        tricks: list[Iterator[Reveal]] = []
        if not self._ordinary.issuperset(pieces):
            remarkable = self._remarkable(frozenset(pieces).difference(self._ordinary))
            if remarkable:
                tricks = self._tricks(text, frozenset(pieces), remarkable)
        if "I" in text.original and _CAPITAL_I.search(text.original):
            tricks.append(self._capitals(text))
        if text.singles:
            tricks.append(self._chains(text))
        if "\n" in text.plain:
            tricks.append(self._broken(text))
        if not tricks:
            return []
        found = [*itertools.islice(itertools.chain.from_iterable(tricks), MOST)]
        found.sort(key=lambda reveal: (reveal.start, reveal.start - reveal.end))
        kept: list[Reveal] = []
        for reveal in found:
            if not kept or reveal.start >= kept[-1].end:
                kept.append(reveal)
        return kept

    def _remarkable(self, unmet: Iterable[str]) -> list[str]:
        """Of pieces not known to be ordinary, and of the words in them, those that are not; the others are remembered."""
        remarkable: set[str] = set()
        if len(self._ordinary) > ORDINARY_PIECES:
            self._ordinary.clear()
        for piece in unmet:
            odd = [part for part in {piece, *_WORD.findall(piece)} if not self._is_ordinary(part)]
            if odd:
                remarkable.update(odd)
            else:
                self._ordinary.add(piece)
        return sorted(remarkable)

    def _is_ordinary(self, piece: str) -> bool:
        return (
            len(piece) <= LONGEST_PIECE
            and piece not in self.doubled
            and not self._within(piece)[1]
            and not _STRETCHED.search(piece)
            and not self._glue.find_matches_as_indexes(piece)
        )

    def _tricks(self, text: Folded, pieces: frozenset[str], remarkable: Sequence[str]) -> list[Iterator[Reveal]]:
        tricks: list[Iterator[Reveal]] = []
        odd = [piece for piece in remarkable if piece in pieces]
        if odd:
            tricks.append(self._odd_pieces(text, odd))
        words = [piece for piece in remarkable if piece in text.vocabulary]
        if any(_STRETCHED.search(word) for word in words):
            tricks.append(self._stretched(text))
        if words:
            tricks.append(self._glued_words(text))
        doubled = [word for word in words if word in self.doubled]
        if doubled:
            tricks.append(self._doubled(text, doubled))
        return tricks

    def _doubled(self, text: Folded, words: Iterable[str]) -> Iterator[Reveal]:
        for word in words:
            for start in _occurrences(text.plain, word):
                yield Reveal(start, start + len(word), self.doubled[word], "stretched")

    def _odd_pieces(self, text: Folded, pieces: Iterable[str]) -> Iterator[Reveal]:
        """Pieces between spaces that are neither a word nor a number."""
        for piece in pieces:
            if len(piece) <= LONGEST_PIECE:
                candidate, word, step = self._within(piece)
                if word:
                    for start in _occurrences(text.plain, candidate):
                        yield Reveal(start, start + len(candidate), word, step)

    def _piece(self, chunk: str) -> tuple[str, str, str]:
        """The part of ``chunk`` that is disguised, the word it stands for and the trick; empty strings if there is none."""
        piece = chunk.strip(_EDGES)
        if not piece or piece.isdigit() or chunk[0] != "!" and piece.isalpha() and piece.isascii():
            return "", "", ""
        for candidate in dict.fromkeys((piece, chunk.lstrip(_EDGES[1:]), chunk, *_PARTS.split(chunk))):
            word, step = self._read(candidate)
            if word:
                return candidate, word, step
        return "", "", ""

    def _read(self, piece: str) -> tuple[str, str]:
        """The word that ``piece`` stands for and the trick, or two empty strings."""
        letters = sum("a" <= c <= "z" for c in piece)
        if not letters or letters == len(piece):
            return "", ""
        hidden = any(c in _MASKS for c in piece)
        if letters >= 2 and not hidden and not _MODEL.fullmatch(piece):
            word = self._spelled(piece)
            if word:
                return word, "leet" if any(c in LEET for c in piece) else "punctuated"
        strange = any(c > "\x7f" and c.isalnum() for c in piece) or not hidden and not piece[-1].isalnum()
        form = "" if strange else "".join(c if "a" <= c <= "z" else LEET[c] if c.isdigit() else "*" for c in piece)
        word = self._by_mask.get(form, "")
        if word and (hidden or any(c > "\x7f" for c in piece) or _vowel_dropped(form, word)):
            return word, "masked"
        word = self._by_mask.get(_STARS.sub("+", form), "") if "**" in piece else ""
        if word:
            return word, "masked"
        if "💩" in piece and piece.replace("💩", "shit") in self._known:
            return piece.replace("💩", "shit"), "emoji"
        return "", ""

    def _spelled(self, piece: str) -> str:
        """The word whose every letter ``piece`` shows, separators left out."""
        words = self._by_skeleton.get(_skeleton(piece))
        if not words:
            return ""
        bare = "".join(c for c in _LONG_RUN.sub(r"\1\1\1", piece) if "a" <= c <= "z" or c in LEET or c in "<^&")
        return next((word for word in words if _spelling(word).fullmatch(bare)), "")

    def _stretched(self, text: Folded) -> Iterator[Reveal]:
        for token in dict.fromkeys(text.tokens):
            if len(token) <= LONGEST_PIECE:
                word = self._stretched_reading(token)
                if word:
                    for start in _occurrences(text.plain, token):
                        yield Reveal(start, start + len(token), word, "stretched")

    def _unstretch(self, token: str) -> str:
        """The word that ``token`` is with its letters repeated, or an empty string."""
        if not token.isalpha() or token in self._innocent:
            return ""
        short = _LONG_RUN.sub(r"\1", token)
        word = short if short in self._short else self._spelled(token)
        return word if word != token else ""

    def _capitals(self, text: Folded) -> Iterator[Reveal]:
        """A capital i for an l, as in ``cuIo``."""
        for match in _WITH_CAPITAL_I.finditer(text.original):
            word = match[0].replace("I", "l").lower()
            if word in self._known:
                for start in _occurrences(text.plain, match[0].lower()):
                    yield Reveal(start, start + len(word), word, "look-alike")

    def _chains(self, text: Folded) -> Iterator[Reveal]:
        """Letters set one by one."""
        for chain in _CHAIN.finditer(text.plain):
            places = [m.start() for m in _ALNUM.finditer(text.plain, *chain.span())]
            merged = "".join(text.plain[place] for place in places).translate(_SKELETON)
            firsts = [k for k, c in enumerate(merged) if not k or merged[k - 1] != c]
            skeleton = "".join(merged[k] for k in firsts)
            firsts.append(len(places))
            taken = 0
            matches = self._finder.find_matches_as_indexes(skeleton, overlapping=True)
            for index, start, end in sorted(matches, key=lambda m: (m[1], -m[2])):
                first, last = firsts[start], firsts[end]
                written = "".join(text.plain[place] for place in places[first:last])
                word = self._spelled(written)
                if first >= taken and word and self._skeletons[index] and sum(map(str.isalpha, written)) >= 2:
                    yield Reveal(places[first], places[last - 1] + 1, word, "spaced")
                    taken = last

    def _broken(self, text: Folded) -> Iterator[Reveal]:
        """A word continued on the next line."""
        for match in _BREAK.finditer(text.plain):
            left, right = match[1].lstrip(_EDGES), match[2].rstrip(_EDGES)
            word = self._spelled(left + right) if len(left) + len(right) >= SHORTEST else ""
            if word:
                yield Reveal(match.end(1) - len(left), match.start(2) + len(right), word, "line break")

    def _glued_words(self, text: Folded) -> Iterator[Reveal]:
        """Words written together: what is known, and around it only the small words of a sentence."""
        words = text.words
        for index, start, end in self._glue.find_matches_as_indexes(words):
            first, last = words.rfind(" ", 0, start) + 1, words.find(" ", end)
            last = len(words) if last < 0 else last
            added = last - first - (end - start)
            if added < 2 or last - first > LONGEST_PIECE or words[first:last] in self._innocent:
                continue
            before, after = _split(words[first:start]), _split(words[end:last])
            if before is not None and after is not None:
                yield Reveal(first, last, " ".join((*before, self._glued[index][1], *after)), "glued")


def _doublings(word: str) -> Iterator[str]:
    """``word`` with one or two of its letters doubled, where ordinary words have such pairs too."""
    places = [k for k, c in enumerate(word) if c in _DOUBLED and word[k + 1 : k + 2] != c and word[k - 1 : k] != c]
    for first, second in itertools.chain(((p, p) for p in places), itertools.combinations(places, 2)):
        form = word[: first + 1] + word[first:]
        yield form if first == second else form[: second + 2] + form[second + 1 :]


def _vowel_dropped(form: str, word: str) -> bool:
    """Whether one vowel alone is covered, as in ``f-ck``: enough where the covering sign is no star."""
    hidden = [k for k, c in enumerate(form) if c == "*"]
    return len(form) == len(word) and len(hidden) == 1 and word[hidden[0]] in _VOWELS


def _occurrences(plain: str, piece: str) -> Iterator[int]:
    start = plain.find(piece)
    while start >= 0:
        end = start + len(piece)
        if not (plain[start - 1 : start].isalnum() and piece[0].isalnum()) and not (
            plain[end : end + 1].isalnum() and piece[-1].isalnum()
        ):
            yield start
        start = plain.find(piece, end)


FILLERS = frozenset(
    """
    a al algo am an and app are as asi boa bom con cada como da das de del desa desde dessa do dos e ela ele eles en era es
    esa ese eso essa esse esta estas este esto estoy eu ever fazer for from get go ha hace hell holy i in is isso ist it
    its just la las lo los mais mas me meu mi minha mucha muy my na nada nao ni no nos o of off on os otra para pela pelo
    pero por porque pra pues pura puro q que quem quiero ser se sea seu seus si sin so son soy su sua such sus ta tan te
    that the their they this to todo toda tu tua tus u um uma un una unos vai vamos van vas vaya ve vete vou voy was wtf
    what when where who why will with y ya yo you your
    """.split()
)


@lru_cache(maxsize=10_000)
def _split(text: str) -> tuple[str, ...] | None:
    """``text`` as a row of small words, or None where it is none."""
    if not text:
        return ()
    for length in range(min(len(text), 7), 0, -1):
        if text[:length] in FILLERS:
            rest = _split(text[length:])
            if rest is not None:
                return (text[:length], *rest)
    return None
