"""What became of suggestions is added up, and who does without them is remembered."""

from __future__ import annotations

from storage import suggestions
from storage.database import Database
from storage.suggestions import Counts, Shown

YES = Shown("t", "availability.yes", "seller", "es", "availability", "affirm")
GONE = Shown("t", "availability.gone", "seller", "es", "availability", "decline")
AGREE = Shown("t", "availability.sure", "seller", "es", "availability", "affirm")
OTHERS = Shown("u", "availability.yes", "seller", "es", "availability", "affirm")


async def test_counts_add_up_by_intent_stance_and_language_and_stay_in_their_tenant(database_url: str) -> None:
    database = Database.open(database_url)
    await database.write(lambda tx: suggestions.add(tx, {YES: Counts(shown=2, taken=1), OTHERS: Counts(shown=9)}))
    await database.write(lambda tx: suggestions.add(tx, {YES: Counts(shown=1, edited=1), GONE: Counts(rejected=3)}))
    await database.write(lambda tx: suggestions.add(tx, {AGREE: Counts(shown=4, dismissed=4)}))
    assert await database.read(lambda tx: suggestions.counts(tx, "t")) == [
        ("availability", "affirm", "es", Counts(shown=7, taken=1, edited=1, dismissed=4)),
        ("availability", "decline", "es", Counts(rejected=3)),
    ]
    everything = dict(await database.read(suggestions.accepted))
    assert everything[YES] == Counts(shown=3, taken=1, edited=1)
    assert everything[OTHERS] == Counts(shown=9)
    await database.close()


async def test_they_are_turned_off_for_a_person_a_conversation_or_a_tenant_each_by_itself(database_url: str) -> None:
    database = Database.open(database_url)

    async def state() -> tuple[bool, bool, bool]:
        return await database.read(
            lambda tx: (
                suggestions.wanted(tx, "t", "ana"),
                suggestions.off(tx, "t", "c1"),
                suggestions.off(tx, "t", "c2"),
            )
        )

    assert await state() == (True, False, False)
    await database.write(lambda tx: suggestions.switch(tx, "t", participant="ana", on=False, at=1))
    await database.write(lambda tx: suggestions.switch(tx, "t", conversation="c1", on=False, at=1))
    await database.write(lambda tx: suggestions.switch(tx, "t", conversation="c1", on=False, at=2))
    assert await state() == (False, True, False)
    await database.write(lambda tx: suggestions.switch(tx, "t", on=False, at=3))
    await database.write(lambda tx: suggestions.switch(tx, "t", participant="ana", on=True, at=3))
    assert await state() == (True, True, True)
    await database.write(lambda tx: suggestions.switch(tx, "t", on=True, at=4))
    assert await state() == (True, True, False)
    assert not await database.read(lambda tx: suggestions.off(tx, "another", "c1"))
    await database.close()
