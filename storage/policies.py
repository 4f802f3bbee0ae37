"""The law: every version that was ever in force, what is in force for whom, drafts, and what trials of them have counted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, text, update

from policies.policy import Policy
from storage import tables as t
from storage.errors import NotFound, Stale

OPERATOR = ""  # in place of a tenant: what the operator's files say holds for everybody
ORDINARY = "default"  # the kind of a conversation that is of no special kind
MOST_PUBLICATIONS = 200  # told at once, newest first
_clock = "policies"
_encode = msgspec.json.Encoder().encode
_sources = msgspec.json.Decoder(tuple[tuple[str, str], ...])


class Version(msgspec.Struct, frozen=True):
    """A policy as it was when it came into force. ``id`` is ``name@version``, ``sources`` as Policy has them."""

    id: str
    sources: tuple[tuple[str, str], ...]
    by: str
    note: str
    at: int


class Publication(msgspec.Struct, frozen=True):
    """An act by which the law changed. ``policy`` is empty where a tenant's own was taken back."""

    seq: int
    kind: str
    policy: str
    act: str
    by: str
    note: str
    at: int


class InForce(msgspec.Struct, frozen=True):
    """What holds for a tenant's conversations of a kind."""

    tenant: str
    kind: str
    policy: str


class Draft(msgspec.Struct, frozen=True):
    """A policy that somebody is writing; it may be at fault. ``revision`` counts how often it was saved."""

    id: str
    kind: str
    source: str
    revision: int
    by: str
    created_at: int
    changed_at: int


class Trial(msgspec.Struct, frozen=True):
    """A draft tried without effect. ``what`` is backtest or shadow, ``state`` running, done, stopped or failed.

    ``policy`` is the draft's ``name@version`` as tried, ``against`` what was in force. ``of`` is the number of messages that
    a backtest looks at, as far as it is known.
    """

    tenant: str
    id: str
    what: str
    kind: str
    draft: str
    policy: str
    against: str
    sources: tuple[tuple[str, str], ...]
    state: str
    problem: str
    by: str
    node: str
    started_at: int
    ended_at: int
    of: int


def clock(connection: Connection) -> int:
    """A number that changes whenever the law or a shadow does, of any tenant: cheap to ask for each second."""
    found = connection.execute(select(t.meta.c.value).where(t.meta.c.key == _clock)).scalar()
    return int(found or 0)


def advance(connection: Connection) -> None:
    """Let every node know that there is something new."""
    connection.execute(
        text(
            "INSERT INTO meta (key, value) VALUES (:key, '1') ON CONFLICT (key)"
            " DO UPDATE SET value = CAST(CAST(meta.value AS bigint) + 1 AS text)"
        ),
        {"key": _clock},
    )


# ------------------------------------------------------------------------------------------------------ versions


def keep(connection: Connection, tenant: str, policy: Policy, by: str, note: str, at: int) -> None:
    """Keep a version for ever; one that is kept already stays as it is."""
    c = t.policy_versions.c
    # Looked for first: a server may start while the database can only be read.
    if connection.execute(select(c.id).where(c.tenant == tenant, c.id == policy.id)).first():
        return
    connection.execute(
        text(
            "INSERT INTO policy_versions (tenant, id, sources, by, note, at)"
            " VALUES (:tenant, :id, :sources, :by, :note, :at) ON CONFLICT (tenant, id) DO NOTHING"
        ),
        {"tenant": tenant, "id": policy.id, "sources": _encode(policy.sources).decode(), "by": by, "note": note, "at": at},
    )  # fmt: skip


def version(connection: Connection, tenant: str, id: str) -> Version:
    """A version of the tenant's, or of the operator's. Raises NotFound."""
    c = t.policy_versions.c
    row = connection.execute(
        select(t.policy_versions).where(c.tenant.in_((tenant, OPERATOR)), c.id == id).order_by(c.tenant.desc())
    ).first()
    if row is None:
        raise NotFound("policy")
    return Version(row.id, _sources.decode(row.sources), row.by, row.note, row.at)


# ------------------------------------------------------------------------------------------------------ in force


def publish(
    connection: Connection, tenant: str, kind: str, policy: Policy | None, act: str, by: str, note: str, at: int,
    instead_of: str | None = None,
) -> Publication:  # fmt: skip
    """Put a policy in force for a kind of conversation, or take the tenant's own back (None).

    ``instead_of`` is the version that whoever acts believes to be in force, empty for none of the tenant's own. Raises Stale.
    """
    # Before anything is read, for its lock: one publication comes after the other.
    advance(connection)
    current = in_force(connection, tenant, kind)
    if instead_of is not None and instead_of != current:
        raise Stale("policy in force", current or "the operator's")
    if policy is not None:
        keep(connection, tenant, policy, by, note, at)
    c = t.policy_publications.c
    seq = int(connection.execute(select(func.max(c.seq)).where(c.tenant == tenant)).scalar() or 0) + 1
    publication = Publication(seq, kind, policy.id if policy else "", act, by, note, at)
    connection.execute(insert(t.policy_publications).values(tenant=tenant, **msgspec.structs.asdict(publication)))
    f = t.policies_in_force.c
    connection.execute(delete(t.policies_in_force).where(f.tenant == tenant, f.kind == kind))
    if policy is not None:
        connection.execute(insert(t.policies_in_force).values(tenant=tenant, kind=kind, policy=policy.id, seq=seq))
    return publication


