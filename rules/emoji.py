"""Emoji by their sense: an aubergine is food at the grocer's and a come-on in a flat-share chat.

An emoji alone says little. Its company does: the emoji beside it, the words around it, and what is being sold.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from operator import attrgetter

import msgspec
from emoji import EMOJI_DATA

from rules.cues import TERMS, Cues, read_beside_emoji
from rules.text import Folded, fold
from rules.types import Category, Finding, Setting


class Senses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What emoji may stand for: ``terms/emoji_senses.toml``."""

    insult: frozenset[str]
    person: frozenset[str]
    flesh: frozenset[str]
    wet: frozenset[str]
    flirt: frozenset[str]
    gesture: frozenset[str]
    weapon: frozenset[str]
    death: frozenset[str]
    harmless: frozenset[str]
    drug: frozenset[str]


SENSES = msgspec.convert(tomllib.loads((TERMS / "emoji_senses.toml").read_text(encoding="utf-8")), Senses)

_TELLING = (
    SENSES.insult
    | SENSES.person
    | SENSES.flesh
    | SENSES.wet
    | SENSES.weapon
    | SENSES.death
    | SENSES.drug
    | {"👉", "👌", "🤏"}
)
_TOLD = frozenset(face[0] for face in _TELLING)
_PICTURES = re.compile("[\u203c-\U0010ffff]")
GROUPS = 60  # groups of emoji that are weighed in a text
MOST = 400  # emoji of a text that are looked at; the rest of it is taken for more of the last

# What is sold where an emoji may simply be the goods.
FOOD = frozenset(("groceries", "garden", "kitchen"))
BLADES = frozenset(("groceries", "kitchen", "knives_tools", "garden", "toys"))

_MARKS = "[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\u20e3\U000e0020-\U000e007f]"
_BASE = (
    "[\u203c\u2049\u2139\u2194-\u21aa\u231a-\u23fa\u24c2\u25aa-\u27bf\u2934-\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f004-\U0001faff]"
)
# One emoji as it is seen: a base with its marks, or several joined to one picture.
_EMOJI = re.compile(f"{_BASE}{_MARKS}*(?:\u200d{_BASE}{_MARKS}*)*")
_SHORTCODE = re.compile(r":[a-z][a-z0-9_’'-]{1,40}:")
_STRIP = re.compile(_MARKS)
_PRICE = re.compile(r"[0-9][.,][0-9]{2}(?![0-9])|[$€£] ?[0-9]|[0-9] ?[€£]|[0-9] ?(?:euros|reais|pesos|dollars|quid)")
_OR_ELSE = re.compile(r"(?:^|\W)(?:o|or|ou|si no|sino|sen[aã]o|or else|else)\s*$", re.IGNORECASE)
_STREET = frozenset("💊🍄💉🔌🍁")  # of the drugs, those that are no weather and no salad
# "🐷 that is what you are": who is meant may be said behind it.
_MEANT = re.compile(
    r"\W*(?:that'?s|this is|is) (?:what )?(?:you|ur|u)\b|\W*(?:eso|asi) (?:es lo que )?(?:eres|sos)"
    r"|\W*(?:e )?(?:isso|assim)(?: e)? (?:o )?que (?:voce|vc|tu|ce)|\W*(?:like you|como (?:tu|vos|voce|vc))\b"
)
_THROWN = frozenset("🤡💩🐷🐍🐀🫏🐴🗑")
NEAR = 3  # characters between emoji of one group, such as spaces
REACH = 34  # characters between a word and the emoji it speaks of


class Seen(msgspec.Struct, frozen=True, gc=False):
    """An emoji at ``start`` to ``end`` of the original text, without skin tone and variation."""

    face: str
    start: int
    end: int


@cache
def _shortcodes() -> dict[str, str]:
    """``:eggplant:`` and its names in other languages, for the emoji that have a second sense."""
    wanted = {face for field in SENSES.__struct_fields__ for face in getattr(SENSES, field)}
    names: dict[str, str] = {}
    for emoji, data in EMOJI_DATA.items():
        face = _STRIP.sub("", emoji)
        if face in wanted:
            for name in (data["en"], data.get("es", ""), data.get("pt", ""), *data.get("alias", ())):
                names.setdefault(name.lower(), face)
    return names | {
        ":sweat_drops:": "💦",
        ":peach:": "🍑",
        ":eggplant:": "🍆",
        ":middle_finger:": "🖕",
        ":fu:": "🖕",
        ":poop:": "💩",
        ":hankey:": "💩",
        ":shit:": "💩",
        ":gun:": "🔫",
        ":knife:": "🔪",
    }


