"""E-mail addresses and account names in running text, written, spelled out or hinted at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import msgspec

from rules.cues import Cues, Span, words
from rules.links import HOSTS

MOST = 20  # addresses in one text beyond which the rest of it is taken for more of them
MAIL_REACH = 64  # characters of an address on either side of its at sign
NAME_REACH = 34  # characters between a messenger's name and a person's


class Handle(msgspec.Struct, frozen=True, gc=False):
    """An address or account name at ``start`` to ``end`` of the plain text; ``kind`` is ``email`` or ``handle``."""

    kind: str
    start: int
    end: int
    score: float
    step: str = ""


_PROVIDERS = r"(?:gmail|gmial|hotmail|outlook|yahoo|icloud|proton(?:mail)?|live|aol|ymail|uol|bol|terra|sapo|mail|jotmail|jimeil)"
_DOT = r"(?:\s?\.\s?|\s?[(\[{<]\s?(?:\.|dot|punto|ponto)\s?[)\]}>]\s?|\s(?:dot|punto|ponto|pnto)\s)"
_AT = re.compile(
    r"@(?=\s?(?:[a-z0-9-]{2}|[a-z0-9] ))|[(\[{<]\s?(?:at|a|arroba|aroba|arrob@|@)\s?[)\]}>]"
    r"|(?<![a-z0-9])(?:arroba|aroba|arrova|arob@)(?![a-z])|(?<= )at(?= )"
)
_LOCAL = re.compile(
    r"(?:(?<![a-z0-9])(?:[a-z0-9] ?[ ._-] ?){3,30}[a-z0-9]|[a-z0-9._%+-]{1,40}(?:"
    + _DOT
    + r"[a-z0-9_%+-]{1,30}){0,3})\s?$"
)
_DOMAIN = re.compile(
    r"\s?(?:(?:[a-z0-9-]{2,40}"
    + _DOT
    + r"){1,3}[a-z]{2,12}(?![a-z0-9])|(?:[a-z0-9] ){2,30}?[a-z0-9] ?\. ?[a-z](?: ?[a-z]){1,6}(?![a-z0-9])|"
    + _PROVIDERS
    + r"(?![a-z0-9]))"
)
_NOT_LOCAL = words("leads")
_SPOKEN_LOCAL = re.compile(r"(?:[a-z0-9._-]+ ){1,6}$")

_UNDERSCORE = re.compile(
    r"(?<![a-z])(?:guion bajo|guion abajo|barra baja|underscore|under score|underline|underlaine|sublinhado|subrayado"
    r"|traco baixo|traco embaixo|barra inferior)(?![a-z])"
)
_UNDERSCORE_STEMS = ("guion ", "barra ", "under", "sublinhado", "subrayado", "traco ")
_NAME = re.compile(r"(?<![a-z0-9@._/-])@?[a-z0-9_](?:[a-z0-9_.-]{1,38}[a-z0-9_])?(?:#\d{3,5})?")
_MENTION = re.compile(r"(?<![a-z0-9._%+-])@\s?[a-z_][a-z0-9_.]{2,38}(?<!\.)")
_INTRODUCED = re.compile(
    r"\s?(?:[:=>]|\b(?:como|as|id|user|usuario|username|nick|name|(?P<verb>es|is|e|at|soy|sou|somos))\b)\s?"
    r"(?:(?:es|is|e|id|user|usuario)\s?:?\s)?(?P<name>@?[a-z0-9_][a-z0-9_.-]{2,38})"
)


def mentions(plain: str) -> bool:
    """Whether a text may hold an address. Cheap."""
    return "@" in plain or "arrob" in plain or "aroba" in plain or " at " in plain or "(a" in plain or "[a" in plain


def emails(plain: str) -> list[Handle]:
    """E-mail addresses, in order of place."""
    if not mentions(plain):
        return []
    found: list[Handle] = []
    for sign in _AT.finditer(plain):
        handle = _email(plain, sign)
        if handle and (not found or handle.start >= found[-1].end):
            found.append(handle)
            if len(found) == MOST:
                found[-1] = msgspec.structs.replace(handle, end=len(plain))
                break
    return found


def _email(plain: str, sign: re.Match[str]) -> Handle | None:
    said = sign[0]
    domain = _DOMAIN.match(plain, sign.end(), min(len(plain), sign.end() + MAIL_REACH))
    if domain is None:
        return None
    host = domain[0].strip()
    bare = re.fullmatch(_PROVIDERS, host) is not None
    if not bare and not _ends_like_a_domain(host):
        return None
    before = plain[max(0, sign.start() - MAIL_REACH) : sign.start()]
    local = _LOCAL.search(before)
    name = local[0].strip() if local else ""
    if said == "at" and not _spoken(host, name, bare):
        return None
    start = sign.start() - len(before) + local.start() if local else sign.start()
    if said != "@" or " " in host:
        start = min(start, _spoken_start(plain, sign.start()))
    written = said == "@" and " " not in plain[start : domain.end()].strip()
    if not name or name in _NOT_LOCAL:
        return Handle("email", sign.start(), domain.end(), 0.7, "spelled")
    while start < sign.start() and plain[start] in " .":
        start += 1
    return Handle("email", start, domain.end(), 0.97 if written else 0.9, "" if written else "spelled")


def _ends_like_a_domain(host: str) -> bool:
    ending = re.split(r"[^a-z0-9]+", host)[-1]
    if re.fullmatch(r"(?:[a-z0-9] )+.*", host):  # letters set one by one
        return True
    return ending in HOSTS.plain_endings or ending in HOSTS.word_endings


def _spoken(host: str, name: str, bare: bool) -> bool:
    """Whether "x at y" is an address: a domain with a spoken dot, or a name that nobody has but a mailbox."""
    if bare:
        return bool(re.search(r"[a-z][._][a-z0-9]|[a-z]\d", name))
    return bool(re.search(r"\b(?:dot|punto|ponto)\b|[(\[]", host)) or bool(re.search(r"[a-z][._][a-z]", name))


def _spoken_start(plain: str, end: int) -> int:
    """Where a name of several words begins: ``oak and ash frames at ...``."""
    words = _SPOKEN_LOCAL.search(plain, max(0, end - 48), end)
    if words is None:
        return end
    start = end
    for word in reversed(re.findall(r"[a-z0-9._-]+ ", words[0])):
        if word.strip() in _NOT_LOCAL:
            break
        start -= len(word)
    return start


def mailbox(plain: str, cues: Cues) -> list[Handle]:
    """A name beside a provider's: ``en gmail soy libros.viejos77``."""
    found = []
    for start, end in cues["mailbox"][:8]:
        name = _name_beside(plain, start, end, strict=True)
        if name and plain[name[0]] != "@":
            found.append(Handle("email", *name, 0.8, "hinted"))
    return found[:1]


