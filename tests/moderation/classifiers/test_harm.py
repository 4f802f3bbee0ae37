"""Harm in wording that no list has, and the same trades without it."""

from __future__ import annotations

import pytest

from moderation.classifiers.embedded import shipped
from moderation.classifiers.harm import Harm
from moderation.classifiers.heads import HARMS
from moderation.engine import default_engine
from policies.load import load
from rules.types import Category, Setting

ENGINE, POLICY = default_engine(), load("marketplace")


def seen(text: str) -> set[str]:
    """What the model found in it, the rules apart."""
    found = ENGINE.judge(text, Setting(), POLICY).decision.findings
    return {str(finding.category) for finding in found if finding.source.startswith("harm:")}


@pytest.mark.parametrize("text", ["", "hola", "\ud800", "🔥" * 4_000, "a" * 4_000])
def test_every_kind_of_harm_has_a_probability(text: str) -> None:
    scores = Harm.load().scores(text)
    assert scores.keys() == {f"harm.{kind}" for kind in HARMS}
    assert all(0.0 <= score <= 1.0 for score in scores.values())


def test_every_kind_is_a_category_and_has_a_threshold_that_says_something() -> None:
    assert set(HARMS) <= set(Category)
    assert all(0.3 <= least < 1 for least in shipped().harm_thresholds.values())


@pytest.mark.parametrize(
    "text",
    [
        "¿sigue disponible la bici? paso el sábado a las cinco",
        "the bed legs are beech, it's a short walk from the station",
        "procuro babá carinhosa para gêmeas de três anos",
        "no acepto pagos fuera de la plataforma, lo siento",
        "money came through so i'll come by the salon and drop the scissors",
        "tenho cogumelos shitake, duas caixas, preço a combinar",
        "giving my things away because i'm off on erasmus",
    ],
)
def test_trade_in_the_same_words_is_left_alone(text: str) -> None:
    assert seen(text) == set()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("te voy a mandar a dormir con mi puño si vuelves a llamarme mentiroso", "threat"),
        ("si posas con el vestido de novia y sin nada debajo te doy cien más", "sexual"),
        ("been thinking for days about not waking up any more", "self_harm"),
    ],
)
def test_harm_is_found_and_only_flagged(text: str, kind: str) -> None:
    assert kind in seen(text)
    decision = ENGINE.judge(text, Setting(), POLICY).decision
    assert decision.verdict == "flag" or any(not one.source.startswith("harm:") for one in decision.findings)
