"""Whether a text could be a threat at all: what is said to nobody threatens nobody, and rights are no violence.

For classifiers, which know grim words better than what they are said for: "el queso huele a muerto", "I will report you".
"""

from __future__ import annotations

import re

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


def may_menace(text: Folded) -> bool:
    """Whether ``text`` speaks to somebody, in Spanish, English or Portuguese, and not of recourse to the law or to staff."""
    plain = text.plain
    return _SECOND_PERSON.search(plain) is not None and _RECOURSE.search(plain) is None
