"""Threats of violence, arson, exposure, and to people's families."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules import lexicon
from rules.bounds import rounded
from rules.lexicon import Hit
from rules.quotation import reported
from rules.text import Folded
from rules.types import Category, Finding, Setting

# "You will regret it if you do not try these pies."
_BARGAIN = re.compile(
    r"\s*(?:de no |si no (?:l[oa]s? )?(?:prueb|prob|compr|vien|ven[ií]s|llev|aprovech)|se nao (?:prov|compr|vier|lev|experiment)"
    r"|not (?:buying|trying|coming|getting)|missing|if you (?:miss|(?:do not|don'?t) (?:try|buy|come|get)))"
)
# "I know where you live now, thanks for the pin": whoever comes with the goods.
_KNOWN = re.compile(
    r"\b(?:know|se|sei|sabemos|conozco|conheco)\b.*\b(?:where|donde|onde|address|direccion|endereco|calle|rua|street)\b"
)
_WELCOME = re.compile(
    r"\b(?:thanks|thank you|cheers|gracias|obrigad[oa]|valeu|pin|keys|llaves|chaves|timbre|ubicacion|localizacao)\b"
)
_DENIAL = re.compile(r"\b(?:no|nao|not|never|nunca|jamas|wont|won't)\s+$")


class Threat:
    """Phrases of the reviewed lists."""

    name = "threat"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """One finding for each phrase that is not denied, quoted, or said in another sense."""
        hits = lexicon.load().find(text, setting, self.name)
        meant = [hit for hit in hits if _meant(hit, text)] if hits else []
        return lexicon.findings(Category.THREAT, rounded(text, meant)) if meant else ()


def _meant(hit: Hit, text: Folded) -> bool:
    if _denied(hit, text) or reported(text, hit.original[0]):
        return False
    if _BARGAIN.match(text.plain, hit.end):
        return False
    return _KNOWN.search(text.plain, hit.start, hit.end) is None or _WELCOME.search(text.plain) is None


def _denied(hit: Hit, text: Folded) -> bool:
    """Whether the word before takes it back: "no te vas a arrepentir"."""
    return _DENIAL.search(text.plain, max(0, hit.start - 12), hit.start) is not None
