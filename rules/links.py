"""Links, however they are written, and where they lead: to a person, to a wallet, to a trap, or to a map."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from rules.cues import TERMS, Cues, read, words
from rules.text import Folded
from rules.types import Category, Finding, Setting


class Hosts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of hosts: ``terms/links_hosts.toml``."""

    messengers: frozenset[str]
    wallets: frozenset[str]
    shorteners: frozenset[str]
    neutral: frozenset[str]
    official_endings: frozenset[str]
    guarded: frozenset[str]
    lures: frozenset[str]
    plain_endings: frozenset[str]
    word_endings: frozenset[str]


HOSTS = msgspec.convert(tomllib.loads((TERMS / "links_hosts.toml").read_text(encoding="utf-8")), Hosts)


MOST = 40  # findings in one text beyond which the rest of it is taken for more of them


class Link(msgspec.Struct, frozen=True, gc=False):
    """A link at ``start`` to ``end`` of the plain text. ``step`` is empty where it is written as links are."""

    host: str
    path: str
    start: int
    end: int
    step: str = ""


# A dot as it is written, set apart, or spelled out.
_DOT = r"(?:\.|\s\.\s?|\s?[(\[]\s?(?:\.|dot|punto|ponto)\s?[)\]]\s?|\s(?:dot|punto|ponto|pnto|puntito)\s)"
_HOST = re.compile(
    r"(?<![a-z0-9@._-])(?P<scheme>h(?:tt|xx)ps?\s?:\s?//\s?)?(?P<host>(?:[a-z0-9][a-z0-9-]{0,40}"
    + _DOT
    + r"){1,4}[a-z]{2,12})(?![a-z0-9@-])"
    r"(?P<path>\s?/\s?[^\s,;)]{0,200}|\s(?:slash|barra|diagonal)\s[a-z0-9_.-]{1,40})?"
)
_SAID_DOTS = frozenset(("dot", "punto", "ponto", "pnto", "puntito"))
# A dot that ends no sentence: one with a letter right after it, or a space or bracket before. Most messages have none.
_DOTTED = re.compile(r"\.(?:(?=[^\W\d_])|(?<=[ (\[]\.))")
_SPLIT = re.compile(_DOT)
# The short hosts of messengers, with a space between all their letters.
_SPELLED_HOST = re.compile(
    r"(?<![a-z0-9])(?:"
    r"(w\s?a\s?[.,]\s?m\s?e|w\s?a\s(?:punto|dot|ponto)\sm\s?e)"
    r"|(t\s?[.,]\s?m\s?e|t\s(?:punto|dot|ponto)\sm\s?e)"
    r"|(b\s?i\s?t\s?\.\s?l\s?y|bit\s(?:punto|dot|ponto)\sly)"
    r"|(l\s?i\s?n\s?k\s?t\s?r\s?\.\s?e\s?e|linktr\s(?:punto|dot|ponto)\see)"
    r")(?![a-z])(?P<path>\s?(?:/|slash|barra|diagonal)\s?(?:[a-z0-9_.]{1,40}|[0-9 ]{7,40}))?[0-9 ]{0,40}"
)
_SPELLED_NAMES = ("wa.me", "t.me", "bit.ly", "linktr.ee")
_ARTICLES = words("articles")
_SCHEME_ENDS = re.compile(r"[.!?]+$")


def find(text: Folded, cues: Cues) -> list[Link]:
    """The links of a text, in order of place."""
    if not _may_hold_link(text):
        return []
    found = [*_spelled(text.plain), *_written(text.plain, cues)]
    if not found:
        return []
    found.sort(key=lambda link: (link.start, -link.end))
    kept: list[Link] = []
    for link in found:
        if not kept or link.start >= kept[-1].end:
            kept.append(link)
    return kept


def _may_hold_link(text: Folded) -> bool:
    return (
        "." in text.plain
        and _DOTTED.search(text.plain) is not None
        or "://" in text.plain
        or not _SAID_DOTS.isdisjoint(text.vocabulary)
    )


def _spelled(plain: str) -> Iterator[Link]:
    for match in _SPELLED_HOST.finditer(plain):
        host = next(name for name, group in zip(_SPELLED_NAMES, match.groups()[:4], strict=True) if group)
        start = match.start()
        shown = match[0].rstrip()
        yield Link(host, (match["path"] or "").strip(), start, start + len(shown), "" if host in shown else "spaced")


def _written(plain: str, cues: Cues) -> Iterator[Link]:
    for match in _HOST.finditer(plain):
        labels = [label.strip() for label in _SPLIT.split(match["host"])]
        ending = labels[-1]
        host = ".".join(labels)
        step = "" if host in match["host"] else "spaced"
        if ending not in HOSTS.plain_endings and ending not in HOSTS.word_endings:
            continue
        if not match["scheme"] and not _is_link(match, labels, step, plain, cues):
            continue
        start = match.start()
        if step and "website" in cues:
            start = _spoken_start(plain, start)
        yield Link(host, (match["path"] or "").strip(), start, match.end(), step)


