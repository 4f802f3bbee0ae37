"""The replies that may be offered: written by people, kept as data, every one of them in three languages."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from moderation.suggestions.intents import Intent
from moderation.suggestions.slots import SLOT, SLOTS
from moderation.suggestions.words import LANGUAGES
from rules.types import Role, Stage

INVENTORY = Path(__file__).parent / "inventory"


class Stance(StrEnum):
    """What a reply does. No two chips of one offer do the same."""

    AFFIRM = "affirm"
    DECLINE = "decline"
    ASK = "ask"
    COMMIT = "commit"
    DEFER = "defer"
    THANK = "thank"
    CALM = "calm"
    INVITE = "invite"


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry. ``intent`` None: said for the heat of a conversation, whatever was asked.

    ``speakers`` and ``stages``: empty means all. A text of two forms is (familiar, formal). Slots stand in braces in the
    texts; ``own`` demands that they come from the speaker's own words. ``action`` names what the chip does instead of
    filling the composer.
    """

    id: str
    stance: Stance
    es: str | tuple[str, str]
    en: str | tuple[str, str]
    pt: str | tuple[str, str]
    intent: Intent | None = None
    speakers: tuple[Role, ...] = ()
    stages: tuple[Stage, ...] = ()
    own: bool = False
    action: str = ""

    def text(self, lang: str, *, formal: bool = False) -> str:
        """Its wording, slots unfilled."""
        wording: str | tuple[str, str] = getattr(self, lang)
        return wording if isinstance(wording, str) else wording[formal]

    @property
    def slots(self) -> frozenset[str]:
        """The names of the slots that its texts have."""
        return frozenset(SLOT.findall(self.text("en")))

    def suits(self, speaker: Role, stage: Stage) -> bool:
        """Whether ``speaker`` could say it at ``stage``. A bot is never offered words."""
        if speaker is Role.BOT:
            return False
        return (not self.speakers or speaker in self.speakers) and (not self.stages or stage in self.stages)


class InventoryError(ValueError):
    """A reply that cannot be offered. ``path``, ``reply`` and ``problem`` say which and why."""

    def __init__(self, path: Path, reply: str, problem: str) -> None:
        super().__init__(path, reply, problem)
        self.path, self.reply, self.problem = path, reply, problem

    def __str__(self) -> str:
        return f"{self.path}: reply {self.reply!r}: {self.problem}"


def load(folder: Path = INVENTORY) -> tuple[Reply, ...]:
    """All replies of a folder, in the order of its files. Raises InventoryError."""
    found: dict[str, Reply] = {}
    for path in sorted(folder.glob("*.toml")):
        for entry in tomllib.loads(path.read_text("utf-8")).get("reply", []):
            reply = _reply(path, entry)
            if reply.id in found:
                raise InventoryError(path, reply.id, "the id is taken")
            found[reply.id] = reply
    return tuple(found.values())


def _reply(path: Path, entry: dict[str, Any]) -> Reply:
    try:
        reply = msgspec.convert(entry, Reply)
    except msgspec.ValidationError as problem:
        raise InventoryError(path, str(entry.get("id", "")), str(problem)) from None
    for lang, wording in _wordings(reply):
        slots = set(SLOT.findall(wording))
        if not wording.strip():
            raise InventoryError(path, reply.id, f"no text in {lang}")
        if slots != reply.slots:
            raise InventoryError(path, reply.id, f"the slots of {lang} are not those of en")
        if slots - SLOTS:
            raise InventoryError(path, reply.id, f"no such slot: {', '.join(sorted(slots - SLOTS))}")
    return reply


def _wordings(reply: Reply) -> Iterator[tuple[str, str]]:
    for lang in LANGUAGES:
        for formal in (False, True):
            yield lang, reply.text(lang, formal=formal)