def accounts(plain: str, cues: Cues) -> list[Handle]:
    """Account names on other services, where the service or an at sign tells that they are."""
    found: list[Handle] = []
    spelled = _spelled(plain, cues)
    if spelled:
        found.append(spelled)
    for concept in ("messenger", "messenger_weak", "euphemism"):
        for start, end in cues[concept][:12]:
            name = _introduced(plain, end) if concept != "messenger_weak" and "feature" not in cues else None
            name = name or (_labelled(plain, start, end) if concept == "messenger_weak" else None)
            name = _name_beside(plain, start, end, strict=True) or name
            if name and not cues.refused(*name):
                found.append(Handle("handle", *name, 0.9 if concept == "messenger" else 0.85))
    if "@" in plain:
        found += _mentioned(plain, cues)
    found.sort(key=lambda handle: (handle.start, -handle.score))
    kept: list[Handle] = []
    for handle in found:
        if not kept or handle.start >= kept[-1].end:
            kept.append(handle)
    return kept


def is_name(word: str) -> bool:
    """Whether ``word`` looks like an account: ``riptide_kev04``, ``tortas.la.guera``, ``sukhumvitstay77``, ``gpu#0042``."""
    bare = word.lstrip("@")
    if len(bare) < 4 or not any(c.isalpha() for c in bare):
        return False
    if word[0] == "@" or "_" in bare or re.search(r"[a-z]#\d{3}", bare):
        return True
    if re.fullmatch(r"[a-z][a-z0-9]+(?:\.[a-z0-9]{2,}){1,5}|[a-z](?:\.[a-z0-9]{2,}){2,5}", bare):
        return True
    return bool(
        re.fullmatch(r"[a-z]{4,}\d{2,6}[a-z]{0,4}|[a-z]{3,}-[a-z]{2,}-?[a-z]*\d+|[a-z]{3,}\d{2,}[a-z]{2,}", bare)
    )


