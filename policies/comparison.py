"""What a policy makes of messages in comparison with another one: counted, with examples by their ids."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from policies.decision import Decision, Verdict

SAMPLES = 40  # kept of each kind of change at most, and at least half as many once there were more
WAITS = frozenset({Verdict.FLAG, Verdict.HOLD})  # for a person
DAY_MS = 86_400_000


class Change(StrEnum):
    """What becomes of a message: stopped that passed, passed that was stopped, or treated more or less strictly."""

    CAUGHT = "caught"
    RELEASED = "released"
    STRICTER = "stricter"
    MILDER = "milder"


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message of which two policies think differently. ``message`` and ``conversation`` are ids; ``at`` in milliseconds.

    ``revision`` names the words among those that the message has had, 0 for one that was refused. ``text`` is only there
    where the message came from a file and cannot be looked up.
    """

    change: Change
    message: str
    before: Verdict
    after: Verdict
    before_clauses: tuple[str, ...] = ()
    after_clauses: tuple[str, ...] = ()
    conversation: str = ""
    revision: int = 0
    at: int = 0
    role: str = ""
    language: str = ""
    text: str = ""


class Tally(msgspec.Struct):
    """Counts of a comparison. Two tallies of different messages add up.

    ``changes`` counts by kind of change, the others by clause, language or role and then by it; ``languages`` and ``roles``
    count all messages too, under an empty kind. ``before`` and ``after`` count verdicts. ``review`` is how many wait for a person
    by the one and by the other policy. ``first_at`` and ``last_at`` bound the time that the messages are from. ``steps`` tells
    the how-manieth change of a kind is kept as a sample.
    """

    messages: int = 0
    changes: dict[str, int] = {}
    clauses: dict[str, dict[str, int]] = {}
    languages: dict[str, dict[str, int]] = {}
    roles: dict[str, dict[str, int]] = {}
    before: dict[str, int] = {}
    after: dict[str, int] = {}
    review: tuple[int, int] = (0, 0)
    first_at: int = 0
    last_at: int = 0
    samples: dict[str, list[Sample]] = {}
    steps: dict[str, int] = {}

    @property
    def days(self) -> float:
        """How many days the messages are from: one at least, because a load cannot be told from less."""
        return max(1.0, (self.last_at - self.first_at) / DAY_MS)

    def add(
        self, before: Decision, after: Decision, *, message: str, conversation: str = "", revision: int = 0, at: int = 0,
        role: str = "", language: str = "", text: str = "",
    ) -> Change | None:  # fmt: skip
        """Count one message. ``message`` may be empty where it is not stored: it is counted, and shown to nobody."""
        self.messages += 1
        _up(self.before, before.verdict)
        _up(self.after, after.verdict)
        _up(self.languages.setdefault(language, {}), "")
        _up(self.roles.setdefault(role, {}), "")
        self.review = (self.review[0] + (before.verdict in WAITS), self.review[1] + (after.verdict in WAITS))
        if at:
            self.first_at, self.last_at = min(self.first_at or at, at), max(self.last_at, at)
        kind = change(before, after)
        if kind is None:
            return None
        for counted in (self.changes, self.languages[language], self.roles[role]):
            _up(counted, kind)
        spoke = after if kind in (Change.CAUGHT, Change.STRICTER) else before
        for clause in spoke.clauses[:1] or spoke.degraded[:1]:
            _up(self.clauses.setdefault(clause, {}), kind)
        if message or text:
            self._keep(
                Sample(
                    kind, message, before.verdict, after.verdict, before.clauses, after.clauses, conversation, revision,
                    at, role, language, text,
                )
            )  # fmt: skip
        return kind

    def merge(self, other: Tally) -> None:
        """Add what another tally has counted."""
        for mine, theirs in ((self.changes, other.changes), (self.before, other.before), (self.after, other.after)):
            _merge(mine, theirs)
        for table, more in (
            (self.clauses, other.clauses), (self.languages, other.languages), (self.roles, other.roles),
        ):  # fmt: skip
            for key, counts in more.items():
                _merge(table.setdefault(key, {}), counts)
        self.messages += other.messages
        self.review = (self.review[0] + other.review[0], self.review[1] + other.review[1])
        firsts = [at for at in (self.first_at, other.first_at) if at]
        self.first_at, self.last_at = min(firsts, default=0), max(self.last_at, other.last_at)
        for kind, samples in other.samples.items():
            together = self.samples.setdefault(kind, []) + samples
            self.samples[kind] = sorted(together, key=lambda sample: sample.at)[-SAMPLES:]

    def _keep(self, sample: Sample) -> None:
        """Samples are spread evenly over all changes: when there are too many, each second one goes."""
        step = self.steps.setdefault(sample.change, 1)
        if (self.changes[sample.change] - 1) % step:
            return
        kept = self.samples.setdefault(sample.change, [])
        if len(kept) == SAMPLES:
            kept[:] = kept[::2]
            self.steps[sample.change] = 2 * step
            if (self.changes[sample.change] - 1) % (2 * step):
                return
        kept.append(sample)


def change(before: Decision, after: Decision) -> Change | None:
    """How the second decision differs from the first in what becomes of the message; None if it does not."""
    was, is_now = _weight(before), _weight(after)
    if was == is_now:
        return None
    if before.verdict is Verdict.ALLOW:
        return Change.CAUGHT
    if after.verdict is Verdict.ALLOW:
        return Change.RELEASED
    return Change.STRICTER if is_now > was else Change.MILDER


def _weight(decision: Decision) -> tuple[int, int]:
    covered = sum(mask.end - mask.start for mask in decision.masks) if decision.verdict is Verdict.MASK else 0
    return decision.verdict.rank, covered


def _up(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def _merge(counts: dict[str, int], more: dict[str, int]) -> None:
    for key, count in more.items():
        counts[key] = counts.get(key, 0) + count
