"""A server with a deep tier that does what its texts tell it to, as a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, Process, Server
from tests.platform import Platform

CLAUSES = """
[failure]
rules = "hold"
classifiers = "open"
detoxify = { absent = "closed", late = "open", crashed = "hold", nan = "closed" }

[deep]
deadline_ms = 700

[[clause]]
id = "waits"
category = "profanity"
verdict = "flag"
hold_for_deep = true

[[clause]]
id = "hidden_word"
category = "profanity"
scores = { "detoxify.obscene" = 0.9 }
verdict = "mask"

[[clause]]
id = "withdrawn"
scores = { "detoxify.toxicity" = 0.9 }
verdict = "hold"

[[clause]]
id = "removed"
scores = { "detoxify.threat" = 0.9 }
verdict = "block"
[clause.reason]
action = "appeal"
es = "Retirado."
en = "Taken away."
pt = "Retirada."

[[clause]]
id = "noted"
scores = { "detoxify.insult" = 0.9 }
verdict = "flag"
"""


class WithScorer(Server):
    """A server whose deep tier is the scorer of the tests."""

    def start(self) -> Server:
        command = [
            sys.executable,
            "-m",
            "tests.moderation.deep.serve",
            "serve",
            "--port",
            str(self.port),
            *self.arguments,
        ]
        self.process = Process(command, self.folder / "server.log", env=self.environment)
        self.process.wait_until(self._healthy)
        return self


def policy_file(folder: Path) -> Path:
    """The words of a shipped policy, and clauses that ask the deep tier."""
    shipped = (ROOT / "policies/marketplace.toml").read_text()
    file = folder / "deep.toml"
    file.write_text(shipped[: shipped.index("[failure]")] + CLAUSES)
    return file


def deep_server(folder: Path, policy: Path, behaviour: str) -> WithScorer:
    """A server that is not started yet; ``behaviour`` is what its scorer does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TERTULIA_")} | {
        "TERTULIA_DATABASE": f"sqlite:///{folder / 'tertulia.db'}",
        "TERTULIA_API_KEY": "a key that only this test knows",
        "TERTULIA_POLICY": str(policy),
        "TERTULIA_DETOXIFY": behaviour,
        "TERTULIA_POSTS_PER_SECOND": "1000",
        "TERTULIA_POSTS_BURST": "1000",
    }
    return WithScorer(folder, (), environment)


async def health(platform: Platform) -> dict[str, Any]:
    answer: dict[str, Any] = (await platform.http.get("/health")).json()
    return answer


async def until_ready(platform: Platform) -> None:
    async with asyncio.timeout(30):
        while (await health(platform))["status"] != "ready":  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.02)
