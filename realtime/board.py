"""The board: conversations on this node that may need the brand, hottest first. Moods and names, never words."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nlargest

import msgspec

from moderation.heat import Mood
from realtime.room import Room
from rules.types import Role, Stage

WARM = 0.3  # heat from which a conversation is on the board
DIGITS = 2


class PersonMood(msgspec.Struct, frozen=True):
    """How one person has been speaking. ``trend`` is below zero while it is getting worse."""

    id: str
    name: str
    role: Role
    heat: float
    trend: float


class Warm(msgspec.Struct, frozen=True):
    """A conversation that is warming up. ``heat`` is what its people see, a person's also what is held back.

    ``at`` is when somebody last spoke, in milliseconds. ``invitation`` is the state of the latest, empty where the brand was
    never invited.
    """

    id: str
    title: str
    listing: str | None
    stage: Stage
    heat: float
    trend: float
    at: int
    invitation: str
    people: list[PersonMood]


def board(rooms: Iterable[Room], at: int, limit: int, warm: float = WARM) -> list[Warm]:
    """The ``limit`` hottest at the time ``at``, by the conversation or by the most heated person in it."""
    hot = [(heat, room) for room in rooms if (heat := _hottest(room, at)) >= warm]
    return [_shown(room, at) for _, room in nlargest(limit, hot, key=lambda pair: (pair[0], pair[1].id))]


def _hottest(room: Room, at: int) -> float:
    return max(room.mood.heat_at(at), *(mood.heat_at(at) for mood in room.moods.values()), 0.0)


def _shown(room: Room, at: int) -> Warm:
    people = []
    for member in room.members.values():
        mood = room.moods.get(member.id, Mood())
        people.append(PersonMood(member.id, member.name, member.role, *_rounded(mood, at)))
    people.sort(key=lambda person: person.heat, reverse=True)
    spoken = max([mood.at for mood in room.moods.values()], default=room.mood.at)
    return Warm(
        room.id, room.title, room.listing, room.stage, *_rounded(room.mood, at), spoken,
        room.invitation.state if room.invitation else "", people,
    )  # fmt: skip


def _rounded(mood: Mood, at: int) -> tuple[float, float]:
    return round(mood.heat_at(at), DIGITS), round(mood.trend, DIGITS)
