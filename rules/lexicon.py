"""The terms of all languages, and where a text uses them, in the open or in disguise.

Every message passes here, so what most messages need is done by set operations on their words. Only what looks unlike
a word (``m1erda``, ``f***``, ``p u t a``, ``shiiit``) is looked at closely, one piece at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import re
import sys
import tomllib
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from ahocorasick_rs import AhoCorasick

from rules import disguise, locale
from rules.phrase import Lists, Phrase, forms, occurrences, plain, title
from rules.text import Folded
from rules.types import Category, Finding, Setting

TERMS = Path(__file__).parent / "terms"
MOST = 200  # hits in one text beyond which it is covered as a whole
LONG = 600  # characters of a piece in which phrases are looked for
OVERLAP = 200  # characters that neighbouring pieces share: more than a phrase has

FAMILIES = (
    "profanity",
    "insult",
    "sexual",
    "threat",
    "drugs_weapons",
    "self_harm",
    "spam",
    "payment",
    "scam",
    "contact",
)

_NOTATION = re.compile(r"[*?()<>_!^$#\[\]]|\.\.\.")
_DIGIT = re.compile(r"[0-9]")
_TILDE = "\u0303"

# How a language's letters are exchanged by those who write as they hear: each alone and all together.
_BY_EAR = {
    "es": (
        ("qu(?=[ei])", "k"),
        ("c(?=[aoulr])", "k"),
        ("g(?=[ei])", "j"),
        ("b", "v"),
        ("v", "b"),
        ("ll", "y"),
        ("z", "s"),
        ("(?<![a-z])h", ""),
    ),
    "pt": (
        ("qu(?=[ei])", "k"),
        ("c(?=[aoulr])", "k"),
        ("ch", "x"),
        ("lh", "i"),
        ("lho$", "io"),
        ("ss", "c"),
        ("o$", "u"),
    ),
    "en": (("^f", "ph"), ("ck", "k"), ("ck", "cc"), ("u(?=ck)", "oo"), ("ing$", "in"), ("er$", "a"), ("s$", "z")),
}


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Terms of one kind.

    ``unless`` names lists of words of which one in the text makes these terms harmless; ``only`` names lists of which one must be
    there. ``languages`` and ``regions`` say where the terms mean harm, ``elsewhere`` where they do not. ``accents`` says that the
    term is a harmless word without its accents (``coño``, ``cono``). ``inside`` terms are found within glued words.
    """

    terms: tuple[str, ...]
    kind: str = ""
    score: float = 0.9
    unless: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    accents: bool = False
    inside: bool = False
    disguised: bool = True
    sounds: bool = False


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of terms."""

    family: str
    language: str
    groups: tuple[Group, ...]
    lists: dict[str, str] = {}
    disguised: tuple[str, ...] = ()


class Term(msgspec.Struct, frozen=True, gc=False):
    """One entry as hits refer to it. ``context`` and ``needs`` are the words of ``unless`` and ``only``.

    ``place`` counts the terms in the order of their files.
    """

    family: str
    language: str
    name: str
    group: Group
    context: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    place: int = 0


class Hit(msgspec.Struct, frozen=True, gc=False):
    """A term at a place of the plain text, ``words[start:end]`` of the reading it was found in, and in the original text."""

    term: Term
    start: int
    end: int
    original: tuple[int, int]
    step: str = ""


class Use(NamedTuple):
    """What a word or a pair of words may mean: the terms that it is, and the phrases that are looked for by it.

    Beside each phrase stand its ``others``.
    """

    terms: list[Term]
    phrases: list[tuple[Phrase, Term, frozenset[str] | None]]


Match = tuple[Term, int, int]  # with its start and end

_NOTHING: Mapping[str, list[Hit]] = {}


class Lexicon:
    """All terms made ready for search. One search serves every family: its result stays with the folded text."""

    def __init__(self, vocabularies: Iterable[Vocabulary]) -> None:
        self._terms = 0
        self._phrases: list[Phrase] = []
        uses: dict[str, Use] = defaultdict(lambda: Use([], []))
        disguised: dict[str, None] = {}  # in order: of two readings of one disguise the earlier family wins
        famous: set[str] = set()
        glued: dict[str, str] = {}
        innocent: set[str] = set()
        for vocabulary in vocabularies:
            lists = Lists(vocabulary.lists)
            innocent.update(lists.words("innocent") if "innocent" in lists else ())
            famous.update(lists.words("famous") if "famous" in lists else ())
            for group in vocabulary.groups:
                for source in group.terms:
                    for word in self._add(vocabulary, group, source, lists, uses):
                        if group.disguised:
                            disguised.update(dict.fromkeys(word.split()))
                        if group.inside:
                            glued[word.replace(" ", "")] = word
            for name in vocabulary.disguised:
                disguised.update((word, None) for form in lists.words(name) for word in form.split())
        readable = [word for word in disguised if word not in innocent]
        self._disguises = disguise.Disguises(readable, famous, glued, innocent)
        self._keys, self._uses = [*uses], dict(uses)
        self._finder = AhoCorasick([f" {key} " for key in uses])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_finder"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._finder = AhoCorasick([f" {key} " for key in self._keys])

    def _add(
        self, vocabulary: Vocabulary, group: Group, source: str, lists: Lists, uses: dict[str, Use]
    ) -> Iterator[str]:
        """Enters one term; yields what it looks like in plain form, if it is no more than words."""
        context = frozenset(word for name in group.unless for word in lists.words(name))
        needs = frozenset(word for name in group.only for word in lists.words(name))
        name = f"{vocabulary.language}/{title(source)}"
        term = Term(vocabulary.family, vocabulary.language, name, group, context, needs, self._terms)
        self._terms += 1
        phrases = [source]
        if not _NOTATION.search(source):
            written = forms(source)
            yield from dict.fromkeys(map(plain, written))
            if group.sounds:
                written += [heard for word in written for heard in _sounds(word, vocabulary.language)]
            for form in dict.fromkeys(map(plain, written)):
                if " " not in form:
                    uses[form].terms.append(term)
            several = [word for word in written if " " in plain(word)]
            phrases = [f"({'|'.join(several)})"] if several else []
        for phrase in (Phrase(written, lists) for written in phrases):
            self._phrases.append(phrase)
            for key in phrase.keys:
                uses[key].phrases.append((phrase, term, phrase.others))
            for key in phrase.others or ():
                uses[key]  # to be found too

    def prepare(self) -> None:
        """Compiles all phrases now rather than when each is first used: for a process that serves."""
        for phrase in self._phrases:
            _ = phrase.expression

    def find(self, text: Folded, setting: Setting, family: str) -> list[Hit]:
        """The hits of one family that count in this setting, by place."""
        found = text.notes.get(self)
        if found is None:
            found = text.notes[self] = self._search(text)
        hits = found.get(family)
        return [hit for hit in hits if _counts(hit, text, setting)] if hits else []

    def _search(self, text: Folded) -> Mapping[str, list[Hit]]:
        matches = self._matches(text.padded, text.tokens)
        if len(matches) > MOST:
            return _covered(text, matches)
        reveals = self._disguises.reveal(text)
        if not matches and not reveals and text.decoded is None:
            return _NOTHING
        hits: dict[str, list[Hit]] = defaultdict(list)
        for term, start, end in matches:
            hits[term.family].append(Hit(term, start, end, text.span(start, end)))
        if len(reveals) == disguise.MOST:
            reveals = [*reveals[:-1], msgspec.structs.replace(reveals[-1], end=len(text.plain))]
        if reveals:
            self._search_revealed(text, reveals, hits)
        if text.decoded is not None:
            for term, start, end in self._matches(text.decoded.padded, text.decoded.tokens):
                hits[term.family].append(Hit(term, start, end, text.decoded.span(start, end), "percent"))
        return {family: _distinct(found) for family, found in hits.items()}

    def _search_revealed(self, text: Folded, reveals: Sequence[disguise.Reveal], hits: dict[str, list[Hit]]) -> None:
        revealed = Revealed(text, reveals)
        for term, start, end in self._matches(revealed.padded, revealed.padded.split()):
            first, last, step = revealed.place(start, end)
            if step:
                hits[term.family].append(Hit(term, first, last, text.span(first, last), step))

    def _matches(self, padded: str, tokens: Sequence[str]) -> list[Match]:
        """Terms with their places in the text that ``padded`` has one space before; enough of them where they are many."""
        if len(padded) <= LONG:
            return self._matches_within(padded, tokens)
        # In a long text every phrase would be looked for everywhere; phrases are short, so that pieces do.
        found: dict[tuple[int, int, int], Match] = {}
        for start in range(0, len(padded), LONG - OVERLAP):
            first, last = max(padded.rfind(" ", 0, start + 1), 0), padded.find(" ", start + LONG)
            piece = padded[first : last + 1 if last >= 0 else len(padded)]
            for term, begin, end in self._matches_within(piece, piece.split()):
                found[term.place, begin + first, end + first] = term, begin + first, end + first
            if len(found) > MOST:
                break
        return [*found.values()]

    def _matches_within(self, padded: str, tokens: Sequence[str]) -> list[Match]:
        close = f" {' '.join(tokens)} "
        met = {self._keys[index] for index, _, _ in self._finder.find_matches_as_indexes(close, overlapping=True)}
        if not met:
            return []
        if _DIGIT.search(close):
            met.add("#")
        found: list[Match] = []
        phrases: dict[Phrase, Term] = {}
        for key in met:
            terms, looked_for = self._uses[key]
            for term in terms:
                found += [(term, start - 1, end - 1) for start, end in occurrences(key, padded)]
            for phrase, term, others in looked_for:
                if others is None or not others.isdisjoint(met):
                    phrases[phrase] = term
        if phrases:
            words = frozenset(tokens)
            for phrase, term in phrases.items():
                if phrase.may_match(words):
                    found += [(term, start - 1, end - 1) for start, end in phrase.find(padded, words)]
        return found


class Revealed:
    """A text with its disguised words replaced by what they are read as. ``padded`` is as that of a folded text."""

    def __init__(self, text: Folded, reveals: Sequence[disguise.Reveal]) -> None:
        pieces: list[str] = []
        # Places in the new text where a stretch begins, where it begins in the plain text, and the reveal it belongs to.
        self._stretches: list[tuple[int, int, disguise.Reveal | None]] = []
        length = last = 0
        for reveal in (*reveals, None):
            until = reveal.start if reveal else len(text.words)
            self._stretches.append((length, last, None))
            pieces.append(text.words[last:until])
            length += until - last
            if reveal:
                self._stretches.append((length, reveal.start, reveal))
                pieces.append(reveal.text)
                length += len(reveal.text)
                last = reveal.end
        self.padded = f" {''.join(pieces)} "

    def place(self, start: int, end: int) -> tuple[int, int, str]:
        """Start and end in the plain text, and the first trick in between (empty if there is none)."""
        first = bisect_right(self._stretches, start, key=lambda s: s[0]) - 1
        last = bisect_right(self._stretches, end - 1, key=lambda s: s[0]) - 1
        begin, beginning, opening = self._stretches[first]
        close, closing, ending = self._stretches[last]
        step = next((reveal.step for _, _, reveal in self._stretches[first : last + 1] if reveal), "")
        return (
            opening.start if opening else beginning + start - begin,
            ending.end if ending else closing + end - close,
            step,
        )


def _covered(text: Folded, matches: Iterable[Match]) -> Mapping[str, list[Hit]]:
    """One hit on the whole text for each family: it says little else."""
    strongest: dict[str, Term] = {}
    for term, _, _ in matches:
        if term.family not in strongest or _strength(term) > _strength(strongest[term.family]):
            strongest[term.family] = term
    whole = (0, len(text.original))
    return {family: [Hit(term, 0, len(text.plain), whole)] for family, term in strongest.items()}


def _distinct(hits: list[Hit]) -> list[Hit]:
    """By place; of hits on the same place only the one that scores highest, an open one before a disguised one."""
    best: dict[tuple[int, int, str], Hit] = {}
    for hit in hits:
        key = (hit.start, hit.end, hit.term.group.kind)
        if key not in best or _strength(hit.term) > _strength(best[key].term):
            best[key] = hit
    return sorted(best.values(), key=lambda hit: (hit.start, -hit.end, hit.term.place))


def _strength(term: Term) -> tuple[float, int]:
    """Orders terms by score; of equals the first one leads, so that a text is always explained in the same way."""
    return term.group.score, -term.place


def _counts(hit: Hit, text: Folded, setting: Setting) -> bool:
    group = hit.term.group
    if hit.term.context and not hit.term.context.isdisjoint(text.tokens):
        return False
    if hit.term.needs and hit.term.needs.isdisjoint(text.tokens):
        return False
    if group.languages and (locale.language(text, setting) or group.languages[0]) not in group.languages:
        return False
    if group.regions or group.elsewhere:
        region = locale.region(text, setting)
        if (group.regions and region not in group.regions) or region in group.elsewhere:
            return False
    if group.accents:
        start, end = hit.original
        return _TILDE in unicodedata.normalize("NFD", text.original[start:end])
    return True


def _sounds(word: str, language: str) -> Iterator[str]:
    """``word`` as people write it by ear."""
    if len(word) < 4 or not re.search("[aeiou]", plain(word)):
        return iter(())
    written = {word}
    for pattern, replacement in _BY_EAR[language]:
        written |= {re.sub(pattern, replacement, one) for one in written if len(written) < 16}
    return iter(written - {word})


@cache
def load() -> Lexicon:
    """The lexicon of all files of ``rules/terms``.

    Reading them takes seconds, so what was read is kept as Python keeps its bytecode: in ``__pycache__``, for as long as nothing
    it was made from has changed. Raises msgspec.ValidationError for a file that is none, PhraseError for a phrase that cannot
    be read.
    """
    made_from = _made_from()
    kept = TERMS / "__pycache__" / f"lexicon.{sys.implementation.cache_tag}.pickle"
    with contextlib.suppress(OSError):
        stored = kept.read_bytes()
        if stored.startswith(made_from):
            lexicon: Lexicon = pickle.loads(memoryview(stored)[len(made_from) :])
            return lexicon
    files = (file for family in FAMILIES for file in sorted(TERMS.glob(f"{family}.*.toml")))
    lexicon = Lexicon(msgspec.convert(tomllib.loads(file.read_text("utf-8")), Vocabulary) for file in files)
    with contextlib.suppress(OSError):
        kept.parent.mkdir(exist_ok=True)
        unfinished = kept.with_suffix(f".{id(lexicon):x}")
        unfinished.write_bytes(made_from + pickle.dumps(lexicon, pickle.HIGHEST_PROTOCOL))
        unfinished.replace(kept)
    return lexicon


def _made_from() -> bytes:
    """A digest of the terms and of all code that may have a part in how they are read."""
    digest = hashlib.sha256()
    for file in (
        *sorted(TERMS.parent.glob("*.py")),
        *sorted(TERMS.parent.glob("*.txt")),
        *sorted(TERMS.glob("*.toml")),
    ):
        content = file.read_bytes()
        digest.update(f"{file.name}:{len(content)}:".encode() + content)
    return digest.digest()


def findings(category: Category, hits: Sequence[Hit]) -> list[Finding]:
    """Findings of ``category``, one for hits that overlap; the source is the term that scores highest."""
    found: list[Finding] = []
    if not hits:
        return found
    for hit in sorted(hits, key=lambda hit: hit.original):
        start, end = hit.original
        finding = Finding(category, hit.term.group.score, start, end, f"{hit.term.family}:{hit.term.name}", hit.step)
        if found and start < found[-1].end:
            before = found.pop()
            strongest = finding if finding.score > before.score else before
            finding = msgspec.structs.replace(strongest, start=before.start, end=max(end, before.end))
        found.append(finding)
    return found