def in_force(connection: Connection, tenant: str, kind: str) -> str:
    """The id of the tenant's own policy for a kind; empty if it has none."""
    c = t.policies_in_force.c
    found = connection.execute(select(c.policy).where(c.tenant == tenant, c.kind == kind)).scalar()
    return str(found or "")


def all_in_force(connection: Connection) -> list[tuple[InForce, Version]]:
    """What every tenant has in force."""
    f, v = t.policies_in_force.c, t.policy_versions.c
    rows = connection.execute(
        select(f.tenant, f.kind, t.policy_versions)
        .select_from(t.policies_in_force.join(t.policy_versions, (v.tenant == f.tenant) & (v.id == f.policy)))
        .order_by(f.tenant, f.kind)
    )
    return [
        (InForce(row[0], row[1], row.id), Version(row.id, _sources.decode(row.sources), row.by, row.note, row.at))
        for row in rows
    ]


def publications(connection: Connection, tenant: str, kind: str = "") -> list[Publication]:
    """How the law of a tenant came about, newest first; of one kind if it is named."""
    c = t.policy_publications.c
    query = select(t.policy_publications).where(c.tenant == tenant).order_by(c.seq.desc()).limit(MOST_PUBLICATIONS)
    if kind:
        query = query.where(c.kind == kind)
    return [
        Publication(row.seq, row.kind, row.policy, row.act, row.by, row.note, row.at)
        for row in connection.execute(query)
    ]


# -------------------------------------------------------------------------------------------------------- drafts


def save(
    connection: Connection, tenant: str, id: str, kind: str, source: str, by: str, at: int, revision: int
) -> Draft:
    """Save a draft; ``revision`` is the one that was edited, 0 for a new draft. Raises Stale when another was saved since."""
    found = _draft(connection, tenant, id, locked=True)
    if found is None:
        if revision:
            raise NotFound("draft")
        draft = Draft(id, kind, source, 1, by, at, at)
        connection.execute(insert(t.policy_drafts).values(tenant=tenant, **msgspec.structs.asdict(draft)))
        return draft
    if found.revision != revision:
        raise Stale("draft", f"at revision {found.revision}, saved by {found.by}")
    draft = msgspec.structs.replace(found, kind=kind, source=source, revision=revision + 1, by=by, changed_at=at)
    c = t.policy_drafts.c
    connection.execute(
        update(t.policy_drafts)
        .where(c.tenant == tenant, c.id == id)
        .values(kind=kind, source=source, revision=draft.revision, by=by, changed_at=at)
    )
    return draft


def draft(connection: Connection, tenant: str, id: str) -> Draft:
    """A draft. Raises NotFound."""
    found = _draft(connection, tenant, id)
    if found is None:
        raise NotFound("draft")
    return found


def require_revision(connection: Connection, tenant: str, id: str, revision: int) -> None:
    """Raises Stale when a draft is at another revision than somebody has seen, NotFound when it is gone.

    Until the end of the transaction nobody saves another.
    """
    found = _draft(connection, tenant, id, locked=True)
    if found is None:
        raise NotFound("draft")
    if found.revision != revision:
        raise Stale("draft", f"at revision {found.revision}, saved by {found.by}")


def end_of_draft(connection: Connection, tenant: str, id: str, at: int) -> None:
    """End the trials of a draft that is in force by now: there is nothing left to compare."""
    c = t.policy_trials.c
    running = (c.tenant == tenant) & (c.draft == id) & (c.state == "running") & (c.what == "shadow")
    connection.execute(update(t.policy_trials).where(running).values(state="done", ended_at=at))


def drafts(connection: Connection, tenant: str) -> list[Draft]:
    """The drafts of a tenant, the one changed last first."""
    c = t.policy_drafts.c
    rows = connection.execute(select(t.policy_drafts).where(c.tenant == tenant).order_by(c.changed_at.desc()))
    return [_as_draft(row) for row in rows]


def discard(connection: Connection, tenant: str, id: str) -> None:
    """Throw a draft away. Raises NotFound."""
    c = t.policy_drafts.c
    if connection.execute(delete(t.policy_drafts).where(c.tenant == tenant, c.id == id)).rowcount == 0:
        raise NotFound("draft")


# -------------------------------------------------------------------------------------------------------- trials


