"""The command line, run as people run it. What it says is in docs/command-line.md."""

import json
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from policies.load import SHIPPED
from server.cli import main

ROOT = Path(__file__).parents[2]
FIELDS = ["id", "verdict", "categories", "findings", "scores", "sentiment", "lang", "policy", "us"]


def run(*args: str, input: str | bytes | None = None, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, args, input=input, env=env)


def answers(lines: bytes | str) -> list[dict[str, object]]:
    ran = run("check", "--jsonl", "-", input=lines)
    assert ran.exit_code == 0, ran.output
    return [json.loads(line) for line in ran.stdout.splitlines()]


# ------------------------------------------------------------------------------------------------------ check TEXT


def test_check_shows_the_verdict_the_words_and_the_reason() -> None:
    ran = run("check", "llámame al 612 345 678 y lo hablamos", "--lang", "es")
    assert ran.exit_code == 0
    rows = ran.stdout.splitlines()
    assert rows[0].startswith("BLOCK  by marketplace@")
    assert rows[2] == "  llámame al 612 345 678 y lo hablamos"
    assert rows[3].startswith("             ~~~~~~~~~~~ contact ")
    assert "clause   contact_before_order" in rows
    assert any(row.startswith("reason   Por tu seguridad") and row.endswith("[edit]") for row in rows)


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ((), "BLOCK"),
        (("--stage", "ordered"), "ALLOW"),
        (("--stage", "dispute"), "FLAG"),
        (("--sender", "agent"), "ALLOW"),
        (("--stage", "ordered", "--policy", "strict"), "FLAG"),
        (("--stage", "ordered", "--policy", str(SHIPPED / "strict.toml")), "FLAG"),
    ],
)
def test_check_knows_the_setting_and_the_policy(options: tuple[str, ...], verdict: str) -> None:
    assert run("check", "call me on +44 7700 900123", *options).stdout.startswith(f"{verdict} ")


def test_the_policy_may_come_from_the_environment() -> None:
    ran = run("check", "hello", env={"TERTULIA_POLICY": "strict"})
    assert "strict@" in ran.stdout


@pytest.mark.parametrize(("lang", "word"), [("es", "seguridad"), ("en", "safe"), ("pt", "segurança")])
def test_check_tells_the_reasons_in_the_language_asked_for(lang: str, word: str) -> None:
    assert word in run("check", "612 345 678 es mi móvil, llámame", "--lang", lang).stdout


def test_check_underlines_in_columns_whatever_stands_before() -> None:
    rows = run("check", "價格好\nnaïve 👍 write to ann@gmail.com").stdout.splitlines()
    text, under = rows[3], rows[4]
    assert text == "  naïve 👍 write to ann@gmail.com"
    # The thumb takes two columns of the terminal but one character of the text.
    assert under.index("~") == text.index("ann@") + 1


def test_check_does_not_let_a_message_move_the_cursor() -> None:
    ran = run("check", "a\x1b[2Jb\u202ec")
    assert "\x1b" not in ran.stdout
    assert "\u202e" not in ran.stdout
    assert "a�[2Jb�c" in ran.stdout


# ------------------------------------------------------------------------------------------------------ check --jsonl


def test_every_line_gets_one_line_in_the_same_order() -> None:
    given = [
        {"id": "a", "text": "hello there", "listing": None, "stage": None, "sender": None, "lang": None},
        {"id": 2, "text": "call me on 07700 900123", "stage": "negotiation", "suite": "x", "expect": ["contact"]},
        {"messages": [{"from": "buyer", "text": "hi"}, {"from": "seller", "text": "that is fucking great"}]},
    ]
    first, second, third = answers("\n".join(map(json.dumps, given)) + "\n")
    assert [list(answer) for answer in (first, second, third)] == [FIELDS] * 3
    assert (first["id"], second["id"], third["id"]) == ("a", 2, None)
    assert (first["verdict"], first["categories"], first["findings"]) == ("allow", [], [])
    assert (second["verdict"], second["categories"]) == ("block", ["contact"])
    assert (third["verdict"], third["categories"]) == ("mask", ["profanity"])
    assert str(third["policy"]).startswith("marketplace@")


