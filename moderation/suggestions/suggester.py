"""Words to answer a message with: read, ranked, filled, judged, and never sent by themselves.

Not on the relay's path: the message is delivered first, suggestions follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Self

import msgspec

import policies.load
from moderation.classifiers.language import UNKNOWN, Language
from moderation.engine import Engine, default_engine
from moderation.suggestions import inventory, slots
from moderation.suggestions.classifier import IntentClassifier, Reading
from moderation.suggestions.features import LONGEST_READ
from moderation.suggestions.intents import TENSE, Intent
from moderation.suggestions.inventory import Reply, Stance
from moderation.suggestions.ranking import CHIPS, Acceptance, Candidate, at_once, differing, rank
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

    ``passes`` judges a text as if the reader had written it; one that would be more than allowed is not offered.
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
        self.replies: dict[str, Reply] = {reply.id: reply for reply in replies}
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
        classifier = IntentClassifier.load()
        for lang in LANGUAGES:
            classifier.read("", lang)  # its word lists are read now: no message shall wait for that
        return cls(classifier, inventory.load(), passes, identify)

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

        ``lang`` is the author's usual language, ``decision`` what was decided about the message: none is offered to one
        that was flagged for harm, nor to what a bot said. The rest is as in ``offer``.
        """
        reading = self.read(text, lang or setting.language)
        if author_role is Role.BOT or (decision is not None and harmful(decision)):
            return _silence(reading)
        return at_once(self.offer(reading, text, reader_role, setting, said, heat, reader=reader))

    def read(self, text: str, usual: str | None) -> Reading:
        """What a message wants, and in which language it says so; ``usual`` is its author's."""
        text = text[:LONGEST_READ]
        # A smile is said in no language, whatever a model makes of it.
        lang = self._identify(text, usual)[0] if any(map(str.isalpha, text)) else UNKNOWN
        if lang not in LANGUAGES and usual in LANGUAGES:
            lang = usual
        if lang in LANGUAGES:
            return self._classifier.read(text, lang)
        # "pics?" is said in all three: the language in which it makes most sense decides, if it makes any.
        best = max((self._classifier.read(text, one) for one in LANGUAGES), key=lambda r: (r.speaks, r.confidence))
        return best if best.speaks else msgspec.structs.replace(best, lang=UNKNOWN)

    def offer(
        self,
        reading: Reading,
        text: str,
        role: Role,
        setting: Setting,
        said: Iterable[str] = (),
        heat: float = 0.0,
        *,
        reader: str = "",
        passes: Callable[[Candidate], bool] | None = None,
        acceptance: Acceptance | None = None,
        invitable: bool = True,
    ) -> Generator[None, None, Suggestions]:
        """What a ``reader`` of ``role`` could answer to ``text``, which was read before.

        ``setting`` is the message's; slots are filled from the message and from ``setting.recent``. ``said`` is what the
        reader has said before: none of it is offered again. ``heat`` (0..1) is the conversation's. ``passes`` says
        whether the reader could send its text. ``invitable``: the brand has not been invited yet.

        It pauses between steps, so that whoever has something more urgent to do can do it first.
        """
        if role is Role.BOT or reading.lang not in LANGUAGES or not (reading.speaks or heat >= HOT):
            return _silence(reading)
        as_reader = msgspec.structs.replace(setting, author="", sender=role, recent=())
        allowed = passes or (lambda candidate: self._passes(candidate.text, as_reader))
        old = {fold(one).strip() for one in said}

        def fits(candidate: Candidate) -> bool:
            return not (old and fold(candidate.text).strip() in old) and allowed(candidate)

        candidates = self._candidates(text[:LONGEST_READ], reading, role, setting, reader)
        ranked = rank(candidates, role, setting.stage, acceptance or self.acceptance)
        yield
        if heat >= HOT or (reading.speaks and reading.intent in TENSE):
            chips = yield from self._calming(ranked, reading, role, setting, fits, invitable)
        else:
            chips = yield from differing(ranked, fits)
        return _offer(reading, chips)

    def _candidates(
        self, text: str, reading: Reading, role: Role, setting: Setting, reader: str
    ) -> Iterator[Candidate]:
        """Replies to every plausible intent that ``role`` could give, slots filled."""
        if not reading.speaks:
            return
        formal = _is_formal(text, reading.lang)
        named = _Named(text, reading.lang, setting, reader)
        for intent, chance in reading.intents[:CHIPS]:
            if intent is Intent.OTHER or chance < PLAUSIBLE:
                continue
            for reply in self._by_intent[intent]:
                if not reply.suits(role, setting.stage):
                    continue
                wording = slots.filled(reply.text(reading.lang, formal=formal), named.values(reply))
                if wording is not None:
                    yield Candidate(reply, wording, chance)

    def _calming(
        self,
        ranked: Sequence[Candidate],
        reading: Reading,
        role: Role,
        setting: Setting,
        fits: Callable[[Candidate], bool],
        invitable: bool,
    ) -> Generator[None, None, list[Candidate]]:
        """A calm word first, what else fits, and last the way to the brand unless it is there already."""
        formal = _is_formal(" ".join(one.text for one in setting.recent), reading.lang)
        general = [
            Candidate(reply, reply.text(reading.lang, formal=formal), 1.0)
            for reply in self._by_intent[None]
            if reply.suits(role, setting.stage)
        ]
        calm = [candidate for candidate in (*ranked, *general) if candidate.reply.stance is Stance.CALM]
        there = Role.AGENT in setting.audience or not invitable
        invite = [candidate for candidate in general if candidate.reply.stance is Stance.INVITE and not there]
        chosen = yield from differing([*calm, *ranked], fits, CHIPS - len(invite[:1]))
        return [*chosen, *invite[:1]]


