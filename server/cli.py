"""The command line. What a command needs is imported when it runs, so that ``tertulia check`` answers at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from moderation.backtest import Progress
    from policies.policy import Policy
    from server.line import BrokenLine
    from storage.values import Tenant

ROLES = ("buyer", "seller", "provider", "agent", "bot")
STAGES = ("enquiry", "negotiation", "ordered", "delivered", "dispute")
LANGUAGES = ("es", "en", "pt")
STAFF_ROLES = ("reviewer", "lead", "admin", "auditor")

POLICY = click.option(
    "--policy", default="marketplace", show_default=True, metavar="FILE", envvar="TERTULIA_POLICY", show_envvar=True,
    help="A policy file, or the name of a shipped one; a server also takes a folder of them.",
)  # fmt: skip
DATABASE = click.option(
    "--database", default="sqlite:///var/tertulia.db", show_default=True, metavar="URL", envvar="TERTULIA_DATABASE",
    show_envvar=True, help="sqlite:///path or postgresql://user:password@host/name.",
)  # fmt: skip


class Commands(click.Group):
    """The commands in the order of this file, with every failure as one line and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Whoever read the output has enough, as with ``| head``; Python must not complain about it at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="tertulia")
def main() -> None:
    """Hosted group chat for marketplaces: every message judged before it is relayed."""
    if "TERTULIA_FAILPOINTS" in os.environ:
        from storage import failpoints

        try:
            failpoints.arm(os.environ)
        except ValueError as problem:
            raise click.ClickException(str(problem)) from None


@main.command()
@click.option("--demo", is_flag=True, envvar="TERTULIA_DEMO", show_envvar=True, help="Serve the demo page at /.")
@click.option("--host", default="127.0.0.1", show_default=True, envvar="TERTULIA_HOST", show_envvar=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, envvar="TERTULIA_PORT",
              show_envvar=True)  # fmt: skip
@DATABASE
@click.option("--reader-role", default="", metavar="NAME", envvar="TERTULIA_READER_ROLE", show_envvar=True,
              help="A role of PostgreSQL that reads one tenant's rows at a time.")  # fmt: skip
@click.option("--redis", default="", metavar="URL", envvar="TERTULIA_REDIS", show_envvar=True,
              help="redis://host:port[,host:port...], for more than one server.")  # fmt: skip
@POLICY
@click.option("--origin", "origins", multiple=True, metavar="ORIGIN", envvar="TERTULIA_ORIGIN", show_envvar=True,
              help="A web origin that may connect, such as https://market.example; may be given again.")  # fmt: skip
@click.option("--proxy", "proxies", multiple=True, metavar="NETWORK", envvar="TERTULIA_PROXY", show_envvar=True,
              help="Whose X-Forwarded-For is believed, such as 10.0.0.5 or 10.1.0.0/16; may be given again.")  # fmt: skip
@click.option("--api-key", default="", metavar="KEY", envvar="TERTULIA_API_KEY", show_envvar=True,
              help="What the platform's backend signs in with.")  # fmt: skip
@click.option("--posts-per-second", type=click.FloatRange(0.1), default=5.0, show_default=True,
              envvar="TERTULIA_POSTS_PER_SECOND", show_envvar=True, help="Of one participant, in the long run.")  # fmt: skip
@click.option("--posts-burst", type=click.IntRange(1), default=10, show_default=True, envvar="TERTULIA_POSTS_BURST",
              show_envvar=True, help="Of one participant, at once.")  # fmt: skip
@click.option("--connections-per-user", type=click.IntRange(1), default=20, show_default=True,
              envvar="TERTULIA_CONNECTIONS_PER_USER", show_envvar=True)  # fmt: skip
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, envvar="TERTULIA_WORKERS",
              show_envvar=True, help="Processes behind one port, on PostgreSQL and Redis.")  # fmt: skip
@click.option("--connections", type=click.IntRange(1), default=20_000, show_default=True, envvar="TERTULIA_CONNECTIONS",
              show_envvar=True, help="Open connections that one process takes.")  # fmt: skip
@click.option("--drain-seconds", type=click.FloatRange(0), default=3.0, show_default=True,
              envvar="TERTULIA_DRAIN_SECONDS", show_envvar=True,
              help="Over how long the open connections are sent away when the server stops.")  # fmt: skip