def test_findings_point_into_the_last_message() -> None:
    text = "👍 that is ｆｕｃｋｉｎｇ great"
    (answer,) = answers(json.dumps({"messages": [{"from": "a", "text": "one"}, {"from": "b", "text": text}]}))
    finding = cast("list[dict[str, Any]]", answer["findings"])[0]
    assert list(finding) == ["category", "score", "start", "end", "source", "excerpt"]
    assert text[finding["start"] : finding["end"]] == finding["excerpt"] == "ｆｕｃｋｉｎｇ"


BROKEN = [
    (b"", "bad_json"),
    (b"   ", "bad_json"),
    (b"nonsense", "bad_json"),
    (b'{"text": "cut', "bad_json"),
    (b'{"text": "\xff"}', "bad_json"),
    (b'{"text": "\\ud800"}', "bad_json"),
    (b'{"text": "hi", "more": ' + b"[" * 100_000, "bad_json"),
    (b"[" * 100_000, "bad_request"),
    (b'"text"', "bad_request"),
    (b"[]", "bad_request"),
    (b"null", "bad_request"),
    (b"{}", "bad_request"),
    (b'{"text": 7}', "bad_request"),
    (b'{"text": null}', "bad_request"),
    (b'{"messages": []}', "bad_request"),
    (b'{"messages": [{"from": "a"}]}', "bad_request"),
    (b'{"messages": "hi"}', "bad_request"),
    (b'{"text": "hi", "messages": [{"text": "ho"}]}', "bad_request"),
    (b'{"text": "hi", "stage": "now"}', "bad_request"),
    (b'{"text": "hi", "sender": "king"}', "bad_request"),
    (b'{"text": "hi", "listing": 3}', "bad_request"),
    (b'{"text": "hi", "id": {}}', "bad_request"),
]


@pytest.mark.parametrize(("line", "code"), BROKEN)
def test_a_broken_line_gets_an_error_and_the_rest_goes_on(line: bytes, code: str) -> None:
    ran = run("check", "--jsonl", "-", input=b'{"text": "one"}\n' + line + b'\n{"text": "three"}\n')
    first, second, third = map(json.loads, ran.stdout.splitlines())
    assert (first["verdict"], third["verdict"]) == ("allow", "allow")
    assert second["line"] == 2
    assert second["error"]["code"] == code
    assert second["error"]["message"].endswith(".")
    assert ran.exit_code == 0
    assert ran.stderr == "1 line could not be judged\n"


def test_a_file_may_begin_with_a_byte_order_mark_and_end_without_a_newline() -> None:
    assert [answer["verdict"] for answer in answers(b'\xef\xbb\xbf{"text": "hi"}\n{"text": "ho"}')] == ["allow"] * 2


def test_an_empty_file_has_no_answers() -> None:
    assert answers("") == []


def test_a_reader_who_has_enough_is_no_failure(tmp_path: Path) -> None:
    lines = tmp_path / "many.jsonl"
    lines.write_text('{"text": "hello"}\n' * 20_000)
    command = f"{sys.executable} -m server.cli check --jsonl {lines} | head -1"
    ran = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(ran.stdout.splitlines()) == 1
    assert ran.stderr == ""


# ------------------------------------------------------------------------------------------------------------- usage


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["check"], 2, "Give either TEXT or --jsonl FILE."),
        (["check", "hi", "--jsonl", "-"], 2, "Give either TEXT or --jsonl FILE."),
        (["check", "--jsonl", "nowhere.jsonl"], 2, "No such file"),
        (["check", "--jsonl", "-", "--stage", "ordered"], 2, "go with TEXT"),
        (["check", "hi", "--stage", "now"], 2, "'now' is not one of"),
        (["check", "hi", "--sender", "king"], 2, "'king' is not one of"),
        (["check", "hi", "--lang", "fr"], 2, "'fr' is not one of"),
        (["check", "hi", "--colour"], 2, "No such option"),
        (["check", "hi", "--policy", "nowhere.toml"], 1, "nowhere.toml: cannot be read: No such file"),
        (["check", "hi", "--policy", "pyproject.toml"], 1, "pyproject.toml: name: is missing"),
        (["eval"], 2, "Missing argument"),
        (["eval", "nowhere.jsonl"], 2, "No such file"),
        (["policy", "lint"], 2, "Missing argument"),
        (["policy", "test", "nowhere.toml"], 1, "nowhere.toml: cannot be read"),
        (["serve", "--port", "70000"], 2, "70000 is not in the range"),
        (["serve", "--database", "mysql://host/name"], 2, "mysql is not supported"),
        (["serve", "--database", "what"], 2, "--database"),
        (["serve", "--policy", "nowhere.toml"], 1, "nowhere.toml: cannot be read"),
        (["migrate", "--database", "sqlite://"], 2, "SQLite needs a file"),
        (["token", "ana"], 2, "Missing option '--role'"),
        (["token", "ana", "--role", "king"], 2, "'king' is not one of"),
        (["token", "ana", "--role", "buyer", "--expires-in", "0"], 2, "0 is not in the range"),
        (["token", "ana", "--role", "buyer", "--database", "sqlite:///nowhere/x.db"], 1, "no database at nowhere/x.db"),
        (["dance"], 2, "No such command"),
    ],
)
def test_a_mistake_is_said_in_one_clear_line(args: list[str], code: int, said: str) -> None:
    ran = run(*args)
    assert ran.exit_code == code
    assert ran.stdout == ""
    assert said in ran.stderr
    (complaint,) = [row for row in ran.stderr.splitlines() if row.startswith("Error: ")]
    assert said in " ".join(complaint.split())


