"""Coming back, from every kind of place and after whatever happened meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from realtime.protocol import RESUME_EVENTS
from tests.faults.history import folded
from tests.platform import Client, Platform, new_tenant

SAID = RESUME_EVENTS + 20
PEOPLE = ("ana:buyer", "luis:seller")


async def test_every_place_to_resume_from_has_its_answer_from_memory_and_from_the_log(
    serve: Callable[..., Any],
) -> None:
    server = serve(TERTULIA_POSTS_PER_SECOND="1000", TERTULIA_POSTS_BURST="1000")
    database = server.environment["TERTULIA_DATABASE"]
    key, other_key = new_tenant(database, "t"), new_tenant(database, "other")
    platform, other = Platform(server.url, server.ws_url, key), Platform(server.url, server.ws_url, other_key)
    chat, foreign = await platform.open(*PEOPLE), await other.open(*PEOPLE)
    not_mine = await platform.open("luis:seller", "zoe:buyer")
    luis = await platform.connect("luis", "seller")
    for begin in range(0, SAID, 40):
        await asyncio.gather(*(luis.post(chat, f"mensaje {begin + n}") for n in range(40)))
    last = (await luis.history(chat, limit=1))[0]["seq"]
    epoch = luis.welcome["conversations"][0]["epoch"]

    async def answers() -> None:
        for after, known, answer in [
            (last, epoch, 0),
            (last - 1, epoch, 1),
            (last - 1, "", 1),
            (last - 16, epoch, 16),
            (last - 17, epoch, 17),
            (last - RESUME_EVENTS, epoch, RESUME_EVENTS),
            (last - RESUME_EVENTS - 1, epoch, "too_many"),
            (0, epoch, "too_many"),
            (last - 1, "another epoch", "epoch_changed"),
            (last + 1, epoch, "epoch_changed"),
            (2**53, epoch, "epoch_changed"),
        ]:
            ana = await platform.connect("ana", resume=[{"conversation": chat, "after": after, "epoch": known}])
            if isinstance(answer, str):
                told = await ana.next("reset")
                assert (told["reason"], told["last_seq"], told["epoch"]) == (answer, last, epoch), after
            else:
                told = await ana.next("resumed")
                seqs = [event["seq"] for event in told.get("events", [])]
                assert seqs == list(range(last - answer + 1, last + 1)), after
                assert (told["after"], told["last_seq"]) == (after, last)
            await ana.close()
        resume = [{"conversation": id, "after": 1, "epoch": ""} for id in (not_mine, foreign, "nowhere")]
        ana = await platform.connect("ana", resume=resume)
        for id in (not_mine, foreign, "nowhere"):  # the same for each: what is not one's own does not exist
            told = await ana.next("reset", conversation=id)
            assert (told["reason"], told.get("last_seq", 0)) == ("membership_changed", 0)
        await ana.close()

    await answers()
    await platform.leave()
    await other.leave()
    assert server.stop() == 0
    server.start()
    platform = Platform(server.url, server.ws_url, key)
    await answers()
    await platform.leave()


async def test_who_was_removed_meanwhile_is_told_nothing_from_after_it(platform: Platform) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    await luis.post(chat, "antes")
    seen = (await ana.next("posted"))["seq"]
    await ana.close()
    await platform.http.delete(f"/v1/conversations/{chat}/participants/ana")
    await luis.post(chat, "ya no está")
    back = await platform.connect("ana", resume=[{"conversation": chat, "after": seen, "epoch": ""}])
    assert back.welcome["conversations"] == []
    assert (await back.next("reset"))["reason"] == "membership_changed"
    await back.send(type="since", conversation=chat, after=seen)
    assert (await back.next("refused"))["code"] == "not_found"
    assert "ya no está" not in str(await back.settled())


async def test_what_was_taken_back_meanwhile_comes_without_its_words(platform: Platform) -> None:
    chat = await platform.open(*PEOPLE)
    luis = await platform.connect("luis", "seller")
    staff = await platform.connect("sam", "staff")
    said = [(await luis.post(chat, text))["id"] for text in ("una", "dos", "tres", "cuatro")]
    await luis.ask("retract", conversation=chat, message=said[0])
    await luis.ask("edit", conversation=chat, message=said[1], text="dos y media")
    await staff.ask("resolve", conversation=chat, message=said[2], act="remove")
    ana = await platform.connect("ana", resume=[{"conversation": chat, "after": 0, "epoch": ""}])
    events = (await ana.next("resumed"))["events"]
    forms = {
        event["id"]: (event.get("state", "visible"), event["text"]) for event in events if event["type"] == "posted"
    }
    assert list(forms.values()) == [("removed", ""), ("visible", "dos y media"), ("removed", ""), ("visible", "cuatro")]
    assert [event["seq"] for event in events] == list(range(1, events[-1]["seq"] + 1))
    texts = [event.get("text") for event in events]
    assert not {"una", "dos", "tres"} & set(texts)


async def test_two_devices_that_send_one_message_send_it_once(platform: Platform) -> None:
    chat = await platform.open(*PEOPLE)
    phone, laptop = await platform.connect("ana"), await platform.connect("ana")
    luis = await platform.connect("luis", "seller")
    for n in range(10):
        first, second = await asyncio.gather(*(one.post(chat, f"hola {n}", f"c{n}") for one in (phone, laptop)))
        assert (first["type"], first["id"], first["seq"]) == ("accepted", second["id"], second["seq"])
    other = await laptop.post(chat, "otra cosa", "c0")
    assert other["code"] == "idempotency_conflict"
    for client in (phone, laptop, luis):
        events = folded([event for event in await client.settled() if event["type"] in ("posted", "hidden")])
        assert [event["text"] for event in events] == [f"hola {n}" for n in range(10)]


@pytest.mark.parametrize(
    ("words", "author", "staff"),
    [
        ("hola", "edit", "remove"),
        ("hola", "retract", "remove"),
        ("te voy a matar cuando salgas", "edit", "release"),
        ("te voy a matar cuando salgas", "edit", "remove"),
        ("te voy a matar cuando salgas", "retract", "release"),
    ],
)
async def test_a_decision_that_races_its_author_leaves_one_order_and_no_words_behind(
    platform: Platform, words: str, author: str, staff: str
) -> None:
    chance = random.Random(f"{words} {author} {staff}")
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    sam = await platform.connect("sam", "staff")

    async def soon(client: Client, type: str, **fields: Any) -> dict[str, Any]:
        await asyncio.sleep(chance.uniform(0, 0.004))
        return await client.ask(type, conversation=chat, message=message, **fields)

    for n in range(12):
        posted = await ana.post(chat, f"{words} {n}")
        message = posted["id"]
        new = {"text": f"corregido {n}"} if author == "edit" else {}
        theirs, ours = await asyncio.gather(soon(ana, author, **new), soon(sam, "resolve", act=staff))
        events = await luis.history(chat, limit=100)
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        found = next((event for event in events if event.get("id") == message and event["type"] == "posted"), None)
        held = posted["verdict"] == "hold"
        if author == "retract" or staff == "remove":
            # Whoever came first, it is gone; of what was held the others never learn that it was there.
            assert theirs["type"] == "accepted" or theirs["code"] in ("forbidden", "not_found", "conflict"), theirs
            gone = ours["type"] == "accepted" and (staff == "remove" or theirs["type"] == "accepted")
            if gone or author == "retract":
                assert found is None or (found["state"], found.get("text", "")) == ("removed", ""), (
                    found,
                    theirs,
                    ours,
                )
        elif found is not None:
            assert ours["type"] == "accepted"
            assert found["text"] in (f"corregido {n}", f"{words} {n}")
            assert theirs["type"] != "accepted" or found["text"] == f"corregido {n}", (theirs, found)
        else:
            assert held
            assert ours["type"] == "refused"

    # What he saw live comes to the same as the history, message by message.
    latest: dict[str, dict[str, Any]] = {}
    live = folded([event for event in await luis.settled() if event["type"] in ("posted", "changed", "hidden")])
    for event in live:
        if event["type"] != "hidden" and event["version"] >= latest.get(event["id"], event)["version"]:
            latest[event["id"]] = event
    for event in await luis.history(chat, limit=100):
        if event["type"] == "posted":
            assert (event["text"], event.get("state")) == (
                latest[event["id"]]["text"],
                latest[event["id"]].get("state"),
            )
