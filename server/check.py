"""Judging without a chat: the answer to one text or one line, for programs and for people."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

import msgspec

from moderation.engine import Engine
from moderation.judgement import Judgement
from policies.policy import Policy
from rules.types import Finding, Setting
from server.line import BrokenLine, Line, read

DIGITS = 4  # of a score
SOURCE_CHARACTERS = 48  # of a finding's source, where a person reads it: a phrase can be long


class FindingView(msgspec.Struct, frozen=True):
    """A finding with the words that it is about; ``start`` and ``end`` index the text that was judged."""

    category: str
    score: float
    start: int
    end: int
    source: str
    excerpt: str


class SentimentView(msgspec.Struct, frozen=True):
    """How a message feels, and how sure that is."""

    label: str
    score: float


class Checked(msgspec.Struct, frozen=True):
    """What became of one line. ``categories`` is all that was found, whatever the policy makes of it."""

    id: str | int | None
    verdict: str
    categories: list[str]
    findings: list[FindingView]
    scores: dict[str, float]
    sentiment: SentimentView | None
    lang: str
    policy: str
    us: int


class ErrorView(msgspec.Struct, frozen=True):
    """What is wrong, for programs and for people."""

    code: str
    message: str


class Failed(msgspec.Struct, frozen=True):
    """The answer to a line that could not be judged; ``line`` counts from 1."""

    line: int
    error: ErrorView


_lines = msgspec.json.Decoder(Line)


def check(line: Line, engine: Engine, policy: Policy) -> Checked:
    """The answer to one line."""
    text = line.judged
    return checked(line.id, text, engine.judge(text, line.setting, policy))


def checked(id: str | int | None, text: str, judgement: Judgement) -> Checked:
    """A judgement as it is written out."""
    findings = judgement.decision.findings
    return Checked(
        id=id,
        verdict=judgement.decision.verdict,
        categories=sorted({finding.category for finding in findings}),
        findings=[_view(finding, text) for finding in findings],
        scores={name: round(score, DIGITS) for name, score in judgement.scores.items()},
        sentiment=_sentiment(judgement),
        lang=judgement.language,
        policy=judgement.decision.policy,
        us=judgement.us,
    )


def check_lines(lines: Iterable[bytes], engine: Engine, policy: Policy) -> Iterator[Checked | Failed]:
    """One answer a line, in their order. A broken line gets an error and the rest goes on."""
    for number, raw in enumerate(lines, 1):
        try:
            line = read(raw, number, _lines)
        except BrokenLine as broken:
            yield Failed(number, ErrorView(broken.code, broken.problem))
        else:
            yield check(line, engine, policy)


def shown(text: str, setting: Setting, judgement: Judgement, policy: Policy, lang: str | None) -> str:
    """A judgement as a person reads it in a terminal: the verdict, the findings underlined, the reasons."""
    decision = judgement.decision
    listing = f", listing {setting.listing}" if setting.listing else ""
    rows = [f"{decision.verdict.upper()}  by {decision.policy}, {setting.sender} at stage {setting.stage}{listing}"]
    rows += ["", *_underlined(text, decision.findings), ""]
    rows += [f"clause   {clause}" for clause in decision.clauses]
    for reason in policy.reasons(decision, lang):
        rows.append(f"reason   {reason.message}" + (f" [{reason.action}]" if reason.action else ""))
    rows += [f"degraded {stage}" for stage in decision.degraded]
    if judgement.scores:
        rows.append("scores   " + "  ".join(f"{name} {score:.2f}" for name, score in judgement.scores.items()))
    if judgement.sentiment:
        rows.append(f"feels    {judgement.sentiment[0]} {judgement.sentiment[1]:.2f}")
    rows.append(f"language {judgement.language}, judged in {judgement.us} µs")
    return "\n".join(rows)


def _view(finding: Finding, text: str) -> FindingView:
    return FindingView(
        category=finding.category,
        score=round(finding.score, DIGITS),
        start=finding.start,
        end=finding.end,
        source=finding.source,
        excerpt=text[finding.start : finding.end],
    )


def _sentiment(judgement: Judgement) -> SentimentView | None:
    if judgement.sentiment is None:
        return None
    label, score = judgement.sentiment
    return SentimentView(label, round(score, DIGITS))


def _underlined(text: str, findings: Iterable[Finding]) -> Iterator[str]:
    """The text line by line, under each what was found in it; first of all what was found in the whole."""
    placed = [finding for finding in findings if finding.end > finding.start]
    for finding in findings:
        if finding.end <= finding.start:
            yield f"  (whole message) {_label(finding)}"
    start = 0
    for row in text.split("\n"):
        end = start + len(row)
        yield "  " + printable(row)
        for finding in placed:
            if finding.start < end and finding.end > start:
                first = max(0, finding.start - start)
                before, within = _columns(row[:first]), _columns(row[first : finding.end - start])
                yield "  " + " " * before + "~" * max(1, within) + " " + _label(finding)
        start = end + 1


def _label(finding: Finding) -> str:
    step = f", {finding.step}" if finding.step else ""
    source = printable(finding.source)
    if len(source) > SOURCE_CHARACTERS:
        source = source[: SOURCE_CHARACTERS - 1] + "…"
    return f"{finding.category} {finding.score:.2f} ({source}{step})"


def printable(text: str) -> str:
    """A text as a terminal may show it."""
    # Control and direction characters of a message must not move the terminal's cursor, or hide what is there.
    return "".join("�" if unicodedata.category(char) in {"Cc", "Cf", "Cs"} else char for char in text)


def _columns(text: str) -> int:
    """How wide a terminal shows it: nothing for marks, two columns for wide characters."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)
