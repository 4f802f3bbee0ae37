"""The words that every rule speaks: what is judged, in which circumstances, and what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from rules.text import Folded


class Category(StrEnum):
    """What a finding is about. ``link`` and ``emoji`` are findings only where the setting makes them one."""

    PROFANITY = "profanity"
    SEXUAL = "sexual"
    INSULT = "insult"
    THREAT = "threat"
    HATE = "hate"
    TOXICITY = "toxicity"
    CONTACT = "contact"
    OFF_PLATFORM_PAYMENT = "off_platform_payment"
    SCAM = "scam"
    DRUGS_WEAPONS = "drugs_weapons"
    LINK = "link"
    SPAM = "spam"
    SELF_HARM = "self_harm"
    EMOJI = "emoji"


class Role(StrEnum):
    """What a participant is in a conversation."""

    BUYER = "buyer"
    SELLER = "seller"
    PROVIDER = "provider"
    AGENT = "agent"
    BOT = "bot"


class Stage(StrEnum):
    """How far the deal has come."""

    ENQUIRY = "enquiry"
    NEGOTIATION = "negotiation"
    ORDERED = "ordered"
    DELIVERED = "delivered"
    DISPUTE = "dispute"


class Utterance(msgspec.Struct, frozen=True, gc=False):
    """An earlier message of the same conversation, as a rule may see it."""

    author: str
    text: str


class Setting(msgspec.Struct, frozen=True):
    """The circumstances of a message: all that a rule or a clause may know beside the text.

    ``recent`` holds the messages before this one, oldest first. ``author`` identifies the sender among them.
    ``language`` is the conversation's or the person's usual language (``es``, ``en``, ``pt``) or None,
    ``region`` an ISO 3166 country code or None.

    ``heat`` says from 0 (calm) to 1 how heated the conversation is. ``strikes`` counts the sender's strikes in force,
    ``account_age_days`` the whole days since the account was opened, None where nobody knows. ``hour`` is 0 to 23 in
    the time zone of the policy. ``kind`` is the platform's word for the kind of conversation.
    """

    author: str = ""
    sender: Role = Role.BUYER
    audience: frozenset[Role] = frozenset()
    listing: str | None = None
    stage: Stage = Stage.ENQUIRY
    language: str | None = None
    region: str | None = None
    recent: tuple[Utterance, ...] = ()
    heat: float = 0.0
    strikes: int = 0
    account_age_days: int | None = None
    hour: int | None = None
    kind: str | None = None


class Finding(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Something that a rule or a classifier saw.

    ``start`` and ``end`` index the ORIGINAL text (Python characters); both are 0 where the whole message is meant.
    ``score`` lies in 0..1. ``source`` names the rule and the entry that matched, such as ``profanity:es/mierda``;
    ``step`` names the folding that revealed it (``leet``, ``look-alike``, ``spaced`` ...), empty if none was needed.
    """

    category: Category
    score: float
    start: int
    end: int
    source: str
    step: str = ""


class Rule(Protocol):
    """A named deterministic detector. It finds; it never acts. Pure: no I/O, no clock, no state."""

    name: str

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """What this rule sees in ``text``, in order of its place; empty when there is nothing."""
        ...
