"""Who gets in: only with a token that this tenant's key made, still good, for us."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from realtime.auth import AUDIENCE, LEEWAY_SECONDS, claimed_tenant, mint, verify
from realtime.errors import Unauthenticated
from storage.values import Tenant

SECRET = "11" * 32
KEY = bytes.fromhex(SECRET)
_private = ed25519.Ed25519PrivateKey.generate()
PRIVATE = _private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = _private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
TENANT = Tenant("shop", "Shop", SECRET)
TRUSTING = Tenant("shop", "Shop", SECRET, PUBLIC)
_rsa = rsa.generate_private_key(65_537, 2_048)
RSA = _rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {"iss": "shop", "aud": AUDIENCE, "sub": "ana", "iat": now, "exp": now + 60, "jti": "1", "tenant": "shop",
            "role": "buyer", "name": "Ana", "lang": "es", "conversations": "*"}  # fmt: skip
    return {name: value for name, value in (good | changed).items() if value is not ...}


def signed(key: Any = KEY, algorithm: str = "HS256", kid: str = "shop", **changed: Any) -> str:
    return jwt.encode(claims(**changed), key, algorithm=algorithm, headers={"kid": kid})


def unsigned(header: dict[str, Any], **changed: Any) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims(**changed)))
    return ".".join([base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]) + "."


@pytest.mark.parametrize(
    ("claim", "seconds", "good"),
    [("exp", 60, True), ("exp", -50, True), ("exp", -70, False), ("iat", 50, True), ("iat", 70, False), ("nbf", 50, True),
     ("nbf", 70, False)],
)  # fmt: skip
def test_clocks_may_be_a_minute_apart_and_no_more(claim: str, seconds: int, good: bool) -> None:
    changed: dict[str, Any] = {claim: int(time.time()) + seconds}
    token = signed(**changed)
    if good:
        assert verify(token, TENANT).id == "ana"
    else:
        with pytest.raises(Unauthenticated):
            verify(token, TENANT)


def test_a_minted_token_says_who_it_is_for() -> None:
    token = mint(TENANT, "ana", name="Ana", role="buyer", lang="pt", conversations=["a", "b"], expires_in=60)
    identity = verify(token, TENANT)
    assert (identity.tenant, identity.id, identity.name, identity.role, identity.lang) == (
        "shop",
        "ana",
        "Ana",
        "buyer",
        "pt",
    )
    assert identity.conversations == frozenset({"a", "b"})
    assert claimed_tenant(token) == "shop"


def test_a_platform_may_sign_with_a_key_of_its_own() -> None:
    token = signed(PRIVATE, "EdDSA")
    assert verify(token, TRUSTING).id == "ana"
    with pytest.raises(Unauthenticated):
        verify(token, TENANT)


FORGERIES: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no token": lambda: "hola",
    "three dots": lambda: "...",
    "alg none": lambda: unsigned({"alg": "none", "kid": "shop"}),
    "alg none, spelled otherwise": lambda: unsigned({"alg": "nOnE", "kid": "shop"}),
    "another secret": lambda: signed(b"2" * 32),
    "the public key as a secret": lambda: _with_public_key_as_secret(),
    "RSA": lambda: signed(RSA, "RS256"),
    "HS512": lambda: signed(KEY * 2, "HS512"),
    "another issuer": lambda: signed(iss="mall"),
    "another audience": lambda: signed(aud="mall"),
    "another tenant inside": lambda: signed(tenant="mall"),
    "no expiry": lambda: signed(exp=...),
    "expired": lambda: signed(exp=int(time.time()) - 61),
    "not yet good": lambda: signed(nbf=int(time.time()) + 3_600),
    "made in the future": lambda: signed(iat=int(time.time()) + 3_600),
    "no subject": lambda: signed(sub=...),
    "an empty subject": lambda: signed(sub=""),
    "a number as subject": lambda: signed(sub=5),
    "no jti": lambda: signed(jti=...),
    "no role": lambda: signed(role=...),
    "a role that is none": lambda: signed(role="king"),
    "conversations that are no list": lambda: signed(conversations={"a": 1}),
    "a name without end": lambda: signed(name="x" * 101),
    "a header nested deeply": lambda: base64.urlsafe_b64encode(b"[" * 5_000).decode().rstrip("=") + ".e30.",
    "not ASCII": lambda: "ñ.ñ.ñ",
}


def _with_public_key_as_secret() -> str:
    header, payload = ({"alg": "HS256", "typ": "JWT", "kid": "shop"}, claims())
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, payload)]
    import hashlib
    import hmac

    signature = hmac.new(PUBLIC.encode(), b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_token_that_is_not_good_is_refused_with_the_same_words(forge: Callable[[], str]) -> None:
    token = forge()
    for tenant in (TENANT, TRUSTING):
        with pytest.raises(Unauthenticated) as refused:
            verify(token, tenant)
        assert str(refused.value) == "The token is missing, expired or not valid."


@pytest.mark.parametrize("kid", ["", "x" * 65, 5, None])
def test_a_tenant_that_cannot_be_is_no_tenant(kid: Any) -> None:
    with pytest.raises(Unauthenticated):
        claimed_tenant(unsigned({"alg": "HS256", "kid": kid}))


@pytest.mark.parametrize("name", [*FORGERIES, "a megabyte"])
async def test_who_has_no_good_token_is_shown_out(platform: Any, name: str) -> None:
    token = "x" * 60_000 if name == "a megabyte" else FORGERIES[name]()
    client = await platform.raw()
    await client.send(type="hello", token=token)
    if name == "a megabyte":
        assert (await client.next("refused"))["code"] == "too_long"
    else:
        assert await client.close_code() == 4401


async def test_a_token_may_come_in_the_header(platform: Any) -> None:
    chat = await platform.open("ana:buyer")
    client = await platform.raw(additional_headers={"Authorization": f"Bearer {await platform.token('ana')}"})
    await client.send(type="hello")
    assert [one["id"] for one in (await client.next("welcome"))["conversations"]] == [chat]


async def test_a_token_opens_only_the_conversations_that_it_names(platform: Any) -> None:
    first, second = await platform.open("ana:buyer"), await platform.open("ana:buyer")
    ana = await platform.connect("ana", conversations=[first])
    assert [one["id"] for one in ana.welcome["conversations"]] == [first]
    assert (await ana.post(second, "hola"))["code"] == "not_found"


async def test_a_token_that_runs_out_ends_the_connection_and_a_fresh_one_resumes(platform: Any) -> None:
    chat = await platform.open("ana:buyer", "luis:seller")
    assert (await platform.http.put("/v1/token-key", json={"public_key": PUBLIC})).status_code == 204
    tenant = jwt.get_unverified_header(await platform.token("luis", "seller"))["kid"]
    # Clocks may differ by a minute: one that ran out 58 seconds ago is good for two more.
    old = signed(PRIVATE, "EdDSA", kid=tenant, iss=tenant, tenant=tenant, exp=int(time.time()) - LEEWAY_SECONDS + 2)
    ana = await (await platform.raw()).say_hello(old)
    last = await ana.post(chat, "hola")
    assert await ana.close_code() == 4401
    luis = await platform.connect("luis", "seller")
    await luis.post(chat, "sigo aquí")
    back = await platform.connect("ana", resume=[{"conversation": chat, "after": last["seq"], "epoch": ""}])
    assert [event["text"] for event in (await back.next("resumed"))["events"]] == ["sigo aquí"]


async def test_a_token_of_one_tenant_opens_nothing_of_another(platform: Any, other_platform: Any) -> None:
    chat = await platform.open("ana:buyer", id="order-1")
    await other_platform.open("ana:buyer", id="order-1", title="Another")
    ana = await other_platform.connect("ana")
    assert [one["title"] for one in ana.welcome["conversations"]] == ["Another"]
    mine = await platform.connect("ana")
    await ana.post("order-1", "para los otros")
    assert [event for event in await mine.settled() if event["type"] == "posted"] == []
    assert [event for event in await mine.history(chat) if event["type"] == "posted"] == []


@pytest.mark.parametrize(
    ("origin", "opens"),
    [
        (None, True),
        ("self", True),
        ("https://market.example", False),
        ("null", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://evil.example#127.0.0.1", False),
        ("https://shop.example", True),  # which the operator has named
        ("https://shop.example.evil.tld", False),
        ("https://evil-shop.example", False),
        ("https://shop.example@evil.tld", False),
        ("https://evil.tld/https://shop.example", False),
        ("https://evil.tld?https://shop.example", False),
        ("http://shop.example", False),
        ("https://shop.example:8443", False),
        ("https://sub.shop.example", False),
        ("https://shop.example/", False),
        ("https://SHOP.example", False),  # browsers write it small
        ("file://", False),
        ("", False),
    ],
)
async def test_a_page_of_another_origin_cannot_connect(platform: Any, origin: str | None, opens: bool) -> None:
    host = platform.ws_url.removeprefix("ws://").partition("/")[0]
    headers = {} if origin is None else {"Origin": f"http://{host}" if origin == "self" else origin}
    if opens:
        await (await platform.raw(additional_headers=headers)).say_hello(await platform.token("ana"))
    else:
        with pytest.raises(Exception, match="403"):
            await platform.raw(additional_headers=headers)


async def test_nobody_has_more_connections_than_the_limit(platform: Any) -> None:
    await platform.open("ana:buyer")
    open_ones = [await platform.connect("ana") for _ in range(20)]
    one_more = await platform.raw()
    await one_more.send(type="hello", token=await platform.token("ana"))
    assert await one_more.close_code() == 4429
    await open_ones[0].close()
    await platform.connect("ana")


def test_no_token_is_ever_logged(chat_server: Any) -> None:
    assert "eyJ" not in chat_server.log
