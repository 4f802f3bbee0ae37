"""Every call there is, with another tenant's ids: it is as if they did not exist, nothing of theirs is told, nothing is changed."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select

from server.api import Api
from server.console.console import Console
from server.console.policy_api import PolicyApi
from server.console.review_api import ReviewApi
from storage import staff, tables
from storage.database import beside, normalise
from tests.platform import Platform
from tests.realtime.test_bad_input import GOOD, WITHOUT_REF
from tests.server.console.conftest import Office

MILD = 'name = "canary"\nextends = "marketplace"\n# canary\n[[clause]]\nid = "contact_before_order"\nverdict = "hold"\n'
OURS = 'name = "ours"\nextends = "marketplace"\n[[clause]]\nid = "contact_before_order"\nverdict = "hold"\n'
CALLS: list[Any] = [
    *Api(None, None, None, None).operations,  # type: ignore[arg-type]  # only the tables are looked at
    *Console(
        None, None, [PolicyApi(None, None).endpoints, ReviewApi(None, None, None).endpoints]  # type: ignore[arg-type]
    )._endpoints,
]  # fmt: skip
ROUTES = sorted((one.method, one.path) for one in CALLS)

# What a call is sent where it takes something; ids are theirs, by the name in braces.
BODIES: dict[str, Any] = {
    "POST /v1/conversations": {"id": "ours", "participants": [{"id": "{participant}", "name": "A", "role": "buyer"}]},
    "PATCH /v1/conversations/{conversation}": {"title": "ours"},
    "POST /v1/conversations/{conversation}/participants": {"id": "zoe", "name": "Zoe", "role": "buyer"},
    "POST /v1/tokens": {"participant": "{participant}", "name": "A", "role": "buyer", "conversations": ["{conversation}"]},
    "PUT /v1/token-key": {"public_key": ""},
    "PUT /v1/suggestions": {"on": True},
    "PUT /v1/conversations/{conversation}/suggestions": {"on": False},
    "POST /v1/decisions/{message}/appeal": {"note": "ours"},
    "POST /v1/check": {"messages": [{"text": "hola"}]},
    "POST /console/api/password": {"old": "not the old one at all", "new": "another walk by the river"},
    "PUT /console/api/preferences": {"preferences": {}, "lang": "es"},
    "POST /console/api/staff": {"login": "new", "name": "New", "role": "reviewer"},
    "PUT /console/api/staff/{id}": {"name": "Taken", "role": "reviewer", "lang": "es"},
    "POST /console/api/policies/kinds/{kind}/roll-back": {"note": "back", "to": "{version}"},
    "POST /console/api/policies/check": {"source": OURS},
    "POST /console/api/policies/diff": {"source": OURS},
    "POST /console/api/policies/drafts": {"source": OURS},
    "PUT /console/api/policies/drafts/{draft}": {"source": OURS, "revision": 1},
    "POST /console/api/policies/drafts/{draft}/backtest": {},
    "POST /console/api/policies/drafts/{draft}/publish": {"note": "ours", "revision": 1},
    "POST /console/api/review/next": {},
    "POST /console/api/review/items/{message}/hand-over": {"to": "{id}"},
    "POST /console/api/review/items/{message}/acts": {
        "request": "r-12345678", "version": 1, "acts": [{"act": "remove"}], "reason": "rude",
    },
    "POST /console/api/review/bulk/preview": {"messages": ["{message}"]},
    "POST /console/api/review/bulk": {
        "request": "b-12345678", "messages": ["{message}"], "acts": [{"act": "remove"}], "reason": "rude",
    },
    "POST /console/api/review/people/{participant}/conversations": {"reason": "a reason that is long"},
    "POST /console/api/review/conversations/{conversation}": {"reason": "a reason that is long"},
    "PUT /console/api/review/views": {"name": "ours", "filter": {}},
    "POST /console/api/review/second-looks/{look}": {"outcome": "remove"},
    "PUT /console/api/review/golden": {"message": "{message}", "outcome": "remove", "note": "ours"},
    "PUT /console/api/review/settings": {},
}  # fmt: skip

# Where the answer is not 404, since the name in the path is everybody's: a kind of conversation, somebody who may be a
# participant of any tenant, a view of one's own. What is told is one's own, and here there is nothing.
OF_EVERYBODY: dict[str, set[int]] = {
    "GET /console/api/policies/kinds/{kind}": {200},
    "GET /console/api/policies/kinds/{kind}/publications": {200},
    "POST /console/api/policies/kinds/{kind}/roll-back": {404, 409, 422},
    "GET /console/api/review/people/{participant}": {200},
    "POST /console/api/review/people/{participant}/conversations": {200},
    "DELETE /console/api/review/views/{name}": {204},
}


# What changes by itself, or with what is counted for all tenants at once.
ELSEWHERE = ("staff_sessions", "suggestion_counts")


@dataclasses.dataclass
class World:
    """Two tenants on one server: what is theirs by the names of the paths, and who asks."""

    theirs: dict[str, str]
    others: Office
    ours: Office
    browser: Any
    platform: Platform
    engine: Engine

    def rows(self) -> str:
        """All that the database holds of them, in one number."""
        with self.engine.connect() as tx:
            found = [
                sorted(map(str, tx.execute(select(table).where(table.c.tenant == self.others.tenant)).all()))
                for table in tables.metadata.sorted_tables
                if "tenant" in table.c and table.name not in ELSEWHERE
            ]
        return hashlib.sha256(str(found).encode()).hexdigest()


async def lived(office: Office) -> dict[str, str]:
    """A tenant in which everything has happened once; the ids of it all."""
    platform = Platform(office.server.url, office.server.ws_url, office.api_key)
    ids = {"conversation": "canary-chat", "participant": "canary-ana", "kind": "default", "change": "caught"}
    chat = await platform.open("canary-ana:buyer", "canary-luis:seller", id=ids["conversation"], title="canary title")
    ana, luis = await platform.connect("canary-ana"), await platform.connect("canary-luis", "seller")
    posted = [await ana.post(chat, f"canary {n}") for n in range(4)]
    ids["message"] = posted[0]["id"]
    for one in posted[:3]:
        assert (await luis.ask("report", conversation=chat, message=one["id"], reason="rude", note="canary note"))[
            "type"
        ]
    ids["invitation"] = (await ana.ask("invite", conversation=chat, topic="help", note="canary note"))["id"]

    lead = await office.enter("canary-lea", "admin")
    ids["id"] = staff.id_of("canary-lea")
    await office.enter("canary-max", "lead")
    await lead.call("PUT", "/review/settings", {"second_looks": 1.0})
    queued = (await lead.call("GET", "/review/queue")).json()["items"]
    act = {
        "request": "canary-0001",
        "version": next(row["version"] for row in queued if row["message"] == posted[1]["id"]),
        "acts": [{"act": "remove"}, {"act": "warn", "template": "tone"}],
        "reason": "canary",
    }
    done = await lead.call("POST", f"/review/items/{posted[1]['id']}/acts", act)
    assert done.status_code == 200, done.text
    ids["act"] = done.json()["act"]["id"]
    bulk = {"request": "canary-bulk", "messages": [posted[2]["id"]], "acts": [{"act": "remove"}], "reason": "rude"}
    assert (await lead.call("POST", "/review/bulk", bulk)).status_code == 200
    ids["batch"] = "canary-bulk"
    await lead.call("PUT", "/review/views", {"name": "canary view", "filter": {}})
    ids["name"] = "canary view"
    golden = await lead.call(
        "PUT", "/review/golden", {"message": ids["message"], "outcome": "remove", "note": "canary"}
    )
    assert golden.status_code in (200, 204), golden.text
    draft = (await lead.call("POST", "/policies/drafts", {"source": MILD})).json()
    ids["draft"] = draft["id"]
    published = (await lead.call("POST", "/policies/drafts", {"source": MILD})).json()
    await lead.call("POST", f"/policies/drafts/{published['id']}/publish", {"note": "canary", "revision": 1})
    shadow = (await lead.call("POST", f"/policies/drafts/{draft['id']}/shadow")).json()
    ids["trial"] = shadow["id"]
    with beside(office.database) as tx:
        versions = tx.execute(
            select(tables.policy_versions.c.id).where(tables.policy_versions.c.tenant == office.tenant)
        )
        ids["version"] = versions.scalars().first() or ""
        looks = tx.execute(select(tables.second_looks.c.id).where(tables.second_looks.c.tenant == office.tenant))
        ids["look"] = looks.scalars().first() or ""
    ids["mark"] = (await lead.call("GET", "/sessions")).json()["here"]
    assert all(ids.values()), ids
    await platform.leave()
    return ids


@pytest.fixture(scope="module")
async def world(chat_server: Any) -> AsyncIterator[World]:
    others, ours = Office(chat_server), Office(chat_server)
    theirs = await lived(others)
    platform = Platform(chat_server.url, chat_server.ws_url, ours.api_key)
    # Somebody of the same name, in another chat: names are given by each platform for itself.
    await platform.open("canary-ana:buyer", id="chat of ours")
    browser = await ours.enter("ada", "admin")
    engine = create_engine(normalise(others.database))
    yield World(theirs, others, ours, browser, platform, engine)
    engine.dispose()
    await platform.leave()
    await others.close()
    await ours.close()


def filled(value: Any, theirs: dict[str, str]) -> Any:
    """With their ids in the place of names in braces."""
    match value:
        case str():
            return re.sub(r"\{(\w+)\}", lambda found: theirs[found[1]], value)
        case dict():
            return {name: filled(one, theirs) for name, one in value.items()}
        case list():
            return [filled(one, theirs) for one in value]
    return value


def test_every_call_that_takes_something_is_tried() -> None:
    with_body = {f"{one.method} {one.path}" for one in CALLS if one.body is not None}
    assert with_body == set(BODIES)


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=[f"{method} {path}" for method, path in ROUTES])
async def test_a_call_with_another_tenants_ids_finds_nothing_and_changes_nothing(
    world: World, method: str, path: str
) -> None:
    route = f"{method} {path}"
    before = world.rows()
    sent = filled(BODIES.get(route), world.theirs)
    if path.startswith("/console/api"):
        browser = world.browser if "sign-out" not in path else await world.ours.enter("gone", "reviewer")
        response = await browser.call(method, filled(path, world.theirs).removeprefix("/console/api"), sent)
    else:
        response = await world.platform.http.request(method, filled(path, world.theirs), json=sent)
    assert response.status_code < 500, response.text
    told = response.text.lower()
    asked = f"{filled(path, world.theirs)} {sent}".lower()
    for id in world.theirs.values():  # what was asked for by its name may be named in the answer
        told = told.replace(id.lower(), "") if id.lower() in asked else told
    if "{" in path:
        expected = OF_EVERYBODY.get(route, {404})
        assert response.status_code in expected, (response.status_code, response.text)
        if expected == {404}:
            assert response.json()["error"]["code"] == "not_found"
    assert "canary" not in told, told
    assert not [name for name, id in world.theirs.items() if name not in ("kind", "change") and id in told], told
    assert world.rows() == before


@pytest.mark.parametrize("role", ["buyer", "agent", "staff"])
@pytest.mark.parametrize("type", sorted(set(GOOD) - {"prefer", "acknowledge"}))
async def test_a_command_with_another_tenants_ids_finds_nothing_and_changes_nothing(
    world: World, type: str, role: str
) -> None:
    before = world.rows()
    somebody = await world.platform.connect("canary-ana", role)
    ids = {name: world.theirs[name] for name in ("conversation", "message", "invitation")}
    ids["decision"] = ids["message"]
    fields = {name: ids.get(name, value) for name, value in GOOD[type].items()}
    if type in WITHOUT_REF:
        await somebody.send(type=type, **fields)
        answer = await somebody.next("refused")
    else:
        answer = await somebody.ask(type, **fields)
    assert answer.get("code") in ("not_found", "forbidden"), answer
    rest = str([answer, await somebody.settled(), somebody.welcome]).replace("canary-ana", "").replace("Canary-Ana", "")
    assert "canary" not in rest.lower()
    await somebody.close()
    assert world.rows() == before


async def test_what_is_live_with_another_tenant_is_heard_by_nobody_of_ours(world: World) -> None:
    theirs = Platform(world.others.server.url, world.others.server.ws_url, world.others.api_key)
    listeners = [await world.platform.connect("canary-ana", role) for role in ("buyer", "agent", "staff")]
    luis = await theirs.connect("canary-luis", "seller")
    assert (await luis.post("canary-chat", "canary en vivo"))["type"] == "accepted"
    await luis.send(type="typing", conversation="canary-chat")
    await asyncio.sleep(0.1)
    for one in listeners:
        assert "canary" not in str(await one.settled()).replace("canary-ana", "").lower()
        await one.close()
    await theirs.leave()
