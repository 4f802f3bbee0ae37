"""Phrases as data: the small notation of ``rules/terms`` and the regular expression that it stands for.

A phrase is written in words: ``te (voy a|vamos a)? <hit> (la|el|los|las)? <part>``.

=================  ====================================================================
``mierd{a,as}``    one word with its endings; ``{,s}`` may be empty
``estaf*``         a word with any ending
``(a|b c)``        one of several; ``<name>`` one of a named list
``item?``          may be left out; items may stand within items
``_`` ``...``      any one word; up to three words, as few as possible
``!(a|b)``         here none of these words follows
``^`` ``$``        the first and the last word of the text
``[ ... ]``        the part that is reported, else all of it
=================  ====================================================================

Everything is bounded, so that matching is linear in the length of the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

from rules.text import fold

_BRACES = re.compile(r"\{([^{}]*)\}")
_WORD_START = re.compile(r"(?<= )[a-z0-9]")
_NOT_HERE = re.compile(r"!\([^()]*(?:\([^()]*\)[^()]*)*\)")
_GROUP = re.compile(r"\(([^()|]*)[^()]*\)(\??)")
_SIGNS = re.compile(r"\S+\?|[\[\]^$!]")
_TOKEN = re.compile(r"\s*(\.\.\.|[()|?!\[\]^$]|<[a-z_]+>|[^\s()|?!\[\]^$<>]+)")

# In every message, and in many: words to find a phrase by only where there is nothing else.
_COMMONEST = frozenset(
    """
    a o e y i u an the of to in on at is it as or and but you your me my we he she they be are was do no not so if
    for from with this that will can have has get got el la los las lo un una de del en que se te le les su tu con
    por para es si ya al os um uma da na nos em eu ele voce vc com pra nao very all just what want like need find
    how please where good see would out when there am about one any some by more come take go us
    """.split()
)
_COMMON = frozenset(
    """
    unos unas sus tus mi vas va voy das dos nas seu sua teu tua sim vai vou tem esta muito make up money why como
    number m pay phone let could tell credit tengo gente going put something free mas under now car people live
    quiero look tomorrow days around off made show back last here work over price todos hay hacer quero tudo refund
    right who better nada say way cuando tiene only friend before 10 casa minha estas ser acabo acho agora ahora ai
    ainda algo alguem alguien amigos amor ano anos antes ao aqui asi assim assistindo ate azul bem boa bom book buen
    buena buenas bueno buenos cada cara cash caso cena check comer conmigo cosa cuenta d dando dar day deja depois
    desde dessa desse deu dia dias did didn dios don donde dormir ela eles encontro entre era eres esa ese esos
    espero essa essas esse estamos estao estar este esto estou estoy exchange extra falar falta familia favor faz
    fazer feliz fica ficar filho fin final fosse foto ganas gran great gusta ha hace hacen haciendo hasta hecho hoje
    homem hora horas hoy ia igual ir isso ja juntos know lado legal linda lindo list llevo long looking lugar mae
    mais mal mala malo mama manana manda mano maria mejor melhor menos mesmo meu meus mim mis mismo momento muchas
    mucho mulher mundo nadie necesito nem next ni ninguem noche normal nossa novo nunca ojala otra ou p padre pais
    pasa pasar paso passa passar pela pelo pena pensar peor persona personas pessoa pessoas pin poco pode podemos
    podria porque pouco prato primera pro programa pronto proxima puede puedes puedo pues q qual quando queda quem
    quer queria quien re real really roupa sabe saber sabes sai sair salir sea seguro sei sem semana sempre sentir
    sera seria serio should siempre siento sin sobre solo son soy ta tambem tambien tan tao tenemos tener tenho ter
    ti tiempo tienen tienes time tio tipo toda todas today todo top trabajar trabajo two ultimo unica use vale vamos
    vaya vcs ve vem vendo veo ver verdad vez vida video vivo voces vontade voz which x yes yo service services
    business break call easy bad guaranteed offer buy order share night bed week month home
    """.split()
)


def title(source: str) -> str:
    """A short name for a term: its first alternatives, without what may be left out."""
    name = _BRACES.sub(lambda match: match[1].split(",")[0], source)
    name = _NOT_HERE.sub("", name)
    while _GROUP.search(name):
        name = _GROUP.sub(lambda match: "" if match[2] else match[1], name)
    return " ".join(_SIGNS.sub(" ", name).split())


class PhraseError(ValueError):
    """A phrase of the term data that cannot be read."""

    def __init__(self, phrase: str, problem: str) -> None:
        self.phrase, self.problem = phrase, problem

    def __str__(self) -> str:
        return f"phrase {self.phrase!r}: {self.problem}"


def forms(word: str) -> list[str]:
    """All spellings of ``word``, as it is written (``put{a,o}`` gives ``puta`` and ``puto``)."""
    parts = _BRACES.split(word)
    choices = [part.split(",") if k % 2 else [part] for k, part in enumerate(parts)]
    return ["".join(choice) for choice in itertools.product(*choices)]


def plain(text: str) -> str:
    """``text`` as it appears in ``Folded.words``: folded, with single spaces."""
    return " ".join(fold(text).tokens)


class Read(NamedTuple):
    """A piece of a phrase: its expression, the sets of words it needs, those it may begin with, whether it may be empty.

    ``first`` is None where any word may come first.
    """

    expression: str
    needs: list[frozenset[str]]
    first: frozenset[str] | None
    empty: bool


_FIRST = "(?#first)"
_PART = "(?P<part>"
_SIGN = {"[": _PART, "]": ")", "^": _FIRST, "$": r"(?= *\Z)"}


class Phrase:
    """A phrase made ready. ``needs`` are sets of words: a text that matches has a word of each. The first is the rarest."""

    def __init__(self, source: str, lists: Lists) -> None:
        reader = _Reader(source, lists)
        body, needs, self._first, _ = reader.sequence()
        if reader.tokens:
            raise PhraseError(source, f"cannot read {reader.tokens[0]!r}")
        if not needs:
            raise PhraseError(source, "no word that it could be found by")
        self.needs = sorted(needs, key=_rarity, reverse=True)
        self._opening = body.startswith(_FIRST)
        body = body.removeprefix(_FIRST)
        self._source = body if _PART in body else f"{_PART}{body})"

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """Matches the phrase in ``Folded.padded`` at the first letter of a word; its group ``part`` is what is reported."""
        return re.compile(self._source)

    def find(self, padded: str, words: frozenset[str]) -> list[tuple[int, int]]:
        """Start and end of what is reported, for each place in ``padded``, the words of which are ``words``."""
        found: list[tuple[int, int]] = []
        for place in self._places(padded, words):
            match = self.expression.match(padded, place)
            if match:
                part = match["part"]
                start = match.start("part") + len(part) - len(part.lstrip())
                found.append((start, start + len(part.strip())))
        return found

    def _places(self, padded: str, words: frozenset[str]) -> Sequence[int]:
        if self._opening:
            return [len(padded) - len(padded.lstrip())]
        if self._first is None:
            return _word_starts(padded)
        places: list[int] = []
        for word in self._first & words:
            spaced = f" {word} "
            place = padded.find(spaced)
            while place >= 0:
                places.append(place + 1)
                place = padded.find(spaced, place + 1)
        return places


@lru_cache(maxsize=4)
def _word_starts(padded: str) -> Sequence[int]:
    """Where words begin; every phrase that may begin with any word asks."""
    return [match.start() for match in _WORD_START.finditer(padded)]


class Lists:
    """Named lists of alternatives, each read once."""

    def __init__(self, written: Mapping[str, str]) -> None:
        self._written = written
        self._read: dict[str, Read] = {}

    def __getitem__(self, name: str) -> Read:
        if name not in self._read:
            self._read[name] = _choice([_Reader(one, self).sequence() for one in self._written[name].split(", ")])
        return self._read[name]

    def words(self, name: str) -> list[str]:
        """All forms of the alternatives of a list without notation, in plain form."""
        return [plain(form) for one in self._written[name].split(", ") for form in forms(one)]

    def __contains__(self, name: str) -> bool:
        return name in self._written


class _Reader:
    """Reads the notation by recursive descent."""

    def __init__(self, source: str, lists: Lists) -> None:
        self.source, self.lists = source, lists
        self.tokens = _TOKEN.findall(source)

    def sequence(self) -> Read:
        items: list[Read] = []
        while self.tokens and self.tokens[0] not in ("|", ")"):
            items.append(self.item())
        body = "".join(item.expression for item in items)
        # The part may open before the mark of the first word: that mark goes to the front.
        body = _FIRST + body.replace(_FIRST, "") if _FIRST in body else body
        leading = [*itertools.takewhile(lambda item: item.empty, items)]
        leading += items[len(leading) : len(leading) + 1]
        needs = [needed for item in items for needed in item.needs]
        return Read(body, needs, _first(leading), all(item.empty for item in items))

    def item(self) -> Read:
        token = self.tokens.pop(0)
        if token in _SIGN:
            return Read(_SIGN[token], [], frozenset(), True)
        if token == "...":
            return Read("(?:[a-z0-9]+ +){0,3}?", [], None, True)
        if token == "!":
            return Read(f"(?!{self.item().expression})", [], frozenset(), True)
        if token == "(":
            read = self.group()
        elif token == "_":
            read = Read("(?:[a-z0-9]+ +)", [], None, False)
        elif token.startswith("<"):
            if token[1:-1] not in self.lists:
                raise PhraseError(self.source, f"no list named {token!r}")
            read = self.lists[token[1:-1]]
        elif token in (")", "|", "?"):
            raise PhraseError(self.source, f"{token!r} is out of place")
        else:
            read = _word(token)
        if self.tokens and self.tokens[0] == "?":
            self.tokens.pop(0)
            return Read(read.expression + "?", [], read.first, True)
        return read

    def group(self) -> Read:
        choices = [self.sequence()]
        while self.tokens and self.tokens[0] == "|":
            self.tokens.pop(0)
            choices.append(self.sequence())
        if not self.tokens:
            raise PhraseError(self.source, "a bracket is not closed")
        self.tokens.pop(0)
        return _choice(choices)


def _first(reads: Iterable[Read]) -> frozenset[str] | None:
    words: set[str] = set()
    for read in reads:
        if read.first is None:
            return None
        words |= read.first
    return frozenset(words)


def _choice(choices: Sequence[Read]) -> Read:
    """One of several: what it needs is one of the rarest words of each, if each needs any."""
    # The longer first, so that "hijo de puta" is not left at "hijo".
    expressions = sorted(dict.fromkeys(choice.expression for choice in choices), key=len, reverse=True)
    rarest = [max(choice.needs, key=_rarity) for choice in choices if choice.needs]
    needs = [frozenset().union(*rarest)] if len(rarest) == len(choices) else []
    return Read(f"(?:{'|'.join(expressions)})", needs, _first(choices), any(choice.empty for choice in choices))


@cache
def _word(word: str) -> Read:
    ending = "[a-z0-9]*" if word.endswith("*") else ""
    written = sorted({plain(form) for form in forms(word.removesuffix("*"))}, key=len, reverse=True)
    expressions = [form.replace(" ", " +") + ending + " +" if form else "" for form in written]
    rarest = frozenset(max(form.split(), key=len, default="") for form in written)
    first = (
        None if ending and any(" " not in form for form in written) else {form.split()[0] for form in written if form}
    )
    needs = [] if ending or "" in rarest else [rarest]
    return Read(f"(?:{'|'.join(expressions)})", needs, frozenset(first) if first is not None else None, "" in written)


def _rarity(words: frozenset[str]) -> tuple[int, int, int]:
    """Orders sets of words: rare words are uncommon and long."""
    return -10 * len(words & _COMMONEST) - len(words & _COMMON), min(map(len, words)), -len(words)
