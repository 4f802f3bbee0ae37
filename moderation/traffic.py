"""What a tenant's people have said, each message in the circumstances of its time, read from the log in one stream."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, and_, func, select

from moderation.heat import Mood, Tone
from policies.decision import Decision
from rules.types import Role, Setting, Stage, Utterance
from storage import tables as t
from storage.log import PostedBody
from storage.values import Form

RECENT = 8  # messages before, as the judgement had them
DAY_MS = 86_400_000
_ROWS = 500  # fetched at once
_CONVERSATIONS = 200  # whose logs are asked for at once
_KINDS = ("joined", "left", "setting", "posted", "edited")
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
        e, r = t.events.c, t.refusals.c
        events = select(func.count()).select_from(_of_kind(t.events, self)).where(
            e.tenant == self.tenant, e.kind.in_(("posted", "edited")), e.at >= self.since
        )  # fmt: skip
        refusals = select(func.count()).select_from(_of_kind(t.refusals, self)).where(
            r.tenant == self.tenant, r.at >= self.since
        )  # fmt: skip
        return int(connection.execute(events).scalar_one()) + int(connection.execute(refusals).scalar_one())

    def read(self, connection: Connection) -> Iterator[Said]:
        """All of them, conversation by conversation in the order of their log; those that were refused come last."""
        for places in _pages(connection, self):
            scene: _Scene | None = None
            for row in _streamed(connection, _events(self.tenant, list(places))):
                if scene is None or scene.conversation != row.conversation:
                    scene = _Scene(places[row.conversation])
                said = scene.take(row)
                if said is not None and said.at >= self.since:
                    yield said
        for row in _streamed(connection, _refused(self)):
            yield _refusal(row)


class _Scene:
    """A conversation as far as it has been read: who is in it, and how it goes."""

    def __init__(self, row: Row[Any]) -> None:
        self.conversation: str = row.id
        self.kind: str = row.kind
        # As it is now; what it was at first is nowhere told, only what it was changed to.
        self.listing: str | None = row.listing
        self.stage = Stage(row.stage)
        self.members: dict[str, tuple[Role, str, int]] = {}
        self.recent: tuple[Utterance, ...] = ()
        self.mood = Mood()
        self.moods: dict[str, Mood] = {}

    def take(self, row: Row[Any]) -> Said | None:
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

    def _said(self, row: Row[Any], form: Form, decision: Decision | None) -> Said:
        setting = decision.evidence.setting if decision is not None and decision.evidence is not None else None
        setting = self._setting(row, form) if setting is None else msgspec.structs.replace(setting, recent=self.recent)
        return Said(row.message, row.conversation, row.seq, row.at, row.text, setting, decision, form.language)

    def _setting(self, row: Row[Any], form: Form) -> Setting:
        _, lang, since = self.members.get(row.actor, (form.role, "", 0))
        return Setting(
            author=row.actor, sender=form.role,
            audience=frozenset(role for id, (role, _, _) in self.members.items() if id != row.actor),
            listing=self.listing, stage=self.stage, recent=self.recent, heat=self.mood.heat_at(row.at),
            language=self.moods.get(row.actor, _CALM).language or self.mood.language or lang or None,
            account_age_days=max(0, row.at - since) // DAY_MS if since else None, kind=self.kind,
        )  # fmt: skip

    def _listen(self, row: Row[Any], form: Form) -> None:
        tone = Tone(form.heat, form.feeling, form.language)
        self.moods[row.actor] = self.moods.get(row.actor, _CALM).after(tone, row.at)
        if form.state == "visible" and row.text is not None:
            self.mood = self.mood.after(tone, row.at)
            self.recent = (*self.recent[1 - RECENT :], Utterance(row.actor, row.text))


_CALM = Mood()


def _refusal(row: Row[Any]) -> Said:
    decision = _decision.decode(row.decision)
    setting = decision.evidence.setting if decision.evidence is not None else None
    if setting is None:
        setting = Setting(
            author=row.author, sender=Role(row.role or Role.BUYER), listing=row.listing, stage=Stage(row.stage),
            language=row.lang or None, kind=row.conversation_kind,
        )  # fmt: skip
    language = decision.evidence.language if decision.evidence is not None else ""
    return Said(row.message, row.conversation, 0, row.at, row.text, setting, decision, language)


def _pages(connection: Connection, traffic: Traffic) -> Iterator[dict[str, Any]]:
    """The conversations that are meant, by their ids, some at a time."""
    c = t.conversations.c
    query = select(c.id, c.kind, c.listing, c.stage).where(c.tenant == traffic.tenant).order_by(c.id)
    if traffic.kind:
        query = query.where(c.kind == traffic.kind)
    if traffic.but:
        query = query.where(c.kind.not_in(traffic.but))
    last = ""
    while page := {row.id: row for row in connection.execute(query.where(c.id > last).limit(_CONVERSATIONS))}:
        yield page
        last = next(reversed(page))  # in the database's order, which need not be ours


def _events(tenant: str, conversations: Sequence[str]) -> Select[Any]:
    """In the order of the primary key: nothing is sorted, however long the logs are."""
    e, w = t.events.c, t.texts.c
    words = and_(w.tenant == e.tenant, w.message == e.message, w.revision == e.seq)
    return (
        select(e.conversation, e.seq, e.kind, e.actor, e.at, e.message, e.body, w.text)
        .select_from(t.events.outerjoin(t.texts, words))
        # What is older is left out later on: it still tells who was there and what was said before.
        .where(e.tenant == tenant, e.conversation.in_(conversations), e.kind.in_(_KINDS))
        .order_by(e.conversation, e.seq)
    )


def _refused(traffic: Traffic) -> Select[Any]:
    r, w, c, m = t.refusals.c, t.texts.c, t.conversations.c, t.members.c
    words = and_(w.tenant == r.tenant, w.message == r.message, w.revision == 0)
    author = and_(m.tenant == r.tenant, m.conversation == r.conversation, m.participant == r.author)
    return (
        select(r.message, r.conversation, r.author, r.at, r.decision, w.text, c.kind.label("conversation_kind"),
               c.listing, c.stage, m.role, m.lang)
        .select_from(_of_kind(t.refusals, traffic).outerjoin(t.texts, words).outerjoin(t.members, author))
        .where(r.tenant == traffic.tenant, r.at >= traffic.since)
    )  # fmt: skip


def _of_kind(table: Any, traffic: Traffic) -> Any:
    c = t.conversations.c
    here = [c.tenant == table.c.tenant, c.id == table.c.conversation]
    if traffic.kind:
        here.append(c.kind == traffic.kind)
    if traffic.but:
        here.append(c.kind.not_in(traffic.but))
    return table.join(t.conversations, and_(*here))


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    options: dict[str, Any] = {"yield_per": _ROWS}
    yield from connection.execution_options(**options).execute(query)


def kinds_with_law(own: Collection[str], kind: str) -> tuple[str, ...]:
    """The kinds that a policy for ``kind`` leaves alone: those that have a policy of their own."""
    return tuple(sorted(set(own) - {kind}))
