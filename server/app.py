"""The process: everything is made here, by name, once."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import secrets
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import uvicorn
from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from moderation.deep.tier import Deep, detoxify
from moderation.engine import default_engine
from moderation.policy_book import PolicyBook
from moderation.suggestions.suggester import Suggester
from moderation.trials import Trials
from realtime.auth import Gate
from realtime.broker import Broker, MemoryBroker
from realtime.chat import Chat, now
from realtime.connection import Connection
from realtime.errors import Close
from realtime.hub import Hub
from realtime.offers import Offers
from realtime.protocol import FRAME_BYTES, SUBPROTOCOL, Limits
from realtime.redis_broker import RedisBroker
from realtime.second_look import SecondLook
from realtime.shared_limits import SharedLimits
from realtime.spare_time import SpareTime
from realtime.suggesting import Suggesting
from realtime.wire import EXTENSION, Http, Wire
from rules import lexicon
from server import logs, metrics, problems
from server.api import Api
from server.config import Config
from server.console.console import Console
from server.console.guard import networks
from server.console.lab import Lab
from server.console.policy_api import PolicyApi
from server.console.review_api import ReviewApi
from server.open_files import most_sockets, room_for
from server.platform import Health
from server.processes import Seat
from storage import tenants
from storage.database import Database, normalise
from storage.errors import StorageError, Unavailable

PING_SECONDS = 25.0  # NATs forget a silent connection after 60 s
PONG_SECONDS = 20.0
GARBAGE = 20_000  # new objects before the collector looks for cycles; messages make none
HEALTH_SECONDS = 2.0  # for the database to answer before it counts as down
FULL_SECONDS = "5"  # until a client that found no room tries again
START_AGAIN_SECONDS = (0.5, 1.0, 2.0, 4.0)  # a database that does not answer at the start is asked again
DEFAULT_TENANT = "default"
STATIC = Path(__file__).parent / "static"
# Own scripts and styles only; the widget sets its styles by constructable style sheets, which need no exception.
POLICY_HEADER = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)

TURNED_AWAY = Counter("tertulia_turned_away_total", "WebSockets for which there was no room on this server.")

logger = logging.getLogger("tertulia")


class Service:
    """All parts of a running server, wired together."""

    def __init__(self, config: Config, database: Database, seat: Seat | None = None) -> None:
        self.config = config
        self.seat = seat
        self.database = database
        self.policies = policies = PolicyBook(config.policy, database)
        self.engine = engine = default_engine()
        limits = Limits(
            posts_per_second=config.posts_per_second, posts_burst=config.posts_burst,
            connections=config.connections_per_user,
        )  # fmt: skip
        self.broker: Broker
        shared: SharedLimits | None = None
        if config.redis:
            self.broker = broker = RedisBroker(config.redis, database.epoch)
            shared = SharedLimits(config.redis, database.epoch, broker.node, broker.others)
        else:
            self.broker = MemoryBroker()
        self.hub = Hub(
            database, self.broker, policies, posts_per_second=config.posts_per_second,
            posts_burst=config.posts_burst, shared=shared,
        )  # fmt: skip
        self.deep = Deep(detoxify(config.detoxify, config.detoxify_config)) if config.detoxify else None
        second_look = SecondLook(self.deep, database, self.hub) if self.deep else None
        # Replies are in the language of the message: where nothing can tell it, none is offered.
        if config.suggestions and engine.identify is not None:
            suggester = Suggester.load(engine, policies.default)
            offers = Offers(database, self.hub, suggester.replies)
            self.hub.suggesting = Suggesting(suggester, engine, self.hub, offers, SpareTime())
        self.chat = Chat(
            database, engine, self.hub, Gate(database), limits, config.origins, second_look, self.hub.suggesting
        )  # fmt: skip
        self.sockets = 0
        self.proxies = networks(config.proxies)
        self.api = Api(database, self.hub, engine, policies)
        self.trials = Trials(database, policies)
        lab = Lab(database, policies, engine, self.trials)
        self.console = Console(
            database,
            self.hub,
            [PolicyApi(database, lab).endpoints, ReviewApi(database, self.chat.review, engine).endpoints],
            demo=config.demo,
            oidc=_oidc(config),
        )

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes: list[BaseRoute] = [
            Route("/health", self.health),
            Route("/health/ready", self.health),
            Route("/health/live", self.live),
            WebSocketRoute("/v1/ws", self.socket),
            *self.api.routes(),
            *self.console.routes(),
            Mount("/static", _Static(directory=STATIC)),
        ]
        if self.config.demo:
            from server.demo import Demo

            routes += Demo(self.api, self.engine, self.policies.default).routes()
        handlers: dict[Any, Any] = dict.fromkeys(problems.HANDLED, problems.told)
        handlers[HTTPException] = _http_problem
        app = Starlette(routes=routes, exception_handlers=handlers)
        app.state.proxies = self.proxies
        return _SecurityHeaders(GZipMiddleware(app, minimum_size=1_000))

    async def live(self, _: Request) -> Response:
        """That the event loop turns, whatever else does not: a process that cannot say this any more is to be replaced."""
        return Response(b'{"status":"live"}', media_type="application/json")

    async def health(self, _: Request) -> Response:
        """Whether this node can do its work. 503 when it cannot, so that a balancer looks elsewhere."""
        parts = {"database": "ready"}
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                await self.database.ping()
        except (StorageError, TimeoutError):
            parts["database"] = "down"
        if self.hub.draining:
            parts["hub"] = "draining"
        down = any(state != "ready" for state in parts.values())
        if not down:
            parts["database"] = self.database.state
        degraded = (
            self.database.state != "ready"
            or self.broker.state != "ready"
            or (self.deep is not None and self.deep.state != "ready")
        )
        degraded = degraded or bool(self.policies.problems or self.engine.absent)
        if self.config.redis:
            parts["redis"] = self.broker.state
        if self.deep is not None:
            parts[self.deep.name] = f"{self.deep.state}: {self.deep.problem}".removesuffix(": ")
        parts |= dict.fromkeys(self.engine.absent, "absent")
        if self.policies.problems:
            parts["policies"] = "; ".join(self.policies.problems.values())
        if self.seat is not None:
            parts["process"] = str(self.seat)
        answer = Health("down" if down else "degraded" if degraded else "ready", version("tertulia"), parts)
        return Response(msgspec.json.encode(answer), 503 if down else 200, media_type="application/json")

    async def socket(self, websocket: WebSocket) -> None:
        """One WebSocket: who may not be here is turned away before it opens."""
        wire = websocket.scope["extensions"].get(EXTENSION)
        if not isinstance(wire, Wire):
            raise RuntimeError("the hub needs its own WebSocket protocol: start it by `tertulia serve`")
        await websocket.receive()
        if not _may_connect(websocket.headers, self.config.origins):
            await websocket.close()
            return
        if self.sockets >= self.config.connections:
            TURNED_AWAY.inc()
            await websocket.send_denial_response(Response(status_code=503, headers={"Retry-After": FULL_SECONDS}))
            return
        scheme, _, token = websocket.headers.get("authorization", "").partition(" ")
        connection = Connection(wire, self.chat, token if scheme.lower() == "bearer" else "")
        self.sockets += 1
        wire.go_on(connection.receive, partial(self._gone, connection))
        offered = websocket.scope["subprotocols"]
        await websocket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
        if self.hub.draining:
            connection.close(Close.GO_AWAY, "the server stops")

    def _gone(self, connection: Connection) -> None:
        self.sockets -= 1
        connection.closed()


class Server(uvicorn.Server):
    """uvicorn, but on the first signal it sends people elsewhere before it closes; a second one ends it at once."""

    def __init__(self, config: uvicorn.Config, service: Service, notes: list[str]) -> None:
        super().__init__(config)
        self._service = service
        self._notes = notes
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leaving: asyncio.Task[None] | None = None

    async def startup(self, sockets: Any = None) -> None:
        """Listen, and say where."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        seat = self._service.seat
        if seat is not None:
            seat.ready()
            call = self._loop.call_soon_threadsafe
            seat.follow(lambda: call(self._begin_to_leave), lambda: call(self._end_now))
        elif self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            where = f"http://{self.config.host}:{port}/"
            print(f"Tertulia {version('tertulia')} is ready on {where}", *self._notes, sep="\n", flush=True)  # noqa: T201

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn."""
        if self._loop is not None and self._service.seat is not None:
            # It may come from the parent and from whoever ends them all: only the parent says when to hurry.
            self._loop.call_soon_threadsafe(self._begin_to_leave)
            return
        if self._loop is None or self._service.hub.draining or not self.started:
            super().handle_exit(sig, frame)
            self.force_exit = True
            return
        self._loop.call_soon_threadsafe(self._begin_to_leave)

    def _begin_to_leave(self) -> None:
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave())

    def _end_now(self) -> None:
        self.should_exit = self.force_exit = True

    async def _leave(self) -> None:
        try:
            for server in self.servers:
                server.close()
            await self._service.hub.drain(self._service.config.drain_seconds)
        finally:
            # Not uvicorn's own way, which would raise the signal again and end the process before the database is closed.
            self.should_exit = True


def serve(config: Config, seat: Seat | None = None) -> None:
    """Run the server until SIGTERM or SIGINT, alone or in its ``seat`` among others.

    Raises StorageError, PolicyError, ValueError or OSError when it cannot start.
    """
    logs.configure(config.log)
    config = msgspec.structs.replace(config, connections=room_for(config.connections))
    database = Database.open(config.database, shared=bool(config.redis), reader_role=config.reader_role)
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(_serve(config, database, seat))
    finally:
        logging.shutdown()


async def _serve(config: Config, database: Database, seat: Seat | None) -> None:
    try:
        key, kept_in = _api_key(config)
        await _patiently(lambda: database.write(lambda tx: tenants.ensure(tx, DEFAULT_TENANT, "Default", key, now())))
        service = Service(config, database, seat)
        await _patiently(service.policies.start)
        await _patiently(service.trials.start)
        await service.hub.start()
        if service.hub.suggesting is not None:
            await service.hub.suggesting.offers.start()
        if service.deep is not None:
            service.deep.start()
        # What is there by now stays: the collector need not walk through it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE, 20, 20)
        # Phrases are compiled when they are first met, which costs the message that meets them; here it costs nobody.
        threading.Thread(target=lexicon.load().prepare, name="tertulia-prepare", daemon=True).start()
        notes = [f"The API key of the platform's backend is in {kept_in}"] if kept_in else []
        offset = seat.number - 1 if seat is not None else 0
        async with metrics.served(service, version("tertulia"), config.metrics, offset):
            server = Server(_uvicorn(config, service.app()), service, notes)
            await server.serve([seat.listener] if seat is not None else None)
        await service.chat.close()
        await service.hub.close()
        await service.trials.close()
        await service.policies.close()
        if service.deep is not None:
            await service.deep.close()
    finally:
        await database.close()


async def _patiently(begin: Callable[[], Awaitable[object]]) -> None:
    """At the start nobody waits for an answer yet, and a database that has just been woken may take its time."""
    for seconds in START_AGAIN_SECONDS:
        with contextlib.suppress(Unavailable):
            await begin()
            return
        await asyncio.sleep(seconds)
    await begin()


def _uvicorn(config: Config, app: ASGIApp) -> uvicorn.Config:
    http = partial(Http, most=most_sockets(config.connections))
    return uvicorn.Config(
        app, host=config.host, port=config.port, http=cast(Any, http), ws=Wire, lifespan="off", access_log=False,
        log_level="warning", server_header=False, proxy_headers=False, ws_max_size=FRAME_BYTES,
        ws_per_message_deflate=False, ws_ping_interval=PING_SECONDS, ws_ping_timeout=PONG_SECONDS,
        timeout_graceful_shutdown=5,
    )  # fmt: skip


def _api_key(config: Config) -> tuple[str, str]:
    """The default tenant's key, and the file it is kept in where we made it. Raises ValueError when there is no such place."""
    if config.api_key:
        if len(config.api_key) < 16:
            raise ValueError("The API key must have at least 16 characters.")
        return config.api_key, ""
    url = normalise(config.database)
    if url.get_backend_name() != "sqlite":
        raise ValueError("Set TERTULIA_API_KEY: the key that the platform's backend signs in with.")
    file = Path(f"{url.database}.api-key")
    if not file.exists():
        file.touch(0o600)
        file.write_text(secrets.token_urlsafe(32))
    return file.read_text().strip(), str(file)


