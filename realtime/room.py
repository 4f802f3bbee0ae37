"""A conversation as this process holds it: folded from the log, with the connections that look at it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from moderation.heat import Mood, Tone
from moderation.hour import hour_of
from moderation.policy_book import PolicyBook
from policies.policy import Policy
from realtime.protocol import ConversationView, Person
from realtime.tail import Tail
from realtime.visibility import Reader, invitation_view
from rules.types import Role, Setting, Stage, Utterance
from storage.values import Conversation, LogItem, Member, Message, StoredInvitation

if TYPE_CHECKING:
    from realtime.connection import Connection

DAY_MS = 86_400_000
RECENT = 8  # earlier messages that the judgement may look at


class Room:
    """The state of one conversation up to ``last_seq``, and who is here. Changed only by ``fold`` and by arrivals.

    ``elsewhere`` tells who is connected to which other node.
    ``tail`` has its newest events. ``heard`` is the newest seq that a doorbell told of, ``early`` what came before its
    turn. ``mood`` is how the conversation has been going, ``moods`` the same for each person who has spoken.
    """

    def __init__(self, conversation: Conversation, policies: PolicyBook, epoch: str) -> None:
        self.tenant = conversation.tenant
        self.id = conversation.id
        self.title = conversation.title
        self.listing = conversation.listing
        self.stage = conversation.stage
        self.kind = conversation.kind
        self.policies = policies
        self.epoch = epoch
        self.last_seq = conversation.last_seq
        self.members = {member.id: member for member in conversation.members if not member.left_seq}
        self.invitation = conversation.invitation
        self.recent: tuple[Utterance, ...] = ()
        self.said: dict[str, Message] = {}
        self.mood = Mood()
        self.moods: dict[str, Mood] = {}
        self.connections: dict[Connection, Reader] = {}
        self.elsewhere: dict[str, frozenset[str]] = {}
        self.pending: list[LogItem] = []
        self.tail = Tail()
        self.heard = conversation.last_seq
        self.early: dict[int, LogItem] = {}
        self.repairing = False
        self._settings: dict[str, Setting] = {}

    def fold(self, item: LogItem) -> None:
        """Take the next event in."""
        match item.kind:
            case "posted":
                if item.message is not None:
                    self.listen(item.message)
            case "joined":
                body = item.body
                self.members[item.actor] = Member(
                    item.actor, body["name"], Role(body["role"]), body["lang"], joined_seq=item.seq,
                    read_seq=body.get("read", 0), muted_until=body.get("muted_until", 0),
                    account_created_at=body.get("account_created_at", 0),
                )  # fmt: skip
                self._settings.clear()
            case "left":
                self.members.pop(item.actor, None)
                self.moods.pop(item.actor, None)
                self._settings.clear()
            case "setting":
                self.title, self.listing = item.body["title"], item.body["listing"]
                self.stage = Stage(item.body["stage"])
                self._settings.clear()
            case "invitation":
                self.invitation = msgspec.convert(item.body["invitation"], StoredInvitation)
                for connection in self.connections:
                    if connection.identity.id in self.members:
                        self.connections[connection] = self.reader(connection.identity.id)
        if item.message is not None and item.message.id in self.said:
            self.said[item.message.id] = item.message
        self.last_seq = item.seq

    def listen(self, message: Message) -> None:
        """Take in what was said. What the others do not see moves its author's mood, and not the conversation's."""
        self.said[message.id] = message
        if len(self.said) > RECENT:
            del self.said[next(iter(self.said))]
        form = message.form
        tone = Tone(form.heat, form.feeling, form.language)
        self.moods[message.author] = self.moods.get(message.author, _CALM).after(tone, form.at)
        if form.state == "visible":
            self.mood = self.mood.after(tone, form.at)
            self.recent = (*self.recent[1 - RECENT :], Utterance(message.author, message.text))

    @property
    def policy(self) -> Policy:
        """What holds here now. It may change from one message to the next: ask once for each."""
        return self.policies.of(self.tenant, self.kind)

    @property
    def heat(self) -> float:
        """How heated the conversation is now, from 0 (calm) to 1, by the server's clock."""
        return self.mood.heat_at(_now())

    def heat_of(self, participant: str) -> float:
        """How heated one person is now, from 0 (calm) to 1."""
        return self.moods.get(participant, _CALM).heat_at(_now())

    def language_of(self, member: Member) -> str:
        """The language that ``member`` most likely writes: by habit, else like the others here, else as they say."""
        return self.moods.get(member.id, _CALM).language or self.mood.language or member.lang

    def setting(self, member: Member) -> Setting:
        """The circumstances in which ``member`` speaks now."""
        base = self._settings.get(member.id)
        if base is None:
            others = frozenset(one.role for one in self.members.values() if one.id != member.id)
            base = self._settings[member.id] = Setting(
                author=member.id, sender=member.role, audience=others, listing=self.listing, stage=self.stage,
                kind=self.kind,
            )  # fmt: skip
        at = _now()
        return Setting(
            author=base.author, sender=base.sender, audience=base.audience, listing=base.listing, stage=base.stage,
            language=self.language_of(member), recent=self.recent, heat=self.mood.heat_at(at),
            account_age_days=_days(member.account_created_at, at),
            hour=hour_of(self.policy, at), kind=base.kind,
        )  # fmt: skip

    def reader(self, participant: str) -> Reader:
        """A member as the one who reads. Raises KeyError for who is none."""
        member = self.members[participant]
        return Reader(member.id, member.role, member.lang, self.invitation if member.role is Role.AGENT else None)

    def is_here(self, participant: str) -> bool:
        """Whether any of a participant's connections is open on this node."""
        return any(connection.identity.id == participant for connection in self.connections)

    def is_online(self, participant: str) -> bool:
        """Whether any of a participant's connections is open, on this node or on another."""
        return self.is_here(participant) or any(participant in there for there in self.elsewhere.values())

    def view(self, participant: str) -> ConversationView:
        """The conversation as one of its members finds it on arrival."""
        reader = self.reader(participant)
        here = {connection.identity.id for connection in self.connections}.union(*self.elsewhere.values())
        return ConversationView(
            id=self.id, title=self.title, listing=self.listing, stage=self.stage, epoch=self.epoch,
            last_seq=self.last_seq, read=self.members[participant].read_seq,
            members=[
                Person(member.id, member.name, member.role, member.read_seq, member.id in here)
                for member in self.members.values()
            ],
            invitation=invitation_view(self.invitation, reader) if self.invitation else None,
        )  # fmt: skip


_CALM = Mood()


def _days(since: int, at: int) -> int | None:
    """Whole days since then; None where nobody told since when."""
    return max(0, at - since) // DAY_MS if since else None


def _now() -> int:
    return time.time_ns() // 1_000_000
