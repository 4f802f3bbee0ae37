"""The chat's contract, over the wire and on both databases, as its clients meet it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

PEOPLE = ("ana:buyer", "luis:seller", "rui:provider")


def seqs(events: list[dict[str, Any]]) -> list[int]:
    return [event["seq"] for event in events]


async def test_a_message_reaches_everybody_in_the_same_order(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis, rui = [await platform.connect(*one.split(":")) for one in PEOPLE]
    answers = await asyncio.gather(
        *(person.post(chat, f"mensaje {n}") for n in range(10) for person in (ana, luis, rui))
    )
    assert sorted(answer["seq"] for answer in answers) == list(range(4, 34))
    read = [[event for event in await one.settled() if event["type"] == "posted"] for one in (ana, luis, rui)]
    assert seqs(read[0]) == list(range(4, 34))
    assert read[0] == read[1] == read[2]
    history = [event for event in await luis.history(chat) if event["type"] == "posted"]
    assert history == read[0]


async def test_accepted_comes_before_the_senders_own_copy(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana")
    frames: list[str] = []
    await ana.send(type="post", ref="x", conversation=chat, client_id="1", text="hola")
    await ana.next("posted")
    frames = [event["type"] for event in ana.events if event["type"] in ("accepted", "posted")]
    assert frames == ["accepted"]


async def test_sending_again_is_safe_and_another_text_is_a_conflict(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    first = await ana.post(chat, "hola", "same")
    again = await ana.post(chat, "hola", "same")
    assert {**first, "ref": ""} == {**again, "ref": ""}
    assert (await ana.post(chat, "otra cosa", "same"))["code"] == "idempotency_conflict"
    other_device = await platform.connect("ana")
    assert (await other_device.post(chat, "hola", "same"))["seq"] == first["seq"]
    assert len([event for event in await luis.settled() if event["type"] == "posted"]) == 1


async def test_what_was_accepted_stays_accepted_when_the_rules_of_the_day_change(platform: Any) -> None:
    chat = await platform.open(*PEOPLE, stage="ordered")
    ana = await platform.connect("ana")
    first = await ana.post(chat, "mi número es 612 345 678", "phone")
    assert first["type"] == "accepted"
    await platform.http.patch(f"/v1/conversations/{chat}", json={"stage": "enquiry"})
    await ana.next("setting")
    assert (await ana.post(chat, "mi número es 612 345 678", "phone"))["seq"] == first["seq"]
    assert (await ana.post(chat, "mi número es 612 345 678", "phone 2"))["code"] == "policy"


async def test_a_swear_word_arrives_masked_and_its_author_is_told(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    answer = await ana.post(chat, "menuda mierda de embalaje")
    assert answer["verdict"] == "mask"
    assert answer["reasons"][0]["message"].startswith("Hemos ocultado")
    own, others = await ana.next("posted"), await luis.next("posted")
    assert (own["text"], own["state"]) == ("menuda mierda de embalaje", "masked")
    assert own["reasons"] == answer["reasons"]
    assert (others["text"], others["state"]) == ("menuda ██████ de embalaje", "masked")
    assert "reasons" not in others
    for reader, seen in ((ana, own), (luis, others)):
        assert (await reader.history(chat))[-1] == seen


async def test_a_phone_number_waits_for_the_order(platform: Any) -> None:
    chat = await platform.open(*PEOPLE, listing="electronics")
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    refused = await ana.post(chat, "llámame al 612 345 678")
    assert (refused["type"], refused["code"]) == ("refused", "policy")
    assert refused["reasons"][0]["clause"] == "contact_before_order"
    assert refused["reasons"][0]["action"] == "edit"
    assert "pedido" in refused["reasons"][0]["message"]
    await platform.http.patch(f"/v1/conversations/{chat}", json={"stage": "ordered"})
    await ana.next("setting", stage="ordered")
    assert (await ana.post(chat, "llámame al 612 345 678"))["verdict"] == "allow"
    assert (await luis.next("posted"))["text"] == "llámame al 612 345 678"


async def test_an_aubergine_is_food_at_the_greengrocers_and_not_in_a_flat_share(platform: Any) -> None:
    for listing, kind in (("groceries", "accepted"), ("lodging", "refused")):
        chat = await platform.open(*PEOPLE, listing=listing)
        ana = await platform.connect("ana")
        answer = await ana.post(
            chat, "¿te apetece mi 🍆 esta noche? 😏" if listing == "lodging" else "¿quedan 🍆 para el sábado?"
        )
        assert answer["type"] == kind or answer.get("verdict") == "hold"
        await ana.close()


async def test_a_draft_is_judged_and_leaves_no_trace(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    assert (await ana.ask("draft", conversation=chat, text="hola"))["advice"] == "allow"
    advised = await ana.ask("draft", conversation=chat, text="llámame al 612 345 678")
    assert (advised["type"], advised["advice"]) == ("advised", "block")
    assert await luis.settled() == []
    assert len(await ana.history(chat)) == 3


async def test_advice_offers_the_same_words_without_the_curse_and_lets_a_second_thought_pass(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana")
    text = "¿dónde estás, imbécil?"
    for advised in (await ana.ask("draft", conversation=chat, text=text), await ana.post(chat, text, "k1")):
        assert (advised["type"], advised["advice"]) == ("advised", "nudge")
        assert advised["rewrites"] == ["¿dónde estás?"]
        assert advised["reasons"][0]["action"] == "send_anyway"
    assert "rewrites" not in await ana.ask("draft", conversation=chat, text="eres un imbécil")
    assert (await ana.post(chat, text, "k1", despite_advice=True))["verdict"] == "nudge"


async def test_an_edit_is_judged_again_and_shows_everywhere(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    posted = await ana.post(chat, "hola")
    edited = await ana.ask("edit", conversation=chat, message=posted["id"], text="qué mierda")
    assert edited["verdict"] == "mask"
    changed = await luis.next("changed")
    assert (changed["message_seq"], changed["text"], changed["change"]) == (posted["seq"], "qué ██████", "edited")
    assert changed["version"] == changed["seq"] == edited["seq"]
    first, second = (await luis.history(chat))[-2:]
    assert (first["type"], first["text"], first["version"]) == ("posted", "qué ██████", edited["seq"])
    assert second == changed
    for text in ("mi tel: 612 345 678", "te voy a matar, sé dónde vives"):
        refused = await ana.ask("edit", conversation=chat, message=posted["id"], text=text)
        assert refused["code"] == "policy"
        assert (await luis.history(chat))[-1]["text"] == "qué ██████", "the old words stay"
    assert (await luis.ask("edit", conversation=chat, message=posted["id"], text="yo"))["code"] == "forbidden"


async def test_a_retracted_message_leaves_a_tombstone_and_no_words(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    posted = await ana.post(chat, "el secreto")
    assert (await luis.ask("retract", conversation=chat, message=posted["id"]))["code"] == "forbidden"
    await ana.ask("retract", conversation=chat, message=posted["id"])
    changed = await luis.next("changed")
    assert (changed["state"], changed["text"], changed["change"]) == ("removed", "", "retracted")
    late = await platform.connect("rui", "provider", resume=[{"conversation": chat, "after": 3, "epoch": ""}])
    resumed = await late.next("resumed")
    assert "el secreto" not in str(resumed)
    assert seqs(resumed["events"]) == [4, 5]
    assert (await ana.ask("edit", conversation=chat, message=posted["id"], text="otra vez"))["code"] == "forbidden"


async def test_reactions_are_counted_by_person_and_come_off_again(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    posted = await ana.post(chat, "hola")
    for person in (ana, luis, luis):
        await person.ask("react", conversation=chat, message=posted["id"], emoji="👍")
    changes = [event for event in await ana.settled() if event["type"] == "changed"]
    assert [change["reactions"] for change in changes] == [{"👍": ["ana"]}, {"👍": ["ana", "luis"]}]
    await ana.ask("react", conversation=chat, message=posted["id"], emoji="👍", on=False)
    assert (await luis.next("changed", version=posted["seq"] + 3))["reactions"] == {"👍": ["luis"]}
    missing = await luis.ask("react", conversation=chat, message="nothing", emoji="👍")
    assert missing["code"] == "not_found"
    for words in ("a las 5 fuera de aquí", "👍👍", "1"):
        assert (await luis.ask("react", conversation=chat, message=posted["id"], emoji=words))["code"] == "bad_request"


async def test_a_reply_and_attachments_travel_along(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    first = await ana.post(chat, "¿tienes fotos?")
    attachment = {"url": "https://shop.example/photo.jpg", "name": "photo.jpg", "media_type": "image/jpeg", "size": 12}
    await luis.post(chat, "aquí va", reply_to=first["id"], attachments=[attachment])
    seen = await ana.next("posted", author="luis")
    assert (seen["reply_to"], seen["attachments"]) == (first["id"], [attachment])
    for url, name, code in (
        ("javascript:alert(1)", "x", "bad_request"),
        ("https://wa.me/34612345678", "x", "bad_request"),
        ("https://shop.example.evil.example/x", "x", "bad_request"),
        ("https://shop.example/x", "llámame al 612 345 678", "policy"),
    ):
        assert (await luis.post(chat, "aquí", attachments=[{"url": url, "name": name}]))["code"] == code
    for nothing in ("llámame 612 345 678", "0" * 32):
        assert (await luis.post(chat, "aquí", reply_to=nothing))["code"] == "not_found"


async def test_receipts_typing_and_presence_reach_the_others(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    assert await ana.next("presence", participant="luis", online=True)
    posted = await ana.post(chat, "hola")
    await luis.send(type="typing", conversation=chat)
    await luis.send(type="read", conversation=chat, seq=posted["seq"])
    assert await ana.next("typing", participant="luis")
    assert (await ana.next("receipt", participant="luis"))["seq"] == posted["seq"]
    await luis.send(type="read", conversation=chat, seq=1)
    await asyncio.sleep(1.3)
    again = await platform.connect("luis", "seller")
    assert again.welcome["conversations"][0]["read"] == posted["seq"]
    assert not [event for event in ana.events if event["type"] == "receipt"]
    await luis.close()
    await again.close()
    assert await ana.next("presence", participant="luis", online=False)


@pytest.mark.parametrize("missed", [0, 1, 300, 301])
async def test_a_client_that_was_away_gets_what_it_missed_or_is_told_to_start_afresh(
    platform: Any, missed: int
) -> None:
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana")
    epoch = ana.welcome["conversations"][0]["epoch"]
    await asyncio.gather(*(ana.post(chat, f"mensaje {n}") for n in range(missed)))
    luis = await platform.connect("luis", "seller", resume=[{"conversation": chat, "after": 3, "epoch": epoch}])
    if missed <= 300:
        resumed = await luis.next("resumed")
        assert seqs(resumed["events"]) == list(range(4, 4 + missed))
    else:
        assert (await luis.next("reset"))["reason"] == "too_many"


@pytest.mark.parametrize(
    ("resume", "reason"),
    [
        ({"after": 3, "epoch": "another"}, "epoch_changed"),
        ({"after": 99, "epoch": ""}, "epoch_changed"),
        ({"after": 0, "epoch": "", "conversation": "not mine"}, "membership_changed"),
    ],
)
async def test_a_resume_that_cannot_be_is_answered_with_its_reason(platform: Any, resume: Any, reason: str) -> None:
    chat = await platform.open(*PEOPLE)
    luis = await platform.connect("luis", "seller", resume=[{"conversation": chat, **resume}])
    assert (await luis.next("reset"))["reason"] == reason


async def test_history_comes_in_pages(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana")
    await asyncio.gather(*(ana.post(chat, f"mensaje {n}") for n in range(25)))
    found: list[int] = []
    before = 0
    while True:
        page = await ana.ask("history", conversation=chat, before=before, limit=10)
        found = seqs(page["events"]) + found
        if not page.get("more"):
            break
        before = page["events"][0]["seq"]
    assert found == list(range(1, 29))


async def test_who_is_removed_sees_nothing_more(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    await platform.http.delete(f"/v1/conversations/{chat}/participants/luis")
    assert (await luis.next("left", participant="luis"))["by"] == "platform"
    await ana.post(chat, "ya no está")
    assert (await luis.post(chat, "sigo aquí"))["code"] == "not_found"
    assert [event for event in await luis.settled() if event["type"] == "posted"] == []
    back = await platform.connect("luis", "seller", resume=[{"conversation": chat, "after": 3, "epoch": ""}])
    assert back.welcome["conversations"] == []
    assert (await back.next("reset"))["reason"] == "membership_changed"


async def test_who_is_added_while_connected_is_told(platform: Any) -> None:
    chat = await platform.open("ana:buyer")
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    added = {"id": "luis", "name": "Luis", "role": "seller"}
    assert (await platform.http.post(f"/v1/conversations/{chat}/participants", json=added)).status_code == 201
    opened = await luis.next("conversation")
    assert [one["id"] for one in opened["conversation"]["members"]] == ["ana", "luis"]
    await ana.next("joined")
    await ana.post(chat, "hola, Luis")
    assert (await luis.next("posted"))["text"] == "hola, Luis"


async def test_leaving_is_ones_own_to_decide(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    assert (await luis.ask("leave", conversation=chat))["type"] == "accepted"
    assert "by" not in await ana.next("left", participant="luis")
    assert (await luis.post(chat, "adiós"))["code"] == "not_found"


async def test_a_report_is_between_the_reporter_and_the_staff(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    posted = await ana.post(chat, "hola")
    report = {"conversation": chat, "message": posted["id"], "reason": "rude"}
    assert (await luis.ask("report", **report))["type"] == "accepted"
    assert (await luis.ask("report", **report))["code"] == "conflict"
    assert [event["type"] for event in await ana.settled() if event["type"] not in ("posted", "presence")] == []


async def test_staff_see_decisions_and_settle_what_is_held(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis, staff = (
        await platform.connect("ana"),
        await platform.connect("luis", "seller"),
        await platform.connect("s", "staff"),
    )
    threat = "te voy a matar, sé dónde vives"
    answer = await ana.post(chat, threat)
    assert answer["verdict"] == "hold"
    assert (await ana.next("posted"))["state"] == "held"
    hidden = await luis.next("hidden")
    assert hidden == {"type": "hidden", "conversation": chat, "seq": answer["seq"]}
    decided = await staff.next("decided")
    assert (decided["verdict"], decided["message"], decided["text"]) == ("hold", answer["id"], threat)
    assert threat not in str(await luis.history(chat))
    assert (await luis.ask("resolve", conversation=chat, message=answer["id"], act="release"))["code"] == "forbidden"
    await staff.ask("resolve", conversation=chat, message=answer["id"], act="release")
    released = await luis.next("changed")
    assert (released["change"], released["text"], released["message_seq"]) == ("released", threat, answer["seq"])
    await staff.ask("resolve", conversation=chat, message=answer["id"], act="remove")
    assert (await luis.next("changed"))["state"] == "removed"


async def test_an_appeal_is_about_ones_own_message(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    posted = await ana.post(chat, "menuda mierda")
    assert (await luis.ask("appeal", decision=posted["id"]))["code"] == "not_found"
    assert (await ana.ask("appeal", decision=posted["id"], note="no iba contra nadie"))["type"] == "accepted"
    assert (await ana.ask("appeal", decision=posted["id"]))["code"] == "conflict"
    refused = await ana.post(chat, "llámame al 612 345 678")
    assert (await ana.ask("appeal", decision=refused["decision"]))["type"] == "accepted"


async def test_who_is_in_need_is_told_where_to_find_help_and_not_punished(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    answer = await ana.post(chat, "no quiero seguir viviendo")
    assert (answer["type"], answer["verdict"]) == ("accepted", "allow")
    assert answer["reasons"][0]["category"] == "self_harm"
    assert (await luis.next("posted"))["text"] == "no quiero seguir viviendo"


async def test_what_is_held_stays_held_until_a_person_has_looked(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis, staff = [await platform.connect(*one.split(":")) for one in ("ana:buyer", "luis:seller", "s:staff")]
    held = await ana.post(chat, "te voy a matar, sé dónde vives")
    edited = await ana.ask("edit", conversation=chat, message=held["id"], text="perdón, estaba enfadada")
    assert edited["verdict"] == "hold"
    assert "perdón" not in str(await luis.history(chat))
    seen = (await ana.history(chat))[-1]
    late = await staff.ask("resolve", conversation=chat, message=held["id"], act="release", version=held["seq"])
    assert late["code"] == "conflict", "it has changed since it was looked at"
    await staff.ask("resolve", conversation=chat, message=held["id"], act="release", version=seen["version"])
    assert (await luis.next("changed"))["text"] == "perdón, estaba enfadada"


async def test_who_takes_back_what_nobody_saw_leaves_no_trace_of_it(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    held = await ana.post(chat, "te voy a matar, sé dónde vives")
    await ana.ask("retract", conversation=chat, message=held["id"])
    assert [event["type"] for event in await luis.settled() if event["type"] != "presence"] == ["hidden", "hidden"]
    assert {event["type"] for event in (await luis.history(chat))[-2:]} == {"hidden"}
    assert (await ana.history(chat))[-1]["state"] == "removed"
