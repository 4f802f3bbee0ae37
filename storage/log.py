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
from sqlalchemy import Connection, func, insert, select, update

from policies.decision import Decision, Verdict
from storage import refusals
from storage import tables as t
from storage.bulk import Bulk, Insert
from storage.errors import NotFound
from storage.values import Appended, Case, Entry, Form, LogItem, Message

GENESIS = "0" * 64
WAITS_FOR_A_PERSON = (Verdict.FLAG, Verdict.HOLD)
_json = msgspec.json.Encoder().encode
_form = msgspec.json.Decoder(Form)
_body = msgspec.json.Decoder(dict[str, Any])


class PostedBody(msgspec.Struct, frozen=True):
    """What the log keeps of a post beside its words: enough to make every projection again."""

    client_id: str
    form: Form
    decision: Decision


class _Body(msgspec.Struct, frozen=True):
    """A PostedBody whose form is encoded already."""

    client_id: str
    form: msgspec.Raw
    decision: Decision


_posted = msgspec.json.Decoder(PostedBody)

_lock = Bulk(
    "SELECT c.tenant, c.id, c.last_seq, c.head FROM {rows} JOIN conversations c"
    " ON c.tenant = r.tenant AND c.id = r.id ORDER BY c.tenant, c.id {for_update}",
    "tenant id",
)
# ``n`` is the place of a row among those asked about.
_known = Bulk(
    "SELECT r.n, m.id, m.seq FROM {rows} JOIN members p"
    " ON p.tenant = r.tenant AND p.conversation = r.conversation AND p.participant = r.author AND p.left_seq IS NULL"
    " LEFT JOIN messages m ON m.tenant = r.tenant AND m.conversation = r.conversation AND m.author = r.author"
    " AND m.client_id = r.client_id",
    "n tenant conversation author client_id",
    numbers="n",
)
_answered = Bulk(
    "SELECT m.tenant, m.conversation, m.id FROM {rows} JOIN messages m"
    " ON m.tenant = r.tenant AND m.id = r.id AND m.conversation = r.conversation",
    "tenant conversation id",
)
_advance = Bulk(
    "UPDATE conversations SET last_seq = r.seq, head = r.head FROM {rows}"
    " WHERE conversations.tenant = r.tenant AND conversations.id = r.id",
    "tenant id seq head",
    numbers="seq",
)
_insert_events, _insert_messages = Insert(t.events), Insert(t.messages)
_insert_texts, _insert_items = Insert(t.texts), Insert(t.review_items)


def commit_to(salt: str, text: str) -> str:
    """The commitment under which a text enters the chain: SHA-256 of its salt and its UTF-8, in hexadecimal."""
    return hashlib.sha256(bytes.fromhex(salt) + text.encode()).hexdigest()


def link(head: str, *fields: str | int) -> str:
    """The next hash of a chain: SHA-256 over the last one and the event's fields, each behind its length in characters."""
    texts = [str(field) for field in fields]
    return hashlib.sha256((head + "".join([f"{len(text)}:{text}" for text in texts])).encode()).hexdigest()


