"""Suggested replies over the wire: who is offered what, made of what, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platform import Client, Platform

QUESTION = "hola, sigue disponible?"


def texts(suggested: dict[str, Any]) -> list[str]:
    return [one["text"] for one in suggested["suggestions"]]


def stances(suggested: dict[str, Any]) -> list[str]:
    return [one["stance"] for one in suggested["suggestions"]]


async def ask(client: Client, chat: str, text: str = QUESTION, **fields: Any) -> str:
    """Posts a message; its id."""
    answer = await client.post(chat, text, **fields)
    assert answer["type"] == "accepted", answer
    id: str = answer["id"]
    return id


def offers(client: Client) -> list[dict[str, Any]]:
    """What a client was offered and has not taken from its events yet."""
    return [event for event in client.events if event["type"] == "suggested"]


async def figures(platform: Platform, intent: str = "availability") -> dict[str, dict[str, int]]:
    """What was counted of an intent, by stance: without what did not happen."""
    answer = (await platform.http.get("/v1/suggestions")).json()
    fates = ("shown", "taken", "edited", "dismissed", "rejected")
    return {
        row["stance"]: {fate: row[fate] for fate in fates if row[fate]}
        for row in answer["counts"]
        if row["intent"] == intent
    }


async def test_each_of_the_others_is_offered_up_to_three_answers_after_the_message(platform: Platform) -> None:
    chat = await platform.open("ana:buyer", "luis:seller", "rui:provider")
    ana, luis, rui = [await platform.connect(who) for who in ("ana", "luis", "rui")]
    message = await ask(ana, chat)
    for reader in (luis, rui):
        offer = await reader.next("suggested")
        assert (offer["conversation"], offer["message"], offer["lang"]) == (chat, message, "es")
        assert "Sí, sigue disponible." in texts(offer)
        assert 1 < len(offer["suggestions"]) <= 3
        assert len(set(stances(offer))) == len(offer["suggestions"])
        assert [event["id"] for event in reader.events if event["type"] == "posted"] == [message]
    assert offers(ana) == []


async def test_who_has_nothing_to_say_about_it_is_left_in_peace(platform: Platform) -> None:
    chat = await platform.open("ana:buyer", "luis:seller", "bot:bot")
    ana, luis, bot = [await platform.connect(who) for who in ("ana", "luis", "bot")]
    await ask(ana, chat, "qué calor hace hoy")
    message = await ask(ana, chat)
    assert (await luis.next("suggested"))["message"] == message
    assert offers(luis) == offers(bot) == []


async def test_of_messages_that_come_together_only_the_last_is_answered(platform: Platform) -> None:
    chat = await platform.open("ana:buyer", "luis:seller")
    ana, luis = [await platform.connect(who) for who in ("ana", "luis")]
    await ask(luis, chat, "buenas")
    (await ana.next("suggested"))["suggestions"]
    for n, text in enumerate(("aceptas 40?", "a qué hora quedamos?", QUESTION)):
        await ana.send(type="post", ref=f"p{n}", conversation=chat, client_id=f"p{n}", text=text)
    newest = (await ana.next("accepted", ref="p2"))["id"]
    offer = await luis.next("suggested", message=newest)
    assert "Sí, sigue disponible." in texts(offer)
    assert offers(luis) == []


@pytest.mark.parametrize(
    "text", ["eres un idiota, sigue disponible?", "págame por bizum fuera de aquí, sigue disponible?"]
)
async def test_nothing_is_offered_to_what_does_harm(platform: Platform, text: str) -> None:
    chat = await platform.open("ana:buyer", "luis:seller")
    ana, luis = [await platform.connect(who) for who in ("ana", "luis")]
    await ana.post(chat, text, despite_advice=True)
    message = await ask(ana, chat)
    assert (await luis.next("suggested"))["message"] == message
    assert offers(luis) == []


async def test_heat_brings_a_calm_word_and_the_way_to_the_brand_until_it_is_called(platform: Platform) -> None:
    chat = await platform.open("ana:buyer", "luis:seller")
    ana, luis = [await platform.connect(who) for who in ("ana", "luis")]
    for n in range(4):
        await ask(ana, chat, f"eres un idiota y un imbécil {n}", despite_advice=True)
    await ask(ana, chat)
    offer = await luis.next("suggested")
    assert stances(offer)[0] == "calm"
    assert offer["suggestions"][-1]["action"] == "invite"
    assert "action" not in offer["suggestions"][0]

    await luis.ask("invite", conversation=chat, topic="disagreement", scopes=[])
    await ask(ana, chat)
    waiting = await luis.next("suggested")
    assert stances(waiting)[0] == "calm"
    assert not [one for one in waiting["suggestions"] if "action" in one]
    assert (await figures(platform, ""))["invite"] == {"shown": 1, "taken": 1}


async def test_what_is_offered_would_be_let_through(platform: Platform) -> None:
    chat = await platform.open("ana:buyer", "luis:seller")
    ana, luis = [await platform.connect(who) for who in ("ana", "luis")]
    for text in (
        QUESTION,
        "te doy 40 por él",
        "puedes bajarlo un poco?",
        "pode ser amanhã às 5?",
        "ya enviaste mi pedido 48213?",
    ):
        await ask(ana, chat, text)
        for one in (await luis.next("suggested"))["suggestions"]:
            drafted = await luis.ask("draft", conversation=chat, text=one["text"])
            assert drafted["advice"] == "allow", one


# ------------------------------------------------------------------------------------------- what it is made of


async def test_an_agent_is_offered_nothing_made_of_words_that_were_not_shared(platform: Platform) -> None:
    chat = await platform.open("ana:buyer", "luis:seller")
    ana, luis = [await platform.connect(who) for who in ("ana", "luis")]
    eva = await platform.connect("eva", role="agent")
    await ask(ana, chat, "es el pedido 48213")
    invited = await luis.ask("invite", conversation=chat, topic="delivery", scopes=["messages"])
    await eva.ask("accept", invitation=invited["id"])
    await ana.next("joined", conversation=chat)
    message = await ask(ana, chat, "ya lo enviaste?")
    assert "48213" in str(await luis.next("suggested", message=message))
    await eva.next("suggested", message=message)
    assert "48213" not in str(eva.events)

    await ana.ask("consent", invitation=invited["id"], scopes=["messages"])
    await eva.next("reset")
    message = await ask(ana, chat, "ya lo has enviado?")
    assert "48213" in str(await eva.next("suggested", message=message))


async def test_words_that_were_taken_back_come_back_in_no_suggestion(platform: Platform) -> None:
    chat = await platform.open("ana:buyer", "luis:seller")
    ana, luis = [await platform.connect(who) for who in ("ana", "luis")]
    told = await ask(ana, chat, "es el pedido 48213")
    await ana.ask("retract", conversation=chat, message=told)
    await luis.next("changed", id=told)
    luis.events.clear()
    message = await ask(ana, chat, "ya lo enviaste?")
    assert "48213" not in str(await luis.next("suggested", message=message))


async def test_what_is_covered_for_a_reader_is_covered_in_what_they_are_offered(platform: Platform) -> None:
    chat = await platform.open("ana:buyer", "luis:seller")
    ana, luis = [await platform.connect(who) for who in ("ana", "luis")]
    masked = await ana.post(chat, "qué mierda, mi pedido 48213 dónde está?")
    assert masked["verdict"] == "mask"
    message = await ask(ana, chat, "ya lo enviaste?")
    offer = await luis.next("suggested", message=message)
    assert "mierda" not in str(luis.events) + str(offer)


# ----------------------------------------------------------------------------------------------- off by choice


async def test_who_turns_them_off_gets_none_on_any_device_until_they_turn_them_on(platform: Platform) -> None:
    chat = await platform.open("ana:buyer", "luis:seller", "rui:seller")
    ana, luis, rui = [await platform.connect(who) for who in ("ana", "luis", "rui")]
    assert "suggestions" not in luis.welcome
    assert (await luis.ask("prefer", suggestions=False))["type"] == "accepted"
    tablet = await platform.connect("luis")
    assert tablet.welcome["suggestions"] == "off"
    message = await ask(ana, chat)
    await rui.next("suggested", message=message)
    assert offers(luis) == offers(tablet) == []

    await tablet.ask("prefer", suggestions=True)
    message = await ask(ana, chat, "sigue disponible?")
    for device in (luis, tablet):
        await device.next("suggested", message=message)


async def test_a_platform_turns_them_off_in_one_conversation_or_in_all(platform: Platform) -> None:
    loud, quiet = [await platform.open("ana:buyer", "luis:seller") for _ in range(2)]
    ana, luis = [await platform.connect(who) for who in ("ana", "luis")]
    for chat in (quiet, loud):
        message = await ask(ana, chat)
        await luis.next("suggested", message=message)
    assert (await platform.http.put(f"/v1/conversations/{quiet}/suggestions", json={"on": False})).status_code == 204
    await ask(ana, quiet, "sigue disponible?")
    message = await ask(ana, loud, "sigue disponible?")
    await luis.next("suggested", message=message)
    assert offers(luis) == []

    assert (await platform.http.put("/v1/suggestions", json={"on": False})).status_code == 204
    await ask(ana, loud, "sigue estando disponible?")
    assert (await platform.connect("luis")).welcome["suggestions"] == "none"
    assert (await platform.http.get("/v1/suggestions")).json()["on"] is False
    assert (await platform.http.put("/v1/suggestions", json={"on": True})).status_code == 204
    message = await ask(ana, loud, "aún lo tienes?")
    await luis.next("suggested", message=message)
    assert offers(luis) == []
    assert (await platform.http.put("/v1/conversations/nowhere/suggestions", json={"on": True})).status_code == 404


async def test_who_is_writing_is_not_interrupted(platform: Platform) -> None:
    chat = await platform.open("ana:buyer", "luis:seller", "rui:seller")
    ana, luis, rui = [await platform.connect(who) for who in ("ana", "luis", "rui")]
    await luis.send(type="typing", conversation=chat)
    await ana.next("typing")
    message = await ask(ana, chat)
    await rui.next("suggested", message=message)
    assert offers(luis) == []


async def test_where_many_listen_nobody_is_offered_words(platform: Platform) -> None:
    crowd = [f"p{n}:seller" for n in range(9)]
    many, few = await platform.open("ana:buyer", *crowd), await platform.open("ana:buyer", "p0:seller")
    ana = await platform.connect("ana")
    clients = [await platform.connect(one.partition(":")[0], role="seller") for one in crowd]
    await ask(ana, many)
    message = await ask(ana, few)
    await clients[0].next("suggested", message=message)
    assert [offer for client in clients for offer in offers(client)] == []


# -------------------------------------------------------------------------------------------- what becomes of it


async def test_it_is_counted_what_becomes_of_an_offer(platform: Platform) -> None:
    chat = await platform.open("ana:buyer", "luis:seller")
    ana, luis = [await platform.connect(who) for who in ("ana", "luis")]
    await ana.ask("prefer", suggestions=False)
    asked = await ask(ana, chat)
    yes = next(one for one in (await luis.next("suggested"))["suggestions"] if one["stance"] == "affirm")
    assert (await figures(platform))["affirm"] == {"shown": 1}

    answer = await luis.post(chat, yes["text"], client_id="k1", suggestion=yes["id"])
    again = await luis.post(chat, yes["text"], client_id="k1", suggestion=yes["id"])
    assert answer["id"] == again["id"]
    assert await figures(platform) == {"affirm": {"shown": 1, "taken": 1}, "decline": {"shown": 1}, "ask": {"shown": 1}}

    await ask(ana, chat, "sigue disponible?")
    no = next(one for one in (await luis.next("suggested"))["suggestions"] if one["stance"] == "decline")
    await luis.post(chat, no["text"] + " Lo siento.", suggestion=no["id"])
    await luis.send(type="dismiss", conversation=chat, message=asked)
    assert (await figures(platform))["decline"] == {"shown": 2, "edited": 1}

    message = await ask(ana, chat, "sigue estando disponible?")
    await luis.next("suggested", message=message)
    for _ in range(2):
        await luis.send(type="dismiss", conversation=chat, message=message)
    await luis.post(chat, "Sí.", suggestion=no["id"])
    counted = await figures(platform)
    assert counted["decline"]["dismissed"] == 1
    assert "taken" not in counted["decline"]
    assert counted["affirm"]["taken"] == 1


async def test_nothing_is_counted_for_what_was_never_offered(platform: Platform, other_platform: Platform) -> None:
    chat = await platform.open("ana:buyer", "luis:seller")
    luis = await platform.connect("luis")
    await ask(luis, chat, "Sí, sigue disponible.", suggestion="availability.yes")
    await ask(luis, chat, "hola", suggestion="no such reply")
    await luis.send(type="dismiss", conversation=chat, message="no such message")
    await luis.send(type="dismiss", conversation="nowhere", message="m")
    assert (await luis.next("refused"))["code"] == "not_found"
    assert await figures(platform) == {}
    assert (await other_platform.http.get("/v1/suggestions")).json()["counts"] == []
