"""Suggested replies: who does without them, and what became of those that were shown. Counts only, nobody's words."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, delete, func, select

from storage import tables as t
from storage.bulk import Bulk

_c = t.suggestion_counts.c
_off = t.suggestions_off.c


class Shown(msgspec.Struct, frozen=True):
    """What is counted: a reply of the inventory, in a language, offered to readers of a role.

    ``intent`` is what it answers, empty where it is offered for the heat of a conversation.
    """

    tenant: str
    reply: str
    role: str
    lang: str
    intent: str
    stance: str


class Counts(msgspec.Struct):
    """How often it was shown, and what became of it: sent as it was, sent with other words, put away.

    ``rejected`` counts those that were not shown, because the policy would not have let them through.
    """

    shown: int = 0
    taken: int = 0
    edited: int = 0
    dismissed: int = 0
    rejected: int = 0


_COUNTS = Counts.__struct_fields__
_KEY = Shown.__struct_fields__
_add = Bulk(
    f"INSERT INTO suggestion_counts ({', '.join((*_KEY, *_COUNTS))})"
    f" SELECT {', '.join(f'r.{name}' for name in (*_KEY, *_COUNTS))} FROM {{rows}} WHERE true"
    " ON CONFLICT (tenant, reply, role, lang) DO UPDATE SET "
    + ", ".join(f"{name} = suggestion_counts.{name} + excluded.{name}" for name in _COUNTS),
    " ".join((*_KEY, *_COUNTS)),
    numbers=" ".join(_COUNTS),
)
_turn_off = Bulk(
    "INSERT INTO suggestions_off (tenant, conversation, participant, at)"
    " SELECT r.tenant, r.conversation, r.participant, r.at FROM {rows} WHERE true ON CONFLICT DO NOTHING",
    "tenant conversation participant at",
    numbers="at",
)


def add(connection: Connection, counted: Mapping[Shown, Counts]) -> None:
    """Count more of each."""
    # In one order everywhere: two nodes that count the same rows must not wait for each other.
    rows = sorted((*msgspec.structs.astuple(shown), *msgspec.structs.astuple(more)) for shown, more in counted.items())
    _add.run(connection, rows)


def counts(connection: Connection, tenant: str) -> list[tuple[str, str, str, Counts]]:
    """What became of a tenant's suggestions, by intent, stance and language, in that order."""
    by = (_c.intent, _c.stance, _c.lang)
    sums = [func.sum(_c[name]) for name in _COUNTS]
    rows = connection.execute(select(*by, *sums).where(_c.tenant == tenant).group_by(*by).order_by(*by))
    return [(row[0], row[1], row[2], Counts(*map(int, row[3:]))) for row in rows]


def accepted(connection: Connection) -> list[tuple[Shown, Counts]]:
    """Everything that was counted, of every tenant."""
    return [
        (
            Shown(*(getattr(row, name) for name in _KEY)),
            Counts(*(getattr(row, name) for name in _COUNTS)),
        )
        for row in connection.execute(select(t.suggestion_counts))
    ]


def switch(
    connection: Connection, tenant: str, *, on: bool, at: int, conversation: str = "", participant: str = ""
) -> None:
    """Suggest no more, or again: to a participant, in a conversation, or where neither is given in the whole tenant."""
    if not on:
        _turn_off.run(connection, [(tenant, conversation, participant, at)])
        return
    key = (_off.tenant == tenant) & (_off.conversation == conversation) & (_off.participant == participant)
    connection.execute(delete(t.suggestions_off).where(key))


def wanted(connection: Connection, tenant: str, participant: str) -> bool:
    """Whether a participant has not turned them off."""
    mine = (_off.tenant == tenant) & (_off.conversation == "") & (_off.participant == participant)
    return connection.execute(select(_off.at).where(mine)).first() is None


def off(connection: Connection, tenant: str, conversation: str) -> bool:
    """Whether the platform has turned them off, for a conversation or for all; an empty id asks about all alone."""
    here = (_off.tenant == tenant) & (_off.participant == "") & _off.conversation.in_({"", conversation})
    return connection.execute(select(_off.at).where(here)).first() is not None
