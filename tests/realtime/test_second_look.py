"""The deep tier in the way of a message: over the wire, with a real process behind it that does as it is told."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.deep_server import WithScorer, deep_server, health, policy_file, until_ready
from tests.moderation.deep.scorer import SLOW_SECONDS
from tests.platform import Client, Platform, new_tenant

PEOPLE = ("ana:buyer", "luis:seller", "rui:provider")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy that asks the deep tier."""
    return policy_file(tmp_path_factory.mktemp("policy"))


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory, policy: Path) -> Iterator[WithScorer]:
    """A server with a deep tier, for all tests of this file that do not break it."""
    with deep_server(tmp_path_factory.mktemp("deep"), policy, "obeys") as server:
        assert isinstance(server, WithScorer)
        yield server


@pytest.fixture
async def deep(shared_server: WithScorer) -> AsyncIterator[Platform]:
    """A platform on the shared server, its deep tier ready."""
    async with _platform(shared_server) as platform:
        yield platform


class _platform:  # noqa: N801 - reads as the function it stands for
    def __init__(self, server: WithScorer) -> None:
        self._server = server

    async def __aenter__(self) -> Platform:
        key = new_tenant(self._server.environment["TERTULIA_DATABASE"], f"tenant-{os.urandom(4).hex()}")
        self._platform = Platform(self._server.url, self._server.ws_url, key)
        await until_ready(self._platform)
        return self._platform

    async def __aexit__(self, *_: object) -> None:
        await self._platform.leave()


def deep_pid(server: WithScorer) -> int:
    """The deep process of a server; 0 while there is none."""
    assert server.process is not None
    pids: list[int] = []
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        pids += [int(pid) for pid in (task / "children").read_text().split()]
    return next((pid for pid in pids if b"scorer" in Path(f"/proc/{pid}/cmdline").read_bytes()), 0)


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def trio(platform: Platform) -> tuple[str, Client, Client, Client]:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    return chat, ana, luis, await platform.connect("sam", "staff")


# ------------------------------------------------------------------------------------------- beside the relay


async def test_a_message_that_is_out_is_taken_back_until_staff_has_looked(deep: Platform) -> None:
    chat, ana, luis, staff = await trio(deep)
    answer = await ana.post(chat, "hola zorglub")
    assert (answer["type"], answer["verdict"]) == ("accepted", "allow")
    assert (await luis.next("posted"))["text"] == "hola zorglub"
    gone, own = await luis.next("changed"), await ana.next("changed")
    assert (gone["id"], gone["text"], gone["state"], gone["change"]) == (answer["id"], "", "removed", "removed")
    assert "reasons" not in gone
    assert (own["text"], own["state"], own["change"]) == ("hola zorglub", "held", "held")
    assert own["reasons"][0]["message"].startswith("En revisión")
    decided = await staff.next("decided", verdict="hold")
    assert decided["clauses"] == ["withdrawn"]
    assert decided["received_by"] == ["luis"]
    assert (decided["seq"], decided["message"]) == (gone["seq"], answer["id"])

    late = await deep.connect("rui", "provider")
    assert "zorglub" not in str(await late.history(chat))
    assert (await staff.ask("resolve", conversation=chat, message=answer["id"], act="release"))["type"] == "accepted"
    for reader in (ana, luis, late):
        back = await reader.next("changed", change="released")
        assert (back["text"], back.get("state", "visible")) == ("hola zorglub", "visible")


async def test_who_was_away_finds_nothing_to_read(deep: Platform) -> None:
    chat, ana, luis, _ = await trio(deep)
    await ana.post(chat, "hola zorglub")
    seen = await luis.next("posted")
    await luis.next("changed")
    back = await deep.connect("luis", "seller", resume=[{"conversation": chat, "after": seen["seq"], "epoch": ""}])
    (event,) = (await back.next("resumed"))["events"]
    assert (event["type"], event["state"], event["id"]) == ("changed", "removed", seen["id"])
    assert "zorglub" not in str(await back.history(chat))


async def test_a_late_block_removes_the_message_and_tells_its_author_why(deep: Platform) -> None:
    chat, ana, luis, staff = await trio(deep)
    answer = await ana.post(chat, "hola grumox")
    gone, own = await luis.next("changed"), await ana.next("changed")
    assert (gone["state"], gone["text"], gone["change"]) == ("removed", "", "removed")
    assert (own["state"], own["reasons"][0]["message"]) == ("removed", "Retirado.")
    assert (await staff.next("decided", verdict="block"))["received_by"] == ["luis"]
    assert (await ana.ask("appeal", decision=answer["id"]))["type"] == "accepted"


