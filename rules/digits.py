"""Numerals in running text: figures, number words of three languages, letters that stand in for figures, and mixtures of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

import msgspec

_UNITS = {
    "0": "zero cero oh nought null nil nul ceros zeros zer0 cer0 sero ziro",
    "1": "uno um uma una un one wun juan hum won",
    "2": "dos dois duas two doss doiz tou",
    "3": "tres three tree tre treis trez thre",
    "4": "cuatro quatro four kuatro cuatr quattro",
    "5": "cinco five sinco singko fife cinko",
    "6": "seis six meia ceis seys sics",
    "7": "siete sete seven ciete syete sevn",
    "8": "ocho oito eight osho eigth oitto",
    "9": "nueve nove nine nuebe nuev nyne nein noveh",
    "10": "diez dez ten dies",
    "11": "once onze eleven",
    "12": "doce doze twelve",
    "13": "trece treze thirteen",
    "14": "catorce quatorze catorze fourteen",
    "15": "quince quinze fifteen",
    "16": "dieciseis dezesseis dezasseis sixteen",
    "17": "diecisiete dezessete dezassete seventeen",
    "18": "dieciocho dezoito eighteen",
    "19": "diecinueve dezenove dezanove nineteen",
    "21": "veintiuno veintiun",
    "22": "veintidos",
    "23": "veintitres",
    "24": "veinticuatro",
    "25": "veinticinco",
    "26": "veintiseis",
    "27": "veintisiete",
    "28": "veintiocho",
    "29": "veintinueve",
}
_TENS = {
    "2": "veinte vinte twenty",
    "3": "treinta trinta thirty",
    "4": "cuarenta quarenta forty fourty",
    "5": "cincuenta cinquenta fifty",
    "6": "sesenta sessenta sixty",
    "7": "setenta seventy",
    "8": "ochenta oitenta eighty",
    "9": "noventa ninety",
}
_HUNDREDS = {
    "1": "cien ciento cem cento",
    "2": "doscientos doscientas duzentos duzentas",
    "3": "trescientos trescientas trezentos trezentas",
    "4": "cuatrocientos cuatrocientas quatrocentos quatrocentas",
    "5": "quinientos quinientas quinhentos quinhentas",
    "6": "seiscientos seiscientas seiscentos seiscentas",
    "7": "setecientos setecientas setecentos setecentas",
    "8": "ochocientos ochocientas oitocentos oitocentas",
    "9": "novecientos novecientas novecentos novecentas",
}


def _by_word(table: dict[str, str]) -> dict[str, str]:
    return {word: value for value, words in table.items() for word in words.split()}


UNITS, TENS, HUNDREDS = _by_word(_UNITS), _by_word(_TENS), _by_word(_HUNDREDS)
REPEATS = {
    "double": 2,
    "doble": 2,
    "dobro": 2,
    "duplo": 2,
    "dupla": 2,
    "triple": 3,
    "treble": 3,
    "triplo": 3,
    "tripla": 3,
}
NUMBER_WORDS = frozenset(UNITS) | frozenset(TENS) | frozenset(HUNDREDS) | frozenset(REPEATS) | {"hundred"}
# A word that is mostly something else counts only between other numerals.
WEAK_WORDS = frozenset(
    (
        "un",
        "una",
        "um",
        "uma",
        "one",
        "won",
        "for",
        "once",
        "oh",
        "hum",
        "tree",
        "juan",
        "null",
        "nil",
        "fore",
        "nein",
        "cem",
        "cien",
        "tre",
        "ten",
        "dies",
        "o",
    )
)

# Figures that letters imitate, as the plain text (lower case) shows them.
_IMITATES = str.maketrans("olisebzqg|", "0115382991")
_TOKEN = re.compile(r"[0-9a-z|]+")
_AMOUNT = re.compile(r"[0-9]+[gbesqz]{1,2}|[eszbgqi][0-9]{1,2}")
_GLUED = re.compile(
    "|".join(sorted((re.escape(w) for w in NUMBER_WORDS - WEAK_WORDS | {"one", "um", "oh"}), key=len, reverse=True))
    + "|[0-9]+"
)


class Numeral(msgspec.Struct, frozen=True, gc=False):
    """A stretch of a plain text that says figures. ``kind``: ``figures``, ``words``, ``mixed`` or ``imitated``."""

    figures: str
    start: int
    end: int
    kind: str


class Word(msgspec.Struct, frozen=True, gc=False):
    """Anything else between them: a word, or a code of letters and figures."""

    text: str
    start: int
    end: int
    code: bool = False


Token = Numeral | Word


TOKENS = 800  # words of a text that are looked at; 4,000 characters of talk have fewer


def tokens(plain: str) -> list[Token]:
    """``plain`` as numerals and other words, in order of place."""
    raw = [(m[0], *m.span()) for m in islice(_TOKEN.finditer(plain), TOKENS)]
    imitating = [_imitation(text) for text, _, _ in raw]
    found: list[Token] = []
    i = 0
    while i < len(raw):
        if _says_nothing(raw[i][0]):
            found.append(Word(*raw[i]))
            i += 1
        else:
            numeral, i = _numeral(raw, imitating, i)
            found.append(numeral)
    return found


@lru_cache(maxsize=4096)
def _says_nothing(text: str) -> bool:
    """Whether a word is no figure, whatever stands beside it: most are none."""
    return text.isalpha() and text not in NUMBER_WORDS and text != "o" and not _imitation(text) and not _glued(text)


def _numeral(raw: Sequence[tuple[str, int, int]], imitating: Sequence[str], i: int) -> tuple[Token, int]:
    text, start, end = raw[i]
    if text.isdigit():
        return Numeral(text, start, end, "figures"), i + 1
    if text in REPEATS and i + 1 < len(raw):
        after, _, after_end = raw[i + 1]
        figure = UNITS.get(after, after)
        if after in ("o", "oh"):
            figure = "0"
        if len(figure) == 1 and figure.isdigit():
            return Numeral(figure * REPEATS[text], start, after_end, "words"), i + 2
    if text in UNITS:
        return _unit(raw, i)
    if text in TENS:
        return _ten(raw, i)
    if text in HUNDREDS:
        return _hundred(raw, i)
    if text == "o" and 0 < i < len(raw) - 1 and _english(raw[i - 1][0]) and _english(raw[i + 1][0]):
        return Numeral("0", start, end, "words"), i + 1
    if imitating[i] and _imitates_here(raw, imitating, i):
        return Numeral(imitating[i], start, end, "imitated"), i + 1
    glued = "" if text.isalpha() and len(text) < 6 else _glued(text)
    if glued:
        return Numeral(glued, start, end, "mixed"), i + 1
    return Word(text, start, end, any(c.isdigit() for c in text)), i + 1


_ENGLISH = frozenset("one two three four five six seven eight nine zero oh double triple".split())


def _english(word: str) -> bool:
    return word in _ENGLISH


def _unit(raw: Sequence[tuple[str, int, int]], i: int) -> tuple[Token, int]:
    text, start, end = raw[i]
    if i + 1 < len(raw) and raw[i + 1][0] == "hundred" and len(UNITS[text]) == 1:
        return Numeral(UNITS[text] + "00", start, raw[i + 1][2], "words"), i + 2
    return Numeral(UNITS[text], start, end, "words"), i + 1


def _ten(raw: Sequence[tuple[str, int, int]], i: int) -> tuple[Token, int]:
    text, start, end = raw[i]
    after = i + 1
    if after < len(raw) and raw[after][0] in ("y", "e", "i"):
        after += 1
    # "treinta y dos", "thirty two", "vinte e um"; but "veinte dos" is two numerals in Spanish and Portuguese.
    joined = after > i + 1 or _english_ten(text)
    if joined and after < len(raw):
        unit = UNITS.get(raw[after][0], "")
        if len(unit) == 1 and unit != "0":
            return Numeral(TENS[text] + unit, start, raw[after][2], "words"), after + 1
    return Numeral(TENS[text] + "0", start, end, "words"), i + 1


def _english_ten(word: str) -> bool:
    return word.endswith("ty")


def _hundred(raw: Sequence[tuple[str, int, int]], i: int) -> tuple[Token, int]:
    text, start, end = raw[i]
    after = i + 1
    if after < len(raw) and raw[after][0] in ("y", "e"):
        after += 1
    if after < len(raw) and (raw[after][0] in TENS or raw[after][0] in UNITS):
        rest, following = _ten(raw, after) if raw[after][0] in TENS else _unit(raw, after)
        if isinstance(rest, Numeral) and len(rest.figures) <= 2:
            return Numeral(HUNDREDS[text] + rest.figures.zfill(2), start, rest.end, "words"), following
    return Numeral(HUNDREDS[text] + "00", start, end, "words"), i + 1


@lru_cache(maxsize=4096)
def _imitation(text: str) -> str:
    """``6l2`` read as figures; empty where a letter imitates none."""
    if text.isdigit() or (len(text) > 3 and text.isalpha()):
        return ""
    figures = text.translate(_IMITATES)
    return figures if figures.isdigit() else ""


def _imitates_here(raw: Sequence[tuple[str, int, int]], imitating: Sequence[str], i: int) -> bool:
    """Letters pass for figures inside a group with figures, and alone only beside such a group."""
    text = raw[i][0]
    if not text.isalpha() and _disguised(text):
        return True
    beside = [raw[j][0] for j in (i - 1, i + 1) if 0 <= j < len(raw)]
    disguised = any(map(_disguised, beside))
    if any(c.isdigit() for c in text):
        return len(text) > 1 and disguised
    if len(text) > 3 or not set(text) <= set("oli|s"):
        return False
    return disguised or (
        len(beside) == 2 and text in ("oo", "ooo", "ll") and all(word.isdigit() and len(word) > 1 for word in beside)
    )


@lru_cache(maxsize=4096)
def _disguised(word: str) -> bool:
    """Whether ``word`` mixes figures with letters for figures: "2l" and "o77oo" do, the amounts "5g", "8gb" and "30s" do not."""
    return len(word) > 1 and bool(_imitation(word)) and not word.isalpha() and not _AMOUNT.fullmatch(word)


@lru_cache(maxsize=4096)
def _glued(text: str) -> str:
    """``six4six`` and ``double0`` as figures; empty where anything else is in it."""
    figures: list[str] = []
    at, times = 0, 1
    while at < len(text):
        part = _GLUED.match(text, at)
        if part is None:
            return ""
        said = part.group()
        at = part.end()
        if said in REPEATS:
            times = REPEATS[said]
            continue
        value = said if said.isdigit() else _value(said)
        if not value:
            return ""
        figures.append(value[0] * (times - 1) + value)
        times = 1
    return "".join(figures)


def _value(word: str) -> str:
    if word in UNITS:
        return UNITS[word]
    if word in TENS:
        return TENS[word] + "0"
    if word in HUNDREDS:
        return HUNDREDS[word] + "00"
    return ""
