"""The audit log, for those who look after the rules: read, filtered, verified, taken away as CSV."""

from __future__ import annotations

import asyncio
import csv
import datetime
import io
from collections.abc import AsyncIterator, Sequence
from functools import partial

import msgspec
from msgspec import Struct
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from realtime.chat import now
from server.console.guard import AUDITORS, Denied, Endpoint
from storage import audit
from storage.audit import AuditEntry, AuditFilter, AuditState
from storage.database import Database
from storage.staff import Staff

PAGE = 100
EXPORT_ROWS = 100_000  # more are asked for by month
EXPORT_PAGE = 500
COLUMNS = ("seq", "at", "actor", "act", "subject", "detail", "hash")


class AuditPage(Struct, frozen=True):
    """The newest entries that match, newest first. ``before`` is what to ask for next, 0 when there are no more."""

    entries: list[AuditEntry]
    before: int


class AuditLog:
    """The calls about the audit log."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.endpoints: tuple[Endpoint, ...] = (
            Endpoint("GET", "/console/api/audit", self.page, roles=AUDITORS),
            Endpoint("GET", "/console/api/audit.csv", self.export, roles=AUDITORS),
            Endpoint("GET", "/console/api/audit/state", self.state, roles=AUDITORS),
        )

    async def page(self, staff: Staff, request: Request, _: None) -> AuditPage:
        """A page of entries."""
        wanted, before = _filter(request), _whole(request, "before")
        found = await self._database.read(
            lambda tx: audit.entries(tx, staff.tenant, wanted, before, PAGE + 1), of=staff.tenant
        )
        return AuditPage(found[:PAGE], found[PAGE - 1].seq if len(found) > PAGE else 0)

    async def export(self, staff: Staff, request: Request, _: None) -> Response:
        """All that match by now, oldest first, as CSV. Taking it away is an act of its own."""
        wanted, at = _filter(request), now()
        rows, through = await self._database.read(
            lambda tx: audit.count(tx, staff.tenant, wanted, EXPORT_ROWS + 1), of=staff.tenant
        )  # fmt: skip
        if rows > EXPORT_ROWS:
            raise Denied(422, "bad_request", f"These are over {EXPORT_ROWS} rows. Narrow them down.", field="since")
        detail = {"rows": rows} | {name: v for name, v in msgspec.structs.asdict(wanted).items() if v}
        await self._database.write(
            lambda tx: audit.record(tx, staff.tenant, staff.id, "audit.exported", "", detail, at)
        )  # fmt: skip
        name = f"audit-{_moment(at)[:10]}.csv"
        return StreamingResponse(
            self._csv(staff.tenant, wanted, through), media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )  # fmt: skip

    async def _csv(self, tenant: str, wanted: AuditFilter, through: int) -> AsyncIterator[str]:
        """A part at a time: neither those who write nor the loop wait for a long log."""
        yield as_csv([COLUMNS])
        after = 0
        while after < through:
            some = await self._database.read(partial(_part, tenant, wanted, after, through), of=tenant)
            if not some:
                break
            yield await asyncio.to_thread(as_csv, some)
            after = int(some[-1][0])

    async def state(self, staff: Staff, _: Request, __: None) -> AuditState:
        """Whether the whole chain holds."""
        so_far, done = audit.BEGINNING, False
        while not done:
            so_far, done = await self._database.read(
                partial(audit.follow, tenant=staff.tenant, so_far=so_far), of=staff.tenant
            )
        return so_far


def as_csv(rows: Sequence[Sequence[str]]) -> str:
    """RFC 4180; nothing in it is a formula to any spreadsheet."""
    out = io.StringIO()
    csv.writer(out).writerows([[harmless(cell) for cell in row] for row in rows])
    return out.getvalue()


def _part(tenant: str, wanted: AuditFilter, after: int, through: int, tx: Connection) -> list[tuple[str, ...]]:
    """The next entries, cell by cell as ``COLUMNS`` names them."""
    entries = audit.following(tx, tenant, wanted, after, through, EXPORT_PAGE)
    return [
        (
            str(one.seq),
            _moment(one.at),
            one.actor,
            one.act,
            one.subject,
            msgspec.json.encode(one.detail).decode(),
            one.hash,
        )
        for one in entries
    ]


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before what begins like one (OWASP, CSV injection)."""
    return (
        f"'{cell}"
        if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
        else cell
    )


def _filter(request: Request) -> AuditFilter:
    asked = request.query_params
    texts = {name: asked.get(name, "")[:200] for name in ("actor", "act", "subject")}
    return AuditFilter(**texts, since=_whole(request, "since"), until=_whole(request, "until"))


def _whole(request: Request, name: str) -> int:
    given = request.query_params.get(name, "")
    if not given:
        return 0
    if not (given.isascii() and given.isdigit() and len(given) <= 15):
        raise Denied(422, "bad_request", f"{name} must be a whole number.", field=name)
    return int(given)


def _moment(at: int) -> str:
    return datetime.datetime.fromtimestamp(at / 1_000, datetime.UTC).isoformat(timespec="milliseconds")
