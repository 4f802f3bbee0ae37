"""The log, on both databases: dense numbers, one answer to a message sent twice, a chain that tells what was touched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, update

from policies.decision import Decision, Verdict
from rules.types import Role, Stage
from storage import conversations, log, refusals, tables
from storage.database import Database
from storage.errors import NotFound, Stale
from storage.values import Appended, Conversation, Entry, Form, Member

ALLOWED = Decision(Verdict.ALLOW, "test@1")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(database_url)
    yield opened
    await opened.close()


def conversation(id: str = "c", tenant: str = "t") -> Conversation:
    return Conversation(tenant, id, "Title", "groceries", Stage.ENQUIRY, "default", 0, 1)


def entry(client_id: str, text: str = "hola", *, author: str = "ana", conversation: str = "c", tenant: str = "t",
          decision: Decision = ALLOWED) -> Entry:  # fmt: skip
    id = f"{tenant}-{conversation}-{author}-{client_id}"
    return Entry(tenant, conversation, id, author, client_id, 5, text, Form(Role.BUYER, 5), decision)


async def opened(database: Database, *ids: str, tenant: str = "t") -> None:
    members = [Member("ana", "Ana", Role.BUYER, "es"), Member("luis", "Luis", Role.SELLER, "es")]

    def act(tx: Connection) -> None:
        for id in ids:
            conversations.create(tx, conversation(id, tenant), members)

    await database.write(act)


async def test_numbers_are_dense_when_many_write_at_once(database: Database) -> None:
    await opened(database, "c", "d")
    entries = [entry(str(n), conversation="c" if n % 3 else "d") for n in range(300)]
    appended = await asyncio.gather(*(database.append(one) for one in entries))
    for id in ("c", "d"):
        seqs = [done.seq for done, one in zip(appended, entries, strict=True) if one.conversation == id]
        assert seqs == list(
            range(3, 3 + len(seqs))
        )  # in the order in which they were handed over, after two who joined
        items = await database.read(lambda tx, id=id: log.since(tx, "t", id, 0, 1_000))  # type: ignore[misc]
        assert [item.seq for item in items] == list(range(1, 3 + len(seqs)))


async def test_a_message_sent_again_gets_its_first_answer(database: Database) -> None:
    await opened(database, "c")
    first, again, other = await asyncio.gather(
        database.append(entry("1")), database.append(entry("1")), database.append(entry("1", "otra cosa"))
    )
    assert first == Appended(3, "t-c-ana-1")
    assert again == Appended(3, "t-c-ana-1", repeated=True)
    assert other == Appended(3, "t-c-ana-1", conflict=True)
    later = await database.append(entry("1"))
    assert later.repeated
    assert len(await database.read(lambda tx: log.since(tx, "t", "c", 2, 10))) == 1


async def test_the_same_client_id_of_two_authors_is_two_messages(database: Database) -> None:
    await opened(database, "c")
    seqs = [(await database.append(entry("1", author=author))).seq for author in ("ana", "luis")]
    assert seqs == [3, 4]


async def test_one_message_that_cannot_be_stored_does_not_take_its_neighbours_along(database: Database) -> None:
    await opened(database, "c")
    results = await asyncio.gather(
        database.append(entry("1")), database.append(entry("2", conversation="gone")), database.append(entry("3")),
        return_exceptions=True,
    )  # fmt: skip
    assert results[1] == Appended(missing="conversation")
    assert [one.seq for one in (results[0], results[2]) if isinstance(one, Appended)] == [3, 4]


async def test_who_is_no_member_any_more_adds_nothing(database: Database) -> None:
    await opened(database, "c")
    await database.write(lambda tx: conversations.leave(tx, "t", "c", "ana", "platform", 7))
    assert await database.append(entry("1")) == Appended(missing="conversation")
    assert await database.append(entry("1", author="stranger")) == Appended(missing="conversation")
    assert (await database.append(entry("1", author="luis"))).seq == 4


async def test_what_is_refused_is_kept_beside_the_log_and_takes_no_number(database: Database) -> None:
    await opened(database, "c")
    blocked = [entry(client_id, "llámame") for client_id in ("2", "1", "")]
    for one in blocked:
        one.id, one.refused, one.decision = f"refused {one.client_id}", True, Decision(Verdict.BLOCK, "test@1")
    # All in one transaction: what was posted under a client id stays, whatever is made of it when it comes again.
    first, kept, known, edited, last = await asyncio.gather(
        database.append(entry("1")), *(database.append(one) for one in blocked), database.append(entry("3"))
    )
    assert (first.seq, last.seq) == (3, 4)
    assert kept == Appended(id="refused 2")
    assert known == Appended(3, first.id, conflict=True)
    assert edited == Appended(id="refused ")
    found = await database.read(lambda tx: [refusals.find(tx, "t", one.id) for one in blocked])
    assert [one is not None and one.text for one in found] == ["llámame", False, "llámame"]


async def test_an_answer_to_nothing_is_not_stored(database: Database) -> None:
    await opened(database, "c", "d")
    first = await database.append(entry("1"))
    for conversation, reply_to, missing in (
        ("c", first.id, ""),
        ("c", "nothing", "reply_to"),
        ("d", first.id, "reply_to"),
    ):
        one = entry(f"{conversation}-{reply_to}", conversation=conversation)
        one.form = Form(Role.BUYER, 5, reply_to=reply_to)
        assert (await database.append(one)).missing == missing


async def test_tenants_and_conversations_never_meet_in_a_key(database: Database) -> None:
    await opened(database, "b:c", tenant="a")
    await opened(database, "c", tenant="a:b")
    await database.append(entry("1", "uno", conversation="b:c", tenant="a"))
    await database.append(entry("1", "dos", conversation="c", tenant="a:b"))
    for tenant, id, text in (("a", "b:c", "uno"), ("a:b", "c", "dos")):
        items = await database.read(lambda tx, t=tenant, i=id: log.since(tx, t, i, 2, 10))  # type: ignore[misc]
        assert [item.message.text for item in items if item.message] == [text]


async def test_pages_of_history_are_the_log_read_backwards(database: Database) -> None:
    await opened(database, "c")
    for n in range(10):
        await database.append(entry(str(n), f"texto {n}"))
    everything = await database.read(lambda tx: log.since(tx, "t", "c", 0, 100))
    read: list[int] = []
    before = 0
    while True:
        page = await database.read(lambda tx, seq=before: log.before(tx, "t", "c", seq, 5))  # type: ignore[misc]
        if not page:
            break
        read = [item.seq for item in page] + read
        before = page[0].seq
    assert read == [item.seq for item in everything]


async def test_a_changed_message_shows_its_new_form_at_its_old_place(database: Database) -> None:
    await opened(database, "c")
    await database.append(entry("1", "uno"))

    def edit(tx: Connection) -> int:
        current = log.message(tx, "t", "c", "t-c-ana-1")
        form = Form(Role.BUYER, 5, edited_at=9)
        return log.change(tx, "t", current, "edited", "ana", 9, form, "dos").seq

    assert await database.write(edit) == 4
    posted, edited = await database.read(lambda tx: log.since(tx, "t", "c", 2, 10))
    assert posted.message is not None
    assert (posted.kind, posted.seq, posted.message.text, posted.message.version) == ("posted", 3, "dos", 4)
    assert (edited.kind, edited.seq, edited.message) == ("edited", 4, posted.message)


async def test_the_chain_holds_and_tells_where_it_was_touched(database: Database) -> None:
    await opened(database, "c")
    for n in range(5):
        await database.append(entry(str(n), f"texto {n}"))
    assert await database.read(lambda tx: log.broken_link(tx, "t", "c")) == 0

    words = (tables.texts.c.message == "t-c-ana-2") & (tables.texts.c.tenant == "t")
    await database.write(lambda tx: tx.execute(update(tables.texts).where(words).values(text="otras palabras")))
    assert await database.read(lambda tx: log.broken_link(tx, "t", "c")) == 5

    await database.write(lambda tx: tx.execute(delete(tables.texts).where(words)))
    assert await database.read(lambda tx: log.broken_link(tx, "t", "c")) == 0, "erased words leave the chain whole"

    fourth = (tables.events.c.seq == 4) & (tables.events.c.tenant == "t")
    await database.write(lambda tx: tx.execute(update(tables.events).where(fourth).values(actor="luis")))
    assert await database.read(lambda tx: log.broken_link(tx, "t", "c")) == 4

    await database.write(lambda tx: tx.execute(delete(tables.events).where(fourth)))
    assert await database.read(lambda tx: log.broken_link(tx, "t", "c")) == 5


async def test_the_chain_tells_that_its_end_was_cut_off(database: Database) -> None:
    await opened(database, "c")
    await database.append(entry("1"))
    await database.write(lambda tx: tx.execute(delete(tables.events).where(tables.events.c.seq == 3)))
    assert await database.read(lambda tx: log.broken_link(tx, "t", "c")) == 3


@pytest.mark.parametrize(
    "text", ["𝗺𝗶𝗲𝗿𝗱𝗮 🍆👍🏽", "a\u200bb\u202ec", "Ａｎａ\u0301", "'; DROP TABLE events; --", '\\"\n\t', "x" * 4000]
)
async def test_words_come_back_as_they_were_written(database: Database, text: str) -> None:
    await opened(database, "c")
    await database.append(entry("1", text))
    (item,) = await database.read(lambda tx: log.since(tx, "t", "c", 2, 1))
    assert item.message is not None
    assert item.message.text == text


async def test_flagged_and_held_messages_wait_for_a_person_once(database: Database) -> None:
    await opened(database, "c")
    for verdict in Verdict:
        await database.append(entry(verdict, decision=Decision(verdict, "test@1")))
    rows = await database.read(lambda tx: tx.execute(tables.review_items.select()).all())
    assert sorted(row.cause for row in rows) == ["flag", "hold"]


async def test_who_joins_twice_or_leaves_twice_is_told(database: Database) -> None:
    await opened(database, "c")
    ana = Member("ana", "Ana", Role.BUYER, "es")
    with pytest.raises(Stale):
        await database.write(lambda tx: conversations.join(tx, "t", "c", ana, 7))
    await database.write(lambda tx: conversations.leave(tx, "t", "c", "ana", "", 8))
    with pytest.raises(NotFound):
        await database.write(lambda tx: conversations.leave(tx, "t", "c", "ana", "", 9))
    assert await database.read(lambda tx: conversations.of_participant(tx, "t", "ana", 10)) == []
    await database.write(lambda tx: conversations.join(tx, "t", "c", ana, 10))
    assert await database.read(lambda tx: conversations.of_participant(tx, "t", "ana", 10)) == ["c"]
    loaded = await database.read(lambda tx: conversations.load(tx, "t", "c"))
    assert [(one.id, one.joined_seq, one.left_seq) for one in loaded.members] == [("luis", 2, 0), ("ana", 4, 0)]


async def test_an_act_that_fails_leaves_nothing_behind(database: Database) -> None:
    await opened(database, "c")

    def act(tx: Connection) -> None:
        log.append(tx, "t", "c", "setting", "platform", 7, {})
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.write(act)
    assert len(await database.read(lambda tx: log.since(tx, "t", "c", 0, 10))) == 2
    assert (await database.append(entry("1"))).seq == 3


async def test_a_read_mark_only_moves_forward(database: Database) -> None:
    await opened(database, "c")
    await database.write(lambda tx: conversations.mark_read(tx, [("t", "c", "ana", 2), ("t", "c", "ana", 1)]))
    loaded = await database.read(lambda tx: conversations.load(tx, "t", "c"))
    assert {one.id: one.read_seq for one in loaded.members} == {"ana": 2, "luis": 0}


async def test_callers_who_give_up_lose_nothing_and_leave_nothing_running(database: Database) -> None:
    await opened(database, "c")
    asked = [asyncio.ensure_future(database.append(entry(str(n)))) for n in range(50)]
    reads = [asyncio.ensure_future(database.read(lambda tx: log.since(tx, "t", "c", 0, 10))) for _ in range(50)]
    await asyncio.sleep(0)
    for task in (*asked[::2], *reads):
        task.cancel()
    await asyncio.gather(*asked, *reads, return_exceptions=True)
    stored = await database.read(lambda tx: log.since(tx, "t", "c", 2, 100))
    assert len(stored) == 50
    assert [item.seq for item in stored] == list(range(3, 53))


@given(st.lists(st.text(max_size=20), max_size=6), st.lists(st.text(max_size=20), max_size=6))
def test_different_fields_never_give_the_same_link(one: list[str], other: list[str]) -> None:
    assert (log.link(log.GENESIS, *one) == log.link(log.GENESIS, *other)) == (one == other)
