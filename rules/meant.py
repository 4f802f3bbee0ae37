"""Whether a text could mean a threat or an insult at all, for classifiers: they know grim words better than what they are for.

"El queso huele a muerto", "I will report you", "passo na tua casa às 5", "voy retrasada", "soy tonta": none of them is meant ill.
"""

from __future__ import annotations

import re

from rules import cues
from rules.quotation import tells_of_another
from rules.text import Folded

# Pronouns, possessives and the commonest verbs of the second person, familiar and formal, as they look without accents.
# Portuguese "os" and Spanish "es" are left out: there they are articles and copulas.
_SECOND_PERSON = re.compile(
    r"\b(?:"
    r"te|ti|tus?|tuy[oa]s?|vos|sos|sois|eres|seas|vas|vais|tienes|tenes|contigo|usted|ustedes|les?|vuestr[oa]s?|sus?"
    r"|teus?|tuas?|voces?|vcs?|ce|lhes?|seus?|suas?"
    r"|you|your|yours|yourself|youre|u|ur|ya|yall"
    r")\b"
)
# Whoever says that they will take it to those who settle disputes. Not the noun: "withdraw your report, or ..." is a threat.
_RECOURSE = re.compile(
    r"\b(?:"
    r"denunci(?:o|ar|are|arei|aremos)|reportar(?:e|ei)?|reporto|reported|report you|demandar(?:e)?|demando|processar(?:ei)?"
    r"|juez|juzgado|juicio|abogad[oa]s?|juiz|justica|advogad[oa]s?|procon|sue|suing|court|lawyers?|attorney|solicitor"
    r")\b"
)
# Or in public: a bad review is everybody's right.
_REVIEW = re.compile(
    r"\b(?:(?:bad|negative|honest|poor) (?:review|rating|feedback)|(?:mala|negativa) (?:resena|valoracion|opinion|calificacion)"
    r"|(?:resena|valoracion|opinion|avaliacao|critica|nota) (?:mala|ruim|negativa|ma|pessima))\b"
)
# Laughter and thanks say how it is meant.
_FRIENDLY = re.compile(
    r"\b(?:ha(?:ha)+|ja(?:ja)+|kkk+|rs(?:rs)+|lol|thanks|thank you|cheers|gracias|obrigad[oa]|valeu)\b"
)
# An hour makes it an appointment.
_HOUR = re.compile(
    r"\b(?:a las|a la|sobre las|hacia las|as|umas|pelas|at|around|by)\s+(?:unas\s+)?\d{1,2}\b|\b\d{1,2}(?::\d\d|h|am|pm)\b"
)
_ONESELF = re.compile(r"\b(?:soy|fui|estoy|ando|voy|llego|vengo|sou|estou|tou|fiquei|i'?m|i am|i was|i feel)\b")
# "Retrasado" is late, of people, parcels and trains; only of a person's mind it is the other thing.
_LATE = re.compile(
    r"\b(?:v[ae]n?|vamos|iba|iban|viene|vienen|venia|llegan?|llegara|llego|esta|estan|estamos|andan?|queda|sale|salio|siguen?"
    r"|pedido|envio|entrega|vuelo|tren|bus|paquete|reparto|llegada)\s+(?:\w+\s+)?retrasad[oa]s?\b"
)


def addresses(text: Folded) -> bool:
    """Whether ``text`` speaks to somebody."""
    return _SECOND_PERSON.search(text.plain) is not None


def may_defraud(text: Folded) -> bool:
    """Whether ``text`` speaks to somebody, and neither warns of what it names nor refuses it nor tells that another did it."""
    return addresses(text) and not cues.read(text).any_of("warning|refuse|refuse_after|reported")


def may_threaten(text: Folded) -> bool:
    """Whether ``text`` speaks to somebody, neither of recourse nor of an hour at which to meet, in earnest, for its author."""
    plain = text.plain
    if _SECOND_PERSON.search(plain) is None or tells_of_another(text):
        return False
    return not any(excuse.search(plain) for excuse in (_RECOURSE, _HOUR, _REVIEW, _FRIENDLY))


def may_insult(text: Folded) -> bool:
    """Whether ``text`` is about more than its author, and not about being late."""
    plain = text.plain
    if _LATE.search(plain) is not None:
        return False
    return _ONESELF.search(plain) is None or _SECOND_PERSON.search(plain) is not None