def _oidc(config: Config) -> dict[str, str] | None:
    if not config.oidc_issuer:
        return None
    if not (config.oidc_client_id and config.oidc_client_secret):
        raise ValueError("OpenID Connect needs --oidc-client-id and --oidc-client-secret.")
    return {
        "issuer": config.oidc_issuer, "client_id": config.oidc_client_id, "client_secret": config.oidc_client_secret,
        "name": config.oidc_name, "tenant": DEFAULT_TENANT,
    }  # fmt: skip


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not on every system
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _may_connect(headers: Headers, origins: tuple[str, ...]) -> bool:
    """Browsers tell where a page is from and let any page connect; a token in a page of ours must not serve another's."""
    origin = headers.get("origin")
    if origin is None or "*" in origins:
        return True
    return origin in origins or urlsplit(origin).netloc == headers.get("host")


async def _http_problem(_: Request, problem: HTTPException) -> Response:
    code = {404: "not_found", 405: "method_not_allowed"}.get(problem.status_code, "bad_request")
    answer = problems.answer(code, problem.detail)
    answer.status_code = problem.status_code
    return answer


class _Static(StaticFiles):
    """Files of the widget and the pages; modules are loaded by pages of other origins too."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cache-Control"] = "no-cache"
        return response


class _SecurityHeaders:
    """On every answer: what a page of ours may load, and that nobody guesses types."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [
                    (b"content-security-policy", POLICY_HEADER.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"same-origin"),
                ]
            await send(message)

        await self._app(scope, receive, secured if scope["type"] == "http" else send)
