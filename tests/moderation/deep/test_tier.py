"""The deep tier against a real process that crashes, hangs, lies or is not there: an answer comes in time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from moderation.deep import tier
from moderation.deep.tier import Answer, Deep, Patience, Scores
from policies.decision import Failing

SCORER = [sys.executable, "-m", "tests.moderation.deep.scorer"]
QUICK = Patience(load=20, answer=0.6, pause=0.05, longest_pause=0.2, unfit_pause=0.2, steady=60)
SOON = 10.0


@asynccontextmanager
async def running(*arguments: str, patience: Patience = QUICK, command: list[str] | None = None) -> AsyncIterator[Deep]:
    deep = Deep(command or [*SCORER, *arguments], patience=patience)
    deep.start()
    try:
        yield deep
    finally:
        await deep.close()


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is another process's doing
            await asyncio.sleep(0.01)


@asynccontextmanager
async def ready(*arguments: str, patience: Patience = QUICK) -> AsyncIterator[Deep]:
    async with running(*arguments, patience=patience) as deep:
        await until(lambda: deep.state == "ready")
        yield deep


def toxicity(answer: Answer) -> float:
    assert not isinstance(answer, Failing), answer
    return answer["detoxify.toxicity"]


async def test_scores_come_by_the_names_of_the_model() -> None:
    async with ready() as deep:
        answer = await deep.scores("hola zorglub", SOON)
        assert answer == {
            "detoxify.toxicity": 0.99, "detoxify.threat": 0.01, "detoxify.insult": 0.01, "detoxify.obscene": 0.01,
        }  # fmt: skip
        assert toxicity(await deep.scores("hola", SOON)) == 0.01


async def test_many_at_once_each_get_their_own() -> None:
    async with ready() as deep:
        texts = [f"{'zorglub' if n % 3 == 0 else 'hola'} {'palabra ' * (n % 17)}{n}" for n in range(500)]
        answers = await asyncio.gather(*(deep.scores(text, SOON) for text in texts))
        assert [toxicity(answer) for answer in answers] == [0.99 if n % 3 == 0 else 0.01 for n in range(500)]
        assert deep.waiting() == 0


async def test_a_text_is_scored_once_and_remembered() -> None:
    async with ready() as deep:
        await asyncio.gather(*(deep.scores("gracias", SOON) for _ in range(5)))
        await deep.scores("gracias", SOON)
        assert (deep.counts.scored, deep.counts.remembered) == (1, 1)


async def test_memory_keeps_what_was_used_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tier, "REMEMBERED", 2)
    async with ready() as deep:
        for text in ("uno", "dos", "uno", "tres", "uno"):
            await deep.scores(text, SOON)
        assert (deep.counts.scored, deep.counts.remembered) == (3, 2)
        await deep.scores("dos", SOON)
        assert deep.counts.scored == 4


async def test_while_it_loads_it_is_late() -> None:
    async with running("deaf") as deep:
        assert await deep.scores("hola", 0.05) is Failing.LATE
        assert deep.state == "loading"


@pytest.mark.parametrize(
    ("text", "failing"),
    [
        ("nanox", Failing.NAN),
        ("beyondox", Failing.NAN),
        ("shortox", Failing.NAN),
        ("raisox", Failing.CRASHED),
        ("crashox", Failing.CRASHED),
        ("slowox", Failing.LATE),
        ("hangox", Failing.LATE),
    ],
)
async def test_every_way_of_failing_has_its_name_and_the_next_text_is_judged_again(text: str, failing: Failing) -> None:
    async with ready() as deep:
        began = time.monotonic()
        assert await deep.scores(text, 0.3) is failing
        assert time.monotonic() - began < 0.3 + 0.25
        await until(lambda: deep.waiting() == 0 and deep.state == "ready")
        assert toxicity(await deep.scores("hola", SOON)) == 0.01


async def test_a_text_that_raises_does_not_take_its_batch_along() -> None:
    async with ready() as deep:
        answers = await asyncio.gather(*(deep.scores(text, SOON) for text in ("uno", "raisox", "zorglub", "tres")))
        assert answers[1] is Failing.CRASHED
        assert [toxicity(answer) for answer in (answers[0], *answers[2:])] == [0.01, 0.99, 0.01]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_killed_process_is_replaced_and_who_waits_is_told_at_once(number: signal.Signals) -> None:
    async with ready() as deep:
        first = deep.pid
        waiting = asyncio.create_task(deep.scores("hangox", SOON))
        await until(lambda: deep.waiting() == 1)
        os.kill(first, number)
        began = time.monotonic()
        assert await waiting is Failing.CRASHED
        assert time.monotonic() - began < 1
        assert await deep.scores("hola", SOON) in (Failing.CRASHED, {**(await scores_of("hola"))})
        await until(lambda: deep.state == "ready")
        assert deep.pid != first
        assert deep.counts.restarts == 1
        assert toxicity(await deep.scores("zorglub", SOON)) == 0.99


async def scores_of(text: str) -> dict[str, float]:
    async with ready() as deep:
        answer = await deep.scores(text, SOON)
        assert not isinstance(answer, Failing)
        return dict(answer)


async def test_a_stopped_process_is_late_at_first_and_then_replaced() -> None:
    async with ready() as deep:
        first = deep.pid
        os.kill(first, signal.SIGSTOP)
        assert await deep.scores("hola", 0.1) is Failing.LATE
        # Nobody waits any more for what does not come.
        began = time.monotonic()
        assert await deep.scores("otra cosa", 0.1) is Failing.LATE
        late: list[Scores] = []
        deep.later("zorglub", late.append)
        await until(lambda: deep.state == "restarting")
        assert time.monotonic() - began < QUICK.answer + 1.5
        await until(lambda: deep.state == "ready" and deep.waiting() == 0)
        assert deep.pid != first
        assert [scores["detoxify.toxicity"] for scores in late] == [0.99]
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


async def test_when_one_is_late_the_next_do_not_wait_in_vain() -> None:
    async with ready(patience=Patience(answer=60)) as deep:
        assert await deep.scores("hangox", 0.2) is Failing.LATE
        first = asyncio.create_task(deep.scores("uno", 0.4))
        await first
        began = time.monotonic()
        assert await deep.scores("dos", 0.4) is Failing.LATE
        assert time.monotonic() - began < 0.1


async def test_an_idle_process_owes_nothing() -> None:
    async with ready() as deep:
        first = deep.pid
        await deep.scores("hola", SOON)
        await asyncio.sleep(QUICK.answer * 2.5)
        assert toxicity(await deep.scores("zorglub", SOON)) == 0.99
        assert deep.pid == first


async def test_a_process_that_always_dies_is_started_ever_less_often() -> None:
    async with running("dies") as deep:
        await until(lambda: deep.counts.restarts >= 2)
        assert deep.state == "restarting"
        assert await deep.scores("hola", SOON) is Failing.CRASHED
        began, before = time.monotonic(), deep.counts.restarts
        await until(lambda: deep.counts.restarts >= before + 2)
        assert time.monotonic() - began >= QUICK.longest_pause


@pytest.mark.parametrize(
    ("command", "problem"),
    [([*SCORER, "unfit"], "no model here"), ([str(Path("/no/such/program"))], "cannot be started")],
)
async def test_what_cannot_be_loaded_is_absent_and_says_why(command: list[str], problem: str) -> None:
    async with running(command=command) as deep:
        await until(lambda: deep.state == "absent")
        assert problem in deep.problem
        assert await deep.scores("hola", SOON) is Failing.ABSENT
        heard: list[Scores] = []
        deep.later("hola", heard.append)
        await until(lambda: deep.counts.restarts >= 1)
        assert not heard


async def test_it_can_be_closed_in_the_very_moment_in_which_it_cannot_be_started() -> None:
    for _ in range(20):
        deep = Deep(["/no/such/program"], patience=QUICK)
        deep.start()
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await deep.close()
        assert deep.state == "stopped"


async def test_noise_in_place_of_frames_is_a_crash() -> None:
    noise = [sys.executable, "-c", "import socket; socket.socket(fileno=0).sendall(b'\\xff' * 99); input()"]
    async with running(command=noise) as deep:
        await until(lambda: deep.counts.restarts >= 1)
        assert deep.state == "restarting"


async def test_a_late_answer_reaches_who_asked_for_it_and_everybody_after() -> None:
    async with ready(patience=Patience()) as deep:
        heard: list[object] = []
        assert await deep.scores("slowox zorglub", 0.2) is Failing.LATE
        deep.later("slowox zorglub", heard.append)
        deep.later("slowox zorglub", heard.append)
        await until(lambda: len(heard) == 2)
        assert deep.counts.scored == 1
        assert toxicity(await deep.scores("slowox zorglub", 0.01)) == 0.99


async def test_a_text_that_kills_is_not_tried_for_ever() -> None:
    async with ready() as deep:
        heard: list[Scores] = []
        spared: list[Scores] = []
        deep.later("crashox", heard.append)
        deep.later("zorglub after it", spared.append)
        await until(lambda: deep.counts.restarts == tier.TRIES and deep.state == "ready")
        await asyncio.sleep(0.2)
        assert deep.state == "ready"
        assert deep.counts.restarts == tier.TRIES
        assert not heard
        assert deep.waiting() == 0
        assert deep.counts.dropped + len(spared) == 2


async def test_who_waits_goes_before_a_thousand_who_do_not() -> None:
    async with ready() as deep:
        heard: list[object] = []
        for n in range(1_500):
            deep.later(f"hola {n}", heard.append)
        answer = await deep.scores("zorglub", SOON)
        assert toxicity(answer) == 0.99
        assert len(heard) < 750
        await until(lambda: len(heard) == 1_500)


async def test_the_queue_is_bounded_and_room_is_kept_for_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tier, "WAITING", 10)
    async with running("deaf") as deep:
        for n in range(50):
            deep.later(f"hola {n}", print)
        assert (deep.waiting(), deep.counts.dropped) == (10, 40)
        answers = await asyncio.gather(*(deep.scores(f"urgent {n}", 0.1) for n in range(50)))
        assert set(answers) == {Failing.LATE}
        assert deep.waiting() == 20


async def test_nobody_is_left_waiting_when_it_is_closed() -> None:
    closing: AbstractAsyncContextManager[Deep] = ready()
    deep = await closing.__aenter__()
    waiting = asyncio.create_task(deep.scores("hangox", SOON))
    await until(lambda: deep.waiting() == 1)
    pid = deep.pid
    await closing.__aexit__(None, None, None)
    assert await waiting is Failing.ABSENT
    assert await deep.scores("hola", SOON) is Failing.ABSENT
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_the_process_ends_when_its_hub_dies(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from moderation.deep.tier import Deep\n"
        "async def main():\n"
        "    deep = Deep([sys.executable, '-m', 'tests.moderation.deep.scorer'])\n"
        "    deep.start()\n"
        "    while deep.state != 'ready':\n"
        "        await asyncio.sleep(0.01)\n"
        "    print(deep.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    hub = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert hub.stdout is not None
    pid = int(await hub.stdout.readline())
    hub.kill()
    await hub.wait()
    await until(lambda: not Path(f"/proc/{pid}").exists() or "(zombie)" in Path(f"/proc/{pid}/status").read_text())


async def test_texts_of_any_kind_are_answered() -> None:
    async with ready() as deep:
        for text in ("", "\ud800 lone", "a" * 4_000, "🚲" * 4_000, "\x00"):
            assert toxicity(await deep.scores(text, SOON)) == 0.01
