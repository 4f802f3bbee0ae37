"""A copy is made while people write; it has whole messages, and nobody who comes back to it trusts a number of the original."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from server.cli import main
from storage import log
from storage.database import looking
from tests.platform import Platform, new_tenant


def run(*arguments: str) -> str:
    answer = CliRunner().invoke(main, arguments)
    assert answer.exit_code == 0, answer.output
    return answer.output


def copied(url: str, folder: Path) -> str:
    """Copy a database as docs/operate.md says; the URL of the copy."""
    if url.startswith("sqlite"):
        run("backup", str(folder / "copy.db"), "--database", url)
        return f"sqlite:///{folder / 'copy.db'}"
    dump, server = folder / "copy.dump", url.rpartition("/")[0]
    subprocess.run(["pg_dump", "--format=custom", f"--file={dump}", url], check=True)
    subprocess.run(["createdb", f"--maintenance-db={server}/postgres", "restored"], check=True)
    into = f"--dbname={server}/restored"
    subprocess.run(["pg_restore", "--no-owner", "--exit-on-error", into, str(dump)], check=True)
    run("migrate", "--restored", "--database", f"{server}/restored")
    return f"{server}/restored"


@pytest.fixture
def tidy(postgres_server: Any) -> Iterator[None]:
    yield
    postgres_server.execute("DROP DATABASE IF EXISTS restored WITH (FORCE)")


async def test_a_copy_serves_in_the_place_of_the_original(
    serve: Callable[..., Any], database_url: str, tmp_path: Path, tidy: None
) -> None:
    environment = {"TERTULIA_POSTS_PER_SECOND": "1000", "TERTULIA_POSTS_BURST": "1000", "TERTULIA_DRAIN_SECONDS": "0.1"}
    server = serve(TERTULIA_DATABASE=database_url, **environment)
    key = new_tenant(database_url, "t")
    platform = Platform(server.url, server.ws_url, key)
    chat = await platform.open("ana:buyer", "luis:seller")
    ana = await platform.connect("ana")
    epoch = ana.welcome["conversations"][0]["epoch"]
    accepted: list[dict[str, Any]] = []

    async def write() -> None:
        for n in range(10_000):
            accepted.append(await ana.post(chat, f"mensaje {n}", f"c{n}"))

    writing = asyncio.create_task(write())
    while len(accepted) < 50:  # noqa: ASYNC110 - what others do
        await asyncio.sleep(0.01)
    before = len(accepted)
    copy = await asyncio.to_thread(copied, database_url, tmp_path)
    after = len(accepted)
    writing.cancel()
    await asyncio.wait([writing])
    await platform.leave()
    server.kill()

    again = serve(TERTULIA_DATABASE=copy, TERTULIA_API_KEY=server.environment["TERTULIA_API_KEY"], **environment)
    platform = Platform(again.url, again.ws_url, key)
    resume = [{"conversation": chat, "after": accepted[-1]["seq"], "epoch": epoch}]
    back = await platform.connect("ana", resume=resume)
    assert (await back.next("reset"))["reason"] == "epoch_changed"
    with looking(copy) as connection:
        stored = [item for item in log.since(connection, "t", chat, 0, 20_000) if item.kind == "posted"]
        assert log.broken_link(connection, "t", chat) == 0
    known = {answer["id"]: answer["seq"] for answer in accepted}
    assert before <= len(stored) <= after + 1
    assert all(known.get(item.message.id, item.seq) == item.seq for item in stored if item.message)
    sent_again = await back.post(chat, "mensaje 3", "c3")
    assert (sent_again["id"], sent_again["seq"]) == (accepted[3]["id"], accepted[3]["seq"])
    assert (await back.post(chat, "y seguimos"))["seq"] == stored[-1].seq + 1
    await platform.leave()
    again.stop()


def test_a_copy_overwrites_nothing_and_says_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "there.db").write_text("x")
    url = f"sqlite:///{tmp_path / 'a.db'}"
    nothing = CliRunner().invoke(main, ["backup", str(tmp_path / "b.db"), "--database", url])
    assert (nothing.exit_code, "no database" in nothing.output) == (1, True)
    run("migrate", "--database", url)
    taken = CliRunner().invoke(main, ["backup", str(tmp_path / "there.db"), "--database", url])
    assert (taken.exit_code, "already" in taken.output) == (1, True)
    assert (tmp_path / "there.db").read_text() == "x"
    other = CliRunner().invoke(main, ["backup", str(tmp_path / "b.db"), "--database", "postgresql://localhost/x"])
    assert "pg_dump" in other.output
