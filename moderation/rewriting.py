"""A rewrite of words that were advised against: theirs, without what stands apart in them.

Nothing is put into anybody's mouth. What was found is only left out, and only where it is a call or a curse of its own between
commas, or a word that merely strengthens the next; the rest must still be a message, and pass.
"""

from __future__ import annotations

import re

from moderation.engine import Engine
from moderation.judgement import Judgement
from policies.decision import Verdict
from policies.policy import Policy
from rules.types import Category, Finding, Setting

LEAST_WORDS = 2  # that must be left
LEAST_SHARE = 0.4  # of the characters that must be left
ADVISED = frozenset({Verdict.NUDGE, Verdict.MASK})
_SPEECH = frozenset({Category.PROFANITY, Category.INSULT})
_STRENGTHENING = re.compile(
    r"(?:fuck|freak|frigg)in[g']?|damn(?:ed)?|goddamn|bloody|put[oa]s?|maldit[oa]s?", re.IGNORECASE
)
_APART_BEFORE = re.compile(r"(?:^|[,.;:!?…\n(])\s*[¡¿]*\s*$")
_APART_AFTER = re.compile(r"\s*(?:$|[,.;:!?…\n)])")
_WORD_AFTER = re.compile(r"\s+\w")


def rewrites(text: str, judged: Judgement, setting: Setting, policy: Policy, engine: Engine) -> list[str]:
    """At most one rewrite, which the policy lets pass; none where leaving out would leave something else than was meant."""
    decision = judged.decision
    if decision.verdict not in ADVISED:
        return []
    places = _joined([finding for finding in decision.findings if finding.category in _SPEECH and finding.end > 0])
    if not places or not all(_apart(text, start, end) for start, end in places):
        return []
    rest = _without(text, places)
    if len(re.findall(r"\w+", rest)) < LEAST_WORDS or len(rest) < LEAST_SHARE * len(text):
        return []
    verdict = engine.judge(rest, setting, policy).decision.verdict
    return [rest] if verdict.rank <= Verdict.FLAG.rank else []


def _apart(text: str, start: int, end: int) -> bool:
    if _STRENGTHENING.fullmatch(text, start, end):
        return _WORD_AFTER.match(text, end) is not None
    return _APART_BEFORE.search(text[:start]) is not None and _APART_AFTER.match(text, end) is not None


def _joined(findings: list[Finding]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted({(finding.start, finding.end) for finding in findings}):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _without(text: str, places: list[tuple[int, int]]) -> str:
    """The text without what stands at ``places``, nor the comma, space or opening sign that belonged to it."""
    rest = text
    for start, end in reversed(places):
        before, after = rest[:start].rstrip(), rest[end:].lstrip()
        before = before.rstrip("¡¿")
        if not before.strip() or before.rstrip()[-1:] in ".!?…\n":
            after = after.lstrip(" ,;:!.…")
            after = after[:1].upper() + after[1:] if rest[start:end][:1].isupper() or before.strip() else after
        elif after[:1] in ",;:.!?…)" or not after:
            before = before.rstrip().rstrip(",;:")
        rest = (
            f"{before.rstrip()} {after}"
            if before.strip() and after and after[0] not in ",;:.!?…)"
            else before.rstrip() + after
        )
    return rest.strip()
