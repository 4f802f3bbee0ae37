"""The demo as a newcomer meets it: one page, three people and an agent in one chat, in a real browser on a real server."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, Request, expect

from moderation.engine import default_engine
from policies.load import load
from rules.types import Role, Setting, Stage
from tests.conftest import Server
from tests.platform import new_tenant

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = ROOT / "build" / "screenshots"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PAGE_BYTES = 150 * 1024  # compressed
PEOPLE = ("buyer", "seller", "provider")
SCRIPT = tomllib.loads((ROOT / "server" / "demo.toml").read_text("utf-8"))
HINTS: dict[str, str] = SCRIPT["en"]["hints"]
SEEDED = [message["text"] for message in SCRIPT["en"]["messages"]]
SPACE = "\u2007"  # what stands where letters are covered


class Demo:
    """The page, and what went wrong on it."""

    def __init__(self, page: Page, narrow: bool) -> None:
        self.page, self.narrow = page, narrow
        self.problems: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda problem: self.problems.append(str(problem)))

    def _heard(self, message: Any) -> None:
        # A server that the test took away is reported by the browser itself.
        away = "ERR_CONNECTION_REFUSED" in message.text or "WebSocket" in message.text
        if message.type in ("error", "warning") and not away:
            self.problems.append(message.text)

    async def open(self, url: str) -> Demo:
        """Load the page and wait until all three phones show the chat."""
        await self.page.goto(url)
        for who in PEOPLE:
            await expect(self.panel(who).locator(".message").last).to_be_attached()
        return self

    def panel(self, seat: str) -> Locator:
        """A phone, the ``desk`` or the ``staff``."""
        return self.page.locator(f"#seat-{seat}")

    async def sit(self, seat: str) -> Locator:
        """Bring a seat to the front where one is shown at a time."""
        if self.narrow:
            await self.page.locator(f"#tab-{seat}").click()
        await expect(self.panel(seat)).to_be_visible()
        return self.panel(seat)

    async def say(self, seat: str, text: str) -> None:
        """Write and send."""
        field = (await self.sit(seat)).get_by_label("Write a message")
        await field.fill(text)
        await field.press("Enter")

    async def turn(self, value: str) -> None:
        """Turn the listing's or the stage's switch."""
        choice = self.page.locator(f".settings input[value={value}]")
        if self.narrow and not await choice.is_visible():
            await self.page.locator(".summary").click()
        async with self.page.expect_response("**/demo/setting") as answer:
            await choice.check()
        assert (await answer.value).status == 200
        if self.narrow:
            await self.page.keyboard.press("Escape")

    def message(self, seat: str, text: str) -> Locator:
        """The messages with this text, as somebody sees them."""
        exact = re.compile(rf"^{re.escape(text)}$")
        return self.panel(seat).locator(".message", has=self.page.locator(".text", has_text=exact))

    async def reached(self, text: str, *seats: str) -> None:
        """The text is there, once, on each of these phones, whether or not they are in front."""
        for seat in seats:
            await expect(self.message(seat, text)).to_have_count(1)

    async def accepted(self, seat: str) -> list[str]:
        """What a phone shows as being in the chat, in order: nothing refused, nothing on its way."""
        texts: list[str] = (
            await self.panel(seat)
            .locator("tertulia-chat")
            .evaluate(
                """(chat) => [...chat.shadowRoot.querySelectorAll(".bubble")]
              .filter((bubble) => !["refused", "advised", "waiting", "sending"].includes(bubble.dataset.state))
              .map((bubble) => bubble.querySelector(".text").textContent)"""
            )
        )
        return texts

    async def decision(self, number: int = 0) -> Locator:
        """What the staff see of a decision, the newest first."""
        return (await self.sit("staff")).locator(".decision").nth(number)


Open = Callable[..., Awaitable[Demo]]


@pytest.fixture
async def open_demo(browser: Browser) -> AsyncIterator[Open]:
    """Opens the demo in a browser of its own: ``await open_demo(server)``. No page may have reported an error by the end."""
    demos: list[Demo] = []
    contexts: list[BrowserContext] = []

    async def open_demo(server: Server, size: Any = DESKTOP, locale: str = "en", scheme: Any = "light") -> Demo:
        touch = size["width"] < 600
        context = await browser.new_context(
            viewport=size, locale=locale, color_scheme=scheme, has_touch=touch, is_mobile=touch
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        demos.append(Demo(await context.new_page(), touch))
        return await demos[-1].open(server.url)

    expect.set_options(timeout=20_000)
    yield open_demo
    expect.set_options(timeout=5_000)
    for context in contexts:
        await context.close()
    assert [problem for demo in demos for problem in demo.problems] == []


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Server]) -> Server:
    """A demo that several tests share: every visitor has a chat of their own."""
    return start_server("--demo")


def covered(text: str, word: str) -> str:
    """The text as those see it to whom a word is not shown."""
    return text.replace(word, SPACE * len(word))


async def history_of(server: Server, demo: Demo) -> list[dict[str, Any]]:
    """The chat's messages as the platform reads them from the log, after another start has given it a key."""
    kept = await demo.page.evaluate("() => JSON.parse(localStorage.getItem('tertulia:demo:en'))")
    payload = kept["staff"]["token"].split(".")[1]
    tenant = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["tenant"]
    key = new_tenant(server.environment["TERTULIA_DATABASE"], tenant)
    async with httpx2.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {key}"}) as http:
        answer = await http.get(f"{server.url}/v1/conversations/{kept['conversation']}/history?limit=100")
    assert answer.status_code == 200, answer.text
    assert not answer.json()["more"]
    return [event for event in answer.json()["events"] if event["type"] == "posted"]


