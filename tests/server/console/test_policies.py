"""Policies in the console: drafted, checked, tried on what was said and beside it, published, rolled back; each act noted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.platform import Platform

PHONE = "llámame al 612 345 678"
MILD = 'name = "ours"\nextends = "marketplace"\n[[clause]]\nid = "contact_before_order"\nverdict = "hold"\n'
STRICT = 'name = "ours"\nextends = "marketplace"\n[[clause]]\nid = "profanity"\nverdict = "block"\n'
BROKEN = 'name = "ours"\nextends = "marketplace"\n\n[[clause]]\nid = "profanity"\nverdict = "blok"\n'


@pytest.fixture
async def shop(office: Any) -> AsyncIterator[Platform]:
    """The platform of the same tenant, with a conversation of Ana and Luis."""
    platform = Platform(office.server.url, office.server.ws_url, office.api_key)
    yield platform
    await platform.leave()


async def until(ask: Callable[[], Awaitable[dict[str, Any]]], done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    for _ in range(400):
        answer = await ask()
        if done(answer):
            return answer
        await asyncio.sleep(0.05)
    pytest.fail(f"it did not happen within 20 s: {answer}")


async def drafted(lead: Any, source: str, kind: str = "default") -> dict[str, Any]:
    response = await lead.call("POST", "/policies/drafts", {"source": source, "kind": kind})
    assert response.status_code == 201, response.text
    draft: dict[str, Any] = response.json()
    return draft


async def published(lead: Any, source: str, kind: str = "default", instead_of: str = "", note: str = "Try.") -> Any:
    draft = await drafted(lead, source, kind)
    body = {"note": note, "revision": draft["revision"], "instead_of": instead_of}
    return await lead.call("POST", f"/policies/drafts/{draft['id']}/publish", body)


async def in_force(lead: Any, kind: str = "default") -> dict[str, Any]:
    law: dict[str, Any] = (await lead.call("GET", f"/policies/kinds/{kind}")).json()
    return law


async def test_what_is_published_holds_in_open_conversations_at_once_and_what_is_rolled_back_too(
    office: Any, shop: Platform
) -> None:
    lead = await office.enter("lea", "lead")
    conversation = await shop.open("ana:buyer", "luis:seller")
    ana = await shop.connect("ana")
    assert (await ana.post(conversation, PHONE))["code"] == "policy"

    response = await published(lead, MILD, note="Numbers are looked at by a person now.")
    assert response.status_code == 200, response.text
    first = response.json()
    assert first["policy"].startswith("ours@")
    answer = await ana.post(conversation, PHONE)
    assert (answer["type"], answer["verdict"]) == ("accepted", "hold")

    second = (await published(lead, STRICT, instead_of=first["policy"])).json()
    assert (await ana.post(conversation, "joder"))["code"] == "policy"
    back = await lead.call(
        "POST", "/policies/kinds/default/roll-back",
        {"to": first["policy"], "note": "Too strict.", "instead_of": second["policy"]},
    )  # fmt: skip
    assert back.status_code == 200, back.text
    assert (await ana.post(conversation, "joder"))["verdict"] == "mask"
    assert (await in_force(lead))["policy"] == first["policy"]

    gone = await lead.call(
        "POST", "/policies/kinds/default/roll-back", {"to": "", "note": "As it was.", "instead_of": first["policy"]}
    )
    assert gone.status_code == 200
    assert (await ana.post(conversation, PHONE))["code"] == "policy"
    told = (await lead.call("GET", "/policies/kinds/default/publications")).json()
    assert [(one["act"], one["by"]) for one in told] == [
        ("withdraw", "staff:lea"), ("roll_back", "staff:lea"), ("publish", "staff:lea"), ("publish", "staff:lea"),
    ]  # fmt: skip
    assert told[3]["note"] == "Numbers are looked at by a person now."

    auditor = await office.enter("abel", "auditor")
    acts = [entry["act"] for entry in (await auditor.call("GET", "/audit?act=policy")).json()["entries"]]
    assert acts.count("policy.publish") == 2
    assert {"policy.roll_back", "policy.withdraw", "policy.draft_saved"} <= set(acts)
    earlier = (await lead.call("GET", f"/policies/versions/{second['policy']}")).json()
    assert earlier["source"] == STRICT, "what held once can still be read"


async def test_a_policy_for_a_kind_holds_for_that_kind_alone(office: Any, shop: Platform) -> None:
    lead = await office.enter("lea", "lead")
    ordinary = await shop.open("ana:buyer", "luis:seller")
    ride = await shop.open("ana:buyer", "luis:seller", kind="rides")
    assert (await published(lead, MILD, "rides")).status_code == 200
    ana = await shop.connect("ana")
    assert (await ana.post(ordinary, PHONE))["code"] == "policy"
    assert (await ana.post(ride, PHONE))["verdict"] == "hold"
    law = {one["kind"]: one["own"] for one in (await lead.call("GET", "/policies")).json()["law"]}
    assert law == {"default": False, "rides": True}


async def test_a_policy_that_stands_on_another_follows_it(office: Any) -> None:
    lead = await office.enter("lea", "lead")
    base = (await published(lead, MILD)).json()["policy"]
    ride = 'name = "rides"\nextends = "ours"\noff = ["link"]\n[[clause]]\nid = "profanity"\nverdict = "hold"\n'
    first = (await published(lead, ride, "rides")).json()["policy"]
    assert (await published(lead, STRICT, instead_of=base)).status_code == 200
    law = await in_force(lead, "rides")
    assert law["policy"] not in ("", first)
    verdicts = {clause["id"]: clause["verdict"] for clause in law["clauses"]}
    assert (verdicts["contact_before_order"], verdicts["profanity"]) == ("block", "hold")
    assert [name for name, _ in law["sources"]] == ["marketplace", "ours", "rides"]

    without = 'name = "ours"\nextends = "marketplace"\noff = ["link"]\n'
    refused = await published(lead, without, instead_of=(await in_force(lead))["policy"])
    assert refused.status_code == 422, "what stands on it turns off a clause that would be gone"
    assert "rides, which holds for rides, would be at fault" in refused.json()["error"]["message"]


async def test_a_draft_is_checked_while_it_is_written(office: Any) -> None:
    reviewer = await office.enter("rita")
    broken = (await reviewer.call("POST", "/policies/check", {"source": BROKEN})).json()
    (mark,) = broken["marks"]
    assert (mark["level"], mark["line"], mark["clause"], mark["key"]) == ("error", 6, "profanity", "verdict")
    assert mark["message"] == "unknown verdict 'blok'; did you mean 'block'?"
    assert broken["policy"] == ""

    checked = (await reviewer.call("POST", "/policies/check", {"source": STRICT})).json()
    assert checked["policy"].startswith("ours@")
    assert checked["bases"] == ["marketplace"]
    by_id = {clause["id"]: clause for clause in checked["clauses"]}
    assert (by_id["profanity"]["origin"], by_id["profanity"]["changed_by"]) == ("marketplace", ["ours"])
    assert (by_id["profanity"]["line"], by_id["threat"]["line"]) == (4, 0)

    example = STRICT + '[[clause.example]]\ntext = "hello"\nverdict = "block"\n'
    marks = (await reviewer.call("POST", "/policies/check", {"source": example})).json()["marks"]
    assert ("example", 8) in [(one["level"], one["line"]) for one in marks]


async def test_a_draft_tells_what_it_says_otherwise(office: Any) -> None:
    reviewer = await office.enter("rita")
    told = (await reviewer.call("POST", "/policies/diff", {"source": STRICT})).json()
    assert {"clause": "profanity", "key": "verdict", "before": "mask", "after": "block"} in told
    refused = await reviewer.call("POST", "/policies/diff", {"source": BROKEN})
    assert (refused.status_code, refused.json()["error"]["line"]) == (422, 6)


async def test_a_backtest_tells_what_a_draft_would_have_done(office: Any, shop: Platform) -> None:
    lead = await office.enter("lea", "lead")
    conversation = await shop.open("ana:buyer", "luis:seller")
    ana, luis = await shop.connect("ana"), await shop.connect("luis", "seller")
    await ana.post(conversation, "hola, ¿sigue a la venta?")
    await luis.post(conversation, "joder, claro que sí")
    await ana.post(conversation, PHONE)
    source = STRICT + '[[clause]]\nid = "contact_before_order"\nverdict = "flag"\n'
    draft = await drafted(lead, source)
    for judged in (False, True):
        body = {"days": 30, "judged": judged}
        begun = await lead.call("POST", f"/policies/drafts/{draft['id']}/backtest", body)
        assert begun.status_code == 201, begun.text
        id = begun.json()["id"]
        report = await until(
            lambda id=id: _json(lead, f"/policies/trials/{id}"),  # type: ignore[misc]
            lambda report: report["trial"]["state"] != "running",
        )
        assert report["trial"]["state"] == "done", report["trial"]
        tally = report["tally"]
        assert (tally["messages"], report["trial"]["of"]) == (3, 3)
        assert tally["changes"] == {"stricter": 1, "milder": 1}
        assert tally["clauses"] == {"profanity": {"stricter": 1}, "contact_before_order": {"milder": 1}}
        assert tally["roles"]["buyer"] == {"": 2, "milder": 1}
        assert tally["review"] == [0, 1]
        assert "text" not in tally["samples"]["stricter"][0], "a report holds nobody's words"
        shown = (await lead.call("GET", f"/policies/trials/{id}/samples/milder")).json()
        assert [one["text"] for one in shown] == [PHONE], "what was refused is tried too"


async def test_a_shadow_counts_beside_and_changes_nothing(office: Any, shop: Platform) -> None:
    lead = await office.enter("lea", "lead")
    conversation = await shop.open("ana:buyer", "luis:seller")
    ana = await shop.connect("ana")
    draft = await drafted(lead, STRICT)
    begun = await lead.call("POST", f"/policies/drafts/{draft['id']}/shadow")
    assert begun.status_code == 201, begun.text
    trial = begun.json()["id"]
    again = await lead.call("POST", f"/policies/drafts/{draft['id']}/shadow")
    assert again.status_code == 409

    assert (await ana.post(conversation, "joder"))["verdict"] == "mask"
    assert (await ana.post(conversation, "hola"))["verdict"] == "allow"
    report = await until(
        lambda: _json(lead, f"/policies/trials/{trial}"), lambda report: report["tally"]["messages"] == 2
    )
    assert report["tally"]["changes"] == {"stricter": 1}
    assert report["tally"]["samples"]["stricter"][0]["before"] == "mask"
    assert (await lead.call("POST", f"/policies/trials/{trial}/stop")).status_code == 204
    await ana.post(conversation, "joder")
    assert (await _json(lead, f"/policies/trials/{trial}"))["tally"]["messages"] == 2
    assert (await lead.call("POST", f"/policies/trials/{trial}/stop")).status_code == 404


async def test_of_two_who_edit_or_publish_the_second_is_told(office: Any) -> None:
    lea, max = await office.enter("lea", "lead"), await office.enter("max", "admin")
    draft = await drafted(lea, MILD)
    path = f"/policies/drafts/{draft['id']}"
    assert (await max.call("PUT", path, {"source": STRICT, "revision": 1})).json()["revision"] == 2
    stale = await lea.call("PUT", path, {"source": MILD, "revision": 1})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "conflict")
    assert "staff:max" in stale.json()["error"]["message"]
    unseen = await lea.call("POST", f"{path}/publish", {"note": "Go.", "revision": 1})
    assert unseen.status_code == 409, "she has not seen what she would publish"
    assert (await published(max, MILD)).status_code == 200
    late = await lea.call("POST", f"{path}/publish", {"note": "Go.", "revision": 2, "instead_of": ""})
    assert late.status_code == 409, "another policy came into force meanwhile"


async def test_a_faulty_draft_is_saved_but_never_put_in_force(office: Any) -> None:
    lead = await office.enter("lea", "lead")
    before = (await in_force(lead))["policy"]
    response = await published(lead, BROKEN)
    assert response.status_code == 422
    assert response.json()["error"]["line"] == 6
    assert (await in_force(lead))["policy"] == before
    draft = await drafted(lead, BROKEN)
    for act in ("backtest", "shadow"):
        body = {"days": 1} if act == "backtest" else None
        assert (await lead.call("POST", f"/policies/drafts/{draft['id']}/{act}", body)).status_code == 422


WRITES = [
    ("POST", "/policies/drafts", {"source": MILD}),
    ("PUT", "/policies/drafts/x", {"source": MILD, "revision": 1}),
    ("DELETE", "/policies/drafts/x", None),
    ("POST", "/policies/drafts/x/backtest", {}),
    ("POST", "/policies/drafts/x/shadow", None),
    ("POST", "/policies/drafts/x/publish", {"note": "n", "revision": 1}),
    ("POST", "/policies/kinds/default/roll-back", {"note": "n"}),
    ("POST", "/policies/trials/x/stop", None),
    ("GET", "/policies/trials/x/samples/caught", None),
]


@pytest.mark.parametrize("role", ["reviewer", "auditor"])
async def test_who_only_reads_changes_nothing(office: Any, role: str) -> None:
    somebody = await office.enter("somebody", role)
    for path in ("/policies", "/policies/kinds/default", "/policies/kinds/default/publications"):
        assert (await somebody.call("GET", path)).status_code == 200
    for method, path, body in WRITES:
        assert (await somebody.call(method, path, body)).status_code == 403, path


async def test_another_tenants_drafts_and_trials_do_not_exist(office: Any, console_server: Any) -> None:
    from tests.server.console.conftest import Office

    lead = await office.enter("lea", "lead")
    draft = await drafted(lead, MILD)
    policy = (await published(lead, STRICT)).json()["policy"]
    elsewhere = Office(console_server)
    other = await elsewhere.enter("olga", "lead")
    assert (await other.call("GET", f"/policies/drafts/{draft['id']}")).status_code == 404
    assert (await other.call("POST", f"/policies/drafts/{draft['id']}/shadow")).status_code == 404
    assert (await other.call("GET", f"/policies/versions/{policy}")).status_code == 404
    assert (await other.call("GET", "/policies")).json()["drafts"] == []
    body = {"to": policy, "note": "n", "instead_of": ""}
    assert (await other.call("POST", "/policies/kinds/default/roll-back", body)).status_code == 404
    await elsewhere.close()


BAD = [
    ("/policies/drafts", {"source": "x" * 200_001}),
    ("/policies/drafts", {"source": "x\0"}),
    ("/policies/drafts", {"source": "x", "kind": "No Kind"}),
    ("/policies/drafts", {"source": "x", "more": 1}),
    ("/policies/kinds/default/roll-back", {"note": ""}),
    ("/policies/check", {"source": 1}),
]


@pytest.mark.parametrize(("path", "body"), BAD)
async def test_bad_input_is_refused_with_its_field(office: Any, path: str, body: dict[str, Any]) -> None:
    lead = await office.enter("lea", "lead")
    response = await lead.call("POST", path, body)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "bad_request")


async def _json(browser: Any, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await browser.call("GET", path)).json()
    return answer
