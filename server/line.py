"""One line of a file of messages to judge, as told in docs/command-line.md."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from rules.types import Role, Setting, Stage, Utterance

_Line = TypeVar("_Line", bound="Line")


class Said(msgspec.Struct, frozen=True):
    """One of several messages. ``author`` is written ``from``."""

    text: str
    author: str = msgspec.field(name="from", default="")


class Line(msgspec.Struct, frozen=True):
    """A message in its circumstances: ``text``, or ``messages`` of which the last is judged."""

    id: str | int | None = None
    text: str | None = None
    messages: list[Said] | None = None
    listing: str | None = None
    stage: Stage | None = None
    sender: Role | None = None
    lang: str | None = None

    @property
    def judged(self) -> str:
        """The text that is judged."""
        return self.messages[-1].text if self.messages else self.text or ""

    @property
    def setting(self) -> Setting:
        """What a rule or clause may know of it."""
        said = self.messages or []
        return Setting(
            author=said[-1].author if said else "",
            sender=self.sender or Role.BUYER,
            listing=self.listing,
            stage=self.stage or Stage.ENQUIRY,
            language=self.lang,
            recent=tuple(Utterance(one.author, one.text) for one in said[:-1]),
        )


class BrokenLine(ValueError):
    """A line that cannot be judged. ``code`` is ``bad_json`` or ``bad_request``."""

    def __init__(self, number: int, code: str, problem: str) -> None:
        super().__init__(number, code, problem)
        self.number, self.code, self.problem = number, code, problem

    def __str__(self) -> str:
        return f"line {self.number}: {self.problem}"


def read(raw: bytes, number: int, decoder: msgspec.json.Decoder[_Line]) -> _Line:
    """The line that ``raw`` holds. Raises BrokenLine, which names ``number``."""
    if number == 1:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    if not raw.strip():
        raise BrokenLine(number, "bad_json", "The line is empty.")
    try:
        line = decoder.decode(raw)
    except msgspec.ValidationError as problem:
        raise BrokenLine(number, "bad_request", f"{problem}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BrokenLine(number, "bad_json", "The line is not valid JSON in UTF-8.") from None
    except RecursionError:
        raise BrokenLine(number, "bad_json", "The line is nested too deeply.") from None
    if (line.text is None) == (not line.messages):
        raise BrokenLine(number, "bad_request", "A line has either text or messages.")
    return line
