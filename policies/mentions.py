"""Words, handles and links of which a clause speaks by name: the platform's own number, address, domain.

What is listed is looked for in the plain spelling only. An exception must not be open to whoever imitates a listed name
with look-alike letters, a longer domain or a user name before an @.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from rules.types import Finding

_NUMBER = re.compile(r"\+?[\d\s().\-]{4,}")
_BETWEEN_DIGITS = r"[\s().\-–]{0,3}"
DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
HANDLE = re.compile(r"@[\w.]{1,64}|[\w.+-]{1,64}@[\w-]+(\.[\w-]+)+|\*@[\w-]+(\.[\w-]+)+")


class Mentions(msgspec.Struct, frozen=True):
    """What a finding must be about. A number among ``terms`` is meant however its digits are spaced.

    ``handles`` are ``@names`` and e-mail addresses, ``*@example.com`` for all of a domain; ``links`` are domains, each with
    those below it.
    """

    terms: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    links: tuple[str, ...] = ()

    def cover(self, text: str, finding: Finding) -> bool:
        """Whether all that was found lies within one place of ``text`` that is listed."""
        if finding.end <= finding.start:
            return False
        named, linked = _patterns(self)
        if named and any(start <= finding.start and finding.end <= end for start, end in _spans(named, text)):
            return True
        # The link as a whole, but not a number or a name that somebody hides in its path.
        return linked is not None and any(
            (finding.start == match.start() and finding.end <= match.end())
            or (finding.start > match.start() and finding.end <= match.end("site"))
            for match in linked.finditer(text)
        )


@lru_cache(maxsize=256)
def _patterns(mentions: Mentions) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    named = [_term(term) for term in mentions.terms] + [_handle(handle) for handle in mentions.handles]
    sites = "|".join(re.escape(link.lower()) for link in mentions.links)
    linked = (
        rf"(?<![\w@.+:/-])(?P<site>(?:https?://)?(?:[a-z0-9-]+\.)*(?:{sites}))(?![\w@-]|\.\w|:\D|:\d+@)"
        r"(?::\d{1,5})?(?:[/?#]\S*)?"
    )
    flags = re.IGNORECASE | re.ASCII
    return (
        re.compile("|".join(named), re.IGNORECASE) if named else None,
        re.compile(linked, flags) if mentions.links else None,
    )


def _term(term: str) -> str:
    if _NUMBER.fullmatch(term):
        digits = re.sub(r"\D", "", term)
        prefix = r"\+?" if term.strip().startswith("+") else ""
        return rf"(?<![\w+]){prefix}{_BETWEEN_DIGITS.join(digits)}(?!\w)"
    words = r"\s+".join(re.escape(word) for word in term.split())
    return rf"(?<!\w){words}(?!\w)"


def _handle(handle: str) -> str:
    if handle.startswith("*@"):
        return rf"(?<![\w.@+-])[\w.+-]{{1,64}}{re.escape(handle[1:])}(?![\w@-]|\.\w)"
    return rf"(?<![\w.@+-]){re.escape(handle)}(?![\w@-]|\.\w)"


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in pattern.finditer(text))
