"""What staff did, saw and changed: append-only, chained for each tenant as the log of a conversation is.

No message's words go in here: ``subject`` names what was acted on by its id, ``detail`` how.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, text, update

from storage import tables as t
from storage.log import GENESIS, link

PAGE = 200  # entries at once, at most
FOLLOWED = 2_000  # links of the chain that are tried at once
_json = msgspec.json.Encoder(order="deterministic").encode
_detail = msgspec.json.Decoder(dict[str, Any])


class AuditEntry(msgspec.Struct, frozen=True):
    """One act. ``actor`` is a staff id, ``operator`` for who used the command line, empty for who is not known.

    ``at`` in milliseconds.
    """

    seq: int
    at: int
    actor: str
    act: str
    subject: str
    detail: dict[str, Any]
    hash: str


class AuditFilter(msgspec.Struct, frozen=True):
    """Which entries are wanted; what is empty or 0 asks for nothing. ``act`` also matches what begins with it and a dot."""

    actor: str = ""
    act: str = ""
    subject: str = ""
    since: int = 0
    until: int = 0


class AuditState(msgspec.Struct, frozen=True):
    """Where a tenant's chain stands. ``broken_at`` is the ``seq`` of the first entry that does not fit, 0 if all do."""

    entries: int
    head: str
    broken_at: int


BEGINNING = AuditState(0, GENESIS, 0)


def record(
    connection: Connection, tenant: str, actor: str, act: str, subject: str, detail: dict[str, Any], at: int
) -> int:
    """Append an entry in the caller's transaction, so that there is no act without it; its ``seq``.

    The tenant's head is locked until that transaction ends: writers of several processes come one after the other.
    """
    # In words that both databases know; a tenant's first entry may be written by two processes at once.
    connection.execute(
        text("INSERT INTO audit_heads (tenant, last_seq, head) VALUES (:tenant, 0, :head) ON CONFLICT DO NOTHING"),
        {"tenant": tenant, "head": GENESIS},
    )
    here = t.audit_heads.c.tenant == tenant
    row = connection.execute(select(t.audit_heads).where(here).with_for_update()).one()
    seq, encoded = row.last_seq + 1, _json(detail).decode()
    hashed = link(row.head, tenant, seq, at, actor, act, subject, encoded)
    connection.execute(
        insert(t.audit).values(
            tenant=tenant, seq=seq, at=at, actor=actor, act=act, subject=subject, detail=encoded, hash=hashed
        )
    )
    connection.execute(update(t.audit_heads).where(here).values(last_seq=seq, head=hashed))
    return int(seq)


def entries(
    connection: Connection, tenant: str, wanted: AuditFilter, before: int = 0, limit: int = PAGE
) -> list[AuditEntry]:
    """The newest entries before a ``seq`` (0: of all) that match, newest first."""
    c = t.audit.c
    where = _matching(tenant, wanted)
    if before:
        where.append(c.seq < before)
    rows = connection.execute(select(t.audit).where(*where).order_by(c.seq.desc()).limit(limit))
    return [_entry(row) for row in rows]


def following(
    connection: Connection, tenant: str, wanted: AuditFilter, after: int, through: int, limit: int = PAGE
) -> list[AuditEntry]:
    """The oldest entries that match of those after one ``seq`` and up to another, oldest first."""
    c = t.audit.c
    where = [*_matching(tenant, wanted), c.seq > after, c.seq <= through]
    return [_entry(row) for row in connection.execute(select(t.audit).where(*where).order_by(c.seq).limit(limit))]


def count(connection: Connection, tenant: str, wanted: AuditFilter, most: int) -> tuple[int, int]:
    """How many entries match, counted up to ``most``, and the highest ``seq`` among those."""
    found = select(t.audit.c.seq).where(*_matching(tenant, wanted)).order_by(t.audit.c.seq).limit(most).subquery()
    rows, through = connection.execute(select(func.count(), func.max(found.c.seq))).one()
    return int(rows), int(through or 0)


def state(connection: Connection, tenant: str) -> AuditState:
    """Follow a tenant's whole chain."""
    so_far, done = BEGINNING, False
    while not done:
        so_far, done = follow(connection, tenant, so_far)
    return so_far


def follow(connection: Connection, tenant: str, so_far: AuditState, limit: int = FOLLOWED) -> tuple[AuditState, bool]:
    """Follow a tenant's chain a little further, first from ``BEGINNING``; where it stands then, and whether that is all."""
    c, count, head = t.audit.c, so_far.entries, so_far.head
    # Before the entries: what is written meanwhile can only add to what the head tells, never lack from it.
    last = connection.execute(select(t.audit_heads).where(t.audit_heads.c.tenant == tenant)).first()
    told = (0, GENESIS) if last is None else (last.last_seq, last.head)
    rows = connection.execute(
        select(t.audit).where(c.tenant == tenant, c.seq > so_far.entries).order_by(c.seq).limit(limit)
    ).all()
    for row in rows:
        head = link(head, tenant, row.seq, row.at, row.actor, row.act, row.subject, row.detail)
        if row.seq != count + 1 or row.hash != head:
            return AuditState(count, head, int(row.seq)), True
        count += 1
    if len(rows) == limit or (rows and count > told[0]):
        return AuditState(count, head, 0), False
    return AuditState(count, head, 0 if told == (count, head) else count + 1), True


def broken_link(connection: Connection, tenant: str) -> int:
    """The ``seq`` of the first entry that does not fit the chain, or 0 when the whole chain holds."""
    return state(connection, tenant).broken_at


def _matching(tenant: str, wanted: AuditFilter) -> list[ColumnElement[bool]]:
    c = t.audit.c
    where: list[ColumnElement[bool]] = [c.tenant == tenant]
    if wanted.actor:
        where.append(c.actor == wanted.actor)
    if wanted.act:
        where.append((c.act == wanted.act) | c.act.startswith(f"{wanted.act}.", autoescape=True))
    if wanted.subject:
        where.append(c.subject == wanted.subject)
    if wanted.since:
        where.append(c.at >= wanted.since)
    if wanted.until:
        where.append(c.at < wanted.until)
    return where


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(row.seq, row.at, row.actor, row.act, row.subject, _detail.decode(row.detail), row.hash)
