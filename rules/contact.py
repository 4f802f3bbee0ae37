"""Contact: telephone numbers, addresses, account names and other ways to leave the chat, in one message or strewn over several."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from rules import handles, lexicon, phones
from rules.cues import NEAR, Cues, first_match, read, recipes, words
from rules.digits import NUMBER_WORDS, Numeral, tokens
from rules.handles import is_name
from rules.text import Folded, fold
from rules.types import Category, Finding, Setting, Utterance

# What is handed over piecemeal comes in short messages, one soon after the other.
PIECES = 8  # earlier messages that are looked at
PIECE_LENGTH = 90  # characters of a message that may be a piece

_RECIPES = recipes("contact")
_ACCOUNT_WORDS = frozenset(("messenger", "messenger_weak", "euphemism"))


class Contact:
    """Ways to reach a person outside the chat.

    What they are for is not asked: before an order a number is a leak, after it a courtesy. The stage of the deal is the
    policy's concern.
    """

    name = "contact"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """See ``rules.types.Rule``."""
        cues = read(text)
        found = [*self._phones(text, cues, setting), *self._names(text, cues)]
        if not found:
            found = [*self._invitations(text, cues, setting)]
        if not found and setting.recent:
            found = [*pieced_together(text, cues, setting)]
        return sorted(found, key=lambda finding: finding.start)

    def _phones(self, text: Folded, cues: Cues, setting: Setting) -> Iterator[Finding]:
        for phone in phones.find(text, cues, setting.region or setting.language):
            if not cues.refused(phone.start, phone.end) or phone.region:
                start, end = text.span(phone.start, phone.end)
                yield Finding(
                    Category.CONTACT, phone.score, start, end, f"contact:phone/{phone.region or 'unknown'}", phone.step
                )

    def _names(self, text: Folded, cues: Cues) -> Iterator[Finding]:
        found = handles.emails(text.plain)
        if not found and "mailbox" in cues:
            found = handles.mailbox(text.plain, cues)
        if not found and ("@" in text.plain or "reach" in cues or not _ACCOUNT_WORDS.isdisjoint(cues.present)):
            found = handles.accounts(text.plain, cues)
        for handle in found:
            start, end = text.span(handle.start, handle.end)
            yield Finding(Category.CONTACT, handle.score, start, end, f"contact:{handle.kind}", handle.step)

    def _invitations(self, text: Folded, cues: Cues, setting: Setting) -> Iterator[Finding]:
        pointers = lexicon.load().find(text, setting, self.name)
        for hit in pointers:
            if not cues.refused(hit.start, hit.end):
                yield Finding(Category.CONTACT, hit.term.group.score, *hit.original, f"contact:{hit.term.group.kind}")
                return
        own = _own_account(cues)
        if own:
            yield Finding(Category.CONTACT, 0.8, *text.span(*own), "contact:account")
            return
        if _RECIPES.first.isdisjoint(cues.present):
            return
        for recipe, (start, end) in first_match(cues, _RECIPES):
            yield Finding(Category.CONTACT, recipe.score, *text.span(start, end), f"contact:{recipe.name}")
            return


# What may stand between "my" and the name of a service.
_OF = frozenset(
    "cuenta perfil pagina usuario canal nombre numero nuevo nueva otro otra personal account page profile handle user "
    "username number channel new old business conta nome novo nova de do da del en no un una um uma a is on".split()
)
_OWNABLE = frozenset(("messenger", "messenger_short"))
OWN_REACH = 24  # characters between the two


def _own_account(cues: Cues) -> tuple[int, int] | None:
    """``mi insta``, ``my whatsapp``, ``o meu perfil do face``: an account that is somebody's, not the service as such."""
    if "possessed" not in cues or _OWNABLE.isdisjoint(cues.present):
        return None
    for start, end in cues.any_of("messenger|messenger_short")[:12]:
        for mine, mine_end in cues["possessed"][:24]:
            if 0 <= start - mine_end <= OWN_REACH and _OF.issuperset(
                cues.plain[mine_end:start].replace(":", " ").split()
            ):
                near = (mine - NEAR, end + NEAR)
                if not cues.within("feature", near) and not cues.refused(mine, end):
                    return mine, end
    return None


