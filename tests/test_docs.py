"""The documentation says all there is, names nothing that is not there, and its examples run."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from policies import load
from policies.policy import Reason
from realtime import protocol
from realtime.errors import Close
from server.api import Api, Operation
from server.problems import STATUS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    page
    for folder in ("", "bench", "docs", "moderation", "policies", "rules", "training")
    for page in (ROOT / folder).glob("**/*.md" if folder else "*.md")
    if "node_modules" not in page.parts
)
PROTOCOL = (ROOT / "docs/protocol.md").read_text()


def sections(text: str) -> dict[str, str]:
    """From each heading to what stands below it, up to the next heading of any level."""
    parts = re.split(r"^#+ +(.+)$", text, flags=re.MULTILINE)
    return {heading.strip("` "): body for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def named(text: str) -> set[str]:
    """Every word that stands in code marks."""
    return {word for code in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"[\w-]+", code)}


def structs(union: object) -> list[type[msgspec.Struct]]:
    """The members of a union of structs."""
    members: list[type[msgspec.Struct]] = list(union.__args__)  # type: ignore[attr-defined]
    return members


def tag(struct: type[msgspec.Struct]) -> str:
    """The ``type`` by which a struct goes over the wire."""
    return str(struct.__struct_config__.tag)


# -------------------------------------------------------------------------------------------------- the protocol

FORM = {field.name for field in msgspec.structs.fields(protocol.MessageForm)} - {"conversation", "seq"}
VALUES: dict[str, type[msgspec.Struct]] = {
    "Person": protocol.Person,
    "Reason": Reason,
    "Conversation": protocol.ConversationView,
    "Invitation": protocol.InvitationView,
}


@pytest.mark.parametrize("command", structs(protocol.AnyCommand), ids=tag)
def test_a_command_is_told_with_all_its_fields(command: type[msgspec.Struct]) -> None:
    body = sections(PROTOCOL[PROTOCOL.index("## Commands") : PROTOCOL.index("## Events")])[tag(command)]
    assert {field.name for field in msgspec.structs.fields(command)} <= named(body)


@pytest.mark.parametrize("event", structs(protocol.AnyEvent), ids=tag)
def test_an_event_is_told_with_all_its_fields(event: type[msgspec.Struct]) -> None:
    body = sections(PROTOCOL[PROTOCOL.index("## Events") : PROTOCOL.index("## Values")])[tag(event)]
    fields = {field.name for field in msgspec.structs.fields(event)}
    if issubclass(event, protocol.MessageForm):
        fields -= FORM
    assert fields <= named(body)


def test_the_form_of_a_message_is_told() -> None:
    assert named(sections(PROTOCOL)["Message"]) >= FORM


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_told_with_all_its_fields(name: str) -> None:
    body = sections(PROTOCOL[PROTOCOL.index("## Values") :])[name]
    assert {field.name for field in msgspec.structs.fields(VALUES[name])} <= named(body)


def test_no_command_or_event_is_told_that_does_not_exist() -> None:
    told = re.findall(r"^#{3,4} `(\w+)`$", PROTOCOL, flags=re.MULTILINE)
    assert set(told) == {tag(struct) for struct in structs(protocol.AnyCommand) + structs(protocol.AnyEvent)}


def test_the_limits_are_those_that_are_published() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+)", sections(PROTOCOL)["Limits"], flags=re.MULTILINE))
    assert {name: int(value.replace(",", "")) for name, value in rows.items()} == msgspec.structs.asdict(
        protocol.Limits()
    )


def told_codes() -> set[str]:
    """The codes with which a command is refused, anywhere in the code."""
    place = {"Refusal": 0, "BadFrame": 0, "Refused": 1}  # of the code among the arguments
    found = set()
    for folder in ("realtime", "server"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in place:
                    arguments = node.args[place[node.func.id] :]
                    if arguments and isinstance(arguments[0], ast.Constant):
                        found.add(str(arguments[0].value))
    # Ends the connection with a close code instead of being sent.
    return found - {"too_many_connections"}


def test_every_refusal_code_is_told() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", sections(PROTOCOL)["Refusal codes"], flags=re.MULTILINE))
    assert "not_found" in told
    assert told_codes() <= told


def test_every_close_code_is_told_with_what_the_client_does() -> None:
    rows = re.findall(
        r"^\| (\d{4}) \| .+ \| (\w+ \w+|stops).*\|$", sections(PROTOCOL)["Close codes"], flags=re.MULTILINE
    )
    told = {int(code): action for code, action in rows if code.startswith("4")}
    assert set(told) == {code for name, code in vars(Close).items() if name.isupper()}
    assert set(told.values()) <= {"may resume", "must refresh", "must stop", "stops"}


def test_the_close_codes_that_are_never_sent_are_named() -> None:
    code = "".join(path.read_text() for folder in ("realtime", "server") for path in (ROOT / folder).rglob("*.py"))
    unused = {str(number) for name, number in vars(Close).items() if name.isupper() and f"Close.{name}" not in code}
    told = re.search(r"^This version never sends (.+?);", sections(PROTOCOL)["Close codes"], flags=re.MULTILINE)
    assert set(re.findall(r"\d{4}", told[1] if told else "")) == unused


# ------------------------------------------------------------------------------------------------- the HTTP API

OPERATIONS = Api(None, None, None, None).operations  # type: ignore[arg-type]  # only its table is looked at
HTTP_API = sections((ROOT / "docs/http-api.md").read_text())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.handle.__name__)
def test_an_operation_is_told_with_all_that_it_takes(operation: Operation) -> None:
    body = HTTP_API[f"{operation.method} {operation.path}"]
    takes = {field.name for field in msgspec.structs.fields(operation.body)} if operation.body else set()
    takes |= {name for name, _ in operation.query}
    assert takes <= named(body)
    assert str(operation.status) in body or operation.status == 200


def test_no_operation_is_told_that_does_not_exist() -> None:
    told = {heading for heading in HTTP_API if re.match("[A-Z]+ /", heading)}
    described = {"GET /health", "GET /v1/openapi.json", "GET /v1/docs"}
    assert told == described | {f"{operation.method} {operation.path}" for operation in OPERATIONS}


def test_the_error_codes_of_the_api_are_told_with_their_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \| (.+?) \|", HTTP_API["Errors"], flags=re.MULTILINE)
    told = {code: int(status) for status, codes in rows for code in named(codes)}
    assert told == STATUS


# -------------------------------------------------------------------------------------------------------- links


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(
        r"^#+ +(.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    ):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        unique, n = slug, 0
        while unique in found:
            n += 1
            unique = f"{slug}-{n}"
        found.add(unique)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.exists(), f"{page.name} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(path.read_text()), f"{page.name} links to {target}, which has no such heading"


# ----------------------------------------------------------------------------------------------------- policies


def test_every_key_of_a_policy_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    take = load._Table.take

    def noted(table: load._Table, key: str, kind: str, default: object = load._REQUIRED) -> object:
        if not table.within.endswith("scores."):  # whose keys are names of classifiers
            read.add(key)
        return take(table, key, kind, default)

    monkeypatch.setattr(load._Table, "take", noted)
    for name in load.shipped():
        load.load(name)
    assert read <= named((ROOT / "docs/policies.md").read_text())


# ----------------------------------------------------------------------------------------------- the command line


def commands(group: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that can be run, with the words that call it."""
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from commands(command, (*words, name))
    else:
        yield words, group


