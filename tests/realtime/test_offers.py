"""What becomes of offers, counted for the ranking and for the platform, over a restart too."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest

from moderation.suggestions import inventory
from moderation.suggestions.inventory import Stance
from moderation.suggestions.suggester import Suggestion
from realtime import offers as module
from realtime.offers import OFFERS_OF_A_READER, Offer, Offers
from rules.types import Role
from storage import suggestions
from storage.database import Database
from storage.suggestions import Counts

REPLIES = {reply.id: reply for reply in inventory.load()}
YES = Suggestion("availability.yes", "Sí, sigue disponible.", Stance.AFFIRM)
GONE = Suggestion("availability.gone", "Lo siento, ya no está disponible.", Stance.DECLINE)
PLACE = ("t", "c", "luis")


class Later:
    """Runs nothing beside: the tests store when they say so."""

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        work.close()


def offers_of(database: Database) -> Offers:
    return Offers(database, Later(), REPLIES)  # type: ignore[arg-type]


def offer(message: str = "m") -> Offer:
    return Offer(message, Role.SELLER, "es", (YES, GONE))


async def counted(database: Database) -> dict[str, Counts]:
    rows = await database.read(lambda tx: suggestions.counts(tx, "t"))
    return {stance: counts for _, stance, _, counts in rows}


async def test_counts_outlive_the_process_and_rank_the_replies_of_their_tenant_alone(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    first = offers_of(database)
    first.shown(PLACE, offer())
    first.sent(PLACE, YES.id, f" {YES.text} ")
    first.rejected(PLACE, Role.SELLER, "es", [GONE.id])
    await first.store()
    assert await counted(database) == {"affirm": Counts(shown=1, taken=1), "decline": Counts(shown=1, rejected=1)}

    second = offers_of(database)
    await second.start()
    yes, gone = REPLIES[YES.id], REPLIES[GONE.id]
    mine, others = second.acceptance("t"), second.acceptance("u")
    assert mine.rate(yes, Role.SELLER) > others.rate(yes, Role.SELLER) > mine.rate(gone, Role.SELLER)
    await second.store()
    assert (await counted(database))["affirm"] == Counts(shown=1, taken=1)
    await database.close()


async def test_what_cannot_be_stored_now_is_stored_with_what_comes_next(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    offers = offers_of(database)
    offers.shown(PLACE, offer())
    await database.write(lambda tx: tx.exec_driver_sql("ALTER TABLE suggestion_counts RENAME TO away"))
    await offers.store()
    await database.write(lambda tx: tx.exec_driver_sql("ALTER TABLE away RENAME TO suggestion_counts"))
    offers.shown(PLACE, offer("n"))
    await offers.store()
    assert (await counted(database))["affirm"] == Counts(shown=2)
    await database.close()


async def test_a_reply_may_be_on_its_way_while_the_next_offers_come_but_not_for_ever(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    database = Database.open(sqlite_url)
    offers = offers_of(database)
    for n in range(OFFERS_OF_A_READER + 1):
        offers.shown(PLACE, offer(f"m{n}"))
    offers.dismissed(PLACE, "m0")  # forgotten by now
    offers.dismissed(PLACE, "m1")
    for n in range(2):
        offers.shown(("t", "c", f"other{n}"), offer())
    offers.sent(PLACE, GONE.id, GONE.text)
    await offers.store()
    assert (await counted(database))["decline"] == Counts(shown=OFFERS_OF_A_READER + 3, dismissed=1)
    await database.close()
