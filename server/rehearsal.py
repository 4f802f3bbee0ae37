"""A policy's own examples, played through the engine."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from moderation.engine import Engine
from policies.decision import Decision
from policies.policy import Clause, Example, Policy


class Played(msgspec.Struct, frozen=True):
    """What became of an example. ``problem`` is empty if it is what the policy's author wanted.

    ``inherited`` tells that the example is another policy's: what this one changes on purpose may well turn it out otherwise.
    """

    clause: str
    example: Example
    decision: Decision
    problem: str
    inherited: bool = False


def rehearse(policy: Policy, engine: Engine) -> Iterator[Played]:
    """Every example of every clause, in their order."""
    for clause in policy.clauses:
        for example in clause.examples:
            decision = engine.judge(example.text, example.setting, policy).decision
            own = policy.name in (clause.origin, *clause.changed_by)
            yield Played(clause.id, example, decision, _problem(clause, example, decision), not own)


def _problem(clause: Clause, example: Example, decision: Decision) -> str:
    """An example of the clause's own verdict must come about by that clause; any other only has to come about."""
    if decision.verdict is not example.verdict:
        return f"the verdict is {decision.verdict}, not {example.verdict}"
    if example.verdict is clause.verdict and clause.id not in decision.clauses:
        return f"the clause did not speak (spoke: {', '.join(decision.clauses) or 'none'})"
    return ""
