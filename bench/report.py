"""The figures as people read them: tables, ratios against the named peers, and the aims."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.figures import Spread, ratio, spread
from bench.growth import FLAT, Curve
from bench.hub import Result
from bench.idle import AIM_KIB, Idle
from bench.judging import ENGINE, LONG, RULES, SHORT, Growth, Judged
from bench.sections import Section
from bench.servers import SILENT


class Environment(msgspec.Struct, frozen=True):
    """Where the figures were taken."""

    processor: str
    cores: int
    system: str
    python: str
    node: str
    postgresql: str

    @classmethod
    def here(cls, postgresql: str) -> Environment:
        cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(
            (line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")), "unknown"
        )
        node = shutil.which("node")
        return cls(
            processor=processor[0] if processor else "unknown processor",
            cores=len(os.sched_getaffinity(0)),
            system=f"{platform.system()} {platform.release()}",
            python=platform.python_version(),
            node=subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
            if node
            else "",
            postgresql=postgresql,
        )


class Aim(msgspec.Struct, frozen=True):
    """A promise about a figure. It is met when the middle round keeps it."""

    claim: str
    figure: Spread
    at_most: float

    @property
    def met(self) -> bool:
        return self.figure.middle <= self.at_most


class Report(msgspec.Struct, frozen=True):
    """All of one run."""

    environment: Environment
    missing: list[str]
    hub: list[Result]
    judging: list[Judged]
    growth: list[Growth]
    aims: list[Aim]
    sections: list[Section] = []


BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
OURS = ("Tertulia, SQLite", "Tertulia, PostgreSQL")
MARKETPLACE = "Socket.IO + obscenity + INSERT"
NODE_WS = "Node ws"
UWEBSOCKETS, FLOOR = "uWebSockets", "C, one write a delivery"
MARKETPLACE_SHARE = 0.2  # of the marketplace server's hub and database
SECOND_NODE = 1.4  # of what a message costs with one node
BEST_KNOWN = 2.0  # of uWebSockets, per delivery, with 16 in flight
JOINED_SHARE = 0.5  # of 4 in flight, per delivery, with 16 in flight
STEEPEST = 1.5 * LONG / SHORT  # linear, with room for what a measurement is off


CORE = 0.1  # of one core that suggestions may take
UNCHANGED = 1.1  # a time, over the same without suggestions: within what two like servers differ in one run

_Which = tuple[str, int, str]  # case, in flight, server


def hub_aims(results: Sequence[Result]) -> list[Aim]:
    """The aims that can be computed from what was measured."""
    found = {
        (result.case.name, result.case.in_flight, result.server): result for result in results if not result.case.pace
    }

    def compare(
        claim: str, figure: str, ours: tuple[str, int, str], theirs: tuple[str, int, str], at_most: float
    ) -> Aim | None:
        if ours not in found or theirs not in found:
            return None
        mine = [getattr(each, figure) for each in found[ours].rounds]
        other = [getattr(each, figure) for each in found[theirs].rounds]
        return Aim(claim, ratio(mine, other), at_most)

    aims = []
    for name in OURS:
        aims.append(
            compare(
                f"{name}: CPU per message, hub and database, over the marketplace server's",
                "us_per_message", ("conversations", 1, name), ("conversations", 1, MARKETPLACE), MARKETPLACE_SHARE,
            )
        )  # fmt: skip
        aims.append(
            compare(
                f"{name}: CPU per delivery in a room of 200, 4 in flight, over Node ws",
                "us_per_delivery", ("room", 4, name), ("room", 4, NODE_WS), 1.0,
            )
        )  # fmt: skip
        aims.append(
            compare(
                f"{name}: CPU per delivery in a room of 200, 16 in flight over 4 in flight",
                "us_per_delivery", ("room", 16, name), ("room", 4, name), JOINED_SHARE,
            )
        )  # fmt: skip
        aims.append(
            compare(
                f"{name}: CPU per delivery in a room of 200, 4 in flight, over a loop in C",
                "us_per_delivery", ("room", 4, name), ("room", 4, FLOOR), 1.0,
            )
        )  # fmt: skip
        aims.append(
            compare(
                f"{name}: CPU per delivery in a room of 200, 16 in flight, over uWebSockets",
                "us_per_delivery", ("room", 16, name), ("room", 16, UWEBSOCKETS), BEST_KNOWN,
            )
        )  # fmt: skip
    aims.append(
        compare(
            "Two nodes with Redis: CPU per message, database and Redis included, over one node's",
            "us_per_message", ("nodes", 1, f"{OURS[1]}, 2 nodes"), ("nodes", 1, OURS[1]), SECOND_NODE,
        )
    )  # fmt: skip
    return [aim for aim in aims if aim is not None]


def idle_aims(found: Sequence[Idle]) -> list[Aim]:
    """What a connection may hold that says nothing."""
    ours = [one for one in found if one.server in OURS]
    return [Aim(f"{one.server}: KiB for an idle connection", spread([one.kib]), AIM_KIB) for one in ours]


def growth_aims(curves: Sequence[Curve]) -> list[Aim]:
    """Of what the cost of a message must not grow."""
    flat = [one for one in curves if one.per == "message"]
    return [Aim(f"Exponent of the cost of a message, by {one.what}", spread([one.exponent]), FLAT) for one in flat]


def suggestion_aims(results: Sequence[Result]) -> list[Aim]:
    """What suggestions may cost those who write, as far as it was measured: one server with them, one without."""
    found = {(result.case.name, result.server): result for result in results}
    aims = []
    for case in _QUESTIONS:
        on, off = found.get((case, OURS[0])), found.get((case, OURS[0] + SILENT))
        if on is None or off is None:
            continue
        pairs = list(zip(on.rounds, off.rounds, strict=True))
        late = ratio([mine.delivered_p99_ms for mine, _ in pairs], [other.delivered_p99_ms for _, other in pairs])
        core = spread(
            [
                (mine.hub_us_per_message - other.hub_us_per_message) * mine.messages_per_second / 1e6
                for mine, other in pairs
            ]
        )
        pace = f"{on.case.pace:.0f} questions a second"
        aims.append(Aim(f"{pace}: delivered to all, p99, with suggestions over without", late, UNCHANGED))
        aims.append(Aim(f"{pace}: CPU that suggestions take, cores", core, CORE))
    return aims


def judging_aims(judged: Sequence[Judged], growth: Sequence[Growth]) -> list[Aim]:
    """The aims of judging, as far as it was measured."""
    found = {each.engine: each for each in judged}
    aims = []
    if RULES in found:
        aims.append(Aim("All rules on 220 characters, p50, us", found[RULES].p50_us, 60))
    if ENGINE in found:
        aims.append(Aim("Rules, embedded models and policy on 220 characters, p50, us", found[ENGINE].p50_us, 150))
        aims.append(Aim("Rules, embedded models and policy on 220 characters, p99, us", found[ENGINE].p99_us, 400))
    if growth:
        slowest, steepest = max(each.p99_us for each in growth), max(each.factor for each in growth)
        aims.append(Aim(f"The slowest adversarial text of {LONG:,} characters, p99, us", spread([slowest]), 5_000))
        aims.append(Aim(f"The steepest growth from {SHORT:,} to {LONG:,} characters", spread([steepest]), STEEPEST))
    return aims


def tables(report: Report) -> str:
    """The report in Markdown."""
    here = report.environment
    lines = [
        f"{here.processor}, {here.cores} cores, {here.system}, "
        f"Python {here.python}, Node {here.node}, {here.postgresql}.",
        *report.missing,
    ]
    for name, title in _TITLES.items():
        results = [result for result in report.hub if result.case.name == name]
        if results:
            lines += ["", f"**{title}**", "", *(_latency_table if name in _LATENCY else _hub_table)(results)]
    for section in report.sections:
        lines += section.lines()
    if report.judging:
        lines += ["", f"**{_JUDGING}**", "", *_judging_table(report.judging)]
    if report.growth:
        lines += ["", f"**{_GROWTH}**", "", *_growth_table(report.growth)]
    if report.aims:
        lines += [
            "",
            "**Aims**, the middle of the rounds (lowest to highest)",
            "",
            "| | measured | at most | |",
            "|---|---|---|---|",
        ]
        for aim in report.aims:
            measured = f"{aim.figure.middle:,.2f} ({aim.figure.low:,.2f} to {aim.figure.high:,.2f})"
            lines.append(f"| {aim.claim} | {measured} | {aim.at_most:,g} | {'met' if aim.met else 'missed'} |")
    return "\n".join(lines) + "\n"


def published(page: str, figures: str) -> str:
    """``page`` with ``figures`` between its marks. Raises ValueError when it has none."""
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return f"{page[:begin]}\n{figures}{page[end:]}"


_TITLES = {
    "conversations": "250 conversations of 4: every message judged, stored durably, delivered; one in flight in each",
    "paced": "The same 250 conversations at 200 posts a second in all",
    "nodes": "The same on several nodes, members spread over them, with one PostgreSQL and one Redis; both count as database",
    "saturated": "The same once more, for what each server manages",
    "half": "250 conversations of 4 at random times, half of what the server has just managed",
    "most": "The same at four fifths",
    "room": "One conversation of 200",
    "crowd": "One conversation of 2,000",
    "questions": "250 conversations of 4, short questions, 50 a second in all: with suggestions and without",
    "many_questions": "The same at 200 a second: more than is answered",
}
_LATENCY = ("half", "most")
_QUESTIONS = ("questions", "many_questions")
_JUDGING = "Judging one message of about 220 characters"
_GROWTH = (
    f"Adversarial texts of {LONG:,} characters, the slowest ten; linear is {LONG / SHORT:g} times {SHORT:,} characters"
)


def _hub_table(results: Sequence[Result]) -> list[str]:
    lines = [
        "| server | in flight | hub, us a message | database, us a message | both, us a delivery "
        "| accepted p50 / p99, ms | delivered to all p50 / p99, ms | messages/s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        middle = result.middle
        cells = [
            result.server,
            "paced" if result.case.pace else str(result.case.in_flight),
            f"{middle('hub_us_per_message'):,.0f}",
            f"{middle('database_us_per_message'):,.0f}" if middle("database_us_per_message") else "-",
            f"{middle('us_per_delivery'):,.1f}",
            f"{middle('accepted_p50_ms'):,.1f} / {middle('accepted_p99_ms'):,.1f}",
            f"{middle('delivered_p50_ms'):,.1f} / {middle('delivered_p99_ms'):,.1f}",
            f"{middle('messages_per_second'):,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _latency_table(results: Sequence[Result]) -> list[str]:
    lines = [
        "| server | messages/s | hub and database, us a message | accepted p50 / p95 / p99, ms "
        "| delivered to all p50 / p95 / p99, ms |",
        "|---|---|---|---|---|",
    ]
    for result in results:
        times = [
            " / ".join(f"{result.middle(f'{what}_{share}_ms'):,.1f}" for share in ("p50", "p95", "p99"))
            for what in ("accepted", "delivered")
        ]
        rate, us = result.middle("messages_per_second"), result.middle("us_per_message")
        lines.append(f"| {result.server} | {rate:,.0f} | {us:,.0f} | {' | '.join(times)} |")
    return lines


def _judging_table(judged: Sequence[Judged]) -> list[str]:
    lines = ["| engine | p50, us | p99, us | CPU p50, us | CPU p99, us | messages |", "|---|---|---|---|---|---|"]
    for each in judged:
        figures = (each.p50_us, each.p99_us, each.cpu_p50_us, each.cpu_p99_us)
        shown = " | ".join("-" if figure is None else f"{figure.middle:,.0f}" for figure in figures)
        lines.append(f"| {each.engine} | {shown} | {each.messages} |")
    return lines


def _growth_table(growth: Sequence[Growth]) -> list[str]:
    slowest = sorted(growth, key=lambda each: each.p99_us, reverse=True)[:10]
    lines = ["| text | p99, us | growth |", "|---|---|---|"]
    lines += [f"| {each.text} | {each.p99_us:,.0f} | {each.factor:.1f} |" for each in slowest]
    return lines
