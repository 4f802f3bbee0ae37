"""The same evidence before a policy again: what was decided then, what the same policy says, and what today's does."""

from __future__ import annotations

from policies.decision import Decision, Evidence, Failing, Failure
from policies.policy import Policy
from rules.types import Setting


def replayed(decision: Decision, text: str, policy: Policy, fallback: Setting) -> Decision:
    """What ``policy`` makes of what was found then. ``fallback`` are the circumstances where none were kept."""
    evidence = decision.evidence or Evidence()
    again = policy.decide(
        decision.findings, evidence.scores, evidence.setting or fallback, _failures(decision, policy), text
    )
    return again


def _failures(decision: Decision, policy: Policy) -> list[Failure]:
    """The stages that gave no answer then; what they did to the message is the policy's to say anew."""
    failures = []
    for one in decision.degraded:
        stage, _, rest = one.partition(":")
        failing = rest.partition(":")[0]
        if failing in set(Failing):
            # Only the classifiers' stages are named in a policy by themselves; all else is the rules'.
            group = "classifiers" if stage in policy.failures or stage in _CLASSIFIERS else "rules"
            failures.append(Failure(group, stage, Failing(failing)))
    return failures


_CLASSIFIERS = frozenset({"conduct", "sentiment", "language", "detoxify"})
