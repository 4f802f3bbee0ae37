"""What each reader may see of an event: one pure decision for live frames, history, resume and export alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from desk.consent import agent_may_read
from policies.decision import Decision, Mask, Verdict
from policies.policy import Action, Reason
from realtime.protocol import (
    Attachment,
    Changed,
    Hidden,
    Invitation,
    InvitationView,
    Joined,
    Left,
    LogEvent,
    Person,
    Posted,
    SettingChanged,
)
from rules.types import Role, Stage
from storage.values import LogItem, StoredInvitation

COVER = "█"
Reasons = Callable[[Decision, str], tuple[Reason, ...]]  # what a decision tells an author, in a language


class Reader(msgspec.Struct, frozen=True):
    """Somebody who reads: ``invitation`` is the conversation's latest, which bounds what an agent sees.

    ``sees_all`` is for the platform itself: nothing held back, nothing covered; what was removed stays removed.
    """

    id: str
    role: Role
    lang: str
    invitation: StoredInvitation | None = None
    sees_all: bool = False


def visible_to(conversation: str, item: LogItem, reader: Reader, reasons: Reasons) -> LogEvent:
    """The event that ``reader`` receives for ``item``; Hidden where nothing of it is theirs to see, so that seq stays dense."""
    match item.kind:
        case "flagged" | "dropped":
            return Hidden(conversation, item.seq)  # between the engine and the staff
        case "joined":
            person = Person(item.actor, item.body["name"], Role(item.body["role"]))
            return Joined(conversation, item.seq, item.at, person)
        case "left":
            return Left(conversation, item.seq, item.at, item.actor, item.body["by"])
        case "setting":
            body = item.body
            return SettingChanged(conversation, item.seq, item.at, body["title"], Stage(body["stage"]), body["listing"])
        case "invitation":
            invitation = msgspec.convert(item.body["invitation"], StoredInvitation)
            return Invitation(conversation, item.seq, item.at, invitation_view(invitation, reader))
    return _message_event(conversation, item, reader, reasons)


def uniform(item: LogItem) -> bool:
    """Whether every member who can read the conversation's present sees ``item`` alike: then one frame serves all."""
    if item.kind == "posted" and item.message is not None:
        return item.message.form.state == "visible" and not item.message.form.masks and not item.message.form.clauses
    return item.kind in ("joined", "left", "setting")


def invitation_view(invitation: StoredInvitation, reader: Reader) -> InvitationView:
    """An invitation as ``reader`` may see it: its note is for the inviter and for agents."""
    private = reader.role is Role.AGENT or reader.id == invitation.by
    return InvitationView(
        id=invitation.id, conversation=invitation.conversation, state=invitation.state, by=invitation.by,
        topic=invitation.topic, at=invitation.created_at, note=invitation.note if private else "",
        agent=invitation.agent, agent_name=invitation.agent_name, joined_at=invitation.joined_at,
        left_at=invitation.left_at, consents=invitation.consents,
    )  # fmt: skip


def masked(text: str, masks: tuple[Mask, ...], role: Role) -> str:
    """``text`` with what readers of ``role`` may not see covered, one sign a character."""
    pieces: list[str] = []
    at = 0
    for mask in sorted(masks, key=lambda mask: mask.start):
        if mask.audience and role not in mask.audience:
            continue
        start, end = max(mask.start, at), max(mask.end, at)
        pieces += (text[at:start], COVER * (end - start))
        at = end
    return "".join(pieces) + text[at:]


def _message_event(conversation: str, item: LogItem, reader: Reader, reasons: Reasons) -> LogEvent:
    message = item.message
    if message is None:
        return Hidden(conversation, item.seq)
    form, mine = message.form, message.author == reader.id
    superseded = item.kind != "posted" and message.version > item.seq
    # Who has a message that is held back now is told to put it away; to all others it is as if it had never come.
    withdrawn = item.kind == "held" and form.state == "held" and not mine
    unshared = reader.role is Role.AGENT and not agent_may_read(
        reader.invitation, reader.id, message.author, message.seq
    )
    held_back = unshared or (not mine and not withdrawn and (form.state == "held" or form.unseen))
    if superseded or (held_back and not reader.sees_all):
        return Hidden(conversation, item.seq)

    removed = form.state == "removed" or (withdrawn and not reader.sees_all)
    text, state = message.text, "removed" if removed else form.state
    told: tuple[Reason, ...] = ()
    if mine and form.clauses and (not removed or form.verdict is Verdict.BLOCK):
        decision = Decision(form.verdict, "", clauses=form.clauses)
        told = reasons(decision, reader.lang)
        if removed:
            # What is gone cannot be put right, only appealed against.
            told = tuple(msgspec.structs.replace(reason, action=Action.APPEAL) for reason in told)
    if removed:
        text = ""
    elif form.masks and form.state == "visible":
        covered = masked(text, form.masks, reader.role)
        if mine or covered != text:
            state = "masked"
        text = text if mine or reader.sees_all else covered
    fields: dict[str, Any] = {
        "conversation": conversation, "seq": item.seq, "id": message.id, "author": message.author, "role": form.role,
        "text": text, "at": form.at, "version": message.version, "state": state, "reply_to": form.reply_to,
        "attachments": [] if removed else [msgspec.convert(one, Attachment) for one in form.attachments],
        "reactions": {} if removed else form.reactions, "edited_at": form.edited_at, "reasons": list(told),
    }  # fmt: skip
    if item.kind == "posted":
        return Posted(**fields)
    change = "removed" if withdrawn and removed else item.kind
    return Changed(**fields, message_seq=message.seq, change=change)
