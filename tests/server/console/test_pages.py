"""The console's pages: nothing of anybody's is in them, nothing foreign runs in them; and the door from the demo."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.platform import Platform

STATIC = Path(__file__).parents[3] / "server" / "static" / "console"


@pytest.mark.parametrize("path", ["queue", "queue/some-message", "staff", "sign-in"])
async def test_a_page_is_the_same_for_everybody_and_runs_our_own_scripts_only(office: Any, path: str) -> None:
    async with httpx2.AsyncClient(base_url=office.server.url, trust_env=False) as http:
        page = await http.get(f"/console/{path}")
    assert page.status_code == 200
    assert page.text == (STATIC / "index.html").read_text()
    rules = " ".join(page.headers.get_list("content-security-policy"))
    assert "script-src 'self'" in rules
    assert "style-src 'self'" in rules
    assert "frame-ancestors 'none'" in rules
    assert "unsafe" not in rules
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bstyle=|\bon\w+=|<style", page.text)


def test_no_script_makes_markup_out_of_words() -> None:
    risky = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\(\"style"
    )
    assert [file.name for file in STATIC.rglob("*.js") if risky.search(file.read_text())] == []


async def test_the_console_leads_to_the_queue_and_an_unknown_page_is_not_there(office: Any) -> None:
    async with httpx2.AsyncClient(base_url=office.server.url, trust_env=False) as http:
        assert (await http.get("/console")).headers["location"] == "/console/queue"
        assert (await http.get("/console/nothing")).status_code == 404


# ------------------------------------------------------------------------------------------------------ the demo


@pytest.fixture(scope="module")
def demo_server(start_server: Callable[..., Any]) -> Any:
    return start_server("--demo")


async def test_a_demo_opens_its_own_console_and_no_other(demo_server: Any, code: Any) -> None:
    async with httpx2.AsyncClient(base_url=demo_server.url, trust_env=False) as http:
        started = (await http.post("/demo/start", json={"lang": "es"})).json()
        seats = {seat["role"]: seat["token"] for seat in (*started["people"], started["staff"])}

        async def enter(token: str, **headers: str) -> httpx2.Response:
            headers |= {"Authorization": f"Bearer {token}"}
            return await http.post("/console/api/demo", json={"role": "lead", "lang": "es"}, headers=headers)

        assert code(await enter(seats["buyer"])) == (403, "forbidden")
        assert code(await enter("nothing")) == (401, "unauthenticated")
        assert code(await enter(seats["staff"], **{"Sec-Fetch-Site": "cross-site"})) == (403, "csrf")
        platform = Platform(demo_server.url, demo_server.ws_url, demo_server.api_key)
        elsewhere = await platform.token("someone", "staff")
        await platform.leave()
        assert code(await enter(elsewhere)) == (403, "forbidden")
        assert (await http.get("/console/api/sign-in")).json()["me"] is None

        for _ in range(2):
            me = (await enter(seats["staff"])).json()
        assert (me["id"], me["role"], me["lang"]) == ("staff:demo-lead", "lead", "es")
        assert me["tenant"].startswith("demo-")
        queue = (await http.get("/console/api/review/queue")).json()
        assert queue == {"items": [], "next": ""}


async def test_a_server_without_a_demo_has_no_such_door(office: Any) -> None:
    answer = await office.browser().call("POST", "/demo", {"role": "lead"})
    assert answer.status_code == 404