def test_every_variable_is_told() -> None:
    from server.cli import main

    parameters = [parameter for _, command in commands(main) for parameter in command.params]
    variables = {str(parameter.envvar) for parameter in parameters if parameter.envvar}
    rows = re.findall(r"^\| `(TERTULIA_\w+)` \|", (ROOT / "docs/configuration.md").read_text(), flags=re.MULTILINE)
    assert set(rows) == variables


def test_a_migration_that_the_version_before_cannot_live_with_is_told() -> None:
    told = named(sections((ROOT / "docs/operate.md").read_text())["Upgrading"])
    for step in (ROOT / "storage/migrations/versions").glob("0*.py"):
        upgrade = step.read_text().split("def upgrade")[1].split("def downgrade")[0]
        if re.search(r"RENAME|DROP COLUMN|drop_column|drop_table|new_column_name", upgrade):
            assert step.name[:4] in told


def test_every_command_and_option_is_told() -> None:
    from server.cli import main

    told = sections((ROOT / "docs/command-line.md").read_text())
    for words, command in commands(main):
        body = told[" ".join(("tertulia", *words))]
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert f"`{max(parameter.opts, key=len)}" in body, f"{' '.join(words)}: {parameter.opts} is not told"


def examples() -> Iterator[tuple[str, str, str]]:
    """Each command line in a block marked ``console``, with what the page shows as its output."""
    for page in PAGES:
        for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                line, _, output = part.partition("\n")
                yield page.relative_to(ROOT).as_posix(), line, output


# Offline and over in a moment; anything else would start servers or install.
RUN = re.compile(r"tertulia (check|policy|suggest)\b")


@pytest.mark.parametrize(("page", "line", "output"), [example for example in examples() if RUN.match(example[1])])
def test_an_example_gives_what_the_page_shows(page: str, line: str, output: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ran = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    shown = re.escape(output.strip()).replace(r"\.\.\.", ".*?")
    assert re.fullmatch(shown, ran.stdout.strip(), flags=re.DOTALL), ran.stdout + ran.stderr


# ----------------------------------------------------------------------------------------------------- the faults

FAULTS = re.findall(r"^\| (T\d\d) \|.*\| (.+) \|$", (ROOT / "docs/reliability.md").read_text(), re.MULTILINE)
UNSHOWN = ("not shown yet", "not needed")


def test_every_fault_is_told() -> None:
    assert [number for number, _ in FAULTS] == [f"T{number:02}" for number in range(1, 60)]


@pytest.mark.parametrize(("number", "shown_by"), FAULTS, ids=[number for number, _ in FAULTS])
def test_a_fault_names_tests_that_exist_or_says_why_not(number: str, shown_by: str) -> None:
    names = re.findall(r"`(tests/[\w/]+\.(?:py|mjs))::(\w+)`", shown_by)
    assert names or shown_by.startswith(UNSHOWN)
    for file, name in names:
        assert re.search(rf"def {name}\b", (ROOT / file).read_text()), f"{number}: no {name} in {file}"