# --------------------------------------------------------------------------------------------------- the story


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_the_story_of_one_chat_and_of_a_server_that_is_killed(
    serve: Callable[..., Server], open_demo: Open, size: Any
) -> None:
    server = serve("--demo")
    demo = await open_demo(server, size)
    assert await demo.accepted("buyer") == SEEDED

    # A clean message passes at once; the strip says so.
    await demo.say("buyer", HINTS["clean"])
    await demo.reached(HINTS["clean"], *PEOPLE)
    await expect((await demo.decision()).locator(".verdict")).to_have_text("Passed")

    # A swear word arrives covered at the others, and its author is told.
    await demo.say("provider", HINTS["swear"])
    hidden = covered(HINTS["swear"], "shit")
    await demo.reached(hidden, "buyer", "seller")
    await demo.reached(HINTS["swear"], "provider")
    await expect(
        demo.message("provider", HINTS["swear"]).locator("xpath=..").get_by_text("We hid a word")
    ).to_have_count(1)
    decision = await demo.decision()
    await expect(decision.locator(".verdict")).to_have_text("Masked")
    await expect(decision.locator("mark")).to_have_text("shit")
    await expect(decision.locator("code").first).to_have_text("profanity")

    # A phone number before the order is refused, with the reason and a way on.
    await demo.say("buyer", HINTS["phone"])
    refused = (await demo.sit("buyer")).locator(".status.refused")
    await expect(refused).to_contain_text("contact details are shared once the order is confirmed")
    await expect((await demo.decision()).locator("code").first).to_have_text("contact_before_order")
    await refused_edit(demo)
    await demo.turn("ordered")
    await (await demo.sit("buyer")).get_by_label("Write a message").press("Enter")
    await demo.reached(HINTS["phone"], *PEOPLE)

    # An aubergine is a vegetable at the greengrocer's, and none in a flat share.
    await demo.say("seller", HINTS["aubergine"])
    await demo.reached(HINTS["aubergine"], *PEOPLE)
    await demo.turn("lodging")
    await demo.say("seller", HINTS["aubergine"])
    refused = (await demo.sit("seller")).locator(".status.refused")
    await expect(refused).to_contain_text("This chat is for talking about the deal")
    assert (await demo.accepted("buyer")).count(HINTS["aubergine"]) == 1
    await refused.get_by_role("button", name="Discard").click()

    await invite_and_serve(demo)

    # The server is taken away in the middle of talking, and comes back with all that it had accepted.
    before = await demo.accepted("buyer")
    on_their_way = [f"{who} says {n}" for n in range(2) for who in PEOPLE]
    for text in on_their_way[:3]:
        await demo.say(text.split()[0], text)
    server.kill()
    for text in on_their_way[3:]:
        await demo.say(text.split()[0], text)
    await expect(demo.page.get_by_text("The server cannot be reached")).to_be_visible()
    await asyncio.to_thread(server.start)
    for text in on_their_way:
        await demo.reached(text, *PEOPLE)
    await expect(demo.page.get_by_text("The server cannot be reached")).to_be_hidden()
    for who in PEOPLE:
        await expect(demo.panel(who).locator("[data-state=sending], [data-state=waiting]")).to_have_count(0)

    posted = await history_of(server, demo)
    texts = [message["text"] for message in posted]
    assert sorted(texts[len(before) :]) == sorted(on_their_way)
    for who in PEOPLE:
        seen = [hidden if m["text"] == HINTS["swear"] and m["author"] != who else m["text"] for m in posted]
        assert await demo.accepted(who) == seen
        assert who != "buyer" or seen[: len(before)] == before
    await demo.page.reload()
    for text in on_their_way:
        await demo.reached(text, *PEOPLE)
    assert await demo.accepted("provider") == texts


