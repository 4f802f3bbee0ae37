"""An evaluation as a person reads it: tables with right-aligned digits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from policies.decision import Verdict
from server.evaluation import NOTHING, Comparison, Feeling, Overlap, Report, Row

HEAD = ("", "harmful", "found", "recall", "harmless", "alarms", "alarm rate", "precision", "F1")


def shown(report: Report, errors: bool) -> str:
    """The report as text; with ``errors`` every line that was not judged as it is labelled."""
    blocks = [
        f"{report.policy}: {report.lines} lines, judged in {report.us_p50} µs (p50), {report.us_p99} µs (p99)",
        *_table("by suite", [*report.by_suite, report.total]),
        *_table("by suite and language", report.by_suite_and_language),
        *_table("by language", report.by_language),
        *_table("by category", report.by_category),
        *_table("by category and language", report.by_category_and_language),
        *_table("by kind, where something went wrong", [row for row in report.by_kind if _faulty(row)]),
        *_overlaps(report),
        *_confusions(report),
        *_feelings(report.sentiment),
        *_verdicts(report),
        *(_comparison(report.comparison) if report.comparison else ()),
    ]
    if errors:
        faults = [f"  {f.id or '-'} [{f.verdict}] {f.problem}\n    {f.text!r}" for f in report.faults]
        blocks.append("\n".join(["errors", *faults]))
    return "\n\n".join(blocks)


def _faulty(row: Row) -> bool:
    return row.found < row.harmful or row.alarms > 0


def _table(title: str, rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        yield _aligned([(title, *HEAD[1:]), *(_cells(row) for row in rows)])


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.group, str(row.harmful), str(row.found), _share(row.recall), str(row.harmless), str(row.alarms),
        _share(row.false_alarm_rate), _share(row.precision), _share(row.f1),
    )  # fmt: skip


def _overlaps(report: Report) -> Iterator[str]:
    """What of the labelled characters is covered, what of the covered ones labelled, and both at once."""
    for each in (report.overlap_by_suite_and_language, report.overlap_by_category_and_language):
        if each:
            head = ("spans", "lines", "covered", "exact", "overlap")
            yield _aligned([head, *(_overlap(overlap) for overlap in [*each, report.overlap])])


def _overlap(overlap: Overlap) -> tuple[str, ...]:
    shares = (overlap.covered, overlap.exact, overlap.jaccard)
    return overlap.group, str(overlap.lines), *map(_share, shares)


def _confusions(report: Report) -> Iterator[str]:
    rows = [(f"{each.expected}, found {each.found}", str(each.lines)) for each in report.confusions]
    if rows:
        yield _aligned([("confusions", "lines"), *rows])


def _feelings(feelings: Iterable[Feeling]) -> Iterator[str]:
    rows = [
        (each.lang, str(each.lines), _share(each.macro_recall), *(_share(each.recall.get(label)) for label in _LABELS))
        for each in feelings
    ]
    if rows:
        yield _aligned([("sentiment", "lines", "macro-recall", *_LABELS), *rows])


def _verdicts(report: Report) -> Iterator[str]:
    rows = [(kind, *(str(counts[verdict]) for verdict in Verdict)) for kind, counts in report.verdicts.items()]
    yield _aligned([("verdicts", *Verdict), *rows])


def _comparison(comparison: Comparison) -> Iterator[str]:
    head = ("compared", "found", "alarms", "harmful stopped", "harmless stopped")
    columns = (comparison.found, comparison.alarms, comparison.stopped_harmful, comparison.stopped_harmless)
    ours, theirs = ([str(each[place]) for each in columns] for place in (0, 1))
    yield _aligned([head, (comparison.ours, *ours), (comparison.against, *theirs)])
    if comparison.moved:
        yield _aligned([("verdict changes to", "lines"), *((move, str(n)) for move, n in comparison.moved.items())])
    for lost, title in ((True, f"only {comparison.against} is right"), (False, f"only {comparison.ours} is right")):
        changes = [change for change in comparison.changes if change.lost is lost]
        if changes:
            rows = [
                f"  {each.id or '-'} {', '.join(each.found) or NOTHING} / {', '.join(each.found_by_other) or NOTHING}"
                f"\n    {each.text!r}"
                for each in changes
            ]
            yield "\n".join([f"{title}, {len(changes)} in all; what each found", *rows])


_LABELS = ("negative", "neutral", "positive")


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    first, *others = (max(len(cell) for cell in column) for column in zip(*rows, strict=True))
    return "\n".join(
        "  ".join([row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], others, strict=True))])
        for row in rows
    )
