"""The projections made again from the log: what they should hold by it, and what of them does not.

Read marks and mutes of members, the notes of invitations and the first title of a conversation are in no log; they stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, func, insert, select, tuple_, update

from storage import log
from storage import tables as t
from storage.values import Form, StoredInvitation

CONVERSATIONS = 200  # in one transaction
Place = tuple[str, str]  # tenant and conversation
_body = msgspec.json.Decoder(dict[str, Any])
_json = msgspec.json.Encoder().encode

Rows = dict[tuple[str, ...], dict[str, Any]]  # by what identifies a row within its conversation


class Rebuilt(msgspec.Struct):
    """What became of one table: ``rows`` there should be, of which ``changed`` were otherwise and ``missing`` were not there.

    ``surplus`` were there and should not be.
    """

    rows: int = 0
    changed: int = 0
    missing: int = 0
    surplus: int = 0

    @property
    def differ(self) -> int:
        """How many rows were not as the log has them."""
        return self.changed + self.missing + self.surplus


class Outcome(msgspec.Struct):
    """What became of all: by table, and the conversations whose chain is broken (tenant, id, first bad ``seq``).

    From a log that was tampered with nothing is made.
    """

    tables: dict[str, Rebuilt] = {}
    broken: list[tuple[str, str, int]] = []

    @property
    def differ(self) -> int:
        """How many rows were not as the log has them."""
        return sum(one.differ for one in self.tables.values())


class Projections(msgspec.Struct):
    """What one conversation's log comes to. ``setting`` is empty while title, listing and stage are those of its beginning."""

    setting: dict[str, Any] = {}
    messages: Rows = {}
    members: Rows = {}
    invitations: Rows = {}
    consents: Rows = {}


def fold(events: Iterable[Any]) -> Projections:
    """Follow a conversation's events (rows of ``events``), from the first."""
    made = Projections()
    for event in events:
        match event.kind:
            case "posted":
                _posted(made, event)
            case "joined":
                _joined(made, event)
            case "left":
                made.members[event.actor,]["left_seq"] = event.seq
            case "setting":
                made.setting = _body.decode(event.body)
            case "invitation":
                _invitation(made, event)
            case _ if event.message is not None:
                _changed(made, event)
    return made


def _posted(made: Projections, event: Any) -> None:
    body = log.posted_body(event.body)
    made.messages[event.message,] = {
        "seq": event.seq, "author": event.actor, "client_id": body.client_id, "revision": event.seq,
        "version": event.seq, "form": _json(body.form).decode(),
    }  # fmt: skip


def _changed(made: Projections, event: Any) -> None:
    body = _body.decode(event.body)
    if "form" not in body:
        return  # a decision that changed nothing in what readers see
    message = made.messages[event.message,]
    message |= {"version": event.seq, "form": _json(msgspec.convert(body["form"], Form)).decode()}
    if event.commitment is not None:
        message["revision"] = event.seq


def _joined(made: Projections, event: Any) -> None:
    body = _body.decode(event.body)
    made.members[event.actor,] = {
        "name": body["name"], "role": body["role"], "lang": body["lang"], "joined_seq": event.seq, "left_seq": None,
        "joined_at": event.at, "account_created_at": body.get("account_created_at", 0),
    }  # fmt: skip


def _invitation(made: Projections, event: Any) -> None:
    told = msgspec.convert(_body.decode(event.body)["invitation"], StoredInvitation)
    made.invitations[told.id,] = {
        "state": told.state, "by": told.by, "topic": told.topic, "agent": told.agent or None,
        "agent_name": told.agent_name or None, "created_at": told.created_at, "joined_at": told.joined_at or None,
        "left_at": told.left_at or None, "joined_seq": told.joined_seq or None,
    }  # fmt: skip
    for participant, scopes in told.consents.items():
        encoded = _json(scopes).decode()
        if made.consents.get((told.id, participant), {}).get("scopes") != encoded:
            made.consents[told.id, participant] = {"scopes": encoded, "at": event.at}


# ------------------------------------------------------------------------------------------------- beside the tables


class _Kind(msgspec.Struct, frozen=True):
    """A projection: by which columns a row is known within its conversation, and what a new one holds beside the log."""

    table: Table
    key: tuple[str, ...]
    beside: Mapping[str, Any] = {}


_MESSAGES = _Kind(t.messages, ("id",))
_MEMBERS = _Kind(t.members, ("participant",), {"read_seq": 0, "muted_until": 0})
_INVITATIONS = _Kind(t.invitations, ("id",), {"note": ""})
_CONSENTS = _Kind(t.consents, ("invitation", "participant"))


