"""Cues: the words that tell what a message is about, found in one pass for all the families that ask.

Each file under ``terms/`` that holds cues is TOML: a table per concept, a list of phrases per language, and ``[[recipe]]``
entries that name which concepts together mean something. A phrase ending in ``*`` matches every word that begins so, one
ending in `` *`` any further word; ``{a,b}`` stands for either. Phrases are read in lower case and without accents.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from bisect import bisect
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path

import msgspec
from ahocorasick_rs import AhoCorasick, MatchKind

from rules.text import LEET, Folded

TERMS = Path(__file__).parent / "terms"
TEXT_FILES = ("stance", "contact", "payment", "scam", "links")

Span = tuple[int, int]

# Everything but letters and digits reads as a space, so that "code," and "code" are one word.
_SPACES = {point: " " for point in range(128) if not chr(point).isalnum()}
_CLAUSE_END = re.compile(r"[.;!?\n]+(?=\s|$)|\s(?:pero|but|mas|porem|sino)\s")


class Recipe(msgspec.Struct, frozen=True):
    """Concepts that mean something together.

    One occurrence of every concept in ``needs`` (``a|b`` is either) must lie within ``within`` characters of the others.
    ``unless`` names concepts that excuse it anywhere in the message, ``unless_near`` those that do so within ``NEAR``
    characters; a refusal or a warning in the same clause always does. ``amount`` asks for a figure between the cues.
    """

    name: str
    needs: tuple[str, ...]
    score: float = 0.8
    within: int = 60
    unless: tuple[str, ...] = ()
    unless_near: tuple[str, ...] = ()
    amount: bool = False


class Cues:
    """Where each concept occurs in a plain text: ``cues["messenger"]`` is a list of spans of that text, empty if there is none."""

    __slots__ = ("_either", "_found", "plain", "present")

    def __init__(self, plain: str, found: dict[str, list[Span]]) -> None:
        self.plain = plain
        self.present = found.keys()
        self._found = found
        self._either: dict[str, list[Span]] = {}

    def __getitem__(self, concept: str) -> list[Span]:
        return self._found.get(concept, [])

    def __contains__(self, concept: str) -> bool:
        return concept in self._found

    def any_of(self, concepts: str) -> list[Span]:
        """Occurrences of ``a|b|c``: of any of them, in order of place."""
        either = self._either.get(concepts)
        if either is None:
            either = sorted(span for concept in concepts.split("|") for span in self[concept])
            self._either[concepts] = either
        return either

    def may_fulfil(self, recipe: Recipe) -> bool:
        """Whether something of everything that ``recipe`` needs is there at all, and nothing that excuses it."""
        present = self.present
        for need in recipe.needs:
            if need not in present and ("|" not in need or present.isdisjoint(need.split("|"))):
                return False
        return present.isdisjoint(recipe.unless)

    def clause(self, start: int, end: int) -> Span:
        """The clause around ``start`` to ``end``: up to a full stop or a "but" on either side."""
        left, right = 0, len(self.plain)
        for stop in _CLAUSE_END.finditer(self.plain, max(0, start - 200), min(len(self.plain), end + 200)):
            if stop.end() <= start:
                left = stop.end()
            elif stop.start() >= end:
                right = stop.start()
                break
        return left, right

    def within(self, concept: str, span: Span) -> bool:
        """Whether ``concept`` occurs inside ``span``."""
        return concept in self._found and any(end <= span[1] for _, end in self._begun(concept, *span))

    def led(self, start: int, end: int, leads: Sequence[str]) -> Span:
        """A place as a phrase: from the verb that leads to it, "hazme un bizum" and not "bizum", to where the phrase ends."""
        before = [
            s
            for lead in leads
            for s, e in self[lead]
            if start - 24 <= s < start and not _BREAK.search(self.plain, e, max(e, start))
        ]
        stop = _PHRASE_END.search(self.plain, end, min(len(self.plain), end + PHRASE))
        return min(before, default=start), stop.start() if stop else min(len(self.plain), end + PHRASE) if len(
            self.plain
        ) - end <= PHRASE else end

    def refused(self, start: int, end: int) -> bool:
        """Whether the words around a place refuse what it names, warn of it, or report somebody else's asking."""
        if _STANCES.isdisjoint(self.present):
            return False
        left, right = self.clause(start, end)
        if self.within("warning", (left, right)) or self.within("reported", (left, right)):
            return True
        plain = self.plain
        if any(
            e <= start + 3 and start - e <= _REFUSAL_REACH and not _BREAK.search(plain, e, max(e, start))
            for s, e in self._begun("refuse", max(left, start - _REFUSAL_REACH - LONGEST), start + 3)
        ):
            return True
        return any(
            e <= right and not _BREAK.search(plain, end, max(end, s))
            for s, e in self._begun("refuse_after", end - 3, end + _REFUSAL_REACH)
        )

    def denied(self, chosen: Sequence[Span]) -> bool:
        """Whether a refusal stands right before one of the cues: "solo el pago de aquí, nada por fuera"."""
        if "refuse" not in self.present:
            return False
        return any(start <= e + 2 for start, _ in chosen for _, e in self._begun("refuse", start - LONGEST, start - 1))

    def _begun(self, concept: str, first: int, last: int) -> list[Span]:
        """The occurrences that begin at ``first`` to ``last``: of a flood of them only those near."""
        spans = self.any_of(concept)
        return spans[bisect(spans, (first, -1)) : bisect(spans, (last + 1, -1))]


