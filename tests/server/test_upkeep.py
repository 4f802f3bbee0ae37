"""What an operator does about a database on which a server runs, as it is done on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from click.testing import CliRunner, Result
from sqlalchemy import text

from server.cli import main
from storage.database import beside
from tests.platform import Platform, new_tenant


def run(server: Any, *words: str, input: bytes = b"") -> Result:
    return CliRunner().invoke(
        main, words, input=input, env={"TERTULIA_DATABASE": server.environment["TERTULIA_DATABASE"]}
    )


async def test_while_people_talk_words_are_erased_transcripts_taken_and_tables_made_again(
    serve: Callable[..., Any], database_url: str
) -> None:
    server = serve(TERTULIA_DATABASE=database_url)
    platform = Platform(server.url, server.ws_url, new_tenant(database_url, "t"))
    chat = await platform.open("ana:buyer", "luis:seller")
    ana, luis = await platform.connect("ana"), await platform.connect("luis")
    hers = await ana.post(chat, "unas palabras mías")
    his = await luis.post(chat, "y estas de luis")

    found = run(server, "rebuild", "--check")
    assert found.exit_code == 0, found.output
    assert "messages                   2 rows, 0 changed, 0 missing, 0 too many" in found.stdout
    with beside(database_url) as tx:
        tx.execute(text("UPDATE members SET name = '?'"))
    assert run(server, "rebuild", "--check").exit_code == 1
    mended = run(server, "rebuild")
    assert (mended.exit_code, "2 rows were not." in mended.stdout) == (0, True)
    assert run(server, "rebuild", "--check").exit_code == 0

    before = run(server, "transcript", "export", chat, "--tenant", "t").stdout_bytes
    assert "unas palabras mías".encode() in before
    verified = run(server, "transcript", "verify", "-", input=before)
    assert verified.stdout.startswith(f"good     t: {chat}, 4 events, 0 of 2 texts not in it, head ")
    head = verified.stdout.split()[-1]
    broken = run(server, "transcript", "verify", "-", input=before.replace("mías".encode(), b"suyas"))
    assert broken.exit_code == 1
    assert "broken at line 4, event 3: the words are not those that were said" in broken.stderr

    told = run(server, "erase", "--participant", "ana", "--tenant", "t")
    assert (told.exit_code, told.stdout) == (0, "Erased: 1 texts of messages, 0 of refused ones, 0 notes.\n")
    # The server was not told of it: it sees it with the next event of the conversation, and so do those who are there.
    await luis.post(chat, "¿sigues ahí?")
    gone = await luis.next("changed", id=hers["id"])
    assert (gone["state"], gone["text"]) == ("removed", "")
    events = await luis.history(chat)
    assert [event["text"] for event in events if event["type"] == "posted"] == ["", "y estas de luis", "¿sigues ahí?"]

    after = run(server, "transcript", "export", chat, "--tenant", "t").stdout_bytes
    assert b"unas palabras" not in after
    assert his["id"].encode() in after
    assert run(server, "transcript", "verify", "-", input=after).exit_code == 0
    assert run(server, "transcript", "verify", "-", "--head", head, input=after).exit_code == 1
    assert run(server, "transcript", "verify", "-", "--head", head, input=before).exit_code == 0
    assert run(server, "rebuild", "--check").exit_code == 0
    assert "good     t: 2 entries" in run(server, "audit", "verify", "--tenant", "t").stdout
    for words in (("erase", "--participant", "ana"), ("transcript", "export", chat)):
        assert run(server, *words, "--tenant", "other").exit_code == 1
    await platform.leave()
    assert server.stop() == 0