def test_check_answers_at_once() -> None:
    """What a command does not need is not imported; the bound leaves room for a busy machine."""
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "server.cli", "check", "hello"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.startswith("ALLOW")
    imported = {row.rpartition("|")[2].strip() for row in ran.stderr.splitlines()}
    assert not imported & {"sqlalchemy", "starlette", "uvicorn", "jwt", "alembic", "redis", "torch"}
    assert time.monotonic() - began < 10


# -------------------------------------------------------------------------------------------------------------- eval


LABELLED = [
    {"id": 1, "suite": "contact", "kind": "phone", "lang": "en", "text": "call me on 07700 900123", "expect": ["contact"],
     "spans": ["07700 900123"]},
    {"id": 2, "suite": "contact", "kind": "riddle", "lang": "en", "text": "you know where to find me", "expect": ["contact"]},
    {"id": 3, "suite": "contact_benign", "kind": "plain", "lang": "en", "text": "see you on Tuesday", "expect": []},
    {"id": 4, "suite": "profanity_benign", "kind": "wrong", "lang": "es", "text": "joder, qué mierda", "expect": []},
    {"id": 5, "text": "nothing is said of this one"},
]  # fmt: skip


@pytest.fixture
def labelled(tmp_path: Path) -> str:
    file = tmp_path / "labelled.jsonl"
    file.write_text("\n".join(map(json.dumps, LABELLED)) + "\nnonsense\n")
    return str(file)


def test_eval_counts_what_is_found_and_what_is_a_false_alarm(labelled: str) -> None:
    ran = run("eval", labelled, "--json")
    assert ran.exit_code == 0
    assert ran.stderr == f"{labelled}, line 6: The line is not valid JSON in UTF-8.\n"
    report = json.loads(ran.stdout)
    assert (report["lines"], report["unlabelled"]) == (4, 1)
    suites = {row["group"]: row for row in report["by_suite"]}
    assert suites["contact"] == {
        "group": "contact", "harmful": 2, "found": 1, "harmless": 1, "alarms": 0, "recall": 0.5, "precision": 1.0,
        "f1": 2 / 3, "false_alarm_rate": 0.0,
    }  # fmt: skip
    assert (suites["profanity"]["alarms"], suites["profanity"]["recall"]) == (1, None)
    assert report["total"]["f1"] == 0.5
    assert report["overlap"] == {"group": "all", "lines": 1, "jaccard": 1.0, "covered": 1.0, "exact": 1.0}
    assert [fault["id"] for fault in report["faults"]] == [2, 4]
    assert report["verdicts"]["harmless"]["mask"] == 1


def test_eval_shows_tables_and_the_lines_that_went_wrong(labelled: str) -> None:
    ran = run("eval", labelled, "--errors")
    assert "by suite and language" in ran.stdout
    assert "2 [allow] missed contact; found nothing" in ran.stdout
    assert "4 [mask] false alarm: profanity by " in ran.stdout
    assert "errors" not in run("eval", labelled).stdout


def test_eval_compares_two_policies_on_the_same_findings(labelled: str) -> None:
    report = json.loads(run("eval", labelled, "--json", "--against", "strict").stdout)
    comparison = report["comparison"]
    assert comparison["against"].startswith("strict@")
    assert comparison["moved"] == {"mask -> block": 1}
    assert comparison["stopped_harmful"] == [1, 1]
    assert comparison["stopped_harmless"] == [1, 1]
    assert "mask -> block" in run("eval", labelled, "--against", "strict").stdout


