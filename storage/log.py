"""The append-only log of each conversation: who may number, how events are chained, and how they are read back.

``seq`` and the head of the hash chain come from the conversation's row under its lock, in the transaction that inserts:
a sequence taken anywhere else is seen out of order by readers (it is given at insert, but seen at commit).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from storage import tables as t
from storage.bulk import Bulk
from storage.errors import NotFound
from storage.values import Appended, Entry, Form, LogItem, Message

GENESIS = "0" * 64
_json = msgspec.json.Encoder(order="deterministic")
_form = msgspec.json.Decoder(Form)
_body = msgspec.json.Decoder(dict[str, Any])

_lock = Bulk("SELECT c.tenant, c.id, c.last_seq, c.head FROM {rows} JOIN conversations c"
             " ON c.tenant = r.value ->> 0 AND c.id = r.value ->> 1 ORDER BY c.tenant, c.id {for_update_of_c}")  # fmt: skip
_known = Bulk("SELECT m.tenant, m.conversation, m.author, m.client_id, m.id, m.seq, m.digest FROM {rows} JOIN messages m"
              " ON m.tenant = r.value ->> 0 AND m.conversation = r.value ->> 1 AND m.author = r.value ->> 2"
              " AND m.client_id = r.value ->> 3")  # fmt: skip
_advance = Bulk("UPDATE conversations SET last_seq = CAST(r.value ->> 2 AS BIGINT), head = r.value ->> 3 FROM {rows}"
                " WHERE conversations.tenant = r.value ->> 0 AND conversations.id = r.value ->> 1")  # fmt: skip
_insert = {table.name: Bulk.insert(table) for table in (t.events, t.messages, t.texts, t.decisions, t.review_items)}


def commit_to(salt: str, text: str) -> str:
    """The commitment under which a text enters the chain: SHA-256 of its salt and its UTF-8, in hexadecimal."""
    return hashlib.sha256(bytes.fromhex(salt) + text.encode()).hexdigest()


def link(head: str, *fields: str | int) -> str:
    """The next hash of a chain: SHA-256 over the last one and the event's fields, each behind its length."""
    parts = [head.encode()]
    for field in fields:
        raw = str(field).encode()
        parts += (len(raw).to_bytes(4, "big"), raw)
    return hashlib.sha256(b"".join(parts)).hexdigest()


def append_posts(connection: Connection, entries: Sequence[Entry]) -> list[Appended]:
    """Append messages in their order, all in the caller's transaction.

    An entry whose client id is known already is not appended again: it comes back ``repeated``, or as a ``conflict`` if its
    digest differs. Raises NotFound when a conversation does not exist.
    """
    conversations = sorted({(entry.tenant, entry.conversation) for entry in entries})
    heads: dict[tuple[str, str], list[Any]] = {
        (row.tenant, row.id): [row.last_seq, row.head] for row in _lock.run(connection, conversations)
    }
    if len(heads) < len(conversations):
        raise NotFound("conversation")
    known = {
        (row.tenant, row.conversation, row.author, row.client_id): (row.id, row.seq, row.digest)
        for row in _known.run(connection, [(e.tenant, e.conversation, e.author, e.client_id) for e in entries])
    }

    events, messages, texts, decisions, items = [], [], [], [], []
    results: list[Appended] = []
    salts = os.urandom(16 * len(entries)).hex()
    for n, entry in enumerate(entries):
        place = (entry.tenant, entry.conversation)
        key = (*place, entry.author, entry.client_id)
        if key in known:
            message, seq, digest = known[key]
            results.append(Appended(seq, message, repeated=digest == entry.digest, conflict=digest != entry.digest))
            continue
        head = heads[place]
        seq = head[0] + 1
        salt = salts[32 * n : 32 * n + 32]
        commitment = commit_to(salt, entry.text)
        form = _json.encode(entry.form).decode()
        body = _json.encode({"client_id": entry.client_id, "digest": entry.digest, "form": entry.form}).decode()
        hashed = link(head[1], *place, seq, "posted", entry.author, entry.at, entry.id, body, commitment)
        head[:] = seq, hashed
        known[key] = (entry.id, seq, entry.digest)
        verdict = entry.decision.verdict
        events.append((*place, seq, "posted", entry.author, entry.at, entry.id, body, commitment, hashed))
        messages.append((entry.tenant, entry.id, entry.conversation, seq, entry.author, entry.client_id,
                         entry.digest, seq, seq, form))  # fmt: skip
        texts.append((entry.tenant, entry.id, seq, salt, entry.text))
        decisions.append((entry.tenant, entry.id, seq, entry.conversation, entry.author, entry.at, verdict,
                          _json.encode(entry.decision).decode()))  # fmt: skip
        if verdict in ("flag", "hold"):
            items.append((entry.tenant, entry.id, entry.conversation, "open", verdict, 0, entry.at))
        results.append(Appended(seq, entry.id))

    if events:
        _advance.run(connection, [(*key, *head) for key, head in heads.items()])
        for name, rows in (("events", events), ("messages", messages), ("texts", texts), ("decisions", decisions),
                           ("review_items", items)):  # fmt: skip
            if rows:
                _insert[name].run(connection, rows)
    return results