async def test_a_late_flag_is_between_the_engine_and_the_staff(deep: Platform) -> None:
    chat, ana, luis, staff = await trio(deep)
    await ana.post(chat, "hola flagox")
    posted = await luis.next("posted")
    decided = await staff.next("decided", verdict="flag")
    assert "received_by" not in decided
    assert (await luis.next("hidden"))["seq"] == (await ana.next("hidden"))["seq"] == decided["seq"]
    assert (await luis.history(chat))[-2:] == [posted, {"type": "hidden", "conversation": chat, "seq": decided["seq"]}]


async def test_a_harmless_message_is_left_alone(deep: Platform) -> None:
    chat, ana, luis, _ = await trio(deep)
    await ana.post(chat, "hola, ¿sigue disponible?")
    await asyncio.sleep(0.3)
    beside = ("presence", "suggested")
    assert [event["type"] for event in await luis.settled() if event["type"] not in beside] == ["posted"]


async def test_an_edit_is_new_words_and_the_verdict_about_the_old_ones_is_void(deep: Platform) -> None:
    chat, ana, luis, staff = await trio(deep)
    first = await ana.post(chat, "hola slowox zorglub")
    await ana.ask("edit", conversation=chat, message=first["id"], text="hola, buenos días")
    await asyncio.sleep(SLOW_SECONDS + 1)
    assert [event["change"] for event in luis.events if event["type"] == "changed"] == ["edited"]
    await ana.ask("edit", conversation=chat, message=first["id"], text="hola zorglub")
    assert (await luis.next("changed", change="removed"))["id"] == first["id"]
    assert (await staff.next("decided", verdict="hold"))["text"] == "hola zorglub"


async def test_a_persons_decision_outranks_a_later_verdict(deep: Platform) -> None:
    chat, ana, luis, staff = await trio(deep)
    held = await ana.post(chat, "vaya mierda zorglub")
    assert held["verdict"] == "hold"
    await ana.ask("edit", conversation=chat, message=held["id"], text="hola slowox zorglub, lo digo de otro modo")
    await staff.ask("resolve", conversation=chat, message=held["id"], act="release")
    await luis.next("changed", change="released")
    await asyncio.sleep(SLOW_SECONDS + 1)
    assert [event for event in luis.events if event["type"] == "changed"] == []
    assert (await luis.history(chat))[3].get("text") == "hola slowox zorglub, lo digo de otro modo"


async def test_what_automation_wanted_all_the_same_is_kept_and_shown_to_the_staff(deep: Platform) -> None:
    chat, ana, luis, staff = await trio(deep)
    text = "hola slowox zorglub, y nadie lo había dicho antes"  # what was scored before would be taken back at once
    posted = await ana.post(chat, text)
    await luis.ask("report", conversation=chat, message=posted["id"], reason="other")
    assert (await staff.ask("resolve", conversation=chat, message=posted["id"], act="release"))["type"] == "accepted"
    assert (await staff.next("queue", change="dropped"))["message"] == posted["id"]
    assert (await luis.next("hidden"))["seq"] == posted["seq"] + 1
    assert (await luis.history(chat))[3]["text"] == text
    assert [event for event in luis.events if event["type"] == "changed"] == []


async def test_what_its_author_took_back_stays_taken_back(deep: Platform) -> None:
    chat, ana, luis, staff = await trio(deep)
    posted = await ana.post(chat, "hola slowox zorglub, mejor no")
    await ana.ask("retract", conversation=chat, message=posted["id"])
    await asyncio.sleep(SLOW_SECONDS + 1)
    assert [event["change"] for event in luis.events if event["type"] == "changed"] == ["retracted"]
    assert not [event for event in staff.events if event.get("verdict") == "hold"]


# ------------------------------------------------------------------------------------------ before the relay


@pytest.mark.parametrize(
    ("text", "verdict", "shown"),
    [
        ("vaya mierda de embalaje", "allow", "vaya mierda de embalaje"),
        ("vaya mierda coverox", "mask", "vaya ██████ coverox"),
        ("vaya mierda zorglub", "hold", ""),
    ],
)
async def test_a_message_that_waits_goes_out_as_the_scores_want_it(
    deep: Platform, text: str, verdict: str, shown: str
) -> None:
    chat, ana, luis, staff = await trio(deep)
    answer = await ana.post(chat, text)
    assert answer["verdict"] == verdict
    event = await luis.next("posted" if shown else "hidden")
    assert event.get("text", "") == shown
    decided = await staff.next("decided")
    assert "waits" in decided["clauses"]
    assert "degraded" not in decided
    await asyncio.sleep(0.2)
    assert not [event for event in luis.events if event["type"] == "changed"]


