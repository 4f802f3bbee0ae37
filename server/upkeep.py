"""What an operator does about the database itself on the command line, beside a server that may be running."""

from __future__ import annotations

import time
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection

from storage import audit, erasure, rebuild, retention, tenants, transcript
from storage.database import beside, looking, tidy
from storage.erasure import Erased
from storage.errors import NotFound
from storage.rebuild import Outcome
from storage.retention import Gone

OPERATOR = "operator"
WITH_WORDS = ("texts", "reports", "appeals", "invitations", "ratings")


def rebuilt(url: str, *, mend: bool) -> Outcome:
    """Compare every projection with the log, and make again what is not as the log has it if ``mend`` says so."""
    outcome = Outcome()
    last: rebuild.Place | None = ("", "")
    # Looked at without a lock, which would hold up everybody's messages; what differs is looked at again under its own.
    with looking(url) as connection:
        while last is not None:
            last, differing = rebuild.some(connection, last, outcome)
            connection.rollback()
            for place in differing if mend else ():
                with beside(url, patient=True) as tx:
                    rebuild.mend(tx, place)
    with beside(url, patient=True) as tx:
        rebuild.policies(tx, outcome, mend=mend)
    return outcome


def exported(url: str, tenant: str, conversation: str) -> Iterator[bytes]:
    """The lines of a conversation's transcript. Raises NotFound."""
    with looking(url) as connection:
        _tenant(connection, tenant)
        yield from transcript.export(connection, tenant, conversation)


def erased(url: str, tenant: str, participant: str) -> tuple[Erased, bool]:
    """Erase what somebody has said, conversation by conversation; how much, and whether the files hold nothing of it either.

    The audit log tells when it began and, with the numbers, when it was done: what was interrupted is begun again.
    """
    with beside(url) as tx:
        _tenant(tx, tenant)
        audit.record(tx, tenant, OPERATOR, "erasure.begun", participant, {}, _now())
        conversations = erasure.conversations_of(tx, tenant, participant)
    texts = 0
    for conversation in conversations:
        last: int | None = 0
        while last is not None:
            with beside(url, patient=True) as tx:
                erased, last = erasure.in_conversation(tx, tenant, conversation, participant, _now(), last)
            texts += erased
    with beside(url, patient=True) as tx:
        others = erasure.elsewhere(tx, tenant, participant)
        done = Erased(texts, others.refusals, others.notes)
        detail = {"texts": done.texts, "refusals": done.refusals, "notes": done.notes}
        audit.record(tx, tenant, OPERATOR, "erasure.done", participant, detail, _now())
    return done, tidy(url, *WITH_WORDS)


def let_go(url: str, keep_months: int, *, dry: bool) -> dict[str, Gone]:
    """Delete the conversations in which nothing has happened for so many months; by tenant, how much is, or would be, gone."""
    before = months_before(_now(), keep_months)
    gone: dict[str, Gone] = {}
    last: retention.Place | None = ("", "")
    while last is not None:
        with beside(url, patient=True) as tx:
            last, old = retention.some(tx, last, before)
            if dry:
                _count(gone, [(place, retention.events_of(tx, place)) for place in old])
        for first in range(0, 0 if dry else len(old), retention.LET_GO):
            with beside(url, patient=True) as tx:
                _count(gone, retention.let_go(tx, old[first : first + retention.LET_GO], before))
    if not dry:
        with beside(url) as tx:
            for tenant, counted in sorted(gone.items()):
                detail = {"keep_months": keep_months, "before": before, **msgspec.structs.asdict(counted)}
                audit.record(tx, tenant, OPERATOR, "retention", "conversations", detail, _now())
    return gone


def _count(gone: dict[str, Gone], places: list[tuple[retention.Place, int]]) -> None:
    for (tenant, _), events in places:
        counted = gone.setdefault(tenant, Gone())
        counted.conversations += 1
        counted.events += events


def months_before(at: int, months: int) -> int:
    """The same day and time so many months earlier (ms, UTC), or the last day of that month where it has no such day."""
    now = datetime.fromtimestamp(at / 1_000, UTC)
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    day = min(now.day, monthrange(year, month + 1)[1])
    return int(now.replace(year=year, month=month + 1, day=day).timestamp() * 1_000)


def _tenant(tx: Connection, id: str) -> None:
    if tenants.by_id(tx, id) is None:
        raise NotFound(f"tenant as {id!r}")


def _now() -> int:
    return time.time_ns() // 1_000_000
