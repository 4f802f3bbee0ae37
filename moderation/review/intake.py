"""What a message is put before people for: the decision about it, in the words of the queue."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from moderation.review.priority import due_at
from moderation.review.severity import Severity, of_category, of_decision, of_reason
from policies.decision import Decision, Evidence, Verdict
from policies.policy import Policy
from rules.types import Category, Setting
from storage.values import Case

_CATEGORIES = frozenset(Category)


def recorded(decision: Decision, scores: dict[str, float], language: str, setting: Setting) -> Decision:
    """A decision as it is kept: where anything was found, with all that is needed to judge again what was judged.

    Of a message in which nothing was found nothing is kept: it would cost each message more than its words.
    """
    if not decision.findings and not decision.clauses and not decision.degraded:
        return decision
    evidence = Evidence(scores, language, msgspec.structs.replace(setting, recent=()))
    return msgspec.structs.replace(decision, evidence=evidence)


def case_of(
    decision: Decision, policy: Policy, *, at: int, reach: int, language: str = "", appealed: bool = False
) -> Case:
    """How a decided message enters the queue. ``reach`` is how many others have received it."""
    categories = categories_of(decision, policy)
    severity = of_decision(categories, decision.verdict)
    held = decision.verdict is Verdict.HOLD
    return Case(
        queue=policy.queue(decision), severity=severity, categories=categories, clauses=decision.clauses,
        language=language, policy=decision.policy, degraded=bool(decision.degraded), reach=reach,
        due_at=due_at(at, severity, reach=reach, held=held, appealed=appealed),
    )  # fmt: skip


def reported_case(decision: Decision, policy: Policy, reasons: Sequence[str], weights: float, *, at: int, reach: int,
                  language: str = "") -> Case:  # fmt: skip
    """How a reported message enters the queue: what its reporters allege, by what their word weighs."""
    categories = categories_of(decision, policy)
    alleged = max((of_reason(one) for one in reasons), default=Severity.LOW)
    severity = max(alleged, *(of_category(one) for one in categories), Severity.LOW)
    return Case(
        queue=policy.queue(decision), severity=severity, categories=categories, clauses=decision.clauses,
        language=language, policy=decision.policy, degraded=bool(decision.degraded), reach=reach,
        due_at=due_at(at, severity, reach=reach, reports=weights),
    )  # fmt: skip


def categories_of(decision: Decision, policy: Policy) -> tuple[str, ...]:
    """The categories that the clauses which spoke are about, as far as they were found; in the order of the clauses."""
    found = {str(finding.category) for finding in decision.findings}
    told: dict[str, None] = {}
    for id in decision.clauses:
        clause = policy.clause(id)
        if clause is None or clause.verdict is Verdict.ALLOW:
            continue
        told.update(dict.fromkeys(sorted(found & {str(one) for one in clause.categories})))
        for name, _ in clause.scores:
            output = name.rpartition(".")[2]
            if output in _CATEGORIES:
                told[output] = None
    return tuple(told) or tuple(sorted(found))
