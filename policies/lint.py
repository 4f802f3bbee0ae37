"""What is legal in a policy and yet likely not meant."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from policies.decision import Verdict
from policies.policy import Action, Choice, Clause, Policy
from rules.types import Category

# An emoji by itself is no fault; toxicity is only ever a classifier's score.
UNCLAIMED_WITHOUT_HARM = frozenset({Category.EMOJI, Category.TOXICITY})
# Seen in the message as a whole: there are no characters that a mask could cover.
OF_THE_WHOLE_MESSAGE = frozenset({Category.SPAM, Category.TOXICITY})
_FITTING = {
    Action.WAIT: frozenset({Verdict.HOLD}),
    Action.APPEAL: frozenset({Verdict.MASK, Verdict.HOLD, Verdict.BLOCK}),
}


class Remark(msgspec.Struct, frozen=True):
    """Something to look at. ``clause`` is empty where the whole policy is meant."""

    clause: str
    problem: str

    def __str__(self) -> str:
        return f"clause {self.clause!r}: {self.problem}" if self.clause else self.problem


def lint(policy: Policy) -> list[Remark]:
    """Everything about ``policy`` that deserves a second look, in the order of its clauses; empty when all is well."""
    remarks = [remark for clause in policy.clauses for remark in _about(clause, policy)]
    hearing = [clause for clause in policy.clauses if clause.keywords is None]
    heard = frozenset[Category]().union(*(clause.categories for clause in hearing))
    unheard = sorted(frozenset(Category) - heard - UNCLAIMED_WITHOUT_HARM)
    if unheard:
        remarks.append(Remark("", f"no clause is about {', '.join(unheard)}: such findings change nothing"))
    return remarks


def _about(clause: Clause, policy: Policy) -> Iterator[Remark]:
    if clause.verdict is Verdict.MASK:
        yield from _unmaskable(clause, policy)
    if clause.verdict is Verdict.ALLOW:
        yield from _excuses_nothing(clause, policy)
    for earlier in policy.clauses[: clause.order]:
        if _conditions(earlier) == _conditions(clause):
            yield Remark(clause.id, f"has the same conditions as {earlier.id!r}")
    if clause.wording and clause.verdict not in _FITTING.get(clause.wording.action, frozenset(Verdict)):
        yield Remark(clause.id, f"the action {clause.wording.action} does not fit the verdict {clause.verdict}")
    if clause.hold_for_deep and clause.verdict.rank >= Verdict.HOLD.rank:
        yield Remark(clause.id, f"hold_for_deep changes nothing: {clause.verdict} keeps the message back already")


def _unmaskable(clause: Clause, policy: Policy) -> Iterator[Remark]:
    """A mask passes by what is found in the message as a whole; somebody else must hear it."""
    if clause.keywords is not None:
        return  # what they find has its place
    for category in sorted(clause.categories & OF_THE_WHOLE_MESSAGE):
        yield Remark(clause.id, f"cannot mask {category}: it is found in the whole message, not at a place in it")
    for category in sorted(clause.categories - OF_THE_WHOLE_MESSAGE):
        if not any(_hears_the_whole(other, category) for other in policy.clauses):
            yield Remark(
                clause.id,
                f"{category} found in a message as a whole cannot be masked, and no clause hears it: "
                f"add one that flags or holds {category}, or its score",
            )


def _hears_the_whole(clause: Clause, category: Category) -> bool:
    if clause.verdict in (Verdict.ALLOW, Verdict.MASK):
        return False
    return category in clause.categories or any(name.rpartition(".")[2] == category for name, _ in clause.scores)


def _excuses_nothing(clause: Clause, policy: Policy) -> Iterator[Remark]:
    for category in sorted(clause.categories):
        if not any(category in other.categories and other.verdict is not Verdict.ALLOW for other in policy.clauses):
            yield Remark(clause.id, f"excuses {category}, of which no other clause speaks")


def _conditions(clause: Clause) -> tuple[object, ...]:
    choices: tuple[Choice | None, ...] = (
        clause.sender, clause.listing, clause.stage, clause.source, clause.kind, clause.language,
    )  # fmt: skip
    passing = (clause.heat, clause.strikes, clause.hours, clause.account_age_days)
    found = (clause.categories, clause.min_score, clause.count, clause.about, clause.keywords)
    return (*found, clause.audience, frozenset(clause.scores), *choices, *passing)
