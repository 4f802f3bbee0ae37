from __future__ import annotations

from typing import Any

import pytest

from moderation.review.statement import Facts, Sanctioned, statement
from policies.decision import Decision, Verdict
from policies.policy import Reason
from rules.types import Category, Finding

FOUND = Decision(Verdict.HOLD, "market@1", findings=(Finding(Category.SCAM, 0.9, 0, 3, "scam:x"),), clauses=("scam",))
CLEAN = Decision(Verdict.ALLOW, "market@1")
REASON = Reason("scam", "scam", "Parece un engaño.", "appeal")


def facts(**fields: Any) -> Facts:
    values: dict[str, Any] = {
        "message": "m", "conversation": "c", "at": 5, "lang": "es", "first": FOUND, "last": FOUND, "state": "held",
        "outcome": "", "by": "policy", "reasons": (REASON,), "members": 5,
    }  # fmt: skip
    return Facts(**(values | fields))


@pytest.mark.parametrize(
    ("fields", "kinds", "automated", "account"),
    [
        ({}, ["held"], "fully", None),
        ({"by": "staff:eva", "state": "removed"}, ["removed"], "partially", None),
        ({"by": "staff:eva", "state": "removed", "first": CLEAN}, ["removed"], "not", None),
        ({"refused": True, "state": ""}, ["refused"], "fully", None),
        ({"state": "visible", "last": Decision(Verdict.MASK, "market@1")}, ["hidden_in_part"], "fully", None),
        ({"state": "visible", "last": CLEAN}, ["none"], "fully", None),
        ({"state": "visible", "last": CLEAN, "by": "staff:eva", "sanctions": [Sanctioned("muted", 9)]}, ["muted"],
         "partially", "DECISION_ACCOUNT_SUSPENDED"),
        ({"refused": True, "state": "", "appeal": "overturned"}, ["none"], "fully", None),
    ],
)  # fmt: skip
def test_it_tells_what_was_done_and_by_what(
    fields: dict[str, Any], kinds: list[str], automated: str, account: str | None
) -> None:
    told = statement(facts(**fields))
    assert [one.kind for one in told.restrictions] == kinds
    assert told.automated_decision == automated
    assert told.transparency.get("decision_account") == account
    assert all(one.text for one in told.restrictions)
    assert told.redress[0].open is (kinds != ["none"])


@pytest.mark.parametrize(
    ("reported", "members", "source"),
    [(True, 5, "notice"), (False, 5, "own_initiative"), (True, 3, "undisclosed"), (False, 3, "undisclosed")],
)
def test_in_a_small_group_it_is_not_told_whether_somebody_reported(reported: bool, members: int, source: str) -> None:
    told = statement(facts(reported=reported, members=members))
    assert told.source == source
    assert ("source_type" in told.transparency) is (source != "undisclosed")


@pytest.mark.parametrize(("lang", "words"), [("es", "El mensaje"), ("pt-BR", "Só o autor"), ("de", "Only its author")])
def test_it_is_in_the_persons_language(lang: str, words: str) -> None:
    assert statement(facts(lang=lang)).restrictions[0].text.startswith(words)