def some(connection: Connection, after: Place, outcome: Outcome) -> tuple[Place | None, list[Place]]:
    """Compare the projections of the next conversations after one with the log, in a transaction that sees one moment.

    Counts into ``outcome``; the last conversation that was looked at, None when there was none left, and those that differ.
    """
    c = t.conversations.c
    rows = connection.execute(
        select(t.conversations).where(tuple_(c.tenant, c.id) > after).order_by(c.tenant, c.id).limit(CONVERSATIONS)
    ).all()
    differing = []
    for row in rows:
        broken = log.broken_link(connection, row.tenant, row.id)
        if broken:
            outcome.broken.append((row.tenant, row.id, broken))
            continue
        before = outcome.differ
        _conversation(connection, row, outcome, mend=False)
        if outcome.differ > before:
            differing.append((row.tenant, row.id))
    return ((rows[-1].tenant, rows[-1].id) if rows else None), differing


def mend(connection: Connection, place: Place) -> None:
    """Make one conversation's projections what they should be by its log, unless that was tampered with."""
    c = t.conversations.c
    row = connection.execute(
        select(t.conversations).where(c.tenant == place[0], c.id == place[1]).with_for_update()
    ).first()  # fmt: skip
    if row is not None and not log.broken_link(connection, *place):
        _conversation(connection, row, Outcome(), mend=True)


def _conversation(connection: Connection, row: Any, outcome: Outcome, *, mend: bool) -> None:
    tenant, id = row.tenant, row.id
    e = t.events.c
    made = fold(
        connection.execute(select(t.events).where(e.tenant == tenant, e.conversation == id).order_by(e.seq))
    )  # fmt: skip
    counted = outcome.tables.setdefault("conversations", Rebuilt())
    counted.rows += 1
    if {name: getattr(row, name) for name in made.setting} != made.setting:
        counted.changed += 1
        if mend:
            here = (t.conversations.c.tenant == tenant) & (t.conversations.c.id == id)
            connection.execute(update(t.conversations).where(here).values(**made.setting))
    for kind, should in (
        (_MESSAGES, made.messages), (_MEMBERS, made.members), (_INVITATIONS, made.invitations),
    ):  # fmt: skip
        within = {"tenant": tenant, "conversation": id}
        _table(connection, kind, within, should, outcome, mend)
    consents: dict[str, Rows] = {key[0]: {} for key in made.invitations}
    for (invitation, participant), values in made.consents.items():
        consents[invitation][invitation, participant] = values
    for invitation, should in consents.items():
        _table(connection, _CONSENTS, {"tenant": tenant, "invitation": invitation}, should, outcome, mend)


def _table(
    connection: Connection, kind: _Kind, within: Mapping[str, str], should: Rows, outcome: Outcome, mend: bool
) -> None:
    table, counted = kind.table, outcome.tables.setdefault(kind.table.name, Rebuilt())
    here = [table.c[name] == value for name, value in within.items()]
    stored: Rows = {
        tuple(row[name] for name in kind.key): dict(row)
        for row in connection.execute(select(table).where(*here)).mappings()
    }
    counted.rows += len(should)
    for key in stored.keys() - should.keys():
        counted.surplus += 1
        if mend:
            connection.execute(delete(table).where(*here, *_at(kind, key)))
    for key, values in should.items():
        if key not in stored:
            counted.missing += 1
            if mend:
                row = {**within, **dict(zip(kind.key, key, strict=True)), **kind.beside, **values}
                connection.execute(insert(table).values(**row))
        elif {name: stored[key][name] for name in values} != values:
            counted.changed += 1
            if mend:
                connection.execute(update(table).where(*here, *_at(kind, key)).values(**values))


def _at(kind: _Kind, key: tuple[str, ...]) -> Iterator[Any]:
    return (kind.table.c[name] == value for name, value in zip(kind.key, key, strict=True))


def policies(connection: Connection, outcome: Outcome, *, mend: bool) -> None:
    """The same for what is in force of the published policies, which have a log of their own."""
    p, f = t.policy_publications.c, t.policies_in_force.c
    newest = select(p.tenant, p.kind, func.max(p.seq).label("seq")).group_by(p.tenant, p.kind).subquery()
    rows = connection.execute(
        select(p.tenant, p.kind, p.policy, p.seq).join(newest, (p.tenant == newest.c.tenant) & (p.seq == newest.c.seq))
    )
    should = {(row.tenant, row.kind): (row.policy, row.seq) for row in rows if row.policy}
    stored = {(row.tenant, row.kind): (row.policy, row.seq) for row in connection.execute(select(t.policies_in_force))}
    counted = outcome.tables.setdefault("policies_in_force", Rebuilt())
    counted.rows += len(should)
    counted.missing += len(should.keys() - stored.keys())
    counted.surplus += len(stored.keys() - should.keys())
    counted.changed += sum(key in stored and stored[key] != value for key, value in should.items())
    if mend and should != stored:
        for tenant, kind in stored.keys() | should.keys():
            connection.execute(delete(t.policies_in_force).where(f.tenant == tenant, f.kind == kind))
        for (tenant, kind), (policy, seq) in should.items():
            connection.execute(insert(t.policies_in_force).values(tenant=tenant, kind=kind, policy=policy, seq=seq))
