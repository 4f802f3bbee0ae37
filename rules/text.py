"""Folding: one plain form of a text for rules to read, and the way back from any place in it to the original.

``fold`` undoes what does not change how a text reads: compatibility forms, case, accents, invisible characters,
letters of other scripts that look like ASCII, letters in boxes and circles. What changes how it reads (``m1erda``,
``p u t a``, ``fuuuck``) is undone by views, which a rule asks for where a disguise may be.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from functools import cached_property as lazy
else:

    class lazy:  # noqa: N801 - it reads as a decorator
        """``functools.cached_property`` without its lock, which takes longer than most of what is computed here."""

        def __init__(self, compute: Callable[[Any], Any]) -> None:
            self.compute = compute
            self.__doc__ = compute.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, instance: Any, owner: type) -> Any:
            if instance is None:
                return self
            value = instance.__dict__[self.name] = self.compute(instance)
            return value


FEW = 50  # characters beyond Latin-1 that are replaced one by one

# Distinct characters that are remembered: more than honest talk uses, and a bound on what an attack can fill.
CACHED_CHARACTERS = 20_000

_INVISIBLE_LETTERS = dict.fromkeys("\u115f\u1160\u3164\uffa0\u180e", "")
_KEPT = {c: c for c in "™℠©®"}
_BREAKS = {"\u2028": "\n", "\u2029": "\n", "\x85": "\n", "\u2800": " "}

# With the few ASCII characters in between: one long run is folded sooner than many short ones.
_NON_ASCII = re.compile(r"[^\x00-\x7f]+(?:[\x00-\x7f]{1,8}[^\x00-\x7f]+)*")
_NON_LATIN = re.compile(r"[^\x00-\xff]")
_INDICATORS = re.compile("[\U0001f1e6-\U0001f1ff]+")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_RUN = re.compile(r"([a-z])\1+")
_SPELLED = re.compile(r"(?<![a-z0-9])[a-z0-9](?:[^a-z0-9]{1,3}[a-z0-9](?![a-z0-9]))+")
_GAP = re.compile(r"[^a-z0-9]+")
_INSIDE = re.compile(r"(?<=[a-z0-9])(?:[^a-z0-9\s]{1,3}|[^\S\n]*\n\s{0,3})(?=[a-z0-9])")

# ISO 3166-1 codes: two regional indicators that spell one are a flag, others are letters.
_REGIONS = """
    ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz
    ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et eu fi fj fk fm
    fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it
    je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn
    mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt
    pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl
    tm tn to tr tt tv tw tz ua ug um us uy uz va vc ve vg vi vn vu wf ws xk ye yt za zm zw