def _is_link(match: re.Match[str], labels: Sequence[str], step: str, plain: str, cues: Cues) -> bool:
    """Whether ``x.y`` is a link and not the end of a sentence without its space, or a point in another sense."""
    name, ending = labels[-2], labels[-1]
    if labels[0] == "www" or match["path"] and not step:
        return not name.isdigit()
    if name.isdigit() or name in _ARTICLES or len(name) < 2:
        return False
    told = any(char.isdigit() or char == "-" for char in name)
    about = "website" in cues or "mailbox" in cues
    if ending in HOSTS.word_endings:
        ends = match.end() == len(plain) or plain[match.end()] in ",;:!?)\n"
        return about and (bool(step) or ends or told) or (told and not step) or (ends and not step and len(name) > 6)
    if step:
        return (
            about
            or told
            or bool(match["path"])
            or ending
            not in (
                "com",
                "web",
                "art",
                "test",
                "casa",
                "top",
                "live",
                "fun",
                "it",
                "link",
                "page",
                "app",
                "sale",
                "space",
                "life",
                "today",
                "group",
                "pro",
                "ai",
            )
            or (ending == "com" and (len(name) > 4))
        )
    return (
        ending
        not in (
            "art",
            "casa",
            "live",
            "top",
            "it",
            "ai",
            "life",
            "today",
            "sale",
            "group",
            "fun",
            "pro",
            "space",
            "test",
            "app",
            "page",
            "link",
            "web",
        )
        or about
        or len(labels) > 2
    )


def _spoken_start(plain: str, start: int) -> int:
    """Where a spoken name begins: "laminas de carmen punto es, todo junto" is one name of three words."""
    words = re.findall(r"[a-z0-9-]+ ", plain[max(0, start - 40) : start])
    taken = 0
    for word in reversed(words[-3:]):
        if word.strip() in _LEADS:
            break
        taken += len(word)
    return start - taken


_LEADS = words("leads")


def is_under(host: str, known: frozenset[str]) -> bool:
    """Whether ``host`` is one of ``known`` or below it: ``api.whatsapp.com`` is under ``whatsapp.com``."""
    labels = host.split(".")
    return any(".".join(labels[i:]) in known for i in range(len(labels)))


def imitates(host: str) -> str:
    """The guarded name that a host borrows without being its own, or an empty string."""
    labels = host.split(".")
    if "xn--" in host:
        return "punycode"
    own = set(labels[-2:-1]) | set(labels[-3:-2] if len(labels[-2]) <= 3 and len(labels) > 2 else ())
    unmasked = host.translate(_FIGURES)
    for name in HOSTS.guarded:
        if name in own and name in labels:
            continue
        if name in unmasked and not is_under(host, HOSTS.neutral | HOSTS.messengers | HOSTS.wallets):
            return name
    return ""


_FIGURES = str.maketrans("01345", "oleas")


def baits(host: str) -> bool:
    """Whether a host is made of words that only a trap needs: ``cobro-seguro-envios``."""
    words = re.split(r"[-.]", host)
    return sum(1 for word in words[:-1] if word in HOSTS.lures) >= 2


class Links:
    """Links: ``contact`` where they lead to a person or off the platform, ``scam`` where they are traps, else ``link``.

    ``own`` names the hosts that are the platform's business; they and maps, carriers and reference works are no finding.
    """

    name = "link"

    def __init__(self, own: Sequence[str] = ()) -> None:
        self.own = frozenset(own)

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """See ``rules.types.Rule``."""
        if not _may_hold_link(text) and text.decoded is None:
            return ()
        cues = read(text)
        judged = (finding for link in find(text, cues) for finding in self._judge(link, text, cues))
        findings = [*islice(judged, MOST)]
        if len(findings) == MOST:
            findings[-1] = msgspec.structs.replace(findings[-1], end=len(text.original))
        if text.decoded:
            cues = read(text.decoded)
            seen = {(finding.start, finding.end) for finding in findings}
            judged = (f for link in find(text.decoded, cues) for f in self._judge(link, text.decoded, cues))
            more = [*islice(judged, MOST)]
            findings += [f for f in more if (f.start, f.end) not in seen]
        return findings

    def _judge(self, link: Link, text: Folded, cues: Cues) -> Iterator[Finding]:
        if (
            is_under(link.host, self.own)
            or is_under(link.host, HOSTS.neutral)
            or is_under(link.host, HOSTS.official_endings)
        ):
            return
        start, end = text.span(link.start, link.end)
        if cues.refused(link.start, link.end):
            return
        imitated = imitates(link.host)
        if imitated or baits(link.host) or ("lure" in cues and not is_under(link.host, HOSTS.messengers)):
            yield Finding(
                Category.SCAM,
                0.9 if imitated or baits(link.host) else 0.75,
                start,
                end,
                f"scam:phishing/{imitated or 'lure'}",
                link.step,
            )
        if is_under(link.host, HOSTS.wallets):
            yield Finding(Category.OFF_PLATFORM_PAYMENT, 0.85, start, end, f"payment:link/{link.host}", link.step)
            return
        kind = (
            "messenger"
            if is_under(link.host, HOSTS.messengers)
            else "shortener"
            if is_under(link.host, HOSTS.shorteners)
            else "site"
        )
        yield Finding(
            Category.CONTACT, 0.9 if kind == "messenger" else 0.75, start, end, f"contact:link/{kind}", link.step
        )
        yield Finding(Category.LINK, 0.8, start, end, f"link:{kind}", link.step)
