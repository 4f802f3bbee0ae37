"""A backtest ends where it runs when it was stopped on another server."""

from __future__ import annotations

import asyncio

from moderation.policy_book import PolicyBook
from moderation.traffic import Traffic
from moderation.trials import Trials
from policies.load import load
from storage import policies as stored
from storage.database import Database
from storage.policies import Trial


async def test_a_backtest_that_another_server_has_stopped_counts_nothing_more(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    book = PolicyBook(database=database)
    live = load()
    trial = Trial(
        "t", "b", "backtest", "default", "d", live.id, live.id, live.sources, "running", "", "staff:lea", book.node, 5, 0, 0
    )  # fmt: skip
    before = asyncio.all_tasks()
    await Trials(database, book).backtest(trial, live, Traffic("t"), False, lambda tx: None)
    (running,) = asyncio.all_tasks() - before
    await database.write(lambda tx: stored.end(tx, "t", "b", "stopped", 9))  # as the other server does
    async with asyncio.timeout(30):
        await running
    told, counted = await database.read(lambda tx: (stored.trial(tx, "t", "b"), stored.tallies(tx, "t", "b")))
    assert (told.state, told.ended_at) == ("stopped", 9)
    assert counted == [], "its process was ended at the first figures"
    await database.close()
