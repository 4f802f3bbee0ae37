"""Random histories of staff, authors, automation and time: what each participant is shown is what the log folds to, one item
stands for one message, and words that were kept from somebody never reach them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import update

from storage import audit, conversations, log, rebuild
from storage import tables as t
from storage.database import beside
from tests.deep_server import WithScorer, deep_server, policy_file
from tests.platform import Client, Platform
from tests.server.console.conftest import Browser, Office

STEPS, CHECK_EVERY = 48, 12
LOGGED = ("posted", "changed", "hidden", "joined", "left", "setting")
ROLES = {"ana": "buyer", "luis": "seller", "rui": "provider"}
STAFF = {"eva": "reviewer", "leo": "reviewer", "lea": "lead"}


class Phone(Client):
    """A participant's phone, which remembers every frame and folds the messages as a client has to."""

    def __init__(self, socket: Any) -> None:
        self.frames: list[str] = []
        self.said: list[str] = []
        self.shown: dict[str, dict[str, Any]] = {}
        super().__init__(socket)

    async def send(self, **command: Any) -> None:
        self.said.append(json.dumps(command))
        await super().send(**command)

    async def _read(self) -> None:
        with contextlib.suppress(Exception):
            async for frame in self.socket:
                self.frames.append(str(frame))
                event = json.loads(frame)
                fold(self.shown, event)
                waiting = self._answers.pop(event.get("ref", ""), None)
                if waiting is not None:
                    waiting.set_result(event)
                else:
                    self.events.append(event)
                    self._news.set()


class Marketplace(Platform):
    """A platform whose people have such phones."""

    async def connect(self, participant: str, role: str = "buyer", **fields: Any) -> Phone:
        client = await super().connect(participant, role, **fields)
        return client  # type: ignore[return-value]


def fold(shown: dict[str, dict[str, Any]], event: dict[str, Any]) -> None:
    """Keep the newest form of each message."""
    if event["type"] in ("posted", "changed"):
        held = shown.get(event["id"])
        if held is None or event["version"] >= held["version"]:
            shown[event["id"]] = event