def harmful(decision: Decision) -> bool:
    """Whether a message was flagged, or worse, for something that does harm."""
    return decision.verdict is not Verdict.ALLOW and any(finding.category in HARM for finding in decision.findings)


def _is_formal(text: str, lang: str) -> bool:
    return lang in _FORMAL and _FORMAL[lang].search(fold(text)) is not None


class _Named:
    """What replies may repeat: prices, dates, orders ... Looked for when a reply has room for them, each place once."""

    def __init__(self, text: str, lang: str, setting: Setting, reader: str) -> None:
        self._text, self._lang, self._setting, self._reader = text, lang, setting, reader

    def values(self, reply: Reply) -> Mapping[str, str]:
        if not reply.slots:
            return {}
        if reply.own:
            return self._own
        values = dict(self._said)
        if reply.intent is Intent.OFFER and (price := slots.offered_price(self._text)):
            values[slots.PRICE] = price
        if slots.ORDER in reply.slots and slots.ORDER not in values and self._order:
            values[slots.ORDER] = self._order
        return values

    @cached_property
    def _said(self) -> dict[str, str]:
        """What the message names. Whose price it is, only an offer tells."""
        values = slots.found(self._text, self._lang)
        values.pop(slots.PRICE, None)
        return values

    @cached_property
    def _order(self) -> str:
        """An order's number may have been named before the message."""
        earlier = (slots.found(one.text, self._lang) for one in reversed(self._setting.recent))
        return next((named[slots.ORDER] for named in earlier if slots.ORDER in named), "")

    @cached_property
    def _own(self) -> dict[str, str]:
        """What the reader has named before, the newest of each. Unknown among several who could be the reader."""
        recent = self._setting.recent
        others = {one.author for one in recent} - {self._setting.author}
        speaker = self._reader or (next(iter(others)) if len(others) == 1 else None)
        values: dict[str, str] = {}
        for earlier in recent:
            if earlier.author == speaker:
                values |= slots.found(earlier.text, self._lang)
        return values


def _silence(reading: Reading) -> Suggestions:
    return Suggestions(reading.lang, reading.intent, reading.confidence, True, reading.intents[:3])


def _offer(reading: Reading, chips: Iterable[Candidate]) -> Suggestions:
    offered = tuple(Suggestion(c.reply.id, c.text, c.reply.stance, c.reply.action) for c in chips)
    return msgspec.structs.replace(_silence(reading), silent=not offered, suggestions=offered)
