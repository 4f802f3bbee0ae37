"""Suggested replies without a chat: the answer to one line, for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from moderation.engine import Engine
from moderation.suggestions.suggester import Suggester
from policies.policy import Policy
from rules.types import Role, Setting
from server.check import ErrorView, Failed

DIGITS = 4  # of a confidence


class Asked(msgspec.Struct, frozen=True):
    """A message that somebody of ``role`` wrote, to be answered by the other side."""

    text: str
    id: str | int | None = None
    role: Role = Role.BUYER
    lang: str | None = None


class SuggestionView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A chip; ``action`` only where it does something else than fill the composer."""

    id: str
    text: str
    stance: str
    action: str = ""


class IntentView(msgspec.Struct, frozen=True):
    """Something the message may want, and how likely that is."""

    intent: str
    confidence: float


class Suggested(msgspec.Struct, frozen=True):
    """The answer to one line. ``intents`` holds the likeliest three; ``silent`` means that nothing is offered."""

    id: str | int | None
    lang: str
    intent: str
    confidence: float
    silent: bool
    suggestions: list[SuggestionView]
    intents: list[IntentView]


_lines = msgspec.json.Decoder(Asked)


def suggest_lines(
    lines: Iterable[bytes], suggester: Suggester, engine: Engine, policy: Policy
) -> Iterator[Suggested | Failed]:
    """One answer a line, in their order. A broken line gets an error and the rest goes on."""
    for number, raw in enumerate(lines, 1):
        try:
            asked = _lines.decode(raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw)
        except msgspec.ValidationError as problem:
            yield Failed(number, ErrorView("bad_request", f"line {number}: {problem}."))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield Failed(number, ErrorView("bad_json", f"line {number}: The line is not valid JSON in UTF-8."))
        else:
            yield suggest(asked, suggester, engine, policy)


def suggest(asked: Asked, suggester: Suggester, engine: Engine, policy: Policy) -> Suggested:
    """The answer to one line: judged as a chat would first, for none is offered to a message flagged for harm."""
    reader = Role.SELLER if asked.role is Role.BUYER else Role.BUYER
    setting = Setting(sender=asked.role, audience=frozenset({reader}), language=asked.lang)
    decision = engine.judge(asked.text, setting, policy).decision
    found = suggester.suggest(asked.text, asked.role, reader, setting, lang=asked.lang, decision=decision)
    return Suggested(
        id=asked.id,
        lang=found.lang,
        intent=found.intent,
        confidence=round(found.confidence, DIGITS),
        silent=found.silent,
        suggestions=[SuggestionView(one.id, one.text, one.stance, one.action) for one in found.suggestions],
        intents=[IntentView(intent, round(chance, DIGITS)) for intent, chance in found.intents],
    )