"""
_FLAGS = frozenset(_REGIONS.split())

_WORDS = bytes(c if chr(c).isalnum() and c < 0x80 else 0x20 for c in range(256))
_SHAPES = bytes(0x30 if 0x30 <= c <= 0x39 else 0x20 if c == 0x20 else 0x78 for c in range(256))  # 0, space and x
_SEVEN = re.compile(rb"0(?: {0,9}0){6}")
_SINGLES = re.compile(r" [a-z0-9] {1,3}[a-z0-9] {1,3}[a-z0-9] ")
LEET = {"0": "o", "1": "i", "2": "z", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g"} | {
    "@": "a", "$": "s", "!": "i", "|": "i", "+": "t", "€": "e", "£": "l", "¢": "c", "¥": "y", "¡": "i", "(": "c"
}  # fmt: skip
_LEET = str.maketrans(LEET)


class _Characters(dict[str, str]):
    """What stands for a character in the plain form; filled as characters are met."""

    def __missing__(self, character: str) -> str:
        plain = self._plain(character)
        if len(self) < CACHED_CHARACTERS:
            self[character] = plain
        return plain

    def _plain(self, character: str) -> str:
        category = unicodedata.category(character)
        if category in ("Mn", "Me", "Cf"):
            return ""
        digit = unicodedata.decimal(character, None)
        if digit is None:
            digit = unicodedata.digit(character, None)
        if digit is not None:
            return str(digit)
        if category == "Zs":
            return " "
        decomposed = unicodedata.normalize("NFKD", character)
        if decomposed == character:
            lowered = character.lower()
            return lowered if lowered == character or len(lowered) > 1 else self[lowered]
        if decomposed[0] == " ":  # a spacing accent such as ´ is no letter and no space
            return character
        folded = "".join(self[c] if c > "\x7f" else c.lower() for c in decomposed)
        # Syllables of other scripts fall apart into several characters; nobody reads them apart.
        return folded if folded.isascii() or len(folded) == 1 else character


def _characters() -> _Characters:
    table = _Characters(_INVISIBLE_LETTERS | _KEPT | _BREAKS)
    for line in (Path(__file__).parent / "confusables.txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            imitated, *codes = line.split()
            for code in codes:
                table[chr(int(code, 16))] = imitated
                capital = chr(int(code, 16)).upper()
                if len(capital) == 1:
                    table.setdefault(capital, imitated)
    table["ß"] = "ss"
    table.update((chr(code), chr(code).lower()) for code in range(0x80))
    return table


_CHARACTERS = _characters()

# Latin-1, in which most of what is written in our languages fits, byte for byte. Left out are the few characters that
# stand for several, or for none.
_BYTES = range(256)
_UNEVEN = bytes(c for c in _BYTES if c > 0x7F and not (len(_CHARACTERS[chr(c)]) == 1 and _CHARACTERS[chr(c)] <= "\xff"))
_LATIN = bytes(c if c in _UNEVEN else ord((_CHARACTERS[chr(c)] if c > 0x7F else chr(c)).lower()) for c in _BYTES)
_EVEN = bytes(c for c in _BYTES if c not in _UNEVEN)


class View:
    """Another reading of a folded text. ``text[k]`` stands for ``plain[starts[k]:ends[k]]``."""

    __slots__ = ("_ends", "_folded", "_starts", "text")

    def __init__(self, folded: Folded, text: str, starts: list[int], ends: list[int]) -> None:
        self.text = text
        self._folded, self._starts, self._ends = folded, starts, ends

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``text[start:end]`` (not empty) stands in the original text."""
        return self._folded.span(self._starts[start], self._ends[end - 1])