def append_posts(connection: Connection, entries: Sequence[Entry]) -> list[Appended]:
    """Append messages in their order, all in the caller's transaction.

    An entry whose client id is known already is not appended again: it comes back ``repeated``, or as a ``conflict`` if
    its author chose other words this time. One whose author is no member, or that answers nothing, is ``missing`` it.
    Those that are ``refused`` take no number: they are kept for an appeal, unless one has ``pardoned`` these words already.
    """
    conversations = sorted({(entry.tenant, entry.conversation) for entry in entries if not entry.refused})
    heads: dict[tuple[str, str], list[Any]] = {
        (tenant, id): [seq, head] for tenant, id, seq, head in _lock.run(connection, conversations)
    }
    asked = [(n, e.tenant, e.conversation, e.author, e.client_id) for n, e in enumerate(entries)]
    known: dict[int, tuple[str | None, int]] = {n: (id, seq) for n, id, seq in _known.run(connection, asked)}
    replies = [(e.tenant, e.conversation, e.form.reply_to) for e in entries if e.form.reply_to and not e.refused]
    answered = set(_answered.run(connection, replies)) if replies else set()

    events: list[tuple[Any, ...]] = []
    messages: list[tuple[Any, ...]] = []
    texts: list[tuple[Any, ...]] = []
    items: list[tuple[Any, ...]] = []
    again: list[int] = []
    refused: list[int] = []
    new: dict[tuple[str, str, str, str], tuple[str, int]] = {}
    results: list[Appended] = []
    salts = os.urandom(16 * len(entries)).hex()
    for n, entry in enumerate(entries):
        tenant, conversation, author, text = entry.tenant, entry.conversation, entry.author, entry.text
        key = (tenant, conversation, author, entry.client_id)
        id, seq = new.get(key) or known.get(n, ("", 0))
        if id:
            again.append(n)
            results.append(Appended(seq, id, repeated=True))
            continue
        if entry.refused:
            refused.append(n)
            results.append(Appended(id=entry.id))
            continue
        if n not in known:
            results.append(Appended(missing="conversation"))
            continue
        if entry.form.reply_to and (tenant, conversation, entry.form.reply_to) not in answered:
            results.append(Appended(missing="reply_to"))
            continue
        head = heads[(tenant, conversation)]
        seq = head[0] + 1
        salt = salts[32 * n : 32 * n + 32]
        commitment = commit_to(salt, text)
        form = _json(entry.form)
        body = _json(_Body(entry.client_id, msgspec.Raw(form), entry.decision)).decode()
        hashed = link(head[1], tenant, conversation, seq, "posted", author, entry.at, entry.id, body, commitment)
        head[:] = seq, hashed
        new[key] = (entry.id, seq)
        events.append((tenant, conversation, seq, "posted", author, entry.at, entry.id, body, commitment, hashed))
        messages.append((tenant, entry.id, conversation, seq, author, entry.client_id, seq, seq, form.decode()))
        texts.append((tenant, entry.id, seq, salt, text))
        if entry.decision.verdict in WAITS_FOR_A_PERSON:
            items.append(_item_row(entry))
        results.append(Appended(seq, entry.id))

    if events:
        _advance.run(connection, [(*place, *head) for place, head in heads.items()])
        _insert_events.run(connection, events)
        _insert_messages.run(connection, messages)
        _insert_texts.run(connection, texts)
    if items:
        _insert_items.run(connection, items)
    if refused:
        for n in refusals.keep(connection, {n: entries[n] for n in refused}):
            results[n] = Appended(pardoned=True)
    for n in again:
        entry, first = entries[n], results[n]
        if not same(connection, entry.tenant, entry.conversation, first.seq, entry.text, entry.form):
            results[n] = Appended(first.seq, first.id, conflict=True)
    return results


def _item_row(entry: Entry) -> tuple[Any, ...]:
    decision, at = entry.decision, entry.at
    case = entry.case or Case(at, clauses=decision.clauses, policy=decision.policy, degraded=bool(decision.degraded))
    return (
        entry.tenant, entry.id, entry.conversation, "open", decision.verdict, 0, at,
        _json([decision.verdict]).decode(), entry.author, case.queue, case.severity, _json(case.categories).decode(),
        _json(case.clauses).decode(), case.language, case.policy, int(case.degraded), case.reach, 0, at, case.due_at, 1,
        None, 0, 0, None, 0, None, "",
    )  # fmt: skip


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
    encoded = _json(body).decode()
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


def find(connection: Connection, tenant: str, id: str) -> Message | None:
    """One message in its current form, wherever in the tenant it is."""
    row = connection.execute(
        select(*_of_message)
        .select_from(t.messages.outerjoin(t.texts, _words))
        .where(t.messages.c.tenant == tenant, t.messages.c.id == id)
    ).first()
    return None if row is None else _message(row)


def many(connection: Connection, tenant: str, ids: Sequence[str]) -> dict[str, Message]:
    """Messages in their current form, by id; those that are not there are left out."""
    rows = connection.execute(
        select(*_of_message)
        .select_from(t.messages.outerjoin(t.texts, _words))
        .where(t.messages.c.tenant == tenant, t.messages.c.id.in_(ids))
    )
    return {row.id: _message(row) for row in rows}


def taken_back(connection: Connection, tenant: str, current: Message) -> bool:
    """Whether the author of a message has retracted it, or had all their words erased."""
    c = t.events.c
    found = connection.execute(
        select(c.seq).where(
            c.tenant == tenant, c.conversation == current.conversation, c.message == current.id,
            c.seq > current.seq, c.kind.in_(("retracted", "erased")),
        ).limit(1)
    ).first()  # fmt: skip
    return found is not None


def by_client_id(
    connection: Connection, tenant: str, conversation: str, author: str, client_id: str
) -> tuple[str, int] | None:
    """The id and seq of what an author has already posted under a client id."""
    found = _known.run(connection, [(0, tenant, conversation, author, client_id)])
    return (found[0][1], found[0][2]) if found and found[0][1] else None


def posted(connection: Connection, tenant: str, conversation: str, seq: int) -> PostedBody:
    """What the log keeps of the post at ``seq``. Raises NotFound."""
    c = t.events.c
    body = connection.execute(
        select(c.body).where(c.tenant == tenant, c.conversation == conversation, c.seq == seq, c.kind == "posted")
    ).scalar()
    if body is None:
        raise NotFound("message")
    return _posted.decode(body)


def posted_body(body: str) -> PostedBody:
    """What a ``posted`` event tells beside the words."""
    return _posted.decode(body)


