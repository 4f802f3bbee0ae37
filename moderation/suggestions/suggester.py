"""Words to answer a message with: read, ranked, filled, judged, and never sent by themselves.

Not on the relay's path: the message is delivered first, suggestions follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Self

import msgspec

import policies.load
from moderation.classifiers.language import Language
from moderation.engine import UNKNOWN, Engine, default_engine
from moderation.suggestions import inventory, slots
from moderation.suggestions.classifier import IntentClassifier, Reading
from moderation.suggestions.features import LONGEST_READ
from moderation.suggestions.intents import TENSE, Intent
from moderation.suggestions.inventory import Reply, Stance
from moderation.suggestions.ranking import CHIPS, Acceptance, Candidate, differing, rank
from moderation.suggestions.words import LANGUAGES, fold
from policies.decision import Decision, Verdict
from policies.policy import Policy
from rules.types import Category, Role, Setting

HOT = 0.6  # heat of a conversation from which a calm word and the brand are offered
PLAUSIBLE = 0.15  # probability from which the replies to a further intent join in

# Nobody is helped to answer these in one tap. What only the setting makes a finding (a contact, a link) is no harm:
# that is where "I'd rather keep to this chat" belongs.
HARM = frozenset(Category) - {Category.CONTACT, Category.LINK, Category.EMOJI}

_FORMAL = {
    "es": re.compile(
        r"\b(?:usted|ustedes|disculpe|senora?|estimad[oa]|le (?:ruego|agradeceria|parece)|digame|mandeme)\b"
    ),
    "pt": re.compile(r"\b(?:senhora?|prezad[oa]|vossa|estimad[oa]|agradecia-lhe|queira)\b"),
}

Passes = Callable[[str, Setting], bool]
Identify = Callable[[str, str | None], tuple[str, float]]


class Suggestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """A chip. ``action`` (``invite``) is done in place of filling the composer with ``text``."""

    id: str
    text: str
    stance: Stance
    action: str = ""


class Suggestions(msgspec.Struct, frozen=True):
    """What was understood and what may be offered. ``silent``: nothing is offered.

    ``intent`` is the best guess even then; ``intents`` the likeliest three with their probabilities.
    """

    lang: str
    intent: Intent
    confidence: float
    silent: bool
    intents: tuple[tuple[Intent, float], ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


class Suggester:
    """Offers replies. Safe to share where ``acceptance`` is not counted up at the same time.

    ``passes`` judges a filled text as if the reader had written it; a text that would be more than allowed is dropped.
    ``identify`` tells the language of a text, given the author's usual one.
    """

    def __init__(
        self,
        classifier: IntentClassifier,
        replies: Sequence[Reply],
        passes: Passes,
        identify: Identify,
        acceptance: Acceptance | None = None,
    ) -> None:
        self._classifier, self._passes, self._identify = classifier, passes, identify
        self.acceptance = acceptance or Acceptance()
        self._by_intent: dict[Intent | None, tuple[Reply, ...]] = {
            intent: tuple(reply for reply in replies if reply.intent is intent) for intent in (None, *Intent)
        }

    @classmethod
    def load(cls, engine: Engine | None = None, policy: Policy | None = None) -> Self:
        """The shipped classifier and inventory, judged by ``engine`` under ``policy``; the shipped ones by default.

        Raises BadWeights where the language model is not installed.
        """
        judge, law = engine or default_engine(), policy or policies.load.load()

        def passes(text: str, setting: Setting) -> bool:
            return judge.judge(text, setting, law).decision.verdict is Verdict.ALLOW

        identify = judge.identify or Language.load().identify
        return cls(IntentClassifier.load(), inventory.load(), passes, identify)

    def suggest(
        self,
        text: str,
        author_role: Role,
        reader_role: Role,
        setting: Setting,
        said: Iterable[str] = (),
        heat: float = 0.0,
        lang: str | None = None,
        *,
        decision: Decision | None = None,
        reader: str = "",
    ) -> Suggestions:
        """What ``reader`` could answer to ``text``, said by an ``author_role`` in ``setting``.

        ``said`` is what the reader has said before: none of it is offered again. ``heat`` (0..1) is the conversation's,
        ``lang`` the author's usual language, ``decision`` what was decided about the message: none is offered to one
        that was flagged for harm, nor to what a bot said.
        """
        text = text[:LONGEST_READ]
        reading = self._read(text, lang or setting.language)
        if Role.BOT in (author_role, reader_role) or (decision is not None and harmful(decision)):
            return _silence(reading)
        if reading.lang not in LANGUAGES:
            return _silence(reading)
        old = {fold(one).strip() for one in said}
        wanted = [
            candidate
            for candidate in self._candidates(text, reading, reader_role, setting, reader)
            if fold(candidate.text).strip() not in old
        ]
        ranked = rank(wanted, reader_role, setting.stage, self.acceptance)
        if heat >= HOT or (reading.speaks and reading.intent in TENSE):
            chips = self._calming(ranked, reading, reader_role, setting, old)
        else:
            chips = differing(ranked)
        return _offer(reading, chips)

    def _read(self, text: str, usual: str | None) -> Reading:
        # A smile is said in no language, whatever a model makes of it.
        lang = self._identify(text, usual)[0] if any(map(str.isalpha, text)) else UNKNOWN
        if lang not in LANGUAGES and usual in LANGUAGES:
            lang = usual
        if lang in LANGUAGES:
            return self._classifier.read(text, lang)
        # "pics?" is said in all three: the language in which it makes most sense decides, if it makes any.
        best = max((self._classifier.read(text, one) for one in LANGUAGES), key=lambda r: (r.speaks, r.confidence))
        return best if best.speaks else msgspec.structs.replace(best, lang=UNKNOWN)

    def _candidates(
        self, text: str, reading: Reading, role: Role, setting: Setting, reader: str
    ) -> Iterator[Candidate]:
        """Replies to every plausible intent that ``role`` could give, slots filled."""
        if not reading.speaks:
            return
        formal = _is_formal(text, reading.lang)
        named = slots.found(text, reading.lang)
        for intent, chance in reading.intents[:CHIPS]:
            if intent is Intent.OTHER or chance < PLAUSIBLE:
                continue
            values = _values(intent, text, named, reading.lang, setting)
            own = _own_values(reading.lang, setting, reader)
            for reply in self._by_intent[intent]:
                wording = slots.filled(reply.text(reading.lang, formal=formal), own if reply.own else values)
                if wording is None or not reply.suits(role, setting.stage):
                    continue
                if not reply.slots or self._allowed(wording, role, setting):
                    yield Candidate(reply, wording, chance)

    def _allowed(self, wording: str, role: Role, setting: Setting) -> bool:
        """Whether ``role`` could send it. What the inventory says unfilled was judged when it was written."""
        return self._passes(wording, msgspec.structs.replace(setting, author="", sender=role, recent=()))

    def _calming(
        self, ranked: Sequence[Candidate], reading: Reading, role: Role, setting: Setting, old: Container[str]
    ) -> list[Candidate]:
        """A calm word first, what else fits, and last the way to the brand unless it is there already."""
        formal = _is_formal(" ".join(one.text for one in setting.recent), reading.lang)
        general = [
            Candidate(reply, reply.text(reading.lang, formal=formal), 1.0)
            for reply in self._by_intent[None]
            if reply.suits(role, setting.stage)
        ]
        calm = [c for c in (*ranked, *general) if c.reply.stance is Stance.CALM and fold(c.text).strip() not in old]
        invite = [c for c in general if c.reply.stance is Stance.INVITE and Role.AGENT not in setting.audience]
        return [*differing([*calm, *ranked], CHIPS - len(invite[:1])), *invite[:1]]


def harmful(decision: Decision) -> bool:
    """Whether a message was flagged, or worse, for something that does harm."""
    return decision.verdict is not Verdict.ALLOW and any(finding.category in HARM for finding in decision.findings)


def _is_formal(text: str, lang: str) -> bool:
    return lang in _FORMAL and _FORMAL[lang].search(fold(text)) is not None


def _values(intent: Intent, text: str, named: Mapping[str, str], lang: str, setting: Setting) -> dict[str, str]:
    """What the message names; an order's number may have been named before it."""
    values = dict(named)
    values.pop(slots.PRICE, None)
    if intent is Intent.OFFER and (price := slots.offered_price(text)):
        values[slots.PRICE] = price
    for earlier in reversed(setting.recent):
        if slots.ORDER in values:
            break
        if order := slots.found(earlier.text, lang).get(slots.ORDER):
            values[slots.ORDER] = order
    return values


def _own_values(lang: str, setting: Setting, reader: str) -> dict[str, str]:
    """What the reader has named before, the newest of each. Unknown among several who could be the reader."""
    others = {one.author for one in setting.recent} - {setting.author}
    speaker = reader or (next(iter(others)) if len(others) == 1 else None)
    values: dict[str, str] = {}
    for earlier in setting.recent:
        if earlier.author == speaker:
            values |= slots.found(earlier.text, lang)
    return values


def _silence(reading: Reading) -> Suggestions:
    return Suggestions(reading.lang, reading.intent, reading.confidence, True, reading.intents[:3])


def _offer(reading: Reading, chips: Iterable[Candidate]) -> Suggestions:
    offered = tuple(Suggestion(c.reply.id, c.text, c.reply.stance, c.reply.action) for c in chips)
    return msgspec.structs.replace(_silence(reading), silent=not offered, suggestions=offered)