def append(
    connection: Connection, tenant: str, conversation: str, kind: str, actor: str, at: int, body: dict[str, Any],
    *, message: str | None = None, text: str | None = None,
) -> int:  # fmt: skip
    """Append one event of any other kind in the caller's transaction; its ``seq``.

    ``text`` stores new words of ``message`` under the event's seq as their revision. Raises NotFound.
    """
    where = (t.conversations.c.tenant == tenant) & (t.conversations.c.id == conversation)
    row = connection.execute(
        select(t.conversations.c.last_seq, t.conversations.c.head).where(where).with_for_update()
    ).first()
    if row is None:
        raise NotFound("conversation")
    seq = row.last_seq + 1
    commitment = None
    if text is not None:
        salt = os.urandom(16).hex()
        commitment = commit_to(salt, text)
        connection.execute(insert(t.texts).values(tenant=tenant, message=message, revision=seq, salt=salt, text=text))
    encoded = _json.encode(body).decode()
    hashed = link(row.head, tenant, conversation, seq, kind, actor, at, message or "", encoded, commitment or "")
    connection.execute(
        insert(t.events).values(
            tenant=tenant, conversation=conversation, seq=seq, kind=kind, actor=actor, at=at, message=message,
            body=encoded, commitment=commitment, hash=hashed,
        )
    )  # fmt: skip
    connection.execute(update(t.conversations).where(where).values(last_seq=seq, head=hashed))
    return int(seq)


_of_message = (
    t.messages.c.id, t.messages.c.conversation, t.messages.c.seq.label("message_seq"), t.messages.c.author,
    t.texts.c.text, t.messages.c.revision, t.messages.c.version, t.messages.c.form,
)  # fmt: skip
_words = (
    (t.texts.c.tenant == t.messages.c.tenant)
    & (t.texts.c.message == t.messages.c.id)
    & (t.texts.c.revision == t.messages.c.revision)
)
_items = select(
    t.events.c.seq, t.events.c.kind, t.events.c.actor, t.events.c.at, t.events.c.body, *_of_message
).select_from(
    t.events.outerjoin(
        t.messages, (t.messages.c.tenant == t.events.c.tenant) & (t.messages.c.id == t.events.c.message)
    ).outerjoin(t.texts, _words)
)


def since(connection: Connection, tenant: str, conversation: str, after: int, limit: int) -> list[LogItem]:
    """The events after a ``seq``, oldest first, at most ``limit``; messages in their current form."""
    rows = connection.execute(
        _items.where(
            t.events.c.tenant == tenant, t.events.c.conversation == conversation, t.events.c.seq > after
        ).order_by(t.events.c.seq).limit(limit)
    )  # fmt: skip
    return [_item(row) for row in rows]


def before(connection: Connection, tenant: str, conversation: str, seq: int, limit: int) -> list[LogItem]:
    """The last ``limit`` events before a ``seq`` (0: the newest), oldest first; messages in their current form."""
    query = _items.where(t.events.c.tenant == tenant, t.events.c.conversation == conversation)
    if seq:
        query = query.where(t.events.c.seq < seq)
    rows = connection.execute(query.order_by(t.events.c.seq.desc()).limit(limit)).all()
    return [_item(row) for row in reversed(rows)]


