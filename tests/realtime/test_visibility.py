"""What each reader may see: one decision, whatever way the words would go."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.decision import Decision, Mask, Verdict
from policies.policy import Reason
from realtime.protocol import encode
from realtime.visibility import COVER, Reader, masked, uniform, visible_to
from rules.types import Role
from storage.values import Form, LogItem, Message, StoredInvitation

SECRET = "CANARY"
STATES = st.sampled_from(["visible", "held", "removed"])
PEOPLE = ["ana", "luis", "eva"]


def reasons(decision: Decision, lang: str) -> tuple[Reason, ...]:
    return tuple(Reason(clause, "", f"why in {lang}") for clause in decision.clauses)


def item(
    kind: str = "posted", *, seq: int = 5, version: int = 5, author: str = "ana", text: str = SECRET, **form: Any
) -> LogItem:
    message = Message("m", "c", 5, author, text, 5, version, Form(Role.BUYER, 1, **form))
    return LogItem(seq, kind, author, 1, message, {})


def seen(one: LogItem, reader: Reader) -> dict[str, Any]:
    event: dict[str, Any] = msgspec.json.decode(encode(visible_to("c", one, reader, reasons)))
    return event


BUYER, SELLER = Reader("ana", Role.BUYER, "es"), Reader("luis", Role.SELLER, "en")


@given(st.text(max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)), max_size=5))
def test_masks_cover_exactly_what_they_say_and_move_nothing(text: str, places: list[tuple[int, int]]) -> None:
    masks = tuple(Mask(min(start, len(text)), min(start + size, len(text))) for start, size in places)
    covered = masked(text, masks, Role.BUYER)
    assert len(covered) == len(text)
    for at, (before, after) in enumerate(zip(text, covered, strict=True)):
        assert after == (COVER if any(mask.start <= at < mask.end for mask in masks) else before)


def test_a_mask_for_some_roles_covers_for_them_alone() -> None:
    masks = (Mask(0, 3, (Role.BUYER,)),)
    assert masked("uno dos", masks, Role.BUYER) == "███ dos"
    assert masked("uno dos", masks, Role.SELLER) == "uno dos"


@given(
    kind=st.sampled_from(["posted", "edited", "retracted", "reacted", "released"]),
    state=STATES, author=st.sampled_from(PEOPLE), reader=st.sampled_from(PEOPLE), role=st.sampled_from(list(Role)),
    covered=st.booleans(), joined_seq=st.integers(1, 9), shares=st.booleans(), invited=st.booleans(),
)  # fmt: skip
def test_no_frame_ever_carries_words_that_are_hidden_from_its_reader(
    kind: str,
    state: str,
    author: str,
    reader: str,
    role: Role,
    covered: bool,
    joined_seq: int,
    shares: bool,
    invited: bool,
) -> None:
    invitation = StoredInvitation(
        "i", "c", "joined", "ana", "help", "", 1, agent="eva" if invited else "ivo", joined_seq=joined_seq,
        consents={author: ["messages"]} if shares else {},
    )  # fmt: skip
    masks = (Mask(0, len(SECRET)),) if covered else ()
    one = item(kind, author=author, state=state, masks=masks)
    event = seen(one, Reader(reader, role, "es", invitation))

    mine = reader == author
    agent_may = role is not Role.AGENT or (invited and reader == "eva" and (joined_seq <= 5 or shares or mine))
    may_read = state != "removed" and agent_may and (mine or (state == "visible" and not covered))
    assert (SECRET in str(event)) == may_read
    assert event["seq"] == 5, "whatever is hidden keeps its number"
    if not agent_may or (state == "held" and not mine):
        assert event == {"type": "hidden", "conversation": "c", "seq": 5}


def test_only_its_author_is_told_why() -> None:
    one = item(masks=(Mask(0, 3),), verdict=Verdict.MASK, clauses=("profanity",))
    assert seen(one, BUYER)["reasons"] == [
        {"clause": "profanity", "category": "", "message": "why in es", "action": ""}
    ]
    assert "reasons" not in seen(one, SELLER)


def test_a_change_that_was_changed_again_is_told_once() -> None:
    assert seen(item("edited", seq=6, version=7), SELLER) == {"type": "hidden", "conversation": "c", "seq": 6}
    assert seen(item("edited", seq=7, version=7), SELLER)["type"] == "changed"


def test_the_platform_sees_behind_masks_but_not_what_was_taken_back() -> None:
    platform = Reader("", Role.AGENT, "en", sees_all=True)
    assert seen(item(state="held"), platform)["text"] == SECRET
    assert seen(item(masks=(Mask(0, 6),)), platform)["text"] == SECRET
    assert seen(item(state="removed"), platform)["text"] == ""


@pytest.mark.parametrize(
    ("one", "alike"),
    [
        (item(), True),
        (item(masks=(Mask(0, 1),)), False),
        (item(state="held"), False),
        (item(clauses=("x",)), False),
        (item("edited"), False),
        (LogItem(1, "joined", "ana", 1, None, {"name": "Ana", "role": "buyer", "lang": "es"}), True),
    ],
)
def test_one_frame_serves_all_only_where_all_see_the_same(one: LogItem, alike: bool) -> None:
    assert uniform(one) is alike
    if alike:
        assert seen(one, BUYER) == seen(one, SELLER)


def test_the_note_of_an_invitation_is_for_the_inviter_and_the_brand() -> None:
    invitation = StoredInvitation("i", "c", "requested", "ana", "help", SECRET, 1)
    one = LogItem(5, "invitation", "ana", 1, None, {"invitation": msgspec.to_builtins(invitation)})
    assert SECRET in str(seen(one, BUYER))
    assert SECRET not in str(seen(one, SELLER))
    assert SECRET in str(seen(one, Reader("eva", Role.AGENT, "es", invitation)))
