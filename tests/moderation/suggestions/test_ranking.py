"""Which replies come first, and which go together."""

import pytest

from moderation.suggestions.intents import Intent
from moderation.suggestions.inventory import Reply, Stance
from moderation.suggestions.ranking import Acceptance, Candidate, at_once, differing, rank
from rules.types import Role, Stage


def reply(id: str, stance: Stance = Stance.AFFIRM, **more: object) -> Reply:
    return Reply(id=id, stance=stance, es=id, en=id, pt=id, intent=Intent.OFFER, **more)  # type: ignore[arg-type]


def candidate(reply: Reply, chance: float = 0.9) -> Candidate:
    return Candidate(reply, reply.id, chance)


def ranked(*candidates: Candidate, acceptance: Acceptance | None = None) -> list[str]:
    order = rank(candidates, Role.SELLER, Stage.ORDERED, acceptance or Acceptance())
    return [one.reply.id for one in order]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (candidate(reply("likely"), 0.9), candidate(reply("unlikely"), 0.1)),
        (candidate(reply("for sellers", speakers=(Role.SELLER,))), candidate(reply("for all"))),
        (candidate(reply("for orders", stages=(Stage.ORDERED,))), candidate(reply("always"))),
        (
            Candidate(Reply(id="f", stance=Stance.AFFIRM, es="{price}", en="{price}", pt="{price}"), "40 €", 0.9),
            candidate(reply("unfilled")),
        ),
    ],
)
def test_what_fits_better_comes_first(better: Candidate, worse: Candidate) -> None:
    assert ranked(worse, better) == [better.reply.id, worse.reply.id]


def test_equals_keep_the_order_of_the_inventory() -> None:
    assert ranked(candidate(reply("one")), candidate(reply("two")), candidate(reply("three"))) == [
        "one",
        "two",
        "three",
    ]


def test_what_is_taken_climbs_and_what_is_ignored_sinks() -> None:
    taken, new, ignored = reply("taken"), reply("new"), reply("ignored")
    acceptance = Acceptance()
    acceptance.of(taken, Role.SELLER).shown = acceptance.of(ignored, Role.SELLER).shown = 20
    acceptance.of(taken, Role.SELLER).taken = 10
    acceptance.of(taken, Role.SELLER).edited = 2
    order = ranked(candidate(ignored), candidate(new), candidate(taken), acceptance=acceptance)
    assert order == ["taken", "new", "ignored"]


def test_the_rate_is_smoothed_by_two_takes_in_ten_showings() -> None:
    one, acceptance = reply("one"), Acceptance()
    assert acceptance.rate(one, Role.BUYER) == pytest.approx(0.2)
    acceptance.of(one, Role.BUYER).shown = 10
    assert acceptance.rate(one, Role.BUYER) == pytest.approx(0.1)
    acceptance.of(one, Role.BUYER).taken = 8
    assert acceptance.rate(one, Role.BUYER) == pytest.approx(0.5)
    assert acceptance.rate(one, Role.SELLER) == pytest.approx(0.2)


def test_one_of_each_stance_is_chosen_and_three_at_most() -> None:
    order = [
        candidate(reply("yes")), candidate(reply("yes again")), candidate(reply("no", Stance.DECLINE)),
        candidate(reply("when", Stance.ASK)), candidate(reply("later", Stance.DEFER)),
    ]  # fmt: skip
    assert [one.reply.id for one in at_once(differing(order))] == ["yes", "no", "when"]


def test_the_same_words_are_not_offered_twice() -> None:
    order = [Candidate(reply("a"), "Gracias.", 1.0), Candidate(reply("b", Stance.THANK), "Gracias.", 1.0)]
    assert [one.reply.id for one in at_once(differing(order))] == ["a"]
