"""A draft beside the policy in force, on what is being said: it decides again from what was found, and only counts."""

from __future__ import annotations

import logging

import msgspec

from moderation.hour import hour_of
from moderation.judgement import Judgement
from policies.comparison import Tally
from policies.policy import Policy
from rules.types import Setting

logger = logging.getLogger("tertulia.policies")


class Shadow:
    """One draft on trial, as this node sees it. ``changed`` tells whether there is something to be stored."""

    def __init__(self, tenant: str, trial: str, policy: Policy) -> None:
        self.tenant = tenant
        self.trial = trial
        self.policy = policy
        self.tally = Tally()
        self.changed = False

    def see(
        self, text: str, setting: Setting, judged: Judgement, *, message: str, conversation: str, revision: int, at: int
    ) -> None:
        """Compare what was decided with what the draft would have; a few microseconds, and never in anybody's way.

        ``message`` is empty for one that is not stored, which is counted alone.
        """
        try:
            decided = judged.decision
            hour = hour_of(self.policy, at)
            if hour != setting.hour:
                setting = msgspec.structs.replace(setting, hour=hour)
            after = self.policy.decide(decided.findings, judged.scores, setting, judged.failures, text)
            self.tally.add(
                decided, after, message=message, conversation=conversation, revision=revision, at=at,
                role=setting.sender, language=judged.language,
            )  # fmt: skip
            self.changed = True
        except Exception as problem:
            # A draft is on trial here, and nobody's message may suffer for it.
            logger.error("a shadow failed: %s", type(problem).__name__)
