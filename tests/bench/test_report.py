import re

import pytest

from bench.figures import Spread
from bench.growth import Curve, Point
from bench.hub import Case, Result, Round
from bench.idle import Idle
from bench.judging import ENGINE, RULES, Growth, Judged
from bench.report import (
    BEGIN,
    END,
    FLOOR,
    MARKETPLACE,
    NODE_WS,
    OURS,
    UWEBSOCKETS,
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
from bench.servers import SILENT

SQLITE, POSTGRES = OURS


def result(case: Case, server: str, hub: list[float], database: float = 0.0) -> Result:
    def one(us: float) -> Round:
        return Round(1_000, 10, 4_000, 500.0, us, database, us / 4, database / 4, 1.0, 2.0, 3.0, 4.0)

    return Result(case, server, [one(us) for us in hub])


CONVERSATIONS = Case("conversations", 250, 4, 1)
ROOM_4, ROOM_16 = Case("room", 1, 200, 4), Case("room", 1, 200, 16)
RESULTS = [
    result(CONVERSATIONS, SQLITE, [100, 300, 120]),
    result(CONVERSATIONS, POSTGRES, [60, 60, 60], database=20),
    result(CONVERSATIONS, MARKETPLACE, [300, 900, 500], database=100),
    result(Case("paced", 250, 4, 1, 200.0), SQLITE, [9_000]),
    result(ROOM_4, SQLITE, [800, 800, 800]),
    result(ROOM_16, SQLITE, [300, 500, 400]),
    result(ROOM_4, NODE_WS, [1_000, 1_000, 500]),
]


def test_ours_is_compared_with_hub_and_database_of_the_peer_round_by_round() -> None:
    aims = {aim.claim: aim for aim in hub_aims(RESULTS)}
    conversations, relay, joined = (
        next(aim for claim, aim in aims.items() if SQLITE in claim and words in claim)
        for words in ("hub and database", "over Node ws", "16 in flight over 4")
    )
    assert (conversations.figure.low, conversations.figure.middle, conversations.figure.high) == (0.2, 0.25, 0.3)
    assert not conversations.met
    assert relay.figure.middle == 0.8
    assert relay.met
    assert joined.figure.middle == 0.5
    assert joined.met


def test_what_suggestions_cost_is_a_ratio_of_times_and_a_share_of_a_core() -> None:
    case = Case("questions", 250, 4, 1, 50.0)
    late, core = suggestion_aims([result(case, SQLITE, [150, 190]), result(case, SQLITE + SILENT, [100, 90])])
    assert late.figure.middle == 1.0
    assert core.figure.low == pytest.approx(50 * 500 / 1e6)
    assert core.figure.high == pytest.approx(100 * 500 / 1e6)
    assert suggestion_aims(RESULTS) == []


def test_the_database_counts_on_our_side_too() -> None:
    aim = next(aim for aim in hub_aims(RESULTS) if POSTGRES in aim.claim)
    assert aim.figure.low == 0.08
    assert aim.figure.high == 0.2


def test_what_was_not_measured_has_no_aim() -> None:
    assert hub_aims([]) == []
    assert hub_aims(RESULTS[:2]) == []
    assert judging_aims([], []) == []


def test_an_aim_is_missed_when_its_middle_round_misses_it() -> None:
    assert not Aim("x", Spread(0.1, 0.26, 0.9), 0.25).met
    assert Aim("x", Spread(0.1, 0.25, 0.9), 0.25).met


def test_judging_has_bounds_of_its_own() -> None:
    judged = [
        Judged(RULES, 10, Spread(50, 61, 70), Spread(1, 1, 1)),
        Judged(ENGINE, 10, Spread(100, 149, 160), Spread(300, 390, 500)),
    ]
    aims = judging_aims(judged, [Growth("slow", 100, 400, 4_000), Growth("steep", 100, 700, 900)])
    assert [aim.met for aim in aims] == [False, True, True, True, False]
    assert [aim.figure.middle for aim in aims[-2:]] == [4_000, 7]


def test_the_page_shows_every_server_and_keeps_what_stands_around_its_figures() -> None:
    environment = Environment("Some Processor", 2, "Linux", "3.11", "v20", "postgres 15")
    judged = [Judged(RULES, 10, Spread(50, 61, 70), Spread(1, 1, 1))]
    report = Report(environment, ["Node.js is missing."], RESULTS, judged, [], hub_aims(RESULTS))
    page = published(f"before\n{BEGIN}\nold\n{END}\nafter", tables(report))
    assert page.startswith("before\n")
    assert page.endswith("\nafter")
    assert "old" not in page
    assert "Node.js is missing." in page
    for row in RESULTS:
        assert re.search(rf"^\| {re.escape(row.server)} \|", page, flags=re.MULTILINE)
    assert published(page, tables(report)) == page


def test_a_page_without_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="substring"):
        published("no marks", "figures")


def test_several_nodes_the_loop_in_c_and_the_best_known_have_aims_of_their_own() -> None:
    nodes = Case("nodes", 250, 4, 1)
    found = {
        aim.claim: aim.figure.middle
        for aim in hub_aims(
            [
                result(nodes, POSTGRES, [100], database=20),
                result(nodes, f"{POSTGRES}, 2 nodes", [130], database=38),
                *RESULTS,
                result(ROOM_4, FLOOR, [400, 400, 400]),
                result(ROOM_16, UWEBSOCKETS, [200, 200, 200]),
            ]
        )
    }
    assert next(ratio for claim, ratio in found.items() if "Two nodes" in claim) == pytest.approx(1.4)
    assert next(ratio for claim, ratio in found.items() if "loop in C" in claim) == 2.0
    assert next(ratio for claim, ratio in found.items() if "over uWebSockets" in claim) == 2.0


def test_memory_and_growth_are_held_against_their_aims() -> None:
    (kib,) = idle_aims([Idle(SQLITE, 10_000, 19.5, 900.0, 500.0), Idle(NODE_WS, 10_000, 12.0, 90.0, 2_000.0)])
    assert kib.met
    flat, steep = growth_aims(
        [
            Curve("conversations", "message", [Point(100, 50.0), Point(10_000, 55.0)]),
            Curve("tenants", "message", [Point(1, 50.0), Point(100, 90.0)]),
            Curve("members", "delivery", [Point(4, 50.0), Point(64, 5.0)]),
        ]
    )
    assert flat.met
    assert not steep.met


def test_sections_and_times_stand_in_the_page() -> None:
    environment = Environment("Some Processor", 2, "Linux", "3.11", "v20", "postgres 15")
    half = result(Case("half", 250, 4, 1, share=0.5), SQLITE, [100])
    report = Report(environment, [], [half], [], [], [], [Section("Everything", ("a", "b"), [("1", "2")])])
    page = tables(report)
    assert f"| {SQLITE} | 500 | 100 | 1.0 / 0.0 / 2.0 | 3.0 / 0.0 / 4.0 |" in page
    assert "**Everything**\n\n| a | b |\n|---|---|\n| 1 | 2 |" in page
