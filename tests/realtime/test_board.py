"""Which conversations are on the board, and in which order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from moderation.heat import HALF_LIFE_MS, Mood
from realtime.board import board
from realtime.room import Room
from rules.types import Role, Stage
from storage.values import Member

NOW = 1_700_000_000_000


def room(id: str, heat: float, ana: float = 0.0, ago: int = 0) -> Room:
    moods = {"ana": Mood(NOW - ago, ana, quick=-0.5, slow=-0.1)}
    return cast(Room, SimpleNamespace(
        id=id, title=id.upper(), listing=None, stage=Stage.DISPUTE, mood=Mood(NOW - ago, heat), moods=moods, invitation=None,
        members={"luis": Member("luis", "Luis", Role.SELLER, "es"), "ana": Member("ana", "Ana", Role.BUYER, "es")},
    ))  # fmt: skip


def test_the_hottest_come_first_and_the_calm_not_at_all() -> None:
    rooms = [room("warm", 0.4), room("calm", 0.1), room("hot", 0.9), room("cooled", 0.9, ago=4 * HALF_LIFE_MS)]
    assert [each.id for each in board(rooms, NOW, 10)] == ["hot", "warm"]
    assert [each.id for each in board(rooms, NOW, 1)] == ["hot"]
    assert board([], NOW, 10) == []


def test_one_heated_person_brings_a_conversation_there_whose_words_are_held() -> None:
    (shown,) = board([room("held", 0.0, ana=0.8)], NOW, 10)
    assert shown.heat == 0
    assert [(person.id, person.heat, person.trend) for person in shown.people] == [
        ("ana", 0.8, -0.4),
        ("luis", 0.0, 0.0),
    ]
    assert shown.at == NOW
