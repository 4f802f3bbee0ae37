"""``tertulia suggest --jsonl``, run as people run it."""

import json
from typing import Any

from click.testing import CliRunner

from server.cli import main

FIELDS = ["id", "lang", "intent", "confidence", "silent", "suggestions", "intents"]


def answers(*lines: str) -> list[dict[str, Any]]:
    ran = CliRunner().invoke(main, ["suggest", "--jsonl", "-"], input="".join(f"{line}\n" for line in lines))
    assert ran.exit_code == 0, ran.output
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_every_line_gets_its_answer_in_order() -> None:
    (first, second) = answers(
        '{"id": "a", "text": "hola, sigue disponible?", "role": "buyer"}',
        '{"id": 2, "text": "are you still interested in it?", "role": "seller", "lang": "en"}',
    )
    assert list(first) == list(second) == FIELDS
    assert (first["id"], first["lang"], first["intent"], first["silent"]) == ("a", "es", "availability", False)
    assert {"id": "availability.yes", "text": "Sí, sigue disponible.", "stance": "affirm"} in first["suggestions"]
    assert (second["id"], second["lang"], len(second["intents"])) == (2, "en", 3)


def test_suggestions_are_for_the_other_side() -> None:
    (asked, told) = answers(
        '{"id": 1, "text": "sigue disponible?", "role": "buyer"}',
        '{"id": 2, "text": "sigue disponible?", "role": "seller"}',
    )
    assert {one["id"] for one in asked["suggestions"]} & {one["id"] for one in told["suggestions"]} == set()
    assert told["suggestions"]


def test_nothing_is_offered_to_what_wants_nothing_or_does_harm() -> None:
    (nothing, harm) = answers(
        '{"id": 1, "text": "qué calor hace hoy", "role": "buyer"}',
        '{"id": 2, "text": "sigue disponible, hijo de puta?", "role": "buyer"}',
    )
    for answer in (nothing, harm):
        assert answer["silent"] is True
        assert answer["suggestions"] == []


def test_the_way_to_the_brand_says_that_it_is_an_action() -> None:
    (answer,) = answers('{"text": "I want to talk to a person from the platform", "role": "buyer"}')
    assert answer["id"] is None
    assert answer["suggestions"][-1] == {
        "id": "heat.invite", "text": "Invite the brand", "stance": "invite", "action": "invite",
    }  # fmt: skip


def test_a_broken_line_is_named_and_the_rest_goes_on() -> None:
    (broken, wrong, missing, good) = answers("{", '{"text": "hi", "role": "king"}', '{"id": 1}', '{"text": "hi"}')
    assert broken["error"]["code"] == "bad_json"
    assert broken["line"] == 1
    assert wrong["error"]["code"] == missing["error"]["code"] == "bad_request"
    assert missing["line"] == 3
    assert good["intent"] == "greeting"
