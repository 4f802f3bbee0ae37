"""Sign-in by OpenID Connect, against a provider that keeps to the book, and against one that does not."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from server.console.oidc import Oidc
from server.console.oidc import Provider as Known
from storage import staff, tables
from storage.database import beside
from storage.staff import StaffRole
from tests.conftest import free_port


class Provider:
    """A small OpenID provider whose one user agrees to everything. ``lies`` are claims that it puts into its tokens."""

    def __init__(self) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.lies: dict[str, Any] = {}
        self.signs_with = self.key
        self._asked: dict[str, dict[str, str]] = {}
        routes = [
            Route("/.well-known/openid-configuration", self.discover), Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]), Route("/jwks", self.jwks),
        ]  # fmt: skip
        config = uvicorn.Config(Starlette(routes=routes), port=self.port, log_level="warning", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    async def discover(self, _: Request) -> Response:
        return JSONResponse({"issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                             "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/jwks"})  # fmt: skip

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == "tertulia"
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self._asked[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    async def token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self._asked.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        known = "Basic " + base64.b64encode(b"tertulia:secret").decode()
        fits = (
            asked is not None
            and form["redirect_uri"] == asked["redirect_uri"]
            and challenge.decode().rstrip("=") == asked["code_challenge"]
            and request.headers.get("authorization") == known
        )
        if asked is None or not fits:
            return JSONResponse({"error": "invalid_grant"}, 400)
        at = int(time.time())
        claims = {"iss": self.issuer, "sub": "7", "aud": "tertulia", "iat": at, "exp": at + 60, "nonce": asked["nonce"],
                  "email": "Ana@Shop.example", "email_verified": True} | self.lies  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signs_with)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": token})

    async def jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    provider = Provider()
    provider.thread.start()
    while not provider.server.started:
        time.sleep(0.01)
    yield provider
    provider.server.should_exit = True
    provider.thread.join()


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], provider: Provider) -> Any:
    server = start_server(
        TERTULIA_OIDC_ISSUER=provider.issuer, TERTULIA_OIDC_CLIENT_ID="tertulia", TERTULIA_OIDC_CLIENT_SECRET="secret",
        TERTULIA_OIDC_NAME="Shop",
    )  # fmt: skip
    with beside(server.environment["TERTULIA_DATABASE"]) as tx:
        staff.add(tx, "default", "ana", "Ana", StaffRole.LEAD, "es", "ana@shop.example", "", 1)
    return server


async def walk(server: Any, *, tamper: Callable[[str], str] = str) -> tuple[httpx2.Response, httpx2.AsyncClient]:
    """Goes the way of a browser: to the provider and back. ``tamper`` changes the address of the way back."""
    http = httpx2.AsyncClient(base_url=server.url, trust_env=False)
    away = await http.get("/console/api/oidc")
    assert away.status_code == 303
    back = (await http.get(away.headers["location"])).headers["location"]
    return await http.get(tamper(back)), http


async def test_somebody_whom_the_provider_vouches_for_comes_in(server: Any) -> None:
    arrived, http = await walk(server)
    assert arrived.status_code == 200
    assert 'content="0;url=/console/queue"' in arrived.text
    assert "samesite=strict" in arrived.headers["set-cookie"].lower()
    doors = (await http.get("/console/api/sign-in")).json()
    assert (doors["me"]["id"], doors["me"]["role"]) == ("staff:ana", "lead")
    assert doors["doors"] == [{"name": "Shop", "path": "/console/api/oidc"}]
    await http.aclose()


async def refused(server: Any, **options: Any) -> None:
    arrived, http = await walk(server, **options)
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/console/sign-in?failed=oidc")
    assert (await http.get("/console/api/sign-in")).json()["me"] is None
    await http.aclose()


@pytest.mark.parametrize(
    "lies",
    [
        {"email": "stranger@shop.example"}, {"email": ""}, {"email_verified": False}, {"email_verified": "true"},
        {"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1}, {"azp": "another"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_token_that_does_not_fit_opens_nothing(server: Any, provider: Provider, lies: dict[str, Any]) -> None:
    provider.lies = lies
    try:
        await refused(server)
    finally:
        provider.lies = {}


async def test_a_token_of_another_key_opens_nothing(server: Any, provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    try:
        await refused(server)
    finally:
        provider.signs_with = provider.key


@pytest.mark.parametrize(
    "tamper",
    [
        lambda url: url.replace("state=", "state=x"),
        lambda url: url.replace("code=", "code=x"),
        lambda url: url.partition("?")[0],
        lambda url: url.partition("?")[0] + "?error=access_denied&" + urlsplit(url).query.partition("&")[2],
    ],
)
async def test_a_way_back_that_was_tampered_with_opens_nothing(server: Any, tamper: Callable[[str], str]) -> None:
    await refused(server, tamper=tamper)


async def test_a_code_is_no_good_in_another_browser(server: Any) -> None:
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as http:
        away = await http.get("/console/api/oidc")
        back = (await http.get(away.headers["location"])).headers["location"]
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as other:
        assert (await other.get(back)).headers["location"] == "/console/sign-in?failed=oidc"


async def test_who_is_disabled_stays_out(server: Any) -> None:
    def set_disabled(at: int | None) -> None:
        with beside(server.environment["TERTULIA_DATABASE"]) as tx:
            tx.execute(update(tables.staff).where(tables.staff.c.id == "staff:ana").values(disabled_at=at))

    set_disabled(1)
    try:
        await refused(server)
    finally:
        set_disabled(None)


def test_who_leaves_through_one_server_may_come_back_to_another() -> None:
    def key(secret: str) -> Any:
        known = Known("https://id.example", "tertulia", secret, "Shop", "default")
        return Oidc(None, None, known)._key.as_dict()["k"]  # type: ignore[arg-type]

    assert key("one secret") == key("one secret")
    assert key("one secret") != key("another")