def pieced_together(text: Folded, cues: Cues, setting: Setting) -> Iterator[Finding]:
    """What this message completes: a number, an address or a name whose other parts are in the messages before it."""
    if len(text.plain) > PIECE_LENGTH or not _may_be_piece(text, cues):
        return
    recent = [_earlier(utterance.text) for utterance in _short(setting.recent)]
    if not recent:
        return
    around = [read(earlier) for earlier in recent]
    number = _number(text, cues, recent, around, setting)
    if number:
        yield number
        return
    name = _name(text, cues, recent, around)
    if name:
        yield name


@lru_cache(maxsize=1024)
def _earlier(text: str) -> Folded:
    """An earlier message: each is asked for by the next few messages of its conversation."""
    return fold(text)


def _short(recent: Sequence[Utterance]) -> list[Utterance]:
    return [utterance for utterance in recent[-PIECES:] if len(utterance.text) <= PIECE_LENGTH]


_PIECE = re.compile(r"[0-9@_]|[a-z][.][a-z]|\b(?:arroba|at|punto|ponto|dot)\b|^\W*\.")


def _may_be_piece(text: Folded, cues: Cues) -> bool:
    if _PIECE.search(text.plain) or not NUMBER_WORDS.isdisjoint(text.vocabulary):
        return True
    return "dial" in cues or "join" in cues or "euphemism" in cues or not _ACCOUNT_WORDS.isdisjoint(cues.present)


def _number(text: Folded, cues: Cues, recent: list[Folded], around: list[Cues], setting: Setting) -> Finding | None:
    pieces = [_figures(earlier) for earlier in recent]
    own, spelled, span = _figures(text)
    told = any(_tells_number(c) for c in (*around, cues))
    if not own and not (told and ("dial" in cues or "join" in cues)):
        return None
    if own:
        pieces.append((own, spelled, span))
    parts = [(figures, worded) for figures, worded, _ in pieces if figures]
    if not told and not (all(worded for _, worded in parts) and len(parts) >= 3) and not _alone(text, recent, parts):
        return None
    if (
        not ("dial" in cues or "join" in cues)
        and any("identifier" in c or "quantity" in c for c in (*around, cues))
        and not _asked(around, cues)
    ):
        return None
    figures, region = phones.joined(parts, setting.region or setting.language)
    if not figures and told and "dial" in cues and len(parts) >= 3 and 8 <= sum(len(f) for f, _ in parts) <= 12:
        figures, region = "".join(f for f, _ in parts), "unknown"
    if not figures or _counts_up(parts):
        return None
    start, end = text.span(*span) if own else (0, 0)
    return Finding(Category.CONTACT, 0.85 if told else 0.7, start, end, f"contact:phone/{region}", "split")


def _tells_number(cues: Cues) -> bool:
    return "dial" in cues or "account" in cues or "join" in cues or "messenger" in cues


def _asked(around: list[Cues], cues: Cues) -> bool:
    return any("dial" in c or "account" in c or "messenger" in c for c in (*around, cues))


def _alone(text: Folded, recent: list[Folded], parts: list[tuple[str, bool]]) -> bool:
    """Nothing but figures, message after message: what lists of sizes and prices are not, for they name what they count."""
    bare = [folded for folded in (*recent, text) if re.fullmatch(r"[\d\s.()+-]{2,20}", folded.plain)]
    return len(bare) >= 3 and any(figures.startswith("0") for figures, _ in parts)


def _counts_up(parts: list[tuple[str, bool]]) -> bool:
    values = [int(figures) for figures, _ in parts]
    return (
        len(values) >= 3 and all(len(figures) <= 2 for figures, _ in parts) and all(a < b for a, b in pairwise(values))
    )


