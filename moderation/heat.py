"""How a conversation is going: how heated, in which mood, in which language; updated with each message in O(1).

A message's own heat joins what was seen in it like independent causes (noisy or), each weighed by how much it hurts:

    h = 1 - product over what was seen of (1 - weight * score)

The heat of a person, and of a conversation, cools with time, halving every ``HALF_LIFE_MS``. A heated message warms it
towards 1, a calm one cools it, a glad one cools it more:

    H  <- H * 2 ** (-elapsed / half-life)
    H  <- H + (1 - H) * GAIN * h            if h > 0
    H  <- H * (1 - CALMING - GLADNESS * f)  if h = 0, where f is how positive the message is, from 0 to 1

With these weights one insult brings a calm conversation to about 0.4, a second one to 0.6.

The mood is a moving average of how negative (-1) to positive (1) messages are; its trend is a quick average minus a slow
one: below zero when it is getting worse. Pure: the caller brings the time, which is the server's.
"""

from __future__ import annotations

import msgspec

from moderation.judgement import Judgement
from rules.types import Category

HALF_LIFE_MS = 30 * 60_000
GAIN = 0.5
CALMING, GLADNESS = 0.12, 0.3
QUICK, SLOW = 1 / 3, 1 / 12  # what a new message weighs in the two averages of the mood
LANGUAGES = ("es", "en", "pt")
FORGETTING = 0.8  # of earlier messages' languages, with every new one
HABIT, SHARE = 1.5, 0.7  # how much must have been said, and which share of it, to make a language the usual one

HURT = {
    Category.THREAT: 1.0,
    Category.HATE: 1.0,
    Category.INSULT: 0.8,
    Category.TOXICITY: 0.6,
    Category.PROFANITY: 0.3,
}
COMPLAINT = 0.35  # weight of a feeling that is surely negative

_SURE = 0.5  # from here on a feeling counts, in proportion


class Tone(msgspec.Struct, frozen=True, gc=False):
    """How one message sounds: ``heat`` 0 to 1, ``feeling`` -1 to 1, ``language`` as the engine told it."""

    heat: float = 0.0
    feeling: float = 0.0
    language: str = ""


class Mood(msgspec.Struct, frozen=True, gc=False):
    """How a person or a conversation has been speaking, as of their latest message at ``at`` (milliseconds).

    ``quick`` and ``slow`` are the two averages of the feeling, ``spoken`` decaying counts of messages in ``LANGUAGES``.
    """

    at: int = 0
    heat: float = 0.0
    quick: float = 0.0
    slow: float = 0.0
    spoken: tuple[float, ...] = (0.0,) * len(LANGUAGES)

    def after(self, tone: Tone, at: int) -> Mood:
        """The mood once a message of this tone was said at ``at``."""
        heat = self.heat_at(at)
        if tone.heat > 0:
            heat += (1 - heat) * GAIN * tone.heat
        else:
            heat *= 1 - CALMING - GLADNESS * max(0.0, tone.feeling)
        spoken = self.spoken
        if tone.language in LANGUAGES:
            spoken = tuple([
                FORGETTING * count + (language == tone.language)
                for language, count in zip(LANGUAGES, spoken, strict=True)
            ])  # fmt: skip
        quick = self.quick + QUICK * (tone.feeling - self.quick)
        slow = self.slow + SLOW * (tone.feeling - self.slow)
        return Mood(max(at, self.at), heat, quick, slow, spoken)

    def heat_at(self, at: int) -> float:
        """The heat at a later time. A clock that was set back neither warms nor cools."""
        if self.heat == 0 or at <= self.at:
            return self.heat
        cooled: float = self.heat * 2 ** ((self.at - at) / HALF_LIFE_MS)
        return cooled

    @property
    def trend(self) -> float:
        """-1 to 1: below zero, the mood is getting worse."""
        return self.quick - self.slow

    @property
    def language(self) -> str | None:
        """The language that is usually spoken, where enough was said in one."""
        said = sum(self.spoken)
        most = max(self.spoken)
        return LANGUAGES[self.spoken.index(most)] if said >= HABIT and most >= SHARE * said else None


def tone(judgement: Judgement) -> Tone:
    """How a message sounds, by what was seen in it. Rounded: it is stored with every message."""
    feeling = _feeling(judgement.sentiment)
    cool = 1 - COMPLAINT * max(0.0, -feeling)
    worst: dict[Category, float] = {}
    for finding in judgement.decision.findings:
        if finding.category in HURT:
            worst[finding.category] = max(worst.get(finding.category, 0.0), finding.score)
    if feeling > 0:
        worst.pop(Category.PROFANITY, None)  # "fucking great" hurts nobody
    for category, score in worst.items():
        cool *= 1 - HURT[category] * score
    language = judgement.language if judgement.language in LANGUAGES else ""
    return Tone(round(1 - cool, 2), round(feeling, 2), language)


def _feeling(sentiment: tuple[str, float] | None) -> float:
    if sentiment is None:
        return 0.0
    label, score = sentiment
    sure = max(0.0, score - _SURE) / (1 - _SURE)
    return {"positive": sure, "negative": -sure}.get(label, 0.0)