def message(connection: Connection, tenant: str, conversation: str, id: str) -> Message:
    """One message in its current form. Raises NotFound."""
    row = connection.execute(
        select(*_of_message)
        .select_from(t.messages.outerjoin(t.texts, _words))
        .where(t.messages.c.tenant == tenant, t.messages.c.conversation == conversation, t.messages.c.id == id)
    ).first()
    if row is None:
        raise NotFound("message")
    return _message(row)


class Known(msgspec.Struct, frozen=True):
    """A message found by its author's own id for it."""

    id: str
    seq: int
    digest: str


def by_client_id(connection: Connection, tenant: str, conversation: str, author: str, client_id: str) -> Known | None:
    """What an author has already posted under a client id."""
    c = t.messages.c
    row = connection.execute(
        select(c.id, c.seq, c.digest).where(
            c.tenant == tenant, c.conversation == conversation, c.author == author, c.client_id == client_id
        )
    ).first()
    return None if row is None else Known(row.id, row.seq, row.digest)


def next_seq(connection: Connection, tenant: str, conversation: str) -> int:
    """The seq that the next event of this transaction will have; the conversation is locked until its end. Raises NotFound."""
    where = (t.conversations.c.tenant == tenant) & (t.conversations.c.id == conversation)
    last = connection.execute(select(t.conversations.c.last_seq).where(where).with_for_update()).scalar()
    if last is None:
        raise NotFound("conversation")
    return int(last) + 1


def change(
    connection: Connection, tenant: str, current: Message, kind: str, actor: str, at: int, form: Form,
    text: str | None = None,
) -> LogItem:  # fmt: skip
    """Append a change of a message and fold it into its projection; the item as it now stands in the log."""
    body = {"form": msgspec.to_builtins(form)}
    seq = append(
        connection, tenant, current.conversation, kind, actor, at, body, message=current.id, text=text
    )  # fmt: skip
    revision = current.revision if text is None else seq
    connection.execute(
        update(t.messages)
        .where(t.messages.c.tenant == tenant, t.messages.c.id == current.id)
        .values(version=seq, revision=revision, form=_json.encode(form).decode())
    )
    changed = Message(
        id=current.id, conversation=current.conversation, seq=current.seq, author=current.author,
        text=current.text if text is None else text, revision=revision, version=seq, form=form,
    )  # fmt: skip
    return LogItem(seq, kind, actor, at, changed, {})


def broken_link(connection: Connection, tenant: str, conversation: str) -> int:
    """The ``seq`` of the first event that does not fit the chain, or 0 when the whole chain holds.

    Words that were erased do not break it; words that were altered do.
    """
    head = GENESIS
    expected = 1
    rows = connection.execute(
        select(t.events, t.texts.c.salt, t.texts.c.text)
        .select_from(
            t.events.outerjoin(
                t.texts,
                (t.texts.c.tenant == t.events.c.tenant)
                & (t.texts.c.message == t.events.c.message)
                & (t.texts.c.revision == t.events.c.seq),
            )
        )
        .where(t.events.c.tenant == tenant, t.events.c.conversation == conversation)
        .order_by(t.events.c.seq)
    )
    for row in rows:
        head = link(head, tenant, conversation, row.seq, row.kind, row.actor, row.at, row.message or "", row.body,
                    row.commitment or "")  # fmt: skip
        words_fit = row.text is None or commit_to(row.salt, row.text) == row.commitment
        if row.seq != expected or row.hash != head or not words_fit:
            return int(row.seq)
        expected += 1
    return 0


def _message(row: Any) -> Message:
    return Message(row.id, row.conversation, row.message_seq, row.author, row.text or "", row.revision, row.version,
                   _form.decode(row.form))  # fmt: skip


def _item(row: Any) -> LogItem:
    about = _message(row) if row.id is not None else None
    return LogItem(row.seq, row.kind, row.actor, row.at, about, {} if about else _body.decode(row.body))
