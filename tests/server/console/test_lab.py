"""What the lab must not do: put back what a colleague has published on another server, or keep messages waiting."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from moderation.engine import default_engine
from moderation.policy_book import PolicyBook
from moderation.trials import Trials
from policies.load import Find, parse
from server.console.lab import Lab
from storage import policies as stored
from storage.database import Database
from storage.errors import Stale
from storage.staff import Staff, StaffRole

LEA = Staff("t", "staff:lea", "Lea", StaffRole.LEAD, "es")
BASE = 'name = "ours"\nextends = "marketplace"\n'
CHILD = 'name = "rides"\nextends = "ours"\n'


def clause(verdict: str) -> str:
    return f'[[clause]]\nid = "profanity"\nverdict = "{verdict}"\n'


@pytest.fixture
async def lab(sqlite_url: str) -> AsyncIterator[Lab]:
    """A lab of a tenant with ``ours`` for all, and ``rides`` on top of it. Its server looks at the law only when told to."""
    database = Database.open(sqlite_url)
    lab = Lab(
        database, PolicyBook(database=database), default_engine(), Trials(database, PolicyBook(database=database))
    )
    await published(lab, "default", BASE)
    await published(lab, "rides", CHILD)
    yield lab
    await database.close()


async def published(lab: Lab, kind: str, source: str) -> stored.Publication:
    draft, own = await lab.save(LEA, "", kind, source, 0), lab.book.own("t")
    return await lab.publish(LEA, draft.id, draft.revision, "why", own[kind].id if kind in own else "")


async def test_publishing_a_base_does_not_put_back_what_a_colleague_has_published_on_top_of_it(lab: Lab) -> None:
    database = lab._database
    theirs = parse((CHILD + clause("block")).encode(), "rides.toml", lab.book.find("t"))
    before = lab.book.own("t")["rides"].id
    await database.write(
        lambda tx: stored.publish(tx, "t", "rides", theirs, "publish", "staff:max", "why", 2, before)
    )  # on another server, a moment ago
    with pytest.raises(Stale):
        await published(lab, "default", BASE + clause("hold"))
    assert await database.read(lambda tx: stored.in_force(tx, "t", "rides")) == theirs.id
    await lab.book.refresh()
    await published(lab, "default", BASE + clause("hold"))
    rides = lab.book.own("t")["rides"]
    assert [one.verdict for one in rides.clauses if one.id == "profanity"] == ["block"], "theirs, on the new base"


async def test_policies_are_read_beside_the_loop_that_relays_messages(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = lab.book.find
    seen: set[threading.Thread] = set()

    def watched(tenant: str) -> Find:
        def look(name: str) -> tuple[bytes, Path | str] | None:
            seen.add(threading.current_thread())
            return find(tenant)(name)

        return look

    monkeypatch.setattr(lab.book, "find", watched)
    changed = BASE + clause("hold")
    await lab.check("t", changed)
    assert "profanity" in {one.clause for one in await lab.differences("t", "default", changed)}
    await published(lab, "default", changed)
    assert seen
    assert threading.main_thread() not in seen
