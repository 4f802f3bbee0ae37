"""A policy: clauses that turn what was seen into what happens, and the words that explain it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from operator import attrgetter

import msgspec

from policies.decision import Behaviour, Decision, Failing, Failure, Mask, Verdict
from policies.mentions import Mentions
from rules.keywords import Keywords
from rules.text import fold
from rules.types import Category, Finding, Role, Setting, Stage

LANGUAGES = ("es", "en", "pt")
OWN = "policy:"  # the source of what a clause finds by its own keywords, before its id
OWN_SCORE = 0.9
REVIEW = "review"  # the queue of a flagged or held message when its clause names no other


class Action(StrEnum):
    """What the author of a message can do now."""

    NONE = ""
    EDIT = "edit"
    WAIT = "wait"
    APPEAL = "appeal"
    SEND_ANYWAY = "send_anyway"


class Reason(msgspec.Struct, frozen=True):
    """Why a message was treated as it was, in one language. ``clause`` is empty for the default words of a verdict."""

    clause: str
    category: str
    message: str
    action: str = ""


class Wording(msgspec.Struct, frozen=True):
    """A reason in every language of ``LANGUAGES``."""

    texts: Mapping[str, str]
    action: Action = Action.NONE


class Choice(msgspec.Struct, frozen=True):
    """Any of ``values``, or with ``excluded`` anything but them (an unknown value included)."""

    values: frozenset[str]
    excluded: bool = False

    def admits(self, value: str | None) -> bool:
        """Whether ``value``, None where it is unknown, is one of those meant."""
        return (value in self.values) is not self.excluded

    def admits_source(self, source: str) -> bool:
        """Like ``admits``, where ``profanity`` also means every ``profanity:...``."""
        known = source in self.values or source.partition(":")[0] in self.values
        return known is not self.excluded


class Hours(msgspec.Struct, frozen=True):
    """From the hour ``start`` up to, and not with, the hour ``end``; past midnight where ``end`` comes first."""

    start: int
    end: int

    def cover(self, hour: int | None) -> bool:
        """Whether ``hour`` is one of them; one that nobody knows is not."""
        if hour is None:
            return False
        if self.start < self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end


class Example(msgspec.Struct, frozen=True):
    """A message that shows what a clause is for: ``verdict`` is what the whole policy must make of it."""

    text: str
    verdict: Verdict
    setting: Setting = Setting()


class Clause(msgspec.Struct, frozen=True):
    """One row of a policy. All of its conditions must hold; a condition that is not given holds.

    ``categories`` are those of the findings it is about; none means that it is about the whole message, by ``scores``.
    ``min_score`` is the least score of a finding, ``count`` the least number of places where one is found. ``sender``,
    ``listing``, ``stage``, ``kind`` and ``language`` speak of the setting, ``source`` of the rule that found. ``about``
    names what must have been found. ``keywords`` are looked for by the clause itself, and it speaks of nothing else.
    ``scores`` are classifiers' outputs with the least value of each. ``heat`` and
    ``strikes`` are the least, ``account_age_days`` the most that there may be, ``hours`` those of the day.

    ``audience`` means readers' roles. A mask covers for them alone, present or still to come; an exception holds if
    every reader is one of them; any other clause speaks if one of the readers is, or if the readers are unknown.

    ``order`` is its place in the policy. ``hold_for_deep``: the relay waits for the deep classifiers. ``queue`` is where
    a person finds the message. ``origin`` names the policy in which it was written, and ``changed_by`` those that have
    changed it since.
    """

    id: str
    verdict: Verdict
    order: int
    categories: frozenset[Category] = frozenset()
    min_score: float = 0.0
    count: int = 1
    sender: Choice | None = None
    audience: frozenset[Role] = frozenset()
    listing: Choice | None = None
    stage: Choice | None = None
    source: Choice | None = None
    scores: tuple[tuple[str, float], ...] = ()
    wording: Wording | None = None
    hold_for_deep: bool = False
    queue: str = REVIEW
    examples: tuple[Example, ...] = ()
    kind: Choice | None = None
    language: Choice | None = None
    about: Mentions | None = None
    heat: float = 0.0
    strikes: int = 0
    account_age_days: int | None = None
    hours: Hours | None = None
    keywords: Keywords | None = None
    origin: str = ""
    changed_by: tuple[str, ...] = ()

    def applies(
        self, sender: Role, stage: Stage, listing: str | None, kind: str | None = None, language: str | None = None
    ) -> bool:
        """Whether the lasting circumstances are those of this clause; the message itself plays no part."""
        return (
            (self.sender is None or self.sender.admits(sender))
            and (self.stage is None or self.stage.admits(stage))
            and (self.listing is None or self.listing.admits(listing))
            and (self.kind is None or self.kind.admits(kind))
            and (self.language is None or self.language.admits(language))
        )

    def timely(self, setting: Setting) -> bool:
        """Whether the passing circumstances are those of this clause. One that nobody knows is not."""
        return (
            setting.heat >= self.heat
            and setting.strikes >= self.strikes
            and (self.hours is None or self.hours.cover(setting.hour))
            and (
                self.account_age_days is None
                or (setting.account_age_days is not None and setting.account_age_days <= self.account_age_days)
            )
        )

    def reached(self, scores: Mapping[str, float]) -> bool:
        """Whether every score is there and high enough. A score that is missing or NaN is not."""
        return all(scores.get(name, -1.0) >= least for name, least in self.scores)

    def heard_by(self, audience: frozenset[Role]) -> bool:
        """Whether these readers are those of the clause."""
        if not self.audience or self.verdict is Verdict.MASK:
            return True
        if self.verdict is Verdict.ALLOW:
            return bool(audience) and audience <= self.audience
        return not audience or not audience.isdisjoint(self.audience)

    def concerns(self, finding: Finding, scores: Mapping[str, float], setting: Setting, text: str = "") -> bool:
        """Whether it speaks of a finding in ``text``; that the lasting circumstances are its own is known already."""
        return (
            self._hears(finding.source)
            and finding.score >= self.min_score
            # A finding about the whole message has no characters that could be covered.
            and (self.verdict is not Verdict.MASK or finding.end > finding.start)
            and (self.source is None or self.source.admits_source(finding.source))
            and (not self.scores or self.reached(scores))
            and self.heard_by(setting.audience)
            and self.timely(setting)
            and (self.about is None or self.about.cover(text, finding))
        )

    def _hears(self, source: str) -> bool:
        """What a clause finds by its own keywords is for that clause alone, and for exceptions."""
        if source.startswith(OWN):
            return self.verdict is Verdict.ALLOW and self.keywords is None or source == OWN + self.id
        return self.keywords is None


class _Plan(msgspec.Struct, frozen=True):
    """The clauses that lasting circumstances leave: exceptions before the rest, then by their order.

    Beside each clause of ``by_scores`` stands its first threshold, which almost every message fails. ``searching`` are those
    with keywords.
    """

    by_category: dict[Category, tuple[Clause, ...]]
    by_scores: tuple[tuple[str, float, Clause], ...]
    searching: tuple[tuple[Clause, Keywords], ...]


class Policy:
    """Clauses, in force together. Immutable and pure: the same findings, scores and setting give the same decision.

    ``version`` identifies the content; ``id`` is ``name@version``. ``defaults`` explains a verdict whose clause says
    nothing itself, ``closed`` is what is said when a failed stage refuses a message. ``failures`` maps a stage, or
    ``rules`` and ``classifiers`` for those not named, to its behaviour for each way of failing. ``deadline_ms`` is how
    long the relay waits for the deep classifiers. ``time_zone`` is an IANA name. ``sources`` holds the files that it was
    made of, each by its name, the base of all first and its own last; ``off`` the clauses of a base that are not in force,
    each with the policy that says so.
    """

    def __init__(
        self,
        name: str,
        version: str,
        clauses: Iterable[Clause],
        *,
        defaults: Mapping[Verdict, Wording],
        closed: Wording,
        failures: Mapping[str, Mapping[Failing, Behaviour]],
        deadline_ms: int = 0,
        description: str = "",
        time_zone: str = "UTC",
        sources: tuple[tuple[str, str], ...] = (),
        off: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.name = name
        self.version = version
        self.id = f"{name}@{version}"
        self.clauses = tuple(clauses)
        self.defaults = defaults
        self.closed = closed
        self.failures = failures
        self.deadline_ms = deadline_ms
        self.description = description
        self.time_zone = time_zone
        self.sources = sources
        self.off = off
        self._by_id = {clause.id: clause for clause in self.clauses}
        self._listings = _named(clause.listing for clause in self.clauses)
        self._kinds = _named(clause.kind for clause in self.clauses)
        self._languages = _named(clause.language for clause in self.clauses)
        ranking = sorted(self.clauses, key=lambda clause: (-clause.verdict.rank, clause.order))
        self._strength = {clause.order: place for place, clause in enumerate(ranking)}
        self._plans: dict[tuple[Role, Stage, str | None, str | None, str | None], _Plan] = {}
        self._clean = Decision(Verdict.ALLOW, self.id)

    def decide(
        self,
        findings: Sequence[Finding],
        scores: Mapping[str, float],
        setting: Setting,
        failures: Sequence[Failure] = (),
        text: str = "",
    ) -> Decision:
        """What happens to a message in which ``findings`` were seen. Without its ``text`` no clause with ``about`` speaks.

        Where clauses have keywords they are looked for in the text, whatever of this kind is among the findings: that may
        be another policy's. Without the text they are taken from there.

        An ``allow`` clause excuses the findings that it is about, each for itself and no other. All other clauses then
        speak of what is not excused; the strongest gives the verdict, each mask clause its masks. A failed stage makes
        the verdict at least ``hold`` or ``block`` where the policy says so.
        """
        plan = self._plan(setting)
        if plan.searching or (findings and any(finding.source.startswith(OWN) for finding in findings)):
            findings = _with_own(findings, plan.searching, text)
        heard: dict[int, list[Finding]] = {}
        for finding in findings:
            for clause in plan.by_category.get(finding.category, ()):
                if clause.concerns(finding, scores, setting, text):
                    heard.setdefault(clause.order, []).append(finding)
                    if clause.verdict is Verdict.ALLOW:
                        break
        spoke = [order for order, seen in heard.items() if _places(seen) >= self.clauses[order].count]
        for name, least, clause in plan.by_scores:
            if (
                scores.get(name, -1.0) >= least
                and clause.reached(scores)
                and clause.heard_by(setting.audience)
                and clause.timely(setting)
            ):
                spoke.append(clause.order)
        if not spoke and not findings and not failures:
            return self._clean
        spoke.sort(key=self._strength.__getitem__)
        clauses = [self.clauses[order] for order in spoke]
        verdict = clauses[0].verdict if clauses else Verdict.ALLOW
        degraded = []
        for failure in failures:
            behaviour = self.behaviour(failure)
            degraded.append(f"{failure.stage}:{failure.failing}:{behaviour}")
            verdict = max(verdict, _AT_LEAST[behaviour], key=_rank)
        return Decision(
            verdict,
            self.id,
            findings=tuple(findings),
            clauses=tuple([clause.id for clause in clauses]),
            masks=_masks(clauses, heard),
            degraded=tuple(degraded),
        )

    def clause(self, id: str) -> Clause | None:
        """The clause of that id, if there is one in force."""
        return self._by_id.get(id)

    @cached_property
    def asks_the_hour(self) -> bool:
        """Whether any clause speaks of the hour of the day, so that somebody must look at the clock."""
        return any(clause.hours for clause in self.clauses)

    def behaviour(self, failure: Failure) -> Behaviour:
        """What the policy says about a failed stage, by its own name or by its group."""
        return self.failures.get(failure.stage, self.failures[failure.group])[failure.failing]

    def reasons(self, decision: Decision, lang: str | None) -> tuple[Reason, ...]:
        """What the author of a message is told about a decision; empty when there is nothing to tell.

        ``lang`` is a language tag (``pt-BR`` counts as ``pt``); English where it is none of ours. Clauses of an older
        version that are gone give the default words of the verdict. ``allow`` is silent, and ``flag`` unless its clause
        has words.
        """
        language = _language(lang)
        told: dict[str, Reason] = {}
        spoke = [self._by_id[id] for id in decision.clauses if id in self._by_id]
        failed = [
            (stage, self._wording_of_failure(behaviour, decision.verdict)) for stage, behaviour in _stages(decision)
        ]
        if not any(wording for _, wording in failed) and not any(
            clause.verdict is decision.verdict for clause in spoke
        ):
            # A person may come to another verdict than the clause gives: then its words do not fit, but it is still the ground.
            ground = spoke[0] if spoke and not decision.degraded else None
            about = (ground.id, _category(ground, decision)) if ground is not None else ("", "")
            _tell(told, *about, self.defaults.get(decision.verdict), language)
        for clause in spoke:
            if _worth_telling(clause.verdict, decision.verdict):
                wording = clause.wording or self.defaults.get(clause.verdict)
                _tell(told, clause.id, _category(clause, decision), wording, language)
        for stage, words in failed:
            _tell(told, stage, "", words, language)
        return tuple(told.values())

    def _wording_of_failure(self, behaviour: str, decided: Verdict) -> Wording | None:
        if behaviour == Behaviour.CLOSED and decided is Verdict.BLOCK:
            return self.closed
        if behaviour == Behaviour.HOLD and decided is Verdict.HOLD:
            return self.defaults[Verdict.HOLD]
        return None

    def queue(self, decision: Decision) -> str:
        """Where a person finds a flagged or held message: the queue of the strongest clause that names one."""
        for clause in (self._by_id[id] for id in decision.clauses if id in self._by_id):
            if clause.queue != REVIEW:
                return clause.queue
        return REVIEW

    def deep_deadline_ms(self, decision: Decision) -> int:
        """How long the relay waits for the deep classifiers with this message; 0: it does not wait."""
        waits = any(self._by_id[id].hold_for_deep for id in decision.clauses if id in self._by_id)
        return self.deadline_ms if waits and decision.verdict.rank < Verdict.HOLD.rank else 0

    def _plan(self, setting: Setting) -> _Plan:
        # Listings are the platform's words, without end; only those that a clause names can make a difference.
        key = (
            setting.sender,
            setting.stage,
            setting.listing if setting.listing in self._listings else None,
            setting.kind if setting.kind in self._kinds else None,
            setting.language if setting.language in self._languages else None,
        )
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._planned(*key)
        return plan

    def _planned(
        self, sender: Role, stage: Stage, listing: str | None, kind: str | None, language: str | None
    ) -> _Plan:
        clauses = [clause for clause in self.clauses if clause.applies(sender, stage, listing, kind, language)]
        clauses.sort(key=lambda clause: (clause.verdict is not Verdict.ALLOW, clause.order))
        about = {category: tuple(one for one in clauses if category in one.categories) for category in Category}
        return _Plan(
            by_category={category: those for category, those in about.items() if those},
            by_scores=tuple((*clause.scores[0], clause) for clause in clauses if not clause.categories),
            searching=tuple((clause, clause.keywords) for clause in clauses if clause.keywords is not None),
        )


_rank = attrgetter("rank")
_by_place = attrgetter("start", "end", "audience")
_by_stretch = attrgetter("start", "end")
_AT_LEAST = {Behaviour.OPEN: Verdict.ALLOW, Behaviour.HOLD: Verdict.HOLD, Behaviour.CLOSED: Verdict.BLOCK}


def _with_own(
    findings: Sequence[Finding], searching: Sequence[tuple[Clause, Keywords]], text: str
) -> Sequence[Finding]:
    """The findings of the rules and classifiers, and in place of those by keywords what these clauses find in ``text``."""
    if not text:
        known = {OWN + clause.id for clause, _ in searching}
        return [one for one in findings if not one.source.startswith(OWN) or one.source in known]
    found = [one for one in findings if not one.source.startswith(OWN)]
    if searching:
        folded = fold(text)
        for clause, keywords in searching:
            (category,) = clause.categories
            found += [Finding(category, OWN_SCORE, *place, OWN + clause.id) for place in keywords.find(folded)]
        found.sort(key=_by_stretch)
    return found


def _named(choices: Iterable[Choice | None]) -> frozenset[str]:
    return frozenset[str]().union(*(choice.values for choice in choices if choice))


def _places(findings: Sequence[Finding]) -> int:
    return 1 if len(findings) == 1 else len({(finding.start, finding.end) for finding in findings})


def _masks(clauses: Iterable[Clause], heard: Mapping[int, Sequence[Finding]]) -> tuple[Mask, ...]:
    """What the mask clauses cover, in order of its place; masks of one audience are joined where they touch."""
    masks = [
        (tuple(sorted(clause.audience)), finding.start, finding.end)
        for clause in clauses
        if clause.verdict is Verdict.MASK
        for finding in heard[clause.order]
    ]
    joined: list[Mask] = []
    for audience, start, end in sorted(masks):
        last = joined[-1] if joined else None
        if last is not None and last.audience == audience and start <= last.end:
            joined[-1] = Mask(last.start, max(last.end, end), audience)
        else:
            joined.append(Mask(start, end, audience))
    joined.sort(key=_by_place)
    return tuple(joined)


def _language(lang: str | None) -> str:
    primary = (lang or "").replace("_", "-").partition("-")[0].lower()
    return primary if primary in LANGUAGES else "en"


def _worth_telling(spoken: Verdict, decided: Verdict) -> bool:
    """Whether a clause's words still fit: a blocked message hid no word, a sent one needs no second thought."""
    return spoken is decided or spoken is Verdict.FLAG or (spoken is Verdict.MASK and decided is Verdict.HOLD)


def _tell(told: dict[str, Reason], clause: str, category: str, wording: Wording | None, language: str) -> None:
    """Adds a reason to those told by their words, so that nobody reads the same words twice."""
    if wording is not None:
        message = wording.texts[language]
        told.setdefault(message, Reason(clause, category, message, wording.action))


def _category(clause: Clause, decision: Decision) -> str:
    """What a clause was about in this decision: the category of its findings, or the name of its first score.

    A decision that was cut down to its clauses has no findings; a clause about one category needs none.
    """
    for finding in decision.findings:
        if finding.category in clause.categories and finding.score >= clause.min_score:
            return finding.category
    if len(clause.categories) == 1:
        return next(iter(clause.categories))
    return clause.scores[0][0] if clause.scores else ""


def _stages(decision: Decision) -> list[tuple[str, str]]:
    """The failed stages of a decision and what was done instead."""
    return [(entry.partition(":")[0], entry.rpartition(":")[2]) for entry in decision.degraded]
