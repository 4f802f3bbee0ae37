"""The way into the console of a demo: without a password, for whoever holds the staff's token of that very demo."""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from realtime.auth import Gate
from realtime.chat import now
from realtime.errors import Unauthenticated
from server.console import guard
from server.console.accounts import Accounts
from server.console.guard import Denied
from storage import audit, staff
from storage.database import Database
from storage.staff import Staff, StaffRole

DEMO_TENANTS = "demo-"
_NAMES = {
    ("reviewer", "en"): "Robin (reviewer)", ("lead", "en"): "Lee (lead)",
    ("reviewer", "es"): "Rocío (revisión)", ("lead", "es"): "Leo (coordinación)",
    ("reviewer", "pt"): "Rosa (revisão)", ("lead", "pt"): "Luana (coordenação)",
}  # fmt: skip


class Enter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As what to enter."""

    role: Literal["reviewer", "lead"]
    lang: Literal["es", "en", "pt"] = "en"


class DemoDoor:
    """Served with ``--demo`` only, and only good for tenants that a demo has made."""

    def __init__(self, database: Database, accounts: Accounts) -> None:
        self._database = database
        self._accounts = accounts
        self._gate = Gate(database)

    def routes(self) -> list[BaseRoute]:
        """The one call."""
        return [Route("/console/api/demo", self.enter, methods=["POST"])]

    async def enter(self, request: Request) -> Response:
        """Sign in as the demo's reviewer or lead, who is hired at the first time."""
        try:
            guard.require_own_page(request)
            _, _, token = request.headers.get("authorization", "").partition(" ")
            identity = await self._gate.identify(token)
            if identity.role != "staff" or not identity.tenant.startswith(DEMO_TENANTS):
                raise Denied(403, "forbidden", "Only the demo's own page can do this.")
            asked = await guard.decoded(request, _enter)
            at = now()
            hired = await self._database.write(lambda tx: _hired(tx, identity.tenant, asked, at))
            return await self._accounts.welcome(request, hired, "demo")
        except Unauthenticated:
            return await guard.refused(request, Denied(401, "unauthenticated", "The demo's token is not good."))
        except Exception as problem:
            return await guard.refused(request, problem)


_enter = msgspec.json.Decoder(Enter)


def _hired(tx: Connection, tenant: str, asked: Enter, at: int) -> Staff:
    login = f"demo-{asked.role}"
    found = staff.find(tx, tenant, staff.id_of(login))
    if found is not None:
        return found.staff
    new = staff.add(
        tx, tenant, login, _NAMES[asked.role, asked.lang], StaffRole(asked.role), asked.lang, "", "", at
    )  # fmt: skip
    audit.record(tx, tenant, "operator", "staff.added", new.id, {"role": asked.role}, at)
    return new