@click.option("--suggestions/--no-suggestions", default=True, show_default=True, envvar="TERTULIA_SUGGESTIONS",
              show_envvar=True, help="Offer people words to answer with.")  # fmt: skip
@click.option("--metrics", default="", metavar="HOST:PORT", envvar="TERTULIA_METRICS", show_envvar=True,
              help="Answer Prometheus there, at /metrics.")  # fmt: skip
@click.option("--log", type=click.Choice(("text", "json")), default="text", show_default=True, envvar="TERTULIA_LOG",
              show_envvar=True, help="How to write the log, on stderr.")  # fmt: skip
@click.option("--detoxify", default="", metavar="MODEL", envvar="TERTULIA_DETOXIFY", show_envvar=True,
              help="A slow second opinion: original, unbiased, multilingual, or a checkpoint's path.")  # fmt: skip
@click.option("--detoxify-config", default="", metavar="DIR", envvar="TERTULIA_DETOXIFY_CONFIG", show_envvar=True,
              help="Its configuration and tokenizer; with them nothing is asked of the network.")  # fmt: skip
@click.option("--oidc-issuer", default="", metavar="URL", envvar="TERTULIA_OIDC_ISSUER", show_envvar=True,
              help="Whose accounts open the console, by OpenID Connect.")  # fmt: skip
@click.option("--oidc-client-id", default="", metavar="ID", envvar="TERTULIA_OIDC_CLIENT_ID", show_envvar=True)
@click.option("--oidc-client-secret", default="", metavar="SECRET", envvar="TERTULIA_OIDC_CLIENT_SECRET", show_envvar=True,
              help="Better given by the environment.")  # fmt: skip
@click.option("--oidc-name", default="OpenID Connect", show_default=True, metavar="NAME", envvar="TERTULIA_OIDC_NAME",
              show_envvar=True, help="What the button says.")  # fmt: skip
def serve(policy: str, database: str, workers: int, **settings: Any) -> None:
    """Run the hub, the API and the pages until stopped."""
    from server.config import Config

    _law(policy)
    config = Config(policy=policy, database=_database(database), **settings)
    with failures_told():
        if workers > 1:
            from server.processes import serve_many

            serve_many(config, workers)
        else:
            from server.app import serve

            serve(config)


@main.command()
@click.argument("text", required=False)
@click.option("--jsonl", type=click.File("rb"), metavar="FILE", help="Judge every line of a file; - for stdin.")
@click.option("--listing", metavar="NAME", help="What is sold, such as groceries.")
@click.option("--stage", type=click.Choice(STAGES), help="How far the deal is.  [default: enquiry]")
@click.option("--sender", type=click.Choice(ROLES), help="Who writes.  [default: buyer]")
@click.option("--lang", type=click.Choice(LANGUAGES), help="The writer's language; the reasons are told in it.")
@POLICY
def check(
    text: str | None, jsonl: IO[bytes] | None, listing: str | None, stage: str | None, sender: str | None,
    lang: str | None, policy: str,
) -> None:  # fmt: skip
    """Judge TEXT, or every line of a JSON-lines file, as a chat would. Nothing is stored or sent."""
    if (text is None) == (jsonl is None):
        raise click.UsageError("Give either TEXT or --jsonl FILE.")
    if jsonl is None:
        assert text is not None
        return _check_text(text, listing, stage, sender, lang, policy)
    if any((listing, stage, sender, lang)):
        raise click.UsageError("--listing, --stage, --sender and --lang go with TEXT; lines of a file have their own.")
    _check_file(jsonl, policy)


def _check_text(
    text: str, listing: str | None, stage: str | None, sender: str | None, lang: str | None, policy: str
) -> None:
    from moderation.engine import default_engine
    from rules.types import Role, Setting, Stage
    from server.check import shown

    loaded = _load(policy)
    setting = Setting(
        sender=Role(sender or "buyer"), listing=listing, stage=Stage(stage or "enquiry"), language=lang
    )  # fmt: skip
    judgement = default_engine().judge(_sound(text), setting, loaded)
    spoken = judgement.language if judgement.language in LANGUAGES else None
    click.echo(shown(_sound(text), setting, judgement, loaded, lang or spoken))


