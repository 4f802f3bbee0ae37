from __future__ import annotations

from moderation.review.intake import case_of, categories_of, recorded
from moderation.review.replay import replayed
from policies.decision import Decision, Verdict
from policies.load import load
from rules.catalogue import check
from rules.types import Setting, Stage

MARKET, STRICT = load("marketplace"), load("strict")
PHONE = "llámame al 612 345 678"


def decision(text: str, setting: Setting) -> Decision:
    return recorded(MARKET.decide(check(text, setting), {}, setting, (), text), {"toxicity": 0.1}, "es", setting)


def test_the_same_policy_on_the_same_evidence_says_the_same() -> None:
    before = Setting(stage=Stage.ENQUIRY)
    made = decision(PHONE, before)
    assert made.verdict is Verdict.BLOCK
    assert replayed(made, PHONE, MARKET, Setting(stage=Stage.ORDERED)).verdict is Verdict.BLOCK
    assert replayed(made, PHONE, STRICT, before).policy == STRICT.id


def test_of_a_message_in_which_nothing_was_found_nothing_is_kept() -> None:
    assert decision("hola, ¿sigue disponible?", Setting()).evidence is None


def test_an_item_is_about_what_the_clauses_that_spoke_had_found() -> None:
    setting = Setting(stage=Stage.ENQUIRY)
    made = decision(PHONE, setting)
    assert categories_of(made, MARKET) == ("contact",)
    case = case_of(made, MARKET, at=100, reach=2, language="es")
    assert (case.severity, case.clauses, case.policy, case.language) == (2, made.clauses, MARKET.id, "es")
    assert case.due_at > 100
