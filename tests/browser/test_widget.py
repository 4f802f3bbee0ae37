"""The chat element in a real browser, against a hub that breaks where it is told to."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from realtime import protocol as wire
from rules.types import Role
from tests.browser.fake_hub import AGENT, FakeHub, seeded, story

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = ROOT / "build" / "screenshots"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}

Open = Callable[..., Awaitable["Seat"]]
Running = Callable[[FakeHub], Awaitable[FakeHub]]


class Seat:
    """One page with one chat in it, and what went wrong on it."""

    def __init__(self, page: Page, who: str, hub: FakeHub) -> None:
        self.page, self.who, self.hub = page, who, hub
        self.problems: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda problem: self.problems.append(str(problem)))
        page.on("dialog", lambda dialog: self.problems.append(f"dialog: {dialog.message}"))
        self.chat = page.locator("tertulia-chat")
        self.field = self.chat.get_by_label("Write a message")
        self.log = self.chat.locator(".log")
        self.texts = self.chat.locator(".message .text")

    def _heard(self, message: Any) -> None:
        # A connection that the test broke is reported by the browser itself.
        if message.type in ("error", "warning") and "WebSocket" not in message.text and "favicon" not in message.text:
            self.problems.append(message.text)

    async def say(self, text: str) -> None:
        """Write and send."""
        await self.field.fill(text)
        await self.field.press("Enter")

    def message(self, text: str) -> Locator:
        """The message with this text."""
        return self.chat.locator(".message", has=self.page.locator(".text", has_text=text))

    async def menu(self, text: str) -> Locator:
        """Open a message's menu by the keyboard."""
        await self.message(text).focus()
        await self.page.keyboard.press("Enter")
        return self.chat.get_by_role("menu")

    async def scroll(self, top: int) -> None:
        """Scroll the log, and let the page draw."""
        await self.log.evaluate("(log, top) => { log.scrollTop = top; }", top)
        await self.settle()

    async def settle(self) -> None:
        """Wait for two frames to be drawn."""
        await self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    async def events(self, name: str) -> list[Any]:
        """What the element told its host."""
        all_events = await self.page.evaluate("() => window.events")
        return [detail for each, detail in all_events if each == name]


@pytest.fixture
async def hub() -> AsyncIterator[FakeHub]:
    """An empty conversation of three."""
    hub = await seeded().start()
    yield hub
    await hub.stop()


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    """Starts hubs, and stops them after the test."""
    hubs: list[FakeHub] = []

    async def start(hub: FakeHub) -> FakeHub:
        hubs.append(await hub.start())
        return hub

    yield start
    for hub in hubs:
        await hub.stop()


@pytest.fixture
async def open_chat(browser: Browser) -> AsyncIterator[Open]:
    """Opens a chat as somebody: ``await open_chat(hub, "ana")``. No page may have reported an error by the end."""
    seats: list[Seat] = []
    contexts: list[BrowserContext] = []

    async def open_chat(hub: FakeHub, who: str = "ana", lang: str = "en", size: Any = DESKTOP, **query: str) -> Seat:
        touch = size["width"] < 600
        context = await browser.new_context(viewport=size, has_touch=touch, is_mobile=touch)
        contexts.append(context)
        seat = Seat(await context.new_page(), who, hub)
        seats.append(seat)
        words = "&".join(f"{name}={value}" for name, value in {"who": who, "lang": lang, **query}.items())
        await seat.page.goto(f"http://127.0.0.1:{hub.port}/one.html?{words}")
        await expect(seat.chat.locator(".blank .i-smile, .message, .note, .notice.net:visible").first).to_be_attached()
        return seat

    yield open_chat
    for context in contexts:
        await context.close()
    assert [problem for seat in seats for problem in seat.problems] == []


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something to become true on this side."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.02)


def commands(hub: FakeHub, kind: type[Any]) -> list[Any]:
    """What the hub received of a kind."""
    return [command for _, command in hub.received if isinstance(command, kind)]


# ------------------------------------------------------------------------------------------------ talking


async def test_what_one_says_the_others_read_and_the_author_sees_by_how_many(hub: FakeHub, open_chat: Open) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    await ana.say("Is the bike still there?")
    await expect(luis.texts).to_have_text(["Is the bike still there?"])
    await expect(ana.chat.locator(".status")).to_have_text("Read by 1 of 2")
    await open_chat(hub, "rui")
    await expect(ana.chat.locator(".status")).to_have_text("Read by 2 of 2")


async def test_a_run_of_one_author_names_them_and_their_role_once(hub: FakeHub, open_chat: Open) -> None:
    luis = await open_chat(hub, "luis")
    for text in ("one", "two"):
        await hub.say("c1", "ana", text)
    await hub.say("c1", "rui", "three")
    await expect(luis.chat.locator(".by .name")).to_have_text(["Ana Ruiz", "Rui Mendes"])
    await expect(luis.chat.locator(".by .role")).to_have_text(["Buyer", "Provider"])
    await expect(luis.chat.locator(".by .role svg")).to_have_count(2)


async def test_typing_is_shown_and_forgotten_when_the_message_comes(hub: FakeHub, open_chat: Open) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    await ana.field.press_sequentially("Hel")
    await expect(luis.chat.locator(".typing")).to_have_text("Ana Ruiz is typing…")
    await ana.field.press("Enter")
    await expect(luis.chat.locator(".typing")).to_be_empty()
    assert len(commands(hub, wire.Typing)) == 1


