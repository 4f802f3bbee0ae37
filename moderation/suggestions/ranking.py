"""Which replies come first, and which of them go together."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from math import log
from typing import TypeVar

import msgspec

from moderation.suggestions.intents import Intent
from moderation.suggestions.inventory import Reply, Stance
from rules.types import Role, Stage

T = TypeVar("T")

CHIPS = 3

# A prior of two takes in ten showings: a new reply is neither buried by its first refusal nor crowned by its first use.
ALPHA, BETA = 2.0, 8.0

NAMED_ROLE = 0.5  # a reply written for this very role, before one for everybody
NAMED_STAGE = 0.5
FILLED = 0.6  # a reply that repeats what was named shows that it was read


class Candidate(msgspec.Struct, frozen=True):
    """A reply that could be offered: its text in the reader's language, slots filled, and how likely it is wanted."""

    reply: Reply
    text: str
    chance: float


class Tally(msgspec.Struct):
    """How often a reply was shown, and what became of it. Counts only, no text."""

    shown: int = 0
    taken: int = 0
    edited: int = 0
    dismissed: int = 0


class Acceptance:
    """Tallies by reply, intent and role. Not shared between threads."""

    def __init__(self) -> None:
        self.tallies: dict[tuple[str, Intent | None, Role], Tally] = {}

    def of(self, reply: Reply, role: Role) -> Tally:
        """The tally of a reply for readers of a role, to be read and counted up."""
        return self.tallies.setdefault((reply.id, reply.intent, role), Tally())

    def rate(self, reply: Reply, role: Role) -> float:
        """The share of showings that ended in its being sent, as it was or edited; smoothed by Beta(ALPHA, BETA)."""
        tally = self.tallies.get((reply.id, reply.intent, role), Tally())
        return (tally.taken + tally.edited + ALPHA) / (tally.shown + ALPHA + BETA)


def rank(candidates: Iterable[Candidate], role: Role, stage: Stage, acceptance: Acceptance) -> list[Candidate]:
    """Best first: log p(intent) + fit of role and stage + log of the acceptance. Equals keep the inventory's order."""

    def score(candidate: Candidate) -> float:
        reply = candidate.reply
        return (
            log(max(candidate.chance, 1e-6))
            + NAMED_ROLE * (role in reply.speakers)
            + NAMED_STAGE * (stage in reply.stages)
            + FILLED * bool(reply.slots)
            + log(acceptance.rate(reply, role))
        )

    return sorted(candidates, key=score, reverse=True)


def differing(
    ranked: Iterable[Candidate], fits: Callable[[Candidate], bool] = lambda _: True, most: int = CHIPS
) -> Generator[None, None, list[Candidate]]:
    """The best of each stance that ``fits``, ``most`` of them: that one of them fits matters more than that each does.

    ``fits`` is asked about those alone that would be chosen, and may take its time: there is a pause after each.
    """
    chosen: dict[Stance, Candidate] = {}
    said: set[str] = set()
    for candidate in ranked:
        if len(chosen) == most:
            break
        if candidate.reply.stance not in chosen and candidate.text not in said:
            if fits(candidate):
                chosen[candidate.reply.stance] = candidate
                said.add(candidate.text)
            yield
    return list(chosen.values())


def at_once(steps: Generator[None, None, T]) -> T:
    """What ``steps`` come to, without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
