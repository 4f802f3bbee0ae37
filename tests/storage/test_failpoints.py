"""Nobody breaks a server by accident, and a test does so exactly where it wants to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import failpoints
from storage.failpoints import Broken, Rule, arm, parse, reached

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def rules(tmp_path: Path) -> Iterator[Path]:
    """The file of rules that this process follows meanwhile; it is not there yet."""
    file = tmp_path / "rules"
    arm({"TERTULIA_FAILPOINTS": str(file), "TERTULIA_BREAK_ON_PURPOSE": "yes"})
    yield file
    arm({})


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", {}),
        ("before_commit=kill", {"before_commit": Rule("kill")}),
        ("frame_received=sleep:0.5\nnews_sent=skip@3",
         {"frame_received": Rule("sleep", 0.5), "news_sent": Rule("skip", 0.0, 3)}),
    ],
)  # fmt: skip
def test_a_line_says_what_happens_where(text: str, rules: dict[str, Rule]) -> None:
    assert parse(text) == rules


@pytest.mark.parametrize(
    "text", ["before_commit", "no_such_place=kill", "before_commit=explode", "before_commit=kill@x"]
)
def test_a_rule_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is no rule"):
        parse(text)


def test_what_happens_follows_the_file(rules: Path) -> None:
    assert reached("before_commit") is False
    rules.write_text("before_commit=raise@2")
    reached("before_commit")
    with pytest.raises(Broken):
        reached("before_commit")
    reached("before_commit")
    rules.write_text("before_commit=skip news_sent=sleep:0.05")
    assert reached("before_commit") is True
    began = time.monotonic()
    assert reached("news_sent") is False
    assert time.monotonic() - began >= 0.05
    rules.unlink()
    assert reached("before_commit") is False


def test_a_server_that_was_not_told_that_it_is_meant_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is for tests"):
        arm({"TERTULIA_FAILPOINTS": str(tmp_path / "rules")})
    program = str(Path(sys.executable).parent / "tertulia")
    environment = {**os.environ, "TERTULIA_FAILPOINTS": str(tmp_path / "rules")}
    ran = subprocess.run([program, "serve"], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "is for tests" in ran.stderr


def test_every_place_that_is_named_is_in_the_code_and_no_other() -> None:
    used = set()
    for folder in ("storage", "moderation", "desk", "realtime", "server"):
        for path in (ROOT / folder).rglob("*.py"):
            used |= {part.split('"')[0] for part in path.read_text().split('failpoints.reached("')[1:]}
    assert used == set(failpoints.POINTS)
