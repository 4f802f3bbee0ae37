"""What an operator does about staff on the command line, beside a server that may be running."""

from __future__ import annotations

import re
import time

from sqlalchemy import Connection

from storage import audit, staff, tenants
from storage.audit import AuditState
from storage.database import beside, migrate
from storage.errors import NotFound
from storage.staff import LOGIN, StaffRole

OPERATOR = "operator"


def add(url: str, tenant: str, login: str, name: str, role: str, lang: str, email: str, password: str) -> str:
    """Let somebody in, with the hash of their password. Raises ValueError, Stale, or NotFound for a tenant that is none."""
    if not re.fullmatch(LOGIN, login):
        raise ValueError("A login name is made of a-z, 0-9, dot, dash and underscore, 40 characters at most.")
    migrate(url)
    at = _now()
    with beside(url) as tx:
        _tenant(tx, tenant)
        new = staff.add(tx, tenant, login, name, StaffRole(role), lang, email, password, at)
        audit.record(tx, tenant, OPERATOR, "staff.added", new.id, {"role": role}, at)
    return f"{login} can sign in as {role}."


def listed(url: str, tenant: str) -> list[str]:
    """A line for each account."""
    with beside(url) as tx:
        _tenant(tx, tenant)
        return [
            f"{one.staff.id.removeprefix(staff.PREFIX):20} {one.staff.role:9} "
            f"{'disabled' if one.disabled_at else 'welcome':9} {one.staff.name}"
            for one in staff.everybody(tx, tenant)
        ]


def disable(url: str, tenant: str, login: str) -> str:
    """Lock somebody out. Raises NotFound; Stale when nobody would be left to administer."""
    id, at = staff.id_of(login), _now()
    with beside(url) as tx:
        staff.disable(tx, tenant, id, at)
        audit.record(tx, tenant, OPERATOR, "staff.disabled", id, {}, at)
    return f"{login} is locked out."


def reset(url: str, tenant: str, login: str, password: str) -> str:
    """Another password, by its hash, and in again. Raises NotFound."""
    id, at = staff.id_of(login), _now()
    with beside(url) as tx:
        staff.set_password(tx, tenant, id, password)
        staff.enable(tx, tenant, id)
        staff.end_sessions(tx, tenant, id)
        audit.record(tx, tenant, OPERATOR, "password.reset", id, {}, at)
    return f"{login} has another password."


def state(url: str, tenant: str) -> AuditState:
    """Follow the chain of a tenant's audit log."""
    with beside(url) as tx:
        _tenant(tx, tenant)
        return audit.state(tx, tenant)


def _tenant(tx: Connection, id: str) -> None:
    if tenants.by_id(tx, id) is None:
        raise NotFound(f"tenant as {id!r}")


def _now() -> int:
    return time.time_ns() // 1_000_000
