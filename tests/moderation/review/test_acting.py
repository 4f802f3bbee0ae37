from __future__ import annotations

import pytest

from moderation.review.acting import (
    AnyAct,
    BadActs,
    Ban,
    Escalate,
    Mask,
    Mute,
    Note,
    Overturn,
    Release,
    Remove,
    Uphold,
    Warn,
    changed,
    outcome,
    restored,
)
from policies.decision import Mask as Cover
from policies.decision import Verdict
from rules.types import Role
from storage.values import Form

SAID = Form(Role.SELLER, 1)
HELD = Form(Role.SELLER, 1, state="held", verdict=Verdict.HOLD, clauses=("scam",), masks=(Cover(0, 2),))
COVERED = Form(Role.SELLER, 1, verdict=Verdict.MASK, clauses=("swearing",), masks=(Cover(0, 2),))
FORMS = {"said": SAID, "held": HELD, "covered": COVERED}
ACTS: list[AnyAct] = [Release(), Mask([(1, 3)]), Remove(), Overturn()]


def after(form: Form, act: AnyAct) -> tuple[str, Form]:
    done = changed(form, act, "clause")
    assert done is not None
    return done


def test_a_held_message_that_is_released_keeps_what_was_covered() -> None:
    kind, form = after(HELD, Release())
    assert (kind, form.state, form.masks, form.clauses) == ("released", "visible", (Cover(0, 2),), ())
    assert after(COVERED, Release())[1].masks == ()


def test_a_removed_message_that_is_released_keeps_what_the_policy_had_covered() -> None:
    removed = after(COVERED, Remove())[1]
    kind, form = after(removed, Release())
    assert (kind, form.state, form.masks) == ("released", "visible", (Cover(0, 2),))


def test_who_never_saw_a_message_need_not_learn_that_it_is_gone() -> None:
    assert after(HELD, Remove())[1].unseen
    assert not after(SAID, Remove())[1].unseen


def test_an_overturn_gives_back_what_the_decision_found() -> None:
    removed = after(COVERED, Remove())[1]
    done = changed(removed, Overturn(), "", COVERED)
    assert done is not None
    assert (done[1].state, done[1].masks, done[1].verdict) == ("visible", (Cover(0, 2),), Verdict.ALLOW)
    assert after(COVERED, Overturn())[1].masks == ()


@pytest.mark.parametrize("act", ACTS, ids=lambda act: type(act).__name__)
@pytest.mark.parametrize("name", FORMS)
def test_undoing_gives_the_form_back_and_leaves_what_others_did_since(name: str, act: AnyAct) -> None:
    before = FORMS[name]
    done = after(before, act)[1]
    liked = Form(**{**{field: getattr(done, field) for field in done.__struct_fields__}, "reactions": {"👍": ["ana"]}})
    back = restored(liked, done, before)
    assert back is not None
    kind, form = back
    assert form.reactions == {"👍": ["ana"]}
    assert (form.state, form.masks, form.verdict, form.clauses, form.unseen) == (
        before.state, before.masks, before.verdict, before.clauses, before.unseen)  # fmt: skip
    # Only what others have had before them is taken away from them.
    assert kind == ("held" if before.state == "held" and done.state == "visible" else "restored")


def test_what_somebody_else_has_changed_since_is_left_alone() -> None:
    done = after(SAID, Mask([(0, 1)]))[1]
    assert restored(after(done, Remove())[1], done, SAID) is None


@pytest.mark.parametrize(
    ("acts", "appealed", "expected"),
    [
        ([Release()], False, "release"),
        ([Remove(), Mute(24), Warn("tone")], False, "remove"),
        ([Ban()], False, "sanction"),
        ([Escalate("legal")], False, "escalate"),
        ([Note()], True, "note"),
        ([Uphold()], True, "uphold"),
        ([Overturn()], True, "overturn"),
    ],
)
def test_acts_come_down_to_one_outcome(acts: list[AnyAct], appealed: bool, expected: str) -> None:
    assert outcome(acts, appealed=appealed) == expected


@pytest.mark.parametrize(
    ("acts", "appealed"),
    [
        ([], False),
        ([Remove(), Remove()], False),
        ([Remove(), Release()], False),
        ([Release(), Mute(5)], False),
        ([Note(), Remove()], False),
        ([Overturn()], False),
        ([Remove()], True),
        ([Overturn(), Ban()], True),
    ],
)
def test_acts_that_do_not_go_together_are_refused(acts: list[AnyAct], appealed: bool) -> None:
    with pytest.raises(BadActs):
        outcome(acts, appealed=appealed)
