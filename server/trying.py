"""Two policies compared from the shell: what is written differently, and what would become of messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from moderation.backtest import Progress, Task, compare, run
from moderation.engine import Engine
from moderation.traffic import Said, Traffic
from policies.comparison import Change, Tally
from policies.policy import Clause, Policy
from server.check import printable
from server.line import BrokenLine, Line, read

_KINDS = tuple(Change)
_lines = msgspec.json.Decoder(Line)


def on_file(
    lines: Iterable[bytes], live: Policy, draft: Policy, engine: Engine, broken: Callable[[BrokenLine], None]
) -> Tally:
    """Every line of a file judged by both policies. What is no line is told to ``broken`` and left out."""
    tally = Tally()
    for _ in compare(_said(lines, broken), live, draft, engine, tally):
        pass
    return tally


def on_database(
    url: str, traffic: Traffic, live: Policy, draft: Policy, judged: bool, progress: Callable[[Progress], None]
) -> Tally:
    """Every message of a tenant that is stored. Raises SQLAlchemyError."""
    tally = Tally()
    for step in run(Task(url, traffic, live.sources, draft.sources, judged)):
        progress(step)
        tally = step.tally
    return tally


def resolved(policy: Policy) -> Iterator[str]:
    """A policy clause by clause, with where each comes from."""
    width = max(len(clause.id) for clause in policy.clauses)
    for clause in policy.clauses:
        yield f"{clause.verdict:6} {clause.id:{width}}  {_origin(clause)}"
    for id, by in policy.off:
        yield f"{'off':6} {id:{width}}  by {by}"


def shown(tally: Tally, live: Policy, draft: Policy, samples: int) -> str:
    """A comparison as a person reads it."""
    changed = sum(tally.changes.values())
    rows = [f"{draft.id} against {live.id}: {tally.messages} messages, {changed} of them changed", ""]
    rows += [f"{kind:9} {tally.changes.get(kind, 0):7}" for kind in _KINDS]
    if tally.last_at:
        before, after = (waiting / tally.days for waiting in tally.review)
        rows += ["", f"to review {before:7.1f} a day -> {after:.1f} a day, over {tally.days:.0f} days"]
    else:
        rows += ["", f"to review {tally.review[0]:7} -> {tally.review[1]}"]
    for title, counts in (("clause", tally.clauses), ("language", tally.languages), ("role", tally.roles)):
        rows += _table(title, counts)
    for kind in _KINDS if samples else ():
        for sample in tally.samples.get(kind, [])[:samples]:
            said = f": {printable(sample.text)!r}" if sample.text else ""
            rows.append(f"{kind:9} {sample.message} {sample.before} -> {sample.after}{said}")
    return "\n".join(rows)


def _table(title: str, counts: dict[str, dict[str, int]]) -> list[str]:
    changed = {name: count for name, count in counts.items() if set(count) - {""}}
    if not changed:
        return []
    width = max(len(title), *(len(name) for name in changed))
    rows = ["", f"{title:{width}} " + " ".join(f"{kind:>9}" for kind in _KINDS)]
    ordered: Sequence[tuple[str, dict[str, int]]] = sorted(changed.items(), key=lambda one: -_changes(one[1]))
    return rows + [
        f"{name or '-':{width}} " + " ".join(f"{count.get(kind, 0):9}" for kind in _KINDS) for name, count in ordered
    ]


def _changes(counts: dict[str, int]) -> int:
    return sum(count for kind, count in counts.items() if kind)


def _origin(clause: Clause) -> str:
    return f"from {clause.origin}" + (f", changed by {', '.join(clause.changed_by)}" if clause.changed_by else "")


def _said(lines: Iterable[bytes], broken: Callable[[BrokenLine], None]) -> Iterator[Said]:
    for number, raw in enumerate(lines, 1):
        try:
            line = read(raw, number, _lines)
        except BrokenLine as problem:
            broken(problem)
        else:
            # Without an id of its own a line is looked up by its number; either way its words come along.
            yield Said(str(line.id if line.id is not None else number), "", 0, 0, line.judged, line.setting)
