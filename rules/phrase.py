"""Phrases as data: the small notation of ``rules/terms`` and the regular expression that it stands for.

A phrase is written in words: ``te (voy a|vamos a)? <hit> (la|el|los|las)? <part>``.

=================  ====================================================================
``mierd{a,as}``    one word with its endings; ``{,s}`` may be empty
``estaf*``         a word with any ending
``(a|b c)``        one of several; ``<name>`` one of a named list
``item?``          may be left out; items may stand within items
``_`` ``...``      any one word; up to three words, as few as possible
``#``              an amount: figures, ``1 200``, ``50k``
``!(a|b)``         here none of these words follows
``^`` ``$``        the first and the last word of the text
``[ ... ]``        the part that is reported, else all of it
=================  ====================================================================

Everything is bounded, so that matching is linear in the length of the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

from rules.text import fold

COMMON = 10  # commonness of a set of words by which nothing is worth looking for
MOST_PAIRS = 40  # pairs of words that one place of a phrase may be looked for by

_BRACES = re.compile(r"\{([^{}]*)\}")
_WORD_START = re.compile(r"(?<= )[a-z0-9]")
_FIGURE_START = re.compile(r"(?<= )[0-9]")
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
    available availability disponible disponivel euros pesos kilos quilos delivery entrega envio fotos photos pictures rebaja
    desconto discount pagar pago pagamento payment deliver recoger buscar retirar pick meet quedar encontrar trabajando
    hermana irmao bicicleta bike sofa movil celular camera laptop leva lleva llega chega passar later still anymore thanks
    gracias obrigado obrigada perfecto perfeito perfect sorry perdona plataforma platform anuncio seller buyer
    business break call easy bad guaranteed offer buy order share night bed week month home
    """.split()
)

_COMMON_WORDS = _COMMON | _COMMONEST


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


Words = frozenset[str]


class Read(NamedTuple):
    """A piece of a phrase: its expression, the sets of words it needs, those it may begin and end with, whether it may be empty.

    ``first`` and ``last`` are None where any word may stand there. ``keys`` are like ``needs``, of single words and of pairs
    of neighbours, such as ``te como``: of common words too, pairs are rare.
    """

    expression: str
    needs: list[Words]
    keys: list[Words]
    first: Words | None
    last: Words | None
    empty: bool


_GAP = " +"  # behind each word
_FIRST = "(?#first)"
_FIGURE = frozenset("#")  # stands for any figure among the words that come first
_PART = "(?P<part>"
_SIGN = {"[": _PART, "]": ")", "^": _FIRST, "$": r"(?= *\Z)"}


class Phrase:
    """A phrase made ready.

    ``needs`` are sets of words: a text that matches has a word of each, the rarest set is the first. It also has one of the
    ``keys``, words or pairs of neighbours or ``#`` for any figure, and one of ``others`` if there are any.
    """

    def __init__(self, source: str, lists: Lists) -> None:
        reader = _Reader(source, lists)
        body, needs, keys, self._first, _, _ = reader.sequence()
        if reader.tokens:
            raise PhraseError(source, f"cannot read {reader.tokens[0]!r}")
        if not needs:
            raise PhraseError(source, "no word that it could be found by")
        self.needs = sorted(needs, key=_rarity, reverse=True)
        self.keys, *rest = sorted(keys, key=_rarity, reverse=True)
        self.others = next((other for other in rest if other == _FIGURE or sum(map(_commonness, other)) < COMMON), None)
        self._opening = body.startswith(_FIRST)
        body = body.removeprefix(_FIRST)
        self._source = body if _PART in body else f"{_PART}{body})"

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """Matches the phrase in ``Folded.padded`` at the first letter of a word; its group ``part`` is what is reported."""
        return re.compile(self._source)

    def may_match(self, words: frozenset[str]) -> bool:
        """Whether a text of these words has all that the phrase needs."""
        for needed in self.needs:
            if words.isdisjoint(needed):
                return False
        return self._first is None or "#" in self._first or not words.isdisjoint(self._first)

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
        places = [start for word in self._first & words for start, _ in occurrences(word, padded)]
        return [*places, *_figure_starts(padded)] if "#" in self._first else places


def occurrences(word: str, padded: str) -> Iterator[tuple[int, int]]:
    """Start and end of ``word`` wherever it stands between two spaces of ``padded``."""
    spaced = f" {word} "
    place = padded.find(spaced)
    while place >= 0:
        yield place + 1, place + 1 + len(word)
        place = padded.find(spaced, place + 1)


@lru_cache(maxsize=4)
def _word_starts(padded: str) -> Sequence[int]:
    """Where words begin; every phrase that may begin with any word asks."""
    return [match.start() for match in _WORD_START.finditer(padded)]


