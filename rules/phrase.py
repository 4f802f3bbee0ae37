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
from collections.abc import Mapping, Sequence
from functools import cache, cached_property

from rules.text import fold

_BRACES = re.compile(r"\{([^{}]*)\}")
_NOT_HERE = re.compile(r"!\([^()]*(?:\([^()]*\)[^()]*)*\)")
_GROUP = re.compile(r"\(([^()|]*)[^()]*\)(\??)")
_SIGNS = re.compile(r"\S+\?|[\[\]^$!]")
_TOKEN = re.compile(r"\s*(\.\.\.|[()|?!\[\]^$]|<[a-z_]+>|[^\s()|?!\[\]^$<>]+)")

# Too common to find a phrase by, if there is anything else.
_COMMON = frozenset(
    """
    a o e y i u an the of to in on at is it as or and but you your me my we he she they be are was do no not so if
    for from with this that will can have has get got el la los las lo un una unos unas de del en que se te le les
    os su sus tu tus mi con por para es si ya al vas va voy um uma da das dos na nos nas em eu ele voce vc seu sua
    teu tua com pra nao sim vai vou tem esta muito very all just what want like need make up find how please where
    money good see would out why como number m pay phone let could when tell credit tengo gente going put something
    free mas under now car people live quiero look come tomorrow days more around take off made show back last here
    work over price todos hay hacer quero tudo refund right who better nada say way cuando tiene only friend before
    10 casa minha estas ser about acabo acho agora ahora ai ainda algo alguem alguien am amigos amor ano anos antes
    any ao aqui asi assim assistindo ate azul bem boa bom book buen buena buenas bueno buenos by cada cara cash caso
    cena check comer conmigo cosa cuenta d dando dar day deja depois desde dessa desse deu dia dias did didn dios
    don donde dormir ela eles encontro entre era eres esa ese esos espero essa essas esse estamos estao estar este
    esto estou estoy exchange extra falar falta familia favor faz fazer feliz fica ficar filho fin final fosse foto
    ganas go gran great gusta ha hace hacen haciendo hasta hecho hoje homem hora horas hoy ia igual ir isso ja
    juntos know lado legal linda lindo list llevo long looking lugar mae mais mal mala malo mama manana manda mano
    maria mejor melhor menos mesmo meu meus mim mis mismo momento muchas mucho mulher mundo nadie necesito nem next
    ni ninguem noche normal nossa novo nunca ojala one otra ou p padre pais pasa pasar paso passa passar pela pelo
    pena pensar peor persona personas pessoa pessoas pin poco pode podemos podria porque pouco prato primera pro
    programa pronto proxima puede puedes puedo pues q qual quando queda quem quer queria quien re real really roupa
    sabe saber sabes sai sair salir sea seguro sei sem semana sempre sentir sera seria serio should siempre siento
    sin sobre solo some son soy ta tambem tambien tan tao tenemos tener tenho ter there ti tiempo tienen tienes time
    tio tipo toda todas today todo top trabajar trabajo two ultimo unica us use vale vamos vaya vcs ve vem vendo veo
    ver verdad vez vida video vivo voces vontade voz which x yes yo service services business break call easy bad
    guaranteed offer buy order share night bed week month home
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


class Phrase:
    """A phrase made ready. ``needs`` are sets of words: a text that matches has a word of each. The first is the rarest."""

    def __init__(self, source: str, lists: Lists) -> None:
        reader = _Reader(source, lists)
        body, needs = reader.sequence()
        if reader.tokens:
            raise PhraseError(source, f"cannot read {reader.tokens[0]!r}")
        if not needs:
            raise PhraseError(source, "no word that it could be found by")
        self.needs = sorted(needs, key=_rarity, reverse=True)
        lead = r"\A +" if body.startswith(_FIRST) else "(?<= )"
        body = body.removeprefix(_FIRST)
        self._source = lead + (body if _PART in body else f"{_PART}{body})")

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """Matches the phrase in ``Folded.padded``; its group ``part`` is what is reported. Compiled when first used."""
        return re.compile(self._source)


Needs = list[frozenset[str]]

_FIRST = "(?#first)"
_PART = "(?P<part>"


class Lists:
    """Named lists of alternatives, each read once."""

    def __init__(self, written: Mapping[str, str]) -> None:
        self._written = written
        self._read: dict[str, tuple[str, Needs]] = {}

    def __getitem__(self, name: str) -> tuple[str, Needs]:
        if name not in self._read:
            self._read[name] = _choice([_Reader(one, self).sequence() for one in self._written[name].split(", ")])
        return self._read[name]

    def words(self, name: str) -> list[str]:
        """All forms of the alternatives of a list without notation, in plain form."""
        return [plain(form) for one in self._written[name].split(", ") for form in forms(one)]

    def __contains__(self, name: str) -> bool:
        return name in self._written


class _Reader:
    """Reads the notation by recursive descent; every method returns an expression and the sets of words it needs."""

    def __init__(self, source: str, lists: Lists) -> None:
        self.source, self.lists = source, lists
        self.tokens = _TOKEN.findall(source)

    def sequence(self) -> tuple[str, Needs]:
        pieces: list[str] = []
        needs: Needs = []
        while self.tokens and self.tokens[0] not in ("|", ")"):
            expression, needed = self.item()
            pieces.append(expression)
            needs += needed
        body = "".join(pieces)
        # The part may open before the mark of the first word: that mark goes to the front.
        return (_FIRST + body.replace(_FIRST, "") if _FIRST in body else body), needs

    def item(self) -> tuple[str, Needs]:
        token = self.tokens.pop(0)
        if token in ("[", "]", "^", "$"):
            return {"[": _PART, "]": ")", "^": _FIRST, "$": r"(?= *\Z)"}[token], []
        if token == "...":
            return "(?:[a-z0-9]+ +){0,3}?", []
        if token == "!":
            return f"(?!{self.item()[0]})", []
        if token == "(":
            expression, needs = self.group()
        elif token == "_":
            expression, needs = "(?:[a-z0-9]+ +)", []
        elif token.startswith("<"):
            if token[1:-1] not in self.lists:
                raise PhraseError(self.source, f"no list named {token!r}")
            expression, needs = self.lists[token[1:-1]]
        elif token in (")", "|", "?"):
            raise PhraseError(self.source, f"{token!r} is out of place")
        else:
            expression, needs = _word(token)
        if self.tokens and self.tokens[0] == "?":
            self.tokens.pop(0)
            return expression + "?", []
        return expression, needs

    def group(self) -> tuple[str, Needs]:
        choices = [self.sequence()]
        while self.tokens and self.tokens[0] == "|":
            self.tokens.pop(0)
            choices.append(self.sequence())
        if not self.tokens:
            raise PhraseError(self.source, "a bracket is not closed")
        self.tokens.pop(0)
        return _choice(choices)


def _choice(choices: Sequence[tuple[str, Needs]]) -> tuple[str, Needs]:
    """One of several: what it needs is one of the rarest words of each, if each needs any."""
    # The longer first, so that "hijo de puta" is not left at "hijo".
    expressions = sorted(dict.fromkeys(expression for expression, _ in choices), key=len, reverse=True)
    rarest = [max(needs, key=_rarity) for _, needs in choices if needs]
    needs = [frozenset().union(*rarest)] if len(rarest) == len(choices) else []
    return f"(?:{'|'.join(expressions)})", needs


@cache
def _word(word: str) -> tuple[str, Needs]:
    ending = "[a-z0-9]*" if word.endswith("*") else ""
    written = sorted({plain(form) for form in forms(word.removesuffix("*"))}, key=len, reverse=True)
    expressions = [form.replace(" ", " +") + ending + " +" if form else "" for form in written]
    rarest = frozenset(max(form.split(), key=len, default="") for form in written)
    return f"(?:{'|'.join(expressions)})", [] if ending or "" in rarest else [rarest]


def _rarity(words: frozenset[str]) -> tuple[int, int, int]:
    """Orders sets of words: rare words are uncommon and long."""
    return -len(words & _COMMON), min(map(len, words)), -len(words)