def _check_file(lines: IO[bytes], policy: str) -> None:
    import msgspec

    from moderation.engine import default_engine
    from server.check import Failed, check_lines

    loaded = _load(policy)
    encode, out, failed = msgspec.json.Encoder().encode, sys.stdout.buffer, 0
    for answer in check_lines(lines, default_engine(), loaded):
        out.write(encode(answer) + b"\n")
        failed += isinstance(answer, Failed)
    out.flush()
    if failed:
        click.echo(f"{failed} {'line' if failed == 1 else 'lines'} could not be judged", err=True)


@main.command()
@click.option(
    "--jsonl", type=click.File("rb"), metavar="FILE", required=True, help="Answer every line of a file; - for stdin."
)
@POLICY
def suggest(jsonl: IO[bytes], policy: str) -> None:
    """Suggest replies to every line of a JSON-lines file, as a chat would. Nothing is stored or sent."""
    import msgspec

    from moderation.engine import default_engine
    from moderation.suggestions.suggester import Suggester
    from server.check import Failed
    from server.suggest import suggest_lines

    loaded, engine = _load(policy), default_engine()
    encode, out, failed = msgspec.json.Encoder().encode, sys.stdout.buffer, 0
    for answer in suggest_lines(jsonl, Suggester.load(engine, loaded), engine, loaded):
        out.write(encode(answer) + b"\n")
        failed += isinstance(answer, Failed)
    out.flush()
    if failed:
        click.echo(f"{failed} {'line' if failed == 1 else 'lines'} could not be answered", err=True)