async def refused_edit(demo: Demo) -> None:
    """Take the refused words back into the composer, where they wait for their author."""
    phone = await demo.sit("buyer")
    await phone.locator(".status.refused").get_by_role("button", name="Edit").click()
    await expect(phone.get_by_label("Write a message")).to_have_value(HINTS["phone"])
    await expect(phone.locator(".status.refused")).to_have_count(0)


async def invite_and_serve(demo: Demo) -> None:
    """Somebody invites the brand; an agent accepts, reads only what they may, writes and leaves; the chat goes on."""
    buyer = await demo.sit("buyer")
    await buyer.get_by_role("button", name="Invite the brand").click()
    await buyer.get_by_label("Delivery or shipping").check()
    await buyer.get_by_label("Note (optional)").fill("Who pays when it comes late?")
    await buyer.get_by_role("button", name="Send invitation").click()
    desk = await demo.sit("desk")
    offer = desk.locator(".offer")
    await expect(offer).to_contain_text("Amy invites you")
    await expect(offer).to_contain_text("Delivery or shipping · Room in Leith")
    await expect(offer).to_contain_text("Who pays when it comes late?")
    await expect(offer.locator(".clock")).to_have_text(re.compile(r"waiting 0:\d\d"))
    await expect(demo.page).to_have_title("(1) Tertulia")
    await offer.get_by_role("button", name="Accept").click()

    field = desk.get_by_label("Write a message")
    await expect(field).to_be_focused()
    await expect(demo.page).to_have_title("Tertulia")
    assert await demo.accepted("desk") == []  # nobody has agreed to share what came before
    await field.fill("Hello, Martha here. The shop pays.")
    await field.press("Enter")
    await demo.reached("Hello, Martha here. The shop pays.", *PEOPLE, "desk")
    await demo.say("seller", "Fair enough.")
    await demo.reached("Fair enough.", *PEOPLE, "desk")

    await (await demo.sit("desk")).get_by_role("button", name="Leave chat").click()
    await desk.get_by_role("dialog").get_by_role("button", name="Leave chat").click()
    await expect(desk.get_by_text("You left, and the chat goes on.")).to_be_visible()
    await expect(desk.locator("tertulia-chat")).to_have_count(0)
    await demo.say("provider", "On we go.")
    await demo.reached("On we go.", *PEOPLE)


# ------------------------------------------------------------------------------------------------- the parts


@pytest.mark.parametrize("lang", ["es", "en", "pt"])
def test_every_hint_does_what_it_promises(lang: str) -> None:
    engine, policy = default_engine(), load("marketplace")

    def verdict(hint: str, stage: Stage = Stage.ENQUIRY, listing: str = "groceries") -> str:
        for sender in (Role.BUYER, Role.SELLER, Role.PROVIDER):
            others = frozenset({Role.BUYER, Role.SELLER, Role.PROVIDER}) - {sender}
            setting = Setting(sender, sender, others, listing, stage, lang)
            seen.add(engine.judge(SCRIPT[lang]["hints"][hint], setting, policy).decision.verdict.value)
        assert len(seen) == 1, "the same on every phone"
        return seen.pop()

    seen: set[str] = set()
    assert verdict("clean") == "allow"
    assert verdict("swear") == "mask"
    assert verdict("phone") == "block"
    assert verdict("phone", Stage.ORDERED) == "allow"
    assert verdict("aubergine") == "allow"
    assert verdict("aubergine", listing="lodging") == "block"
    assert verdict("insult") == "nudge"
    assert verdict("scam") == "hold"


