"""Messages as people write them on a marketplace: Spanish, English, Portuguese, about 220 characters, no two alike.

No two alike, because a cache of judged texts, or a rule against repetition, would otherwise be what is measured.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

SHORTEST, LONGEST = 200, 240  # characters
REACTIVE = 0.05  # share of messages that hold something a rule reacts to
LANGUAGES = ("es", "en", "pt")
_SILENT = ("other", "contact_ask")  # want no answer, or are refused before the order
_SLOTS = ("thing", "place", "day", "price", "hour")

# What the suggestions learnt from: every one of them asks for something, or thanks, or complains.
_PHRASES = Path(__file__).parent.parent / "moderation" / "suggestions" / "phrases"
_words = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def messages(seed: int, reactive: float = REACTIVE) -> Iterator[str]:
    """Endless messages, the same for the same ``seed``; a share of ``reactive`` holds something a rule reacts to."""
    chance = random.Random(seed)
    seen: set[str] = set()
    while True:
        text = _message(chance, chance.choice(LANGUAGES), chance.random() < reactive)
        if SHORTEST <= len(text) <= LONGEST and text not in seen:
            seen.add(text)
            yield text


def questions(seed: int) -> Iterator[str]:
    """Endless short messages of a deal, nearly all of which want an answer; the same for the same ``seed``."""
    files = [tomllib.loads((_PHRASES / f"{lang}.toml").read_text("utf-8")) for lang in LANGUAGES]
    asked = [
        phrase.strip()
        for file in files
        for intent, phrases in file["phrases"].items()
        if intent not in _SILENT
        for phrase in re.split(r"\n+", phrases.strip())
    ]
    chance = random.Random(seed)
    while True:
        yield chance.choice(asked)


def _message(chance: random.Random, lang: str, reacts: bool) -> str:
    words = _words[lang]
    slots = {slot: chance.choice(words[slot]) for slot in _SLOTS}
    slots["order"] = str(chance.randrange(10_000, 100_000))
    slots["name"] = chance.choice(_words["names"])
    sentences = [chance.choice(words["reactive"]).format_map(slots)] if reacts else []
    for sentence in chance.sample(words["sentences"], 12):
        filled = sentence.format_map(slots)
        if len(" ".join([*sentences, filled])) <= LONGEST:
            sentences.append(filled)
    chance.shuffle(sentences)
    return " ".join(sentences)