# A comma ends what a refusal reaches, unless the list goes on: "no bizum, ni transferencias".
_BREAK = re.compile(r",(?!\s?(?:ni|or|nor|ou|nem|y|e|o|and|cash|bizum|pix|venmo|zelle|transfer\w*)\s)")
LONGEST = 60  # characters of a refusal
PHRASE = 36  # characters that a phrase may go on behind its last cue
_PHRASE_END = re.compile(
    r"[,;:.!?\n](?=\s|$)|\s(?:y|and|e|o|or|ou|que|that|pero|but|mas|porque|because|si|if|se|asi|so|para|pra|luego|then"
    r"|depois|te|it|you|le)\s"
)
_REFUSAL_REACH = 40  # characters between "I never" and what is refused
_STANCES = frozenset(("refuse", "refuse_after", "warning", "reported"))


@cache
def _small_words() -> dict[str, frozenset[str]]:
    table = tomllib.loads((TERMS / "contact_words.toml").read_text(encoding="utf-8"))
    return {name: frozenset(entries) for name, entries in table.items()}


def words(name: str) -> frozenset[str]:
    """One of the lists in ``terms/contact_words.toml``."""
    return _small_words()[name]


def plainly(phrase: str) -> str:
    """A phrase in the form in which it is searched: lower case, no accents, single spaces."""
    letters = unicodedata.normalize("NFKD", phrase.casefold())
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).translate(_SPACES).split())


def expand(phrase: str) -> Iterator[str]:
    """``"mi {numero,movil}"`` gives ``"mi numero"`` and ``"mi movil"``."""
    parts = [part.split(",") if braced else [part] for braced, part in _braces(phrase)]
    for choice in product(*parts):
        yield "".join(choice)


def _braces(phrase: str) -> Iterator[tuple[bool, str]]:
    for i, part in enumerate(re.split(r"[{}]", phrase)):
        yield i % 2 == 1, part


class Recipes:
    """The recipes of a family, in their order. ``concepts`` are all that they need."""

    def __init__(self, recipes: Sequence[Recipe]) -> None:
        self._recipes = recipes
        self._beginning: dict[str, list[int]] = {}
        for place, recipe in enumerate(recipes):
            for concept in recipe.needs[0].split("|"):
                self._beginning.setdefault(concept, []).append(place)
        self.concepts = frozenset(c for recipe in recipes for need in recipe.needs for c in need.split("|"))
        self.first = frozenset(self._beginning)

    def begun(self, cues: Cues) -> list[Recipe]:
        """Those of which the first need is there."""
        if self.first.isdisjoint(cues.present):
            return []
        places = {place for concept in cues.present for place in self._beginning.get(concept, ())}
        return [self._recipes[place] for place in sorted(places)]


class _Book:
    """The automaton over all phrases, and what each of them means."""

    def __init__(self, files: Sequence[str]) -> None:
        meanings: dict[str, list[str]] = {}
        self.recipes: dict[str, Recipes] = {}
        for name in files:
            path = TERMS / f"{name}.toml"
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            self.recipes[name] = Recipes(msgspec.convert(table.pop("recipe", []), tuple[Recipe, ...]))
            for concept, languages in table.items():
                for phrases in languages.values():
                    for phrase in phrases:
                        for form in expand(phrase):
                            concepts = meanings.setdefault(_key(form), [])
                            if concept not in concepts:
                                concepts.append(concept)
        self.meanings = list(meanings.values())
        self.closed = [key.endswith("|") for key in meanings]
        self.automaton = AhoCorasick([key.replace("|", " ") for key in meanings], matchkind=MatchKind.Standard)


def _key(form: str) -> str:
    """What is searched for a phrase: ``pag*`` any word that begins so, ``paga *`` any word behind it, others an end mark."""
    if form.endswith(" *"):
        return f" {plainly(form)} "
    return f" {plainly(form)}" + ("" if form.endswith("*") else "|")


_BOOK = _Book(TEXT_FILES)
_EMOJI_BOOK = _Book(("emoji",))  # everyday words, looked for only beside an emoji


def recipes(family: str) -> Recipes:
    """The recipes in ``terms/<family>.toml``."""
    return _BOOK.recipes[family]


def read(text: Folded) -> Cues:
    """The cues in a text. They stay with it, since several families ask for them."""
    cues: Cues | None = text.notes.get(_BOOK)
    if cues is None:
        cues = text.notes[_BOOK] = _read(text)
    return cues