class Folded:
    """A text in its plain form. ``plain`` is in lower case and, where the text is Latin, ASCII."""

    def __init__(self, original: str, plain: str, starts: list[int] | None = None, *, latin: bool = False) -> None:
        self.original, self.plain = original, plain
        self.latin = latin  # whether every character is one of Latin-1: then there are no emoji
        self.notes: dict[object, Any] = {}  # what a rule has worked out about this text and needs again, by that rule
        words = plain.encode("ascii", "replace").translate(_WORDS)
        self.words = words.decode("ascii")
        """``plain`` with all but ASCII letters and digits made spaces, one for one."""
        self.padded = f" {self.words} "
        """``words`` between two spaces, so that every word has one on either side."""
        self._shape = words.translate(_SHAPES)
        self._starts = starts  # of each character of plain, and the end; None where both texts run in step

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``plain[start:end]`` stands in the original text, with the marks and invisible characters behind."""
        if self._starts is None:
            return start, end
        starts = self._starts
        if start >= end:
            return starts[start], starts[start]
        beyond = starts[end]
        if beyond == starts[end - 1]:  # the cut is within one character of the original, such as ﬁ
            beyond = starts[bisect_left(starts, beyond + 1, end)]
        return starts[start], beyond

    @lazy
    def figures(self) -> int:
        """How many digits there are."""
        return self._shape.count(b"0")

    @lazy
    def mixed(self) -> bool:
        """Whether a letter stands right beside a digit."""
        return b"0x" in self._shape or b"x0" in self._shape

    @lazy
    def grouped(self) -> bool:
        """Whether somewhere seven digits follow each other with nothing but spaces and signs between them."""
        return _SEVEN.search(self._shape) is not None

    @lazy
    def singles(self) -> bool:
        """Whether somewhere three letters or digits stand by themselves one after the other."""
        shape = self._shape.replace(b"0", b"x")
        paired = b"x x " in shape or b"x  x " in shape or b"x   x " in shape
        return paired and _SINGLES.search(self.padded) is not None

    @lazy
    def tokens(self) -> list[str]:
        """The runs of ASCII letters and digits of ``plain``, in order."""
        return self.words.split()

    @lazy
    def vocabulary(self) -> frozenset[str]:
        """The ``tokens`` without their order."""
        return frozenset(self.tokens)

    @lazy
    def leet(self) -> View:
        """Digits and signs read as the letters they are used for (``1`` as ``i``); as long as ``plain``."""
        places = list(range(len(self.plain) + 1))
        return View(self, self.plain.translate(_LEET), places, places[1:])

    @lazy
    def squeezed(self) -> View:
        """Every run of one letter made a single letter."""
        return self._without((m.start() + 1, m.end()) for m in _RUN.finditer(self.plain))

    @lazy
    def joined(self) -> View:
        """Letters and digits set one by one (``p u t a``) moved together; no signs or line breaks within words."""
        gaps = {m.span() for m in _INSIDE.finditer(self.plain)}
        for spelled in _SPELLED.finditer(self.plain):
            gaps.update(m.span() for m in _GAP.finditer(self.plain, *spelled.span()))
        return self._without(sorted(gaps))

    def _without(self, gaps: Iterable[tuple[int, int]]) -> View:
        pieces: list[str] = []
        places: list[int] = []
        last = 0
        for start, end in gaps:
            pieces.append(self.plain[last:start])
            places += range(last, start)
            last = end
        pieces.append(self.plain[last:])
        places += range(last, len(self.plain))
        return View(self, "".join(pieces), places, [place + 1 for place in places])

    @lazy
    def decoded(self) -> Folded | None:
        """The text with its percent-encoded characters decoded; None where there are none."""
        if "%" not in self.original or not _PERCENT.search(self.original):
            return None
        pieces: list[str] = []
        starts: list[int] = []
        last = 0
        for match in _PERCENT.finditer(self.original):
            try:
                characters = unquote_to_bytes(match[0]).decode("utf-8")
            except UnicodeDecodeError:
                continue
            if not characters.isprintable():
                continue
            pieces += self.original[last : match.start()], characters
            starts += range(last, match.start())
            starts += [match.start()] * len(characters)
            last = match.end()
        if not pieces:
            return None
        pieces.append(self.original[last:])
        starts += range(last, len(self.original) + 1)
        inner = fold("".join(pieces))
        if inner._starts is not None:
            starts = [starts[place] for place in inner._starts]
        return Folded(self.original, inner.plain, starts)


def fold(text: str) -> Folded:
    """The plain form of ``text``. Linear in its length."""
    if text.isascii():
        return Folded(text, text.lower(), latin=True)
    # Every character beyond Latin-1 is for now one question mark, so that places stay what they are.
    encoded = text.encode("latin-1", "replace")
    if encoded.translate(None, _EVEN):
        return _fold_by_character(text)
    plain = encoded.translate(_LATIN).decode("latin-1")
    others = encoded.count(b"?") - text.count("?")
    if not others:
        return Folded(text, plain, latin=True)
    if others > FEW:
        return _fold_by_character(text)
    pieces: list[str] = []
    last = 0
    for other in _NON_LATIN.finditer(text):
        place = other.start()
        character = other[0]
        replacement = _CHARACTERS[character]
        if len(replacement) != 1 or "\U0001f1e6" <= character <= "\U0001f1ff":
            return _fold_by_character(text)
        pieces += plain[last:place], replacement
        last = place + 1
    pieces.append(plain[last:])
    return Folded(text, "".join(pieces))


def _fold_by_character(text: str) -> Folded:
    pieces: list[str] = []
    starts: list[int] = []
    last = 0
    for run in _NON_ASCII.finditer(text):
        start, end = run.span()
        pieces.append(text[last:start].lower())
        starts += range(last, start)
        replaced = [*map(_CHARACTERS.__getitem__, run[0])]
        if _INDICATORS.search(text, start, end):
            for place in _flags(text, start, end):
                replaced[place - start] = text[place]
        pieces += replaced
        starts += [place for place, replacement in enumerate(replaced, start) for _ in replacement]
        last = end
    pieces.append(text[last:].lower())
    starts += range(last, len(text) + 1)
    return Folded(text, "".join(pieces), starts)


def _flags(text: str, start: int, end: int) -> set[int]:
    """Places of regional indicators that are flags. Those that spell no flag, or stand within a word, are letters."""
    flags: set[int] = set()
    for run in _INDICATORS.finditer(text, start, end):
        first, last = run.span()
        letters = "".join(_CHARACTERS[c] for c in run[0])
        pairs = [letters[k : k + 2] for k in range(0, len(letters), 2)]
        before, after = text[first - 1 : first].isalnum(), text[last : last + 1].isalnum()
        spelled = len(pairs) > 1 and not before and not after  # as 🇸🇭🇮🇹: two flags by chance
        if _FLAGS.issuperset(pairs) and not spelled and not (before and after):
            flags.update(range(first, last))
    return flags