async def test_a_hint_waits_in_the_composer_of_the_phone_last_used(server: Server, open_demo: Open) -> None:
    demo = await open_demo(server)
    await demo.panel("provider").get_by_label("Write a message").focus()
    await expect(demo.page.get_by_text("Try on Rui Mendes's phone")).to_be_visible()
    await demo.page.get_by_role("button", name="A phone number").click()
    field = demo.panel("provider").get_by_label("Write a message")
    await expect(field).to_have_value(HINTS["phone"])
    await expect(field).to_be_focused()
    # The chat says what would become of it, before anything is sent.
    await expect(demo.panel("provider").locator(".advice")).to_contain_text("contact details")
    assert await demo.panel("staff").locator(".decision").count() == 0
    await field.press("Enter")
    await expect(demo.panel("staff").locator(".decision .by")).to_have_text("Rui Mendes")


async def test_what_is_held_waits_for_the_staff_who_release_or_remove_it(server: Server, open_demo: Open) -> None:
    demo = await open_demo(server)
    for who, deed, told in (("seller", "Release", "Released"), ("buyer", "Remove", "Removed")):
        await demo.say(who, HINTS["scam"])
        held = await demo.decision()
        await expect(held.locator(".by")).to_contain_text("Luke" if who == "seller" else "Amy")
        await expect(held.locator(".verdict")).to_have_text("Held")
        await expect(demo.panel("provider").get_by_text(HINTS["scam"])).to_have_count(0 if who == "seller" else 1)
        await held.get_by_role("button", name=deed).click()
        await expect(held).to_contain_text(told)
        await expect(held.get_by_role("button")).to_have_count(0)
    await demo.reached(HINTS["scam"], *PEOPLE)
    await expect(demo.panel("buyer").get_by_text("Message removed")).to_be_visible()
    await demo.page.reload()
    await expect(demo.panel("staff").locator(".settled")).to_have_text(
        [re.compile("^Removed"), re.compile("^Released")]
    )


async def test_what_is_found_is_underlined_at_its_place_behind_characters_of_two_halves(
    server: Server, open_demo: Open
) -> None:
    demo = await open_demo(server)
    await demo.say("buyer", "🍅🍅🍅 and then that shit again 🍅")
    decision = await demo.decision()
    await expect(decision.locator("mark")).to_have_text("shit")
    await expect(decision.locator(".said")).to_have_text("🍅🍅🍅 and then that shit again 🍅")
    await expect(decision.locator(".us")).to_have_text(re.compile(r"^[\d,]+ µs$"))
    await expect(decision.locator(".found")).to_contain_text("swear word")


async def test_words_of_others_never_become_a_part_of_the_page(server: Server, open_demo: Open) -> None:
    demo = await open_demo(server)
    await demo.say("buyer", "<img src=x onerror=alert(1)> <b>bold</b>")
    await expect((await demo.decision()).locator(".said")).to_have_text("<img src=x onerror=alert(1)> <b>bold</b>")
    assert await demo.panel("staff").locator(".decision img, .decision b").count() == 0


async def test_each_language_has_a_chat_of_its_own_and_keeps_it(server: Server, open_demo: Open) -> None:
    demo = await open_demo(server, locale="pt-BR")
    assert await demo.page.locator("html").get_attribute("lang") == "pt"
    await expect(demo.panel("buyer").get_by_text("Olá! A cesta deste sábado leva beringelas?")).to_be_attached()
    await demo.page.get_by_role("radio", name="English").check()
    await expect(demo.panel("buyer").get_by_text("Are there aubergines")).to_be_attached()
    await demo.say("buyer", "Only in the English chat.")
    await demo.reached("Only in the English chat.", *PEOPLE)
    await demo.page.get_by_role("radio", name="español").check()
    await expect(demo.panel("buyer").get_by_text("¿La cesta de este sábado lleva berenjenas?")).to_be_attached()
    await expect(demo.panel("staff").locator(".decision")).to_have_count(0)
    await demo.page.reload()
    await expect(demo.page.get_by_text("Lo que ve el equipo")).to_be_visible()
    await demo.page.get_by_role("radio", name="English").check()
    await demo.reached("Only in the English chat.", *PEOPLE)
    await expect(demo.panel("staff").locator(".decision")).to_have_count(1)


