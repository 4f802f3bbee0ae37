"""The operator's policy files under a running server: read again when they change, told when they are at fault."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.platform import Platform

CALM = 'name = "house"\nextends = "marketplace"\n'
STRICT = CALM + '[[clause]]\nid = "profanity"\nverdict = "block"\n'
RIDES = 'name = "rides"\nextends = "default"\n[[clause]]\nid = "profanity"\nverdict = "hold"\n'


def write(file: Path, content: str) -> None:
    """As an editor does: at once, under another name first."""
    file.with_suffix(".new").write_text(content)
    os.replace(file.with_suffix(".new"), file)


async def parts(platform: Platform, done: Callable[[dict[str, str]], bool]) -> dict[str, Any]:
    for _ in range(200):
        health: dict[str, Any] = (await platform.http.get("/health")).json()
        if done(health["parts"]):
            return health
        await asyncio.sleep(0.05)
    pytest.fail(f"it did not happen within 10 s: {health}")


async def verdict(ana: Any, conversation: str) -> str:
    answer = await ana.post(conversation, "joder, qué caro")
    return str(answer.get("verdict") or answer["code"])


async def test_files_hold_without_a_restart_and_a_broken_one_is_shown_and_harmless(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    write(tmp_path / "default.toml", CALM)
    write(tmp_path / "rides.toml", RIDES)
    server = serve(TERTULIA_POLICY=str(tmp_path))
    platform = Platform(server.url, server.ws_url, server.environment["TERTULIA_API_KEY"])
    ordinary = await platform.open("ana:buyer", "luis:seller")
    ride = await platform.open("ana:buyer", "luis:seller", kind="rides")
    ana = await platform.connect("ana")
    assert [await verdict(ana, each) for each in (ordinary, ride)] == ["mask", "hold"]

    write(tmp_path / "default.toml", STRICT)
    for _ in range(200):
        if await verdict(ana, ordinary) == "policy":
            break
        await asyncio.sleep(0.4)
    assert await verdict(ana, ordinary) == "policy", "what changed holds in an open conversation"

    write(tmp_path / "default.toml", STRICT.replace("block", "blok"))
    health = await parts(platform, lambda parts: "policies" in parts)
    assert health["status"] == "degraded"
    told = f"{tmp_path / 'default.toml'}: clause 'profanity': verdict: unknown verdict 'blok'; did you mean 'block'?"
    assert told in health["parts"]["policies"]
    assert await verdict(ana, ordinary) == "policy", "what it said before stays in force"

    write(tmp_path / "default.toml", CALM)
    assert (await parts(platform, lambda parts: "policies" not in parts))["status"] == "ready"
    assert await verdict(ana, ordinary) == "mask"
    await platform.leave()


def test_a_server_does_not_start_with_a_policy_at_fault(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from server.cli import main

    write(tmp_path / "default.toml", STRICT.replace("block", "blok"))
    result = CliRunner().invoke(main, ["serve", "--policy", str(tmp_path), "--port", "0"])
    assert result.exit_code == 1
    assert "clause 'profanity': verdict: unknown verdict 'blok'" in result.output
