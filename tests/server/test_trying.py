"""Policies compared from the shell."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from policies.decision import Decision, Mask, Verdict
from policies.load import load
from rules.types import Category, Finding, Role, Stage
from server.cli import main
from storage import conversations, tenants
from storage.database import Database
from storage.values import Conversation, Entry, Form, Member

DRAFT = (
    'name = "draft"\nextends = "marketplace"\noff = ["link"]\n'
    '[[clause]]\nid = "profanity"\nverdict = "block"\n'
    '[[clause]]\nid = "shout"\ncategory = "profanity"\ncount = 3\nverdict = "hold"\n'
)


@pytest.fixture
def draft(tmp_path: Path) -> str:
    file = tmp_path / "draft.toml"
    file.write_text(DRAFT)
    return str(file)


def ran(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["policy", *words])
    assert result.exit_code == code, result.output
    return result.output


def test_lint_lists_where_each_clause_comes_from(draft: str) -> None:
    rows = [line.split() for line in ran("lint", "--resolved", draft).splitlines()]
    assert ["block", "profanity", "from", "marketplace,", "changed", "by", "draft"] in rows
    assert ["hold", "shout", "from", "draft"] in rows
    assert ["off", "link", "by", "draft"] in rows


def test_diff_tells_what_is_written_otherwise(draft: str) -> None:
    assert ran("diff", draft).splitlines() == [
        "name: marketplace -> draft",
        "profanity.verdict: mask -> block",
        "profanity.example: 3 examples -> nothing",
        "shout: nothing -> hold profanity",
        "link: flag link -> nothing",
    ]
    assert ran("diff", "strict", "--against", "strict") == ""


def test_an_example_of_the_base_that_comes_out_otherwise_is_told_and_no_failure(tmp_path: Path) -> None:
    file = tmp_path / "mild.toml"
    file.write_text('name = "mild"\nextends = "marketplace"\noff = ["contact_in_dispute"]\n[[clause]]\nid = "any"\n'
                    'category = "profanity"\nverdict = "hold"\n')  # fmt: skip
    output = ran("test", str(file))
    assert "differs  " in output
    assert "the verdict is hold, not mask" in output
    file.write_text(file.read_text() + '[[clause.example]]\ntext = "hola"\nverdict = "hold"\n')
    assert "failed   " in ran("test", str(file), code=1)


def test_a_backtest_of_a_file_shows_what_would_change(draft: str, tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    lines: list[dict[str, Any]] = [{"id": "a", "text": "joder"}, {"text": "hola", "sender": "seller"}]
    file.write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines) + b"\nnot a line\n")
    output = ran("backtest", draft, "--jsonl", str(file))
    assert "2 messages, 1 of them changed" in output
    assert "stricter  a mask -> block: 'joder'" in output
    assert "line 3" in output
    counts = msgspec.json.decode(ran("backtest", draft, "--jsonl", str(file), "--json").splitlines()[-1])
    assert counts["roles"] == {"buyer": {"": 1, "stricter": 1}, "seller": {"": 1}}


def test_a_backtest_of_what_is_stored_needs_no_server(draft: str, sqlite_url: str) -> None:
    async def fill() -> None:
        database = Database.open(sqlite_url)
        await database.write(lambda tx: tenants.ensure(tx, "t", "T", "a-key-of-sixteen", 1))
        conversation = Conversation("t", "c", "", None, Stage.ENQUIRY, "default", 0, 1)
        member = Member("ana", "Ana", Role.BUYER, "es")
        await database.write(lambda tx: conversations.create(tx, conversation, [member]))
        finding = Finding(Category.PROFANITY, 0.9, 0, 5, "profanity:es/joder")
        decision = Decision(Verdict.MASK, load().id, findings=(finding,), masks=(Mask(0, 5),))
        await database.append(Entry("t", "c", "m1", "ana", "1", 1, "joder", Form(Role.BUYER, 1), decision))
        await database.close()

    asyncio.run(fill())
    output = ran("backtest", draft, "--database", sqlite_url, "--tenant", "t", "--days", "0")
    assert "1 messages, 1 of them changed" in output
    assert "stricter  m1 mask -> block" in output
    assert "0 messages" in ran("backtest", draft, "--database", sqlite_url, "--tenant", "t", "--kind", "rides")
    assert "no tenant" in ran("backtest", draft, "--database", sqlite_url, "--tenant", "u", code=1)
