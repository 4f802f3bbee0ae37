"""Signing in and what an account may: nobody is told which part was wrong, and nothing is done for another site."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from typing import Any

import pytest
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.requests import Request
from websockets.asyncio.client import connect

from bench import cpu
from server.console.attempts import REMEMBERED, Attempts
from server.console.audit_api import EXPORT_PAGE
from server.console.guard import address_of, networks
from storage import audit, tables
from storage.database import beside
from storage.staff import IDLE_MS, LONGEST_MS

PASSWORD = "a long walk by the river"
OTHER = "another walk, up the hill"


async def test_somebody_signs_in_looks_around_and_leaves(office: Any, code: Any) -> None:
    office.hire("ana", "lead")
    browser = office.browser()
    assert code(await browser.call("GET", "/me")) == (401, "unauthenticated")
    response = await browser.sign_in(office.tenant, " ANA ")
    assert response.status_code == 200
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/console" in cookie
    assert "Secure" not in cookie
    assert response.headers["cache-control"] == "no-store"
    me = (await browser.call("GET", "/me")).json()
    assert (me["id"], me["role"], me["tenant"]) == ("staff:ana", "lead", office.tenant)
    assert (await browser.call("POST", "/sign-out")).status_code == 204
    assert code(await browser.call("GET", "/me")) == (401, "unauthenticated")


async def test_the_cookie_is_for_tls_only_where_there_is_tls(office: Any) -> None:
    office.hire("ana")
    body = {"tenant": office.tenant, "login": "ana", "password": PASSWORD}
    response = await office.browser().call("POST", "/sign-in", body, X_Forwarded_Proto="https")
    assert "Secure" in response.headers["set-cookie"]


async def test_the_answer_does_not_tell_what_was_wrong(office: Any) -> None:
    office.hire("ana")
    office.hire("gone")
    with beside(office.database) as tx:
        gone = (tables.staff.c.tenant == office.tenant) & (tables.staff.c.id == "staff:gone")
        tx.execute(update(tables.staff).where(gone).values(disabled_at=1))
    browser = office.browser()
    answers, took = [], {}
    for tenant, login, password in [
        (office.tenant, "ana", "wrong"), (office.tenant, "nobody", PASSWORD), ("no such tenant", "ana", PASSWORD),
        (office.tenant, "gone", PASSWORD), (office.tenant, "staff:ana", PASSWORD), (office.tenant, "%", PASSWORD),
    ]:  # fmt: skip
        begun = cpu.of_process(office.server.process.pid)
        answers.append(await browser.sign_in(tenant, login, password))
        took[tenant, login] = cpu.of_process(office.server.process.pid) - begun
    assert {(one.status_code, one.text) for one in answers} == {(answers[0].status_code, answers[0].text)}
    assert answers[0].status_code == 401
    # Who does not exist is hashed for all the same: far from the two milliseconds of a mere lookup. The server's CPU time, since
    # its neighbours on the machine move the time on the clock by more than that.
    assert min(took.values()) > 0.3 * max(took.values())


async def test_guessing_is_slowed_down_for_the_account_and_for_nobody_else(office: Any, code: Any) -> None:
    office.hire("ana", email="ana@shop.example")
    office.hire("luis")
    browser = office.browser()
    codes = []
    for n in range(11):
        guess = {"tenant": office.tenant, "login": "ana" if n % 2 else "Ana@Shop.example", "password": str(n)}
        codes.append(code(await browser.call("POST", "/sign-in", guess, X_Forwarded_For=f"192.0.2.{n}")))
    assert codes == [(401, "unauthenticated")] * 10 + [(429, "rate_limited")]
    assert code(await browser.sign_in(office.tenant, "ana")) == (429, "rate_limited")
    assert (await browser.sign_in(office.tenant, "luis")).status_code == 200


def test_the_address_that_a_proxy_names_last_counts_and_only_from_within() -> None:
    def request(peer: str, named: str) -> Request:
        headers = [(b"x-forwarded-for", named.encode())] if named else []
        return Request({"type": "http", "client": (peer, 1), "headers": headers})

    assert address_of(request("127.0.0.1", "198.51.100.1, 203.0.113.77")) == "203.0.113.77"
    assert address_of(request("10.0.0.2", "2001:db8::1")) == "2001:db8::1"
    assert address_of(request("10.0.0.2", "")) == "10.0.0.2"
    assert address_of(request("10.0.0.2", "<script>")) == "10.0.0.2"
    assert address_of(request("8.8.8.8", "203.0.113.77")) == "8.8.8.8"


def test_where_proxies_are_named_only_those_are_believed_one_behind_the_other() -> None:
    app = Starlette()
    app.state.proxies = networks(["10.0.0.2", "203.0.113.0/24"])

    def address(peer: str, *named: str) -> str:
        headers = [(b"x-forwarded-for", each.encode()) for each in named]
        return address_of(Request({"type": "http", "client": (peer, 1), "headers": headers, "app": app}))

    assert address("10.0.0.2", "198.51.100.1") == "198.51.100.1"
    assert address("::ffff:10.0.0.2", "198.51.100.1") == "198.51.100.1"
    assert address("10.0.0.3", "198.51.100.1") == "10.0.0.3", "another machine of the same network is none"
    assert address("10.0.0.2", "192.0.2.9, 198.51.100.1, 203.0.113.77") == "198.51.100.1"
    assert address("10.0.0.2", "192.0.2.9", "198.51.100.1") == "198.51.100.1", (
        "what came with the call is not the proxy's"
    )
    with pytest.raises(ValueError, match="does not appear to be"):
        networks(["10.0.0"])


def test_attempts_are_counted_by_key_and_the_oldest_key_is_forgotten() -> None:
    attempts = Attempts(1 / 5, 40)
    assert [attempts.spend("a", 0) for _ in range(40)] == [0] * 40
    assert attempts.spend("a", 0) == pytest.approx(5)
    assert attempts.spend("b", 0) == 0
    assert attempts.spend("a", 5) == 0
    assert attempts.spend("a", 5) > 0
    attempts.forget("a")
    assert attempts.spend("a", 5) == 0
    for n in range(REMEMBERED + 1):
        attempts.spend(f"other{n}", 5)
    assert len(attempts._credits) == REMEMBERED


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"X_CSRF_Token": ""}, (403, "csrf")),
        ({"X_CSRF_Token": "0" * 64}, (403, "csrf")),
        ({"X_CSRF_Token": "é"}, (403, "csrf")),
        ({"Origin": "https://evil.example"}, (403, "csrf")),
        ({"Origin": "null"}, (403, "csrf")),
        ({"Sec_Fetch_Site": "cross-site"}, (403, "csrf")),
        ({"Sec_Fetch_Site": "same-site"}, (403, "csrf")),
        ({"Content_Type": "text/plain"}, (422, "bad_request")),
        ({"Cookie": "tertulia_console=" + "x" * 43}, (401, "unauthenticated")),
    ],
)
async def test_nothing_is_done_for_another_site(office: Any, code: Any, headers: Any, refusal: Any) -> None:
    browser = await office.enter("ana")
    if "Cookie" in headers:
        browser.http.cookies.clear()
    body = {"preferences": {"a": 1}, "lang": "es"}
    assert (
        code(
            await browser.call(
                "PUT", "/preferences", body, **{k: v.encode() if k == "X_CSRF_Token" else v for k, v in headers.items()}
            )
        )
        == refusal
    )
    if "Cookie" not in headers:
        assert (await browser.call("GET", "/me")).json()["preferences"] == {}


async def test_no_other_site_can_sign_somebody_in(office: Any, code: Any) -> None:
    office.hire("ana")
    body = {"tenant": office.tenant, "login": "ana", "password": PASSWORD}
    assert code(await office.browser().call("POST", "/sign-in", body, Sec_Fetch_Site="cross-site")) == (403, "csrf")


async def test_the_token_of_one_session_is_no_good_in_another(office: Any, code: Any) -> None:
    first = await office.enter("ana")
    second = await office.enter("ana")
    assert first.csrf != second.csrf
    assert code(await first.call("POST", "/sign-out", X_CSRF_Token=second.csrf)) == (403, "csrf")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, None), (b"[]", 422, ""), (b'{"preferences": 1, "lang": "es"}', 422, "preferences"),
        (b'{"preferences": {}, "lang": "xx"}', 422, "lang"), (b'{"preferences": {}, "lang": "es", "x": 1}', 422, ""),
        (b'{"preferences": {"a": "\\u0000"}, "lang": "es"}', 422, ""), (b"\xff", 400, None),
        (b'{"preferences": {"a": "' + b"x" * 20_000 + b'"}, "lang": "es"}', 422, "preferences"),
        (b'{"preferences": ' + b"[" * 100_000, 422, "preferences"), (b" " * 1_100_000, 413, None),
    ],
    ids=range(10),
)  # fmt: skip
async def test_a_bad_body_is_told_with_its_field(office: Any, body: bytes, status: int, field: str | None) -> None:
    browser = await office.enter("ana")
    headers = {"Origin": browser.url, "X-CSRF-Token": browser.csrf, "Content-Type": "application/json"}
    response = await browser.http.put("/console/api/preferences", content=body, headers=headers)
    assert response.status_code == status, response.text
    assert response.json()["error"].get("field") == field


async def test_a_session_ends_when_nobody_is_there_and_after_a_day(office: Any, code: Any) -> None:
    for name, column, age in (("ana", "seen_at", IDLE_MS), ("luis", "created_at", LONGEST_MS)):
        browser = await office.enter(name)
        for past, status in ((age - 60_000, 200), (age + 1, 401)):
            with beside(office.database) as tx:
                mine = (tables.staff_sessions.c.tenant == office.tenant) & (
                    tables.staff_sessions.c.staff == f"staff:{name}"
                )
                tx.execute(update(tables.staff_sessions).where(mine).values({column: int(time.time() * 1000) - past}))
            assert (await browser.call("GET", "/me")).status_code == status
    assert code(await browser.call("GET", "/me")) == (401, "unauthenticated")


async def test_only_the_digest_of_a_session_is_stored(office: Any) -> None:
    browser = await office.enter("ana")
    secret = browser.http.cookies["tertulia_console"]
    assert len(secret) == 43
    with beside(office.database) as tx:
        stored = str(tx.execute(tables.staff_sessions.select()).all()) + str(tx.execute(tables.staff.select()).all())
    assert secret not in stored
    assert PASSWORD not in stored


async def test_sessions_are_listed_and_ended_one_by_one(office: Any, code: Any) -> None:
    here = await office.enter("ana")
    there = await office.enter("ana")
    listed = (await here.call("GET", "/sessions")).json()
    assert len(listed["sessions"]) == 2
    other = next(one for one in listed["sessions"] if one["mark"] != listed["here"])
    assert code(await here.call("DELETE", "/sessions/nothing")) == (404, "not_found")
    assert (await here.call("DELETE", f"/sessions/{other['mark']}")).status_code == 204
    assert (await there.call("GET", "/me")).status_code == 401
    assert (await here.call("GET", "/me")).status_code == 200


async def test_nobody_ends_the_session_of_somebody_else(office: Any, code: Any) -> None:
    ana, luis = await office.enter("ana"), await office.enter("luis")
    mark = (await luis.call("GET", "/sessions")).json()["here"]
    assert code(await ana.call("DELETE", f"/sessions/{mark}")) == (404, "not_found")
    assert (await luis.call("GET", "/me")).status_code == 200


async def test_another_password_signs_out_everywhere_else(office: Any, code: Any) -> None:
    here = await office.enter("ana")
    there = await office.enter("ana")
    for old, new in (("wrong", OTHER), (PASSWORD, "short"), (PASSWORD, PASSWORD), (PASSWORD, "aaaaaaaaaaaaaaaa")):
        assert code(await here.call("POST", "/password", {"old": old, "new": new})) == (422, "bad_request")
    assert (await here.call("POST", "/password", {"old": PASSWORD, "new": OTHER})).status_code == 204
    assert (await here.call("GET", "/me")).status_code == 200
    assert (await there.call("GET", "/me")).status_code == 401
    assert code(await there.sign_in(office.tenant, "ana")) == (401, "unauthenticated")
    assert (await there.sign_in(office.tenant, "ana", OTHER)).status_code == 200


# ---------------------------------------------------------------------------------------------- administration

ROLES = ("reviewer", "lead", "admin", "auditor")
NEW = {"login": "zoe", "name": "Zoe", "role": "reviewer"}


@pytest.mark.parametrize("role", ROLES)
async def test_only_administrators_change_accounts(office: Any, role: str) -> None:
    browser = await office.enter("me", role)
    office.hire("ana")
    change = {"name": "Ana", "role": "lead", "lang": "es"}
    calls = [("POST", "/staff", NEW), ("PUT", "/staff/staff:ana", change), ("POST", "/staff/staff:ana/disable", None),
             ("POST", "/staff/staff:ana/enable", None), ("POST", "/staff/staff:ana/reset", None)]  # fmt: skip
    for method, path, body in calls:
        response = await browser.call(method, path, body)
        assert response.is_success if role == "admin" else response.status_code == 403, path
    reads = {
        path: (await browser.call("GET", path)).status_code
        for path in ("/staff", "/audit", "/audit.csv", "/audit/state")
    }
    assert set(reads.values()) == ({200} if role in ("admin", "auditor") else {403})
    assert (await browser.call("GET", "/colleagues")).status_code == 200


async def test_somebody_new_must_choose_a_password_first(office: Any, code: Any) -> None:
    admin = await office.enter("root", "admin")
    added = (await admin.call("POST", "/staff", {**NEW, "role": "admin"})).json()
    assert code(await admin.call("POST", "/staff", NEW)) == (409, "conflict")
    zoe = office.browser()
    assert (await zoe.sign_in(office.tenant, "zoe", added["password"])).json()["provisional"] is True
    assert code(await zoe.call("GET", "/staff")) == (403, "password")
    assert code(await zoe.call("POST", "/token")) == (403, "password")
    assert (await zoe.call("POST", "/password", {"old": added["password"], "new": OTHER})).status_code == 204
    assert (await zoe.call("GET", "/staff")).status_code == 200
    assert (await zoe.call("GET", "/me")).json()["provisional"] is False


async def test_who_is_disabled_is_out_at_once_and_their_live_connection_too(office: Any, code: Any) -> None:
    admin, ana = await office.enter("root", "admin"), await office.enter("ana")
    token = (await ana.call("POST", "/token")).json()["token"]
    async with connect(office.server.ws_url, subprotocols=["tertulia.v1"], proxy=None) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "hello", "token": token}))
        assert '"role":"staff"' in str(await socket.recv())
        assert (await admin.call("POST", "/staff/staff:ana/disable")).json()["disabled"] is True
        await socket.wait_closed()
        assert socket.close_code == 4401
    async with connect(office.server.ws_url, subprotocols=["tertulia.v1"], proxy=None) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "hello", "token": token}))
        await socket.wait_closed()
        assert socket.close_code == 4401, "a token is good for no longer than its session"
    assert code(await ana.call("GET", "/me")) == (401, "unauthenticated")
    assert code(await ana.sign_in(office.tenant, "ana")) == (401, "unauthenticated")
    await admin.call("POST", "/staff/staff:ana/enable")
    assert (await ana.sign_in(office.tenant, "ana")).status_code == 200


async def test_the_last_administrator_stays(office: Any, code: Any) -> None:
    admin = await office.enter("root", "admin")
    demoted = {"name": "Root", "role": "lead", "lang": "es"}
    assert code(await admin.call("POST", "/staff/staff:root/disable")) == (409, "conflict")
    assert code(await admin.call("PUT", "/staff/staff:root", demoted)) == (409, "conflict")
    office.hire("second", "admin")
    assert (await admin.call("PUT", "/staff/staff:root", demoted)).json()["role"] == "lead"
    assert code(await admin.call("GET", "/staff")) == (403, "forbidden")


async def test_another_tenants_staff_does_not_exist(office: Any, console_server: Any, code: Any) -> None:
    other = type(office)(console_server)
    other.hire("ana")
    admin = await office.enter("root", "admin")
    for method, path in (("POST", "/disable"), ("POST", "/enable"), ("POST", "/reset")):
        assert code(await admin.call(method, f"/staff/staff:ana{path}")) == (404, "not_found")
    assert [one["id"] for one in (await admin.call("GET", "/staff")).json()] == ["staff:root"]


# ---------------------------------------------------------------------------------------------------- the audit


async def test_every_act_is_in_the_audit_log(office: Any) -> None:
    admin = await office.enter("root", "admin")
    await admin.call("POST", "/staff", {**NEW, "email": "Zoe@Example.com"})
    await admin.call("PUT", "/staff/staff:zoe", {"name": "Zoe", "role": "auditor", "lang": "en"})
    await admin.call("POST", "/staff/staff:zoe/reset")
    await admin.call("POST", "/staff/staff:zoe/disable")
    await office.browser().sign_in(office.tenant, "zoe", "wrong")
    page: dict[str, Any] = {"entries": [{"act": ""}]}
    for _ in range(400):  # it is noted beside the answer
        if page["entries"][0]["act"] == "session.refused":
            break
        await asyncio.sleep(0.02)
        page = (await admin.call("GET", "/audit")).json()
    assert [(one["act"], one["actor"], one["subject"]) for one in page["entries"]] == [
        ("session.refused", "", "staff:zoe"), ("staff.disabled", "staff:root", "staff:zoe"),
        ("password.reset", "staff:root", "staff:zoe"), ("staff.changed", "staff:root", "staff:zoe"),
        ("staff.added", "staff:root", "staff:zoe"),
    ]  # fmt: skip
    assert page["entries"][3]["detail"] == {"role": ["reviewer", "auditor"], "email": "changed"}
    narrow = (await admin.call("GET", "/audit?act=staff&subject=staff:zoe")).json()
    assert [one["act"] for one in narrow["entries"]] == ["staff.disabled", "staff.changed", "staff.added"]
    state = (await admin.call("GET", "/audit/state")).json()
    assert (state["entries"], state["broken_at"]) == (5, 0)


async def test_the_audit_log_is_exported_without_formulas(office: Any) -> None:
    admin = await office.enter("root", "admin")
    with beside(office.database) as tx:
        for n, subject in enumerate(("=1+1", "+1", "-1", "@x", "\t=1", " =1", '"', "a,b\nc")):
            audit.record(tx, office.tenant, "staff:x", "made.up", subject, {"n": n}, 1_000)
    response = await admin.call("GET", "/audit.csv?act=made.up")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["subject"] for row in rows] == ["'=1+1", "'+1", "'-1", "'@x", "'\t=1", "' =1", '"', "a,b\nc"]
    assert rows[0]["at"] == "1970-01-01T00:00:01.000+00:00"
    with beside(office.database) as tx:
        for n in range(EXPORT_PAGE):
            audit.record(tx, office.tenant, "staff:x", "made.up", str(n), {}, 2_000)
    response = await admin.call("GET", "/audit.csv?act=made.up")
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["subject"] for row in rows[8:]] == [str(n) for n in range(EXPORT_PAGE)], "whole, and in order"
    exported = (await admin.call("GET", "/audit?act=audit.exported")).json()["entries"][1:]
    assert exported[0]["detail"] == {"rows": 8, "act": "made.up"}
