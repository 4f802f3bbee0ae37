"""Platforms that embed the service, and the keys by which they are known."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.tables import tenants
from storage.values import Tenant


def ensure(connection: Connection, id: str, name: str, api_key: str, at: int) -> Tenant:
    """The tenant ``id``, made if it is not there; from now on it is ``api_key`` that it signs in with.

    Only the key's SHA-256 is stored.
    """
    digest = _digest(api_key)
    found = connection.execute(select(tenants).where(tenants.c.id == id)).first()
    if found is None:
        values = {"id": id, "name": name, "api_key_sha256": digest, "token_secret": secrets.token_hex(32),
                  "public_key": "", "created_at": at}  # fmt: skip
        # Servers that start together may all find nobody; one of them makes the tenant, and all take what is there then.
        made = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(made(tenants).values(**values).on_conflict_do_nothing(index_elements=["id"]))
        found = connection.execute(select(tenants).where(tenants.c.id == id)).one()
    if found.api_key_sha256 != digest:
        connection.execute(update(tenants).where(tenants.c.id == id).values(api_key_sha256=digest))
    return _tenant(found)


def by_api_key(connection: Connection, api_key: str) -> Tenant | None:
    """The tenant that signs in with this key. Looked up by digest, so that timing tells nothing of the key."""
    row = connection.execute(select(tenants).where(tenants.c.api_key_sha256 == _digest(api_key))).first()
    return None if row is None else _tenant(row)


def by_id(connection: Connection, id: str) -> Tenant | None:
    """The tenant of this id."""
    row = connection.execute(select(tenants).where(tenants.c.id == id)).first()
    return None if row is None else _tenant(row)


def trust_key(connection: Connection, id: str, public_key: str) -> None:
    """From now on tokens signed by this Ed25519 key (PEM) are good; empty to trust none but our own secret."""
    connection.execute(update(tenants).where(tenants.c.id == id).values(public_key=public_key))


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(row.id, row.name, row.token_secret, row.public_key)


def _digest(api_key: str) -> str:
    return hashlib.sha256(api_key.encode()).hexdigest()