async def test_a_message_that_waits_can_be_refused(deep: Platform) -> None:
    chat, ana, luis, _ = await trio(deep)
    answer = await ana.post(chat, "vaya mierda grumox")
    assert (answer["type"], answer["code"]) == ("refused", "policy")
    assert answer["reasons"][0]["message"] == "Retirado."
    assert [event for event in await luis.settled() if event["type"] != "presence"] == []


async def test_its_authors_later_messages_do_not_overtake_it_and_nobody_elses_wait(deep: Platform) -> None:
    chat, ana, luis, _ = await trio(deep)
    elsewhere = await deep.open(*PEOPLE)
    phone = await deep.connect("ana")
    began = time.monotonic()
    first = asyncio.create_task(ana.post(chat, "vaya mierda slowox"))
    await asyncio.sleep(0.05)
    rest = [asyncio.create_task((ana, phone)[n % 2].post(chat, f"luego {n}")) for n in range(6)]
    await asyncio.sleep(0.05)
    reply = await luis.post(chat, "¿qué pasa?")
    assert time.monotonic() - began < 0.6
    other = await ana.post(elsewhere, "aquí no espera nadie")
    assert time.monotonic() - began < 0.6
    assert other["type"] == "accepted"
    seqs = [(await one)["seq"] for one in (first, *rest)]
    assert reply["seq"] < seqs[0]
    # Each device keeps its own order; of two devices neither is first by right.
    assert seqs[0] < min(seqs[1:])
    assert seqs[1::2] == sorted(seqs[1::2])
    assert seqs[2::2] == sorted(seqs[2::2])
    await asyncio.sleep(SLOW_SECONDS)


async def test_a_message_that_waits_is_sent_once_however_often_it_is_tried(deep: Platform) -> None:
    chat, ana, luis, _ = await trio(deep)
    phone = await deep.connect("ana")
    answers = await asyncio.gather(
        *(one.post(chat, "vaya mierda slowox otra vez", "same") for one in (ana, phone, ana))
    )
    assert {answer["seq"] for answer in answers} == {4}
    assert len([event for event in await luis.settled() if event["type"] == "posted"]) == 1
    await asyncio.sleep(SLOW_SECONDS)


# --------------------------------------------------------------------------------------------- when it fails


async def test_late_is_sent_on_as_the_policy_says_and_the_answer_still_counts(deep: Platform) -> None:
    chat, ana, luis, staff = await trio(deep)
    began = time.monotonic()
    answer = await ana.post(chat, "vaya mierda slowox zorglub tarde")
    assert 0.7 <= time.monotonic() - began < 0.7 + 0.4
    assert answer["verdict"] == "allow"
    assert (await staff.next("decided"))["degraded"] == ["detoxify:late:open"]
    assert (await luis.next("posted"))["text"] == "vaya mierda slowox zorglub tarde"
    assert (await luis.next("changed"))["state"] == "removed"
    decided = await staff.next("decided")
    assert (decided["verdict"], decided["received_by"]) == ("hold", ["luis"])


async def test_a_score_that_is_no_number_is_refused_as_the_policy_says(deep: Platform) -> None:
    chat, ana, luis, staff = await trio(deep)
    answer = await ana.post(chat, "vaya mierda nanox")
    assert answer["code"] == "policy"
    assert "comprobar" in answer["reasons"][0]["message"]
    assert (await staff.next("decided"))["degraded"] == ["detoxify:nan:closed"]
    assert (await ana.post(chat, "hola nanox"))["verdict"] == "allow"  # this one did not wait for it
    assert (await luis.next("posted"))["text"] == "hola nanox"


async def test_a_crash_holds_what_waited_and_the_next_message_is_judged_again(tmp_path: Path, policy: Path) -> None:
    with deep_server(tmp_path, policy, "obeys") as server:
        assert isinstance(server, WithScorer)
        async with _platform(server) as platform:
            chat, ana, _luis, staff = await trio(platform)
            assert (await ana.post(chat, "vaya mierda crashox"))["verdict"] == "hold"
            assert (await staff.next("decided"))["degraded"] == ["detoxify:crashed:hold"]
            assert (await health(platform))["parts"]["detoxify"].startswith("restarting")
            await until_ready(platform)
            assert (await ana.post(chat, "vaya mierda zorglub"))["verdict"] == "hold"
            assert "degraded" not in await staff.next("decided")


