"""A conversation's log as lines that anybody can verify without us: JSON, one event a line, under its hash chain.

The first line names the conversation, the last one how many events there are and the last hash. Words come with the salt of
their commitment, and only in the form in which the platform may still see them: what was edited since, taken back, removed or
erased is not there, and the chain holds all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, and_, select

from storage import log
from storage import tables as t
from storage.errors import NotFound
from storage.values import Form

T = TypeVar("T")
FORMAT = "tertulia transcript 1"
_form = msgspec.json.Decoder(Form)
_encode = msgspec.json.Encoder().encode


class Beginning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which conversation it is."""

    format: str
    tenant: str
    conversation: str


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One event. ``body`` is JSON exactly as it was hashed; ``salt`` and ``text`` are there where words may be seen."""

    seq: int
    kind: str
    actor: str
    at: int
    message: str
    body: str
    commitment: str
    hash: str
    salt: str = ""
    text: str | None = None


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many events there were, and the last hash."""

    events: int
    head: str


class Verified(msgspec.Struct, frozen=True):
    """A transcript that holds. ``withheld`` counts the words that are not in it, of all the ``words`` that there ever were."""

    tenant: str
    conversation: str
    events: int
    head: str
    words: int
    withheld: int


class Broken(ValueError):
    """A transcript that does not hold. ``line`` counts from 1; ``seq`` is the event's, 0 where it is about none."""

    def __init__(self, line: int, seq: int, problem: str) -> None:
        super().__init__(line, seq, problem)
        self.line, self.seq, self.problem = line, seq, problem

    def __str__(self) -> str:
        return f"line {self.line}{f', event {self.seq}' if self.seq else ''}: {self.problem}"


_beginning, _line, _end = msgspec.json.Decoder(Beginning), msgspec.json.Decoder(Line), msgspec.json.Decoder(End)


def export(connection: Connection, tenant: str, conversation: str) -> Iterator[bytes]:
    """The lines, without their ends. Raises NotFound."""
    c, e, m, w = t.conversations.c, t.events.c, t.messages.c, t.texts.c
    last = connection.execute(
        select(c.last_seq, c.head).where(c.tenant == tenant, c.id == conversation)
    ).first()  # fmt: skip
    if last is None:
        raise NotFound("conversation")
    yield _encode(Beginning(FORMAT, tenant, conversation))
    words = and_(w.tenant == e.tenant, w.message == e.message, w.revision == e.seq)
    rows = connection.execution_options(yield_per=500).execute(
        select(t.events, w.salt, w.text, m.revision, m.form)
        .select_from(
            t.events.outerjoin(t.texts, words).outerjoin(
                t.messages, and_(m.tenant == e.tenant, m.id == e.message)
            )
        )
        # What is written meanwhile belongs to another transcript.
        .where(e.tenant == tenant, e.conversation == conversation, e.seq <= last.last_seq)
        .order_by(e.seq)
    )  # fmt: skip
    for row in rows:
        seen = row.text is not None and row.revision == row.seq and _form.decode(row.form).state != "removed"
        yield _encode(
            Line(
                row.seq, row.kind, row.actor, row.at, row.message or "", row.body, row.commitment or "", row.hash,
                row.salt if seen else "", row.text if seen else None,
            )
        )  # fmt: skip
    yield _encode(End(last.last_seq, last.head))


def verify(lines: Iterable[bytes], head: str = "") -> Verified:
    """Follow the chain of a transcript, without any database. Raises Broken with the first line that does not fit.

    ``head``, kept elsewhere, also finds one that was written anew from some place on, or that was cut off with care.
    """
    numbered = enumerate(lines, 1)
    number, first = next(numbered, (1, b""))
    beginning = _decoded(_beginning, first, number, 0)
    if beginning.format != FORMAT:
        raise Broken(number, 0, f"this is no {FORMAT}")
    hashed, seq, words, withheld, end = log.GENESIS, 0, 0, 0, None
    for number, line in numbered:
        if end is not None:
            raise Broken(number, 0, "there is something behind the end")
        if line.startswith(b'{"events"'):
            end = _decoded(_end, line, number, 0)
            if (end.events, end.head) != (seq, hashed):
                raise Broken(number, 0, "the end does not fit what comes before it")
            continue
        event = _decoded(_line, line, number, seq + 1)
        hashed = log.link(hashed, beginning.tenant, beginning.conversation, event.seq, event.kind, event.actor,
                          event.at, event.message, event.body, event.commitment)  # fmt: skip
        if event.seq != seq + 1 or event.hash != hashed:
            raise Broken(number, seq + 1, "it does not follow from the one before")
        if event.text is not None and _commitment(event) != event.commitment:
            raise Broken(number, event.seq, "the words are not those that were said")
        if event.text is None and event.salt:
            raise Broken(number, event.seq, "there is a salt without its words")
        seq += 1
        words += bool(event.commitment)
        withheld += bool(event.commitment) and event.text is None
    if end is None:
        raise Broken(number + 1, 0, "the end is missing")
    if head and head != hashed:
        raise Broken(number, 0, f"the last hash is {hashed} and not the one that was kept")
    return Verified(beginning.tenant, beginning.conversation, seq, hashed, words, withheld)


def _commitment(event: Line) -> str:
    try:
        written = bytes.fromhex(event.salt).hex() == event.salt
    except ValueError:
        written = False
    return log.commit_to(event.salt, event.text or "") if written else ""


def _decoded(decoder: msgspec.json.Decoder[T], line: bytes, number: int, seq: int) -> T:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Broken(number, seq, "this is not what a transcript consists of") from None
