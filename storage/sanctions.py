"""What people may not do any more, and until when; and where somebody stands because of all that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, or_, select, update

from storage import tables as t

c = t.sanctions.c
EVERYWHERE = ""


class Sanction(msgspec.Struct, frozen=True):
    """``kind`` is mute, ban or removal; ``conversation`` empty for everywhere; ``until`` 0 for without end."""

    id: str
    participant: str
    kind: str
    conversation: str
    at: int
    until: int
    act: str
    by: str
    clause: str
    lifted_at: int = 0
    lifted_by: str = ""

    def lasts(self, at: int) -> bool:
        """Whether it is in force."""
        return not self.lifted_at and (not self.until or self.until > at)


class Standing(msgspec.Struct, frozen=True):
    """Where somebody stands: ``strikes`` are the ends of those in force, ``mutes`` conversations and ends, ``bans`` ends.

    A ban's end of 0 is none. ``read_at`` tells which of two standings is the newer.
    """

    read_at: int = 0
    strikes: tuple[int, ...] = ()
    mutes: tuple[tuple[str, int], ...] = ()
    bans: tuple[int, ...] = ()

    def strikes_at(self, at: int) -> int:
        """How many strikes are in force."""
        return sum(expires > at for expires in self.strikes)

    def muted_until(self, conversation: str, at: int) -> int:
        """When somebody may write in this conversation again; 0 when they may now."""
        ends = [until for where, until in self.mutes if where in (EVERYWHERE, conversation) and until > at]
        return max(ends, default=0)

    def banned(self, at: int) -> bool:
        """Whether somebody may not be here at all."""
        return any(not until or until > at for until in self.bans)


def add(connection: Connection, tenant: str, sanction: Sanction) -> None:
    """Put a sanction in force."""
    values = msgspec.structs.asdict(sanction) | {"lifted_by": sanction.lifted_by or None}
    connection.execute(insert(t.sanctions).values(tenant=tenant, **values))


def of_participant(connection: Connection, tenant: str, participant: str) -> list[Sanction]:
    """All sanctions somebody ever had, the newest first."""
    where = (c.tenant == tenant) & (c.participant == participant)
    return [_row(row) for row in connection.execute(select(t.sanctions).where(where).order_by(c.at.desc(), c.id))]


def lift(connection: Connection, tenant: str, act: str, by: str, at: int) -> list[Sanction]:
    """Take back what an act put in force; which sanctions that were."""
    where = (c.tenant == tenant) & (c.act == act) & (c.lifted_at == 0)
    lifted = [_row(row) for row in connection.execute(select(t.sanctions).where(where))]
    if lifted:
        connection.execute(update(t.sanctions).where(where).values(lifted_at=at, lifted_by=by))
    return lifted


def put_back(connection: Connection, tenant: str, ids: Sequence[str]) -> None:
    """The lifting of these sanctions was taken back."""
    where = (c.tenant == tenant) & c.id.in_(ids)
    connection.execute(update(t.sanctions).where(where).values(lifted_at=0, lifted_by=None))


def standing(connection: Connection, tenant: str, participant: str, at: int) -> Standing:
    """Where somebody stands at this moment and, as things end by themselves, from now on."""
    s = t.strikes.c
    expiries = connection.execute(
        select(s.expires_at).where(
            s.tenant == tenant, s.participant == participant, s.withdrawn_at == 0, s.expires_at > at
        )
    ).scalars()
    rows = connection.execute(
        select(c.kind, c.conversation, c.until).where(
            c.tenant == tenant, c.participant == participant, c.lifted_at == 0, or_(c.until == 0, c.until > at)
        )
    ).all()
    return Standing(
        at, tuple(expiries), tuple((row.conversation, row.until) for row in rows if row.kind == "mute"),
        tuple(row.until for row in rows if row.kind == "ban"),
    )  # fmt: skip


def _row(row: Any) -> Sanction:
    return Sanction(row.id, row.participant, row.kind, row.conversation, row.at, row.until, row.act, row.by, row.clause,
                    row.lifted_at, row.lifted_by or "")  # fmt: skip