def same(connection: Connection, tenant: str, conversation: str, seq: int, text: str, form: Form) -> bool:
    """Whether the post at ``seq`` was of these words, answering the same message, with the same attachments."""
    c, e = t.texts.c, t.events.c
    row = connection.execute(
        select(e.body, e.commitment, c.salt)
        .select_from(
            t.events.outerjoin(t.texts, (c.tenant == e.tenant) & (c.message == e.message) & (c.revision == e.seq))
        )
        .where(e.tenant == tenant, e.conversation == conversation, e.seq == seq)
    ).one()
    was = _posted.decode(row.body).form
    # Of words that were erased only the commitment is left, and without the salt it tells nothing: taken for the same.
    words = row.salt is None or commit_to(row.salt, text) == row.commitment
    return words and (was.reply_to, was.attachments) == (form.reply_to, form.attachments)


def lock(connection: Connection, tenant: str, conversation: str) -> None:
    """Keep every other node from this conversation until the transaction ends. Raises NotFound.

    First in a transaction that looks before it appends: what it has seen then still holds, and nobody waits in a circle.
    """
    next_seq(connection, tenant, conversation)


def next_seq(connection: Connection, tenant: str, conversation: str) -> int:
    """The seq that the next event of this transaction will have; the conversation is locked until its end. Raises NotFound."""
    where = (t.conversations.c.tenant == tenant) & (t.conversations.c.id == conversation)
    last = connection.execute(select(t.conversations.c.last_seq).where(where).with_for_update()).scalar()
    if last is None:
        raise NotFound("conversation")
    return int(last) + 1


def change(
    connection: Connection, tenant: str, current: Message, kind: str, actor: str, at: int, form: Form,
    text: str | None = None, decision: Decision | None = None, received_by: Sequence[str] = (),
) -> LogItem:  # fmt: skip
    """Append a change of a message and fold it into its projection; the item as it now stands in the log.

    New words come with the ``decision`` about them, and so does a late verdict, with who had received the message by then.
    """
    body = {"form": msgspec.to_builtins(form)}
    if decision is not None:
        body["decision"] = msgspec.to_builtins(decision)
    if received_by:
        body["received_by"] = list(received_by)
    seq = append(
        connection, tenant, current.conversation, kind, actor, at, body, message=current.id, text=text
    )  # fmt: skip
    revision = current.revision if text is None else seq
    connection.execute(
        update(t.messages)
        .where(t.messages.c.tenant == tenant, t.messages.c.id == current.id)
        .values(version=seq, revision=revision, form=_json(form).decode())
    )
    changed = Message(
        id=current.id, conversation=current.conversation, seq=current.seq, author=current.author,
        text=current.text if text is None else text, revision=revision, version=seq, form=form,
    )  # fmt: skip
    return LogItem(seq, kind, actor, at, changed, {})


def note(connection: Connection, tenant: str, current: Message, kind: str, at: int, decision: Decision) -> LogItem:
    """Append a decision about a message that changes nothing in what its readers see."""
    body = {"decision": msgspec.to_builtins(decision)}
    seq = append(connection, tenant, current.conversation, kind, "", at, body, message=current.id)
    return LogItem(seq, kind, "", at, current, {})


def broken_link(connection: Connection, tenant: str, conversation: str) -> int:
    """The ``seq`` of the first event that does not fit the chain, or 0 when the whole chain holds.

    Words that were erased do not break it; words that were altered do.
    """
    head = GENESIS
    expected = 1
    here = (t.conversations.c.tenant == tenant) & (t.conversations.c.id == conversation)
    end = select(t.conversations.c.last_seq, t.conversations.c.head).where(here)
    # Where it ends is read first: what it tells of is there by now, and what is added meanwhile is no fault.
    last = connection.execute(end).one()
    theirs = (t.events.c.tenant == tenant) & (t.events.c.conversation == conversation)
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
        .where(theirs, t.events.c.seq <= last.last_seq)
        .order_by(t.events.c.seq)
    )
    for row in rows:
        head = link(head, tenant, conversation, row.seq, row.kind, row.actor, row.at, row.message or "", row.body,
                    row.commitment or "")  # fmt: skip
        words_fit = row.text is None or commit_to(row.salt, row.text) == row.commitment
        if row.seq != expected or row.hash != head or not words_fit:
            return int(row.seq)
        expected += 1
    if (last.last_seq, last.head) != (expected - 1, head):
        return expected
    newest = connection.execute(select(func.max(t.events.c.seq)).where(theirs)).scalar() or 0
    return 0 if newest <= connection.execute(end).one().last_seq else expected


def _message(row: Any) -> Message:
    return Message(row.id, row.conversation, row.message_seq, row.author, row.text or "", row.revision, row.version,
                   _form.decode(row.form))  # fmt: skip


def _item(row: Any) -> LogItem:
    about = _message(row) if row.id is not None else None
    return LogItem(row.seq, row.kind, row.actor, row.at, about, {} if about else _body.decode(row.body))