@main.command("eval")
@click.argument("files", nargs=-1, required=True, type=click.File("rb"), metavar="FILE...")
@POLICY
@click.option("--against", metavar="FILE", help="A second policy: shows which verdicts would change.")
@click.option(
    "--against-engine", type=click.Choice(["rules", "classifiers"]), help="One part of the engine, beside all of it."
)
@click.option("--errors", is_flag=True, help="List every line that was not judged as it is labelled.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def evaluate(
    files: tuple[IO[bytes], ...], policy: str, against: str | None, against_engine: str | None, errors: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Count on labelled lines what is found and what is a false alarm."""
    import msgspec

    from moderation.engine import default_engine
    from server.evaluation import evaluate, labelled, part
    from server.report import shown

    if against and against_engine:
        raise click.UsageError("Give either --against or --against-engine.")
    loaded, other, engine = _load(policy), _load(against) if against else None, default_engine()
    rival = (f"{against_engine} alone", part(engine, against_engine)) if against_engine else None
    lines = chain.from_iterable(labelled(file, partial(_tell_broken, file.name)) for file in files)
    report = evaluate(lines, engine, loaded, other, rival)
    click.echo(msgspec.json.encode(report) if as_json else shown(report, errors))
    if not report.lines:
        raise click.ClickException("There is no labelled line.")


def _tell_broken(file: str, broken: BrokenLine) -> None:
    click.echo(f"{file}, {broken}", err=True)


@main.group()
def policy() -> None:
    """Check and try policy files."""


@policy.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--resolved", is_flag=True, help="List the clauses in force, with where each comes from.")
def lint(files: tuple[str, ...], resolved: bool) -> None:
    """Say what is wrong in policy files, and what is legal but likely not meant."""
    from policies.lint import lint
    from policies.load import PolicyError, load
    from server import trying

    broken = 0
    for file in files:
        try:
            loaded = load(file)
        except PolicyError as problem:
            click.echo(f"error    {problem}", err=True)
            broken += 1
            continue
        remarks = lint(loaded)
        for remark in remarks:
            click.echo(f"remark   {file}: {remark}")
        if resolved:
            click.echo("\n".join(f"         {row}" for row in trying.resolved(loaded)))
        click.echo(f"good     {file}: {loaded.id}, {len(loaded.clauses)} clauses, {len(remarks)} remarks")
    if broken:
        sys.exit(1)


@policy.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def test(files: tuple[str, ...]) -> None:
    """Play the examples in policy files; each must come out as it says."""
    from moderation.engine import default_engine
    from server.rehearsal import rehearse

    policies, engine, failed = [_load(file) for file in files], default_engine(), 0
    for file, loaded in zip(files, policies, strict=True):
        played = list(rehearse(loaded, engine))
        wrong = [each for each in played if each.problem and not each.inherited]
        for each in played:
            if each.problem and each.inherited:
                click.echo(f"differs  {file}: clause {each.clause!r}: {each.problem}: {each.example.text!r}")
        for each in wrong:
            click.echo(f"failed   {file}: clause {each.clause!r}: {each.problem}: {each.example.text!r}")
        outcome = "failed" if wrong else "good"
        as_told = sum(not each.problem for each in played)
        click.echo(f"{outcome:8} {file}: {as_told} of {len(played)} examples")
        failed += len(wrong)
    if failed:
        sys.exit(1)


@policy.command()
@click.argument("draft", metavar="FILE")
@click.option("--against", default="marketplace", show_default=True, metavar="FILE", help="What it is compared with.")
def diff(draft: str, against: str) -> None:
    """Say what a policy says otherwise than another one."""
    from policies.difference import differences

    for difference in differences(_load(against), _load(draft)):
        click.echo(str(difference))


@policy.command()
@click.argument("draft", metavar="FILE")
@click.option("--against", default="marketplace", show_default=True, metavar="FILE", help="What is in force.")
@click.option("--jsonl", type=click.File("rb"), metavar="FILE",
              help="Try it on the lines of a file instead of what is stored; - for stdin.")  # fmt: skip
@click.option("--days", type=click.IntRange(0), default=30, show_default=True, help="Of what is stored; 0 for all.")
@click.option("--kind", default="", metavar="NAME", help="Only conversations of this kind.")
@click.option("--judge", is_flag=True, help="Judge every text anew, whatever is stored about it.")
@click.option(
    "--samples", type=click.IntRange(0, 40), default=5, show_default=True, help="Shown of each kind of change."
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@click.option(
    "--tenant", default="default", show_default=True, metavar="ID", envvar="TERTULIA_TENANT", show_envvar=True
)
@DATABASE
def backtest(
    draft: str, against: str, jsonl: IO[bytes] | None, days: int, kind: str, judge: bool, samples: int, as_json: bool,
    tenant: str, database: str,
) -> None:  # fmt: skip
    """Try a policy on messages: what would be caught, released, or treated otherwise than by another one."""
    import msgspec

    from moderation.engine import default_engine
    from moderation.traffic import DAY_MS, Traffic
    from realtime.chat import now
    from server import trying

    live, tried = _load(against), _load(draft)
    if jsonl is not None:
        tally = trying.on_file(jsonl, live, tried, default_engine(), partial(_tell_broken, jsonl.name))
    else:
        traffic = Traffic(tenant, kind=kind, since=now() - days * DAY_MS if days else 0)
        with failures_told():
            _tenant(_database(database), tenant)
            tally = trying.on_database(database, traffic, live, tried, judge, _show_progress)
    click.echo(msgspec.json.encode(tally) if as_json else trying.shown(tally, live, tried, samples))


def _show_progress(step: Progress) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{step.done} of {step.of}" + ("\n" if step.finished else ""), err=True, nl=False)


@main.command()
@click.argument("participant")
@click.option("--name", help="As the others see them.  [default: PARTICIPANT]")
@click.option("--role", type=click.Choice([*ROLES, "staff"]), required=True)
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--conversation", "conversations", multiple=True, metavar="ID", help="Only these; may be given again.")
@click.option("--expires-in", type=click.IntRange(1), default=3_600, show_default=True, metavar="SECONDS")
@click.option(
    "--tenant", default="default", show_default=True, metavar="ID", envvar="TERTULIA_TENANT", show_envvar=True
)
@DATABASE
def token(
    participant: str, name: str | None, role: str, lang: str, conversations: tuple[str, ...], expires_in: int,
    tenant: str, database: str,
) -> None:  # fmt: skip
    """Print a token with which PARTICIPANT can connect. The tenant must be known to the database."""
    from realtime.auth import mint

    with failures_told():
        known = _tenant(_database(database), tenant)
        click.echo(
            mint(known, participant, name=name or participant, role=role, lang=lang,
                 conversations=list(conversations) or "*", expires_in=expires_in)
        )  # fmt: skip


@main.group()
def staff() -> None:
    """Let people into the console, and lock them out."""


TENANT = click.option(
    "--tenant", default="default", show_default=True, metavar="ID", envvar="TERTULIA_TENANT", show_envvar=True
)
PASSWORD = click.option(
    "--password-stdin", is_flag=True, help="Take the password from standard input instead of asking for it."
)


@staff.command("add")
@click.argument("login")
@click.option("--role", type=click.Choice(STAFF_ROLES), required=True)
@click.option("--name", help="As the others see them.  [default: LOGIN]")
@click.option("--email", default="", metavar="ADDRESS", help="By which they come through OpenID Connect.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
@PASSWORD
@TENANT
@DATABASE
def staff_add(
    login: str, role: str, name: str | None, email: str, lang: str, password_stdin: bool, tenant: str, database: str
) -> None:
    """Let somebody sign in to the console as LOGIN."""
    from server.console.operator import add

    password = _password(login, password_stdin)
    with failures_told():
        click.echo(add(_database(database), tenant, login, name or login, role, lang, email, password))


@staff.command("list")
@TENANT
@DATABASE
def staff_list(tenant: str, database: str) -> None:
    """Show who can sign in, and as what."""
    from server.console.operator import listed

    with failures_told():
        for line in listed(_database(database), tenant):
            click.echo(line)


@staff.command("disable")
@click.argument("login")
@TENANT
@DATABASE
def staff_disable(login: str, tenant: str, database: str) -> None:
    """Lock LOGIN out, at once and everywhere."""
    from server.console.operator import disable

    with failures_told():
        click.echo(disable(_database(database), tenant, login))


@staff.command("reset")
@click.argument("login")
@PASSWORD
@TENANT
@DATABASE
def staff_reset(login: str, password_stdin: bool, tenant: str, database: str) -> None:
    """Give LOGIN another password and let them in again; they are signed out everywhere."""
    from server.console.operator import reset

    password = _password(login, password_stdin)
    with failures_told():
        click.echo(reset(_database(database), tenant, login, password))


def _password(login: str, from_stdin: bool) -> str:
    """A new password, never from the arguments: every process of the machine can read those."""
    from server.console.passwords import WeakPassword, hashed

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        return hashed(password, login)
    except WeakPassword as problem:
        raise click.ClickException(str(problem)) from None


@main.group()
def audit() -> None:
    """Look after the audit log of the console."""


@audit.command("verify")
@TENANT
@DATABASE
def audit_verify(tenant: str, database: str) -> None:
    """Follow the chain of the audit log. Exit code 1 when an entry was altered, taken out or put in."""
    from server.console.operator import state

    with failures_told():
        found = state(_database(database), tenant)
    if found.broken_at:
        raise click.ClickException(
            f"The chain is broken at entry {found.broken_at}; {found.broken_at - 1} before it hold."
        )
    click.echo(f"good     {tenant}: {found.entries} entries, head {found.head}")


@main.command()
@DATABASE
@click.option("--restored", is_flag=True, help="This is a copy: its clients must not trust numbers of the original.")
def migrate(database: str, restored: bool) -> None:
    """Bring a database up to date; safe to run again, and at the same time as another."""
    from storage import backup
    from storage.database import migrate

    with failures_told():
        migrate(_database(database))
        if restored:
            backup.restored(database)
    click.echo("The database is up to date.")


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@DATABASE
def backup(file: Path, database: str) -> None:
    """Write a copy of a SQLite database to FILE, beside a server that may be running."""
    from storage import backup

    with failures_told():
        backup.copy(_database(database), file)
    click.echo(f"A copy of the database is in {file}.")


@main.command()
@click.option("--check", is_flag=True, help="Only say what differs; exit code 1 if anything does.")
@DATABASE
def rebuild(check: bool, database: str) -> None:
    """Make again from the log what is kept beside it for speed: messages, members, invitations and what policy is in force."""
    from server.upkeep import rebuilt

    with failures_told():
        outcome = rebuilt(_database(database), mend=not check)
    for name, table in outcome.tables.items():
        click.echo(
            f"{name:18} {table.rows:9,} rows, {table.changed:,} changed, {table.missing:,} missing,"
            f" {table.surplus:,} too many"
        )
    for tenant, conversation, seq in outcome.broken:
        click.echo(f"broken   {tenant}: the log of {conversation} at event {seq}; nothing was made from it", err=True)
    if outcome.broken or (check and outcome.differ):
        sys.exit(1)
    click.echo("All of it is as the log has it." + (f" {outcome.differ:,} rows were not." if outcome.differ else ""))


@main.group()
def transcript() -> None:
    """A conversation's log for those who need it elsewhere, under its hash chain."""


@transcript.command("export")
@click.argument("conversation")
@TENANT
@DATABASE
def transcript_export(conversation: str, tenant: str, database: str) -> None:
    """Print CONVERSATION as JSON lines, with the words that the platform may see."""
    from server.upkeep import exported

    with failures_told():
        for line in exported(_database(database), tenant, conversation):
            sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


@transcript.command("verify")
@click.argument("file", type=click.File("rb"))
@click.option("--head", default="", metavar="HASH", help="The last hash, as it was kept elsewhere.")
def transcript_verify(file: IO[bytes], head: str) -> None:
    """Follow the chain of a transcript; it needs no database. Exit code 1 when a line was altered, taken out or put in."""
    from storage.transcript import Broken, verify

    try:
        found = verify(file, head)
    except Broken as problem:
        raise click.ClickException(f"The transcript is broken at {problem}.") from None
    click.echo(
        f"good     {found.tenant}: {found.conversation}, {found.events:,} events, {found.withheld:,} of {found.words:,} texts"
        f" not in it, head {found.head}"
    )


@main.command()
@click.option("--participant", required=True, metavar="ID", help="Whose words.")
@TENANT
@DATABASE
def erase(participant: str, tenant: str, database: str) -> None:
    """Erase for ever what a participant has said. That something was said stays, and every chain still holds."""
    from server.upkeep import erased

    with failures_told():
        done, clean = erased(_database(database), tenant, participant)
    click.echo(f"Erased: {done.texts:,} texts of messages, {done.refusals:,} of refused ones, {done.notes:,} notes.")
    if not clean:
        click.echo("Somebody is reading from the file: what was erased is in its -wal until they are done.", err=True)


@main.command()
@click.option("--keep-months", type=click.IntRange(1, 1_200), required=True, metavar="N", help="What is younger stays.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@DATABASE
def retention(keep_months: int, dry_run: bool, database: str) -> None:
    """Delete conversations in which nothing has happened for N months, whole, with all that was about them."""
    from server.upkeep import let_go

    with failures_told():
        gone = let_go(_database(database), keep_months, dry=dry_run)
    for tenant, counted in sorted(gone.items()):
        click.echo(f"{tenant:20} {counted.conversations:9,} conversations, {counted.events:11,} events")
    total = sum(counted.conversations for counted in gone.values())
    click.echo(f"{total:,} conversations {'would be' if dry_run else 'are'} gone.")


def _load(policy: str) -> Policy:
    from policies.load import PolicyError, load

    try:
        return load(policy)
    except PolicyError as problem:
        raise click.ClickException(str(problem)) from None


def _law(policy: str) -> None:
    """Refuses policies with which a server would not start: a file, a name, or a folder with one for each kind."""
    from moderation.policy_book import PolicyBook
    from policies.load import PolicyError

    try:
        PolicyBook(policy)
    except PolicyError as problem:
        raise click.ClickException(str(problem)) from None


def _database(url: str) -> str:
    """The URL, if it is one of ours. Anything else is a mistake of usage."""
    from sqlalchemy.exc import ArgumentError

    from storage.database import normalise

    try:
        normalise(url)
    except (ArgumentError, ValueError) as problem:
        raise click.BadParameter(str(problem), param_hint="--database") from None
    return url


def _tenant(url: str, id: str) -> Tenant:
    """The tenant, read beside a server that may be running: a database is opened by one process only."""
    from sqlalchemy import create_engine

    from storage import tenants
    from storage.database import normalise

    parsed = normalise(url)
    if parsed.get_backend_name() == "sqlite" and not os.path.exists(str(parsed.database)):
        raise click.ClickException(f"There is no database at {parsed.database}.")
    engine = create_engine(parsed)
    try:
        with engine.connect() as connection:
            tenant = tenants.by_id(connection, id)
    finally:
        engine.dispose()
    if tenant is None:
        raise click.ClickException(f"There is no tenant {id!r}.")
    return tenant


@contextmanager
def failures_told() -> Iterator[None]:
    """What can go wrong with databases, ports and settings, as one line."""
    from sqlalchemy.exc import SQLAlchemyError

    from storage.errors import StorageError

    try:
        yield
    except (StorageError, SQLAlchemyError, OSError, ValueError) as problem:
        first, *_ = str(getattr(problem, "orig", None) or problem).splitlines() or [type(problem).__name__]
        raise click.ClickException(first) from None


def _sound(text: str) -> str:
    """The text with bytes of the command line that are no UTF-8 made visible."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


if __name__ == "__main__":
    main()
