"""`python -m bench`: what a message costs here, beside its peers, in one run. Writes bench/results/."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import click
import msgspec

from bench import alone, growth, idle, judging, postgres, servers, storm
from bench.hub import Case, Length, Result, measure
from bench.report import (
    Aim,
    Environment,
    Report,
    growth_aims,
    hub_aims,
    idle_aims,
    judging_aims,
    published,
    suggestion_aims,
    tables,
)
from bench.sections import Section
from bench.servers import Server
from bench.texts import messages, questions

RESULTS = Path(__file__).resolve().parent / "results"
PAGE = RESULTS.parent.parent / "docs" / "performance.md"
TEXTS = 40_000
PACE = 200.0  # posts a second over 250 conversations: a busy evening, far from the limit
CALM = 50.0  # questions a second, few enough that every one can be answered by suggestions
GROWTH_ROUNDS = 3  # a slope over several sizes needs fewer of them than a figure alone
USUAL = ("conversations", "room", "nodes", "latency", "storm", "idle", "growth", "alone", "judging")
BY_NAME = ("suggestions", "crowd", "far")  # minutes more, for a question that is not asked every time
PARTS = (*USUAL, *BY_NAME)


@click.command(help=__doc__)
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Leave the other parts out; may be given again.")
@click.option("--rounds", default=Length().rounds, show_default=True, help="Counted rounds of every server.")
@click.option("--seconds", default=Length().seconds, show_default=True, help="Length of a round.")
@click.option("--peers/--no-peers", default=True, help="Measure the peers too.")
@click.option("--publish", is_flag=True, help="Put the tables into docs/performance.md.")
def main(only: tuple[str, ...], rounds: int, seconds: float, peers: bool, publish: bool) -> None:
    parts = only or USUAL
    length = Length(rounds, seconds)
    idle.more_files()
    there = Peers.installed(peers)
    hub: list[Result] = []
    sections: list[Section] = []
    aims: list[Aim] = []
    for part in PARTS:
        if part in parts and part in HUB:
            hub += HUB[part](there, length)
    if "idle" in parts:
        found = idle.measured([_sqlite, *there.marketplace, *there.relays])
        sections.append(idle.section(found))
        aims += idle_aims(found)
    if "storm" in parts:
        sections.append(storm.section(storm.measured([_sqlite, _postgres, *there.marketplace])))
    if "growth" in parts or "far" in parts:
        few = Length(min(rounds, GROWTH_ROUNDS), seconds)
        curves = growth.curves(growth.FULL if "far" in parts else growth.Sizes(), few, postgres=False)
        sections.append(growth.section(curves))
        aims += growth_aims(curves)
    if "alone" in parts:
        sections.append(alone.section(alone.measured(seconds)))
    judged = judging.judged(peers) if "judging" in parts else []
    adversarial = judging.growth() if "judging" in parts else []
    report = Report(
        environment=Environment.here(postgres.version()),
        missing=there.missing,
        hub=hub,
        judging=judged,
        growth=adversarial,
        aims=[*hub_aims(hub), *aims, *suggestion_aims(hub), *judging_aims(judged, adversarial)],
        sections=sections,
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    (RESULTS / "latest.md").write_text(tables(report))
    if publish:
        PAGE.write_text(published(PAGE.read_text(), tables(report)))
    click.echo(tables(report))


class Peers(msgspec.Struct, frozen=True):
    """Those that could be installed, and what could not, in sentences."""

    missing: list[str]
    marketplace: list[Start] = []
    marketplace_nodes: list[Start] = []
    relays: list[Start] = []
    floor: list[Start] = []

    @classmethod
    def installed(cls, wanted: bool) -> Peers:
        if not wanted:
            return cls(["Peers left out."])
        missing = servers.install_peers()
        node, python = servers.node_installed(), servers.python_installed()
        relays: list[Start] = [*([servers.node_ws] if node else []), *([servers.uwebsockets] if python else [])]
        return cls(
            missing, [servers.marketplace] if node else [], [servers.marketplace_nodes] if node else [], relays,
            [servers.floor] if servers.floor_installed() else [],
        )  # fmt: skip


def _conversations(peers: Peers, length: Length) -> list[Result]:
    cases = [Case("conversations", 250, 4, 1), Case("paced", 250, 4, 1, PACE)]
    return measure([_sqlite, _postgres, *peers.marketplace], cases, _texts(1), length)


def _latency(peers: Peers, length: Length) -> list[Result]:
    cases = [Case("saturated", 250, 4, 1), Case("half", 250, 4, 1, share=0.5), Case("most", 250, 4, 1, share=0.8)]
    return measure([_sqlite, _postgres, *peers.marketplace], cases, _texts(7), length)


def _nodes(peers: Peers, length: Length) -> list[Result]:
    ours: list[Start] = [_postgres, *(partial(_several, nodes) for nodes in NODES)]
    return measure([*ours, *peers.marketplace, *peers.marketplace_nodes], [Case("nodes", 250, 4, 1)], _texts(8), length)


def _room(peers: Peers, length: Length) -> list[Result]:
    cases = [Case("room", 1, 200, in_flight) for in_flight in (4, 16)]
    # Nothing that a rule reacts to: the peers judge nothing, and each server shall make the same deliveries.
    return measure([_sqlite, _postgres, *peers.relays, *peers.floor], cases, _texts(2, reactive=0.0), length)


def _crowd(peers: Peers, length: Length) -> list[Result]:
    cases = [Case("crowd", 1, 2_000, in_flight) for in_flight in (4, 16)]
    return measure([_sqlite, *peers.relays, *peers.floor], cases, _texts(9, reactive=0.0), length)


def _suggestions(_: Peers, length: Length) -> list[Result]:
    cases = [Case("questions", 250, 4, 1, CALM), Case("many_questions", 250, 4, 1, PACE)]
    return measure([_sqlite, _without_suggestions], cases, list(islice(questions(seed=3), TEXTS)), length)


Start = Callable[[], Server]
NODES = (2, 4)
HUB: dict[str, Callable[[Peers, Length], list[Result]]] = {
    "conversations": _conversations, "latency": _latency, "nodes": _nodes, "room": _room, "crowd": _crowd,
    "suggestions": _suggestions,
}  # fmt: skip


def _texts(seed: int, **how: float) -> list[str]:
    return list(islice(messages(seed, **how), TEXTS))


def _several(nodes: int) -> Server:
    return servers.Ours(postgres=True, nodes=nodes)


def _sqlite() -> Server:
    return servers.Ours(postgres=False)


def _without_suggestions() -> Server:
    return servers.Ours(postgres=False, suggestions=False)


def _postgres() -> Server:
    return servers.Ours(postgres=True)


if __name__ == "__main__":
    main()
