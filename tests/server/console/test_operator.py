"""Staff on the command line, and the audit log verified there."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from server.cli import main
from storage import audit, tables
from storage.audit import AuditFilter
from storage.database import beside, migrate
from tests.platform import new_tenant

PASSWORD = "a long walk by the river"


@pytest.fixture
def run(sqlite_url: str) -> Any:
    migrate(sqlite_url)
    new_tenant(sqlite_url, "default")

    def run(*words: str, input: str = f"{PASSWORD}\n") -> Result:
        return CliRunner().invoke(main, [*words, "--database", sqlite_url], input=input)

    return run


def test_staff_is_added_listed_reset_and_disabled(run: Any, sqlite_url: str) -> None:
    added = run("staff", "add", "root", "--role", "admin", "--password-stdin")
    assert (added.exit_code, added.stdout) == (0, "root can sign in as admin.\n")
    asked = run("staff", "add", "ana", "--role", "lead", "--name", "Ana B", input=f"{PASSWORD}\n{PASSWORD}\n")
    assert asked.exit_code == 0
    assert PASSWORD not in asked.output
    assert run("staff", "disable", "ana").stdout == "ana is locked out.\n"
    assert [line.split() for line in run("staff", "list").stdout.splitlines()] == [
        ["ana", "lead", "disabled", "Ana", "B"], ["root", "admin", "welcome", "root"],
    ]  # fmt: skip
    assert run("staff", "reset", "ana", "--password-stdin").exit_code == 0
    assert "ana                  lead      welcome" in run("staff", "list").stdout
    with beside(sqlite_url) as tx:
        acts = [(one.actor, one.act, one.subject) for one in audit.entries(tx, "default", AuditFilter())]
    assert acts == [("operator", act, f"staff:{login}") for act, login in (
        ("password.reset", "ana"), ("staff.disabled", "ana"), ("staff.added", "ana"), ("staff.added", "root"))]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "input", "told"),
    [
        (["staff", "add", "ana", "--role", "lead", "--password-stdin"], "short\n", "12 to 200 characters"),
        (["staff", "add", "Ana", "--role", "lead", "--password-stdin"], f"{PASSWORD}\n", "a-z, 0-9"),
        (["staff", "add", "ana", "--role", "lead", "--password-stdin", "--tenant", "x"], f"{PASSWORD}\n", "'x'"),
        (["staff", "reset", "nobody", "--password-stdin"], f"{PASSWORD}\n", "no such member of the staff"),
        (["staff", "disable", "nobody"], "", "no such member of the staff"),
        (["staff", "list", "--tenant", "x"], "", "no such tenant as 'x'"),
    ],
)
def test_a_mistake_is_told_in_one_line(run: Any, words: list[str], input: str, told: str) -> None:
    ran = run(*words, input=input)
    assert ran.exit_code == 1
    assert told in ran.output
    assert len(ran.output.splitlines()) == 1


def test_the_audit_log_is_verified(run: Any, sqlite_url: str) -> None:
    for login in ("root", "ana"):
        run("staff", "add", login, "--role", "admin", "--password-stdin")
    good = run("audit", "verify")
    assert (good.exit_code, good.stdout[:37]) == (0, "good     default: 2 entries, head " + good.stdout[34:37])
    with beside(sqlite_url) as tx:
        tx.execute(update(tables.audit).where(tables.audit.c.seq == 1).values(actor="somebody else"))
    broken = run("audit", "verify")
    assert broken.exit_code == 1
    assert "broken at entry 1; 0 before it hold" in broken.output
