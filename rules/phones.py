"""Telephone numbers in running text, however they are written, and told from all the other numbers of a marketplace.

The same figures are once a telephone and once an order number. Three things decide: whether a numbering plan knows them
(``phonenumbers``), whether they are disguised (nobody spells out an order number), and the words around them (``call``,
``order``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import msgspec
import phonenumbers

from rules.cues import Cues, words
from rules.digits import HUNDREDS, NUMBER_WORDS, REPEATS, WEAK_WORDS, Numeral, Token, Word, tokens
from rules.text import Folded

# Where the marketplaces are. National numbers have these lengths there, trunk prefixes included.
REGIONS = {
    "ES": (9,),
    "PT": (9,),
    "BR": (11, 10, 12),
    "MX": (10, 12, 13),
    "AR": (10, 11, 12, 13),
    "CO": (10,),
    "US": (10, 11),
    "GB": (11,),
}
_SPOKEN = {"es": ("ES", "MX", "AR", "CO"), "pt": ("BR", "PT"), "en": ("US", "GB")}
SHORTEST, LONGEST = 7, 15  # figures; E.164 allows 15
CHECKS = 12  # numbering-plan look-ups that a text may cost
NUMERALS = 20  # numerals of one run that are looked at; a number said figure by figure has 15
PARTS = 40  # stretches of figures that are weighed in a text


class Phone(msgspec.Struct, frozen=True, gc=False):
    """A telephone number at ``start`` to ``end`` of the plain text. ``region`` is empty where no plan knows it."""

    figures: str
    start: int
    end: int
    region: str
    score: float
    step: str = ""


class Run(msgspec.Struct):
    """Numerals that follow each other with nothing but signs or "and then" between them."""

    numerals: list[Numeral]
    gaps: list[str]  # what stands between them, one fewer
    priced: int = 0  # how many carry a currency

    @property
    def figures(self) -> str:
        return "".join(numeral.figures for numeral in self.numerals)

    @property
    def start(self) -> int:
        return self.numerals[0].start

    @property
    def end(self) -> int:
        return self.numerals[-1].end

    def cut(self, first: int, last: int) -> Run:
        """The part from numeral ``first`` up to ``last``."""
        return Run(self.numerals[first:last], self.gaps[first : last - 1], self.priced)


_CONNECTORS = words("connectors")
_CONNECTING = frozenset(word for phrase in _CONNECTORS for word in phrase.split()) | {"area", "code", "ddd"}
_AMOUNT_WORDS = words("amounts")
_MASKED = re.compile(
    r"(?=\d)(?:"  # tried only where a figure stands
    r"(?<![\d./:-])(?:[0-3]?\d[./-][01]?\d[./-](?:20)?\d\d|(?:19|20)\d\d[./-][01]?\d[./-][0-3]?\d)(?![./:-]?\d)"  # dates
    r"|(?<![\d:])[0-2]?\d[:h][0-5]\d(?![\d:])"  # times
    r"|(?<![\d.])(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?![.\d])"  # addresses of routers
    r"|(?<![\d.,])\d{1,6}(?:[.,]\d{1,4})?\s?[x*]\s?\d{1,6}(?:[.,]\d{1,4})?(?:\s?[x*]\s?\d{1,6}(?:[.,]\d{1,4})?)?"  # measures
    r"|(?<![\d.,])\d{1,6}(?:[.,]\d{1,4})?\s?%"
    r"|(?<![\d.,-])\d{1,3}[.,]\d{1,2}(?![\d.,]|-\d)"  # 24,5
    r"|(?<![\d.,-])(?:\d{1,2}(?:[.,]\d{3}){1,2}|\d{3}[.,]\d{3})(?![\d.,-]|\s\d)(?![.,]\d)"  # 31.500.000
    r"|(?<![\d-])\d{5}-\d{3}(?![\d-])|(?<!\d[ -])(?<![\d-])\d{4}-\d{3}(?![\d -]*\d)"  # postcodes
    r"|(?<!\d)97[89][ -]?\d(?:[ -]?\d){9}(?!\d)"  # books
    r")"
)
_CURRENCY = re.compile(r"[$€£]|(?<![a-z])(?:r\$|us|rs|eur|usd)")


def may_hold_phone(text: Folded, cues: Cues) -> bool:
    """Whether a text has figures enough, written or spelled out, close to each other. Cheap: most messages end here."""
    said = text.figures
    if said < SHORTEST:
        for word in NUMBER_WORDS & text.vocabulary:
            said += text.tokens.count(word) * (2 if len(word) > 4 else 1)
        if said < SHORTEST and not (text.figures and (text.mixed or "|" in text.plain)):
            return False
    if said >= SHORTEST and (text.grouped or "join" in cues or "reversed" in cues or "dial" in cues):
        return True
    run = 0
    for word in text.tokens:
        adds = _ADDS.get(word, 0) if word.isalpha() else len(word)
        if adds:
            run += adds
            if run >= SHORTEST:
                return True
        elif word not in _CONNECTING:
            run = 0
    return False


_LETTER_GROUPS = frozenset(("o", "l", "oo", "ooo", "ll", "lo", "ol", "il", "li", "io", "oi"))
# How many figures a word may stand for.
_ADDS = {
    word: 3 if word in HUNDREDS or word in REPEATS else 2 if len(word) > 4 else 1
    for word in NUMBER_WORDS | _LETTER_GROUPS
}


def find(text: Folded, cues: Cues, home: str | None = None) -> list[Phone]:
    """The telephone numbers of a text, in order of place, not overlapping.

    ``home`` is a region or a language: where several plans know a number, that one's, or one where it is spoken, is named.
    """
    if not may_hold_phone(text, cues):
        return []
    said = tokens(text.plain)
    found: list[Phone] = []
    plan = _Plan(home)
    for run in runs(text.plain, said):
        if plan.spent:
            break
        phone = _judge(run, text, cues, said, plan)
        if phone:
            found.append(phone)
    return found or _scattered(text, cues, said, plan)


@lru_cache(maxsize=4)
def _masked(plain: str) -> list[tuple[int, int]]:
    """Dates, times, measures and the like, in order of place."""
    return [match.span() for match in _MASKED.finditer(plain)]


def runs(plain: str, said: Sequence[Token]) -> Iterator[Run]:
    """Numerals joined to runs: what a reader would dial in one go."""
    masked = _masked(plain)
    mask = 0
    run: Run | None = None
    end = 0
    between: list[str] = []
    for token in said:
        if isinstance(token, Word):
            between.append("?" if token.code else token.text)
            continue
        while mask < len(masked) and masked[mask][1] <= token.start:
            mask += 1
        if mask < len(masked) and masked[mask][0] < token.end:
            between.append("?")
            continue
        gap, end = plain[end : token.start], token.end
        if run and _joins(gap, between):
            run.gaps.append(gap)
            run.numerals.append(token)
        else:
            if run:
                yield run
            run = Run([token], [])
        between = []
    if run:
        yield run


def _joins(gap: str, between: list[str]) -> bool:
    if not between:
        return len(gap) <= 10 and "\n\n" not in gap
    return len(between) <= 4 and " ".join(between) in _CONNECTORS and len(gap) <= 30


def _judge(run: Run, text: Folded, cues: Cues, said: Sequence[Token], plan: _Plan) -> Phone | None:
    if len(run.numerals) > NUMERALS:
        run = run.cut(0, NUMERALS)
    if len(run.figures) < SHORTEST:
        return None
    for part in _parts(run, text.plain):
        if plan.spent:
            return None
        plan.parts -= 1
        phone = _judge_part(part, text, cues, plan)
        if phone:
            return phone
    return None


def _parts(run: Run, plain: str) -> Iterator[Run]:
    """The run itself, then what is left without the strays at its ends, then any stretch of a long one."""
    after = re.match(r"\s?([a-z]+)", plain[run.end : run.end + 14])
    amount = after is not None and after[1] in _AMOUNT_WORDS
    n = len(run.numerals)
    if amount:
        run, n = run.cut(0, n - 1) if n > 1 else run, n - 1
        if not n:
            return
    if len(run.figures) <= LONGEST:
        yield run
    strays = [
        (first, last)
        for first in range(min(n, 3))
        for last in range(n, max(n - 3, first), -1)
        if (first, last) != (0, n)
    ]
    for first, last in sorted(strays, key=lambda cut: n - (cut[1] - cut[0])):
        part = run.cut(first, last)
        if 9 <= len(part.figures) <= 13 and _loose(run, first, last):
            yield part
    if len(run.figures) > LONGEST:
        for first in range(n):
            for last in range(first + 1, n + 1):
                part = run.cut(first, last)
                if 9 <= len(part.figures) <= 12:
                    yield part


def _loose(run: Run, first: int, last: int) -> bool:
    """Whether what is cut off at the ends hangs less closely than the rest: a stray "one", a price after a comma."""
    cut = [*run.gaps[:first], *run.gaps[last - 1 :]]
    strays = [*run.numerals[:first], *run.numerals[last:]]
    tight = run.gaps[first : last - 1]
    return (
        all(len(gap.strip()) > 0 or gap == "\n" for gap in cut)
        and all(gap not in cut for gap in tight)
        or all(n.kind == "words" for n in strays)
        and (any(n.kind == "figures" for n in run.numerals[first:last]))
    )


def _judge_part(run: Run, text: Folded, cues: Cues, plan: _Plan) -> Phone | None:
    figures, start, end = run.figures, run.start, run.end
    plain = text.plain
    lead = plain[max(0, start - 3) : start]
    international = lead.endswith(("+", "+(")) or (
        figures.startswith("00") and len(figures) > 10 and region_of(figures, True) != ""
    )
    step = _disguise(run, text)
    calls = _calls(cues, start, end)
    if not international and _labelled(cues, plain, start, end, step, calls):
        return None
    if _priced(run, plain, start) and not (
        calls or "join" in cues or re.search(r"[$€]\s?0\d", plain[max(0, start - 2) : end])
    ):
        return None
    backwards = "reversed" in cues
    region = plan.region(figures[::-1] if backwards else figures, international)
    if backwards and not region:
        region = plan.region(figures, international)
    if not international and not step and not _natural(run) and not calls:
        return None
    if (_ascending(run) or len(set(figures)) == 1) and not calls:
        return None
    score = _score(region, bool(step), international, calls, len(figures), run)
    if not score:
        return None
    step = step or ("reversed" if backwards else "")
    while start and plain[start - 1] in "+(":
        start -= 1
    return Phone(figures, start, end, region, score, step)


def _score(region: str, disguised: bool, international: bool, calls: int, figures: int, run: Run) -> float:
    if international and 8 <= figures <= LONGEST:
        return 0.95 if region else 0.8
    if region:
        return 0.95 if calls else 0.9 if disguised else 0.75
    if calls == 2 and figures <= 13 and (disguised or figures >= 8 or _natural(run)):
        return 0.7
    if (
        disguised
        and 8 <= figures <= 13
        and not _repeated(run.figures)
        and (calls or len(run.numerals) >= 7 or figures >= 9)
    ):
        return 0.65
    return 0.0


def _disguise(run: Run, text: Folded) -> str:
    kinds = {numeral.kind for numeral in run.numerals}
    if "imitated" in kinds:
        return "look-alike"
    strong = sum(1 for n in run.numerals if n.kind == "words" and text.plain[n.start : n.end] not in WEAK_WORDS)
    if "mixed" in kinds or strong >= 2 or (strong and "figures" in kinds and len(run.numerals) > 3):
        return "words"
    start, end = text.span(run.start, run.end)
    shown = text.original[start:end]
    if not shown.isascii() and any(c.isnumeric() and c > "\x7f" or c == "\u20e3" for c in shown):
        return "look-alike"
    if any(c > "\x7f" and not c.isalnum() and c not in "–—‑·•€£º" for gap in run.gaps for c in gap.strip()):
        return "separated"
    if len(run.numerals) >= 7 and all(len(n.figures) == 1 for n in run.numerals):
        return "spaced"
    if any(c in "*_~#<>|=^\\" for gap in run.gaps for c in gap):
        return "separated"
    return ""


def _calls(cues: Cues, start: int, end: int) -> int:
    """2 where words close by say that this is to be called, 1 where such words are anywhere, 0 else."""
    spots = cues["dial"] or cues["account"]
    if cues["messenger"]:
        spots = spots + cues["messenger"]
    if any(start - 45 <= e <= start + 1 or end - 1 <= s <= end + 30 for s, e in spots):
        return 2
    shown = not cues.plain.isascii() and any(sign in cues.plain for sign in _TELEPHONES)
    return 1 if spots or shown or "join" in cues or "reversed" in cues else 0


_TELEPHONES = frozenset(
    "\N{BLACK TELEPHONE}\N{TELEPHONE RECEIVER}\N{MOBILE PHONE}\N{MOBILE PHONE WITH RIGHTWARDS ARROW AT LEFT}\N{CALL ME HAND}"
)


def _labelled(cues: Cues, plain: str, start: int, end: int, step: str, calls: int) -> bool:
    """Whether the figures are called something else: ``order 4155550187``."""
    if step == "words" and end - start > 24:  # nobody spells out an order number
        return False
    reach = 14 if step else 32
    # The code in "area code" is none.
    before = [
        e
        for s, e in cues["identifier"]
        if start - reach <= e <= start and not any(a <= s and e <= b for a, b in cues["dial"])
    ]
    if before:
        label = max(before)
        closer = [
            s
            for concept in ("dial", "messenger", "account")
            for s, e in cues[concept]
            if label - 1 <= s < start and e > label
        ]
        if not closer:
            return True
    if step:
        return False
    # "el 612345678 es mi pedido"; a code right beside makes a longer code: "PK9F 6120 4455 01 ES".
    if not calls and any(end <= s <= end + 16 for s, _ in cues["identifier"]):
        return True
    beside = re.search(
        r"([a-z]*[0-9]*[a-z]+[0-9]+[a-z]*|[0-9]+[a-z]{1,3}|[a-z]{2}) ?-?$", plain[max(0, start - 12) : start]
    )
    if beside and any(c.isdigit() for c in beside[1]):
        return True
    return bool(re.match(r" ?-?(?=[a-z]*[0-9])[a-z0-9]{2,8}\b", plain[end : end + 10])) and not calls


def _priced(run: Run, plain: str, start: int) -> bool:
    around = plain[max(0, start - 4) : run.end + 3]
    return bool(
        _CURRENCY.search(around[:4]) or _CURRENCY.search(around[-3:]) or any(_CURRENCY.search(gap) for gap in run.gaps)
    )


def _natural(run: Run) -> bool:
    """Whether people group telephone numbers so: ``612 34 56 78``, not ``3, 12, 40, 41, 7`` and not ``38 40 41 43 45``."""
    groups = [len(n.figures) for n in run.numerals]
    if any("," in gap or "/" in gap or ";" in gap for gap in run.gaps) or any(
        any(c.isalpha() for c in gap) for gap in run.gaps
    ):
        return False
    if len(groups) == 1:
        return True
    pairs = all(size <= 2 for size in groups)
    if pairs:
        return len(groups) >= 5 and any(n.figures.startswith("0") for n in run.numerals)
    return len(groups) <= 6 and max(groups) >= 3 and groups.count(1) <= 1


def _ascending(run: Run) -> bool:
    values = [int(n.figures) for n in run.numerals]
    return len(values) >= 4 and all(a < b for a, b in pairwise(values))


def _repeated(figures: str) -> bool:
    return (
        len(set(figures)) <= 2
        or figures in "12345678901234567890"
        or figures[:3] * 2 == figures[:6]
        and figures[:3] in ("123", "012")
    )


def _scattered(text: Folded, cues: Cues, said: Sequence[Token], plan: _Plan) -> list[Phone]:
    """Figures strewn over the words ("8 ducks 1 pond ..."), where the message says that they are to be put together."""
    if not ("join" in cues or "reversed" in cues or "dial" in cues):
        return []
    masked = _masked(text.plain)
    numerals = [
        token
        for token in said
        if isinstance(token, Numeral)
        and text.plain[token.start : token.end] not in WEAK_WORDS
        and not any(s < token.end and token.start < e for s, e in masked)
    ]
    figures = "".join(numeral.figures for numeral in numerals)
    if not 9 <= len(figures) <= 13 or len(numerals) < 3 or "identifier" in cues:
        return []
    if (
        "join" not in cues
        and "reversed" not in cues
        and (len(numerals) < 7 or any(len(n.figures) > 1 for n in numerals))
    ):
        return []
    region = plan.region(figures[::-1] if "reversed" in cues else figures, False)
    if not region:
        return []
    return [Phone(figures, numerals[0].start, numerals[-1].end, region, 0.75, "scattered")]


class _Plan:
    """Numbering plans, asked a bounded number of times for one text."""

    def __init__(self, home: str | None) -> None:
        self.home = home
        self.left = CHECKS
        self.parts = PARTS

    @property
    def spent(self) -> bool:
        """Whether the text has had its share of the time."""
        return self.left <= 0 or self.parts <= 0

    def region(self, figures: str, international: bool) -> str:
        """The region whose plan knows ``figures``, or an empty string."""
        if not SHORTEST <= len(figures) <= LONGEST or self.left <= 0:
            return ""
        self.left -= 1
        return region_of(figures, international, self.home)


@lru_cache(maxsize=256)
def region_of(figures: str, international: bool = False, home: str | None = None) -> str:
    """The region whose numbering plan knows ``figures``, or an empty string.

    Of REGIONS, those of ``home`` (a region or a language) are asked first. An ``international`` number, with its country
    code, may be of any region at all.
    """
    if international:
        return _valid("+" + figures.removeprefix("00"), None)
    near = _SPOKEN.get(home or "", (home,))
    ordered = sorted(REGIONS, key=lambda region: region not in near)
    for region in ordered:
        if len(figures) in REGIONS[region] and _plausible(figures, region) and _valid(figures, region):
            return region
    # A country code without its plus: 34 612 34 56 78.
    if len(figures) >= 11 and figures.startswith(("34", "351", "55", "52", "54", "57", "44", "1")):
        known = _valid("+" + figures, None)
        return known if known in REGIONS else ""
    return ""


# How national numbers begin: spares the library the numbers that no plan of the region can know.
_BEGINS = {
    "ES": re.compile(r"[6-9]"),
    "PT": re.compile(r"[239]"),
    "BR": re.compile(r"0?[1-9]{2}(?:9\d{8}|[2-5]\d{7})$"),
    "MX": re.compile(r"(?:52|01|044|045)?1?[2-9]"),
    "AR": re.compile(r"(?:54|0)?9?(?:11|[23])"),
    "CO": re.compile(r"3|60"),
    "US": re.compile(r"1?[2-9]\d\d[2-9]\d{6}$"),
    "GB": re.compile(r"0[12378]"),
}


def _plausible(figures: str, region: str) -> bool:
    return _BEGINS[region].match(figures) is not None


def _valid(number: str, region: str | None) -> str:
    # Ofcom keeps 07700 900xxx for fiction; the metadata does not know it.
    if region == "GB" and number.startswith("07700900"):
        return "GB"
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(parsed):
        return "GB" if number.startswith("+447700900") else ""
    return region or phonenumbers.region_code_for_number(parsed) or "001"


def joined(parts: Iterable[tuple[str, bool]], home: str | None = None) -> tuple[str, str]:
    """``(figures, region)`` of the longest tail of ``parts`` that a numbering plan knows; empty strings if there is none.

    ``parts`` holds the figures of successive messages, the last one last, with whether they were spelled out.
    """
    pieces = [figures for figures, _ in parts]
    for first in range(len(pieces)):
        figures = "".join(pieces[first:])
        if len(pieces) - first >= 2 and 9 <= len(figures) <= 13:
            known = region_of(figures, False, home)
            if known:
                return figures, known
    return "", ""
