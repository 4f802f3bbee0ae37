"""What a person of the staff can do about a message and its author: the acts as values, and what they make of a message's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from policies.decision import Mask as Cover
from policies.decision import Verdict
from storage.values import Form

UNDO_MS = 30_000  # an act can be taken back for this long
SPANS = 50  # that one act covers, at most
HOURS = 24 * 365 * 5

Hours = Annotated[int, Meta(ge=1, le=HOURS)]


class Act(Struct, frozen=True, forbid_unknown_fields=True, tag_field="act"):
    """Base of all acts; ``act`` names it."""


class Release(Act, frozen=True, tag="release"):
    """Nothing is wrong with it: everybody sees it. What was covered in a held or removed message stays covered."""


class Mask(Act, frozen=True, tag="mask"):
    """Everybody sees it but for these characters, as pairs of start and end in its text; its author sees it whole."""

    spans: Annotated[list[tuple[int, int]], Meta(min_length=1, max_length=SPANS)]


class Remove(Act, frozen=True, tag="remove"):
    """Nobody sees its words any more."""


class Uphold(Act, frozen=True, tag="uphold"):
    """Of an appeal: what was decided stays."""


class Overturn(Act, frozen=True, tag="overturn"):
    """Of an appeal: what was decided was wrong; the message is shown, strikes and sanctions for it are taken back."""


class Warn(Act, frozen=True, tag="warn"):
    """Tell its author, in their language, in the words of a template."""

    template: Annotated[str, Meta(max_length=40)]


class Mute(Act, frozen=True, tag="mute"):
    """Its author cannot write for some hours: in this conversation, or ``everywhere``."""

    hours: Hours
    everywhere: bool = False


class RemoveMember(Act, frozen=True, tag="remove_member"):
    """Its author is no longer a member of the conversation."""


class Ban(Act, frozen=True, tag="ban"):
    """Its author cannot connect any more: for some hours, or without end if no hours are given."""

    hours: Hours | None = None


class Escalate(Act, frozen=True, tag="escalate"):
    """Somebody else should decide: the item waits in another queue."""

    queue: Annotated[str, Meta(min_length=1, max_length=40, pattern="^[a-z][a-z0-9_]*$")]


class Note(Act, frozen=True, tag="note"):
    """Only write something down; the item stays as it is."""


AnyAct = Release | Mask | Remove | Uphold | Overturn | Warn | Mute | RemoveMember | Ban | Escalate | Note
OnMessage = (Release, Mask, Remove, Uphold, Overturn)
OnPerson = (Warn, Mute, RemoveMember, Ban)
Outcome = Literal["release", "mask", "remove", "uphold", "overturn", "sanction", "escalate", "note"]


class BadActs(ValueError):
    """Acts that do not go together, or not with this message. ``field`` is what to mend."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field, self.problem = field, problem

    def __str__(self) -> str:
        return self.problem


def outcome(acts: Sequence[AnyAct], *, appealed: bool = False) -> Outcome:
    """What these acts come down to. Raises BadActs when they do not go together."""
    kinds = [type(act) for act in acts]
    if not acts or len(set(kinds)) != len(kinds):
        raise BadActs("acts", "Choose at least one act, and each only once.")
    about = [act for act in acts if isinstance(act, OnMessage)]
    people = [act for act in acts if isinstance(act, OnPerson)]
    if len(about) > 1:
        raise BadActs("acts", "Only one of these can happen to a message.")
    if (Escalate in kinds or Note in kinds) and len(acts) > 1:
        raise BadActs("acts", "To escalate or to note is not a decision: do it alone.")
    if isinstance(acts[0], Escalate):
        return "escalate"
    if isinstance(acts[0], Note):
        return "note"
    if appealed and not (about and isinstance(about[0], Uphold | Overturn)):
        raise BadActs("acts", "Its author has appealed: uphold or overturn what was decided.")
    if about and isinstance(about[0], Uphold | Overturn) and not appealed:
        raise BadActs("acts", "Nobody has appealed against this.")
    if people and about and isinstance(about[0], Release | Overturn):
        raise BadActs("acts", "Whoever did nothing wrong is not sanctioned.")
    if not about:
        return "sanction"
    return about[0].__struct_config__.tag  # type: ignore[return-value]


def violates(decided: str) -> bool:
    """Whether an outcome says that the message broke a clause, so that its author gets a strike."""
    return decided in ("mask", "remove", "sanction")


def check_spans(spans: Sequence[tuple[int, int]], text: str) -> None:
    """Raises BadActs for what does not lie in the text."""
    if any(not 0 <= start < end <= len(text) for start, end in spans):
        raise BadActs("acts", "A part to cover does not lie in the text.")


def changed(form: Form, act: AnyAct, clause: str, before: Form | None = None) -> tuple[str, Form] | None:
    """What the log calls it, and the message's form after it; None where the act leaves the message alone.

    ``before`` is the form that an overturned decision had found.
    """
    match act:
        case Release():
            # A held or removed message may also have been covered in part; of a visible one there is only the cover to lift.
            masks = () if form.state == "visible" else form.masks
            return "released", _shown(form, masks)
        case Mask():
            masks = tuple(Cover(start, end) for start, end in sorted(act.spans))
            form = msgspec.structs.replace(_shown(form, masks), verdict=Verdict.MASK, clauses=_known(clause))
            return "masked", form
        case Remove():
            return "removed", msgspec.structs.replace(
                form, state="removed", unseen=form.unseen or form.state == "held", verdict=Verdict.BLOCK,
                clauses=_known(clause),
            )  # fmt: skip
        case Overturn():
            masks = () if form.state == "visible" else (before or form).masks
            return "released", _shown(form, masks)
    return None


def restored(current: Form, after: Form, before: Form) -> tuple[str, Form] | None:
    """The form with an act taken back; None when somebody else has changed since what the act had changed.

    What was shown and is held again goes by ``held``, which tells those who have it to put it away. Anything else is
    ``restored``, which tells nothing to those who never saw the message.
    """
    if _moderated(current) != _moderated(after):
        return None
    kind = "held" if before.state == "held" and after.state == "visible" else "restored"
    form = msgspec.structs.replace(
        current, state=before.state, masks=before.masks, verdict=before.verdict, clauses=before.clauses,
        unseen=before.unseen,
    )  # fmt: skip
    return kind, form


def _shown(form: Form, masks: tuple[Cover, ...]) -> Form:
    return msgspec.structs.replace(
        form, state="visible", masks=masks, verdict=Verdict.ALLOW, clauses=(), unseen=False
    )  # fmt: skip


def _moderated(form: Form) -> tuple[object, ...]:
    return form.state, form.masks, form.verdict, form.clauses, form.unseen


def _known(clause: str) -> tuple[str, ...]:
    return (clause,) if clause else ()
