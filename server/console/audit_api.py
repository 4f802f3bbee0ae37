"""The audit log, for those who look after the rules: read, filtered, verified, taken away as CSV."""

from __future__ import annotations

import csv
import datetime
import io

import msgspec
from msgspec import Struct
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from realtime.chat import now
from server.console.guard import AUDITORS, Denied, Endpoint
from storage import audit
from storage.audit import AuditEntry, AuditFilter, AuditState
from storage.database import Database
from storage.staff import Staff

PAGE = 100
EXPORT_ROWS = 100_000  # more are asked for by month


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
        found = await self._database.read(lambda tx: audit.entries(tx, staff.tenant, wanted, before, PAGE + 1))
        return AuditPage(found[:PAGE], found[PAGE - 1].seq if len(found) > PAGE else 0)

    async def export(self, staff: Staff, request: Request, _: None) -> Response:
        """All that match, oldest first, as CSV. Taking it away is an act of its own."""
        wanted, at = _filter(request), now()

        def act(tx: Connection) -> list[AuditEntry]:
            found = audit.entries(tx, staff.tenant, wanted, 0, EXPORT_ROWS + 1)
            if len(found) > EXPORT_ROWS:
                raise Denied(422, "bad_request", f"These are over {EXPORT_ROWS} rows. Narrow them down.", field="since")
            detail = {"rows": len(found)} | {name: v for name, v in msgspec.structs.asdict(wanted).items() if v}
            audit.record(tx, staff.tenant, staff.id, "audit.exported", "", detail, at)
            return found

        found = await self._database.write(act)
        name = f"audit-{_moment(at)[:10]}.csv"
        return Response(
            as_csv(found[::-1]), media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )  # fmt: skip

    async def state(self, staff: Staff, _: Request, __: None) -> AuditState:
        """Whether the whole chain holds."""
        return await self._database.read(lambda tx: audit.state(tx, staff.tenant))


def as_csv(entries: list[AuditEntry]) -> str:
    """RFC 4180, with a header; nothing in it is a formula to any spreadsheet."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["seq", "at", "actor", "act", "subject", "detail", "hash"])
    for one in entries:
        detail = msgspec.json.encode(one.detail).decode()
        cells = [str(one.seq), _moment(one.at), one.actor, one.act, one.subject, detail, one.hash]
        rows.writerow([harmless(cell) for cell in cells])
    return out.getvalue()


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
