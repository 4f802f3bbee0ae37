"""Random histories of staff, authors, automation and time: what each participant is shown is what the log folds to, one item
stands for one message, and words that were kept from somebody never reach them.
"""

from __future__ import annotations

import contextlib
import json
import random
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import update

from storage import audit, log
from storage import tables as t
from storage.database import beside
from tests.platform import Client, Platform
from tests.server.console.conftest import Browser, Office

STEPS, CHECK_EVERY = 36, 9
ROLES = {"ana": "buyer", "luis": "seller", "rui": "provider"}
STAFF = {"eva": "reviewer", "leo": "reviewer", "lea": "lead"}


class Phone(Client):
    """A participant's phone, which remembers every frame and folds the messages as a client has to."""

    def __init__(self, socket: Any) -> None:
        self.frames: list[str] = []
        self.shown: dict[str, dict[str, Any]] = {}
        super().__init__(socket)

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
        self.public: set[str] = set()  # words that everybody could read at some time
        self.done: list[str] = []  # acts
        self.counted: Counter[str] = Counter()

    async def begin(self) -> None:
        self.chat = await self.platform.open(*(f"{id}:{role}" for id, role in ROLES.items()), stage="ordered")
        for id, role in ROLES.items():
            self.phones[id] = await self.platform.connect(id, role)
        for login, role in STAFF.items():
            self.desks[login] = await self.office.enter(login, role)

    async def step(self) -> None:
        people = (self.say, self.say, self.say_doubtful, self.edit, self.retract, self.react, self.read, self.report)
        rest = (self.appeal, self.claim, self.decide, self.decide, self.decide, self.undo, self.undo, self.time_passes)
        steps: tuple[Callable[[], Awaitable[str]], ...] = (*people, *rest)
        chosen = self.dice.choice(steps)
        answer = await chosen()
        self.counted[f"{chosen.__name__}: {answer}"] += 1

    # The people

    async def say(self) -> str:
        return await self._post("buenas tardes {}")

    async def say_doubtful(self) -> str:
        return await self._post("to release the payment send me the code you got by SMS {}")

    async def _post(self, words: str) -> str:
        who, canary = self.dice.choice(list(ROLES)), f"canary{secrets.token_hex(6)}"
        answer = await self.phones[who].post(self.chat, words.format(canary))
        if answer["type"] != "accepted":
            return str(answer.get("code"))
        self.messages[answer["id"]] = who
        self.canaries[answer["id"]] = [canary]
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
        message, desk = self._any(), self.desks[self.dice.choice(list(STAFF))]
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
                "reason": "because", "clause": "scam"}  # fmt: skip
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
        for id, phone in self.phones.items():
            told: dict[str, dict[str, Any]] = {}
            await phone.settled()
            for event in await phone.history(self.chat, limit=100):
                fold(told, event)
            assert readable(phone.shown) == readable(told), id
            heard = "\n".join(phone.frames)
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

    async def _check_the_queue(self) -> None:
        desk = self.desks["lea"]
        listed = []
        for state in ("open", "decided"):
            page = (await desk.call("GET", f"/review/queue?state={state}&limit=100")).json()
            listed += [row["message"] for row in page["items"]]
        assert len(listed) == len(set(listed))
        with beside(self.office.database) as tx:
            assert log.broken_link(tx, self.office.tenant, self.chat) == 0
            assert audit.broken_link(tx, self.office.tenant) == 0
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


@pytest.mark.parametrize("seed", range(2))
async def test_everybody_sees_what_the_log_says_and_nobody_sees_what_is_kept_from_them(
    chat_server: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.platform.Client", Phone)
    office = Office(chat_server)
    platform = Marketplace(chat_server.url, chat_server.ws_url, office.api_key)
    history = History(office, platform, seed)
    await history.begin()
    for step in range(1, STEPS + 1):
        await history.step()
        if step % CHECK_EVERY == 0:
            await history.check()
    assert sum(many for what, many in history.counted.items() if what.startswith("decide") and "200" in what) >= 2
    await platform.leave()
    await office.close()
