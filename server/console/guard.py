"""The door of the console: every call is somebody's of the staff, in a role that may, from a page of ours."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from realtime.chat import now
from realtime.protocol import holds_nul
from server import problems
from server.api import read_body
from storage import staff as accounts
from storage.database import EVERY_TENANT, Database
from storage.staff import Account, Staff, StaffRole

COOKIE = "tertulia_console"
CSRF_HEADER = "x-csrf-token"
EVERYBODY = frozenset(StaffRole)
REVIEWERS = frozenset({StaffRole.REVIEWER, StaffRole.LEAD, StaffRole.ADMIN})
LEADS = frozenset({StaffRole.LEAD, StaffRole.ADMIN})
ADMINS = frozenset({StaffRole.ADMIN})
AUDITORS = frozenset({StaffRole.AUDITOR, StaffRole.ADMIN})
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_SAFE = ("GET", "HEAD")
_encode = msgspec.json.Encoder().encode


class Denied(Exception):
    """A call that is not carried out. ``more`` goes into the answer beside ``code`` and ``message``.

    For ``conflict`` it holds ``now``, what is true by now; for ``bad_request`` the ``field`` at fault.
    """

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message, self.more = status, code, message, more

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Endpoint(msgspec.Struct, frozen=True):
    """One call of the console: ``await handle(staff, request, body)`` gives the answer, or a Response as it is.

    ``body`` is the type that the body is decoded to; without it ``handle`` gets None. ``renews`` tells whether the call shows
    that somebody is there, and keeps them signed in; what a page does by itself does not. ``provisional`` lets through who
    has yet to choose a password of their own.
    """

    method: str
    path: str
    handle: Callable[[Staff, Request, Any], Awaitable[Any]]
    body: Any = None
    roles: frozenset[StaffRole] = EVERYBODY
    status: int = 200
    renews: bool = True
    provisional: bool = False


class Guard:
    """Lets calls through to their endpoints."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def routes(self, endpoints: Sequence[Endpoint]) -> list[BaseRoute]:
        """Starlette's routes for ``endpoints``, a path with all its methods each."""
        paths: dict[str, dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint
        return [Route(path, self._opened(methods), methods=list(methods)) for path, methods in paths.items()]

    async def account(self, request: Request, *, renews: bool = False) -> Account | None:
        """Who is signed in in this browser."""
        secret = request.cookies.get(COOKIE, "")
        if not 0 < len(secret) <= 100:
            return None
        at = now()
        found = await self._database.read(lambda tx: accounts.who(tx, secret, at), of=EVERY_TENANT)
        if found is None:
            return None
        account, due = found
        if due and renews:
            await self._database.write(lambda tx: accounts.note_use(tx, secret, at))
        return account

    def _opened(self, methods: dict[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
        decoders = {
            method: msgspec.json.Decoder(endpoint.body) if endpoint.body is not None else None
            for method, endpoint in methods.items()
        }

        async def opened(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            endpoint = methods[method]
            try:
                staff = await self._let_in(request, endpoint)
                body = await decoded(request, decoders[method])
                answered = await endpoint.handle(staff, request, body)
            except Exception as problem:
                return await refused(request, problem)
            return answer(answered, endpoint.status)

        return opened

    async def _let_in(self, request: Request, endpoint: Endpoint) -> Staff:
        if request.method not in _SAFE:
            require_own_page(request)
        account = await self.account(request, renews=endpoint.renews)
        if account is None:
            raise Denied(401, "unauthenticated", "Sign in first.")
        if request.method not in _SAFE:
            _require_token(request)
        staff = account.staff
        if account.provisional and not endpoint.provisional:
            raise Denied(403, "password", "Choose a password of your own first.")
        if staff.role not in endpoint.roles:
            raise Denied(403, "forbidden", f"This takes another role than {staff.role}.", role=staff.role)
        return staff


def csrf_token(secret: str) -> str:
    """What a page must send back with everything that changes something; only a page that could ask us for it knows it."""
    return hmac.digest(secret.encode(), b"tertulia csrf", hashlib.sha256).hex()


def require_own_page(request: Request) -> None:
    """Browsers tell which site a call comes from; another's is refused. Raises Denied."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    foreign = site not in (None, "same-origin", "none")
    if foreign or (origin is not None and urlsplit(origin).netloc != request.headers.get("host")):
        raise Denied(403, "csrf", "This call does not come from a page of the console.")


async def decoded(request: Request, decoder: msgspec.json.Decoder[Any] | None) -> Any:
    """The body of a call. Raises Denied with the field at fault, Refusal when it is too long."""
    if holds_nul(request.path_params):
        raise Denied(422, "bad_request", "A text holds the character NUL.", field="")
    if decoder is None:
        return None
    # A form of another site can send text/plain without asking; JSON it cannot.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Denied(422, "bad_request", "Send the body as application/json.", field="")
    try:
        body = decoder.decode(await read_body(request))
    except msgspec.ValidationError as problem:
        what, _, where = str(problem).partition(" - at `$")
        raise Denied(422, "bad_request", what, field=where.rstrip("`").lstrip(".")) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Denied(400, "bad_json", "The body is not valid JSON.") from None
    if holds_nul(msgspec.to_builtins(body)):
        raise Denied(422, "bad_request", "A text holds the character NUL.", field="")
    return body


def answer(answered: Any, status: int = 200) -> Response:
    """The response for what an endpoint gave; no cache keeps it."""
    if isinstance(answered, Response):
        response = answered
    elif answered is None:
        response = Response(status_code=204 if status == 200 else status)
    else:
        response = Response(_encode(answered), status, media_type="application/json")
    response.headers.setdefault("Cache-Control", "no-store")
    return response


async def refused(request: Request, problem: Exception) -> Response:
    """The response for what an endpoint raised."""
    if isinstance(problem, Denied):
        error = {"code": problem.code, "message": problem.message, **msgspec.to_builtins(problem.more)}
        response: Response = JSONResponse({"error": error}, problem.status)
    elif isinstance(problem, problems.HANDLED):
        response = await problems.told(request, problem)
    else:
        response = problems.unforeseen(problem)
    response.headers["Cache-Control"] = "no-store"
    return response


def address_of(request: Request) -> str:
    """Where a call comes from: whom the proxies before us have named, as far as they are believed, or else the other end.

    Those that the operator has named are believed, one behind the other. Where none is named, whoever calls from a network of
    our own is, about the last hop.
    """
    address = request.client.host if request.client else ""
    app = request.scope.get("app")
    proxies: Sequence[Network] = getattr(app.state, "proxies", ()) if app is not None else ()
    hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for named in hops[::-1] if proxies else hops[-1:]:
        if not _is_proxy(address, proxies):
            break
        try:
            address = str(ipaddress.ip_address(named.strip()))
        except ValueError:
            break
    return address


def networks(given: Sequence[str]) -> list[Network]:
    """The networks, or single addresses, that an operator has written. Raises ValueError."""
    return [ipaddress.ip_network(each, strict=False) for each in given]


def _is_proxy(address: str, proxies: Sequence[Network]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    # How a socket for both families writes an IPv4 address.
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip in network for network in proxies) if proxies else not ip.is_global


def _require_token(request: Request) -> None:
    sent = request.headers.get(CSRF_HEADER, "").encode()
    if not hmac.compare_digest(sent, csrf_token(request.cookies[COOKIE]).encode()):
        raise Denied(403, "csrf", "The page is out of date. Load it again.")
