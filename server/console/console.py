"""The console as a whole: its pages and every call that they make."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from realtime.hub import Hub
from server.console.accounts import Accounts
from server.console.audit_api import AuditLog
from server.console.demo_door import DemoDoor
from server.console.guard import Endpoint, Guard
from storage.database import Database

PAGE = Path(__file__).parent.parent / "static" / "console" / "index.html"
PAGES = ("queue", "appeals", "quality", "policies", "audit", "staff", "account")


class Console:
    """What staff sees and does. ``parts`` are the endpoints of the review, the policies and whatever else belongs to it."""

    def __init__(
        self, database: Database, hub: Hub, parts: Sequence[Sequence[Endpoint]] = (), *, demo: bool = False,
        oidc: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.guard = Guard(database)
        doors = [{"name": oidc["name"], "path": "/console/api/oidc"}] if oidc else []
        self.accounts = Accounts(database, hub, self.guard, doors)
        self._oidc = _oidc(database, self.accounts, oidc) if oidc else []
        self._demo = DemoDoor(database, self.accounts) if demo else None
        self._endpoints = [*self.accounts.endpoints, *AuditLog(database).endpoints]
        for part in parts:
            self._endpoints += part

    def routes(self) -> list[BaseRoute]:
        """One page for all addresses, which finds out by itself who is there; and the calls."""
        return [
            Route("/console", self.enter),
            Route("/console/sign-in", self.page),
            *self.accounts.routes(),
            *(self._demo.routes() if self._demo else ()),
            *self._oidc,
            *self.guard.routes(self._endpoints),
            *(Route(f"/console/{name}", self.page) for name in PAGES),
            *(Route(f"/console/{name}/{{rest:path}}", self.page) for name in PAGES),
        ]

    async def enter(self, _: Request) -> Response:
        """To where the work is."""
        return RedirectResponse("/console/queue", 303)

    async def page(self, _: Request) -> Response:
        """The page. There is nothing in it that is anybody's; no other site may frame it."""
        return FileResponse(
            PAGE,
            headers={
                "Cache-Control": "no-cache",
                "Content-Security-Policy": "frame-ancestors 'none'",
                "Cross-Origin-Opener-Policy": "same-origin",
            },
        )


def _oidc(database: Database, accounts: Accounts, settings: dict[str, str]) -> list[BaseRoute]:
    """Raises ValueError when the library for it is not installed."""
    try:
        from server.console.oidc import Oidc, Provider
    except ImportError:
        raise ValueError("OpenID Connect needs: pip install 'tertulia[oidc]'") from None
    return Oidc(database, accounts, Provider(**settings)).routes()