def is_emoji(text: str) -> bool:
    """Whether ``text`` is one emoji, in any of its spellings, and nothing else."""
    return text in EMOJI_DATA


def seen(text: str) -> list[Seen]:
    """The emoji of a text, characters and shortcodes, in order of place."""
    found = [] if text.isascii() else [_seen(match) for match in islice(_EMOJI.finditer(text), MOST)]
    if ":" in text:
        names = _shortcodes()
        lowered = text.lower()
        if len(lowered) == len(text):
            codes = (Seen(names[m[0]], *m.span()) for m in _SHORTCODE.finditer(lowered) if m[0] in names)
            found += islice(codes, MOST)
            found.sort(key=lambda s: s.start)
    if len(found) >= MOST:
        found[-1] = msgspec.structs.replace(found[-1], end=len(text))
    return found


def _seen(match: re.Match[str]) -> Seen:
    start, end = match.span()
    return Seen(match[0] if end - start == 1 else _STRIP.sub("", match[0]), start, end)


def groups(emoji: Sequence[Seen]) -> Iterator[list[Seen]]:
    """Emoji that stand together."""
    group: list[Seen] = []
    for one in emoji:
        if group and one.start - group[-1].end > NEAR:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


class Emoji:
    """Emoji that insult, threaten, make advances or sell drugs. A skin tone never changes what is found."""

    name = "emoji"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """See ``rules.types.Rule``."""
        shortcodes = ":" in text.original and _SHORTCODE.search(text.plain) is not None
        if not shortcodes and (text.latin or _TOLD.isdisjoint(_PICTURES.findall(text.original))):
            return ()
        emoji = seen(text.original)
        if _TELLING.isdisjoint(one.face for one in emoji):
            return ()
        judged = _Judged(text, read_beside_emoji(text), setting, emoji)
        return [finding for group in islice(groups(emoji), GROUPS) for finding in judged.group(group)]


