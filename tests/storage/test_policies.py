"""The law in both databases: versions for ever, one publication after the other, drafts that are not overwritten, trials."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
from sqlalchemy import Connection, text

from moderation.backtest import Task, run
from moderation.traffic import Traffic
from policies.load import load, parse
from policies.policy import Policy
from rules.types import Role, Stage
from storage import conversations, policies
from storage.database import Database, beside
from storage.errors import NotFound, Stale
from storage.policies import Trial
from storage.values import Conversation, Member


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(database_url)
    yield opened
    await opened.close()


def policy(verdict: str = "hold") -> Policy:
    source = f'name = "ours"\nextends = "marketplace"\n[[clause]]\nid = "spam"\nverdict = "{verdict}"\n'
    return parse(source.encode(), "ours.toml")


def trial(id: str, what: str = "shadow", kind: str = "default") -> Trial:
    return Trial("t", id, what, kind, "d", "a@1", "b@1", (("a", "x"),), "running", "", "staff:lea", "node", 5, 0, 0)


async def test_what_is_published_is_in_force_kept_and_told(database: Database) -> None:
    first, second = policy(), policy("block")

    def act(tx: object) -> list[int]:
        clocks = [policies.clock(tx)]  # type: ignore[arg-type]
        for one, instead in ((first, ""), (second, first.id)):
            policies.publish(tx, "t", "default", one, "publish", "staff:lea", "why", 7, instead)  # type: ignore[arg-type]
            clocks.append(policies.clock(tx))  # type: ignore[arg-type]
        return clocks

    clocks = await database.write(act)
    assert len(set(clocks)) == 3, "every node sees that there is something new"
    ((in_force, version),) = await database.read(policies.all_in_force)
    assert (in_force.tenant, in_force.kind, in_force.policy) == ("t", "default", second.id)
    assert version.sources == second.sources
    assert (await database.read(lambda tx: policies.version(tx, "t", first.id))).note == "why"
    told = await database.read(lambda tx: policies.publications(tx, "t", "default"))
    assert [(one.seq, one.policy) for one in told] == [(2, second.id), (1, first.id)]
    assert await database.read(lambda tx: policies.publications(tx, "t", "rides")) == []
    with pytest.raises(NotFound):
        await database.read(lambda tx: policies.version(tx, "u", first.id))


async def test_who_has_not_seen_what_is_in_force_does_not_replace_it(database: Database) -> None:
    first = policy()
    await database.write(lambda tx: policies.publish(tx, "t", "default", first, "publish", "a", "", 1, ""))
    with pytest.raises(Stale):
        await database.write(
            lambda tx: policies.publish(tx, "t", "default", policy("block"), "publish", "b", "", 2, "")
        )
    assert await database.read(lambda tx: policies.in_force(tx, "t", "default")) == first.id
    await database.write(lambda tx: policies.publish(tx, "t", "default", None, "withdraw", "b", "", 3, first.id))
    assert await database.read(lambda tx: policies.in_force(tx, "t", "default")) == ""


async def test_a_draft_is_saved_by_who_has_seen_it(database: Database) -> None:
    saved = await database.write(lambda tx: policies.save(tx, "t", "d", "default", "one", "staff:lea", 1, 0))
    assert saved.revision == 1
    await database.write(lambda tx: policies.save(tx, "t", "d", "rides", "two", "staff:max", 2, 1))
    with pytest.raises(Stale):
        await database.write(lambda tx: policies.save(tx, "t", "d", "default", "three", "staff:lea", 3, 1))
    (draft,) = await database.read(lambda tx: policies.drafts(tx, "t"))
    assert (draft.source, draft.kind, draft.by, draft.revision, draft.created_at) == ("two", "rides", "staff:max", 2, 1)
    await database.write(lambda tx: policies.discard(tx, "t", "d"))
    with pytest.raises(NotFound):
        await database.write(lambda tx: policies.save(tx, "t", "d", "default", "four", "staff:lea", 4, 2))
    with pytest.raises(NotFound):
        await database.write(lambda tx: policies.discard(tx, "t", "d"))


async def test_a_kind_has_one_shadow_and_a_tenant_one_backtest_at_a_time(database: Database) -> None:
    await database.write(lambda tx: policies.begin(tx, trial("s1")))
    await database.write(lambda tx: policies.begin(tx, trial("s2", kind="rides")))
    await database.write(lambda tx: policies.begin(tx, trial("b1", "backtest")))
    for busy in (trial("s3"), trial("b2", "backtest", "rides")):
        with pytest.raises(Stale):
            await database.write(lambda tx, it=busy: policies.begin(tx, it))  # type: ignore[misc]
    running = await database.read(policies.shadows)
    assert [(one.id, one.sources) for one in running] == [("s1", (("a", "x"),)), ("s2", (("a", "x"),))]
    await database.write(lambda tx: policies.end(tx, "t", "s1", "stopped", 9))
    await database.write(lambda tx: policies.begin(tx, trial("s3")))
    with pytest.raises(NotFound):
        await database.write(lambda tx: policies.end(tx, "t", "s1", "stopped", 9))


def save(tx: Connection) -> None:
    policies.save(tx, "t", "d", "default", "two", "staff:lea", 2, 1)


def publish(tx: Connection) -> None:
    policies.require_revision(tx, "t", "d", 1)
    policies.discard(tx, "t", "d")


def begin(tx: Connection) -> None:
    policies.begin(tx, trial("s1"))


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [(save, save, Stale), (save, publish, Stale), (publish, save, NotFound), (begin, begin, Stale)],
)
async def test_of_two_servers_at_the_same_time_the_second_hears_of_the_first(
    postgres_url: str, first: Callable[[Connection], None], second: Callable[[Connection], None], told: type[Exception]
) -> None:
    database = Database.open(postgres_url)
    await database.write(lambda tx: policies.save(tx, "t", "d", "default", "one", "staff:lea", 1, 0))
    try:
        with beside(postgres_url) as tx:
            first(tx)
            late = asyncio.ensure_future(database.write(second))
            async with asyncio.timeout(2):
                while tx.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar() == 0:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        with pytest.raises(told):
            await late
    finally:
        await database.close()


async def test_a_backtest_that_was_ended_elsewhere_is_told_so_at_its_next_figures(database: Database) -> None:
    await database.write(lambda tx: policies.begin(tx, trial("b1", "backtest")))
    await database.write(lambda tx: policies.expect(tx, "t", "b1", 7))
    await database.write(lambda tx: policies.end(tx, "t", "b1", "stopped", 9))
    with pytest.raises(NotFound):
        await database.write(lambda tx: policies.expect(tx, "t", "b1", 8))
    assert (await database.read(lambda tx: policies.trial(tx, "t", "b1"))).of == 7


async def test_each_node_counts_for_itself(database: Database) -> None:
    await database.write(lambda tx: policies.begin(tx, trial("s1")))
    for node, count in (("a", 1), ("b", 2), ("a", 3)):
        tally = msgspec.json.encode({"messages": count})
        await database.write(lambda tx, n=node, it=tally: policies.count(tx, "t", "s1", n, it))  # type: ignore[misc]
    counted = await database.read(lambda tx: policies.tallies(tx, "t", "s1"))
    assert [msgspec.json.decode(one)["messages"] for one in counted] == [3, 2]


async def test_a_backtest_looks_beside_a_running_server(database: Database, database_url: str) -> None:
    conversation = Conversation("t", "c", "", None, Stage.ENQUIRY, "default", 0, 1)
    await database.write(lambda tx: conversations.create(tx, conversation, [Member("ana", "Ana", Role.BUYER, "es")]))
    live = load()
    first, last = run(Task(database_url, Traffic("t"), live.sources, policy().sources))
    assert (first.of, last.finished, last.done) == (0, True, 0)