@lru_cache(maxsize=4)
def _figure_starts(padded: str) -> Sequence[int]:
    """Where figures begin; every phrase that may begin with an amount asks."""
    return [match.start() for match in _FIGURE_START.finditer(padded)]


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
        needs = [needed for item in items for needed in item.needs]
        keys = [key for item in items for key in item.keys] + [*_pairs(items)]
        return Read(body, needs, keys, _first(items), _last(items), all(item.empty for item in items))

    def item(self) -> Read:
        token = self.tokens.pop(0)
        if token in _SIGN:
            return _nothing(_SIGN[token])
        if token == "...":
            return Read("(?:[a-z0-9]+ +){0,3}?", [], [], None, None, True)
        if token == "!":
            return _nothing(f"(?!{self.item().expression})")
        if token == "(":
            read = self.group()
        elif token == "_":
            read = Read("(?:[a-z0-9]+ +)", [], [], None, None, False)
        elif token == "#":
            read = Read("(?:[0-9]+[a-z]{0,3} +){1,3}", [], [_FIGURE], _FIGURE, None, False)
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
            return Read(f"(?:{read.expression})?", [], [], read.first, read.last, True)
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


def _nothing(expression: str) -> Read:
    """What takes up no words."""
    return Read(expression, [], [], frozenset(), frozenset(), True)


def _first(reads: Sequence[Read]) -> Words | None:
    """The words that a row may begin with."""
    leading = [*itertools.takewhile(lambda read: read.empty, reads)]
    return _any(read.first for read in (*leading, *reads[len(leading) : len(leading) + 1]))


def _last(reads: Sequence[Read]) -> Words | None:
    """The words that a row may end with."""
    trailing = [*itertools.takewhile(lambda read: read.empty, reversed(reads))]
    end = len(reads) - len(trailing)
    return _any(read.last for read in (*trailing, *reads[max(end - 1, 0) : end]))


def _any(sets: Iterable[Words | None]) -> Words | None:
    words: set[str] = set()
    for one in sets:
        if one is None:
            return None
        words |= one
    return frozenset(words)


def _pairs(items: Sequence[Read]) -> Iterator[Words]:
    """For each item that is always there the pairs that it makes with what follows it."""
    for place, item in enumerate(items):
        following = items[place + 1 :]
        if item.empty or not item.last or all(after.empty for after in following):
            continue
        first = _first(following)
        if first and "#" not in first and len(item.last) * len(first) <= MOST_PAIRS:
            yield frozenset(f"{left} {right}" for left in item.last for right in first)


def _choice(choices: Sequence[Read]) -> Read:
    """One of several: what it needs is one of the rarest words of each, if each needs any."""
    # The longer first, so that "hijo de puta" is not left at "hijo".
    expressions = sorted(dict.fromkeys(choice.expression for choice in choices), key=len, reverse=True)
    return Read(
        _one_of(expressions),
        _rarest([choice.needs for choice in choices]),
        _rarest([choice.keys for choice in choices]),
        _any(choice.first for choice in choices),
        _any(choice.last for choice in choices),
        any(choice.empty for choice in choices),
    )


def _rarest(choices: Sequence[Sequence[Words]]) -> list[Words]:
    rarest = [max(needs, key=_rarity) for needs in choices if needs]
    return [frozenset().union(*rarest)] if len(rarest) == len(choices) else []


@cache
def _word(word: str) -> Read:
    ending = "[a-z0-9]*" if word.endswith("*") else ""
    written = sorted({plain(form) for form in forms(word.removesuffix("*"))}, key=len, reverse=True)
    expressions = [form.replace(" ", " +") + ending + " +" if form else "" for form in written]
    rarest = frozenset(max(form.split(), key=len, default="") for form in written)
    needs = [] if ending or "" in rarest else [rarest]
    first = None if ending else frozenset(form.split()[0] for form in written if form)
    last = None if ending else frozenset(form.split()[-1] for form in written if form)
    return Read(_one_of(expressions), needs, needs, first, last, "" in written)


def _one_of(expressions: Sequence[str]) -> str:
    """Any of several expressions, as short as can be: a thousand of them are compiled at each start."""
    if len(expressions) == 1:
        return expressions[0]
    if all(one.endswith(_GAP) for one in expressions):
        return f"(?:{'|'.join([one.removesuffix(_GAP) for one in expressions])}){_GAP}"
    return f"(?:{'|'.join(expressions)})"


def _rarity(words: Words) -> tuple[int, int, int]:
    """Orders sets of words, or of pairs of words: what is rare is uncommon and long."""
    return -sum(map(_commonness, words)), min(map(len, words)), -len(words)


@cache
def _commonness(words: str) -> int:
    """How often a word is met, or two neighbours: 10 for "the" and for any figure, 1 for "with the" and for "phone"."""
    if words in _COMMONEST or words == "#":
        return 10
    return words in _COMMON or " " in words and _COMMON_WORDS.issuperset(words.split())
