"""Insults: names that people call each other, once they are aimed at somebody, and phrases that aim by themselves.

"This is rubbish" is a complaint, "I'm an idiot" an excuse, "he called me an idiot" a report: none of them is an insult.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from rules import lexicon
from rules.bounds import rounded
from rules.lexicon import Hit
from rules.quotation import reported
from rules.text import Folded
from rules.types import Category, Finding, Setting

# Small words and adjectives between a name and the word that says who is meant.
_BETWEEN = frozenset(
    """
    un una unos unas el la los las tan muy medio todo toda tremendo completo completa autentico verdadero verdadera poco
    a an the such so very total complete absolute utter right proper real fucking bloody stupid dumb pathetic little big
    um uma o os as mesmo bem grande puto puta pinche maldito maldita pobre viejo vieja gordo gorda velho velha just really
    lo me m
    """.split()
)
_SELF = frozenset(
    """
    soy fui estoy estamos somos ando andamos llego siento quede sere seria im i am was feel felt myself sou estou
    tou fiquei sinto eu yo mim
    """.split()
)
_OTHER = frozenset(
    """
    eres sos sois tu vos usted ustedes vosotros seas sean fuiste te menudo menuda vaya this that este esta ese esa esse essa
    you youre ur u your ya yall yer yous re voce vc ce seu sua seus suas voces vcs senhor senhora teu tua oh
    mira oye anda ey hey listen che venga vete calla callate vai vaza sai escuta olha toma look
    """.split()
)
# Who or what may be called so without harm: pets, books and films.
_OTHERS = frozenset(
    """
    perro perra perrito gato gata gatito loro caballo yegua cachorro cadela papagaio cavalo gata gatinho dog puppy cat kitten
    parrot horse rabbit conejo coelho libro livro book novela novel pelicula filme film disfraz costume fantasia
    """.split()
)
_OF = frozenset("de del of do da".split())
_COPULAS = frozenset("is are was es son era sao eh esta ta".split())
_PERSONS = frozenset(
    """
    vendedor vendedora comprador compradora repartidor tipo tecnico fontanero casero seller buyer driver courier guy plumber
    landlord host tecnica entregador motoboy encanador pintor cara sujeito he she they ella ele ela man woman senor senora
    builder tenant cleaner electrician mechanic conductor chofer electricista albanil mecanico duena dueno pedreiro motorista
    """.split()
)
_REPORTS = frozenset(
    """
    called calls calling call said says llamo llamaron llamaste llama llaman llamar llamarme dijo dijeron dijiste chamou
    chamaram chamaste chamar chama disse insulto insultou insulted not no nao nunca never ni nem aint isnt arent nadie
    como like feito parezco pareco
    """.split()
)
_SAYING = frozenset("saying calling implying diciendo digo dizendo chamando dije disse insinuando llamando".split())
_DENIALS = frozenset("not no nao never nunca nem ni isnt aint".split())
_SECOND = frozenset("te tu you u your eres sos voce vc seu sua teu tua".split())
_AFTER_SELF = frozenset("soy sou fui mi mim yo".split())
_CLAUSE = re.compile(r"[.!?;\n…:]|\b(?:pero|but|mas|porque|because)\b")
_WORD = re.compile(r"[a-z]+")
REACH = 60  # characters before a name in which it is looked for who is meant


class Insult:
    """Insults to a person as ``insult``, contempt for a group of people as ``hate``."""

    name = "insult"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """One finding for each insult, however often the name is repeated within it."""
        words = lexicon.load()
        hits = words.find(text, setting, self.name)
        swearing = words.find(text, setting, "profanity")
        names = [hit for hit in swearing if hit.term.group.kind == "person"]
        if not hits and not names:
            return ()
        named = [hit for hit in names if self._counts(hit, text)]
        phrases = [hit for hit in hits if hit.term.group.kind != "slur" and self._counts(hit, text)]
        insults = [*named, *(_told(hit, swearing) for hit in rounded(text, phrases))]
        slurs = [hit for hit in hits if hit.term.group.kind == "slur"]
        # Contempt for a people is thrown at somebody as well.
        found = lexicon.findings(Category.INSULT, [*insults, *slurs]) + lexicon.findings(Category.HATE, slurs)
        return sorted(found, key=lambda finding: finding.start)

    def _counts(self, hit: Hit, text: Folded) -> bool:
        if reported(text, hit.original[0]):
            return False
        before = _CLAUSE.split(text.plain[max(0, hit.start - REACH) : hit.start])[-1]
        said = _WORD.findall(before)
        if hit.term.group.kind != "person":
            if _SAYING.intersection(said[-3:]) and _DENIALS.intersection(said[-5:]):
                return False
            return not _REPORTS.intersection(said[-2:]) or "tu" in said[-1:]
        return _aimed(said, before, text.plain[hit.end : hit.end + REACH])


def _told(phrase: Hit, swearing: Sequence[Hit]) -> Hit:
    """Where ``phrase`` insults: "you greedy asshole" by its last word, at which the profanity rule points too."""
    start, end = phrase.original
    last = [hit.original for hit in swearing if start <= hit.original[0] and hit.original[1] == end]
    return msgspec.structs.replace(phrase, original=min(last)) if last else phrase


def _aimed(said: list[str], before: str, after: str) -> bool:
    """Whether a name is meant for somebody other than its author. ``said`` are the words of ``before``, in its clause."""
    if not _OTHERS.isdisjoint(said) and _SECOND.isdisjoint(said):
        return False
    following = _WORD.findall(after)
    if _AFTER_SELF.intersection(following[:2]):
        return False
    told = next((word for word in reversed(said[-5:]) if word not in _BETWEEN), "")
    if told in _SELF or told in _REPORTS or told in _OF:
        return False
    if told in _OTHER or _SECOND.intersection(said[-6:]):
        return True
    if told in _COPULAS:
        return not _PERSONS.isdisjoint(said)
    vocative = not said or before.rstrip().endswith(",")
    last = not following or after.lstrip(" ").startswith((",", ".", "!", "?", "\n", ";"))
    return vocative or last
