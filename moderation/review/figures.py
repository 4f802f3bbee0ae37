"""Figures about the work of the review: how much comes in, what is decided, how often that was wrong, and how long it takes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from moderation.review.agreement import Agreement, agreement

DAY_MS = 86_400_000
WRONG = ("release", "overturn")  # automation had put it before a person, who found nothing wrong
DECIDED = ("release", "mask", "remove", "sanction", "uphold", "overturn")


class Decided(Struct, frozen=True):
    """``count`` decisions of a person that are alike. ``machine`` tells whether automation had put the messages before them."""

    at: int
    outcome: str
    actor: str
    clause: str
    language: str
    verdict: str
    machine: bool
    count: int = 1


class Compared(Struct, frozen=True):
    """A second look: what was decided first and by whom, what was answered and by whom; ``golden`` if the answer was known."""

    decider: str
    reviewer: str
    outcome: str
    answer: str
    clause: str
    golden: bool


class Waiting(Struct, frozen=True):
    """Half of the items waited no longer than ``median_ms``, nine of ten no longer than ``p90_ms``."""

    items: int = 0
    median_ms: int = 0
    p90_ms: int = 0


class Took(Struct, frozen=True):
    """How long it all took: waiting by ``clause``, ``language`` and ``verdict``, and of ``all`` of it under ""; work by person."""

    all: Mapping[str, Waiting] = {}
    clause: Mapping[str, Waiting] = {}
    language: Mapping[str, Waiting] = {}
    verdict: Mapping[str, Waiting] = {}
    person: Mapping[str, Waiting] = {}


class Share(Struct, frozen=True):
    """Of ``of`` something held for ``count``. ``low`` and ``high`` bound the share with 95 % confidence (Wilson, 1927)."""

    count: int
    of: int
    share: float
    low: float
    high: float


class Day(Struct, frozen=True):
    """A day from ``at`` on: how many items came, and what was decided, by outcome."""

    at: int
    opened: int
    decided: dict[str, int]


class Line(Struct, frozen=True):
    """The same for one clause, language or verdict: how many were decided, and how often automation had been wrong."""

    key: str
    decided: int
    outcomes: dict[str, int]
    false_alarms: Share
    waiting: Waiting


class Person(Struct, frozen=True):
    """Somebody of the staff. ``second_looks`` is their agreement with others, ``golden`` how often they knew the answer.

    ``overturned`` counts appeals against their decisions.
    """

    staff: str
    decided: int
    working: Waiting
    second_looks: Agreement
    golden: Share
    overturned: Share


class ClauseAgreement(Struct, frozen=True):
    """How much people agree about one clause."""

    clause: str
    agreement: Agreement


class Figures(Struct, frozen=True):
    """All of them, for the time from ``since`` to ``until``."""

    since: int
    until: int
    days: list[Day]
    verdicts: dict[str, int]
    outcomes: dict[str, int]
    false_alarms: Share
    overturned: Share
    waiting: Waiting
    by_clause: list[Line]
    by_language: list[Line]
    by_verdict: list[Line]
    agreement: Agreement
    agreement_by_clause: list[ClauseAgreement]
    people: list[Person]


def figures(
    decided: Sequence[Decided], took: Took, opened: Mapping[int, int], compared: Sequence[Compared],
    appeals: Mapping[str, Share], since: int, until: int,
) -> Figures:  # fmt: skip
    """All figures. ``opened`` maps the beginning of a day to the items of it, ``appeals`` a decider to their appeals."""
    real = [one for one in compared if not one.golden]
    of_all = appeals.get("", share(0, 0))
    return Figures(
        since=since, until=until, days=_days(decided, opened, since, until),
        verdicts=_counted(decided, "verdict"), outcomes=_counted(decided, "outcome"),
        false_alarms=_false_alarms(decided), overturned=of_all, waiting=took.all.get("", Waiting()),
        by_clause=_lines(decided, "clause", took.clause), by_language=_lines(decided, "language", took.language),
        by_verdict=_lines(decided, "verdict", took.verdict), agreement=agreement([(one.outcome, one.answer) for one in real]),
        agreement_by_clause=[
            ClauseAgreement(clause, agreement([(one.outcome, one.answer) for one in real if one.clause == clause]))
            for clause in sorted({one.clause for one in real})
        ],
        people=_people(decided, took.person, compared, appeals),
    )  # fmt: skip


def share(count: int, of: int) -> Share:
    """A share with its bounds; 0 to 1 where there is nothing to tell it from."""
    if not of:
        return Share(0, 0, 0.0, 0.0, 1.0)
    z, p = 1.96, count / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    spread = z / (1 + z * z / of) * (p * (1 - p) / of + z * z / (4 * of * of)) ** 0.5
    return Share(count, of, p, max(0.0, middle - spread), min(1.0, middle + spread))


def _counted(decided: Iterable[Decided], key: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for one in decided:
        counts[getattr(one, key)] += one.count
    return dict(counts)


def _false_alarms(decided: Sequence[Decided]) -> Share:
    """Of what automation put before a person: how often they found nothing wrong."""
    machine = [one for one in decided if one.machine]
    return share(sum(one.count for one in machine if one.outcome in WRONG), sum(one.count for one in machine))


def _days(decided: Sequence[Decided], opened: Mapping[int, int], since: int, until: int) -> list[Day]:
    outcomes: dict[int, Counter[str]] = defaultdict(Counter)
    for one in decided:
        outcomes[one.at - one.at % DAY_MS][one.outcome] += one.count
    first = since - since % DAY_MS
    return [Day(at, opened.get(at, 0), dict(outcomes[at])) for at in range(first, until, DAY_MS)]


def _lines(decided: Sequence[Decided], key: str, took: Mapping[str, Waiting]) -> list[Line]:
    groups: dict[str, list[Decided]] = defaultdict(list)
    for one in decided:
        groups[getattr(one, key)].append(one)
    lines = [
        Line(name, sum(one.count for one in those), _counted(those, "outcome"), _false_alarms(those),
             took.get(name, Waiting()))
        for name, those in groups.items()
    ]  # fmt: skip
    return sorted(lines, key=lambda line: (-line.decided, line.key))


def _people(
    decided: Sequence[Decided], took: Mapping[str, Waiting], compared: Sequence[Compared], appeals: Mapping[str, Share]
) -> list[Person]:  # fmt: skip
    names = {one.actor for one in decided} | {one.reviewer for one in compared}
    people = []
    for name in sorted(names):
        mine = sum(one.count for one in decided if one.actor == name)
        pairs = [
            (one.outcome, one.answer) for one in compared if not one.golden and name in (one.decider, one.reviewer)
        ]
        known = [one for one in compared if one.golden and one.reviewer == name]
        people.append(
            Person(
                name, mine, took.get(name, Waiting()), agreement(pairs),
                share(sum(one.answer == one.outcome for one in known), len(known)),
                appeals.get(name, share(0, 0)),
            )
        )  # fmt: skip
    return people
