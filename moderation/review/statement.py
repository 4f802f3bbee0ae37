"""The statement of reasons that somebody is owed whose message was restricted, with the fields of Article 17 (3) DSA.

Regulation (EU) 2022/2065. The names under ``transparency`` are those of the Commission's Transparency Database. Made from the
decision record alone; it names no reporter, and in a conversation so small that "somebody reported it" would name one it does
not tell whether anybody did.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from policies.decision import Decision, Verdict
from policies.policy import Reason
from rules.types import Category

SMALL = 4  # members from which on a report does not name its reporter
APPEAL_DAYS = 180  # at least six months (Article 20 (1))
DAY_MS = 86_400_000
_words: dict[str, dict[str, str]] = tomllib.loads((Path(__file__).parent / "statement.toml").read_text("utf-8"))
_DATABASE_CATEGORIES = {
    Category.HATE: "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    Category.INSULT: "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    Category.TOXICITY: "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    Category.PROFANITY: "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    Category.THREAT: "STATEMENT_CATEGORY_VIOLENCE",
    Category.SELF_HARM: "STATEMENT_CATEGORY_SELF_HARM",
    Category.SCAM: "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
    Category.OFF_PLATFORM_PAYMENT: "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
    Category.DRUGS_WEAPONS: "STATEMENT_CATEGORY_UNSAFE_AND_ILLEGAL_PRODUCTS",
    Category.SEXUAL: "STATEMENT_CATEGORY_PORNOGRAPHY_OR_SEXUALIZED_CONTENT",
}

Kind = Literal["none", "hidden_in_part", "held", "refused", "removed", "warned", "muted", "removed_member", "banned"]


class Sanctioned(Struct, frozen=True):
    """What was done about the author beside the message: ``kind`` as in ``Restriction``, ``until`` 0 for without end."""

    kind: Kind
    until: int = 0


class Restriction(Struct, frozen=True):
    """What is restricted (Article 17 (3) (a)): in which way, since and until when (0: until it is changed), and where."""

    kind: Kind
    text: str
    since: int
    until: int
    territory: str


class Ground(Struct, frozen=True):
    """The contractual ground relied on (Article 17 (3) (e)): a clause of the policy in force, and why it applies."""

    clause: str
    category: str
    policy: str
    explanation: str


class Redress(Struct, frozen=True):
    """A way to have it looked at again (Article 17 (3) (f)). ``until`` in milliseconds, 0 where this statement knows none."""

    kind: Literal["appeal", "out_of_court", "court"]
    text: str
    until: int
    open: bool


class Statement(Struct, frozen=True):
    """A statement of reasons. ``source`` is what it was decided on: ``notice``, ``own_initiative``, or ``undisclosed``."""

    message: str
    conversation: str
    lang: str
    decided_at: int
    restrictions: list[Restriction]
    facts: str
    source: Literal["notice", "own_initiative", "undisclosed"]
    source_text: str
    automated_detection: bool
    automated_decision: Literal["fully", "partially", "not"]
    automation_text: str
    grounds: list[Ground]
    redress: list[Redress]
    transparency: dict[str, str | list[str]]


class Facts(Struct, frozen=True):
    """What a statement is made of. ``first`` is what the policy had decided, ``last`` what holds; ``by`` a person, or ``policy``.

    ``shown`` tells whether the message is to be seen as written. ``appeal`` is none, open, upheld or overturned.
    """

    message: str
    conversation: str
    at: int
    lang: str
    first: Decision
    last: Decision
    state: str
    outcome: str
    by: str
    reasons: Sequence[Reason]
    refused: bool = False
    reported: bool = False
    members: int = 0
    sanctions: Sequence[Sanctioned] = ()
    appeal: str = "none"


def statement(facts: Facts) -> Statement:
    """The statement about one message, in ``facts.lang`` (English where it is none of ours)."""
    lang = facts.lang.partition("-")[0]
    lang = lang if lang in ("es", "en", "pt") else "en"

    def say(key: str) -> str:
        return _words[key][lang]

    kinds = _kinds(facts)
    restrictions = [
        Restriction(kind, say(f"restriction.{kind}"), facts.at, until, say("territory")) for kind, until in kinds
    ]
    person = facts.by != "policy"
    detected = bool(facts.first.findings or facts.first.clauses)
    automated = _automated(person=person, detected=detected)
    source = _source(facts)
    until = facts.at + APPEAL_DAYS * DAY_MS
    restricted = kinds[0][0] != "none"
    return Statement(
        message=facts.message, conversation=facts.conversation, lang=lang, decided_at=facts.at,
        restrictions=restrictions, facts=say("facts.words" if facts.first.findings else "facts.whole"),
        source=source, source_text=say(f"source.{source}"), automated_detection=detected,
        automated_decision=automated, automation_text=say(f"automation.{automated}"),
        grounds=[
            Ground(reason.clause, reason.category, facts.last.policy or facts.first.policy, reason.message)
            for reason in facts.reasons
        ],
        redress=[
            Redress("appeal", say("redress.appeal" if facts.appeal == "none" else f"redress.appeal_{facts.appeal}"),
                    until, restricted and facts.appeal == "none"),
            Redress("out_of_court", say("redress.out_of_court"), 0, restricted),
            Redress("court", say("redress.court"), 0, restricted),
        ],
        transparency=_transparency(facts, kinds, source, automated),
    )  # fmt: skip


def _kinds(facts: Facts) -> list[tuple[Kind, int]]:
    kinds: list[tuple[Kind, int]] = []
    if facts.refused:
        kinds.append(("refused", 0))
    elif facts.state == "removed":
        kinds.append(("removed", 0))
    elif facts.state == "held":
        kinds.append(("held", 0))
    elif facts.last.verdict is Verdict.MASK:
        kinds.append(("hidden_in_part", 0))
    if facts.refused and facts.appeal == "overturned":
        kinds.clear()
    kinds += [(one.kind, one.until) for one in facts.sanctions]
    return kinds or [("none", 0)]


def _source(facts: Facts) -> Literal["notice", "own_initiative", "undisclosed"]:
    if facts.members < SMALL:
        return "undisclosed"
    return "notice" if facts.reported else "own_initiative"


def _automated(*, person: bool, detected: bool) -> Literal["fully", "partially", "not"]:
    if not person:
        return "fully"
    return "partially" if detected else "not"


def _transparency(
    facts: Facts, kinds: Sequence[tuple[Kind, int]], source: str, automated: str
) -> dict[str, str | list[str]]:  # fmt: skip
    visibility = {
        "removed": "DECISION_VISIBILITY_CONTENT_REMOVED", "refused": "DECISION_VISIBILITY_CONTENT_REMOVED",
        "held": "DECISION_VISIBILITY_CONTENT_DISABLED", "hidden_in_part": "DECISION_VISIBILITY_CONTENT_DISABLED",
    }  # fmt: skip
    found = [reason.category for reason in facts.reasons if reason.category]
    category = next((_DATABASE_CATEGORIES[Category(one)] for one in found if one in _DATABASE_CATEGORIES), None)
    told: dict[str, str | list[str]] = {
        "decision_visibility": [visibility[kind] for kind, _ in kinds if kind in visibility],
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "content_type": ["CONTENT_TYPE_TEXT"],
        "category": category or "STATEMENT_CATEGORY_SCOPE_OF_PLATFORM_SERVICE",
        "automated_detection": "Yes" if facts.first.findings or facts.first.clauses else "No",
        "automated_decision": f"AUTOMATED_DECISION_{_DATABASE_AUTOMATION[automated]}",
    }
    accounts = {"muted": "DECISION_ACCOUNT_SUSPENDED", "banned": "DECISION_ACCOUNT_SUSPENDED"}
    account = next((accounts[kind] for kind, _ in kinds if kind in accounts), None)
    if account is not None:
        told["decision_account"] = account
    if source != "undisclosed":
        told["source_type"] = "SOURCE_TYPE_OTHER_NOTIFICATION" if source == "notice" else "SOURCE_VOLUNTARY"
    return told


_DATABASE_AUTOMATION = {"fully": "FULLY", "partially": "PARTIALLY", "not": "NOT_AUTOMATED"}
