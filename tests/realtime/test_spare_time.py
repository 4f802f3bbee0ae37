"""Work that may wait: which is done first, which is dropped, and when nothing is begun."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from realtime import spare_time
from realtime.spare_time import LATE_SECONDS, SHARE, STALE_SECONDS, WAITING, WINDOW_SECONDS, SpareTime


class Machine:
    """A clock and a processor that go only when they are told to, and timers that wait for them."""

    def __init__(self) -> None:
        self.time = 100.0
        self.cpu = 50.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self.timers.append((self.time + seconds, call))

    def step(self) -> float:
        """Go on to the next timer; the seconds until then."""
        self.timers.sort(key=lambda timer: timer[0])
        at, call = self.timers.pop(0)
        waited, self.time = max(0.0, at - self.time), max(self.time, at)
        call()
        return waited

    def rest(self) -> None:
        """Go on until nothing is left to do."""
        while self.timers:
            self.step()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: machine)
    return machine


@pytest.fixture
def spare(machine: Machine) -> SpareTime:
    return SpareTime(lambda: machine.time, lambda: machine.cpu)


def work(done: list[str], name: str, steps: int = 1, each: Callable[[], None] = lambda: None) -> spare_time.Work:
    def run() -> Iterator[None]:
        for step in range(steps):
            each()
            done.append(f"{name}{step}" if steps > 1 else name)
            yield

    return run


def test_the_newest_is_done_first_and_takes_the_place_of_its_forerunner(machine: Machine, spare: SpareTime) -> None:
    done: list[str] = []
    spare.put("a", work(done, "old a"))
    spare.put("b", work(done, "b"))
    spare.put("a", work(done, "new a"))
    spare.put("c", work(done, "c"))
    spare.forget("c")
    machine.rest()
    assert done == ["new a", "b"]


def test_what_was_begun_is_finished_before_the_next_begins(machine: Machine, spare: SpareTime) -> None:
    done: list[str] = []
    spare.put("a", work(done, "a", steps=2))
    machine.step()
    spare.put("b", work(done, "b", steps=2))
    machine.rest()
    assert done == ["a0", "a1", "b0", "b1"]


def test_after_each_step_the_loop_has_nine_tenths_of_the_time(machine: Machine, spare: SpareTime) -> None:
    def take() -> None:
        machine.time += 0.004

    spare.put("a", work([], "a", steps=3, each=take))
    machine.step()
    assert machine.step() == pytest.approx(0.004 * (1 / SHARE - 1))


def test_of_too_much_the_oldest_is_dropped_and_so_is_what_has_waited_too_long(
    machine: Machine, spare: SpareTime
) -> None:
    done: list[str] = []
    for n in range(WAITING + 2):
        spare.put(n, work(done, str(n)))
    assert spare.dropped == 2
    machine.time += STALE_SECONDS + 1
    spare.put("new", work(done, "new"))
    machine.rest()
    assert done == ["new"]
    assert spare.dropped == 2 + WAITING


def test_nothing_goes_on_while_the_loop_is_busy_with_something_else(machine: Machine, spare: SpareTime) -> None:
    done: list[str] = []
    spare.put("a", work(done, "a"))
    machine.rest()
    machine.time, machine.cpu = machine.time + 1, machine.cpu + 0.9
    spare.put("b", work(done, "b"))
    for _ in range(5):
        machine.step()
        machine.cpu += 0.9 * WINDOW_SECONDS
    assert done == ["a"]
    machine.rest()
    assert done == ["a", "b"]


def test_nothing_goes_on_while_the_machine_has_too_little_for_all(machine: Machine, spare: SpareTime) -> None:
    done: list[str] = []
    spare.put("a", work(done, "a"))
    for _ in range(5):
        machine.timers[0] = (machine.timers[0][0] + 2 * LATE_SECONDS, machine.timers[0][1])
        machine.step()
    assert done == []
    machine.rest()
    assert done == ["a"]


def test_the_work_itself_does_not_count_as_being_busy(machine: Machine, spare: SpareTime) -> None:
    done: list[str] = []

    def take() -> None:
        machine.time, machine.cpu = machine.time + WINDOW_SECONDS, machine.cpu + WINDOW_SECONDS

    spare.put("a", work(done, "a", steps=3, each=take))
    machine.time, machine.cpu = machine.time + WINDOW_SECONDS, machine.cpu
    while machine.timers:
        assert machine.step() < 2
    assert done == ["a0", "a1", "a2"]


def test_work_that_fails_is_logged_without_its_words_and_the_rest_goes_on(
    machine: Machine, spare: SpareTime, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> Iterator[None]:
        raise ValueError("somebody's words")
        yield

    done: list[str] = []
    spare.put("a", work(done, "a"))
    spare.put("b", fails)
    machine.rest()
    assert done == ["a"]
    assert "ValueError" in caplog.text
    assert "somebody" not in caplog.text