def _read(text: Folded) -> Cues:
    found: dict[str, list[Span]] = {}
    _search(_BOOK, text.words, 0, None, found)
    if text.mixed and _LEET.search(text.words):
        for word in _MIXED.finditer(text.plain):
            _search(_BOOK, word[0].translate(_UNLEET), word.start(), word.span(), found)
    if text.singles:
        for spelled in _SPELLED.finditer(text.plain):
            _search(_BOOK, re.sub(r"[^a-z0-9]", "", spelled[0]), spelled.start(), spelled.span(), found)
    return Cues(text.plain, found)


def read_beside_emoji(text: Folded) -> Cues:
    """The cues of ``terms/emoji.toml`` in a text."""
    found: dict[str, list[Span]] = {}
    _search(_EMOJI_BOOK, text.words, 0, None, found)
    return Cues(text.plain, found)


# Letters with figures among them, and letters set one by one: where a word may be in disguise.
_LEET = re.compile(r"[a-z][0-9][a-z]|[a-z]{2}[0-9]|[0-9][a-z]{2}")
_MIXED = re.compile(r"(?<![a-z0-9])(?=[a-z]{0,20}[0-9]{1,3}[a-z])[a-z0-9]{3,24}")
_UNLEET = str.maketrans(LEET)
_SPELLED = re.compile(r"(?<![a-z0-9])[a-z0-9]([^a-z0-9]{1,3})[a-z0-9](?:\1[a-z0-9](?![a-z0-9])){1,20}")


def _search(book: _Book, words: str, offset: int, whole: Span | None, found: dict[str, list[Span]]) -> None:
    padded = f" {words}  "
    meanings, closed = book.meanings, book.closed
    for index, start, end in book.automaton.find_matches_as_indexes(padded, overlapping=True):
        if closed[index]:
            end -= 1
        elif padded[end] != " ":
            end = padded.index(" ", end)
        elif padded[end - 1] == " ":
            continue
        span = whole or (offset + start, offset + end - 1)
        for concept in meanings[index]:
            found.setdefault(concept, []).append(span)


def matches(cues: Cues, recipe: Recipe) -> Iterator[Span]:
    """Where ``recipe`` is fulfilled: spans of the plain text from its first cue to its last."""
    if not cues.may_fulfil(recipe):
        return
    needs = [cues.any_of(need) for need in recipe.needs]
    last = -1
    for anchor in needs[0][:_ANCHORS]:
        chosen = [anchor]
        for others in needs[1:]:
            beside = [
                span for span in _nearest(others, anchor) if all(span[1] <= c[0] or c[1] <= span[0] for c in chosen)
            ]
            if not beside:
                break
            chosen.append(min(beside, key=lambda span: _distance(anchor, span)))
        else:
            start, end = min(s for s, _ in chosen), max(e for _, e in chosen)
            if end - start <= recipe.within + sum(e - s for s, e in chosen) and start >= last:
                near = (start - NEAR, end + NEAR)
                if any(cues.within(concept, near) for concept in recipe.unless_near):
                    continue
                if recipe.amount and not _FIGURE.search(cues.plain, start, end):
                    continue
                if not (cues.refused(start, end) or cues.denied(chosen)):
                    yield start, end
                    last = end


_FIGURE = re.compile(r"[0-9]")
NEAR = 26  # characters
_ANCHORS = 30  # occurrences of a recipe's first concept that are looked at; a text with more is no conversation


def _nearest(spans: list[Span], anchor: Span) -> list[Span]:
    """The few spans around ``anchor``: a flood of cues must not cost the square of its length."""
    at = bisect(spans, anchor)
    return spans[max(0, at - 4) : at + 4]


def _distance(a: Span, b: Span) -> int:
    return max(b[0] - a[1], a[0] - b[1], 0)


def offers(cues: Cues, family: Recipes, leads: Sequence[str]) -> list[tuple[Recipe, Span]]:
    """The places where recipes of ``family`` are fulfilled, each with the surest of them.

    Recipes overlap: what they find side by side is one offer. ``leads`` names the concepts whose verbs belong to it.
    """
    places: list[tuple[Recipe, Span]] = []
    for recipe, span in sorted(first_match(cues, family), key=lambda match: match[1]):
        start, end = cues.led(*span, leads)
        if places and start <= places[-1][1][1] + 3:
            surer, (first, last) = places.pop()
            recipe, start, end = max(recipe, surer, key=lambda r: r.score), min(first, start), max(last, end)
        places.append((recipe, (start, end)))
    return places


def first_match(cues: Cues, family: Recipes) -> Iterator[tuple[Recipe, Span]]:
    """Every recipe of ``family`` that is fulfilled, with the first place where it is."""
    for recipe in family.begun(cues):
        for span in matches(cues, recipe):
            yield recipe, span
            break
