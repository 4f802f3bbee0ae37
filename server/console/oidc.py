"""Sign-in through the organisation's own accounts: OpenID Connect, code flow with PKCE, by Authlib.

Nobody gets in who was not let in before: a verified e-mail address must be that of somebody of the staff.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
from typing import Any

import msgspec
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from httpx import HTTPError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from realtime.chat import now
from server.console.accounts import Accounts, is_https
from server.console.guard import address_of
from storage import audit, staff
from storage.database import Database
from storage.staff import Account

STATE_COOKIE = "tertulia_oidc"
STATE_SECONDS = 600  # to sign in at the other end
PROVIDER_SECONDS = 5.0  # for the provider to answer
LEEWAY_SECONDS = 60
# Signatures by a key of the provider's. Never "none", and no HMAC, whose key would be a secret that both hold.
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]

logger = logging.getLogger("tertulia.console")


class Provider(msgspec.Struct, frozen=True):
    """Whose accounts are good, and how we are known there. ``tenant`` is whose staff they are."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    tenant: str


class Endpoints(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class NotLetIn(Exception):
    """Something does not fit. The reason is for our log; the browser is not told."""


class Oidc:
    """The two calls of the code flow."""

    def __init__(self, database: Database, accounts: Accounts, provider: Provider) -> None:
        self._database = database
        self._accounts = accounts
        self._provider = provider
        self._known: Endpoints | None = None
        # Of what all servers of one installation hold: who leaves through one of them may come back to another.
        self._key = OctKey.import_key(
            hmac.digest(provider.client_secret.encode(), b"tertulia oidc state", hashlib.sha256)
        )

    def routes(self) -> list[BaseRoute]:
        """To the provider, and back."""
        return [
            Route("/console/api/oidc", self.leave, methods=["GET"]),
            Route("/console/api/oidc/callback", self.come_back, methods=["GET"]),
        ]

    async def leave(self, request: Request) -> Response:
        """Send the browser to the provider, with what will show that it is the same one that comes back."""
        try:
            endpoints = await self._endpoints()
        except (HTTPError, msgspec.DecodeError, NotLetIn) as problem:
            return _refused(problem)
        state, nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        async with self._client(request) as client:
            url, _ = client.create_authorization_url(
                endpoints.authorization_endpoint, state=state, code_verifier=verifier, nonce=nonce
            )
        response = RedirectResponse(url, 303, headers={"Cache-Control": "no-store"})
        expires = int(time.time()) + STATE_SECONDS
        kept = jwt.encode(
            {"alg": "HS256"}, {"state": state, "nonce": nonce, "verifier": verifier, "exp": expires}, self._key
        )
        # Lax: the way back comes from another site, and so does not bring a strict cookie along.
        response.set_cookie(
            STATE_COOKIE, kept, max_age=STATE_SECONDS, path="/console/api/oidc", secure=is_https(request),
            httponly=True, samesite="lax",
        )  # fmt: skip
        return response

    async def come_back(self, request: Request) -> Response:
        """Begin a session for somebody whom the provider vouches for."""
        try:
            account = await self._account(request)
        except (HTTPError, OAuthError, JoseError, msgspec.DecodeError, NotLetIn, ValueError) as problem:
            return _refused(problem)
        # A redirect would still count as coming from the other site, and the strict cookie would be left behind.
        page = HTMLResponse(
            '<!doctype html><title>Tertulia</title><meta http-equiv="refresh" content="0;url=/console/queue">'
        )
        page.delete_cookie(STATE_COOKIE, path="/console/api/oidc")
        return await self._accounts.welcome(request, account.staff, "oidc", account, page)

    async def _account(self, request: Request) -> Account:
        """Raises NotLetIn, or what the libraries raise for what is not right."""
        asked = request.query_params
        kept = jwt.decode(request.cookies.get(STATE_COOKIE, ""), self._key, algorithms=["HS256"]).claims
        jwt.JWTClaimsRegistry(exp={"essential": True}).validate(kept)
        if not secrets.compare_digest(asked.get("state", "").encode(), str(kept["state"]).encode()):
            raise NotLetIn("another state")
        if "code" not in asked:
            raise NotLetIn("no code")
        claims = await self._claims(request, asked["code"], kept)
        if claims.get("email_verified") is not True:
            raise NotLetIn("no verified address")
        tenant, email = self._provider.tenant, str(claims.get("email", ""))
        account = await self._database.read(lambda tx: staff.by_email(tx, tenant, email), of=tenant)
        if account is None:
            raise NotLetIn("nobody of the staff")
        if account.disabled_at:
            address, at = address_of(request), now()
            await self._database.write(
                lambda tx: audit.record(tx, tenant, "", "session.refused", account.staff.id,
                                        {"via": "oidc", "address": address}, at)
            )  # fmt: skip
            raise NotLetIn("disabled")
        return account

    async def _claims(self, request: Request, code: str, kept: dict[str, Any]) -> dict[str, Any]:
        """What the provider says about who is there, verified (OpenID Connect Core 1.0, section 3.1.3.7)."""
        endpoints, provider = await self._endpoints(), self._provider
        async with self._client(request) as client:
            token = await client.fetch_token(endpoints.token_endpoint, code=code, code_verifier=kept["verifier"])
            keys = (await client.request("GET", endpoints.jwks_uri, withhold_token=True)).raise_for_status().json()
        decoded = jwt.decode(str(token.get("id_token", "")), KeySet.import_key_set(keys), algorithms=ALGORITHMS)
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": provider.issuer}, aud={"essential": True, "value": provider.client_id},
            nonce={"essential": True, "value": kept["nonce"]}, sub={"essential": True}, exp={"essential": True},
            iat={"essential": True},
        ).validate(decoded.claims)  # fmt: skip
        if decoded.claims.get("azp", provider.client_id) != provider.client_id:
            raise NotLetIn("for another client")
        return decoded.claims

    async def _endpoints(self) -> Endpoints:
        if self._known is None:
            where = self._provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
            async with AsyncOAuth2Client(timeout=PROVIDER_SECONDS, trust_env=False) as client:
                answer = (await client.request("GET", where, withhold_token=True)).raise_for_status()
            known = msgspec.json.decode(answer.content, type=Endpoints)
            if known.issuer != self._provider.issuer:
                raise NotLetIn(f"the issuer calls itself {known.issuer}")
            self._known = known
        return self._known

    def _client(self, request: Request) -> AsyncOAuth2Client:
        scheme = "https" if is_https(request) else "http"
        return AsyncOAuth2Client(
            self._provider.client_id, self._provider.client_secret, scope="openid email", timeout=PROVIDER_SECONDS,
            redirect_uri=f"{scheme}://{request.headers.get('host', '')}/console/api/oidc/callback",
            code_challenge_method="S256", trust_env=False,
        )  # fmt: skip


def _refused(problem: Exception) -> Response:
    logger.warning("OpenID Connect: %s: %s", type(problem).__name__, problem)
    response = RedirectResponse("/console/sign-in?failed=oidc", 303, headers={"Cache-Control": "no-store"})
    response.delete_cookie(STATE_COOKIE, path="/console/api/oidc")
    return response
