"""What everybody saw, held against what is stored: the five checks that no chat may fail, whatever broke on the way."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import Any

import msgspec


class Said(msgspec.Struct, frozen=True):
    """A post that was accepted: by whom, under which client id, and when first sent and when answered (seconds of one clock).

    ``text`` and ``verdict`` say what others must not see of it: nothing of what is held, not these words of what is masked.
    """

    author: str
    client_id: str
    id: str
    seq: int
    sent: float
    answered: float
    text: str = ""
    verdict: str = "allow"


def check(
    stored: list[dict[str, Any]], accepted: list[Said], seen: dict[str, list[dict[str, Any]]],
    blocked: Collection[str] = (),
) -> None:  # fmt: skip
    """Fails with the first pair that does not fit. ``blocked`` are texts that nobody may have seen at all.

    ``stored`` is the whole history of one conversation, oldest first; ``seen`` each participant's events in the order of
    their coming, over all of their connections. ``hidden`` events keep their place and say nothing.
    """
    assert [event["seq"] for event in stored] == list(range(1, len(stored) + 1)), "numbers are dense from 1"
    posted = {event["id"]: event for event in stored if event["type"] == "posted"}
    assert len(posted) == sum(event["type"] == "posted" for event in stored), "no message is there twice"

    by_client_id: dict[tuple[str, str], Said] = {}
    for one in accepted:
        assert posted.get(one.id, {}).get("seq") == one.seq, f"accepted and not where it was said to be: {one}"
        first = by_client_id.setdefault((one.author, one.client_id), one)
        assert (first.id, first.seq) == (one.id, one.seq), f"one message, two answers: {first} {one}"

    for participant, events in seen.items():
        numbers = [event["seq"] for event in events]
        assert all(a < b for a, b in itertools.pairwise(numbers)), (
            f"{participant} was shown events out of order or twice"
        )
        for event in events:
            if event["type"] == "posted":
                assert event["id"] == stored[event["seq"] - 1].get("id"), (
                    f"{participant} saw another event {event['seq']}"
                )

    hidden = {one.id: one for one in accepted if one.verdict in ("hold", "mask")}
    for participant, events in seen.items():
        for event in events:
            secret = hidden.get(event.get("id", ""))
            if secret is not None and secret.author != participant:
                assert secret.verdict != "hold", f"{participant} saw what was held: {event}"
                assert event["text"] != secret.text, f"{participant} saw what was covered: {event}"
            assert event.get("text") not in blocked, f"{participant} saw what was refused: {event}"
    assert not any(event.get("text") in blocked for event in stored), "what was refused is stored as a message"

    # Who was answered before somebody began to write comes first.
    finished = sorted(by_client_id.values(), key=lambda one: one.answered)
    begun = sorted(by_client_id.values(), key=lambda one: one.sent)
    newest, done = 0, iter(finished)
    upcoming = next(done, None)
    for one in begun:
        while upcoming is not None and upcoming.answered < one.sent:
            newest, upcoming = max(newest, upcoming.seq), next(done, None)
        assert one.seq > newest, f"written after {newest} was answered and stored before it: {one}"


def folded(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events as a client keeps them: what it has already is dropped."""
    last, kept = 0, []
    for event in events:
        if event["seq"] > last:
            last = event["seq"]
            kept.append(event)
    return kept
