"""Signing in and out, one's own account, and the administration of everybody's."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from realtime.auth import mint
from realtime.chat import now
from realtime.hub import Hub
from server.console import guard
from server.console.attempts import Attempts
from server.console.guard import ADMINS, COOKIE, Denied, Endpoint, Guard, address_of, csrf_token
from server.console.passwords import LONGEST, Desk, WeakPassword, outdated
from storage import audit, staff, tenants
from storage.database import Database
from storage.staff import LOGIN, LONGEST_MS, Account, Session, Staff, StaffRole

TOKEN_SECONDS = 900
# Guessing at one account: ten tries, then one in half a minute. From one address: an office signs in at nine o'clock.
ACCOUNT_RATE, ACCOUNT_BURST = 1 / 30, 10
ADDRESS_RATE, ADDRESS_BURST = 1 / 5, 40
PREFERENCES_BYTES = 16 * 1024

Password = Annotated[str, Meta(min_length=1, max_length=LONGEST)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Login = Annotated[str, Meta(pattern=LOGIN)]
Email = Annotated[str, Meta(max_length=254, pattern=r"^$|^[^@\s]+@[^@\s]+$")]
Language = Literal["es", "en", "pt"]


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Who wants in. ``tenant`` only matters where one server serves several."""

    login: Annotated[str, Meta(min_length=1, max_length=254)]
    password: Annotated[str, Meta(min_length=1, max_length=1_000)]
    tenant: Annotated[str, Meta(min_length=1, max_length=64)] = "default"


class Me(Struct, frozen=True):
    """Who is signed in, with what the page needs. ``provisional`` asks for another password before anything else."""

    id: str
    name: str
    role: StaffRole
    lang: str
    tenant: str
    csrf: str
    provisional: bool
    preferences: dict[str, Any]


class NewPassword(Struct, frozen=True, forbid_unknown_fields=True):
    """Another password for oneself."""

    old: Password
    new: Password


