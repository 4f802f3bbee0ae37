"""A disk that is full: nothing is accepted that cannot be kept, reading goes on, and room is enough to mend it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.platform import Platform, new_tenant


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 8 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(tmp_path)], check=True)
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


async def test_what_cannot_be_kept_is_refused_and_what_was_kept_can_be_read(
    serve: Callable[..., Any], small_disk: Path
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 6_200_000)
    url = f"sqlite:///{small_disk / 'tertulia.db'}"
    server = serve(TERTULIA_DATABASE=url, TERTULIA_POSTS_PER_SECOND="10000", TERTULIA_POSTS_BURST="10000")
    platform = Platform(server.url, server.ws_url, new_tenant(url, "t"))
    chat = await platform.open("ana:buyer", "luis:seller")
    ana = await platform.connect("ana")
    accepted, answer = [], {"type": "accepted"}
    for n in range(2_000):
        answer = await ana.post(chat, f"mensaje {n} " + "palabra " * 450, f"c{n}")
        if answer["type"] != "accepted":
            break
        accepted.append(answer["id"])
    assert (answer["type"], answer["code"]) == ("refused", "storage_full")
    assert len(accepted) > 10

    assert (await ana.history(chat))[-1]["id"] == accepted[-1]
    health = httpx2.get(f"{server.url}/health", trust_env=False)
    assert health.status_code == 200
    assert (health.json()["status"], health.json()["parts"]["database"]) == ("degraded", "full")

    ballast.unlink()
    again = await ana.post(chat, answer_text := "ya hay sitio", "again")
    assert again["type"] == "accepted"
    assert (await ana.history(chat))[-1]["text"] == answer_text
    assert httpx2.get(f"{server.url}/health", trust_env=False).json()["status"] == "ready"
    stored = [event["id"] for event in await ana.history(chat, limit=100) if event["type"] == "posted"]
    assert stored == [*accepted, again["id"]][-len(stored) :]
    await platform.leave()
    assert server.stop() == 0
