"""Where two things happen at once, or in another order than usual."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.platform import Platform, new_tenant

PEOPLE = ("ana:buyer", "luis:seller")


async def test_an_agent_joins_a_chat_in_which_nobody_is_online(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana")
    invited = await ana.ask("invite", conversation=chat, topic="help")
    await ana.close()
    agent = await platform.connect("eva", "agent")
    assert (await agent.ask("accept", invitation=invited["id"]))["type"] == "accepted"
    assert (await agent.next("conversation"))["conversation"]["id"] == chat
    assert (await agent.post(chat, "Hola, ya estoy aquí"))["type"] == "accepted"


async def test_a_chat_that_is_opened_shows_at_once_on_the_phones_of_its_people(platform: Any) -> None:
    ana = await platform.connect("ana")
    assert ana.welcome["conversations"] == []
    chat = await platform.open(*PEOPLE)
    assert (await ana.next("conversation"))["conversation"]["id"] == chat
    luis = await platform.connect("luis", "seller")
    await luis.post(chat, "hola")
    assert (await ana.next("posted"))["text"] == "hola"


async def test_sockets_that_die_while_they_say_hello_lock_nobody_out(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    token = await platform.token("ana")
    luis = await platform.connect("luis", "seller")
    for _ in range(45):
        client = await platform.raw()
        await client.send(type="hello", token=token)
        client.socket.transport.abort()
    await asyncio.sleep(1)
    ana = await platform.connect("ana")
    assert [one["id"] for one in ana.welcome["conversations"]] == [chat]
    await ana.close()
    assert await luis.next("presence", participant="ana", online=False)


async def test_coming_back_brings_no_new_credit(serve: Callable[..., Any]) -> None:
    server = serve()
    database = server.environment["TERTULIA_DATABASE"]
    platform = Platform(server.url, server.ws_url, new_tenant(database, "t"))
    chat = await platform.open(*PEOPLE)
    began = asyncio.get_running_loop().time()
    accepted = 0
    for visit in range(4):
        ana = await platform.connect("ana")
        answers = [await ana.post(chat, f"hola {visit} {n}") for n in range(10)]
        accepted += sum(answer["type"] == "accepted" for answer in answers)
        limited = [answer for answer in answers if answer.get("code") == "rate_limited"]
        assert all(answer["retry_after"] > 0 for answer in limited)
        await ana.close()
    seconds = asyncio.get_running_loop().time() - began
    assert accepted <= 10 + 5 * seconds + 1

    # Far over the limit, the connection ends.
    ana = await platform.connect("ana")
    frame = json.dumps({"type": "typing", "conversation": chat})
    with contextlib.suppress(ConnectionClosed):
        for _ in range(2_000):
            await ana.socket.send(frame)
    assert await ana.close_code() == 4008
    await platform.leave()


async def test_pages_are_not_read_without_end(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana")
    answers = await asyncio.gather(*(ana.ask("history", conversation=chat) for _ in range(60)))
    kinds = [answer["type"] for answer in answers]
    assert 30 <= kinds.count("history") < 60
    assert {answer.get("code") for answer in answers if answer["type"] == "refused"} == {"rate_limited"}
    assert (await ana.post(chat, "hola"))["type"] == "accepted"


async def test_a_resume_is_answered_once_for_each_conversation(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana", resume=[{"conversation": chat, "after": 0, "epoch": ""}] * 100)
    await ana.next("resumed")
    assert [event for event in await ana.settled() if event["type"] == "resumed"] == []


async def test_nothing_comes_before_the_welcome(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    luis = await platform.connect("luis", "seller")
    token = await platform.token("ana")
    posting = asyncio.create_task(_post_for_a_while(luis, chat))
    for _ in range(8):
        client = await platform.raw()
        await client.send(type="hello", token=token)
        welcome = await client.next("welcome")
        last = welcome["conversations"][0]["last_seq"]
        await asyncio.sleep(0.05)
        seqs = [event["seq"] for event in client.events if event["type"] == "posted"]
        assert seqs == list(range(last + 1, last + 1 + len(seqs)))
        await client.close()
    posting.cancel()


async def _post_for_a_while(client: Any, chat: str) -> None:
    n = 0
    while True:
        await client.post(chat, f"mensaje {n}")
        n += 1


async def test_the_brand_that_is_shown_out_can_be_invited_again(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, agent = await platform.connect("ana"), await platform.connect("eva", "agent")
    invited = await ana.ask("invite", conversation=chat, topic="help")
    await agent.ask("accept", invitation=invited["id"])
    await platform.http.delete(f"/v1/conversations/{chat}/participants/eva")
    assert (await agent.ask("history", conversation=chat))["code"] == "not_found"
    assert (await ana.ask("rate", invitation=invited["id"], score=2))["type"] == "accepted"
    again = await ana.ask("invite", conversation=chat, topic="help")
    assert again["type"] == "accepted"
    await platform.http.delete(f"/v1/conversations/{chat}/participants/ana")
    assert (await agent.ask("accept", invitation=again["id"]))["code"] == "conflict", "who invited is gone"


@pytest.mark.parametrize("path", ["/v1/conversations", "/v1/conversations/{id}/participants"])
async def test_the_brand_comes_by_invitation_only(platform: Any, path: str) -> None:
    chat = await platform.open(*PEOPLE)
    agent = {"id": "eva", "name": "Eva", "role": "agent"}
    body = agent if "{id}" in path else {"participants": [agent]}
    response = await platform.http.post(path.format(id=chat), json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")


async def test_a_token_finds_an_old_conversation_of_a_busy_participant(platform: Any) -> None:
    oldest = await platform.open(*PEOPLE)
    for n in range(0, 205, 20):
        await asyncio.gather(*(platform.open("ana:buyer", id=f"order-{n + m}") for m in range(20)))
    ana = await platform.connect("ana", conversations=[oldest])
    assert [one["id"] for one in ana.welcome["conversations"]] == [oldest]


async def test_saying_the_same_consent_again_changes_nothing(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    invited = await ana.ask("invite", conversation=chat, topic="help")
    first = await luis.ask("consent", invitation=invited["id"], scopes=["messages"])
    again = await luis.ask("consent", invitation=invited["id"], scopes=["messages"])
    assert (first["seq"], again.get("seq", 0)) == (invited["seq"] + 1, 0)
    await ana.ask("withdraw", invitation=invited["id"])
    late = await luis.ask("consent", invitation=invited["id"], scopes=[])
    assert late["code"] == "conflict"


async def test_a_page_that_is_loaded_again_is_not_told_as_absence(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    luis = await platform.connect("luis", "seller")
    ana = await platform.connect("ana")
    await luis.next("presence", participant="ana", online=True)
    await ana.close()
    again = await platform.connect("ana")
    await asyncio.sleep(5.5)
    assert not [event for event in luis.events if event["type"] == "presence" and not event["online"]]
    assert (await again.post(chat, "hola"))["type"] == "accepted"
