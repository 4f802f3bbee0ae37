import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench import cpu

WORK = """
import os, resource, subprocess, sys, threading, time

def work():
    begun = time.process_time()
    while time.process_time() < begun + 0.1:
        sum(range(1000))
"""
ASK = """
while line := sys.stdin.readline():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(time.process_time_ns() / 1e3, (usage.ru_utime + usage.ru_stime) * 1e6, flush=True)
"""
TICK = 10_000  # microseconds


@contextmanager
def working(body: str) -> Iterator[subprocess.Popen[str]]:
    """A process that runs ``body``, then tells its own and its ended children's microseconds when asked."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORK + body + ASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def asked(process: subprocess.Popen[str]) -> tuple[float, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    own, children = process.stdout.readline().split()
    return float(own), float(children)


@pytest.mark.parametrize(
    "body",
    [
        "work()",
        "thread = threading.Thread(target=work); thread.start(); thread.join()",
        "open('/dev/zero', 'rb').read(100_000_000)",
    ],
    ids=["main thread", "thread that ended", "system time"],
)
def test_a_process_is_charged_what_it_says_itself(body: str) -> None:
    with working(body) as process:
        before, _ = asked(process)
        measured = cpu.of_process(process.pid)
        after, _ = asked(process)
    assert before <= measured <= after


def test_children_that_ended_are_charged_to_the_family() -> None:
    with working(f"subprocess.run([sys.executable, '-c', {(WORK + 'work()')!r}])") as process:
        own, children = asked(process)
        measured = cpu.of_family(process.pid)
        after, _ = asked(process)
        reaped = cpu.of_reaped_children(process.pid)
    assert children >= 100_000
    assert own + children - 2 * TICK <= measured <= after + children + TICK
    assert reaped == pytest.approx(children, abs=2 * TICK)


def test_children_at_work_are_charged_to_the_family() -> None:
    child = f"subprocess.Popen([sys.executable, '-c', {(WORK + 'work(); print(flush=True); time.sleep(60)')!r}]"
    with working(f"child = {child}, stdout=subprocess.PIPE); child.stdout.readline()") as process:
        own, children = asked(process)
        members = cpu.family(process.pid)
        measured = cpu.of_family(process.pid)
        subprocess.run(["kill", *map(str, members[1:])], check=True)
    assert children == 0
    assert len(members) == 2
    assert measured >= own + 100_000


def test_a_process_that_is_gone_is_an_error_and_not_zero() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for figure in (cpu.of_process, cpu.of_reaped_children, cpu.of_family):
        with pytest.raises(ProcessLookupError):
            figure(gone.pid)


def test_an_idle_process_costs_next_to_nothing() -> None:
    with working("") as process:
        asked(process)
        before = cpu.of_family(process.pid)
        time.sleep(0.05)
        assert cpu.of_family(process.pid) - before < TICK
