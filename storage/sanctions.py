"""What people may not do any more, and until when; and where somebody stands because of all that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, or_, select, tuple_, update

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

    A ban's end of 0 is none. ``read_at`` is the moment of it.
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
    return standings(connection, [(tenant, participant)], at)[tenant, participant]


def standings(
    connection: Connection, people: Sequence[tuple[str, str]], at: int
) -> dict[tuple[str, str], Standing]:  # fmt: skip
    """The same of many, given and answered by tenant and id."""
    s = t.strikes.c
    strikes: dict[tuple[str, str], list[int]] = {key: [] for key in people}
    mutes: dict[tuple[str, str], list[tuple[str, int]]] = {key: [] for key in people}
    bans: dict[tuple[str, str], list[int]] = {key: [] for key in people}
    for strike in connection.execute(
        select(s.tenant, s.participant, s.expires_at).where(
            tuple_(s.tenant, s.participant).in_(people), s.withdrawn_at == 0, s.expires_at > at
        )
    ):
        strikes[strike.tenant, strike.participant].append(strike.expires_at)
    for row in connection.execute(
        select(c.tenant, c.participant, c.kind, c.conversation, c.until).where(
            tuple_(c.tenant, c.participant).in_(people), c.lifted_at == 0, or_(c.until == 0, c.until > at)
        )
    ):
        if row.kind == "mute":
            mutes[row.tenant, row.participant].append((row.conversation, row.until))
        elif row.kind == "ban":
            bans[row.tenant, row.participant].append(row.until)
    return {key: Standing(at, tuple(strikes[key]), tuple(mutes[key]), tuple(bans[key])) for key in people}


def _row(row: Any) -> Sanction:
    return Sanction(row.id, row.participant, row.kind, row.conversation, row.at, row.until, row.act, row.by, row.clause,
                    row.lifted_at, row.lifted_by or "")  # fmt: skip
