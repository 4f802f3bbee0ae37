"""The platform's HTTP API: one table of operations, from which the routes and the OpenAPI document are both made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from moderation.engine import Engine
from moderation.hour import hour_of
from moderation.policy_book import PolicyBook
from moderation.review.statement import Statement
from realtime.auth import mint
from realtime.board import Warm, board
from realtime.chat import new_id, now
from realtime.errors import Refusal
from realtime.hub import Hub
from realtime.protocol import HISTORY_PAGE, Person, holds_nul
from realtime.review import Review
from realtime.visibility import Reader, invitation_view, visible_to
from rules.types import Role, Setting
from server import problems, statements
from server.check import Checked, checked
from server.platform import (
    Checks,
    ConversationChange,
    ConversationInfo,
    MintedToken,
    NewAppeal,
    NewConversation,
    NewParticipant,
    NewToken,
    OpenAppeal,
    Page,
    SuggestionCounts,
    SuggestionFigures,
    Switch,
    TokenKey,
)
from storage import conversations, log, suggestions, tenants
from storage.database import EVERY_TENANT, Database
from storage.errors import NotFound
from storage.values import Conversation, LogItem, Member, Tenant

BODY_BYTES = 1024 * 1024
BOARD = 100  # conversations on the board at most
PLATFORM = Reader("", Role.AGENT, "en", sees_all=True)
_encode = msgspec.json.Encoder().encode


class Operation(msgspec.Struct, frozen=True):
    """One thing that the platform may ask for. ``query`` holds whole-number parameters with their meaning."""

    method: str
    path: str
    summary: str
    handle: Callable[[Tenant, Request, Any], Awaitable[Any]]
    answer: Any
    body: Any = None
    query: tuple[tuple[str, str], ...] = ()
    status: int = 200


class Api:
    """The operations, for every tenant that shows its key."""

    def __init__(self, database: Database, hub: Hub, engine: Engine, policies: PolicyBook) -> None:
        self.database = database
        self.hub = hub
        self.engine = engine
        self.policies = policies
        self.review = Review(database, hub, new_id=new_id)
        at = "/v1/conversations/{conversation}"
        self.operations: tuple[Operation, ...] = (
            Operation("POST", "/v1/conversations", "Open a conversation with its listing, stage and participants.",
                      self.open, ConversationInfo, NewConversation, status=201),
            Operation("GET", at, "A conversation as it stands.", self.show, ConversationInfo),
            Operation("PATCH", at, "Change its title, listing or stage.", self.change, ConversationInfo, ConversationChange),
            Operation("POST", f"{at}/participants", "Add a participant; who left may come back.",
                      self.add, ConversationInfo, NewParticipant, status=201),
            Operation("DELETE", f"{at}/participants/{{participant}}", "Remove a participant, at once.",
                      self.remove, ConversationInfo),
            Operation("GET", f"{at}/history", "A page of its events, oldest first, nothing hidden.", self.history, Page,
                      query=(("before", "events before this seq; 0 or left out: the newest"),
                             ("limit", f"events in the page, at most {HISTORY_PAGE}"))),
            Operation("POST", "/v1/tokens", "A token for a participant's connection.", self.token, MintedToken, NewToken,
                      status=201),
            Operation("PUT", "/v1/token-key", "The key with which the platform signs tokens itself.", self.token_key,
                      None, TokenKey, status=204),
            Operation("GET", "/v1/suggestions", "What became of suggested replies, counted without words.",
                      self.suggestions, SuggestionFigures),
            Operation("PUT", "/v1/suggestions", "Suggest replies to everybody, or to nobody.",
                      self.switch_suggestions, None, Switch, status=204),
            Operation("PUT", f"{at}/suggestions", "Suggest replies in a conversation, or not.",
                      self.switch_suggestions_in, None, Switch, status=204),
            Operation("GET", "/v1/board", "Conversations that may need the brand, hottest first.", self.board, list[Warm],
                      query=(("limit", f"conversations, at most {BOARD}"),)),
            Operation("GET", "/v1/decisions/{message}/statement",
                      "The statement of reasons for a message (Article 17 DSA), in its author's language.",
                      self.statement, Statement),
            Operation("POST", "/v1/decisions/{message}/appeal",
                      "Appeal against a decision for the message's author, who may be banned from the chat.",
                      self.appeal, OpenAppeal, NewAppeal, status=201),
            Operation("POST", "/v1/check", "Judge texts without storing them.", self.check, list[Checked], Checks),
        )  # fmt: skip

    def routes(self) -> list[BaseRoute]:
        """Starlette's routes: a path with all its methods each, then the description of it all."""
        paths: dict[str, dict[str, Operation]] = {}
        for operation in self.operations:
            paths.setdefault(operation.path, {})[operation.method] = operation
        return [
            *(Route(path, self._endpoint(methods), methods=list(methods)) for path, methods in paths.items()),
            Route("/v1/openapi.json", self.openapi),
            Route("/v1/docs", self.docs),
        ]

    # ------------------------------------------------------------------------------------------- operations

    async def open(self, tenant: Tenant, _: Request, body: NewConversation) -> ConversationInfo:
        """Open a conversation. ``conflict`` when the id is taken."""
        at = now()
        _distinct(body.participants)
        conversation = Conversation(
            tenant=tenant.id, id=body.id or new_id(at), title=body.title, listing=body.listing, stage=body.stage,
            kind=body.kind, last_seq=0, created_at=at,
        )  # fmt: skip
        members = [_member(one) for one in body.participants]
        items = await self.database.write(lambda tx: conversations.create(tx, conversation, members))
        self._publish(tenant, conversation.id, items)
        return await self._info(tenant, conversation.id)

    async def show(self, tenant: Tenant, request: Request, _: None) -> ConversationInfo:
        """A conversation as it stands."""
        return await self._info(tenant, request.path_params["conversation"])

    async def change(self, tenant: Tenant, request: Request, body: ConversationChange) -> ConversationInfo:
        """Change what is given; nothing given changes nothing."""
        id, at = request.path_params["conversation"], now()

        def act(tx: Any) -> list[LogItem]:
            log.lock(tx, tenant.id, id)
            current = conversations.load(tx, tenant.id, id)
            title = current.title if body.title is msgspec.UNSET else body.title
            listing = current.listing if body.listing is msgspec.UNSET else body.listing
            stage = current.stage if body.stage is msgspec.UNSET else body.stage
            if (title, listing, stage) == (current.title, current.listing, current.stage):
                return []
            return [conversations.move(tx, tenant.id, id, title, listing, stage, "platform", at)]

        self._publish(tenant, id, await self.database.write(act))
        return await self._info(tenant, id)

    async def add(self, tenant: Tenant, request: Request, body: NewParticipant) -> ConversationInfo:
        """Add a participant. ``conflict`` when they are in it."""
        id, at = request.path_params["conversation"], now()

        def act(tx: Any) -> LogItem:
            log.lock(tx, tenant.id, id)
            return conversations.join(tx, tenant.id, id, _member(body), at)

        self._publish(tenant, id, [await self.database.write(act)])
        return await self._info(tenant, id)

    async def remove(self, tenant: Tenant, request: Request, _: None) -> ConversationInfo:
        """Remove a participant; their connections are told and see nothing more."""
        id, participant = request.path_params["conversation"], request.path_params["participant"]
        at = now()

        def act(tx: Any) -> list[LogItem]:
            log.lock(tx, tenant.id, id)
            return conversations.leave(tx, tenant.id, id, participant, "platform", at)

        self._publish(tenant, id, await self.database.write(act))
        return await self._info(tenant, id)

    async def history(self, tenant: Tenant, request: Request, _: None) -> Page:
        """A page of the log for the platform."""
        id = request.path_params["conversation"]
        before, limit = _whole(request, "before", 0, 2**53), _whole(request, "limit", 50, HISTORY_PAGE) or 50

        def ask(tx: Any) -> list[LogItem]:
            if not conversations.exists(tx, tenant.id, id):
                raise NotFound("conversation")
            return log.before(tx, tenant.id, id, before, limit + 1)

        items = await self.database.read(ask, of=tenant.id)
        events = [visible_to(id, item, PLATFORM, self.policies.of(tenant.id).reasons) for item in items[-limit:]]
        return Page(events, len(items) > limit)

    async def token(self, tenant: Tenant, _: Request, body: NewToken) -> MintedToken:
        """A token signed with the tenant's secret."""
        token = mint(
            tenant, body.participant, name=body.name, role=body.role, lang=body.lang,
            conversations=body.conversations, expires_in=body.expires_in,
        )  # fmt: skip
        return MintedToken(token, int(time.time()) + body.expires_in)

    async def token_key(self, tenant: Tenant, _: Request, body: TokenKey) -> None:
        """Trust, or no longer trust, a key of the platform's own. Effective within half a minute."""
        if body.public_key and not _is_ed25519(body.public_key):
            raise Refusal("bad_request", "The key is no Ed25519 public key in PEM.")
        await self.database.write(lambda tx: tenants.trust_key(tx, tenant.id, body.public_key))

    async def suggestions(self, tenant: Tenant, _: Request, __: None) -> SuggestionFigures:
        """All that was counted up to now."""
        if self.hub.suggesting is not None:
            await self.hub.suggesting.offers.store()
        off, counts = await self.database.read(
            lambda tx: (suggestions.off(tx, tenant.id, ""), suggestions.counts(tx, tenant.id)), of=tenant.id
        )
        on = self.hub.suggesting is not None and not off
        return SuggestionFigures(
            on,
            [
                SuggestionCounts(intent, stance, lang, **msgspec.structs.asdict(counted))
                for intent, stance, lang, counted in counts
            ],
        )

    async def switch_suggestions(self, tenant: Tenant, _: Request, body: Switch) -> None:
        """Turn them on or off for the whole tenant. Conversations and people that have them off keep it so."""
        await self._switch(tenant, "", on=body.on)

    async def switch_suggestions_in(self, tenant: Tenant, request: Request, body: Switch) -> None:
        """Turn them on or off in one conversation. Raises NotFound."""
        id = request.path_params["conversation"]
        if not await self.database.read(lambda tx: conversations.exists(tx, tenant.id, id), of=tenant.id):
            raise NotFound("conversation")
        await self._switch(tenant, id, on=body.on)

    async def board(self, tenant: Tenant, request: Request, _: None) -> list[Warm]:
        """The heated conversations that somebody has open on this server."""
        limit = _whole(request, "limit", 20, BOARD) or 20
        return board((room for (owner, _), room in self.hub.rooms.items() if owner == tenant.id), now(), limit)

    async def statement(self, tenant: Tenant, request: Request, _: None) -> Statement:
        """Why a message was treated as it was."""
        return await statements.of_message(self.database, self.hub, tenant.id, request.path_params["message"])

    async def appeal(self, tenant: Tenant, request: Request, body: NewAppeal) -> OpenAppeal:
        """As an author does in the chat. ``conflict`` when one is under way, or was the last word."""
        item = await self.review.appeal(tenant.id, request.path_params["message"], body.note)
        return OpenAppeal(item.message, item.conversation, item.author, now(), item.due_at)

    async def check(self, tenant: Tenant, _: Request, body: Checks) -> list[Checked]:
        """Judge each text by itself, in order."""
        answers = []
        for one in body.messages:
            policy = self.policies.of(tenant.id, one.kind)
            setting = Setting(
                sender=one.sender, listing=one.listing, stage=one.stage, language=one.lang, kind=one.kind,
                hour=hour_of(policy, now()),
            )  # fmt: skip
            # Beside the event loop: a hundred long texts would hold up everybody's chats.
            judgement = await asyncio.to_thread(self.engine.judge, one.text, setting, policy)
            answers.append(checked(one.id, one.text, judgement))
        return answers

    # ------------------------------------------------------------------------------------------ description

    async def openapi(self, _: Request) -> Response:
        """The OpenAPI 3.1 document."""
        return Response(_encode(describe(self.operations)), media_type="application/json")

    async def docs(self, _: Request) -> Response:
        """The same for people."""
        from server.reference import page

        return HTMLResponse(page(describe(self.operations)))

    # ---------------------------------------------------------------------------------------------- inside

    def _endpoint(self, methods: dict[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
        decoders = {
            method: msgspec.json.Decoder(operation.body) if operation.body is not None else None
            for method, operation in methods.items()
        }

        async def endpoint(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            operation, decoder = methods[method], decoders[method]
            tenant = await self._tenant(request)
            body = decoder.decode(await read_body(request)) if decoder is not None else None
            if holds_nul(msgspec.to_builtins(body)) or holds_nul(request.path_params):
                raise Refusal("bad_request", "A text holds the character NUL.")
            try:
                answered = await operation.handle(tenant, request, body)
            except problems.HANDLED:
                raise
            except Exception as problem:
                return problems.unforeseen(problem)
            if operation.answer is None:
                return Response(status_code=operation.status)
            return Response(_encode(answered), operation.status, media_type="application/json")

        return endpoint

    async def _tenant(self, request: Request) -> Tenant:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        tenant = None
        if scheme.lower() == "bearer" and 0 < len(key) <= 200:
            tenant = await self.database.read(lambda tx: tenants.by_api_key(tx, key), of=EVERY_TENANT)
        if tenant is None:
            raise Refusal("unauthenticated", "Send the tenant's API key as: Authorization: Bearer <key>.")
        return tenant

    async def _info(self, tenant: Tenant, id: str) -> ConversationInfo:
        conversation = await self.database.read(lambda tx: conversations.load(tx, tenant.id, id), of=tenant.id)
        here = self.hub.rooms.get((tenant.id, id))
        return ConversationInfo(
            id=id, title=conversation.title, listing=conversation.listing, stage=conversation.stage,
            kind=conversation.kind, last_seq=conversation.last_seq, created_at=conversation.created_at,
            members=[
                Person(one.id, one.name, one.role, one.read_seq, here is not None and here.is_here(one.id))
                for one in conversation.members
                if not one.left_seq
            ],
            invitation=invitation_view(conversation.invitation, PLATFORM) if conversation.invitation else None,
        )  # fmt: skip

    async def _switch(self, tenant: Tenant, conversation: str, *, on: bool) -> None:
        at = now()
        await self.database.write(lambda tx: suggestions.switch(tx, tenant.id, conversation=conversation, on=on, at=at))
        if self.hub.suggesting is not None:
            self.hub.suggesting.switched(tenant.id)

    def _publish(self, tenant: Tenant, conversation: str, items: Sequence[LogItem]) -> None:
        for item in items:
            self.hub.publish(tenant.id, conversation, item)


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of ``operations``."""
    from importlib.metadata import version

    types = [kind for operation in operations for kind in (operation.body, operation.answer) if kind is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(map(repr, types), schemas, strict=True))
    components["Error"] = {
        "type": "object", "required": ["error"],
        "properties": {"error": {"type": "object", "required": ["code", "message"], "properties": {
            "code": {"type": "string"}, "message": {"type": "string"}}}},
    }  # fmt: skip
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
        described: dict[str, Any] = {
            "summary": operation.summary,
            "operationId": operation.handle.__name__,
            "parameters": [
                *({"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names),
                *({"name": n, "in": "query", "description": meaning, "schema": {"type": "integer", "minimum": 0}}
                  for n, meaning in operation.query),
            ],
            "responses": {
                str(operation.status): {"description": "Done."},
                "4XX": {"description": "Refused.", "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Error"}}}},
            },
        }  # fmt: skip
        if operation.answer is not None:
            content = {"application/json": {"schema": schema_of[repr(operation.answer)]}}
            described["responses"][str(operation.status)]["content"] = content
        if operation.body is not None:
            content = {"application/json": {"schema": schema_of[repr(operation.body)]}}
            described["requestBody"] = {"required": True, "content": content}
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tertulia, the platform's API",
            "version": version("tertulia"),
            "description": "Times are milliseconds since 1970. Every call is made for the tenant whose key it carries;"
            " what belongs to another tenant does not exist.",
        },
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer", "description": "The tenant's API key."}},
        },
    }


async def read_body(request: Request) -> bytes:
    """The body of a request, up to 1 MiB. Raises Refusal."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > BODY_BYTES:
            raise Refusal("too_long", f"The body is over {BODY_BYTES} bytes.")
        pieces.append(piece)
    return b"".join(pieces)


def _whole(request: Request, name: str, default: int, most: int) -> int:
    given = request.query_params.get(name, "")
    if not given:
        return default
    if not (given.isascii() and given.isdigit() and len(given) <= 16 and int(given) <= most):
        raise Refusal("bad_request", f"{name} must be a whole number from 0 to {most}.")
    return int(given)


def _distinct(participants: Sequence[NewParticipant]) -> None:
    if len({one.id for one in participants}) < len(participants):
        raise Refusal("bad_request", "A participant is named twice.")


def _member(one: NewParticipant) -> Member:
    if one.role is Role.AGENT:
        raise Refusal("bad_request", "The brand's agents are not added: participants invite them.")
    return Member(one.id, one.name, one.role, one.lang, account_created_at=one.account_created_at)


def _is_ed25519(pem: str) -> bool:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return isinstance(load_pem_public_key(pem.encode()), Ed25519PublicKey)
    except ValueError:
        return False