async def test_the_three_languages_have_the_same_words(server: Server, open_demo: Open) -> None:
    demo = await open_demo(server)
    missing = await demo.page.evaluate(
        """async () => {
          const { voiceOf } = await import("/static/demo/words.js");
          const [es, en, pt] = await Promise.all(["es", "en", "pt"].map(voiceOf));
          const keys = Object.keys(en.words);
          return [es, pt].flatMap(({ words }) => [
            ...keys.filter((key) => !words[key]),
            ...Object.keys(words).filter((key) => !en.words[key]),
          ]);
        }"""
    )
    assert missing == []


async def test_starting_afresh_can_be_taken_back(server: Server, open_demo: Open) -> None:
    demo = await open_demo(server)
    await demo.say("buyer", "Do not forget me.")
    await demo.reached("Do not forget me.", *PEOPLE)
    await demo.turn("ordered")
    await demo.page.get_by_role("button", name="Start afresh").click()
    await demo.page.get_by_text("A new chat has begun.").wait_for()
    await expect(demo.message("buyer", "Do not forget me.")).to_have_count(0)
    await expect(demo.panel("staff").locator(".decision")).to_have_count(0)
    await expect(demo.page.get_by_role("radio", name="Enquiry")).to_be_checked()
    await demo.page.get_by_role("button", name="Back to the last one").click()
    await demo.reached("Do not forget me.", *PEOPLE)
    await expect(demo.page.get_by_role("radio", name="Ordered")).to_be_checked()
    await expect(demo.panel("staff").locator(".decision")).to_have_count(1)


async def test_a_chat_that_the_server_has_lost_is_replaced_by_a_new_one(server: Server, open_demo: Open) -> None:
    demo = await open_demo(server)
    await demo.page.evaluate(
        """() => {
          const demo = JSON.parse(localStorage.getItem("tertulia:demo:en"));
          for (const seat of [...demo.people, demo.agent, demo.staff]) seat.token = seat.token.slice(0, -4) + "AAAA";
          localStorage.setItem("tertulia:demo:en", JSON.stringify(demo));
        }"""
    )
    await demo.page.reload()
    await expect(demo.page.get_by_text("a new one has begun")).to_be_visible()
    await demo.say("buyer", "Here again.")
    await demo.reached("Here again.", *PEOPLE)


async def test_a_demo_that_cannot_begin_says_so_and_tries_again_when_asked(server: Server, open_demo: Open) -> None:
    demo = await open_demo(server)
    await demo.page.route("**/demo/start", lambda route: route.abort())
    await demo.page.evaluate("() => localStorage.clear()")
    await demo.page.reload()
    await expect(demo.page.get_by_text("The chat could not be opened.")).to_be_visible()
    await demo.page.unroute("**/demo/start")
    await demo.page.get_by_role("button", name="Try again").click()
    await expect(demo.panel("seller").locator(".message").last).to_be_visible()
    demo.problems = [problem for problem in demo.problems if "ERR_FAILED" not in problem]


async def test_tabs_and_switches_go_by_the_keyboard_at_phone_width(server: Server, open_demo: Open) -> None:
    demo = await open_demo(server, PHONE)
    await demo.page.locator("#tab-buyer").focus()
    await demo.page.keyboard.press("ArrowRight")
    await expect(demo.page.locator("#tab-seller")).to_be_focused()
    await expect(demo.panel("seller")).to_be_visible()
    await expect(demo.panel("buyer")).to_be_hidden()
    await demo.say("seller", "Anybody there?")
    await expect(demo.page.get_by_role("tab", name="Buyer")).to_contain_text("1")
    await expect(demo.page.get_by_role("img", name="1 new message").first).to_be_visible()
    await demo.sit("buyer")
    await expect(demo.page.locator("#tab-buyer .badge")).to_be_hidden()
    await demo.page.locator(".summary").press("Enter")
    await demo.page.get_by_role("radio", name="Enquiry").focus()
    async with demo.page.expect_response("**/demo/setting"):
        await demo.page.keyboard.press("ArrowRight")
    await expect(demo.page.get_by_role("radio", name="Negotiation")).to_be_checked()
    await expect(demo.page.locator(".summary")).to_have_text("Vegetables · Negotiation")


