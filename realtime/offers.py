"""What was suggested to whom, and what became of it: counted by reply, role and language, without anybody's words."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from moderation.suggestions.inventory import Reply, Stance
from moderation.suggestions.ranking import Acceptance
from moderation.suggestions.suggester import Suggestion
from realtime.hub import Hub
from rules.types import Role
from storage import suggestions
from storage.database import EVERY_TENANT, Database
from storage.errors import StorageError
from storage.suggestions import Counts, Shown

STORE_SECONDS = 5.0  # counts are stored this often
REMEMBERED = 20_000  # offers; of one that is forgotten nothing more is counted
OFFERS_OF_A_READER = 3  # in one conversation: a reply may still be on its way when the next message comes

Fate = Literal["shown", "taken", "edited", "dismissed", "rejected"]
Place = tuple[str, str, str]  # tenant, conversation, participant


class Offer(msgspec.Struct, frozen=True):
    """What one reader was shown as answers to one message."""

    message: str
    role: Role
    lang: str
    chips: tuple[Suggestion, ...]


class Offers:
    """Counts what becomes of offers, for the ranking (``acceptance``, by tenant) and for the platform's figures."""

    def __init__(self, database: Database, hub: Hub, replies: dict[str, Reply]) -> None:
        self._database, self._hub, self._replies = database, hub, replies
        self._acceptance: dict[str, Acceptance] = {}
        self._offers: OrderedDict[Place, list[Offer]] = OrderedDict()
        self._uncounted: dict[Shown, Counts] = {}

    async def start(self) -> None:
        """Read what was counted before."""
        for shown, counts in await self._database.read(suggestions.accepted, of=EVERY_TENANT):
            reply = self._replies.get(shown.reply)
            if reply is not None:
                tally = self.acceptance(shown.tenant).of(reply, Role(shown.role))
                tally.shown += counts.shown
                tally.taken += counts.taken
                tally.edited += counts.edited
                tally.dismissed += counts.dismissed

    def acceptance(self, tenant: str) -> Acceptance:
        """How a tenant's people have taken to the replies so far."""
        return self._acceptance.setdefault(tenant, Acceptance())

    def shown(self, place: Place, offer: Offer) -> None:
        """An offer is before its reader."""
        offers = self._offers.setdefault(place, [])
        self._offers.move_to_end(place)
        offers[:] = [*offers[1 - OFFERS_OF_A_READER :], offer]
        if len(self._offers) > REMEMBERED:
            self._offers.popitem(last=False)
        for chip in offer.chips:
            self._count(place, offer, chip.id, "shown")

    def rejected(self, place: Place, role: Role, lang: str, replies: Iterable[str]) -> None:
        """The policy would not have let these replies through."""
        for reply in replies:
            self._count(place, Offer("", role, lang, ()), reply, "rejected")

    def sent(self, place: Place, reply: str, text: str) -> None:
        """The reader has sent a message that began as a suggestion."""
        found = self._settle(place, lambda chip: chip.id == reply)
        if found is not None:
            offer, chip = found
            self._count(place, offer, chip.id, "taken" if chip.text == text.strip() else "edited")

    def invited(self, place: Place) -> None:
        """The reader has invited the brand, as may have been suggested."""
        found = self._settle(place, lambda chip: chip.stance is Stance.INVITE)
        if found is not None:
            self._count(place, found[0], found[1].id, "taken")

    def dismissed(self, place: Place, message: str) -> None:
        """The reader has put away what was suggested as answers to a message."""
        for offer in self._offers.get(place, []):
            if offer.message == message:
                self._offers[place].remove(offer)
                for chip in offer.chips:
                    self._count(place, offer, chip.id, "dismissed")
                return

    async def store(self) -> None:
        """Store what was counted since. What cannot be stored now is stored with what comes next."""
        counted, self._uncounted = self._uncounted, {}
        if not counted:
            return
        try:
            await self._database.write(lambda tx: suggestions.add(tx, counted))
        except StorageError:
            for shown, counts in counted.items():
                self._add(shown, counts)

    def _settle(self, place: Place, which: Callable[[Suggestion], bool]) -> tuple[Offer, Suggestion] | None:
        """The newest chip of a kind that the reader was shown; its offer has been answered then."""
        offers = self._offers.get(place, [])
        for offer in reversed(offers):
            for chip in offer.chips:
                if which(chip):
                    offers.remove(offer)
                    return offer, chip
        return None

    def _count(self, place: Place, offer: Offer, id: str, fate: Fate) -> None:
        reply = self._replies[id]
        shown = Shown(place[0], id, offer.role, offer.lang, reply.intent or "", reply.stance)
        one = Counts(**{fate: 1})
        self._add(shown, one)
        if fate != "rejected":
            tally = self.acceptance(place[0]).of(reply, offer.role)
            setattr(tally, fate, getattr(tally, fate) + 1)

    def _add(self, shown: Shown, more: Counts) -> None:
        if not self._uncounted:
            self._hub.run(self._store_soon())
        sum = self._uncounted.setdefault(shown, Counts())
        for name in Counts.__struct_fields__:
            setattr(sum, name, getattr(sum, name) + getattr(more, name))

    async def _store_soon(self) -> None:
        await asyncio.sleep(STORE_SECONDS)
        await self.store()