async def test_shift_and_enter_break_the_line_and_the_field_grows_to_five(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    heights = []
    for line in range(7):
        box = await ana.field.bounding_box()
        assert box is not None
        heights.append(round(box["height"]))
        await ana.field.press_sequentially(str(line))
        await ana.field.press("Shift+Enter")
    assert heights == [24, 48, 72, 96, 120, 120, 120]
    await ana.field.press("Enter")
    await expect(ana.texts).to_have_text(["0\n1\n2\n3\n4\n5\n6"])


async def test_the_counter_comes_near_the_limit_and_counts_characters(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    counter = ana.chat.locator(".characters")
    await ana.field.fill("x" * 3_500)
    await expect(counter).to_be_empty()
    await ana.field.fill("🚲" * 3_990)
    await expect(counter).to_have_text("10 characters left")
    await ana.field.fill("🚲" * 4_001)
    await expect(counter).to_have_text("1 character too many")
    await expect(ana.chat.get_by_role("button", name="Send")).to_be_disabled()
    await ana.field.press("Enter")
    await expect(ana.chat.locator(".message")).to_have_count(0)


async def test_a_draft_is_kept_over_a_reload_and_gone_once_sent(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    await ana.field.fill("half a thought")
    await ana.page.reload()
    await expect(ana.field).to_have_value("half a thought")
    await ana.field.press("Enter")
    await expect(ana.texts).to_have_text(["half a thought"])
    await ana.page.reload()
    await expect(ana.texts).to_have_text(["half a thought"])
    await expect(ana.field).to_have_value("")


# ------------------------------------------------------------------------------------- what becomes of a message


async def test_a_masked_message_says_why_and_can_be_looked_at_again(hub: FakeHub, open_chat: Open) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    await ana.say("that damn chain")
    await expect(luis.texts).to_have_text([re.compile("^that .* chain$")])
    await expect(luis.chat.get_by_role("img", name="hidden")).to_be_visible()
    await expect(ana.chat.locator(".status")).to_contain_text("We hid a word.")
    await ana.chat.get_by_role("button", name="See why").click()
    await expect(ana.chat.locator(".reasons")).to_have_text("Others see the word covered.")
    await ana.chat.get_by_role("button", name="Ask for a second look").click()
    await expect(ana.chat.locator(".toast")).to_have_text("We asked for a second look.")
    assert [command.decision for command in commands(hub, wire.Appeal)] == ["m1"]
    await ana.page.reload()
    await expect(ana.chat.locator(".status")).to_contain_text("We hid a word.")


async def test_a_held_message_is_its_author_s_until_it_is_released_and_then_stands_at_its_place(
    hub: FakeHub, open_chat: Open
) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    await ana.say("maybe I come over")
    await expect(ana.chat.locator(".status")).to_contain_text("Under review.")
    await ana.say("good night")
    await expect(luis.texts).to_have_text(["good night"])
    conversation = hub.conversations["c1"]
    await hub.publish(conversation, conversation.change("m1", "released", state="visible", reasons=[]))
    await expect(luis.texts).to_have_text(["maybe I come over", "good night"])
    await expect(ana.chat.locator(".status")).not_to_contain_text(["Under review."])


async def test_a_refused_message_says_why_survives_a_reload_and_goes_after_an_edit(
    hub: FakeHub, open_chat: Open
) -> None:
    ana = await open_chat(hub)
    await ana.say("write to a@b.example")
    refused = ana.chat.locator(".status.refused")
    await expect(refused).to_contain_text("Not sent. To keep you safe, contact details are shared once the order")
    await ana.say("something else")
    await expect(ana.texts).to_have_text(["something else", "write to a@b.example"])
    await ana.page.reload()
    await refused.get_by_role("button", name="Ask for a second look").click()
    await until(lambda: [command.decision for command in commands(hub, wire.Appeal)] == ["d1"])
    await refused.get_by_role("button", name="Edit").click()
    await expect(ana.field).to_have_value("write to a@b.example")
    await expect(ana.field).to_be_focused()
    await ana.say("write to me here")
    await expect(ana.texts).to_have_text(["something else", "write to me here"])
    await expect(refused).to_have_count(0)


async def test_advice_is_given_once_and_the_author_decides(hub: FakeHub, open_chat: Open) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    await ana.say("that is stupid")
    advice = ana.chat.locator(".status.advised")
    await expect(advice).to_contain_text("Put it another way? This could sound hurtful.")
    await advice.get_by_role("button", name="I see it differently.").click()
    await expect(ana.field).to_have_value("I see it differently.")
    await ana.field.fill("")
    await ana.say("that is stupid")
    await advice.get_by_role("button", name="Send anyway").click()
    await expect(luis.texts).to_have_text(["that is stupid"])
    assert [command.despite_advice for command in commands(hub, wire.Post)] == [False, False, True]


async def test_while_one_still_writes_a_word_of_advice_comes_under_the_composer(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    await ana.field.press_sequentially("my mail is a@b.example")
    await expect(ana.chat.locator(".advice")).to_contain_text("contact details are shared once the order is confirmed")
    await ana.field.fill("")
    await expect(ana.chat.locator(".advice")).to_be_empty()


async def test_who_has_read_the_advice_and_sends_the_same_words_is_not_asked_again(
    hub: FakeHub, open_chat: Open
) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    await ana.field.press_sequentially("that is stupid")
    await expect(ana.chat.locator(".advice")).to_contain_text("This could sound hurtful.")
    await ana.page.wait_for_timeout(1_600)  # as long as it takes to read
    await ana.field.press("Enter")
    await expect(luis.texts).to_have_text(["that is stupid"])
    await ana.say("that is so stupid")
    await expect(ana.chat.locator(".status.advised")).to_be_visible()
    assert [command.despite_advice for command in commands(hub, wire.Post)] == [True, False]


async def test_too_fast_is_sent_a_little_later_in_order(hub: FakeHub, open_chat: Open) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    await ana.say("zero")
    await expect(luis.texts).to_have_text(["zero"])
    hub.refuse_next = [wire.Refused("", "rate_limited", "slow down", retry_after=400)]
    for text in ("one", "two", "three"):
        await ana.say(text)
    await expect(luis.texts).to_have_text(["zero", "one", "two", "three"])


async def test_a_muted_person_is_told_and_keeps_their_words(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    hub.refuse_next = [wire.Refused("", "muted", "muted until tomorrow")]
    await ana.say("let me")
    await expect(ana.chat.locator(".status.refused")).to_contain_text("You cannot write in this chat right now.")
    await ana.chat.get_by_role("button", name="Discard").click()
    await expect(ana.chat.locator(".message")).to_have_count(0)


# ---------------------------------------------------------------------------------------------------- faults


async def test_what_is_written_offline_survives_a_reload_and_is_sent_once_in_order(
    hub: FakeHub, open_chat: Open
) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    await ana.say("zero")
    await expect(luis.texts).to_have_text(["zero"])
    hub.unreachable = True
    await hub.cut()
    await expect(ana.chat.locator(".notice.net")).to_contain_text("You are offline. You can keep writing.")
    for text in ("one", "two", "three"):
        await ana.say(text)
    await expect(ana.chat.locator(".status").last).to_have_text("Will send when you are back online")
    # The fake tokens name no owner, so words that wait are shown once the hub has told who is there.
    await ana.page.reload()
    await expect(ana.chat.get_by_role("button", name="Connect now")).to_be_visible()
    hub.unreachable = False
    await ana.chat.get_by_role("button", name="Connect now").click()
    await expect(ana.texts).to_have_text(["zero", "one", "two", "three"])
    await luis.page.bring_to_front()
    await expect(luis.texts).to_have_text(["zero", "one", "two", "three"], timeout=15_000)
    said = [event.text for event in hub.conversations["c1"].log]
    assert said == ["zero", "one", "two", "three"]


async def test_an_answer_lost_on_the_way_doubles_nothing(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    hub.lose_answers = True
    await ana.say("once")
    await until(lambda: hub.conversations["c1"].last == 1)
    hub.lose_answers = False
    await ana.say("twice")
    await expect(ana.texts).to_have_text(["once", "twice"])
    await expect(ana.chat.locator(".status")).to_have_text(["Sent"])
    posts = commands(hub, wire.Post)
    assert [post.text for post in posts] == ["once", "once", "twice"]
    assert posts[0].client_id == posts[1].client_id
    assert hub.conversations["c1"].last == 2


async def test_a_cut_in_the_middle_of_a_talk_loses_and_doubles_nothing(hub: FakeHub, open_chat: Open) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    for number in range(12):
        await ana.say(f"message {number}")
        if number % 4 == 2:
            await hub.cut()
    wanted = [f"message {number}" for number in range(12)]
    await expect(luis.texts).to_have_text(wanted, timeout=20_000)
    await expect(ana.texts).to_have_text(wanted)
    assert [event.text for event in hub.conversations["c1"].log] == wanted


async def test_a_lost_event_is_asked_for_and_shown_at_its_place(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    await hub.say("c1", "luis", "one")
    hub.skip = 2
    for text in ("two", "three", "four"):
        await hub.say("c1", "luis", text)
    await expect(ana.texts).to_have_text(["one", "two", "three", "four"])
    assert [command.after for command in commands(hub, wire.Since)] == [1]


async def test_events_that_come_twice_are_shown_once(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    hub.duplicate = True
    await hub.say("c1", "luis", "one")
    await ana.say("two")
    await expect(ana.texts).to_have_text(["one", "two"])


async def test_after_a_reset_the_history_is_read_again(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    await hub.say("c1", "luis", "one")
    await expect(ana.texts).to_have_text(["one"])
    conversation = hub.conversations["c1"]
    conversation.epoch = "e2"
    conversation.log = []
    conversation.post("rui", "another time")
    await hub.cut()
    await expect(ana.texts).to_have_text(["another time"])
    await ana.say("and on")
    await expect(ana.texts).to_have_text(["another time", "and on"])


async def test_an_expired_token_is_asked_for_anew(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub, "ana", refresh="1")
    hub.tokens_expired = {"ana"}
    await hub.close_all(4401)
    await until(lambda: "ana" in hub.connections.values())
    await ana.say("still me")
    await expect(ana.chat.locator(".status")).to_have_text("Sent")
    assert await ana.page.evaluate("() => window.refreshed") == 1


async def test_a_token_that_cannot_be_renewed_stops_with_words_until_there_is_another(
    hub: FakeHub, open_chat: Open
) -> None:
    ana = await open_chat(hub)
    hub.tokens_expired = {"ana"}
    await hub.close_all(4401)
    await expect(ana.chat.locator(".notice.net")).to_contain_text("Your access has expired.")
    assert (await ana.events("state"))[-1] == {"state": "stopped", "code": 4401}
    await ana.page.evaluate("() => { document.querySelector('tertulia-chat').token = 'ana.2'; }")
    await expect(ana.chat.locator(".notice.net")).to_be_hidden()
    await ana.say("back")
    await expect(ana.chat.locator(".status")).to_have_text("Sent")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4403, "This chat is not available to you."),
        (4409, "This chat is open in another window."),
        (4002, "The chat has stopped because of an error."),
    ],
)
async def test_some_closes_end_it_with_words(hub: FakeHub, open_chat: Open, code: int, words: str) -> None:
    ana = await open_chat(hub)
    await hub.close_all(code)
    await expect(ana.chat.locator(".notice.net")).to_contain_text(words)
    await asyncio.sleep(1.5)
    assert hub.connections == {}


async def test_a_chat_taken_over_by_another_window_can_be_taken_back(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    await hub.close_all(4409)
    await ana.chat.get_by_role("button", name="Use it here").click()
    await ana.say("here again")
    await expect(ana.chat.locator(".status")).to_have_text("Sent")


@pytest.mark.parametrize("code", [4000, 4001, 4005, 4006, 4007, 1012])
async def test_other_closes_are_resumed_without_a_word(hub: FakeHub, open_chat: Open, code: int) -> None:
    ana = await open_chat(hub)
    await hub.say("c1", "luis", "before")
    await expect(ana.texts).to_have_text(["before"])
    await hub.close_all(code)
    await hub.say("c1", "luis", "missed")
    await expect(ana.texts).to_have_text(["before", "missed"])
    assert commands(hub, wire.History)[1:] == []


@pytest.mark.parametrize("when", ["before the module is loaded", "after the element is in the page"])
async def test_a_host_may_give_its_token_whenever_it_likes(hub: FakeHub, browser: Browser, when: str) -> None:
    page = await browser.new_page()
    await page.goto(f"http://127.0.0.1:{hub.port}/empty.html")
    give = "chat.getToken = async () => 'ana'"
    load = "await import('/static/tertulia-chat.js')"
    steps = (
        [give, load]
        if when.startswith("before")
        else [load, "await new Promise((done) => setTimeout(done, 300))", give]
    )
    script = f"async () => {{ const chat = document.querySelector('tertulia-chat'); {'; '.join(steps)}; }}"
    await page.evaluate(script)
    await expect(page.locator("tertulia-chat h1")).to_have_text("Road bike, size M")
    assert list(hub.connections.values()) == ["ana"]
    await page.close()


async def test_who_is_let_in_later_sees_the_chat_then(hub: FakeHub, open_chat: Open) -> None:
    marta = await open_chat(hub, "marta")
    await expect(marta.chat.locator(".notice.net")).to_contain_text("This chat is not available to you.")
    conversation = hub.conversations["c1"]
    conversation.people["marta"] = AGENT
    conversation.members.add("marta")
    for connection in hub.connections:
        await connection.send(wire.encode(wire.Opened(conversation.view("marta"))).decode())
    await hub.say("c1", "luis", "welcome")
    await expect(marta.texts).to_have_text(["welcome"])
    await marta.say("thank you")
    await expect(marta.chat.locator(".status").last).to_have_text("Sent")


# ------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("anchors", [True, False], ids=["the browser anchors", "the element does it alone"])
async def test_older_messages_come_on_the_way_up_and_nothing_jumps(
    running: Running, open_chat: Open, anchors: bool
) -> None:
    hub = await running(seeded(300))
    ana = await open_chat(hub, "ana")
    if not anchors:
        # As a browser without scroll anchoring shows it.
        await ana.chat.evaluate(
            """(chat) => {
              const sheet = new CSSStyleSheet();
              sheet.replaceSync(".log { overflow-anchor: none; } .message { content-visibility: visible; }");
              chat.shadowRoot.adoptedStyleSheets.push(sheet);
            }"""
        )
    await expect(ana.message("Message 300:")).to_be_visible()
    # Where each message in sight stands, frame by frame, while somebody scrolls up with the wheel.
    await ana.log.hover()
    jumps = await ana.page.evaluate(
        """async () => {
          const log = document.querySelector("tertulia-chat").shadowRoot.querySelector(".log");
          const rows = () => [...log.querySelectorAll(".message")].map((row) => [row.dataset.key, row.getBoundingClientRect().top]);
          const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          const jumps = [];
          for (let step = 0; step < 400 && !(log.scrollTop === 0 && log.querySelector(".top").textContent); step++) {
            const before = rows().filter(([, at]) => at > 150 && at < 450);
            const top = log.scrollTop;
            log.scrollTop = Math.max(0, top - 240);
            const moved = Math.min(240, top);
            await frame();
            const after = new Map(rows());
            for (const [key, at] of before) {
              const jump = after.get(key) - at - moved;
              if (!(Math.abs(jump) <= 2)) jumps.push([key, jump]);
            }
            if (log.scrollTop < 300) await new Promise((done) => setTimeout(done, 60));
          }
          return jumps;
        }"""
    )
    await expect(ana.message("Message 1:")).to_be_visible()
    assert jumps == []
    assert len(commands(hub, wire.History)) == 6


async def test_a_message_that_arrives_does_not_move_what_is_read_and_is_counted(
    running: Running, open_chat: Open
) -> None:
    hub = await running(seeded(60))
    ana = await open_chat(hub, "ana")
    await ana.settle()
    await ana.scroll(900)
    row = ana.message("Message 30:")
    before = await row.bounding_box()
    for number in range(3):
        await hub.say("c1", "luis", f"news {number}")
    jump = ana.chat.get_by_role("button", name="3 new messages")
    await expect(jump).to_be_visible()
    assert await row.bounding_box() == pytest.approx(before, abs=1)
    assert (await ana.events("unread"))[-1] == {"count": 3}
    assert [command.seq for command in commands(hub, wire.Read) if command.seq > 60] == []
    await jump.click()
    await expect(ana.message("news 2")).to_be_in_viewport()
    await expect(jump).to_be_hidden()
    await expect(ana.chat.get_by_role("separator", name="New messages")).to_be_visible()
    await until(lambda: [command.seq for command in commands(hub, wire.Read)][-1:] == [63])
    assert (await ana.events("unread"))[-1] == {"count": 0}


async def test_a_chat_opens_where_the_unread_messages_begin(running: Running, open_chat: Open) -> None:
    hub = await running(seeded(90))
    conversation = hub.conversations["c1"]
    conversation.people["ana"] = msgspec.structs.replace(conversation.people["ana"], read=60)
    ana = await open_chat(hub, "ana")
    mark = ana.chat.get_by_role("separator", name="New messages")
    await expect(mark).to_be_in_viewport()
    await expect(ana.message("Message 90:")).not_to_be_in_viewport()


async def test_messages_in_a_hidden_page_stay_unread(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    await ana.page.evaluate(
        """() => {
          Object.defineProperty(document, "visibilityState", { get: () => window.seen ? "visible" : "hidden", configurable: true });
        }"""
    )
    await hub.say("c1", "luis", "anybody?")
    await expect(ana.texts).to_have_text(["anybody?"])
    await asyncio.sleep(0.6)
    assert commands(hub, wire.Read) == []
    assert (await ana.events("unread"))[-1] == {"count": 1}
    await ana.page.evaluate("() => { window.seen = true; document.dispatchEvent(new Event('visibilitychange')); }")
    await until(lambda: [command.seq for command in commands(hub, wire.Read)] == [1])
    assert (await ana.events("unread"))[-1] == {"count": 0}


async def test_a_chat_of_fifteen_hundred_messages_stays_smooth(running: Running, open_chat: Open) -> None:
    hub = await running(seeded(1_500))
    ana = await open_chat(hub, "ana")
    await expect(ana.message("Message 1500:")).to_be_visible()
    for _ in range(40):
        await ana.scroll(0)
        if await ana.chat.locator(".message").count() == 1_500:
            break
        await asyncio.sleep(0.1)
    assert await ana.chat.locator(".message").count() == 1_500
    await ana.log.evaluate("(log) => { log.scrollTop = log.scrollHeight; }")
    await ana.settle()
    await ana.page.evaluate(
        """() => {
          window.longest = 0;
          window.drawn = performance.now();
          const tick = (now) => {
            window.longest = Math.max(window.longest, now - window.drawn);
            window.drawn = now;
            requestAnimationFrame(tick);
          };
          requestAnimationFrame(tick);
        }"""
    )
    started = time.monotonic()
    for number in range(100):
        await hub.say("c1", "luis", f"live {number}")
    # Asked in one step: the driver's own search through so many rows would be in the way of what is measured.
    await ana.page.wait_for_function(
        """() => document.querySelector("tertulia-chat").shadowRoot
          .querySelector(".rows > :last-child .text")?.textContent === 'live 99'"""
    )
    took = time.monotonic() - started
    longest = await ana.page.evaluate("() => window.longest")
    print(f"100 live messages beside 1,500: {took * 1000:.0f} ms, longest frame {longest:.0f} ms")
    # Generous for a machine that others work on; a list drawn anew for every message takes seconds.
    assert longest < 500


# ------------------------------------------------------------------------------------------------ a message's menu


async def test_reply_react_edit_and_take_back_by_the_keyboard(hub: FakeHub, open_chat: Open) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    await ana.say("Is it blue?")
    menu = await luis.menu("Is it blue?")
    await luis.page.keyboard.press("Enter")
    await expect(ana.chat.get_by_role("button", name="👍 from Luis Ortega")).to_be_visible()
    await luis.chat.get_by_role("button", name="👍 from You").click()
    await expect(ana.chat.locator(".reactions")).to_have_count(0)

    await luis.menu("Is it blue?")
    await menu.get_by_role("menuitem", name="Reply").press("Enter")
    await expect(luis.field).to_be_focused()
    await luis.say("It is")
    await expect(ana.chat.locator(".quote")).to_have_text("YouIs it blue?")

    await ana.menu("Is it blue?")
    await ana.chat.get_by_role("menuitem", name="Edit").press("Enter")
    await expect(ana.field).to_have_value("Is it blue?")
    await ana.say("Is it light blue?")
    await expect(luis.texts).to_have_text(["Is it light blue?", "It is"])
    await expect(luis.chat.locator(".edited")).to_have_text("edited")
    await expect(luis.chat.locator(".quote")).to_contain_text("Is it light blue?")

    await ana.menu("Is it light blue?")
    await ana.chat.get_by_role("menuitem", name="Take back").press("Enter")
    await ana.chat.get_by_role("dialog").get_by_role("button", name="Take back").click()
    await expect(luis.texts).to_have_text(["Message removed", "It is"])


async def test_an_edit_that_is_refused_comes_back_with_the_reason(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    await ana.say("hello")
    await expect(ana.chat.locator(".status")).to_have_text("Sent")
    await ana.field.press("ArrowUp")
    await expect(ana.field).to_have_value("hello")
    await ana.say("a@b.example")
    await expect(ana.chat.locator(".advice")).to_contain_text("contact details are shared")
    await expect(ana.texts).to_have_text(["hello"])
    await ana.field.press("Escape")
    await expect(ana.field).to_have_value("")


async def test_the_arrow_keys_walk_the_messages_and_escape_returns_to_writing(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    for text in ("one", "two", "three"):
        await hub.say("c1", "luis", text)
    await expect(ana.texts).to_have_count(3)
    await ana.field.focus()
    await ana.page.keyboard.press("Shift+Tab")
    await expect(ana.message("three")).to_be_focused()
    await ana.page.keyboard.press("ArrowUp")
    await expect(ana.message("two")).to_be_focused()
    await ana.page.keyboard.press("Home")
    await expect(ana.message("one")).to_be_focused()
    await hub.say("c1", "luis", "four")
    await expect(ana.texts).to_have_count(4)
    await expect(ana.message("one")).to_be_focused()
    await ana.page.keyboard.press("Enter")
    await ana.page.keyboard.press("Escape")
    await expect(ana.message("one")).to_be_focused()
    await ana.page.keyboard.press("Escape")
    await expect(ana.field).to_be_focused()


async def test_arriving_messages_are_told_to_screen_readers_together(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    spoken = ana.chat.locator("[aria-live=polite]")
    for text in ("one", "two damn"):
        await hub.say("c1", "luis", text, state="masked" if "damn" in text else "visible")
    await expect(spoken).to_have_text("Luis Ortega: one. Luis Ortega: two hidden")
    for number in range(5):
        await hub.say("c1", "rui", str(number))
    await expect(spoken).to_have_text("5 new messages")


async def test_what_needs_its_author_is_told_to_screen_readers_too(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    await ana.say("a@b.example")
    await expect(ana.chat.locator("[aria-live=polite]")).to_contain_text("Not sent. To keep you safe, contact details")


async def test_a_message_can_be_reported_and_one_s_own_cannot(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    await hub.say("c1", "luis", "pay me outside")
    await ana.say("no")
    await ana.menu("no")
    await expect(ana.chat.get_by_role("menuitem", name="Report")).to_have_count(0)
    await ana.page.keyboard.press("Escape")
    await ana.menu("pay me outside")
    await ana.chat.get_by_role("menuitem", name="Report").click()
    dialog = ana.chat.get_by_role("dialog", name="Report this message")
    await dialog.get_by_label("Looks like a scam").check()
    await dialog.get_by_label("Note (optional)").fill("twice already")
    await dialog.get_by_role("button", name="Report").click()
    await expect(ana.chat.locator(".toast")).to_have_text("Thank you. We will look at it.")
    report = commands(hub, wire.Report)[0]
    assert (report.message, report.reason, report.note) == ("m1", "scam", "twice already")


async def test_a_long_press_opens_the_menu_on_a_phone(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub, "ana", size=PHONE)
    await hub.say("c1", "luis", "hold me")
    bubble = ana.message("hold me").locator(".bubble")
    await bubble.dispatch_event("pointerdown", {"pointerType": "touch", "isPrimary": True})
    await expect(ana.chat.get_by_role("menu")).to_be_visible()
    item = await ana.chat.get_by_role("menuitem", name="Reply").bounding_box()
    assert item is not None
    assert item["height"] >= 44


# ------------------------------------------------------------------------------------------------- suggestions


async def test_suggestions_are_taken_by_the_keyboard_and_never_sent_by_themselves(
    hub: FakeHub, open_chat: Open
) -> None:
    hub.suggestions = [{"id": "s1", "text": "Yes, it is."}, {"id": "s2", "text": "It is sold."}]
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    await ana.say("Is it there?")
    chips = luis.chat.get_by_role("toolbar", name="Suggested replies")
    await expect(chips.locator(".chip")).to_have_text(["Yes, it is.", "It is sold."])
    await chips.locator(".chip").first.focus()
    await luis.page.keyboard.press("ArrowRight")
    await luis.page.keyboard.press("Enter")
    await expect(luis.field).to_have_value("It is sold.")
    await expect(luis.field).to_be_focused()
    assert len(commands(hub, wire.Post)) == 1
    await luis.field.press("Enter")
    await expect(ana.texts).to_have_text(["Is it there?", "It is sold."])
    assert commands(hub, wire.Post)[-1].suggestion == "s2"


async def test_suggestions_do_not_hide_the_message_that_they_answer(running: Running, open_chat: Open) -> None:
    hub = await running(seeded(60))
    hub.suggestions = [{"id": "s1", "text": "Yes, it is."}]
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis", size=PHONE)
    await ana.say("Is it there?")
    await expect(luis.chat.locator(".chips")).to_be_visible()
    await expect(luis.message("Is it there?")).to_be_in_viewport(ratio=1)
    await expect(luis.chat.locator(".jump")).to_be_hidden()


async def test_suggestions_can_be_dismissed_and_switched_off(hub: FakeHub, open_chat: Open) -> None:
    hub.suggestions = [{"id": "s1", "text": "Yes."}, {"id": "s2", "text": "", "stance": "invite"}]
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    chips = luis.chat.locator(".chips")
    await ana.say("one")
    await chips.get_by_role("button", name="Invite the brand").click()
    await expect(luis.chat.get_by_role("dialog", name="Invite the brand")).to_be_visible()
    await luis.page.keyboard.press("Escape")
    await chips.get_by_role("button", name="Dismiss these suggestions").click()
    await expect(chips).to_be_hidden()
    await ana.say("two")
    await expect(chips).to_be_visible()
    await luis.field.press("Escape")
    await expect(chips).to_be_hidden()
    await expect(luis.field).to_be_focused()
    await until(lambda: len(commands(hub, wire.Dismiss)) == 2)
    assert [each.message for each in commands(hub, wire.Dismiss)] == ["m1", "m2"]
    await ana.say("two and a half")
    await chips.get_by_role("button", name="Stop suggesting replies").click()
    await until(lambda: hub.suggest_nothing_to == {"luis"})
    await ana.say("three")
    await expect(luis.texts).to_have_count(4)
    await luis.page.reload()
    await ana.say("four")
    await expect(luis.texts).to_have_count(5)
    await expect(chips).to_be_hidden()
    await expect(luis.chat.locator(".lane")).to_be_hidden()
    await luis.chat.locator(".who").click()
    await luis.chat.get_by_role("switch", name="Suggest replies").check()
    await luis.page.keyboard.press("Escape")
    await until(lambda: not hub.suggest_nothing_to)
    await ana.say("five")
    await expect(chips).to_be_visible()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_suggestions_come_into_a_lane_that_was_kept_for_them(hub: FakeHub, open_chat: Open, size: Any) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis", size=size)
    await ana.say("Is it there?")
    message = luis.message("Is it there?")
    await expect(message).to_be_visible()
    await luis.settle()
    before = [await message.bounding_box(), await luis.field.bounding_box()]
    hub.suggestions = [{"id": "s1", "text": "Yes, it is still there, and I can keep it for you until tomorrow."}] * 3
    sent = hub.conversations["c1"].message("m1")
    offered = [msgspec.convert(each, wire.SuggestionView) for each in hub.suggestions]
    for connection, who in list(hub.connections.items()):
        if who == "luis":
            await hub._tell(connection, wire.Suggested("c1", sent.id, offered, "en"))
    chips = luis.chat.get_by_role("toolbar", name="Suggested replies")
    await expect(chips.locator(".chip")).to_have_count(3)
    await luis.settle()
    assert [await message.bounding_box(), await luis.field.bounding_box()] == before
    width = await luis.page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= size["width"]
    await expect(luis.chat.get_by_role("button", name="Dismiss these suggestions")).to_be_in_viewport(ratio=1)
    await expect(luis.chat.locator('[aria-live="polite"]')).to_contain_text("3 suggested replies")


async def test_suggestions_go_when_what_they_answer_changes_and_wait_for_nobody_who_writes(
    hub: FakeHub, open_chat: Open
) -> None:
    hub.suggestions = [{"id": "s1", "text": "Yes."}]
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    chips = luis.chat.locator(".chips")
    await ana.say("one")
    await expect(chips).to_be_visible()
    conversation = hub.conversations["c1"]
    await hub.publish(conversation, conversation.change("m1", "reacted", reactions={"👍": ["rui"]}))
    await hub.publish(conversation, conversation.change("m1", "removed", text="", state="removed", reactions={}))
    await expect(luis.texts.first).to_have_text("Message removed")
    await expect(chips).to_be_hidden()
    await luis.field.fill("I am")
    await ana.say("two")
    await expect(luis.texts).to_have_count(2)
    await luis.settle()
    await expect(chips).to_be_hidden()
    await expect(luis.field).to_have_value("I am")


# ---------------------------------------------------------------------------------------------------- the brand


async def test_the_brand_is_invited_waited_for_here_and_rated(hub: FakeHub, open_chat: Open) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    conversation = hub.conversations["c1"]
    await expect(luis.chat.locator(".presence")).to_have_text("The brand is not in the chat")
    await ana.chat.get_by_role("button", name="Invite the brand").click()
    dialog = ana.chat.get_by_role("dialog", name="Invite the brand")
    await expect(dialog).to_contain_text("only the words of those who agree")
    await dialog.get_by_label("We cannot agree").check()
    await dialog.get_by_label("Note (optional)").fill("about the price")
    await dialog.get_by_role("button", name="Send invitation").click()

    await expect(luis.chat.locator(".presence")).to_have_text("The brand is on the way")
    await expect(ana.chat.locator(".notice.brand")).to_contain_text("The chat goes on meanwhile.")
    await expect(ana.chat.get_by_role("button", name="Invite the brand")).to_have_count(0)
    await luis.say("we keep talking")
    await expect(ana.texts).to_have_text(["we keep talking"])
    card = luis.chat.locator(".notice.brand")
    await expect(card).to_contain_text("Ana Ruiz invited the brand")
    await expect(card).to_contain_text("We cannot agree. May they read what you wrote earlier?")
    await card.get_by_role("button", name="Do not share").click()
    await expect(card).to_be_hidden()
    invite, consent = commands(hub, wire.Invite)[0], commands(hub, wire.Consent)[0]
    assert (invite.topic, invite.note, invite.scopes, consent.scopes) == ("disagreement", "about the price", [], [])

    await hub.agent_joins(conversation, AGENT)
    await expect(ana.chat.locator(".presence")).to_have_text("Marta Soler is here")
    marta = await open_chat(hub, "marta")
    await marta.say("How can I help?")
    await expect(ana.chat.locator(".by .role").last).to_have_text("Team of the brand")
    await expect(marta.chat.get_by_role("button", name="Invite the brand")).to_have_count(0)
    await marta.menu("we keep talking")
    await expect(marta.chat.get_by_role("menuitem", name="Report")).to_have_count(0)
    await marta.page.keyboard.press("Escape")
    await luis.chat.locator(".who").click()
    await luis.chat.get_by_role("switch", name="Share what I wrote earlier too").check()
    await until(lambda: [command.scopes for command in commands(hub, wire.Consent)] == [[], ["messages"]])
    await luis.page.keyboard.press("Escape")

    await marta.chat.get_by_role("button", name="Leave chat").click()
    await marta.chat.get_by_role("dialog").get_by_role("button", name="Leave chat").click()
    await expect(marta.chat.locator(".closed")).to_have_text("You are no longer in this chat.")
    await expect(ana.chat.locator(".note").last).to_have_text("Marta Soler left. The chat goes on.")
    await ana.chat.locator(".notice.brand").get_by_role("button", name="4 stars").click()
    await ana.chat.get_by_role("dialog", name="Did Marta Soler help you?").get_by_role("button", name="Send").click()
    await expect(ana.chat.locator(".notice.brand")).to_be_hidden()
    assert commands(hub, wire.Rate)[0].score == 4
    await ana.page.reload()
    await expect(ana.chat.locator(".note")).to_have_count(3)
    await expect(ana.chat.locator(".notice.brand")).to_be_hidden()
    await expect(luis.chat.locator(".notice.brand")).to_contain_text("Did Marta Soler help you?")


async def test_an_invitation_can_be_withdrawn(hub: FakeHub, open_chat: Open) -> None:
    ana, luis = await open_chat(hub, "ana"), await open_chat(hub, "luis")
    await ana.chat.get_by_role("button", name="Invite the brand").click()
    await ana.chat.get_by_label("I have a question").check()
    await ana.chat.get_by_role("button", name="Send invitation").click()
    await ana.chat.get_by_role("button", name="Withdraw").click()
    await expect(luis.chat.locator(".note").last).to_have_text("Ana Ruiz withdrew the invitation of the brand")
    await expect(luis.chat.locator(".notice.brand")).to_be_hidden()
    await expect(ana.chat.get_by_role("button", name="Invite the brand")).to_be_visible()


async def test_a_notice_does_not_move_what_is_read(running: Running, open_chat: Open) -> None:
    hub = await running(seeded(60))
    luis = await open_chat(hub, "luis", size=PHONE)
    await luis.settle()
    await luis.scroll(1_500)
    row = luis.chat.locator(".message").nth(30)
    before = await row.bounding_box()
    view = wire.InvitationView("i1", "c1", "requested", "ana", "delivery", 0)
    await hub.invitation(hub.conversations["c1"], view)
    await expect(luis.chat.locator(".notice.brand")).to_be_visible()
    await luis.settle()
    assert await row.bounding_box() == pytest.approx(before, abs=1)


# ------------------------------------------------------------------------------------------------- hostile words

MARKUP = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</p></div><svg onload=alert(1)>",
    "{{constructor.constructor('alert(1)')()}}",
    "javascript:alert(1)",
    'https://a.example/"onmouseover="alert(1)',
    "\u202eevil\u202c \u2066isolate",
    "&lt;b&gt;",
]


async def test_markup_stays_words_wherever_people_can_write(hub: FakeHub, open_chat: Open) -> None:
    conversation = hub.conversations["c1"]
    conversation.title = MARKUP[0]
    conversation.people["luis"] = wire.Person("luis", MARKUP[1], Role.SELLER)
    link = wire.Attachment("https://files.example/a", MARKUP[2])
    hub.suggestions = [{"id": "s", "text": MARKUP[0]}]
    ana = await open_chat(hub, "ana")
    for text in MARKUP:
        await hub.say("c1", "luis", text, attachments=[link], reactions={MARKUP[0][:30]: ["luis"]})
    await ana.say(MARKUP[0])
    await expect(ana.texts).to_have_text([*MARKUP, MARKUP[0]])
    await expect(ana.chat.locator("h1")).to_have_text(MARKUP[0])
    await ana.menu("{{constructor")
    await ana.chat.get_by_role("menuitem", name="Reply").click()
    await ana.chat.locator(".who").click()
    found = await ana.chat.evaluate(
        "(chat) => chat.shadowRoot.querySelectorAll('img, script, [onload], [onerror], b').length"
    )
    links = await ana.chat.evaluate("(chat) => [...chat.shadowRoot.querySelectorAll('a')].map((a) => a.protocol)")
    assert found == 0
    assert set(links) == {"https:"}


async def test_an_attachment_that_is_no_web_address_is_no_link(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub, "ana")
    bad = msgspec.structs.replace(wire.Attachment("https://a.example", "bad"), url="javascript:alert(1)")
    await hub.say(
        "c1", "luis", "look", attachments=[bad, wire.Attachment("https://files.example/a.pdf", "good.pdf", size=2_048)]
    )
    links = ana.chat.get_by_role("link", name="Attachment: good.pdf")
    await expect(links).to_have_text(["Attachment: good.pdf2 kB"])
    assert await links.get_attribute("rel") == "noopener noreferrer nofollow ugc"


# ---------------------------------------------------------------------------------------------------- looks


async def test_long_words_and_right_to_left_stay_within_the_phone(hub: FakeHub, open_chat: Open) -> None:
    hub.conversations["c1"].title = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    hub.conversations["c1"].people["luis"] = wire.Person("luis", "N" * 120, Role.SELLER)
    ana = await open_chat(hub, "ana", size={"width": 320, "height": 640})
    for text in ("x" * 400, "مرحبا بالعالم " * 10, "https://a.example/" + "y" * 300, "🚲" * 60):
        await hub.say("c1", "luis", text)
        await ana.say(text)
    await expect(ana.texts).to_have_count(8)
    wide = await ana.chat.evaluate(
        """(chat) => [chat, ...chat.shadowRoot.querySelectorAll(".log, .head, .foot, .bubble")]
          .filter((part) => part.scrollWidth > part.clientWidth + 1).map((part) => part.className)"""
    )
    assert wide == []


async def test_on_touch_every_target_has_44_pixels(running: Running, open_chat: Open) -> None:
    hub = await running(story())
    hub.suggestions = [{"id": "s1", "text": "Yes."}]
    luis = await open_chat(hub, "luis", size=PHONE)
    ana = await open_chat(hub, "ana", size=PHONE)
    for text in ("that damn chain", "a@b.example", "how stupid"):
        await ana.say(text)
    await expect(ana.chat.locator(".status.advised")).to_be_visible()
    await expect(luis.chat.locator(".chips")).to_be_visible()
    for seat, opener in ((ana, ".corner"), (luis, ".who")):
        await seat.chat.locator(opener).click()
        await expect(seat.chat.get_by_role("dialog")).to_be_visible()
        small = await seat.chat.evaluate(
            """(chat) => [...chat.shadowRoot.querySelectorAll("button, .option, .check, .attachments a")].flatMap((part) => {
              const { height, width } = part.getBoundingClientRect();
              const { top, bottom, left, right, content } = getComputedStyle(part, "::after");
              const more = content === "none" ? [0, 0] : [top, bottom].map((side) => -parseFloat(side));
              const sides = content === "none" ? [0, 0] : [left, right].map((side) => -parseFloat(side));
              const target = [width + sides[0] + sides[1], height + more[0] + more[1]];
              // Side by side with the text it belongs to, a quote is as wide as its message and a line of text high.
              return height === 0 || part.matches(".quote") || Math.min(...target) >= 43.5 ? [] : [[part.className, ...target]];
            })"""
        )
        assert small == []


async def test_the_host_s_accent_font_and_radius_are_taken_and_stay_readable(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    style = "--tertulia-accent: #ffe000; --tertulia-font: monospace; --tertulia-radius: 0px"
    await ana.chat.evaluate("(chat, style) => { chat.style.cssText = style; }", style)
    await ana.field.fill("x")
    send = ana.chat.get_by_role("button", name="Send")
    await expect(send).to_have_css("background-color", "rgb(255, 224, 0)")
    await expect(send).to_have_css("color", "oklch(0 0 0)")
    assert await ana.chat.evaluate("(chat) => getComputedStyle(chat).fontFamily") == "monospace"
    assert await ana.chat.evaluate("(chat) => getComputedStyle(chat).borderRadius") == "0px"


async def test_a_page_s_own_style_does_not_reach_in(hub: FakeHub, open_chat: Open) -> None:
    ana = await open_chat(hub)
    before = await ana.field.evaluate("(field) => getComputedStyle(field).fontSize")
    await ana.page.evaluate(
        """() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync("* { font-size: 40px !important; } textarea { display: none; } :root { --surface: red; }");
          document.adoptedStyleSheets = [sheet];
        }"""
    )
    assert await ana.field.evaluate("(field) => getComputedStyle(field).fontSize") == before
    assert "255, 0, 0" not in await ana.chat.evaluate("(chat) => getComputedStyle(chat).backgroundColor")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1280", "390"])
async def test_every_state_passes_axe(running: Running, open_chat: Open, theme: str, size: Any) -> None:
    hub = await running(story())
    hub.suggestions = [{"id": "s1", "text": "Te confirmo en un momento."}, {"id": "s2", "text": "", "stance": "invite"}]
    ana = await open_chat(hub, "ana", size=size, theme=theme)
    luis = await open_chat(hub, "luis", size=size, theme=theme)
    faults: dict[str, Any] = {}

    async def look(seat: Seat, name: str) -> None:
        await seat.settle()
        await seat.page.evaluate("() => Promise.all(document.getAnimations().map((each) => each.finished))")
        # Trusted Types forbid a script from a string to the page, not to the tools of the browser.
        await seat.page.evaluate(AXE.read_text())
        found = await seat.page.evaluate(
            """async () => {
              const { violations } = await axe.run(document.querySelector("main"), { rules: { region: { enabled: false } } });
              return violations.map(({ id, nodes }) => [id, nodes.map((node) => [node.target.join(" "), node.failureSummary])]);
            }"""
        )
        if found:
            faults[name] = found
        SHOTS.mkdir(parents=True, exist_ok=True)
        await seat.page.screenshot(path=SHOTS / f"widget-{name}-{size['width']}-{theme}.png")

    await look(ana, "story")
    for text in ("that damn chain", "maybe later", "a@b.example", "how stupid"):
        await ana.say(text)
    await expect(ana.chat.locator(".status")).to_have_count(4)
    await look(ana, "states")
    await look(luis, "suggestions")
    await ana.menu("Perfecto")
    await look(ana, "menu")
    await ana.page.keyboard.press("Escape")
    await ana.chat.get_by_role("button", name="Invite the brand").click()
    await ana.chat.get_by_label("We cannot agree").check()
    await look(ana, "invite")
    await ana.chat.get_by_role("button", name="Send invitation").click()
    await expect(luis.chat.locator(".notice.brand")).to_be_visible()
    await look(ana, "waiting")
    await look(luis, "consent")
    await luis.chat.locator(".who").click()
    await expect(luis.chat.get_by_role("dialog")).to_be_visible()
    await look(luis, "people")
    await luis.page.keyboard.press("Escape")
    conversation = hub.conversations["c1"]
    await hub.agent_joins(conversation, AGENT)
    await hub.say("c1", "marta", "Hola, soy Marta. ¿En qué ayudo?")
    await look(luis, "agent")
    await hub.agent_leaves(conversation, "marta")
    await ana.chat.get_by_role("button", name="4 stars").click()
    await expect(ana.chat.get_by_role("dialog")).to_be_visible()
    await look(ana, "rating")
    hub.unreachable = True
    await hub.cut()
    await luis.say("later")
    await expect(luis.chat.locator(".notice.net")).to_be_visible()
    await look(luis, "offline")
    assert faults == {}


@pytest.mark.parametrize("lang", ["es", "pt"])
async def test_the_longest_words_of_each_language_fit_a_phone(running: Running, open_chat: Open, lang: str) -> None:
    hub = await running(story())
    ana = await open_chat(hub, "ana", lang, PHONE)
    field = ana.chat.locator("textarea")
    for text in ("that damn chain", "maybe later", "a@b.example", "how stupid"):
        await field.fill(text)
        await field.press("Enter")
    await expect(ana.chat.locator(".status")).to_have_count(4)
    SHOTS.mkdir(parents=True, exist_ok=True)
    await ana.page.screenshot(path=SHOTS / f"widget-states-390-{lang}.png")
    cut = await ana.chat.evaluate(
        """(chat) => [...chat.shadowRoot.querySelectorAll("button, .presence span, .status")]
          .filter((part) => part.scrollWidth > part.clientWidth + 1 && !part.matches(".who, .link"))
          .map((part) => part.textContent)"""
    )
    assert cut == []