@pytest.mark.parametrize("size", [DESKTOP, PHONE, {"width": 1440, "height": 900}, {"width": 820, "height": 1180}])
async def test_the_page_itself_never_scrolls_nor_is_wider_than_the_window(
    server: Server, open_demo: Open, size: Any
) -> None:
    demo = await open_demo(server, size, locale="es")
    assert await demo.page.evaluate(
        """() => {
          const { scrollWidth, scrollHeight } = document.documentElement;
          return [scrollWidth <= innerWidth, scrollHeight <= innerHeight];
        }"""
    ) == [True, True]


async def test_the_page_weighs_less_than_150_kib(server: Server, browser: Browser) -> None:
    context = await browser.new_context(locale="es")
    page = await context.new_page()
    urls: set[str] = set()

    def asked(request: Request) -> None:
        if request.method == "GET":
            urls.add(request.url)

    page.on("request", asked)
    await page.goto(server.url)
    await page.locator("#seat-provider .message").last.wait_for()
    await context.close()
    async with httpx2.AsyncClient(trust_env=False) as http:
        sizes = {url: len(gzip.compress((await http.get(url)).content)) for url in urls}
    assert len(sizes) > 10
    assert sum(sizes.values()) < PAGE_BYTES, sizes


@pytest.mark.parametrize(("size", "scheme", "locale"), [(DESKTOP, "light", "en"), (PHONE, "dark", "es")])
async def test_every_state_passes_axe(server: Server, open_demo: Open, size: Any, scheme: str, locale: str) -> None:
    demo = await open_demo(server, size, locale=locale, scheme=scheme)
    faults: dict[str, Any] = {}

    async def look(name: str) -> None:
        await demo.page.evaluate("() => Promise.all(document.getAnimations().map((each) => each.finished))")
        await demo.page.evaluate(AXE.read_text())
        # Three phones of one chat have three notices of one name, as three phones do.
        found = await demo.page.evaluate(
            """async () => {
              const { violations } = await axe.run({ rules: { "landmark-unique": { enabled: false } } });
              const told = ({ target, failureSummary }) => [target.join(" "), failureSummary];
              return violations.map(({ id, nodes }) => [id, nodes.map(told)]);
            }"""
        )
        if found:
            faults[name] = found
        SHOTS.mkdir(parents=True, exist_ok=True)
        await demo.page.screenshot(path=SHOTS / f"demo-{name}-{size['width']}-{scheme}-{locale}.png")

    await look("quiet")
    hints = demo.page.locator(".hint")
    for number, who in enumerate(("buyer", "seller", "provider", "seller", "provider", "buyer")):
        await demo.sit(who)
        await demo.panel(who).locator("textarea").focus()
        await hints.nth(number).click()
        await demo.page.keyboard.press("Enter")
        await expect(demo.panel("staff").locator(".decision")).to_have_count(number + 1)
    await look("decided")
    await demo.sit("staff")
    await look("staff")
    phone = await demo.sit("seller")
    await phone.locator("button.invite").first.click()
    await phone.get_by_role("dialog").get_by_role("radio").first.check()
    await phone.get_by_role("dialog").locator("button.primary").click()
    desk = await demo.sit("desk")
    await expect(desk.locator(".offer")).to_be_visible()
    await look("offer")
    await desk.locator(".primary").click()
    await desk.locator("textarea").fill("Hola")
    await desk.locator("textarea").press("Enter")
    await expect(desk.locator(".message")).to_have_count(1)
    if not demo.narrow:
        await expect(demo.panel("staff").locator(".decision")).to_have_count(7)  # and has come to rest where axe looks
    await look("serving")
    if demo.narrow:
        await demo.page.locator(".summary").click()
        await look("settings")
    assert faults == {}
