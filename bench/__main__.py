"""`python -m bench`: what a message costs here, beside its peers, in one run. Writes bench/results/."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click
import msgspec

from bench import judging, postgres, servers
from bench.hub import Case, Length, Result, measure
from bench.report import Environment, Report, hub_aims, judging_aims, published, suggestion_aims, tables
from bench.servers import Server
from bench.texts import messages, questions

RESULTS = Path(__file__).resolve().parent / "results"
PAGE = RESULTS.parent.parent / "docs" / "performance.md"
TEXTS = 40_000
PACE = 200.0  # posts a second over 250 conversations: a busy evening, far from the limit
CALM = 50.0  # questions a second, few enough that every one can be answered by suggestions
PARTS = ("conversations", "room", "suggestions", "judging")


@click.command(help=__doc__)
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Leave the other parts out; may be given again.")
@click.option("--rounds", default=Length().rounds, show_default=True, help="Counted rounds of every server.")
@click.option("--seconds", default=Length().seconds, show_default=True, help="Length of a round.")
@click.option("--peers/--no-peers", default=True, help="Measure the peers too.")
@click.option("--publish", is_flag=True, help="Put the tables into docs/performance.md.")
def main(only: tuple[str, ...], rounds: int, seconds: float, peers: bool, publish: bool) -> None:
    parts = only or PARTS
    length = Length(rounds, seconds)
    missing = servers.install_peers() if peers else ["Peers left out."]
    hub: list[Result] = []
    if "conversations" in parts:
        contenders = [_sqlite, _postgres, *([servers.marketplace] if peers and servers.node_installed() else [])]
        cases = [Case("conversations", 250, 4, 1), Case("paced", 250, 4, 1, PACE)]
        hub += measure(contenders, cases, list(islice(messages(seed=1), TEXTS)), length)
    if "room" in parts:
        contenders = [_sqlite, _postgres]
        if peers and servers.node_installed():
            contenders.append(servers.node_ws)
        if peers and servers.python_installed():
            contenders.append(servers.uwebsockets)
        cases = [Case("room", 1, 200, in_flight) for in_flight in (4, 16)]
        # Nothing that a rule reacts to: the peers judge nothing, and each server shall make the same deliveries.
        hub += measure(contenders, cases, list(islice(messages(seed=2, reactive=0.0), TEXTS)), length)
    if "suggestions" in parts:
        cases = [Case("questions", 250, 4, 1, CALM), Case("many_questions", 250, 4, 1, PACE)]
        hub += measure([_sqlite, _without_suggestions], cases, list(islice(questions(seed=3), TEXTS)), length)
    judged = judging.judged(peers) if "judging" in parts else []
    growth = judging.growth() if "judging" in parts else []
    report = Report(
        environment=Environment.here(postgres.version()),
        missing=missing,
        hub=hub,
        judging=judged,
        growth=growth,
        aims=[*hub_aims(hub), *suggestion_aims(hub), *judging_aims(judged, growth)],
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    (RESULTS / "latest.md").write_text(tables(report))
    if publish:
        PAGE.write_text(published(PAGE.read_text(), tables(report)))
    click.echo(tables(report))


def _sqlite() -> Server:
    return servers.Ours(postgres=False)


def _without_suggestions() -> Server:
    return servers.Ours(postgres=False, suggestions=False)


def _postgres() -> Server:
    return servers.Ours(postgres=True)


if __name__ == "__main__":
    main()