def _name_beside(plain: str, start: int, end: int, strict: bool) -> Span | None:
    """The account-like word nearest to a service's name, after it rather than before."""
    for match in _NAME.finditer(plain, end, min(len(plain), end + NAME_REACH + 30)):
        if match.start() > end + NAME_REACH:
            break
        if (
            is_name(match[0])
            and not match[0].startswith(("http", "www"))
            and (strict is False or match.start() <= end + 14 or not _WORDS_RUN_ON.fullmatch(match[0]))
        ):
            return match.span()
    for match in reversed(list(_NAME.finditer(plain, max(0, start - NAME_REACH), start))):
        if is_name(match[0]) and match.end() <= start and not _WORDS_RUN_ON.fullmatch(match[0]):
            return match.span()
    return None


def _introduced(plain: str, end: int) -> Span | None:
    match = _INTRODUCED.match(plain, end, min(len(plain), end + 60))
    if match is None or match["name"] in _EVERYDAY or len(match["name"].strip("._@-")) < 3:
        return None
    # "insta: maria" names an account; "whatsapp e vai" goes on.
    if match["verb"] and not is_name(match["name"].rstrip(".")):
        return None
    return match.span("name")


_LABELLED = re.compile(
    r"(?:ig|fb|tg|snap|kik|insta)\s?[:=]\s?(?P<name>[a-z0-9]{2,30}(?:[._-][a-z0-9]{2,30}){1,3})(?![a-z0-9])"
)


def _labelled(plain: str, start: int, end: int) -> Span | None:
    """A name that a colon gives to a service: ``snap: ju-caronas``."""
    match = _LABELLED.match(plain, start, min(len(plain), end + 60))
    return match.span("name") if match else None


_WORDS_RUN_ON = re.compile(r"[a-z]+\.[a-z]+")  # "well.still" may be two sentences
_EVERYDAY = words("everyday")


def _spelled(plain: str, cues: Cues) -> Handle | None:
    if not any(stem in plain for stem in _UNDERSCORE_STEMS):
        return None
    marks = list(islice(_UNDERSCORE.finditer(plain), 6))
    if (
        not marks
        or len(marks) < 2
        and not ("messenger" in cues or "messenger_weak" in cues or "euphemism" in cues or "reach" in cues)
    ):
        return None
    before = re.search(r"[a-z0-9]+ ?$", plain[max(0, marks[0].start() - 40) : marks[0].start()])
    start = marks[0].start() - (len(before[0]) if before else 0)
    after = re.match(
        r" ?[a-z0-9]+(?: (?:punto|ponto|dot|guion|traco|dash) [a-z0-9]+){0,3}",
        plain[marks[-1].end() : marks[-1].end() + 80],
    )
    end = marks[-1].end() + (after.end() if after else 0)
    return Handle("handle", start, end, 0.9, "spelled") if before or after else None


_SENTENCE = re.compile(r"[.!?;]\s|\n")
_PLACED = re.compile(r"\s(?:(?:en|on|in|no|at|de|por|pelo|do)\s(?:el\s|the\s|o\s)?)?")


def _mentioned(plain: str, cues: Cues) -> Iterator[Handle]:
    """Names behind an at sign.

    In a group "@ana" calls a participant: only a service beside it, or a name that no person has, makes it an account.
    """
    services = [span for concept in ("messenger", "messenger_weak", "euphemism") for span in cues[concept]]
    for match in islice(_MENTION.finditer(plain), 12):
        start, end = match.span()
        name = match[0].replace(" ", "")
        introduced = any(0 <= start - e <= 24 and not _SENTENCE.search(plain, e, start) for _, e in services)
        introduced = introduced or any(_PLACED.fullmatch(plain, end, s) for s, _ in services if 0 <= s - end <= 9)
        telling = " " not in match[0] and bool(re.search(r"_[a-z0-9]|[a-z]\.[a-z]|[a-z]{3}\d{2}", name))
        if (introduced or telling) and not cues.refused(start, end):
            yield Handle("handle", start, end, 0.9 if introduced else 0.75)