def begin(connection: Connection, trial: Trial) -> None:
    """Begin a trial. A kind has one shadow at a time, a tenant one backtest: raises Stale while there is another."""
    # Before anything is read, for its lock: of two that begin together one sees the other.
    advance(connection)
    c = t.policy_trials.c
    busy = select(c.id).where(c.tenant == trial.tenant, c.what == trial.what, c.state == "running")
    if trial.what == "shadow":
        busy = busy.where(c.kind == trial.kind)
    if connection.execute(busy).first():
        raise Stale(trial.what, "running already")
    values = msgspec.structs.asdict(trial) | {"sources": _encode(trial.sources).decode()}
    connection.execute(insert(t.policy_trials).values(values))


def end(connection: Connection, tenant: str, id: str, state: str, at: int, problem: str = "") -> None:
    """End a trial that is running. Raises NotFound."""
    where = _trial(tenant, id) & (t.policy_trials.c.state == "running")
    values = {"state": state, "ended_at": at, "problem": problem}
    if connection.execute(update(t.policy_trials).where(where).values(**values)).rowcount == 0:
        raise NotFound("trial")
    advance(connection)


def abandon(connection: Connection, node: str, at: int) -> None:
    """Tell of the backtests that another process was running on this database: with a single server it is gone.

    Servers that share a database stop their own at their end; what one leaves behind by a crash ends a day later.
    """
    c = t.policy_trials.c
    left = (c.what == "backtest") & (c.state == "running") & (c.node != node)
    if connection.dialect.name == "postgresql":
        left &= c.started_at < at - 86_400_000
    connection.execute(
        update(t.policy_trials).where(left).values(state="failed", ended_at=at, problem="its server is gone")
    )


def expect(connection: Connection, tenant: str, id: str, of: int) -> None:
    """Note how many messages a backtest looks at. Raises NotFound when it is no longer running."""
    where = _trial(tenant, id) & (t.policy_trials.c.state == "running")
    if connection.execute(update(t.policy_trials).where(where).values(of=of)).rowcount == 0:
        raise NotFound("trial")


def trial(connection: Connection, tenant: str, id: str) -> Trial:
    """A trial. Raises NotFound."""
    row = connection.execute(select(t.policy_trials).where(_trial(tenant, id))).first()
    if row is None:
        raise NotFound("trial")
    return _as_trial(row)


def trials(connection: Connection, tenant: str, draft: str = "", limit: int = 50) -> list[Trial]:
    """The trials of a tenant, newest first; of one draft if it is named."""
    c = t.policy_trials.c
    query = select(t.policy_trials).where(c.tenant == tenant).order_by(c.started_at.desc()).limit(limit)
    return [_as_trial(row) for row in connection.execute(query.where(c.draft == draft) if draft else query)]


def shadows(connection: Connection) -> list[Trial]:
    """Every tenant's shadows that are running."""
    c = t.policy_trials.c
    return [
        _as_trial(row)
        for row in connection.execute(select(t.policy_trials).where(c.what == "shadow", c.state == "running"))
    ]


def count(connection: Connection, tenant: str, trial: str, node: str, tally: bytes) -> None:
    """What ``node`` has counted in all, in place of what it had told before."""
    connection.execute(
        text(
            "INSERT INTO policy_tallies (tenant, trial, node, tally) VALUES (:tenant, :trial, :node, :tally)"
            " ON CONFLICT (tenant, trial, node) DO UPDATE SET tally = excluded.tally"
        ),
        {"tenant": tenant, "trial": trial, "node": node, "tally": tally.decode()},
    )


def words(connection: Connection, tenant: str, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The words of messages in a revision each; those that were erased are missing."""
    c = t.texts.c
    rows = connection.execute(
        select(c.message, c.revision, c.text).where(c.tenant == tenant, c.message.in_([id for id, _ in wanted]))
    )
    return {(row.message, row.revision): row.text for row in rows if (row.message, row.revision) in wanted}


def tallies(connection: Connection, tenant: str, trial: str) -> list[bytes]:
    """What each node has counted."""
    c = t.policy_tallies.c
    rows = connection.execute(select(c.tally).where(c.tenant == tenant, c.trial == trial).order_by(c.node))
    return [row.tally.encode() for row in rows]


def _draft(connection: Connection, tenant: str, id: str, *, locked: bool = False) -> Draft | None:
    """``locked`` waits for whoever is changing it and keeps others from it; SQLite has one writer anyhow."""
    c = t.policy_drafts.c
    query = select(t.policy_drafts).where(c.tenant == tenant, c.id == id)
    row = connection.execute(query.with_for_update() if locked else query).first()
    return None if row is None else _as_draft(row)


def _as_draft(row: Any) -> Draft:
    return Draft(row.id, row.kind, row.source, row.revision, row.by, row.created_at, row.changed_at)


def _as_trial(row: Any) -> Trial:
    values = dict(row._mapping) | {"sources": _sources.decode(row.sources)}
    return Trial(**values)


def _trial(tenant: str, id: str) -> ColumnElement[bool]:
    return (t.policy_trials.c.tenant == tenant) & (t.policy_trials.c.id == id)
