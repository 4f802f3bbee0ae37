"""Staff: who may sign in to the console, as what, and where they are signed in."""

from __future__ import annotations

import hashlib
import secrets
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from storage import tables as t
from storage.errors import NotFound, Stale

PREFIX = "staff:"  # no participant's id begins like this
LOGIN = "^[a-z0-9][a-z0-9._-]{0,39}$"
IDLE_MS = 30 * 60_000  # without a request a session ends
LONGEST_MS = 12 * 3_600_000  # however busy, a session ends after a working day
SEEN_MS = 60_000  # how exactly it is noted when a session was last used


class StaffRole(StrEnum):
    """What somebody of the staff may do: decide; also lead; also administer; or only look, the audit log included."""

    REVIEWER = "reviewer"
    LEAD = "lead"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Staff(msgspec.Struct, frozen=True):
    """Somebody who is signed in: on whose behalf everything in the console happens."""

    tenant: str
    id: str
    name: str
    role: StaffRole
    lang: str = "en"


class Account(msgspec.Struct, frozen=True):
    """Somebody who may sign in. ``password`` is an argon2 hash, or empty; ``disabled_at`` 0 for who is welcome.

    ``provisional`` marks a password that somebody else chose: nothing else can be done before it is changed.
    """

    staff: Staff
    email: str
    password: str
    provisional: bool
    preferences: dict[str, Any]
    created_at: int
    disabled_at: int = 0


class Session(msgspec.Struct, frozen=True):
    """A browser in which somebody is signed in. ``mark`` names it to its owner without giving away its key."""

    mark: str
    via: str
    address: str
    browser: str
    created_at: int
    seen_at: int


_preferences = msgspec.json.Decoder(dict[str, Any])


def id_of(login: str) -> str:
    """The staff id of a login name."""
    return PREFIX + login


# ----------------------------------------------------------------------------------------------------- accounts


def add(
    connection: Connection, tenant: str, login: str, name: str, role: StaffRole, lang: str, email: str, password: str,
    at: int, *, provisional: bool = False,
) -> Staff:  # fmt: skip
    """Let somebody in from now on. Raises Stale when the login or the e-mail address is taken."""
    staff = Staff(tenant, id_of(login), name, role, lang)
    if find(connection, tenant, staff.id) is not None:
        raise Stale("login", "taken")
    if email and by_email(connection, tenant, email) is not None:
        raise Stale("e-mail address", "taken")
    connection.execute(
        insert(t.staff).values(
            tenant=tenant, id=staff.id, name=name, email=email.casefold(), role=role, lang=lang, password=password,
            provisional=int(provisional), preferences="{}", created_at=at, disabled_at=None,
        )
    )  # fmt: skip
    return staff


def find(connection: Connection, tenant: str, id: str) -> Account | None:
    """The account of this id, disabled or not."""
    row = connection.execute(select(t.staff).where(_is(tenant, id))).first()
    return None if row is None else _account(row)


def load(connection: Connection, tenant: str, id: str) -> Account:
    """The account of this id. Raises NotFound."""
    account = find(connection, tenant, id)
    if account is None:
        raise NotFound("member of the staff")
    return account


def by_email(connection: Connection, tenant: str, email: str) -> Account | None:
    """The account with this address; none for an empty one."""
    if not email:
        return None
    where = (t.staff.c.tenant == tenant) & (t.staff.c.email == email.casefold())
    row = connection.execute(select(t.staff).where(where)).first()
    return None if row is None else _account(row)


def everybody(connection: Connection, tenant: str) -> list[Account]:
    """All accounts of a tenant, by id."""
    rows = connection.execute(select(t.staff).where(t.staff.c.tenant == tenant).order_by(t.staff.c.id))
    return [_account(row) for row in rows]


def change(connection: Connection, tenant: str, id: str, name: str, role: StaffRole, lang: str, email: str) -> None:
    """Change what an account says. Raises NotFound; Stale when the address is another's, or nobody would be left to administer."""
    account = load(connection, tenant, id)
    other = by_email(connection, tenant, email)
    if other is not None and other.staff.id != id:
        raise Stale("e-mail address", "taken")
    if role is not StaffRole.ADMIN:
        _keep_an_admin(connection, account)
    connection.execute(
        update(t.staff).where(_is(tenant, id)).values(name=name, role=role, lang=lang, email=email.casefold())
    )


def set_password(connection: Connection, tenant: str, id: str, password: str, *, provisional: bool = False) -> None:
    """From now on this hash is the password's. Raises NotFound."""
    done = connection.execute(
        update(t.staff).where(_is(tenant, id)).values(password=password, provisional=int(provisional))
    )
    if not done.rowcount:
        raise NotFound("member of the staff")


def set_preferences(connection: Connection, tenant: str, id: str, preferences: dict[str, Any], lang: str) -> None:
    """Keep what somebody has chosen for themselves."""
    encoded = msgspec.json.encode(preferences).decode()
    connection.execute(update(t.staff).where(_is(tenant, id)).values(preferences=encoded, lang=lang))


def disable(connection: Connection, tenant: str, id: str, at: int) -> None:
    """Lock somebody out, at once. Raises NotFound; Stale when nobody would be left to administer."""
    _keep_an_admin(connection, load(connection, tenant, id))
    connection.execute(update(t.staff).where(_is(tenant, id)).values(disabled_at=at))
    end_sessions(connection, tenant, id)


