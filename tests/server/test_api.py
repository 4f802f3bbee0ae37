"""The platform's API: what it does, what it refuses, and that another tenant's things do not exist."""

from __future__ import annotations

import json
from typing import Any

import pytest

OPEN = {"participants": [{"id": "ana", "name": "Ana", "role": "buyer"}]}
TOKEN = {"participant": "ana", "name": "Ana", "role": "buyer"}

# Every operation: method, path, a good body.
OPERATIONS: list[tuple[str, str, Any]] = [
    ("POST", "/v1/conversations", OPEN),
    ("GET", "/v1/conversations/{id}", None),
    ("PATCH", "/v1/conversations/{id}", {"stage": "ordered"}),
    ("POST", "/v1/conversations/{id}/participants", {"id": "zoe", "name": "Zoe", "role": "seller"}),
    ("DELETE", "/v1/conversations/{id}/participants/ana", None),
    ("GET", "/v1/conversations/{id}/history", None),
    ("GET", "/v1/decisions/{id}/statement", None),
    ("POST", "/v1/decisions/{id}/appeal", {"note": "no"}),
    ("GET", "/v1/board", None),
    ("GET", "/v1/suggestions", None),
    ("PUT", "/v1/suggestions", {"on": True}),
    ("PUT", "/v1/conversations/{id}/suggestions", {"on": True}),
    ("POST", "/v1/tokens", TOKEN),
    ("PUT", "/v1/token-key", {"public_key": ""}),
    ("POST", "/v1/check", {"messages": [{"text": "hola"}]}),
]
IDS = [f"{method} {path}" for method, path, _ in OPERATIONS]
WITH_BODY = [one for one in OPERATIONS if one[2] is not None]
BODY_IDS = [f"{method} {path}" for method, path, _ in WITH_BODY]


def code(response: Any) -> str:
    error: dict[str, str] = response.json()["error"]
    assert error["message"]
    return error["code"]


async def test_a_conversation_is_opened_changed_and_read(platform: Any) -> None:
    people = [
        {"id": "ana", "name": "Ana", "role": "buyer"},
        {"id": "luis", "name": "Luis", "role": "seller", "lang": "pt"},
    ]
    body = {"id": "order-1", "title": "Vegetables", "listing": "groceries", "participants": people}
    opened = await platform.http.post("/v1/conversations", json=body)
    assert opened.status_code == 201
    assert opened.json() == {
        "id": "order-1", "title": "Vegetables", "listing": "groceries", "stage": "enquiry", "kind": "default", "last_seq": 2,
        "created_at": opened.json()["created_at"], "invitation": None,
        "members": [{"id": "ana", "name": "Ana", "role": "buyer"}, {"id": "luis", "name": "Luis", "role": "seller"}],
    }  # fmt: skip
    again = await platform.http.post("/v1/conversations", json=body)
    assert (again.status_code, code(again)) == (409, "conflict")

    changed = await platform.http.patch("/v1/conversations/order-1", json={"stage": "ordered", "listing": None})
    assert (changed.json()["stage"], changed.json()["listing"], changed.json()["last_seq"]) == ("ordered", None, 3)
    unchanged = await platform.http.patch("/v1/conversations/order-1", json={"stage": "ordered"})
    assert unchanged.json()["last_seq"] == 3

    history = (await platform.http.get("/v1/conversations/order-1/history?limit=2")).json()
    assert [event["type"] for event in history["events"]] == ["joined", "setting"]
    assert history["more"] is True
    older = (await platform.http.get("/v1/conversations/order-1/history?before=2")).json()
    assert ([event["seq"] for event in older["events"]], older["more"]) == ([1], False)


async def test_the_platform_reads_what_was_covered(platform: Any) -> None:
    chat = await platform.open("ana:buyer", "luis:seller")
    ana = await platform.connect("ana")
    await ana.post(chat, "menuda mierda")
    history = (await platform.http.get(f"/v1/conversations/{chat}/history")).json()
    assert (history["events"][-1]["text"], history["events"][-1]["state"]) == ("menuda mierda", "masked")


