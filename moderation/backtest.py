"""A draft on what was said: for every message, what is in force and the draft decide side by side.

From what is stored (findings, scores, circumstances) where that is enough; with scores measured anew where clauses about
scores differ, because those of ordinary messages are not kept; and from the words alone where it is asked for. Runs in a
process of its own, ``python -m moderation.backtest``, so that nobody's chat waits for it: a task as JSON on its input, lines
of progress as JSON on its output. Memory does not grow with the number of messages.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from moderation.hour import hour_of
from moderation.traffic import Said, Traffic
from policies.comparison import Tally
from policies.decision import Decision
from policies.load import from_sources
from policies.policy import Policy
from rules.types import Setting
from storage.database import looking

if TYPE_CHECKING:
    from moderation.engine import Engine

TOLD_SECONDS = 0.5  # between two lines of progress
KINDER = 10  # how much the process gives way to those that serve


class Task(msgspec.Struct, frozen=True):
    """What to try on what. ``judged`` has every text judged anew, whatever is stored about it: rules have changed."""

    url: str
    traffic: Traffic
    live: tuple[tuple[str, str], ...]
    draft: tuple[tuple[str, str], ...]
    judged: bool = False


class Progress(msgspec.Struct, frozen=True):
    """How far it is: messages looked at, of how many, those without words left out, and what was counted."""

    done: int
    of: int
    unread: int
    finished: bool
    tally: Tally


def needs_words(live: Policy, draft: Policy) -> bool:
    """Whether stored findings do not tell the whole difference: scores are stored only of what was found to be something."""
    return _by_score(live) != _by_score(draft)


def compare(
    said: Iterable[Said], live: Policy, draft: Policy, engine: Engine | None, tally: Tally, *, anew: bool = True
) -> Iterator[bool]:
    """Counts each message in ``tally``; yields whether it could be: without an engine by what is stored, else by its words.

    With ``anew`` false the engine only measures scores, and what the rules found is taken from what is stored.
    """
    for one in said:
        if engine is None:
            yield _from_stored(one, live, draft, tally)
        elif one.text is None:
            yield False
        elif not anew and one.decision is not None:
            _with_scores(one, one.text, one.decision, live, draft, engine, tally)
            yield True
        else:
            _from_words(one, one.text, live, draft, engine, tally)
            yield True


def _from_stored(one: Said, live: Policy, draft: Policy, tally: Tally) -> bool:
    decision = one.decision
    if decision is None:
        return False
    evidence = decision.evidence
    scores = evidence.scores if evidence is not None else {}
    text, setting = one.text or "", one.setting
    before = live.decide(decision.findings, scores, _at_hour(one, live), text=text)
    after = draft.decide(decision.findings, scores, _at_hour(one, draft), text=text)
    tally.add(
        before, after, message=one.message, conversation=one.conversation, revision=one.revision, at=one.at,
        role=setting.sender, language=one.language or setting.language or "",
    )  # fmt: skip
    return True


def _with_scores(
    one: Said, text: str, decision: Decision, live: Policy, draft: Policy, engine: Engine, tally: Tally
) -> None:
    measured = {classifier.name for classifier in engine.classifiers}
    seen = [finding for finding in decision.findings if finding.source.partition(":")[0] not in measured]
    judged = engine.judge(text, _at_hour(one, live), live)
    findings = (*seen, *judged.decision.findings)
    before = live.decide(findings, judged.scores, _at_hour(one, live), judged.failures, text)
    after = draft.decide(findings, judged.scores, _at_hour(one, draft), judged.failures, text)
    tally.add(
        before, after, message=one.message, conversation=one.conversation, revision=one.revision, at=one.at,
        role=one.setting.sender, language=one.language or one.setting.language or "",
    )  # fmt: skip


def _from_words(one: Said, text: str, live: Policy, draft: Policy, engine: Engine, tally: Tally) -> None:
    judged = engine.judge(text, _at_hour(one, live), live)
    after = draft.decide(judged.decision.findings, judged.scores, _at_hour(one, draft), judged.failures, text)
    tally.add(
        judged.decision, after, message=one.message, conversation=one.conversation, revision=one.revision, at=one.at,
        role=one.setting.sender, language=one.language or judged.language, text="" if one.conversation else text,
    )  # fmt: skip


def _at_hour(one: Said, policy: Policy) -> Setting:
    hour = hour_of(policy, one.at) if one.at else one.setting.hour
    return one.setting if hour == one.setting.hour else msgspec.structs.replace(one.setting, hour=hour)


def _by_score(policy: Policy) -> frozenset[object]:
    return frozenset(
        (clause.id, clause.verdict, clause.scores, clause.heat) for clause in policy.clauses if clause.scores
    )


def run(task: Task) -> Iterator[Progress]:
    """Carry a task out; the last progress is the finished one. Raises SQLAlchemyError, PolicyError."""
    live, draft = from_sources(task.live), from_sources(task.draft)
    judge: Engine | None = None
    if task.judged or needs_words(live, draft):
        from moderation.engine import Engine, default_engine

        whole = default_engine()
        # No policy decides by the feeling, and the language is noted with the message.
        judge = Engine(whole.rules if task.judged else (), whole.classifiers)
    tally, done, unread, told = Tally(), 0, 0, time.monotonic()
    with looking(task.url) as connection:
        of = task.traffic.count(connection)
        yield Progress(0, of, 0, False, tally)
        for counted in compare(task.traffic.read(connection), live, draft, judge, tally, anew=task.judged):
            done += 1
            unread += not counted
            if time.monotonic() - told > TOLD_SECONDS:
                told = time.monotonic()
                yield Progress(done, of, unread, False, tally)
    yield Progress(done, done, unread, True, tally)


def main() -> None:
    """The process: one task in, progress out."""
    os.nice(KINDER)
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    encode, out = msgspec.json.Encoder().encode, sys.stdout.buffer
    for progress in run(task):
        out.write(encode(progress) + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