def enable(connection: Connection, tenant: str, id: str) -> None:
    """Let somebody in again. Raises NotFound."""
    load(connection, tenant, id)
    connection.execute(update(t.staff).where(_is(tenant, id)).values(disabled_at=None))


def _keep_an_admin(connection: Connection, account: Account) -> None:
    if account.staff.role is not StaffRole.ADMIN or account.disabled_at:
        return
    c = t.staff.c
    # Locked, so that the last two cannot put each other out at the same moment.
    others = connection.execute(
        select(c.id)
        .where(c.tenant == account.staff.tenant, c.role == StaffRole.ADMIN, c.disabled_at.is_(None))
        .order_by(c.id)
        .with_for_update()
    ).scalars()
    if set(others) <= {account.staff.id}:
        raise Stale("account", "the last one that can administer")


# ----------------------------------------------------------------------------------------------------- sessions


def begin_session(connection: Connection, staff: Staff, via: str, address: str, browser: str, at: int) -> str:
    """Sign somebody in; what their browser has to hold: 256 random bits, of which only the digest is kept."""
    secret = secrets.token_urlsafe(32)
    connection.execute(
        insert(t.staff_sessions).values(
            tenant=staff.tenant, key=_digest(secret), staff=staff.id, via=via, address=address[:64],
            browser=browser[:200], created_at=at, seen_at=at,
        )
    )  # fmt: skip
    connection.execute(delete(t.staff_sessions).where(~_lasts(at)))
    return secret


def who(connection: Connection, secret: str, at: int) -> tuple[Account, bool] | None:
    """Whose session this is, if it still lasts and they are still welcome; and whether its use is due to be noted."""
    s, c = t.staff_sessions.c, t.staff.c
    row = connection.execute(
        select(t.staff, s.seen_at)
        .select_from(t.staff_sessions.join(t.staff, (s.tenant == c.tenant) & (s.staff == c.id)))
        .where(s.key == _digest(secret), c.disabled_at.is_(None), _lasts(at))
    ).first()
    return None if row is None else (_account(row), at - row.seen_at >= SEEN_MS)


def note_use(connection: Connection, secret: str, at: int) -> None:
    """A session was used: it lasts for another while."""
    key = t.staff_sessions.c.key == _digest(secret)
    connection.execute(update(t.staff_sessions).where(key).values(seen_at=at))


def sessions(connection: Connection, tenant: str, id: str, at: int) -> list[Session]:
    """Where somebody is signed in, the newest first."""
    s = t.staff_sessions.c
    rows = connection.execute(
        select(t.staff_sessions).where(s.tenant == tenant, s.staff == id, _lasts(at)).order_by(s.created_at.desc())
    )
    return [Session(_mark(row.key), row.via, row.address, row.browser, row.created_at, row.seen_at) for row in rows]


def is_signed_in(connection: Connection, tenant: str, id: str, mark: str, at: int) -> bool:
    """Whether somebody is welcome and their session of this mark still lasts."""
    account = find(connection, tenant, id)
    welcome = account is not None and not account.disabled_at
    return welcome and any(session.mark == mark for session in sessions(connection, tenant, id, at))


def end_session(connection: Connection, tenant: str, id: str, mark: str) -> None:
    """Sign somebody out in one browser. Raises NotFound."""
    s = t.staff_sessions.c
    mine = (s.tenant == tenant) & (s.staff == id)
    key = next((key for key in connection.execute(select(s.key).where(mine)).scalars() if _mark(key) == mark), None)
    if key is None:
        raise NotFound("session")
    connection.execute(delete(t.staff_sessions).where(mine, s.key == key))


def end_sessions(connection: Connection, tenant: str, id: str, *, but: str = "") -> int:
    """Sign somebody out everywhere, but not in the session of mark ``but``; how many there were."""
    s = t.staff_sessions.c
    mine = (s.tenant == tenant) & (s.staff == id)
    kept = [key for key in connection.execute(select(s.key).where(mine)).scalars() if _mark(key) == but]
    return connection.execute(delete(t.staff_sessions).where(mine, s.key.notin_(kept))).rowcount


def mark_of(secret: str) -> str:
    """The mark of the session that this secret opens."""
    return _mark(_digest(secret))


# ------------------------------------------------------------------------------------------------------- inside


def _is(tenant: str, id: str) -> Any:
    return (t.staff.c.tenant == tenant) & (t.staff.c.id == id)


def _lasts(at: int) -> Any:
    s = t.staff_sessions.c
    return (s.seen_at > at - IDLE_MS) & (s.created_at > at - LONGEST_MS)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _mark(key: str) -> str:
    # Of the digest's digest: neither the secret nor what is stored can be guessed from it.
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _account(row: Row[Any]) -> Account:
    staff = Staff(row.tenant, row.id, row.name, StaffRole(row.role), row.lang)
    return Account(
        staff, row.email, row.password, bool(row.provisional), _preferences.decode(row.preferences), row.created_at,
        row.disabled_at or 0,
    )  # fmt: skip


def how_many(connection: Connection, tenant: str) -> int:
    """How many accounts a tenant has."""
    where = t.staff.c.tenant == tenant
    return int(connection.execute(select(func.count()).select_from(t.staff).where(where)).scalar_one())
