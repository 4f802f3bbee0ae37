"""The demo: a chat of one's own for every visitor, in a tenant of its own, so that nobody sees what another types."""

from __future__ import annotations

import secrets
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from moderation.engine import Engine
from moderation.heat import tone
from policies.policy import Policy
from realtime.auth import Gate, mint
from realtime.chat import new_id, now
from realtime.errors import Refusal, Unauthenticated
from realtime.limits import Credit
from rules.types import Role, Setting, Stage
from server.api import Api, read_body
from server.platform import ConversationChange
from storage import conversations, tenants
from storage.values import Conversation, Entry, Form, Member, Tenant

HERE = Path(__file__).parent
TOKEN_SECONDS = 30 * 86_400  # a demo that is left open over a weekend goes on
CONVERSATION = "demo"
STARTS_PER_SECOND, STARTS_BURST = 1.0, 30
_PARTIES = (Role.BUYER, Role.SELLER, Role.PROVIDER)
_script: dict[str, dict[str, Any]] = tomllib.loads((HERE / "demo.toml").read_text("utf-8"))


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Begin a demo in a language, on a listing."""

    lang: Literal["es", "en", "pt"] = "en"
    listing: Literal["groceries", "lodging", "electronics", "home_services"] = "groceries"


class Switch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a visitor turns on the page: the listing, the stage of the deal, or both."""

    listing: Literal["groceries", "lodging", "electronics", "home_services"] | None = None
    stage: Stage | None = None
    lang: Literal["es", "en", "pt"] = "en"


class Seat(msgspec.Struct, frozen=True):
    """One of the people of the demo, with the token for their phone."""

    id: str
    name: str
    role: str
    token: str


class Started(msgspec.Struct, frozen=True):
    """All that the page needs. ``listings`` maps what can be chosen to the title of the chat, ``hints`` names words to try."""

    conversation: str
    lang: str
    listing: str
    stage: Stage
    listings: dict[str, str]
    hints: dict[str, str]
    people: list[Seat]
    agent: Seat
    staff: Seat


class Demo:
    """The page, and what its switches do."""

    def __init__(self, api: Api, engine: Engine, policy: Policy) -> None:
        self._api = api
        self._engine = engine
        self._policy = policy
        self._gate = Gate(api.database)
        self._starts = Credit(STARTS_PER_SECOND, STARTS_BURST)

    def routes(self) -> list[BaseRoute]:
        """The page at ``/`` and the two calls that it makes."""
        return [
            Route("/", self.page),
            Route("/demo/start", self.start, methods=["POST"]),
            Route("/demo/setting", self.setting, methods=["POST"]),
        ]

    async def page(self, _: Request) -> Response:
        """The page."""
        return FileResponse(HERE / "static" / "demo" / "index.html", headers={"Cache-Control": "no-cache"})

    async def start(self, request: Request) -> Response:
        """A new chat with three people in it, who have already talked a little."""
        wait = self._starts.spend(now() / 1_000)
        if wait:
            raise Refusal("rate_limited", "Too many demos at once.", retry_after=int(wait * 1_000))
        asked = msgspec.json.decode(await read_body(request) or b"{}", type=Start)
        script, at = _script[asked.lang], now()
        name = f"demo-{secrets.token_hex(8)}"
        tenant = await self._api.database.write(
            lambda tx: tenants.ensure(tx, name, "Demo", secrets.token_urlsafe(32), at)
        )
        await self._seed(tenant, script, asked.lang, asked.listing, at)
        started = Started(
            conversation=CONVERSATION, lang=asked.lang, listing=asked.listing, stage=Stage.ENQUIRY,
            listings=script["listings"], hints=script["hints"],
            people=[self._seat(tenant, role, script["names"][role], asked.lang) for role in _PARTIES],
            agent=self._seat(tenant, Role.AGENT, script["names"]["agent"], asked.lang),
            staff=self._seat(tenant, "staff", "Staff", asked.lang),
        )  # fmt: skip
        return Response(msgspec.json.encode(started), 201, media_type="application/json")

    async def setting(self, request: Request) -> Response:
        """Turn a switch, on behalf of the platform. Asked for with the staff's token of the same demo."""
        switch = msgspec.json.decode(await read_body(request), type=Switch)
        _, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            identity = await self._gate.identify(token)
        except Unauthenticated as problem:
            raise Refusal("unauthenticated", str(problem)) from None
        if identity.role != "staff" or not identity.tenant.startswith("demo-"):
            raise Refusal("forbidden", "Only the demo's own page can do this.")
        change = ConversationChange(
            title=_script[switch.lang]["listings"][switch.listing] if switch.listing else msgspec.UNSET,
            listing=switch.listing or msgspec.UNSET,
            stage=switch.stage or msgspec.UNSET,
        )
        request.path_params["conversation"] = CONVERSATION
        info = await self._api.change(Tenant(identity.tenant, "Demo", ""), request, change)
        return Response(msgspec.json.encode(info), media_type="application/json")

    async def _seed(self, tenant: Tenant, script: dict[str, Any], lang: str, listing: str, at: int) -> None:
        first = at - script["messages"][0]["minutes"] * 60_000 - 60_000
        conversation = Conversation(
            tenant=tenant.id, id=CONVERSATION, title=script["listings"][listing], listing=listing,
            stage=Stage.ENQUIRY, kind="default", last_seq=0, created_at=first,
        )  # fmt: skip
        members = [Member(role, script["names"][role], role, lang) for role in _PARTIES]
        items = await self._api.database.write(lambda tx: conversations.create(tx, conversation, members))
        seq = items[-1].seq
        for line in script["messages"]:
            role, said_at = Role(line["by"]), at - line["minutes"] * 60_000
            setting = Setting(
                author=role, sender=role, audience=frozenset(_PARTIES) - {role}, listing=listing, language=lang
            )
            judged = self._engine.judge(line["text"], setting, self._policy)
            decision, sounds = judged.decision, tone(judged)
            id = new_id(said_at)
            entry = Entry(
                tenant=tenant.id, conversation=CONVERSATION, id=id, author=role, client_id=id, at=said_at,
                text=line["text"], decision=decision,
                form=Form(role, said_at, masks=decision.masks, heat=sounds.heat, feeling=sounds.feeling,
                          language=sounds.language),
            )  # fmt: skip
            seq = (await self._api.database.append(entry)).seq
        marks = [(tenant.id, CONVERSATION, str(role), seq) for role in _PARTIES]
        await self._api.database.write(lambda tx: conversations.mark_read(tx, marks))

    def _seat(self, tenant: Tenant, role: str, name: str, lang: str) -> Seat:
        token = mint(tenant, str(role), name=name, role=role, lang=lang, expires_in=TOKEN_SECONDS)
        return Seat(str(role), name, role, token)