class _Judged:
    def __init__(self, text: Folded, cues: Cues, setting: Setting, emoji: Sequence[Seen]) -> None:
        self.text, self.cues, self.setting = text, cues, setting
        self.emoji = [one for one in emoji if one.end - one.start > 4]
        self.faces = [one.face for one in emoji]
        self.harmless = not SENSES.harmless.isdisjoint(self.faces)
        self.ware = self._said("ware") or self.harmless or _PRICE.search(text.plain) is not None

    def group(self, group: list[Seen]) -> Iterator[Finding]:
        """What a group of emoji says, one finding for each sense."""
        for category, score, sense, faces in (
            self._insult(group),
            self._advance(group),
            self._threat(group),
            self._drugs(group),
        ):
            if score:
                told = [one for one in group if one.face in faces] if faces else group
                yield Finding(category, score, told[0].start, told[-1].end, f"emoji:{sense}/{told[0].face}")

    def _insult(self, group: list[Seen]) -> tuple[Category, float, str, frozenset[str]]:
        none = (Category.INSULT, 0.0, "", SENSES.insult)
        if any(one.face in SENSES.insult for one in group):
            return Category.INSULT, 0.95, "insult", SENSES.insult
        if not any(one.face in SENSES.person for one in group):
            return none
        if not self.ware and (self._at_somebody(group) or self._meant(group)):
            return Category.INSULT, 0.65, "person", SENSES.person
        if (
            self.ware
            or self._said("thing")
            and not self._before("person", group, 14)
            or not self._before("person", group, 20)
        ):
            return none
        if self.setting.listing in ("toys", "fashion") and "?" in self.text.plain:
            return none
        return Category.INSULT, 0.8, "person", SENSES.person

    def _at_somebody(self, group: list[Seen]) -> bool:
        """Clowns thrown at the end of a message, or as the whole of it."""
        thrown = [one for one in group if one.face in _THROWN]
        return (
            len(thrown) >= 2
            and len({one.face for one in thrown}) == 1
            and not self.text.original[group[-1].end :].strip()
            and "?" not in self.text.plain
        )

    def _meant(self, group: list[Seen]) -> bool:
        """Whether the words right behind a group give it to the reader."""
        behind = fold(self.text.original[group[-1].end : group[-1].end + REACH])
        return _MEANT.match(behind.plain) is not None

    def _advance(self, group: list[Seen]) -> tuple[Category, float, str, frozenset[str]]:
        faces = [one.face for one in group]
        shown = "".join(faces)
        if any(gesture in shown for gesture in SENSES.gesture):
            return Category.SEXUAL, 0.9, "gesture", frozenset()
        flesh = [face for face in faces if face in SENSES.flesh]
        wet = [face for face in faces if face in SENSES.wet]
        flirt = [face for face in faces if face in SENSES.flirt]
        desired = "desire" in self.cues
        weight = (
            bool(flesh)
            + bool(wet)
            + (bool(flesh or wet) and len(flesh) + len(wet) >= 3)
            + bool(flirt and (flesh or wet))
            + 2 * desired
        )
        if not (flesh or wet) or not flesh and not (desired and (flirt or wet)):
            return Category.SEXUAL, 0.0, "", frozenset()
        weight += len(set(flesh)) >= 2 and not self.ware
        weight += 2 * (bool(flesh) and self._before("mine", group, 2))
        weight -= 2 * self.ware + 2 * (self.setting.listing in FOOD and not desired)
        # 🍆 with 💦 is on no shopping list, unless water is sold.
        needed = 2 if flesh else 3
        return Category.SEXUAL, 0.85 if weight > needed else 0.7 if weight == needed else 0.0, "advance", frozenset()

    def _threat(self, group: list[Seen]) -> tuple[Category, float, str, frozenset[str]]:
        faces = {one.face for one in group}
        armed, deadly = faces & SENSES.weapon, faces & SENSES.death
        if not armed and not (deadly - {"🔥", "💥", "💀", "😵", "🎯", "👁", "👊"}):
            return Category.THREAT, 0.0, "", frozenset()
        menaced = (
            "menace" in self.cues
            or _OR_ELSE.search(self.text.original, max(0, group[0].start - 12), group[0].start) is not None
        )
        weight = bool(armed) + bool(deadly) + 2 * menaced - 2 * self._goods() - (self.setting.listing in BLADES)
        return Category.THREAT, 0.85 if weight >= 4 else 0.7 if weight == 3 else 0.0, "threat", frozenset()

    def _goods(self) -> bool:
        """Whether blades may be for sale: plumbers deal in none."""
        return self.ware and (
            self.harmless or not self._said("pipes") or len(self.cues["ware"]) > len(self.cues["pipes"])
        )

    def _drugs(self, group: list[Seen]) -> tuple[Category, float, str, frozenset[str]]:
        faces = {one.face for one in group}
        if "🔫" in faces and "arms" in self.cues and not self._said("ware"):
            return Category.DRUGS_WEAPONS, 0.8, "arms", SENSES.weapon
        if "👃" in faces and "❄" in faces:
            return Category.DRUGS_WEAPONS, 0.8, "drugs", frozenset("❄👃")
        drugs = faces & SENSES.drug
        if (
            drugs
            and len(set(self.faces) & SENSES.drug) >= 2
            and not _STREET.isdisjoint(self.faces)
            and "offering" in self.cues
            and not self.ware
        ):
            return Category.DRUGS_WEAPONS, 0.7, "drugs", SENSES.drug
        if not drugs or "dealing" not in self.cues:
            return Category.DRUGS_WEAPONS, 0.0, "", SENSES.drug
        places = len(self.cues["dealing"])
        alone = self.setting.listing in ("groceries", "garden", "pharmacy", "kitchen")
        weight = (
            2 + (places > 1) + (len(drugs | (set(self.faces) & SENSES.drug)) > 1) - 2 * self._said("ware") - 2 * alone
        )
        return Category.DRUGS_WEAPONS, 0.85 if weight > 2 else 0.7 if weight == 2 else 0.0, "drugs", SENSES.drug

    def _said(self, concept: str) -> bool:
        """Whether the words speak of ``concept``; the names of emoji (``:peach:``) are no words."""
        return any(not self._named(*self.text.span(start, end)) for start, end in self.cues[concept])

    def _named(self, start: int, end: int) -> bool:
        """Whether a place lies in the name of an emoji."""
        before = bisect_right(self.emoji, start, key=attrgetter("start"))
        return before > 0 and end <= self.emoji[before - 1].end

    def _before(self, concept: str, group: list[Seen], reach: int) -> bool:
        """Whether ``concept`` stands in the words just before a group."""
        start = group[0].start
        for s, e in self.cues[concept]:
            _, end = self.text.span(s, e)
            if 0 <= start - end <= reach:
                return True
        return False
