"""What is written differently in two policies, clause by clause and key by key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from policies.policy import Choice, Clause, Policy, Wording
from rules.keywords import Keywords

_NOT_COMPARED = frozenset({"id", "order", "origin", "changed_by"})


class Difference(msgspec.Struct, frozen=True):
    """Something that differs. ``clause`` is empty for what is said of the whole policy; ``key`` for a clause as a whole.

    ``before`` and ``after`` are as a person would write them, empty where there is nothing.
    """

    clause: str
    key: str
    before: str
    after: str

    def __str__(self) -> str:
        where = ".".join(part for part in (self.clause, self.key) if part)
        return f"{where}: {self.before or 'nothing'} -> {self.after or 'nothing'}"


def differences(before: Policy, after: Policy) -> list[Difference]:
    """What ``after`` says otherwise than ``before``, in the order of its clauses; what it leaves out comes last."""
    found = list(_of_the_whole(before, after))
    for clause in after.clauses:
        earlier = before.clause(clause.id)
        if earlier is None:
            found.append(Difference(clause.id, "", "", _summary(clause)))
        else:
            found += _of_clause(earlier, clause)
    for clause in before.clauses:
        if after.clause(clause.id) is None:
            found.append(Difference(clause.id, "", _summary(clause), ""))
    return found


def _of_the_whole(before: Policy, after: Policy) -> Iterator[Difference]:
    for key in ("name", "description", "time_zone", "deadline_ms"):
        if getattr(before, key) != getattr(after, key):
            yield Difference("", key, str(getattr(before, key)), str(getattr(after, key)))
    for verdict in sorted(before.defaults.keys() | after.defaults.keys()):
        yield from _words(f"reason.{verdict}", before.defaults.get(verdict), after.defaults.get(verdict))
    yield from _words("reason.closed", before.closed, after.closed)
    for stage in sorted(before.failures.keys() | after.failures.keys()):
        was, is_now = before.failures.get(stage), after.failures.get(stage)
        if was != is_now:
            yield Difference("", f"failure.{stage}", _shown(was), _shown(is_now))


def _words(key: str, before: Wording | None, after: Wording | None) -> Iterator[Difference]:
    if before != after:
        yield Difference("", key, _shown(before), _shown(after))


def _of_clause(before: Clause, after: Clause) -> Iterator[Difference]:
    for name in (field.name for field in msgspec.structs.fields(Clause)):
        was, is_now = getattr(before, name), getattr(after, name)
        if name == "examples" and was != is_now:
            yield Difference(after.id, "example", _number(len(was)), _number(len(is_now)))
        elif name not in _NOT_COMPARED and was != is_now:
            yield Difference(
                after.id, {"wording": "reason", "categories": "category"}.get(name, name), _shown(was), _shown(is_now)
            )


def _summary(clause: Clause) -> str:
    about = ", ".join(sorted(clause.categories)) or ", ".join(f"{name} >= {least:g}" for name, least in clause.scores)
    return f"{clause.verdict} {about}"


def _number(examples: int) -> str:
    return f"{examples} example{'s' if examples != 1 else ''}" if examples else ""


def _shown(value: Any) -> str:
    match value:
        case None | "" | () | 0 | 0.0 | False:
            return ""
        case Wording():
            action = f" [{value.action}]" if value.action else ""
            return " / ".join(f"{language}: {text}" for language, text in value.texts.items()) + action
        case Choice():
            return ("not " if value.excluded else "") + ", ".join(sorted(value.values))
        case frozenset():
            return ", ".join(sorted(value))
        case dict():
            return ", ".join(f"{key} {one}" for key, one in value.items())
        case Keywords():
            return ", ".join((*value.words, *(f"/{pattern}/" for pattern in value.patterns)))
        case tuple():
            return "; ".join(_shown(one) for one in value)
        case msgspec.Struct():
            fields = {name: getattr(value, name) for name in value.__struct_fields__}
            return ", ".join(f"{name} {_shown(one)}" for name, one in fields.items() if _shown(one))
        case _:
            return str(value)
