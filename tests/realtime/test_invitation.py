"""The brand is silent until invited, sees only what each author agreed to share, and leaves without taking the chat along."""

from __future__ import annotations

from typing import Any

PEOPLE = ("ana:buyer", "luis:seller", "rui:provider")


async def test_the_whole_life_of_an_invitation(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis, agent = [await platform.connect(*one.split(":")) for one in ("ana:buyer", "luis:seller", "eva:agent")]
    assert agent.welcome["conversations"] == []
    await ana.post(chat, "palabras de ana")
    await luis.post(chat, "palabras de luis")
    invited = await ana.ask("invite", conversation=chat, topic="delivery", note="no llega", scopes=["messages"])

    offer = await agent.next("invitation")
    assert (offer["seq"], offer["title"], offer["invitation"]["note"]) == (0, "Title", "no llega")
    told = await luis.next("invitation")
    assert (told["invitation"]["state"], told["invitation"]["by"]) == ("requested", "ana")
    assert "note" not in told["invitation"], "the note is for the brand"
    assert (await agent.ask("history", conversation=chat))["code"] == "not_found"
    assert (await luis.ask("invite", conversation=chat, topic="help"))["code"] == "conflict"

    assert (await agent.ask("accept", invitation=invited["id"]))["type"] == "accepted"
    joined = await luis.next("joined")
    assert joined["member"] == {"id": "eva", "name": "Eva", "role": "agent"}
    await luis.post(chat, "después de que llegara")
    assert (await agent.next("posted"))["text"] == "después de que llegara"
    seen = [event.get("text") for event in await agent.history(chat) if event["type"] in ("posted", "hidden")]
    assert seen == ["palabras de ana", None, "después de que llegara"]

    await luis.ask("consent", invitation=invited["id"], scopes=["messages"])
    assert (await agent.next("reset"))["reason"] == "membership_changed", "there is more to read now"
    seen = [event.get("text") for event in await agent.history(chat) if event["type"] == "posted"]
    assert seen == ["palabras de ana", "palabras de luis", "después de que llegara"]
    await ana.ask("consent", invitation=invited["id"], scopes=[])
    assert (await agent.next("reset"))["reason"] == "membership_changed", "and now less"
    seen = [event.get("text") for event in await agent.history(chat) if event["type"] == "posted"]
    assert seen == ["palabras de luis", "después de que llegara"]

    assert (await agent.post(chat, "Hola, soy Eva"))["verdict"] == "allow"
    assert (await ana.next("posted", author="eva"))["role"] == "agent"
    await agent.ask("leave", conversation=chat)
    assert (await ana.next("left"))["participant"] == "eva"
    assert (await agent.ask("history", conversation=chat))["code"] == "not_found"
    assert (await ana.post(chat, "y seguimos"))["type"] == "accepted"
    members = (await platform.http.get(f"/v1/conversations/{chat}")).json()["members"]
    assert [one["id"] for one in members] == ["ana", "luis", "rui"]

    assert (await ana.ask("rate", invitation=invited["id"], score=5))["type"] == "accepted"
    assert (await ana.ask("rate", invitation=invited["id"], score=1))["code"] == "conflict"
    assert (await luis.ask("rate", invitation=invited["id"], score=9))["code"] == "bad_request"
    assert (await ana.ask("invite", conversation=chat, topic="delivery"))["type"] == "accepted", "and again"


async def test_of_two_agents_the_first_gets_it(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, eva, ivo = [await platform.connect(*one.split(":")) for one in ("ana:buyer", "eva:agent", "ivo:agent")]
    invited = await ana.ask("invite", conversation=chat, topic="help")
    answers = [await one.ask("accept", invitation=invited["id"]) for one in (eva, ivo)]
    assert [answer["type"] for answer in answers] == ["accepted", "refused"]
    assert answers[1]["code"] == "conflict"
    assert (await ivo.next("invitation", seq=0))["invitation"]["state"] == "requested"
    assert (await ivo.next("invitation", seq=0))["invitation"]["state"] == "joined"
    assert (await ivo.ask("history", conversation=chat))["code"] == "not_found"


async def test_an_invitation_is_withdrawn_by_who_made_it(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis, agent = [await platform.connect(*one.split(":")) for one in ("ana:buyer", "luis:seller", "eva:agent")]
    invited = await ana.ask("invite", conversation=chat, topic="help")
    assert (await luis.ask("withdraw", invitation=invited["id"]))["code"] == "forbidden"
    assert (await ana.ask("withdraw", invitation=invited["id"]))["type"] == "accepted"
    assert (await agent.ask("accept", invitation=invited["id"]))["code"] == "conflict"
    assert (await ana.ask("withdraw", invitation=invited["id"]))["code"] == "conflict"
    late = await platform.connect("ivo", "agent")
    assert [event for event in late.events if event["type"] == "invitation"] == []


async def test_an_agent_who_comes_later_finds_what_is_waiting(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana")
    invited = await ana.ask("invite", conversation=chat, topic="help", note="hola")
    agent = await platform.connect("eva", "agent")
    assert (await agent.next("invitation"))["invitation"]["id"] == invited["id"]


async def test_the_brand_neither_invites_itself_nor_answers_for_others(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, agent, stranger = [await platform.connect(*one.split(":")) for one in ("ana:buyer", "eva:agent", "zoe:buyer")]
    invited = await ana.ask("invite", conversation=chat, topic="help")
    await agent.ask("accept", invitation=invited["id"])
    for command in ("invite", "consent", "rate"):
        fields: dict[str, Any] = {
            "invite": {"conversation": chat, "topic": "help"},
            "consent": {"invitation": invited["id"], "scopes": ["messages"]},
            "rate": {"invitation": invited["id"], "score": 5},
        }[command]
        assert (await agent.ask(command, **fields))["code"] == "forbidden"
        assert (await stranger.ask(command, **fields))["code"] == "not_found"
    assert (await stranger.ask("withdraw", invitation=invited["id"]))["code"] == "not_found"
    assert (await ana.ask("consent", invitation=invited["id"], scopes=["everything"]))["code"] == "bad_request"
