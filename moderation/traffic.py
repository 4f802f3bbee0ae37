"""What a tenant's people have said, each message in the circumstances of its time, read from the log in one stream."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection

from moderation.heat import Mood, Tone
from policies.decision import Decision
from rules.types import Role, Setting, Stage, Utterance
from storage import traffic as stored
from storage.log import PostedBody
from storage.values import Form

RECENT = 8  # messages before, as the judgement had them
DAY_MS = 86_400_000
_posted = msgspec.json.Decoder(PostedBody)
_body = msgspec.json.Decoder(dict[str, Any])
_decision = msgspec.json.Decoder(Decision)


class EditedBody(msgspec.Struct, frozen=True):
    """What the log keeps of new words for a message."""

    form: Form
    decision: Decision | None = None


_edited = msgspec.json.Decoder(EditedBody)


class Said(msgspec.Struct, frozen=True):
    """A message, what was decided about it, and what was known then. ``text`` is None where its words were erased.

    ``message`` and ``conversation`` are ids, ``revision`` is that of the words (0 for a message that was refused). ``language``
    is what the engine took it for, empty where that was not noted.
    """

    message: str
    conversation: str
    revision: int
    at: int
    text: str | None
    setting: Setting
    decision: Decision | None = None
    language: str = ""


class Traffic(msgspec.Struct, frozen=True):
    """Which messages are meant: a tenant's, in conversations of a kind or of all kinds but some, since a time in ms."""

    tenant: str
    kind: str = ""
    but: tuple[str, ...] = ()
    since: int = 0

    def count(self, connection: Connection) -> int:
        """How many there are."""
        return stored.count(connection, self.tenant, self.kind, self.but, self.since)

    def read(self, connection: Connection) -> Iterator[Said]:
        """All of them, conversation by conversation in the order of their log; those that were refused come last."""
        for places in stored.conversations(connection, self.tenant, self.kind, self.but):
            scene: _Scene | None = None
            for row in stored.events(connection, self.tenant, list(places)):
                if scene is None or scene.conversation != row.conversation:
                    scene = _Scene(places[row.conversation])
                said = scene.take(row)
                # What is older is left out: it still tells who was there and what was said before.
                if said is not None and said.at >= self.since:
                    yield said
        for row in stored.refusals(connection, self.tenant, self.kind, self.but, self.since):
            yield _refusal(row)


class _Scene:
    """A conversation as far as it has been read: who is in it, and how it goes."""

    def __init__(self, row: Any) -> None:
        self.conversation: str = row.id
        self.kind: str = row.kind
        # As it is now; what it was at first is nowhere told, only what it was changed to.
        self.listing: str | None = row.listing
        self.stage = Stage(row.stage)
        self.members: dict[str, tuple[Role, str, int]] = {}
        self.recent: tuple[Utterance, ...] = ()
        self.mood = Mood()
        self.moods: dict[str, Mood] = {}

    def take(self, row: Any) -> Said | None:
        """The next event; what was said in it, if it was words."""
        match row.kind:
            case "joined":
                body = _body.decode(row.body)
                self.members[row.actor] = (Role(body["role"]), body["lang"], body.get("account_created_at", 0))
            case "left":
                self.members.pop(row.actor, None)
            case "setting":
                body = _body.decode(row.body)
                self.listing, self.stage = body["listing"], Stage(body["stage"])
            case "posted":
                posted = _posted.decode(row.body)
                said = self._said(row, posted.form, posted.decision)
                self._listen(row, posted.form)
                return said
            case _:
                edited = _edited.decode(row.body)
                return self._said(row, edited.form, edited.decision)
        return None

    def _said(self, row: Any, form: Form, decision: Decision | None) -> Said:
        setting = decision.evidence.setting if decision is not None and decision.evidence is not None else None
        setting = self._setting(row, form) if setting is None else msgspec.structs.replace(setting, recent=self.recent)
        return Said(row.message, row.conversation, row.seq, row.at, row.text, setting, decision, form.language)

    def _setting(self, row: Any, form: Form) -> Setting:
        _, lang, since = self.members.get(row.actor, (form.role, "", 0))
        return Setting(
            author=row.actor, sender=form.role,
            audience=frozenset(role for id, (role, _, _) in self.members.items() if id != row.actor),
            listing=self.listing, stage=self.stage, recent=self.recent, heat=self.mood.heat_at(row.at),
            language=self.moods.get(row.actor, _CALM).language or self.mood.language or lang or None,
            account_age_days=max(0, row.at - since) // DAY_MS if since else None, kind=self.kind,
        )  # fmt: skip

    def _listen(self, row: Any, form: Form) -> None:
        tone = Tone(form.heat, form.feeling, form.language)
        self.moods[row.actor] = self.moods.get(row.actor, _CALM).after(tone, row.at)
        if form.state == "visible" and row.text is not None:
            self.mood = self.mood.after(tone, row.at)
            self.recent = (*self.recent[1 - RECENT :], Utterance(row.actor, row.text))


_CALM = Mood()


def _refusal(row: Any) -> Said:
    decision = _decision.decode(row.decision)
    setting = decision.evidence.setting if decision.evidence is not None else None
    if setting is None:
        setting = Setting(
            author=row.author, sender=Role(row.role or Role.BUYER), listing=row.listing, stage=Stage(row.stage),
            language=row.lang or None, kind=row.kind,
        )  # fmt: skip
    language = decision.evidence.language if decision.evidence is not None else ""
    return Said(row.message, row.conversation, 0, row.at, row.text, setting, decision, language)


def kinds_with_law(own: Collection[str], kind: str) -> tuple[str, ...]:
    """The kinds that a policy for ``kind`` leaves alone: those that have a policy of their own."""
    return tuple(sorted(set(own) - {kind}))