async def test_an_absent_model_refuses_what_should_wait_and_is_told_in_health(tmp_path: Path, policy: Path) -> None:
    with deep_server(tmp_path, policy, "unfit") as server:
        assert isinstance(server, WithScorer)
        key = new_tenant(server.environment["TERTULIA_DATABASE"], "tenant")
        platform = Platform(server.url, server.ws_url, key)
        async with asyncio.timeout(20):
            while not (await health(platform))["parts"]["detoxify"].startswith("absent"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        answer = await platform.http.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert "no model here" in answer.json()["parts"]["detoxify"]
        chat, ana, luis, staff = await trio(platform)
        assert (await ana.post(chat, "vaya mierda"))["code"] == "policy"
        assert (await staff.next("decided"))["degraded"] == ["detoxify:absent:closed"]
        assert (await ana.post(chat, "hola"))["verdict"] == "allow"
        assert (await luis.next("posted"))["text"] == "hola"
        await platform.leave()


# --------------------------------------------------------------------------------- the hub, whatever happens there


async def _round_trips(ana: Client, luis: Client, chat: str, count: int) -> list[float]:
    """Milliseconds from a post to its arrival at the other side."""
    times = []
    for n in range(count):
        text = f"mensaje {n} {time.monotonic_ns()}"
        began = time.perf_counter()
        await ana.send(type="post", ref=f"p{n}", conversation=chat, client_id=os.urandom(8).hex(), text=text)
        await luis.next("posted", text=text)
        times.append((time.perf_counter() - began) * 1e3)
        ana.events.clear()
        await asyncio.sleep(0.002)
    return times


async def _best_p99(ana: Client, luis: Client, chat: str, enough: float = 0.0) -> float:
    """The 99th percentile of the quietest of three rounds: the machine's own noise is not in all of them.

    The first round below ``enough`` will do.
    """
    best = math.inf
    for _ in range(3):
        best = min(best, sorted(await _round_trips(ana, luis, chat, 100))[98])
        if best < enough:
            break
    return best


async def test_the_others_do_not_feel_what_happens_to_the_deep_tier(tmp_path: Path, policy: Path) -> None:
    with deep_server(tmp_path, policy, "obeys") as server:
        assert isinstance(server, WithScorer)
        async with _platform(server) as platform:
            chat, ana, luis, _ = await trio(platform)
            busy = await platform.open("eva:buyer", "leo:seller")
            eva = await platform.connect("eva")
            await _round_trips(ana, luis, chat, 50)
            quiet = await _best_p99(ana, luis, chat)
            # What else the machine does moves a p99 by this much; a hub that waited for the deep tier would be late by its 700 ms
            # in every round.
            most = 3 * quiet + 100

            async def saturate() -> None:
                for n in range(10_000):
                    await asyncio.gather(*(eva.post(busy, f"vaya mierda {n} {k} {'palabra ' * k}") for k in range(8)))

            async def kill() -> None:
                while True:
                    if pid := deep_pid(server):
                        os.kill(pid, signal.SIGKILL)
                    await asyncio.sleep(0.2)

            troubled: dict[str, float] = {}
            for trouble in (saturate, kill):
                task = asyncio.create_task(trouble())
                await asyncio.sleep(0.2)
                troubled[trouble.__name__] = await _best_p99(ana, luis, chat, most)
                task.cancel()
                await asyncio.wait([task])
            await until_ready(platform)
            os.kill(deep_pid(server), signal.SIGSTOP)
            again = await platform.connect("eva")  # the other was cut off in the middle of its questions
            waiting = [asyncio.create_task(again.post(busy, f"vaya mierda colgada {n}")) for n in range(20)]
            troubled["hung"] = await _best_p99(ana, luis, chat, most)
            assert {answer["verdict"] for answer in await asyncio.gather(*waiting)} == {"allow"}
            print(f"p99, ms: quiet {quiet:.1f},", {name: round(time, 1) for name, time in troubled.items()})
            assert max(troubled.values()) < most, (quiet, troubled)


@pytest.mark.parametrize("behaviour", ["deaf", "dies"])
async def test_a_server_starts_and_stops_whatever_its_deep_tier_does(
    tmp_path: Path, policy: Path, behaviour: str
) -> None:
    server = deep_server(tmp_path, policy, behaviour)
    began = time.monotonic()
    server.start()
    pid = deep_pid(server)
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
        assert (await http.get("/health")).json()["status"] == "degraded"
    assert server.stop() == 0
    assert time.monotonic() - began < 20
    assert not pid or not alive(pid)
