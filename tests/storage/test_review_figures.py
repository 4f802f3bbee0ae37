"""The figures that the database counts are those that counting by hand gives."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

from sqlalchemy import create_engine

from storage import acts, review_figures
from storage.acts import Acted, Trace
from storage.database import migrate, normalise
from storage.review_figures import Times
from storage.review_items import Item

STEP, SINCE, UNTIL = 1_000, 2_000, 9_000
DECIDED = ("release", "remove")
ITEM = Item("m", "c", "ana", "open", ("flag",), "review", 2, (), (), "es", "p@1", False, 1, 0, 0.0, 1, 1, 1)


def test_acts_are_counted_and_timed_all_of_them(database_url: str) -> None:
    chance = random.Random(4)
    made = [
        Acted(
            id=f"a{n}", actor=chance.choice(("eva", "leo")), request=f"r{n}", batch="", message=f"m{n}", conversation="c",
            author="ana", at=chance.randrange(1_000, 10_000), outcome=chance.choice((*DECIDED, "note")), acts="[]",
            reason="", clause=chance.choice(("scam", "insult")), policy="p@1", category="", severity=2, language="es",
            verdict="hold", causes='["flag"]', queue="review", opened_at=chance.randrange(1, 1_000),
            claimed_at=chance.choice((0, 900)), trace=Trace(ITEM), undone_at=chance.choice((0, 0, 0, 5)),
        )
        for n in range(300)
    ]  # fmt: skip
    migrate(database_url)
    engine = create_engine(normalise(database_url))
    with engine.begin() as tx:
        for one in made:
            acts.add(tx, "t", one)
            if one.undone_at:
                acts.undo(tx, "t", one.id, "eva", 5)
        acts.add(tx, "other", made[0])
        alike = review_figures.acts(tx, "t", SINCE, UNTIL, STEP, DECIDED)
        by_clause = review_figures.waited(tx, "t", SINCE, UNTIL, DECIDED, "clause")
        of_all = review_figures.waited(tx, "t", SINCE, UNTIL, DECIDED)
        by_person = review_figures.worked(tx, "t", SINCE, UNTIL, DECIDED)
    engine.dispose()

    those = [one for one in made if SINCE <= one.at < UNTIL and not one.undone_at and one.outcome in DECIDED]
    assert Counter(
        {(one.at, one.outcome, one.actor, one.clause): one.count for one in alike}
    ) == Counter((one.at - one.at % STEP, one.outcome, one.actor, one.clause) for one in those)  # fmt: skip
    waits, works = defaultdict(list), defaultdict(list)
    for one in those:
        for key in ("", one.clause):
            waits[key].append(one.at - one.opened_at)
        if one.claimed_at:
            works[one.actor].append(one.at - one.claimed_at)
    assert of_all | by_clause == {key: times(took) for key, took in waits.items()}
    assert by_person == {key: times(took) for key, took in works.items()}


def times(took: list[int]) -> Times:
    took = sorted(took)
    return Times(len(took), took[(len(took) - 1) // 2], took[(len(took) - 1) * 9 // 10])
