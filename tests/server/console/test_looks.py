"""What staff looks at leaves a trace, and what is severe counts for their hour."""

from __future__ import annotations

from typing import Any

from tests.platform import Platform


async def test_who_opens_an_item_is_noted_once_and_a_severe_one_counts(office: Any) -> None:
    shop = Platform(office.server.url, office.server.ws_url, office.api_key)
    conversation = await shop.open("ana:buyer", "luis:seller")
    luis = await shop.connect("luis", "seller")
    first, second = [(await luis.post(conversation, f"te voy a matar{end}"))["id"] for end in ("", ", lo juro")]
    boss, eva = await office.enter("boss", "admin"), await office.enter("eva")
    settings = (await boss.call("GET", "/review/settings")).json() | {"severe_an_hour": 1}
    assert (await boss.call("PUT", "/review/settings", settings)).is_success
    for _ in range(2):
        assert (await eva.call("GET", f"/review/items/{first}")).is_success
    assert (await eva.call("GET", f"/review/items/{first}/context?around=50")).is_success
    entries = (await boss.call("GET", "/audit?act=item&actor=staff:eva")).json()["entries"]
    assert [(one["act"], one["subject"], one["detail"]) for one in entries] == [
        ("item.context", first, {"around": 50}), ("item.read", first, {}),
    ]  # fmt: skip
    after = (await eva.call("POST", "/review/next", {})).json()
    assert (after["budget_left"], after["withheld"]) == (0, 2), second
    await shop.leave()
