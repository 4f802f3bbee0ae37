"""Words to answer with, offered to each of the others after a message is out. Never in its way: see ``realtime.spare_time``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec

from moderation.engine import Engine
from moderation.suggestions.classifier import Reading
from moderation.suggestions.ranking import Candidate
from moderation.suggestions.suggester import HOT, Suggester
from policies.decision import Verdict
from realtime.hub import Hub
from realtime.offers import Offer, Offers, Place
from realtime.protocol import Posted, Suggested, SuggestionView, encode
from realtime.room import Room
from realtime.spare_time import SpareTime
from realtime.visibility import Reader
from realtime.wire import frame
from rules.types import Role, Setting, Utterance
from storage import suggestions
from storage.errors import StorageError
from storage.values import LogItem, Message

if TYPE_CHECKING:
    from realtime.connection import Connection

READERS = 8  # of one message; where more are listening nobody is offered words, as in a lecture
FRESH_MS = 10_000  # what was posted longer ago, and is only now heard of here, is not answered by a chip
WRITING_SECONDS = 6.0  # who is writing needs no words
ASK_SECONDS = 30.0  # after which the platform's wish is looked up again

_OPEN = ("requested", "joined")


class Suggesting:
    """Offers replies to those connected to this node.

    A reader's offer is made of what that reader may see and of nothing else, and holds only what they could send.
    """

    def __init__(self, suggester: Suggester, engine: Engine, hub: Hub, offers: Offers, spare: SpareTime) -> None:
        self._suggester, self._engine, self._hub, self._spare = suggester, engine, hub, spare
        self.offers = offers
        self._wanted: WeakKeyDictionary[Room, tuple[float, bool]] = WeakKeyDictionary()
        self._writing: dict[Place, float] = {}

    def heard(self, room: Room, message: Message) -> None:
        """A message has come to a conversation that is held here: what was to be answered before it no longer is."""
        key = (room.tenant, room.id)
        self._spare.forget(key)
        form = message.form
        if form.harmful or form.state != "visible" or form.role is Role.BOT or _now() - form.at > FRESH_MS:
            return
        if all(reader.id == message.author for reader in room.connections.values()):
            return
        until, wanted = self._wanted.get(room, (0.0, True))
        if until < time.monotonic():
            self._hub.run(self._ask_platform(room, message))
        elif wanted:
            self._spare.put(key, partial(self._suggest, room, message))

    def writes(self, place: Place) -> None:
        """Somebody is writing."""
        if len(self._writing) > 10_000:
            self._writing.clear()
        self._writing[place] = time.monotonic()

    def switched(self, tenant: str) -> None:
        """The platform has turned them on or off somewhere: ask again before the next one."""
        for room in [room for room in self._wanted if room.tenant == tenant]:
            del self._wanted[room]

    async def _ask_platform(self, room: Room, message: Message) -> None:
        try:
            off = await self._hub.database.read(lambda tx: suggestions.off(tx, room.tenant, room.id), of=room.tenant)
        except StorageError:
            return
        self._wanted[room] = (time.monotonic() + ASK_SECONDS, not off)
        if not off and _newest(room) is message:
            self._spare.put((room.tenant, room.id), partial(self._suggest, room, message))

    def _suggest(self, room: Room, message: Message) -> Iterator[None]:
        """Step by step: the message is read, then each reader's answers are looked for, unless somebody has spoken since."""
        readings: dict[str, Reading] = {}
        author = room.members.get(message.author)
        usual = room.language_of(author) if author is not None else None
        for reader, connections in self._readers(room, message):
            text = self._seen(room, message, reader)
            if text not in readings:
                readings[text] = self._suggester.read(text, usual)
                yield
            if _newest(room) is not message:
                return
            if text and (readings[text].speaks or room.heat >= HOT):
                yield from self._offer(room, message, text, readings[text], reader, connections)

    def _readers(self, room: Room, message: Message) -> list[tuple[Reader, list[Connection]]]:
        """Who may be offered words, each with the connections that it takes."""
        found: dict[str, tuple[Reader, list[Connection]]] = {}
        now, soon = _now(), time.monotonic() - WRITING_SECONDS
        for connection, reader in room.connections.items():
            if reader.id == message.author or reader.role is Role.BOT:
                continue
            member, person = room.members.get(reader.id), connection.person
            if member is None or person is None or not person.suggestions:
                continue
            muted = max(member.muted_until, person.standing.muted_until(room.id, now)) > now
            writing = self._writing.get((room.tenant, room.id, reader.id), 0.0) > soon
            if muted or writing:
                continue
            found.setdefault(reader.id, (reader, []))[1].append(connection)
        return list(found.values()) if len(found) <= READERS else []

    def _offer(
        self, room: Room, message: Message, text: str, reading: Reading, reader: Reader, connections: list[Connection]
    ) -> Iterator[None]:
        member, person = room.members.get(reader.id), connections[0].person
        if member is None or person is None:
            return
        own = msgspec.structs.replace(room.setting(member), strikes=person.standing.strikes_at(_now()))
        rejected: list[str] = []

        def passes(candidate: Candidate) -> bool:
            allowed = self._engine.judge(candidate.text, own, room.policy).decision.verdict is Verdict.ALLOW
            if not allowed:
                rejected.append(candidate.reply.id)
            return allowed

        offered = yield from self._suggester.offer(
            reading, text, reader.role, self._setting(room, message, reader),
            [one.text for one in room.said.values() if one.author == reader.id], room.heat,
            reader=reader.id, passes=passes, acceptance=self.offers.acceptance(room.tenant),
            invitable=room.invitation is None or room.invitation.state not in _OPEN,
        )  # fmt: skip
        place = (room.tenant, room.id, reader.id)
        self.offers.rejected(place, reader.role, offered.lang, rejected)
        here = [connection for connection in connections if connection in room.connections]
        if not offered.suggestions or not here or _newest(room) is not message:
            return
        chips = [SuggestionView(one.id, one.text, one.stance, one.action) for one in offered.suggestions]
        data = frame(encode(Suggested(room.id, message.id, chips, offered.lang)))
        for connection in here:
            connection.write(data)
        self.offers.shown(place, Offer(message.id, reader.role, offered.lang, offered.suggestions))

    def _setting(self, room: Room, message: Message, reader: Reader) -> Setting:
        """The message's setting, of what ``reader`` may know of it."""
        earlier = [(one.author, self._seen(room, one, reader)) for one in room.said.values() if one is not message]
        return Setting(
            author=message.author, sender=message.form.role, listing=room.listing, stage=room.stage,
            audience=frozenset(member.role for member in room.members.values() if member.id != message.author),
            recent=tuple(Utterance(author, text) for author, text in earlier if text),
        )  # fmt: skip

    def _seen(self, room: Room, message: Message, reader: Reader) -> str:
        """The words of a message as ``reader`` may see them now; empty where none are."""
        event = self._hub.view(
            room, LogItem(message.seq, "posted", message.author, message.form.at, message, {}), reader
        )
        return event.text if isinstance(event, Posted) else ""


def _newest(room: Room) -> Message | None:
    """The last message that was said, in its present form."""
    return next(reversed(room.said.values()), None)


def _now() -> int:
    return time.time_ns() // 1_000_000
