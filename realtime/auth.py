"""Who is there: tokens (JWT) that the platform signs, or has us sign, for its participants."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import jwt
import msgspec

from realtime.errors import Unauthenticated
from rules.types import Role
from storage import tenants
from storage.database import Database
from storage.values import Tenant

AUDIENCE = "tertulia"
LEEWAY_SECONDS = 60  # between the platform's clock and ours
STAFF = "staff"
LANGUAGES = ("es", "en", "pt")
ROLES = frozenset({*Role, STAFF})
_KNOWN_TENANTS = 1_000
_TENANT_SECONDS = 30.0  # a changed key is noticed within


class Identity(msgspec.Struct, frozen=True):
    """Somebody behind a token. ``role`` is a participant's or ``staff``; ``conversations`` None for all they are members of.

    ``expires`` in seconds since 1970. ``session`` is the mark of the console's session that a token belongs to: it ends with it.
    """

    tenant: str
    id: str
    name: str
    role: str
    lang: str
    expires: int
    conversations: frozenset[str] | None = None
    session: str = ""


def mint(
    tenant: Tenant, participant: str, *, name: str, role: str, lang: str = "en",
    conversations: Sequence[str] | str = "*", expires_in: int = 3_600,
    session: str = "",
) -> str:  # fmt: skip
    """A token for a participant, good for ``expires_in`` seconds. Raises ValueError for a role that is none."""
    if role not in ROLES:
        raise ValueError(f"{role!r} is no role: use one of {', '.join(sorted(ROLES))}")
    now = int(time.time())
    claims = {
        "iss": tenant.id, "aud": AUDIENCE, "sub": participant, "iat": now, "exp": now + expires_in,
        "jti": secrets.token_hex(8), "tenant": tenant.id, "role": role, "name": name, "lang": lang,
        "conversations": conversations if conversations == "*" else list(conversations),
    }  # fmt: skip
    if session:
        claims["session"] = session
    return jwt.encode(claims, bytes.fromhex(tenant.token_secret), algorithm="HS256", headers={"kid": tenant.id})


def verify(token: str, tenant: Tenant) -> Identity:
    """The identity that ``tenant`` vouches for. Raises Unauthenticated."""
    try:
        header = jwt.get_unverified_header(token)
        # The key decides the algorithm, never the token's header: a public key is never used as an HMAC secret.
        if header.get("alg") == "EdDSA" and tenant.public_key:
            key, algorithm = tenant.public_key.encode(), "EdDSA"
        else:
            key, algorithm = bytes.fromhex(tenant.token_secret), "HS256"
        claims = jwt.decode(
            token, key, algorithms=[algorithm], audience=AUDIENCE, issuer=tenant.id, leeway=LEEWAY_SECONDS,
            options={"require": ["iss", "aud", "sub", "iat", "exp", "jti"]},
        )  # fmt: skip
        return _identity(claims, tenant)
    except (jwt.PyJWTError, _BadClaim, RecursionError, UnicodeError, ValueError, TypeError):
        raise Unauthenticated from None


def claimed_tenant(token: str) -> str:
    """The tenant that a token says it is of, unverified: only good for looking up the key. Raises Unauthenticated."""
    try:
        tenant = jwt.get_unverified_header(token).get("kid")
    except (jwt.PyJWTError, RecursionError, UnicodeError, ValueError):
        raise Unauthenticated from None
    if not isinstance(tenant, str) or not 0 < len(tenant) <= 64:
        raise Unauthenticated
    return tenant


class Gate:
    """Lets in who has a good token. Tenants are kept for half a minute, so that a connect costs no query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[float, Tenant]] = {}

    async def identify(self, token: str) -> Identity:
        """Raises Unauthenticated, or Unavailable when the tenant's key cannot be read."""
        id = claimed_tenant(token)
        now = time.monotonic()
        read_at, tenant = self._known.get(id, (0.0, None))
        if tenant is None or now - read_at > _TENANT_SECONDS:
            tenant = await self._database.read(lambda connection: tenants.by_id(connection, id), of=id)
            if tenant is None:
                raise Unauthenticated
            if len(self._known) >= _KNOWN_TENANTS:
                self._known.clear()
            self._known[id] = (now, tenant)
        return verify(token, tenant)


class _BadClaim(Exception):
    pass


def _identity(claims: dict[str, Any], tenant: Tenant) -> Identity:
    subject, role, conversations = claims["sub"], claims.get("role"), claims.get("conversations", "*")
    name, lang, session = claims.get("name", subject), claims.get("lang", "en"), claims.get("session", "")
    good = (
        claims.get("tenant") == tenant.id
        and isinstance(subject, str) and 0 < len(subject) <= 64
        and role in ROLES
        and isinstance(name, str) and 0 < len(name) <= 100
        and isinstance(session, str)
        and (conversations == "*" or (isinstance(conversations, list) and all(isinstance(c, str) for c in conversations)))
    )  # fmt: skip
    if not good:
        raise _BadClaim
    return Identity(
        tenant=tenant.id, id=subject, name=name, role=str(role), lang=lang if lang in LANGUAGES else "en",
        expires=int(claims["exp"]), conversations=None if conversations == "*" else frozenset(conversations),
        session=session,
    )  # fmt: skip
