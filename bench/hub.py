"""What a message and a delivery cost: the cases, and the rounds in which the servers take turns."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import msgspec
import uvloop

from bench.figures import percentile
from bench.load import Load, Tally
from bench.servers import Server

SETTLE_SECONDS = 0.1  # what a server still has to do for the last message is part of the bill


class Case(msgspec.Struct, frozen=True):
    """``conversations`` of ``members``, with ``in_flight`` posts under way in each.

    Or, where ``pace`` is given, that many posts a second in all, whether or not the earlier ones are through; where ``share``
    is, that part of what this server has managed in the first case.
    """

    name: str
    conversations: int
    members: int
    in_flight: int
    pace: float = 0.0
    share: float = 0.0


class Length(msgspec.Struct, frozen=True):
    """How long a measurement is: ``rounds`` counted ones of ``seconds`` each, after one of ``warm_up`` seconds."""

    rounds: int = 5
    seconds: float = 4.0
    warm_up: float = 3.0


class Round(msgspec.Struct, frozen=True):
    """One run against one server. CPU in microseconds per message and per delivery, times in milliseconds."""

    messages: int
    refused: int
    deliveries: int
    messages_per_second: float
    hub_us_per_message: float
    database_us_per_message: float
    hub_us_per_delivery: float
    database_us_per_delivery: float
    accepted_p50_ms: float
    accepted_p99_ms: float
    delivered_p50_ms: float
    delivered_p99_ms: float
    accepted_p95_ms: float = 0.0
    delivered_p95_ms: float = 0.0

    @property
    def us_per_message(self) -> float:
        return self.hub_us_per_message + self.database_us_per_message

    @property
    def us_per_delivery(self) -> float:
        return self.hub_us_per_delivery + self.database_us_per_delivery


class Result(msgspec.Struct, frozen=True):
    """All counted rounds of one server in one case."""

    case: Case
    server: str
    rounds: list[Round]

    def middle(self, figure: str) -> float:
        """The median over the rounds of a field of ``Round``."""
        return median([float(getattr(each, figure)) for each in self.rounds])


def measure(
    contenders: Sequence[Callable[[], Server]], cases: Sequence[Case], texts: Sequence[str], length: Length
) -> list[Result]:
    """Every contender in every case. All cases must have the same people; they sit in the same connections throughout.

    The servers take turns, round by round, so that whatever else the machine does falls on each of them alike.
    """
    servers: list[Server] = []
    try:
        for contender in contenders:
            servers.append(contender())
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_rounds(servers, cases, texts, length))
    finally:
        for server in servers:
            server.stop()


async def _rounds(
    servers: Sequence[Server], cases: Sequence[Case], texts: Sequence[str], length: Length
) -> list[Result]:
    loads = []
    for server in servers:
        load = Load(server.wire, cases[0].in_flight, texts)
        await load.connect(server.port, server.seats(cases[0].conversations, cases[0].members))
        loads.append(load)
    results = [Result(case, server.name, []) for case in cases for server in servers]
    turns = [(case, server, load) for case in cases for server, load in zip(servers, loads, strict=True)]
    for number in range(length.rounds + 1):
        managed: list[float] = []
        for (case, server, load), result in zip(turns, results, strict=True):
            if case.share:
                case = msgspec.structs.replace(case, pace=case.share * managed[servers.index(server)])
            one = await _round(case, server, load, length.seconds if number else length.warm_up)
            managed.append(one.messages_per_second)
            if number:
                result.rounds.append(one)
    for load in loads:
        load.close()
    return results


async def _round(case: Case, server: Server, load: Load, seconds: float) -> Round:
    # A collection of the load's own garbage would be a pause in everybody's round trip.
    gc.collect()
    gc.disable()
    hub, database = server.cpu(), server.database_cpu()
    if case.pace:
        tally = await load.paced(seconds, _gaps(case.pace))
    else:
        load.in_flight = case.in_flight
        tally = await load.run(seconds)
    await asyncio.sleep(SETTLE_SECONDS)
    hub, database = server.cpu() - hub, server.database_cpu() - database
    gc.enable()
    return _figures(tally, hub, database)


def _figures(tally: Tally, hub: float, database: float) -> Round:
    def milliseconds(times: list[float], share: float) -> float:
        return percentile(times, share) * 1e3

    return Round(
        messages=tally.messages,
        refused=tally.refused,
        deliveries=tally.deliveries,
        messages_per_second=tally.messages / tally.seconds,
        hub_us_per_message=hub / tally.messages,
        database_us_per_message=database / tally.messages,
        hub_us_per_delivery=hub / tally.deliveries,
        database_us_per_delivery=database / tally.deliveries,
        accepted_p50_ms=milliseconds(tally.accepted, 0.5),
        accepted_p99_ms=milliseconds(tally.accepted, 0.99),
        delivered_p50_ms=milliseconds(tally.delivered, 0.5),
        delivered_p99_ms=milliseconds(tally.delivered, 0.99),
        accepted_p95_ms=milliseconds(tally.accepted, 0.95),
        delivered_p95_ms=milliseconds(tally.delivered, 0.95),
    )


def _gaps(per_second: float) -> Iterator[float]:
    chance = random.Random(0)
    while True:
        yield chance.expovariate(per_second)
