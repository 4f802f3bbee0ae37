"""Staff in their browsers, over a real server."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

from server.console.guard import COOKIE
from server.console.passwords import hashed
from storage import staff
from storage.database import beside
from storage.staff import StaffRole
from tests.platform import new_tenant

PASSWORD = "a long walk by the river"
HASHED = hashed(PASSWORD, "nobody")  # once: it is slow on purpose


class Browser:
    """A browser that has opened the console. ``call`` sends what a page of ours would send with it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.csrf = ""
        self.me: dict[str, Any] = {}
        self.http = httpx2.AsyncClient(base_url=url, trust_env=False)

    async def sign_in(self, tenant: str, login: str, password: str = PASSWORD) -> httpx2.Response:
        response = await self.call("POST", "/sign-in", {"tenant": tenant, "login": login, "password": password})
        if response.status_code == 200:
            self.me = response.json()
            self.csrf = self.me["csrf"]
        return response

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        own = {"Origin": self.url, "Sec-Fetch-Site": "same-origin", "X-CSRF-Token": self.csrf} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return await self.http.request(method, f"/console/api{path}", json=body, headers=own)


class Office:
    """A tenant's staff."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.database: str = server.environment["TERTULIA_DATABASE"]
        self.tenant = f"tenant-{secrets.token_hex(4)}"
        self.api_key = new_tenant(self.database, self.tenant)
        self._browsers: list[Browser] = []

    def hire(self, login: str, role: str = "reviewer", **fields: Any) -> str:
        """Let somebody in, with the one password of these tests; their login."""
        with beside(self.database) as tx:
            staff.add(tx, self.tenant, login, login.title(), StaffRole(role), "es", fields.get("email", ""), HASHED, 1)
        return login

    def browser(self) -> Browser:
        """A browser in which nobody is signed in."""
        browser = Browser(self.server.url)
        self._browsers.append(browser)
        return browser

    async def enter(self, login: str, role: str = "reviewer", **fields: Any) -> Browser:
        """A browser in which somebody is signed in, hired first if need be; without the password, which is slow on purpose."""
        at = time.time_ns() // 1_000_000
        with beside(self.database) as tx:
            account = staff.find(tx, self.tenant, staff.id_of(login))
            if account is None:
                email = fields.get("email", "")
                somebody = staff.add(tx, self.tenant, login, login.title(), StaffRole(role), "es", email, HASHED, 1)
            else:
                somebody = account.staff
            secret = staff.begin_session(tx, somebody, "password", "192.0.2.1", "test", at)
        browser = self.browser()
        browser.http.cookies.set(COOKIE, secret, domain="127.0.0.1", path="/console")
        browser.me = (await browser.call("GET", "/me")).json()
        browser.csrf = browser.me["csrf"]
        return browser

    async def close(self) -> None:
        for browser in self._browsers:
            await browser.http.aclose()


@pytest.fixture(scope="session")
def console_server(start_server: Callable[..., Any]) -> Any:
    """A server that the tests of the console share. Each test is a tenant of its own."""
    return start_server(TERTULIA_POSTS_PER_SECOND="1000", TERTULIA_POSTS_BURST="1000")


@pytest.fixture
async def office(console_server: Any) -> AsyncIterator[Office]:
    """A tenant with nobody in its console yet."""
    office = Office(console_server)
    yield office
    await office.close()


@pytest.fixture
def code() -> Callable[[Any], tuple[int, str]]:
    """The status and the code of a refusal."""

    def code(response: Any) -> tuple[int, str]:
        error = response.json()["error"]
        assert error["message"]
        return response.status_code, error["code"]

    return code
