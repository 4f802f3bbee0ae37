"""How a policy takes over another one and changes it: on tables as they stand in the files, before they mean anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

DEEPEST = 5  # policies, one on top of the other


class Origin(msgspec.Struct, frozen=True):
    """Where a clause was written first, and which policies on top of that have changed it. ``own`` are the last one's keys."""

    policy: str
    changed_by: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()


class Inherited(msgspec.Struct, frozen=True):
    """A policy's table with all that it takes over, where each clause came from, and which are off by whose word."""

    raw: dict[str, Any]
    origins: dict[str, Origin]
    off: tuple[tuple[str, str], ...] = ()


def alone(name: str, raw: Mapping[str, Any]) -> Inherited:
    """A policy that takes nothing over."""
    return Inherited(dict(raw), {clause["id"]: Origin(name, own=frozenset(clause)) for clause in _clauses(raw)})


def inherit(base: Inherited, name: str, own: Mapping[str, Any]) -> Inherited:
    """What ``own`` makes of ``base``.

    The words for a verdict, the ways of failing and each clause are taken over key by key; what is written anew goes
    before. A changed clause keeps its place, but not the examples of the base: they show what it was for. The clauses
    that ``own["off"]`` names are left out, new ones come last. Every name in ``off`` is one of the base's.
    """
    off = frozenset(own.get("off", ()))
    changes = {clause["id"]: clause for clause in _clauses(own)}
    clauses, origins = [], {}
    for clause in _clauses(base.raw):
        id, origin = clause["id"], base.origins[clause["id"]]
        if id in off:
            continue
        change = changes.pop(id, None)
        if change is None:
            clauses.append(clause)
            origins[id] = msgspec.structs.replace(origin, own=frozenset())
        else:
            kept = {key: value for key, value in clause.items() if key != "example"}
            clauses.append({**kept, **change})
            origins[id] = Origin(origin.policy, (*origin.changed_by, name), frozenset(change))
    for id, clause in changes.items():
        clauses.append(clause)
        origins[id] = Origin(name, own=frozenset(clause))
    raw = {**base.raw, **own, "clause": clauses}
    for key in ("reason", "failure"):
        if isinstance(own.get(key), dict):
            raw[key] = {**base.raw[key], **own[key]}
    raw.pop("off", None)
    raw.pop("extends", None)
    return Inherited(raw, origins, base.off + tuple((id, name) for id in own.get("off", ())))


def _clauses(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    clauses: list[dict[str, Any]] = raw.get("clause", [])
    return clauses
