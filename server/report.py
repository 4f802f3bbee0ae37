"""An evaluation as a person reads it: tables with right-aligned digits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from policies.decision import Verdict
from server.evaluation import Comparison, Feeling, Report, Row

HEAD = ("", "harmful", "found", "recall", "harmless", "alarms", "alarm rate", "precision", "F1")


def shown(report: Report, errors: bool) -> str:
    """The report as text; with ``errors`` every line that was not judged as it is labelled."""
    blocks = [
        f"{report.policy}: {report.lines} lines, judged in {report.us_p50} µs (p50), {report.us_p99} µs (p99)",
        *_table("by suite", [*report.by_suite, report.total]),
        *_table("by suite and language", report.by_suite_and_language),
        *_table("by language", report.by_language),
        *_table("by category", report.by_category),
        *_table("by kind, where something went wrong", [row for row in report.by_kind if _faulty(row)]),
        *_overlap(report),
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


def _overlap(report: Report) -> Iterator[str]:
    if report.overlap.lines:
        yield (
            f"span overlap over {report.overlap.lines} lines: {_share(report.overlap.covered)} of the labelled "
            f"characters covered, {_share(report.overlap.exact)} of the found characters labelled"
        )


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
    (harmful, harmful_against), (harmless, harmless_against) = comparison.stopped_harmful, comparison.stopped_harmless
    yield _aligned([
        ("nudged, masked, held or blocked", "harmful", "harmless"),
        (comparison.policy, str(harmful), str(harmless)),
        (comparison.against, str(harmful_against), str(harmless_against)),
    ])  # fmt: skip
    if comparison.moved:
        yield _aligned([("verdict changes to", "lines"), *((move, str(n)) for move, n in comparison.moved.items())])


_LABELS = ("negative", "neutral", "positive")


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    first, *others = (max(len(cell) for cell in column) for column in zip(*rows, strict=True))
    return "\n".join(
        "  ".join([row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], others, strict=True))])
        for row in rows
    )
