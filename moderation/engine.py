"""The engine: a text and its setting go through every rule and embedded classifier, then the policy decides.

Synchronous and without I/O. A rule or classifier that fails is left out and named in the decision; what its failing
means for the message is the policy's to say.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from time import perf_counter_ns
from typing import Protocol

from moderation.classifiers.conduct import Conduct
from moderation.classifiers.embedded import shipped
from moderation.classifiers.harm import Harm
from moderation.classifiers.language import UNKNOWN, Language
from moderation.classifiers.sentiment import Sentiment
from moderation.classifiers.table import BadWeights
from moderation.judgement import Judgement
from policies.decision import Failing, Failure
from policies.policy import Policy
from rules import catalogue
from rules.meant import addresses, may_defraud, may_insult, may_threaten
from rules.text import Folded, fold
from rules.types import Category, Finding, Rule, Setting

log = logging.getLogger(__name__)

EMBEDDED = ("conduct", "harm", "sentiment", "language")  # as decisions name them where they are absent
# From which score an output of the shipped conduct model is a finding. Stricter than its card, which asks what strangers'
# comments bear: these keep words of trade ("two hoes and a rake") at peace. See docs/judgement.md.
FINDINGS = {"toxicity": 0.95, "insult": 0.88, "hate": 0.9, "threat": 0.98}
# Without these a high score is none: "voy retrasada" insults nobody, and cheese that smells of death threatens nobody.
MEANT: Mapping[str, Callable[[Folded], bool]] = {
    "threat": may_threaten, "insult": may_insult, "toxicity": may_insult,
    "harm.threat": may_threaten, "harm.insult": may_insult, "harm.sexual": addresses, "harm.scam": may_defraud,
}  # fmt: skip

Identify = Callable[[str | Folded, str | None], tuple[str, float]]

_CATEGORIES = frozenset(Category)
_by_place = attrgetter("start", "end")


class Classifier(Protocol):
    """A learned detector: a text in, calibrated scores out, each from 0 to 1.

    ``thresholds`` maps an output that is a category, or ends in one behind a dot, to the score from which it counts as a
    finding.
    """

    name: str
    thresholds: Mapping[str, float]

    def scores(self, text: Folded) -> Mapping[str, float]:
        """The probability of each output."""
        ...


class Feeling(Protocol):
    """How a message feels. A measure, not a finding."""

    def label(self, text: Folded) -> tuple[str, float]:
        """``negative``, ``neutral`` or ``positive``, and how sure it is."""
        ...


class Engine:
    """Judges messages. Immutable after its making, and safe to share between threads.

    A text is folded once, and all that read it are given the folded form. ``identify`` tells its language, given what
    the person usually writes. ``absent`` names the classifiers that should be there and are not: every decision says so.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        classifiers: Sequence[Classifier] = (),
        *,
        sentiment: Feeling | None = None,
        identify: Identify | None = None,
        absent: Sequence[str] = (),
    ) -> None:
        self.rules = tuple(rules)
        self.classifiers = tuple(classifiers)
        self.sentiment = sentiment
        self.identify = identify
        self.absent = tuple(absent)
        self._absent = tuple(Failure("classifiers", name, Failing.ABSENT) for name in absent)

    def judge(self, text: str, setting: Setting, policy: Policy) -> Judgement:
        """The decision about one message and what led to it. Never raises for any text."""
        began = perf_counter_ns()
        failures: list[Failure] = [*self._absent]
        findings: list[Finding] = []
        scores: dict[str, float] = {}
        sentiment, language = None, UNKNOWN
        folded = self._fold(text, failures)
        if folded is not None:
            self._find(folded, setting, findings, failures)
            scores = self._classify(folded, findings, failures)
            sentiment = self._feel(folded, failures)
            language = self._language(folded, setting.language, failures)
        if len(findings) > 1:
            findings.sort(key=_by_place)
        decision = policy.decide(findings, scores, setting, failures, text)
        us = (perf_counter_ns() - began) // 1_000
        return Judgement(decision, scores, sentiment, language, us, tuple(failures))

    def _fold(self, text: str, failures: list[Failure]) -> Folded | None:
        try:
            return fold(text)
        except Exception as crash:
            failures.append(_crashed("rules", "fold", crash))
            return None

    def _find(self, text: Folded, setting: Setting, findings: list[Finding], failures: list[Failure]) -> None:
        for rule in self.rules:
            try:
                found = rule.find(text, setting)
            except Exception as crash:
                failures.append(_crashed("rules", rule.name, crash))
                continue
            for finding in found:
                if 0.0 <= finding.score <= 1.0:
                    findings.append(finding)
                else:
                    failures.append(Failure("rules", rule.name, Failing.NAN))

    def _classify(self, text: Folded, findings: list[Finding], failures: list[Failure]) -> dict[str, float]:
        scores: dict[str, float] = {}
        for classifier in self.classifiers:
            try:
                outputs = classifier.scores(text)
            except Exception as crash:
                failures.append(_crashed("classifiers", classifier.name, crash))
                continue
            if not all(0.0 <= score <= 1.0 for score in outputs.values()):
                failures.append(Failure("classifiers", classifier.name, Failing.NAN))
                continue
            scores.update(outputs)
            for output, least in classifier.thresholds.items():
                score, kind = outputs.get(output, 0.0), output.rpartition(".")[2]
                if score < least or kind not in _CATEGORIES or (output in MEANT and not MEANT[output](text)):
                    continue
                # Where the rules can point at something, an opinion about the whole adds nothing.
                if kind == output or not any(finding.category == kind for finding in findings):
                    findings.append(Finding(Category(kind), score, 0, 0, f"{classifier.name}:{kind}"))
        return scores

    def _feel(self, text: Folded, failures: list[Failure]) -> tuple[str, float] | None:
        if self.sentiment is None:
            return None
        try:
            label, score = self.sentiment.label(text)
        except Exception as crash:
            failures.append(_crashed("classifiers", "sentiment", crash))
            return None
        if not 0.0 <= score <= 1.0:
            failures.append(Failure("classifiers", "sentiment", Failing.NAN))
            return None
        return label, score

    def _language(self, text: Folded, prior: str | None, failures: list[Failure]) -> str:
        if self.identify is None:
            return UNKNOWN
        try:
            return self.identify(text, prior)[0]
        except Exception as crash:
            failures.append(_crashed("classifiers", "language", crash))
            return UNKNOWN


def _crashed(group: str, stage: str, crash: Exception) -> Failure:
    # Not the crash's own words: they may quote a message, and people's words stay out of the log.
    frame = traceback.extract_tb(crash.__traceback__)[-1]
    log.error("%s: %s crashed: %s at %s:%s", group, stage, type(crash).__name__, frame.filename, frame.lineno)
    return Failure(group, stage, Failing.CRASHED)


def default_engine() -> Engine:
    """The engine that ships: every rule of the catalogue, and the embedded classifiers.

    Where their weights are missing or damaged the classifiers are absent, which every decision then says.
    """
    # The word lists are read at the first look: nobody's message shall wait for that, and a broken list stops the start.
    catalogue.check("612 345 678", Setting())
    try:
        embedded = shipped()
    except BadWeights as problem:
        log.error("the embedded classifiers are absent: %s", problem)
        return Engine(catalogue.RULES, absent=EMBEDDED)
    conduct = Conduct(embedded)
    conduct.thresholds = FINDINGS
    return Engine(
        catalogue.RULES, [conduct, Harm(embedded)], sentiment=Sentiment(embedded), identify=Language(embedded).identify
    )  # fmt: skip