async def test_heated_conversations_are_on_the_board_and_calm_ones_are_not(platform: Any) -> None:
    calm, heated = await platform.open("ana:buyer", "luis:seller"), await platform.open("ana:buyer", "luis:seller")
    ana, luis = await platform.connect("ana"), await platform.connect("luis")
    await ana.post(calm, "¿sigue disponible?")
    for text in ("eres un inútil", "eres un estafador de mierda"):
        await ana.post(heated, text, despite_advice=True)
    await luis.post(heated, "perdone, lo miro ahora mismo")
    (warm,) = (await platform.http.get("/v1/board")).json()
    assert (warm["id"], warm["invitation"]) == (heated, "")
    assert 0.3 <= warm["heat"] <= 1
    assert [(person["id"], person["heat"] > 0) for person in warm["people"]] == [("ana", True), ("luis", False)]
    assert "estafador" not in json.dumps(warm)
    for text in ("eres un inútil", "no vales nada, inútil"):
        await ana.post(heated, text, despite_advice=True)
    told = [await luis.ask("draft", conversation=chat, text="eres un inútil") for chat in (calm, heated)]
    assert ["heated" in {reason["clause"] for reason in advised["reasons"]} for advised in told] == [False, True]


async def test_texts_are_judged_without_a_chat(platform: Any) -> None:
    messages = [{"id": "1", "text": "hola"}, {"id": "2", "text": "llámame al 612 345 678", "stage": "ordered"},
                {"id": "3", "text": "llámame al 612 345 678", "listing": "electronics"}]  # fmt: skip
    answers = (await platform.http.post("/v1/check", json={"messages": messages})).json()
    assert [(one["id"], one["verdict"], one["categories"]) for one in answers] == [
        ("1", "allow", []), ("2", "allow", ["contact"]), ("3", "block", ["contact"]),
    ]  # fmt: skip
    assert answers[1]["findings"][0]["excerpt"] == "612 345 678"


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS, ids=IDS)
async def test_without_a_key_of_a_tenant_nothing_is_answered(platform: Any, method: str, path: str, body: Any) -> None:
    chat = await platform.open("ana:buyer")
    for header in ("", "Bearer", "Bearer wrong", "Basic YTpi", f"Bearer {'x' * 300}", "Bearer ñ"):
        response = await platform.http.request(
            method, path.format(id=chat), json=body, headers={"Authorization": header.encode()}
        )
        assert (response.status_code, code(response)) == (401, "unauthenticated")


@pytest.mark.parametrize(("method", "path", "body"), [one for one in OPERATIONS if "{id}" in one[1]])
async def test_what_is_another_tenants_does_not_exist(
    platform: Any, other_platform: Any, method: str, path: str, body: Any
) -> None:
    theirs = await other_platform.open("ana:buyer", "luis:seller", title="CANARY")
    for id in (theirs, "never", "%00", "..", "x" * 500):
        response = await platform.http.request(method, path.format(id=id), json=body)
        # A client takes ".." for the folder above, and so asks for something else of its own.
        own = response.status_code == 204 and id == ".."
        assert own or response.status_code in (404, 405, 400), response.text
        assert "CANARY" not in response.text
        if id in (theirs, "never"):
            assert (response.status_code, code(response)) == (404, "not_found")
    untouched = (await other_platform.http.get(f"/v1/conversations/{theirs}")).json()
    assert (untouched["stage"], len(untouched["members"])) == ("enquiry", 2)


@pytest.mark.parametrize(("method", "path", "body"), WITH_BODY, ids=BODY_IDS)
async def test_a_body_that_is_wrong_is_refused_with_its_reason(
    platform: Any, method: str, path: str, body: Any
) -> None:
    chat = await platform.open("ana:buyer")
    cases: list[tuple[bytes, int, str]] = [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b"\xff\xfe", 400, "bad_json"),
        (b"[]", 400, "bad_request"),
        (b"[" * 100_000, 400, "bad_request"),
        (b'{"a":' * 100_000, 400, "bad_request"),
        (json.dumps({**body, "extra": 1}).encode(), 400, "bad_request"),
        (b" " * (1024 * 1024 + 1), 413, "too_long"),
    ]
    for name in body:
        cases.append((json.dumps({**body, name: {"an": "object"}}).encode(), 400, "bad_request"))
        if isinstance(body[name], str):
            nul = json.dumps({**body, name: "a\0"}).encode()
            cases.append((nul, 400, "bad_request"))
    for content, status, expected in cases:
        response = await platform.http.request(method, path.format(id=chat), content=content)
        assert (response.status_code, code(response)) == (status, expected), content[:60]
    assert (await platform.http.get(f"/v1/conversations/{chat}")).json()["last_seq"] == 1


