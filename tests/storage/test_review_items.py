"""The queue in the database: along its index however long it is, one item a message, one lease an item."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from storage import leases, review_items
from storage import tables as t
from storage.bulk import Insert
from storage.database import migrate, normalise
from storage.errors import NotFound
from storage.leases import Barred, Claimed
from storage.review_items import ItemFilter
from storage.values import Case

T = "t"
MINUTE = 60_000


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    migrate(database_url)
    engine = create_engine(normalise(database_url), connect_args={"timeout": 20} if "sqlite" in database_url else {})
    yield engine
    engine.dispose()


def item(n: int, *, tenant: str = T, state: str = "open", queue: str = "review") -> tuple[object, ...]:
    """A row of the table; every tenth is severe, and the due times are in no order."""
    due = (n * 7_919) % 10_007
    return (
        tenant, f"m{n:05}", "c", state, "flag", 0, 1, '["flag"]', f"author{n % 50}", queue, 4 if n % 10 == 0 else 2,
        '["scam"]' if n % 3 else '["insult"]', '["scam"]', "es", "market@1", 0, 1, 0, 1, due, 1, None, 0, 0, None, 0,
        None, "",
    )  # fmt: skip


def fill(tx: Connection, items: int) -> None:
    Insert(t.review_items).run(tx, [item(n) for n in range(items)])
    Insert(t.review_items).run(tx, [item(n, tenant="other") for n in range(items // 10)])
    tx.execute(text("ANALYZE"))


def opened(
    tx: Connection, message: str = "m", cause: str = "flag", due: int = 100, at: int = 1, **fields: object
) -> None:
    case = Case(due, **fields)  # type: ignore[arg-type]
    review_items.open_item(tx, T, "c", message, "ana", cause, case, at)


def plan(tx: Connection, statement: str) -> str:
    explain = "EXPLAIN QUERY PLAN" if tx.dialect.name == "sqlite" else "EXPLAIN"
    return "\n".join(" ".join(str(one) for one in row) for row in tx.execute(text(f"{explain} {statement}")))


def literal(query: object, engine: Engine) -> str:
    return str(query.compile(engine, compile_kwargs={"literal_binds": True}))  # type: ignore[attr-defined]


def test_a_page_of_ten_thousand_is_read_along_the_index(engine: Engine) -> None:
    with engine.begin() as tx:
        fill(tx, 10_000)
    with engine.connect() as tx:
        for wanted, index in (
            (ItemFilter(), "review_items_due"),
            (ItemFilter(state="waiting"), "review_items_due"),
            (ItemFilter(queue="review", state="waiting"), "review_items_"),
        ):
            for after in (None, (5_000, "m00000")):
                told = plan(tx, literal(review_items.paged(T, wanted, 5, after, 50), engine))
                assert index in told, told
                assert "TEMP B-TREE" not in told, told
                assert "Sort" not in told, told
                assert "Seq Scan" not in told, told
        decided = plan(tx, literal(review_items.paged(T, ItemFilter(state="decided"), 5, (9, "m"), 50), engine))
        assert "review_items_decided" in decided, decided
        assert "TEMP B-TREE" not in decided, decided


def test_pages_follow_each_other_without_a_gap_or_a_double(engine: Engine) -> None:
    with engine.begin() as tx:
        fill(tx, 300)
        seen: list[str] = []
        after = None
        while page := review_items.page(tx, T, ItemFilter(category="scam"), 5, after, 37):
            seen += [one.message for one in page]
            after = (page[-1].due_at, page[-1].message)
        assert len(seen) == len(set(seen)) == 200
        everything = review_items.page(tx, T, ItemFilter(), 5, None, 1_000)
        assert [one.due_at for one in everything] == sorted(one.due_at for one in everything)
        assert review_items.how_many(tx, T, ItemFilter(severity=4), 5) == 30
        (count, other) = review_items.counts(tx, T, 1_000_000)
        assert (count.items, count.overdue, other.severity) == (30, 30, 2)


def test_what_fires_again_is_the_same_item_and_never_later(engine: Engine) -> None:
    with engine.begin() as tx:
        opened(tx, due=100, severity=2, categories=("insult",))
        opened(tx, cause="report", due=50, severity=3, categories=("scam",))
        opened(tx, cause="late", due=900, severity=1)
        found = review_items.load(tx, T, "m")
        assert (found.causes, found.due_at, found.severity) == (("flag", "report", "late"), 50, 3)
        assert (found.categories, found.version) == (("insult", "scam"), 1)
        review_items.decide(tx, T, "m", "staff:eva", "release", 7)
        assert review_items.load(tx, T, "m").version == 2
        opened(tx, cause="appeal", due=500, at=8)
        again = review_items.load(tx, T, "m")
        assert (again.state, again.causes, again.due_at, again.version) == ("open", ("appeal",), 500, 3)
        assert (again.outcome, again.decided_by) == (
            "release",
            "staff:eva",
        )  # still stands until somebody decides again


def test_new_words_make_an_answer_to_the_old_ones_stale(engine: Engine) -> None:
    with engine.begin() as tx:
        opened(tx)
        opened(tx, cause="report")
        assert review_items.load(tx, T, "m").version == 1
        opened(tx, cause="edit")
        assert review_items.load(tx, T, "m").version == 2


def test_a_lease_ends_by_itself_and_nobody_elses_is_taken(engine: Engine) -> None:
    with engine.begin() as tx:
        opened(tx)
        leases.claim(tx, T, "m", "eva", 10 * MINUTE, 1)
        with pytest.raises(Claimed) as held:
            leases.claim(tx, T, "m", "leo", 20 * MINUTE, 2)
        assert held.value.item.claimed_by == "eva"
        assert (
            leases.claim(tx, T, "m", "eva", 15 * MINUTE, 5 * MINUTE).claimed_at == 1
        )  # longer, and still the same claim
        assert leases.take_next(tx, T, ItemFilter(state="waiting"), "leo", 99, 6 * MINUTE) is None
        taken = leases.take_next(tx, T, ItemFilter(state="waiting"), "leo", 30 * MINUTE, 15 * MINUTE)
        assert taken is not None
        assert (taken.claimed_by, taken.claimed_at) == ("leo", 15 * MINUTE)
        with pytest.raises(Claimed):
            leases.let_go(tx, T, "m", "eva", 16 * MINUTE)
        with pytest.raises(NotFound):
            leases.claim(tx, T, "nothing", "eva", 5, 1)
        with pytest.raises(NotFound):
            leases.claim(tx, "other", "m", "eva", 5, 1)


def test_who_decided_is_not_given_the_appeal(engine: Engine) -> None:
    with engine.begin() as tx:
        review_items.open_item(tx, T, "c", "m", "ana", "appeal", Case(5), 1, barred="eva")
        assert leases.take_next(tx, T, ItemFilter(state="waiting"), "eva", 99, 2) is None
        with pytest.raises(Barred):
            leases.claim(tx, T, "m", "eva", 99, 2)
        with pytest.raises(Barred):
            leases.hand_over(tx, T, "m", "leo", "eva", 99, 2)
        taken = leases.take_next(tx, T, ItemFilter(state="waiting"), "leo", 99, 2)
        assert taken is not None


def test_severe_items_are_passed_over_where_somebody_has_seen_enough(engine: Engine) -> None:
    with engine.begin() as tx:
        opened(tx, "bad", due=1, severity=4)
        opened(tx, "mild", due=2, severity=2)
        taken = leases.take_next(tx, T, ItemFilter(state="waiting"), "eva", 99, 2, most_severe=3)
        assert taken is not None
        assert taken.message == "mild"


def test_those_who_reach_for_the_next_at_once_get_different_items(postgres_url: str) -> None:
    """Rows that another transaction is about to claim are passed over, not waited for."""
    engine = create_engine(normalise(postgres_url))
    with engine.begin() as tx:
        for n in range(8):
            opened(tx, f"m{n}", due=n)
    together, taken = threading.Barrier(8), []

    def reach(n: int) -> None:
        with engine.begin() as tx:
            together.wait()
            found = leases.take_next(tx, T, ItemFilter(state="waiting"), f"staff{n}", 99, 2)
            together.wait(10)  # all hold what they have before anybody commits
            taken.append(found.message if found else None)

    threads = [threading.Thread(target=reach, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.dispose()
    assert sorted(one or "" for one in taken) == [f"m{n}" for n in range(8)]