def readable(shown: dict[str, dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """What can be read of it: a tombstone and nothing at all are the same to a reader."""
    return {
        id: (form["text"], form.get("state", "visible"), form.get("reactions", {}), form.get("edited_at", 0))
        for id, form in shown.items()
        if form["text"]
    }


class History:
    """One random history."""

    def __init__(self, office: Office, platform: Marketplace, seed: int) -> None:
        self.office, self.platform, self.dice = office, platform, random.Random(seed)
        self.chat = ""
        self.phones: dict[str, Phone] = {}
        self.desks: dict[str, Browser] = {}
        self.messages: dict[str, str] = {}  # of whom each message is
        self.canaries: dict[str, list[str]] = {}  # the words that each message ever had
        self.public: set[str] = set()  # words that everybody who was there could read at some time
        self.unheard: dict[str, set[str]] = {}  # of who is out of the conversation now: what was said meanwhile
        self.drafted: set[str] = set()  # words that were only tried
        self.automation = False
        self.done: list[str] = []  # acts
        self.counted: Counter[str] = Counter()

    async def begin(self) -> None:
        self.chat = await self.platform.open(*(f"{id}:{role}" for id, role in ROLES.items()), stage="ordered")
        for id, role in ROLES.items():
            self.phones[id] = await self.platform.connect(id, role)
        for login, role in STAFF.items():
            self.desks[login] = await self.office.enter(login, role)
        self.desks["ada"] = await self.office.enter("ada", "auditor")

    async def step(self) -> None:
        people = (self.say, self.say, self.say_doubtful, self.edit, self.retract, self.react, self.read, self.report,
                  self.draft, self.lose_the_connection, self.come_and_go)  # fmt: skip
        rest = (self.appeal, self.claim, *(self.decide,) * 5, self.undo, self.undo, self.time_passes)
        machine = (self.say_what_automation_takes_back,) * 2 if self.automation else ()
        steps: tuple[Callable[[], Awaitable[str]], ...] = (*people, *rest, *machine)
        chosen = self.dice.choice(steps)
        answer = await chosen()
        self.counted[f"{chosen.__name__}: {answer}"] += 1

    # The people

    async def say(self) -> str:
        return await self._post("buenas tardes {}")

    async def say_doubtful(self) -> str:
        return await self._post("to release the payment send me the code you got by SMS {}")

    async def say_what_automation_takes_back(self) -> str:
        """Out at first, then held, or removed, by the deep tier."""
        return await self._post(self.dice.choice(("hola zorglub {}", "hola grumox {}")))

    async def _post(self, words: str, who: str = "") -> str:
        who, canary = who or self.dice.choice(list(ROLES)), f"canary{secrets.token_hex(6)}"
        answer = await self.phones[who].post(self.chat, words.format(canary))
        if who in self.unheard:
            assert answer["code"] == "not_found"
        if answer["type"] != "accepted":
            return str(answer.get("code"))
        self.messages[answer["id"]] = who
        self.canaries[answer["id"]] = [canary]
        for missed in self.unheard.values():
            missed.add(canary)
        if answer["verdict"] == "allow":
            self.public.add(canary)
        return str(answer["verdict"])

    async def edit(self) -> str:
        message = self._any()
        if not message:
            return "-"
        canary = f"canary{secrets.token_hex(6)}"
        hidden = self._state(message) == "held"
        answer = await self.phones[self.messages[message]].ask(
            "edit", conversation=self.chat, message=message, text=f"mejor dicho {canary}"
        )
        if answer["type"] == "accepted":
            self.canaries[message].append(canary)
            for missed in self.unheard.values():
                missed.add(canary)
            if not hidden:
                self.public.add(canary)
        return str(answer.get("code", "done"))

    async def retract(self) -> str:
        message = self._any()
        if not message or self.dice.random() < 0.6:
            return "-"
        phone = self.phones[self.messages[message]]
        return str((await phone.ask("retract", conversation=self.chat, message=message)).get("code", "done"))

    async def react(self) -> str:
        message = self._any()
        if not message:
            return "-"
        phone = self.phones[self.dice.choice(list(ROLES))]
        return str((await phone.ask("react", conversation=self.chat, message=message, emoji="👍")).get("code", "done"))

    async def read(self) -> str:
        phone = self.phones[self.dice.choice(list(ROLES))]
        await phone.send(type="read", conversation=self.chat, seq=self.dice.randrange(60))
        return "done"

    async def draft(self) -> str:
        canary = f"canary{secrets.token_hex(6)}"
        self.drafted.add(canary)
        phone = self.phones[self.dice.choice(list(ROLES))]
        return str((await phone.ask("draft", conversation=self.chat, text=f"vaya mierda {canary}"))["type"])

    async def lose_the_connection(self) -> str:
        """A phone that comes back asks for what it has missed, and takes the answer for the whole truth."""
        who = self.dice.choice(list(ROLES))
        if who in self.unheard:
            return "-"
        before = self.phones[who]
        await before.settled()
        await before.close()
        await self._post("buenas tardes {}", self.dice.choice([id for id in ROLES if id != who]))
        known = (event["seq"] for event in map(json.loads, before.frames) if event["type"] in LOGGED)
        last = max(known, default=0)
        resume = [{"conversation": self.chat, "after": last, "epoch": ""}]
        again = await self.platform.connect(who, ROLES[who], resume=resume)
        again.frames, again.said, again.shown = before.frames + again.frames, before.said, before.shown
        for event in (await again.next("resumed"))["events"]:
            fold(again.shown, event)
        self.phones[who] = again
        return "resumed"

    async def come_and_go(self) -> str:
        """The platform takes somebody out of the conversation, or lets them in again."""
        who, at = self.dice.choice(list(ROLES)), f"/v1/conversations/{self.chat}/participants"
        if who not in self.unheard:
            if len(self.unheard) == len(ROLES) - 1 or self.dice.random() < 0.5:
                return "-"
            assert (await self.platform.http.delete(f"{at}/{who}")).status_code == 200
            self.unheard[who] = set()
            return "out"
        back = {"id": who, "name": who.title(), "role": ROLES[who], "lang": "es"}
        assert (await self.platform.http.post(at, json=back)).status_code == 201
        del self.unheard[who]
        # As a page does that is shown a conversation anew: what it knew of it is old.
        phone = self.phones[who]
        await phone.settled()
        phone.shown.clear()
        for event in await phone.history(self.chat, limit=100):
            fold(phone.shown, event)
        return "in"

    async def report(self) -> str:
        message = self._any()
        if not message:
            return "-"
        phone = self.phones[self.dice.choice(list(ROLES))]
        answer = await phone.ask("report", conversation=self.chat, message=message, reason="scam")
        return str(answer.get("code", "done"))

    async def appeal(self) -> str:
        message = self._any()
        if not message:
            return "-"
        phone = self.phones[self.messages[message]]
        return str((await phone.ask("appeal", decision=message, note="no")).get("code", "done"))

    # The staff, and the clock

    async def claim(self) -> str:
        desk = self.desks[self.dice.choice(list(STAFF))]
        found = (await desk.call("POST", "/review/next", {})).json()["item"]
        return "done" if found else "-"

    async def decide(self) -> str:
        desk = self.desks[self.dice.choice(list(STAFF))]
        waiting = (await desk.call("GET", "/review/queue?state=open&limit=100")).json()["items"]
        message = self.dice.choice(waiting)["message"] if waiting and self.dice.random() < 0.7 else self._any()
        if not message:
            return "-"
        detail = await desk.call("GET", f"/review/items/{message}")
        if detail.status_code == 404:
            return "-"
        found = detail.json()
        about = [one for one in found["may"] if one in ("release", "mask", "remove", "uphold", "overturn")]
        if not about:
            return "-"
        what = self.dice.choice(about)
        acts: list[dict[str, Any]] = [{"act": what}]
        if what == "mask":
            # The canary is the last word, and it is what is to be covered.
            text = found["message"]["text"]
            acts = [{"act": "mask", "spans": [[text.rindex(" ") + 1, len(text)]]}]
        if what == "remove" and self.dice.random() < 0.2:
            acts.append({"act": "mute", "hours": 1})
        stale = self.dice.random() < 0.1
        body = {"request": f"request-{secrets.token_hex(8)}", "version": found["item"]["version"] + stale, "acts": acts,
                "reason": "because", "clause": "withdrawn" if self.automation else "scam"}  # fmt: skip
        answer = await desk.call("POST", f"/review/items/{message}/acts", body)
        if answer.status_code == 200:
            self.done.append(answer.json()["act"]["id"])
            if what in ("release", "overturn") and answer.json()["item"]["message_state"] == "visible":
                self.public.add(self.canaries[message][-1])
        return f"{what} {answer.status_code}"

    async def undo(self) -> str:
        if not self.done:
            return "-"
        desk = self.desks[self.dice.choice(list(STAFF))]
        answer = await desk.call("POST", f"/review/acts/{self.done[-1]}/undo", {})
        if answer.status_code == 200:
            body = answer.json()
            message = body["act"]["message"]
            # A mask that is taken back shows what was under it.
            (form,) = [one for one in [self._truth(message)] if one is not None]
            if form.form.state == "visible" and not form.form.masks:
                self.public.add(self.canaries[message][-1])
        return str(answer.status_code)

    async def time_passes(self) -> str:
        """Whoever has claimed something falls asleep; a mute ends."""
        with beside(self.office.database) as tx:
            here = t.review_items.c.tenant == self.office.tenant
            tx.execute(update(t.review_items).where(here).values(lease_until=1))
        return "done"

    # What must hold

    async def check(self) -> None:
        await self._quiet()
        for id, phone in self.phones.items():
            told: dict[str, dict[str, Any]] = {}
            await phone.settled()
            heard = "\n".join(phone.frames)
            others = self.drafted - set(re.findall(r"canary\w+", "\n".join(phone.said)))
            assert not any(canary in heard for canary in others), "a draft is nobody else's"
            if id in self.unheard:
                assert not any(canary in heard for canary in self.unheard[id]), id
                continue
            for event in await phone.history(self.chat, limit=100):
                fold(told, event)
            assert readable(phone.shown) == readable(told), id
            for message, canaries in self.canaries.items():
                truth = self._truth(message)
                assert truth is not None
                mine = self.messages[message] == id
                for canary in canaries:
                    if not mine and canary not in self.public:
                        assert canary not in heard, (id, message)
                now = json.dumps(list(told.values()))
                visible = truth.form.state == "visible" and not truth.form.masks
                if not visible and not (mine and truth.form.state != "removed"):
                    assert not any(canary in now for canary in canaries), (id, message, truth.form)
                if visible:
                    assert canaries[-1] in now, (id, message)
        await self._check_the_platform()
        await self._check_the_queue()

    async def _check_the_platform(self) -> None:
        answer = await self.platform.http.get(f"/v1/conversations/{self.chat}/history?limit=100")
        for message, canaries in self.canaries.items():
            truth = self._truth(message)
            assert truth is not None
            if truth.form.state == "removed":
                assert not any(canary in answer.text for canary in canaries)
            statement = await self.platform.http.get(f"/v1/decisions/{message}/statement")
            assert not any(canary in statement.text for canary in canaries)

    async def _quiet(self) -> None:
        """Wait until automation has said all that it had to say."""
        seen, still = -1, 0
        while self.automation and still < 6:
            with beside(self.office.database) as tx:
                latest = conversations.last_seqs(tx, [(self.office.tenant, self.chat)])[self.office.tenant, self.chat]
            seen, still = latest, still + 1 if latest == seen else 0
            await asyncio.sleep(0.05)

    async def _check_the_queue(self) -> None:
        desk = self.desks["lea"]
        for who, path in (
            ("ada", "/audit.csv"),
            ("ada", "/audit"),
            ("lea", "/review/figures"),
            ("lea", "/review/counts"),
        ):
            page = await self.desks[who].call("GET", path)
            assert page.status_code == 200, (path, page.text)
            assert "canary" not in page.text, path
        listed = []
        for state in ("open", "decided"):
            page = (await desk.call("GET", f"/review/queue?state={state}&limit=100")).json()
            listed += [row["message"] for row in page["items"]]
        assert len(listed) == len(set(listed))
        with beside(self.office.database) as tx:
            assert log.broken_link(tx, self.office.tenant, self.chat) == 0
            assert audit.broken_link(tx, self.office.tenant) == 0
            made_again = rebuild.Outcome()
            rebuild.some(tx, (self.office.tenant, ""), made_again)
            assert (made_again.differ, made_again.broken) == (0, [])
            assert made_again.tables["messages"].rows > 0
            entries = tx.execute(t.audit.select().where(t.audit.c.tenant == self.office.tenant)).all()
        assert "canary" not in str(entries)

    def _any(self) -> str:
        return self.dice.choice(list(self.messages)) if self.messages else ""

    def _truth(self, message: str) -> Any:
        with beside(self.office.database) as tx:
            return log.find(tx, self.office.tenant, message)

    def _state(self, message: str) -> str:
        truth = self._truth(message)
        return "" if truth is None else str(truth.form.state)


async def _live_through(server: Any, seed: int, automation: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.platform.Client", Phone)
    office = Office(server)
    platform = Marketplace(server.url, server.ws_url, office.api_key)
    history = History(office, platform, seed)
    history.automation = automation
    try:
        await history.begin()
        for step in range(1, STEPS + 1):
            await history.step()
            if step % CHECK_EVERY == 0:
                await history.check()
    finally:
        await platform.leave()
        await office.close()
    assert sum(history.counted.values()) == STEPS


@pytest.mark.parametrize("seed", range(2))
async def test_everybody_sees_what_the_log_says_and_nobody_sees_what_is_kept_from_them(
    chat_server: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _live_through(chat_server, seed, False, monkeypatch)


@pytest.fixture(scope="module")
def automated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithScorer]:
    """A server on which verdicts come after the message is out."""
    folder = tmp_path_factory.mktemp("deep")
    with deep_server(folder, policy_file(folder), "obeys") as server:
        assert isinstance(server, WithScorer)
        yield server


@pytest.mark.parametrize("seed", range(2))
async def test_the_same_holds_where_automation_takes_back_what_is_out(
    automated: WithScorer, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asyncio.timeout(30), httpx2.AsyncClient(base_url=automated.url, trust_env=False) as http:
        while (await http.get("/health")).json()["status"] != "ready":  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.05)
    await _live_through(automated, seed, True, monkeypatch)