_SMALL_TALK = 7  # words beside the figures of a piece


def _figures(text: Folded) -> tuple[str, bool, tuple[int, int]]:
    """The figures that a short message is about, whether they are spelled out, and where.

    Empty figures if the message is about something else.
    """
    figures: tuple[str, bool, tuple[int, int]] | None = text.notes.get(_figures)
    if figures is None:
        figures = text.notes[_figures] = _read_figures(text)
    return figures


def _read_figures(text: Folded) -> tuple[str, bool, tuple[int, int]]:
    said = tokens(text.plain)
    numerals = [token for token in said if isinstance(token, Numeral)]
    words = [token for token in said if not isinstance(token, Numeral)]
    if not numerals or len(words) > _SMALL_TALK or any(w.code for w in words):
        return "", False, (0, 0)
    if len(words) > 2 and len(numerals) == 1 and numerals[0].kind == "words":
        return "", False, (0, 0)
    figures = "".join(numeral.figures for numeral in numerals)
    return figures, any(n.kind != "figures" for n in numerals), (numerals[0].start, numerals[-1].end)


_TAIL = re.compile(
    r"(?:arroba|at|@)\s?[a-z0-9-]{2,40}\s?(?:\.|punto|ponto|dot)\s?[a-z]{2,12}\b"
    r"|[a-z0-9-]{2,40}\s(?:punto|ponto|dot)\s[a-z]{2,12}\b"
    r"|^\W*(?:\.|punto|ponto|dot)\s?"
    r"(?:com|net|org|es|pt|br|mx|ar|co|shop|store|online|example|info|me|site|tienda)\b"
)
_AT_PIECE = re.compile(
    r"(?:^|\s)(?:arroba|at sign|@|at\?|sinal de arroba|la arroba|a arroba)\W*$|^\W*(?:arroba|at sign|@|at\?)\W*$"
)


def _name(text: Folded, cues: Cues, recent: list[Folded], around: list[Cues]) -> Finding | None:
    whole = text.span(0, len(text.plain)) if text.plain else (0, 0)
    tail = _TAIL.search(text.plain)
    context = (*around, cues)
    if tail and any(
        "mailbox" in c or "website" in c or "account" in c or _AT_PIECE.search(c.plain) or is_any_name(c.plain)
        for c in context
    ):
        kind = "email" if any("mailbox" in c or _AT_PIECE.search(c.plain) for c in context) else "link"
        return Finding(Category.CONTACT, 0.85, *text.span(*tail.span()), f"contact:{kind}", "split")
    service = any(c.present & (_ACCOUNT_WORDS - {"messenger_weak"} | {"mailbox"}) for c in around)
    signed = any(_AT_PIECE.search(c.plain) for c in around)
    if (service or signed) and len(text.tokens) <= 3 and is_any_name(text.plain):
        return Finding(Category.CONTACT, 0.8, *whole, "contact:handle", "split")
    here = cues.present & (_ACCOUNT_WORDS - {"messenger_weak"})
    if here and len(text.tokens) <= 4 and any(is_any_name(folded.plain) for folded in recent[-3:]):
        return Finding(Category.CONTACT, 0.75, *whole, "contact:handle", "split")
    if here and (signed or sum(1 for folded in recent[-4:] if _bare_word(folded)) >= 2) and "feature" not in cues:
        return Finding(Category.CONTACT, 0.8, *whole, "contact:handle", "split")
    return None


def _bare_word(text: Folded) -> bool:
    """Whether a message is but one or two words, no answer such as "ok"."""
    return 1 <= len(text.tokens) <= 2 and len(text.plain) >= 4 and text.tokens[0] not in _ANSWERS


_ANSWERS = words("answers")


def is_any_name(plain: str) -> bool:
    """Whether a text holds an account-like word, or a part of one (``_bradford``, ``tempero_da``)."""
    return any(is_name(word.strip(",;:!?()")) or "_" in word for word in plain.split())