class Preferences(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody has chosen for themselves, as the pages keep it."""

    preferences: dict[str, Any]
    lang: Language


class ChatToken(Struct, frozen=True):
    """A token for the live connection, and the seconds that it is good for."""

    token: str
    expires_in: int


class NewAccount(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody to be let in. Without an address they cannot come by OpenID Connect."""

    login: Login
    name: Name
    role: StaffRole
    lang: Language = "en"
    email: Email = ""


class AccountChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What an account says from now on."""

    name: Name
    role: StaffRole
    lang: Language
    email: Email = ""


class AccountInfo(Struct, frozen=True):
    """An account as administrators see it. ``signed_in`` counts the browsers."""

    id: str
    name: str
    email: str
    role: StaffRole
    lang: str
    created_at: int
    disabled: bool
    signed_in: int


class Provisional(Struct, frozen=True):
    """A password to be handed over, and to be changed by its owner before anything else. It is shown this once."""

    id: str
    password: str


class Colleague(Struct, frozen=True):
    """Somebody of the staff, as the others see them."""

    id: str
    name: str
    role: StaffRole
    disabled: bool


class Accounts:
    """The calls about accounts. ``doors`` names the ways in beside the password, for the page that asks for it."""

    def __init__(self, database: Database, hub: Hub, door: Guard, doors: Sequence[dict[str, str]] = ()) -> None:
        self._database = database
        self._guard = door
        self._hub = hub
        self._desk = Desk()
        self._doors = list(doors)
        self._by_account = Attempts(ACCOUNT_RATE, ACCOUNT_BURST)
        self._by_address = Attempts(ADDRESS_RATE, ADDRESS_BURST)
        at = "/console/api/staff"
        self.endpoints: tuple[Endpoint, ...] = (
            Endpoint("GET", "/console/api/me", self.me, renews=False, provisional=True),
            Endpoint("POST", "/console/api/sign-out", self.sign_out, provisional=True),
            Endpoint("POST", "/console/api/password", self.change_password, NewPassword, provisional=True),
            Endpoint("PUT", "/console/api/preferences", self.prefer, Preferences),
            Endpoint("GET", "/console/api/sessions", self.sessions),
            Endpoint("DELETE", "/console/api/sessions/{mark}", self.end_session),
            Endpoint("POST", "/console/api/token", self.token, renews=False),
            Endpoint("GET", "/console/api/colleagues", self.colleagues, renews=False),
            Endpoint("GET", at, self.everybody, roles=guard.AUDITORS),
            Endpoint("POST", at, self.add, NewAccount, roles=ADMINS, status=201),
            Endpoint("PUT", at + "/{id}", self.change, AccountChange, roles=ADMINS),
            Endpoint("POST", at + "/{id}/disable", self.disable, roles=ADMINS),
            Endpoint("POST", at + "/{id}/enable", self.enable, roles=ADMINS),
            Endpoint("POST", at + "/{id}/reset", self.reset, roles=ADMINS),
        )

    def routes(self) -> list[BaseRoute]:
        """The calls of who is not signed in yet."""
        return [
            Route("/console/api/sign-in", self.doors, methods=["GET"]),
            Route("/console/api/sign-in", self.sign_in, methods=["POST"]),
        ]

    # ------------------------------------------------------------------------------------------------ signing in

    async def doors(self, request: Request) -> Response:
        """Who is signed in here already, and the ways in beside the password."""
        try:
            account = await self._guard.account(request)
        except Exception as problem:
            return await guard.refused(request, problem)
        me = _me(account, request.cookies[COOKIE]) if account else None
        return guard.answer({"me": me, "doors": self._doors})

    async def sign_in(self, request: Request) -> Response:
        """Begin a session. Whatever is wrong, the answer is the same and takes as long."""
        try:
            guard.require_own_page(request)
            asked = await guard.decoded(request, _sign_in)
            account = await self._known(asked, address_of(request))
            return await self.welcome(request, account.staff, "password", account)
        except Exception as problem:
            return await guard.refused(request, problem)

    async def welcome(
        self, request: Request, somebody: Staff, via: str, account: Account | None = None, page: Response | None = None
    ) -> Response:
        """Begin a session for somebody who has shown who they are; the answer with the cookie: ``page``, or who they are."""
        at, address, browser = now(), address_of(request), request.headers.get("user-agent", "")

        def act(tx: Connection) -> tuple[str, Account]:
            secret = staff.begin_session(tx, somebody, via, address, browser, at)
            audit.record(tx, somebody.tenant, somebody.id, "session.began", somebody.id,
                         {"via": via, "address": address}, at)  # fmt: skip
            return secret, account or staff.load(tx, somebody.tenant, somebody.id)

        secret, known = await self._database.write(act)
        response = guard.answer(page or _me(known, secret))
        response.set_cookie(
            COOKIE, secret, max_age=LONGEST_MS // 1_000, path="/console", secure=is_https(request), httponly=True,
            samesite="strict",
        )  # fmt: skip
        return response

    async def _known(self, asked: SignIn, address: str) -> Account:
        """The account whose login and password these are. Raises Denied."""
        at = now() / 1_000
        login = asked.login.strip().casefold()
        _refuse_if(self._by_address.spend(address, at))

        def ask(tx: Connection) -> Account | None:
            by_id = staff.find(tx, asked.tenant, staff.id_of(login))
            return by_id or staff.by_email(tx, asked.tenant, login)

        account = await self._database.read(ask, of=asked.tenant)
        # One limit for an account, by whichever of its names somebody guesses at it; of what is no account too.
        key = f"{asked.tenant}/{account.staff.id if account else login}"
        _refuse_if(self._by_account.spend(key, at))
        welcome = account is not None and not account.disabled_at
        stored = account.password if account is not None and welcome else ""
        if not await self._desk.fits(stored, asked.password) or account is None:
            if account is not None:
                known = account.staff
                # Beside the answer, which must not take longer because there is such an account.
                self._hub.run(self._note_refusal(known, address))
            raise Denied(401, "unauthenticated", "The name or the password is not right.")
        self._by_account.forget(key)
        if outdated(stored):
            fresh = await self._desk.hashed(asked.password, "")
            await self._database.write(
                lambda tx: staff.set_password(
                    tx, account.staff.tenant, account.staff.id, fresh, provisional=account.provisional
                )
            )
        return account

    async def _note_refusal(self, known: Staff, address: str) -> None:
        await self._database.write(
            lambda tx: audit.record(tx, known.tenant, "", "session.refused", known.id, {"address": address}, now())
        )

    # ------------------------------------------------------------------------------------------------ one's own

    async def me(self, somebody: Staff, request: Request, _: None) -> Me:
        """Who is signed in."""
        account = await self._database.read(lambda tx: staff.load(tx, somebody.tenant, somebody.id), of=somebody.tenant)
        return _me(account, request.cookies[COOKIE])

    async def sign_out(self, somebody: Staff, request: Request, _: None) -> Response:
        """End this session."""
        mark, at = staff.mark_of(request.cookies[COOKIE]), now()

        def act(tx: Connection) -> None:
            staff.end_session(tx, somebody.tenant, somebody.id, mark)
            audit.record(tx, somebody.tenant, somebody.id, "session.ended", somebody.id, {}, at)

        await self._database.write(act)
        self._hub.hang_up(somebody.tenant, somebody.id)
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, path="/console")
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    async def change_password(self, somebody: Staff, request: Request, body: NewPassword) -> None:
        """Choose another password. Everywhere else one is signed out."""
        at, mark = now(), staff.mark_of(request.cookies[COOKIE])
        _refuse_if(self._by_account.spend(f"{somebody.tenant}/{somebody.id}", at / 1_000))
        account = await self._database.read(lambda tx: staff.load(tx, somebody.tenant, somebody.id), of=somebody.tenant)
        if not await self._desk.fits(account.password, body.old):
            raise Denied(422, "bad_request", "This is not your present password.", field="old")
        if body.new == body.old:
            raise Denied(422, "bad_request", "This is your present password.", field="new")
        hashed = await self._hashed(body.new, somebody.id)

        def act(tx: Connection) -> None:
            staff.set_password(tx, somebody.tenant, somebody.id, hashed)
            staff.end_sessions(tx, somebody.tenant, somebody.id, but=mark)
            audit.record(tx, somebody.tenant, somebody.id, "password.changed", somebody.id, {}, at)

        await self._database.write(act)
        self._hub.hang_up(somebody.tenant, somebody.id)

    async def prefer(self, somebody: Staff, _: Request, body: Preferences) -> None:
        """Keep somebody's choices."""
        if len(msgspec.json.encode(body.preferences)) > PREFERENCES_BYTES:
            raise Denied(422, "bad_request", "These are too many choices to keep.", field="preferences")
        await self._database.write(
            lambda tx: staff.set_preferences(tx, somebody.tenant, somebody.id, body.preferences, body.lang)
        )

    async def sessions(self, somebody: Staff, request: Request, _: None) -> dict[str, Any]:
        """Where one is signed in; ``here`` is the mark of this browser."""
        at = now()
        found: list[Session] = await self._database.read(
            lambda tx: staff.sessions(tx, somebody.tenant, somebody.id, at), of=somebody.tenant
        )
        return {"here": staff.mark_of(request.cookies[COOKIE]), "sessions": found}

    async def end_session(self, somebody: Staff, request: Request, _: None) -> None:
        """Sign oneself out in another browser."""
        mark, at = request.path_params["mark"], now()

        def act(tx: Connection) -> None:
            staff.end_session(tx, somebody.tenant, somebody.id, mark)
            audit.record(tx, somebody.tenant, somebody.id, "session.ended", somebody.id, {"mark": mark}, at)

        await self._database.write(act)
        self._hub.hang_up(somebody.tenant, somebody.id)

    async def token(self, somebody: Staff, request: Request, _: None) -> ChatToken:
        """A token for the live connection of this session, with which it ends."""
        tenant = await self._database.read(lambda tx: tenants.by_id(tx, somebody.tenant), of=somebody.tenant)
        if tenant is None:
            raise Denied(404, "not_found", "There is no such tenant here.")
        token = mint(
            tenant, somebody.id, name=somebody.name, role="staff", lang=somebody.lang, expires_in=TOKEN_SECONDS,
            session=staff.mark_of(request.cookies[COOKIE]),
        )  # fmt: skip
        return ChatToken(token, TOKEN_SECONDS)

    async def colleagues(self, somebody: Staff, _: Request, __: None) -> list[Colleague]:
        """Everybody of the staff, by id."""
        found = await self._database.read(lambda tx: staff.everybody(tx, somebody.tenant), of=somebody.tenant)
        return [Colleague(one.staff.id, one.staff.name, one.staff.role, bool(one.disabled_at)) for one in found]

    # ------------------------------------------------------------------------------------------- administration

    async def everybody(self, somebody: Staff, _: Request, __: None) -> list[AccountInfo]:
        """All accounts."""
        at = now()

        def ask(tx: Connection) -> list[AccountInfo]:
            return [_info(tx, one, at) for one in staff.everybody(tx, somebody.tenant)]

        return await self._database.read(ask, of=somebody.tenant)

    async def add(self, somebody: Staff, _: Request, body: NewAccount) -> Provisional:
        """Let somebody in. ``conflict`` when the login or the address is taken."""
        password, at = secrets.token_urlsafe(12), now()
        hashed = await self._hashed(password, body.login)

        def act(tx: Connection) -> Staff:
            new = staff.add(tx, somebody.tenant, body.login, body.name, body.role, body.lang, body.email, hashed, at,
                            provisional=True)  # fmt: skip
            audit.record(tx, somebody.tenant, somebody.id, "staff.added", new.id, {"role": body.role}, at)
            return new

        return Provisional((await self._database.write(act)).id, password)

    async def change(self, somebody: Staff, request: Request, body: AccountChange) -> AccountInfo:
        """Change an account; another role counts from its owner's next call."""
        id, at = request.path_params["id"], now()

        def act(tx: Connection) -> AccountInfo:
            before = staff.load(tx, somebody.tenant, id)
            staff.change(tx, somebody.tenant, id, body.name, body.role, body.lang, body.email)
            audit.record(tx, somebody.tenant, somebody.id, "staff.changed", id, _difference(before, body), at)
            return _info(tx, staff.load(tx, somebody.tenant, id), at)

        return await self._database.write(act)

    async def disable(self, somebody: Staff, request: Request, _: None) -> AccountInfo:
        """Lock somebody out, at once. ``conflict`` when nobody would be left to administer."""
        id, at = request.path_params["id"], now()

        def act(tx: Connection) -> AccountInfo:
            staff.disable(tx, somebody.tenant, id, at)
            audit.record(tx, somebody.tenant, somebody.id, "staff.disabled", id, {}, at)
            return _info(tx, staff.load(tx, somebody.tenant, id), at)

        done = await self._database.write(act)
        self._hub.hang_up(somebody.tenant, id)
        return done

    async def enable(self, somebody: Staff, request: Request, _: None) -> AccountInfo:
        """Let somebody in again."""
        id, at = request.path_params["id"], now()

        def act(tx: Connection) -> AccountInfo:
            staff.enable(tx, somebody.tenant, id)
            audit.record(tx, somebody.tenant, somebody.id, "staff.enabled", id, {}, at)
            return _info(tx, staff.load(tx, somebody.tenant, id), at)

        return await self._database.write(act)

    async def reset(self, somebody: Staff, request: Request, _: None) -> Provisional:
        """Another password for somebody who has lost theirs; they are signed out everywhere."""
        id, password, at = request.path_params["id"], secrets.token_urlsafe(12), now()
        hashed = await self._hashed(password, id)

        def act(tx: Connection) -> None:
            staff.set_password(tx, somebody.tenant, id, hashed, provisional=True)
            staff.end_sessions(tx, somebody.tenant, id)
            audit.record(tx, somebody.tenant, somebody.id, "password.reset", id, {}, at)

        await self._database.write(act)
        self._hub.hang_up(somebody.tenant, id)
        return Provisional(id, password)

    # ---------------------------------------------------------------------------------------------------- inside

    async def _hashed(self, password: str, id: str) -> str:
        try:
            return await self._desk.hashed(password, id.removeprefix(staff.PREFIX))
        except WeakPassword as problem:
            raise Denied(422, "bad_request", str(problem), field="new") from None


_sign_in = msgspec.json.Decoder(SignIn)


def _refuse_if(wait: float) -> None:
    """Raises Denied when there are seconds to wait."""
    if wait:
        raise Denied(429, "rate_limited", "Too many attempts. Try again later.", retry_after=int(wait) + 1)


def is_https(request: Request) -> bool:
    """Whether the browser speaks TLS, to us or to a proxy before us."""
    spoken = request.headers.get("x-forwarded-proto", request.url.scheme)
    return spoken == "https" or request.headers.get("origin", "").startswith("https://")


def _me(account: Account, secret: str) -> Me:
    somebody = account.staff
    return Me(
        somebody.id, somebody.name, somebody.role, somebody.lang, somebody.tenant, csrf_token(secret),
        account.provisional, account.preferences,
    )  # fmt: skip


def _info(tx: Connection, one: Account, at: int) -> AccountInfo:
    signed_in = len(staff.sessions(tx, one.staff.tenant, one.staff.id, at))
    return AccountInfo(one.staff.id, one.staff.name, one.email, one.staff.role, one.staff.lang, one.created_at,
                       bool(one.disabled_at), signed_in)  # fmt: skip


def _difference(before: Account, after: AccountChange) -> dict[str, Any]:
    """What an administrator changed, by field: a role as it was and is, of the others that they did."""
    was = {"name": before.staff.name, "lang": before.staff.lang, "email": before.email}
    changed: dict[str, Any] = {name: "changed" for name, value in was.items() if getattr(after, name) != value}
    if before.staff.role != after.role:
        changed["role"] = [before.staff.role, after.role]
    return changed