def test_eval_reads_several_files_and_counts_lines_in_each(labelled: str) -> None:
    ran = run("eval", labelled, labelled, "--json")
    assert json.loads(ran.stdout)["lines"] == 8
    assert ran.stderr.count("line 6: ") == 2


def test_eval_without_labelled_lines_fails(tmp_path: Path) -> None:
    file = tmp_path / "none.jsonl"
    file.write_text('{"text": "hi"}\n')
    ran = run("eval", str(file))
    assert ran.exit_code == 1
    assert "There is no labelled line." in ran.stderr


# ------------------------------------------------------------------------------------------------------------ policy


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    file = tmp_path / "faulty.toml"
    file.write_text((SHIPPED / "strict.toml").read_text().replace('"dispute"', '"disput"', 1))
    return str(file)


def test_lint_names_every_faulty_file_and_goes_on(faulty: str) -> None:
    ran = run("policy", "lint", faulty, "marketplace")
    assert ran.exit_code == 1
    assert ran.stderr == (
        f"error    {faulty}: clause 'contact_in_dispute': stage: unknown stage 'disput'; did you mean 'dispute'?\n"
    )
    assert ran.stdout.startswith("good     marketplace: marketplace@")


def test_lint_remarks_are_no_failure(tmp_path: Path) -> None:
    file = tmp_path / "partial.toml"
    text = (SHIPPED / "marketplace.toml").read_text()
    file.write_text(text.replace('category = "spam"', 'category = "link"'))
    ran = run("policy", "lint", str(file))
    assert ran.exit_code == 0
    assert f"remark   {file}: no clause is about spam" in ran.stdout


@pytest.mark.parametrize("name", ["marketplace", "strict"])
def test_the_shipped_policies_do_what_their_examples_say(name: str) -> None:
    ran = run("policy", "test", name)
    assert ran.exit_code == 0, ran.stdout
    assert ran.stdout.startswith(f"good     {name}: ")


def test_an_example_that_comes_out_otherwise_fails(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    text = (SHIPPED / "marketplace.toml").read_text()
    last = tomllib.loads(text)["clause"][-1]["id"]  # which the example comes to belong to
    wrong = '[[clause.example]]\ntext = "see you on Tuesday"\nverdict = "flag"\n'
    file.write_text(text + wrong)
    ran = run("policy", "test", str(file))
    assert ran.exit_code == 1
    assert f"failed   {file}: clause {last!r}: the verdict is allow, not flag: 'see you on Tuesday'" in ran.stdout


# ------------------------------------------------------------------------------------------------- token and migrate


def test_a_token_is_minted_for_a_tenant_of_the_database(tmp_path: Path) -> None:
    import jwt

    from storage import tenants
    from storage.database import normalise

    url = f"sqlite:///{tmp_path}/chat.db"
    assert run("migrate", "--database", url).exit_code == 0
    assert run("migrate", "--database", url).stdout == "The database is up to date.\n"
    refused = run("token", "ana", "--role", "buyer", "--database", url)
    assert (refused.exit_code, refused.stderr) == (1, "Error: There is no tenant 'default'.\n")

    from sqlalchemy import create_engine

    engine = create_engine(normalise(url))
    with engine.begin() as connection:
        tenant = tenants.ensure(connection, "default", "Default", "key", 0)
    engine.dispose()

    ran = run("token", "ana", "--role", "buyer", "--lang", "es", "--conversation", "c1", "--database", url)
    assert ran.exit_code == 0, ran.stderr
    key = bytes.fromhex(tenant.token_secret)
    claims = jwt.decode(ran.stdout.strip(), key, algorithms=["HS256"], audience="tertulia")
    assert (claims["sub"], claims["name"], claims["role"], claims["lang"]) == ("ana", "ana", "buyer", "es")
    assert claims["conversations"] == ["c1"]
    assert claims["exp"] - claims["iat"] == 3_600


def test_a_database_that_is_not_one_is_said_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("these are no tables" * 100)
    ran = run("migrate", "--database", f"sqlite:///{file}")
    assert ran.exit_code == 1
    assert ran.stderr == "Error: file is not a database\n"


def test_a_closed_terminal_encoding_is_no_failure() -> None:
    """Python must not fall over characters that a plain terminal cannot show."""
    ran = subprocess.run(
        [sys.executable, "-m", "server.cli", "check", "價格 👍"],
        cwd=ROOT, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
