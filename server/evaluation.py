"""How well the rules and classifiers find what labelled lines say, and what a policy makes of it.

A line with expected categories is found when all of them are; others found beside them are no fault. A line that
expects nothing is a false alarm when anything is found. Where a span is labelled, its overlap is counted in characters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from moderation.engine import Engine
from moderation.judgement import Judgement
from policies.decision import Verdict
from policies.policy import Policy
from rules.types import Category, Finding
from server.line import BrokenLine, Line, read

# The presence of a link or an emoji is a measure: a line may well contain one and be harmless.
MEASURES = frozenset({Category.LINK, Category.EMOJI})
FEELINGS = ("negative", "neutral", "positive")
NOTHING = "nothing"

Rival = tuple[str, Engine]  # another engine, by a name


class Labelled(Line, frozen=True):
    """A line that says what must be found (``expect``), or how it feels. ``spans`` are substrings that show it."""

    suite: str = ""
    kind: str = ""
    expect: list[Category] | None = None
    expect_sentiment: str | None = None
    spans: list[str] = []


class Outcome(msgspec.Struct, frozen=True):
    """What became of a labelled line. ``other`` is what another policy or engine makes of it, where one is compared."""

    line: Labelled
    findings: tuple[Finding, ...]
    verdict: Verdict
    sentiment: str
    us: int
    other: Outcome | None = None

    @property
    def right(self) -> bool:
        """Whether all that is expected was found, and nothing where nothing is."""
        return not self.missed and not self.alarms

    @property
    def categories(self) -> set[Category]:
        return {finding.category for finding in self.findings}

    @property
    def missed(self) -> set[Category]:
        """The expected categories that were not found."""
        return set(self.line.expect or ()) - self.categories

    @property
    def alarms(self) -> set[Category]:
        """What was found where nothing is."""
        return self.categories - MEASURES if self.line.expect == [] else set()


class Tally(msgspec.Struct):
    """Counts over some lines: ``harmful`` of which ``found``, ``harmless`` of which ``alarms``."""

    harmful: int = 0
    found: int = 0
    harmless: int = 0
    alarms: int = 0

    @property
    def recall(self) -> float | None:
        return _share(self.found, self.harmful)

    @property
    def precision(self) -> float | None:
        return _share(self.found, self.found + self.alarms)

    @property
    def f1(self) -> float | None:
        return _share(2 * self.found, self.harmful + self.found + self.alarms)

    @property
    def false_alarm_rate(self) -> float | None:
        return _share(self.alarms, self.harmless)


class Row(msgspec.Struct, frozen=True):
    """One row of the report; None where there is nothing to divide by."""

    group: str
    harmful: int
    found: int
    harmless: int
    alarms: int
    recall: float | None
    precision: float | None
    f1: float | None
    false_alarm_rate: float | None


class Overlap(msgspec.Struct, frozen=True):
    """Labelled characters against found ones, over the ``lines`` that have a labelled span and were found.

    ``covered`` is the mean share of the labelled characters that a finding covers, ``exact`` the mean share of the
    found characters that are labelled. ``jaccard`` is the mean of the characters in both over those in either, of the
    findings that touch a labelled span: what else is found in a harmful line is no matter of where this one is.
    """

    group: str
    lines: int
    covered: float | None
    exact: float | None
    jaccard: float | None


class Confusion(msgspec.Struct, frozen=True):
    """In how many ``lines`` ``expected`` was not found, and what was ``found`` in its place (``nothing``, or categories).

    Where a harmless line was taken for something, ``expected`` is ``nothing``.
    """

    expected: str
    found: str
    lines: int


class Feeling(msgspec.Struct, frozen=True):
    """``macro_recall`` is the mean of the recalls of the labels that occur."""

    lang: str
    lines: int
    macro_recall: float | None
    recall: dict[str, float]


class Change(msgspec.Struct, frozen=True):
    """A line that one of two judges rightly, and the other does not. ``lost``: it is the other that does."""

    id: str | int | None
    lang: str | None
    kind: str
    lost: bool
    found: list[Category]
    found_by_other: list[Category]
    text: str


class Comparison(msgspec.Struct, frozen=True):
    """Two policies on the same findings, or two engines: how many lines go from one verdict to that of ``against``.

    ``stopped_...`` is how many lines each of them does not let pass as they are, ``found`` and ``alarms`` how many harmful
    ones each finds and how many harmless ones it does not leave alone. ``changes`` are the lines that make the difference.
    """

    ours: str
    against: str
    moved: dict[str, int]
    stopped_harmful: tuple[int, int]
    stopped_harmless: tuple[int, int]
    found: tuple[int, int]
    alarms: tuple[int, int]
    changes: list[Change]


class Fault(msgspec.Struct, frozen=True):
    """A line that was not judged as it is labelled."""

    id: str | int | None
    lang: str | None
    kind: str
    problem: str
    missed: list[Category]
    alarms: list[Category]
    verdict: str
    text: str


class Report(msgspec.Struct, frozen=True):
    """The figures of a run."""

    policy: str
    lines: int
    unlabelled: int
    total: Row
    by_suite: list[Row]
    by_suite_and_language: list[Row]
    by_category: list[Row]
    by_category_and_language: list[Row]
    by_language: list[Row]
    by_kind: list[Row]
    overlap: Overlap
    overlap_by_suite_and_language: list[Overlap]
    overlap_by_category_and_language: list[Overlap]
    confusions: list[Confusion]
    sentiment: list[Feeling]
    verdicts: dict[str, dict[str, int]]
    us_p50: int
    us_p99: int
    comparison: Comparison | None
    faults: list[Fault]


_labelled = msgspec.json.Decoder(Labelled)


def part(engine: Engine, name: str) -> Engine:
    """The ``rules`` or the ``classifiers`` of an engine alone, to see what each is worth beside the whole."""
    if name == "rules":
        return Engine(engine.rules)
    return Engine((), engine.classifiers, sentiment=engine.sentiment, identify=engine.identify)


def evaluate(
    lines: Iterable[Labelled], engine: Engine, policy: Policy, against: Policy | None = None, rival: Rival | None = None
) -> Report:
    """Judges every labelled line and counts.

    ``against`` decides a second time on the same findings; or ``rival``, a name and another engine, judges a second time.
    """
    outcomes: list[Outcome] = []
    unlabelled = 0
    for line in lines:
        if line.expect is None and line.expect_sentiment is None:
            unlabelled += 1
            continue
        outcomes.append(_outcome(line, engine, policy, against, rival))
    ours, other = policy.id, against.id if against else rival[0] if rival else ""
    return _report(outcomes, unlabelled, policy.id, "this engine" if rival else ours, other)


def labelled(raws: Iterable[bytes], on_broken: Callable[[BrokenLine], None]) -> Iterator[Labelled]:
    """The lines of one file; those that are broken are handed to ``on_broken``."""
    for number, raw in enumerate(raws, 1):
        try:
            yield read(raw, number, _labelled)
        except BrokenLine as broken:
            on_broken(broken)


def _outcome(
    line: Labelled, engine: Engine, policy: Policy, against: Policy | None, rival: Rival | None
) -> Outcome:  # fmt: skip
    judgement = engine.judge(line.judged, line.setting, policy)
    judged = _judged(line, judgement)
    if against:
        findings = judgement.decision.findings
        decision = against.decide(findings, judgement.scores, line.setting, text=line.judged)
        return msgspec.structs.replace(judged, other=msgspec.structs.replace(judged, verdict=decision.verdict))
    if rival:
        other = rival[1].judge(line.judged, line.setting, policy)
        return msgspec.structs.replace(judged, other=_judged(line, other))
    return judged


def _judged(line: Labelled, judgement: Judgement) -> Outcome:
    decision = judgement.decision
    feels = judgement.sentiment[0] if judgement.sentiment else ""
    return Outcome(line, decision.findings, decision.verdict, feels, judgement.us)


def _report(outcomes: Sequence[Outcome], unlabelled: int, policy: str, ours: str, other: str) -> Report:
    judged = [outcome for outcome in outcomes if outcome.line.expect is not None]
    times = sorted(outcome.us for outcome in outcomes) or [0]
    return Report(
        policy=policy,
        lines=len(outcomes),
        unlabelled=unlabelled,
        total=next(iter(_rows(judged, lambda outcome: "all")), _row("all", Tally())),
        by_suite=_rows(judged, lambda outcome: _family(outcome.line)),
        by_suite_and_language=_rows(judged, _suite_and_language),
        by_category=_by_category(judged),
        by_category_and_language=_by_category_and_language(judged),
        by_language=_rows(judged, lambda outcome: outcome.line.lang or "-"),
        by_kind=_rows(judged, lambda outcome: f"{outcome.line.suite} {outcome.line.kind}".strip() or "-"),
        overlap=_overlap("all", judged),
        overlap_by_suite_and_language=_overlaps(judged, lambda outcome: [_suite_and_language(outcome)]),
        overlap_by_category_and_language=_overlaps(judged, _categories_and_language),
        confusions=_confusions(judged),
        sentiment=_feelings(outcomes),
        verdicts=_verdicts(judged),
        us_p50=times[len(times) // 2],
        us_p99=times[len(times) * 99 // 100],
        comparison=_comparison(judged, ours, other) if other else None,
        faults=[fault for outcome in outcomes if (fault := _fault(outcome))],
    )


def _suite_and_language(outcome: Outcome) -> str:
    return f"{_family(outcome.line)} {outcome.line.lang or '-'}"


def _categories_and_language(outcome: Outcome) -> list[str]:
    return [f"{category} {outcome.line.lang or '-'}" for category in outcome.line.expect or ()]


def _family(line: Labelled) -> str:
    """``contact`` for ``contact`` and ``contact_benign``: recall and false alarms of one subject belong in one row."""
    return line.suite.partition("_")[0] or "-"


def _rows(outcomes: Iterable[Outcome], group: Callable[[Outcome], str]) -> list[Row]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    for outcome in outcomes:
        tally = tallies[group(outcome)]
        if outcome.line.expect:
            tally.harmful += 1
            tally.found += not outcome.missed
        else:
            tally.harmless += 1
            tally.alarms += bool(outcome.alarms)
    return [_row(name, tally) for name, tally in sorted(tallies.items())]


def _by_category(outcomes: Sequence[Outcome]) -> list[Row]:
    """Each category for itself: harmful are the lines that expect it, alarms the harmless lines where it was found."""
    harmless = sum(outcome.line.expect == [] for outcome in outcomes)
    tallies = {category: Tally(harmless=harmless) for category in Category if category not in MEASURES}
    for outcome in outcomes:
        for category in set(outcome.line.expect or ()) - MEASURES:
            tallies[category].harmful += 1
            tallies[category].found += category not in outcome.missed
        for found in outcome.alarms:
            tallies[found].alarms += 1
    return [_row(category, tally) for category, tally in tallies.items() if tally.harmful or tally.alarms]


def _by_category_and_language(outcomes: Sequence[Outcome]) -> list[Row]:
    rows = []
    for lang in sorted({outcome.line.lang or "-" for outcome in outcomes}):
        those = [outcome for outcome in outcomes if (outcome.line.lang or "-") == lang]
        rows += [msgspec.structs.replace(row, group=f"{row.group} {lang}") for row in _by_category(those)]
    return sorted(rows, key=lambda row: row.group)


def _row(group: str, tally: Tally) -> Row:
    return Row(
        group, tally.harmful, tally.found, tally.harmless, tally.alarms,
        tally.recall, tally.precision, tally.f1, tally.false_alarm_rate,
    )  # fmt: skip


def _overlaps(outcomes: Iterable[Outcome], groups: Callable[[Outcome], Iterable[str]]) -> list[Overlap]:
    by_group: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for group in groups(outcome):
            by_group[group].append(outcome)
    overlaps = [_overlap(group, those) for group, those in sorted(by_group.items())]
    return [overlap for overlap in overlaps if overlap.lines]


def _overlap(group: str, outcomes: Iterable[Outcome]) -> Overlap:
    covered, exact, jaccard = [], [], []
    for outcome in outcomes:
        labelled = _labelled_places(outcome.line)
        if not labelled or outcome.missed:
            continue
        expected = set(outcome.line.expect or ())
        places = [set(range(f.start, f.end)) for f in outcome.findings if f.category in expected]
        found = set[int]().union(*places)
        touching = set[int]().union(*(each for each in places if each & labelled))
        covered.append(len(labelled & found) / len(labelled))
        jaccard.append(len(labelled & touching) / len(labelled | touching))
        if found:
            exact.append(len(labelled & found) / len(found))
    return Overlap(group, len(covered), _mean(covered), _mean(exact), _mean(jaccard))


def _confusions(outcomes: Iterable[Outcome]) -> list[Confusion]:
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        beside = outcome.categories - set(outcome.line.expect or ()) - MEASURES
        for missed in outcome.missed:
            counts[missed, ", ".join(sorted(beside)) or NOTHING] += 1
        for alarm in outcome.alarms:
            counts[NOTHING, alarm] += 1
    return [Confusion(*pair, lines) for pair, lines in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def _labelled_places(line: Labelled) -> set[int]:
    """The characters of the judged text in any labelled span; a span of an earlier message has none there."""
    text, places = line.judged, set[int]()
    for span in filter(None, line.spans):
        start = text.find(span)
        while start >= 0:
            places.update(range(start, start + len(span)))
            start = text.find(span, start + len(span))
    return places


def _feelings(outcomes: Iterable[Outcome]) -> list[Feeling]:
    by_language: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.line.expect_sentiment in FEELINGS and outcome.sentiment:
            by_language[outcome.line.lang or "-"].append(outcome)
    feelings = []
    for lang, those in sorted(by_language.items()):
        recall = {}
        for label in FEELINGS:
            of_label = [outcome for outcome in those if outcome.line.expect_sentiment == label]
            if of_label:
                recall[label] = sum(outcome.sentiment == label for outcome in of_label) / len(of_label)
        feelings.append(Feeling(lang, len(those), _mean(recall.values()), recall))
    return feelings


def _verdicts(outcomes: Iterable[Outcome]) -> dict[str, dict[str, int]]:
    counts = {"harmful": Counter[str](), "harmless": Counter[str]()}
    for outcome in outcomes:
        counts["harmful" if outcome.line.expect else "harmless"][outcome.verdict] += 1
    return {kind: {verdict: count[verdict] for verdict in Verdict} for kind, count in counts.items()}


def _comparison(outcomes: Sequence[Outcome], ours: str, against: str) -> Comparison:
    pairs = [(outcome, outcome.other) for outcome in outcomes if outcome.other]
    moved = Counter(f"{one.verdict} -> {other.verdict}" for one, other in pairs if one.verdict is not other.verdict)
    harmful = [pair for pair in pairs if pair[0].line.expect]
    harmless = [pair for pair in pairs if not pair[0].line.expect]
    return Comparison(
        ours, against, dict(moved.most_common()),
        stopped_harmful=_count(harmful, _stopped), stopped_harmless=_count(harmless, _stopped),
        found=_count(harmful, lambda outcome: not outcome.missed),
        alarms=_count(harmless, lambda outcome: bool(outcome.alarms)),
        changes=[_change(one, other) for one, other in pairs if one.right is not other.right],
    )  # fmt: skip


def _count(pairs: Sequence[tuple[Outcome, Outcome]], true: Callable[[Outcome], bool]) -> tuple[int, int]:
    ours, others = zip(*pairs, strict=True) if pairs else ((), ())
    return sum(map(true, ours)), sum(map(true, others))


def _stopped(outcome: Outcome) -> bool:
    return outcome.verdict.rank >= Verdict.NUDGE.rank


def _change(outcome: Outcome, other: Outcome) -> Change:
    line = outcome.line
    return Change(
        line.id, line.lang, line.kind, other.right, sorted(outcome.categories), sorted(other.categories), line.judged
    )


def _fault(outcome: Outcome) -> Fault | None:
    line, missed, alarms = outcome.line, sorted(outcome.missed), sorted(outcome.alarms)
    if missed:
        problem = f"missed {', '.join(missed)}; found {', '.join(sorted(outcome.categories)) or 'nothing'}"
    elif alarms:
        problem = f"false alarm: {', '.join(f'{f.category} by {f.source}' for f in outcome.findings)}"
    elif line.expect_sentiment and outcome.sentiment and outcome.sentiment != line.expect_sentiment:
        problem = f"feels {outcome.sentiment}, not {line.expect_sentiment}"
    else:
        return None
    return Fault(line.id, line.lang, line.kind, problem, missed, alarms, outcome.verdict, line.judged)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(shares: Iterable[float]) -> float | None:
    values = list(shares)
    return sum(values) / len(values) if values else None
