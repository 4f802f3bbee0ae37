"""The door: a few at a time, a short line, and for everybody else a time of their own."""

from __future__ import annotations

import asyncio

import pytest

from realtime.admission import AGAIN_SECONDS, Admission, Busy


async def inside(door: Admission, leave: asyncio.Event, came: list[int], number: int) -> None:
    async with door.enter():
        came.append(number)
        await leave.wait()


async def turned(count: int = 1) -> None:
    for _ in range(10 * count):
        await asyncio.sleep(0)


async def test_a_few_at_a_time_are_let_in_in_the_order_of_their_coming() -> None:
    door, came = Admission(at_once=2), list[int]()
    leave = [asyncio.Event() for _ in range(6)]
    people = [asyncio.create_task(inside(door, leave[n], came, n)) for n in range(6)]
    await turned()
    assert came == [0, 1]
    leave[1].set()
    await turned()
    assert came == [0, 1, 2]
    for one in leave:
        one.set()
    await asyncio.gather(*people)
    assert came == [0, 1, 2, 3, 4, 5]
    async with door.enter():
        pass


async def test_who_would_wait_too_long_is_told_a_time_and_each_a_later_one() -> None:
    door, leave, came = Admission(at_once=2), asyncio.Event(), list[int]()
    people = [asyncio.create_task(inside(door, leave, came, n)) for n in range(2 + int(door.rate * 2))]
    await turned()
    told = []
    for _ in range(1_000):
        with pytest.raises(Busy) as busy:
            async with door.enter():
                pass
        told.append(busy.value.retry_after)
    soonest, latest = AGAIN_SECONDS
    assert soonest <= min(told)
    assert max(told) <= latest + soonest
    # No faster than people are let in here, and not in step.
    in_time = [one for one in told if one < 6]
    assert len(in_time) <= 6 * door.rate
    assert len(set(told)) > 900
    leave.set()
    await asyncio.gather(*people)
    assert len(came) == len(people)


async def test_who_gives_up_in_line_keeps_nobody_out() -> None:
    door, came = Admission(at_once=1), list[int]()
    leave = [asyncio.Event() for _ in range(4)]
    people = [asyncio.create_task(inside(door, leave[n], came, n)) for n in range(4)]
    await turned()
    people[1].cancel()  # in the middle of the line
    await turned()
    leave[0].set()
    await asyncio.sleep(0)
    people[2].cancel()  # it may just have been their turn
    await turned()
    assert came[-1] in (2, 3)
    leave[2].set()
    leave[3].set()
    await asyncio.gather(*people, return_exceptions=True)
    assert came[-1] == 3
    async with door.enter():
        pass
