"""Transcripts: verified without a database, telling the first line that was touched, holding no words that may not be seen."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection

from policies.decision import Decision, Verdict
from rules.types import Role, Stage
from storage import conversations, erasure, log, transcript
from storage.database import Database
from storage.errors import NotFound
from storage.transcript import Broken, verify
from storage.values import Conversation, Entry, Form, Member

ALLOWED = Decision(Verdict.ALLOW, "test@1")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(database_url)
    await opened.write(begin)
    yield opened
    await opened.close()


def begin(tx: Connection) -> None:
    people = [Member("ana", "Ana", Role.BUYER, "es"), Member("luis", "Luis", Role.SELLER, "es")]
    conversations.create(tx, Conversation("t", "c", "Title", None, Stage.ENQUIRY, "default", 0, 1), people)
    entries = [
        Entry("t", "c", f"m{n}", ("ana", "luis")[n % 2], str(n), 5 + n, f"texto {n} ñ🍆", Form(Role.BUYER, 5), ALLOWED)
        for n in range(6)
    ]
    log.append_posts(tx, entries)
    edited = log.message(tx, "t", "c", "m1")
    log.change(tx, "t", edited, "edited", "luis", 20, Form(Role.SELLER, 5, edited_at=20), "mejor así")
    removed = log.message(tx, "t", "c", "m2")
    log.change(tx, "t", removed, "removed", "staff:lea", 21, Form(Role.BUYER, 5, state="removed"))


def exported(tx: Connection) -> list[bytes]:
    return list(transcript.export(tx, "t", "c"))


async def test_a_transcript_holds_and_has_the_words_that_the_platform_may_see(database: Database) -> None:
    lines = await database.read(exported)
    found = verify(lines)
    head = await database.read(lambda tx: tx.exec_driver_sql("SELECT head FROM conversations").scalar())
    assert (found.tenant, found.conversation, found.events, found.head) == ("t", "c", 10, head)
    assert (found.words, found.withheld) == (7, 2)
    whole = b"\n".join(lines).decode()
    assert "mejor así" in whole
    assert "texto 5 ñ🍆" in whole
    assert "texto 1 " not in whole, "an older wording"
    assert "texto 2 " not in whole, "what was removed"
    assert verify(lines, found.head) == found


async def test_erased_words_leave_the_transcript_whole(database: Database) -> None:
    before = verify(await database.read(exported))
    await database.write(lambda tx: erasure.in_conversation(tx, "t", "c", "ana", 30))
    lines = await database.read(exported)
    found = verify(lines)
    assert found.events == before.events + 2, "one for each message that was still to be seen"
    assert (found.words, found.withheld) == (7, 4)
    assert not any(f"texto {n} ".encode() in line for n in (0, 2, 4) for line in lines)


async def test_nobody_elses_conversation_is_exported(database: Database) -> None:
    for tenant, conversation in (("other", "c"), ("t", "nothing")):
        with pytest.raises(NotFound):
            await database.read(lambda tx, t=tenant, c=conversation: list(transcript.export(tx, t, c)))  # type: ignore[misc]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    import asyncio

    async def made() -> list[bytes]:
        database = Database.open(f"sqlite:///{tmp_path_factory.mktemp('transcript') / 'a.db'}")
        await database.write(begin)
        lines = await database.read(exported)
        await database.close()
        return lines

    return asyncio.run(made())


def test_a_byte_that_is_altered_anywhere_is_found_in_its_line(lines: list[bytes]) -> None:
    chance = random.Random(59)
    for n, line in enumerate(lines):
        for at in range(len(line)):
            other = chance.choice([byte for byte in range(32, 127) if byte != line[at]])
            touched = [*lines[:n], line[:at] + bytes([other]) + line[at + 1 :], *lines[n + 1 :]]
            with pytest.raises(Broken) as broken:
                verify(touched)
            # What names the conversation is under every link: that it was altered shows at the first of them.
            assert broken.value.line == n + 1 if n else broken.value.line in (1, 2)


@pytest.mark.parametrize("n", range(12))
def test_lines_that_are_taken_out_put_in_or_moved_are_found(lines: list[bytes], n: int) -> None:
    without = [*lines[:n], *lines[n + 1 :]]
    doubled = [*lines[: n + 1], *lines[n:]]
    swapped = [*lines[:n], *reversed(lines[n : n + 2]), *lines[n + 2 :]]
    for touched, line in ((without, n + 1), (doubled, n + 2), (swapped, n + 1)):
        if touched == lines:
            continue  # there is nothing behind the last line to change places with
        with pytest.raises(Broken) as broken:
            verify(touched)
        assert broken.value.line == line


def test_one_that_was_cut_off_with_care_is_found_by_the_hash_that_was_kept(lines: list[bytes]) -> None:
    kept = verify(lines).head
    last = lines[-3].split(b'"hash":"')[1][:64]
    cut = [*lines[:-2], b'{"events":9,"head":"' + last + b'"}']
    assert verify(cut).events == 9
    with pytest.raises(Broken, match="not the one that was kept"):
        verify(cut, kept)


OTHER = b'{"format":"other","tenant":"t","conversation":"c"}'


@pytest.mark.parametrize("rubbish", [b"", b"\xff", b"[]", b"{}", b"[" * 100_000, OTHER], ids=range(6))
def test_what_is_no_transcript_is_told_as_such(rubbish: bytes) -> None:
    with pytest.raises(Broken, match="line 1"):
        verify([rubbish])