@pytest.mark.parametrize(
    ("path", "body", "status", "expected"),
    [
        ("/v1/conversations", {"participants": OPEN["participants"] * 2}, 400, "bad_request"),
        ("/v1/conversations", {**OPEN, "id": "x" * 65}, 413, "too_long"),
        ("/v1/conversations", {**OPEN, "id": ""}, 400, "bad_request"),
        ("/v1/conversations", {**OPEN, "listing": "Not A Name"}, 400, "bad_request"),
        ("/v1/conversations", {**OPEN, "stage": "done"}, 400, "bad_request"),
        ("/v1/conversations", {"participants": [{"id": "a", "name": "A", "role": "king"}]}, 400, "bad_request"),
        ("/v1/tokens", {**TOKEN, "role": "king"}, 400, "bad_request"),
        ("/v1/tokens", {**TOKEN, "expires_in": 0}, 400, "bad_request"),
        ("/v1/tokens", {**TOKEN, "expires_in": 10**9}, 400, "bad_request"),
        ("/v1/tokens", {**TOKEN, "conversations": 5}, 400, "bad_request"),
        ("/v1/check", {"messages": []}, 400, "bad_request"),
        ("/v1/check", {"messages": [{"text": "x" * 4_001}]}, 413, "too_long"),
        ("/v1/check", {"messages": [{"text": "x"}] * 101}, 413, "too_long"),
    ],
)
async def test_a_value_out_of_bounds_is_refused(
    platform: Any, path: str, body: Any, status: int, expected: str
) -> None:
    response = await platform.http.post(path, json=body)
    assert (response.status_code, code(response)) == (status, expected)


@pytest.mark.parametrize("query", ["before=-1", "before=x", "limit=101", "limit=١", "before=99999999999999999999"])
async def test_a_page_that_cannot_be_is_refused(platform: Any, query: str) -> None:
    chat = await platform.open("ana:buyer")
    response = await platform.http.get(f"/v1/conversations/{chat}/history?{query}")
    assert (response.status_code, code(response)) == (400, "bad_request")


@pytest.mark.parametrize("key", ["nonsense", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
async def test_a_key_that_is_none_is_refused(platform: Any, key: str) -> None:
    response = await platform.http.put("/v1/token-key", json={"public_key": key})
    assert (response.status_code, code(response)) == (400, "bad_request")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/tokens", 405), ("DELETE", "/v1/conversations", 405), ("GET", "/v1/nothing", 404), ("GET", "/nothing", 404),
     ("GET", "/static/../pyproject.toml", 404), ("GET", "/static/%2e%2e/app.py", 404), ("POST", "/demo/start", 404)],
)  # fmt: skip
async def test_a_route_that_is_not_there_says_so(platform: Any, method: str, path: str, status: int) -> None:
    response = await platform.http.request(method, path)
    assert response.status_code == status
    assert code(response) in ("not_found", "method_not_allowed")


async def test_the_description_covers_every_operation(platform: Any) -> None:
    document = (await platform.http.get("/v1/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    described = {
        (
            method.upper(),
            path.replace("{conversation}", "{id}").replace("{participant}", "ana").replace("{message}", "{id}"),
        )
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert described == {(method, path) for method, path, _ in OPERATIONS}
    names = set(document["components"]["schemas"])
    references = set(_references(document))
    assert references <= {f"#/components/schemas/{name}" for name in names}
    page = await platform.http.get("/v1/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert all(path in page.text for path in document["paths"])


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for one in value.values() for found in _references(one)]
    if isinstance(value, list):
        return [found for one in value for found in _references(one)]
    return []


async def test_health_needs_no_key_and_pages_carry_a_strict_policy(platform: Any) -> None:
    response = await platform.http.get("/health", headers={"Authorization": ""})
    assert response.json()["status"] == "ready"
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert (await platform.http.get("/health/ready")).json() == response.json()
    assert (await platform.http.get("/health/live", headers={"Authorization": ""})).json() == {"status": "live"}


async def test_nobody_in_a_chat_is_named_like_somebody_of_the_staff(platform: Any) -> None:
    ana = {"id": "staff:ana", "name": "Ana", "role": "buyer"}
    opened = await platform.http.post("/v1/conversations", json={"participants": [ana]})
    assert (opened.status_code, code(opened)) == (400, "bad_request")
    for role in ("buyer", "staff"):
        minted = await platform.http.post("/v1/tokens", json={"participant": "staff:ana", "name": "Ana", "role": role})
        assert (minted.status_code, code(minted)) == (400, "bad_request")
