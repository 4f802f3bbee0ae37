"""Places at which a test may break a server: between two steps that no signal from outside can be timed to fall between.

Off, and the calls do nothing, unless the environment names a file of rules in ``TERTULIA_FAILPOINTS`` and says
``TERTULIA_BREAK_ON_PURPOSE=yes`` as well. The file is read again whenever it changes, so that a test can let a server start
and do well before it breaks. Each line is ``point=action``, with ``:argument`` and ``@n`` (only the nth time) where wanted:
``before_commit=sleep:0.5``, ``after_commit_before_publish=kill@3``. Actions: ``kill`` and ``stop`` are the signals to the own
process, ``sleep`` holds up the thread, and in the event loop's thread all of it, ``raise`` raises Broken, ``skip`` leaves out
what the place stands before, where it can be left out.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from storage.errors import Unavailable

POINTS = {
    "frame_received": "the event loop has a frame of a client in hand, and has looked at nothing yet",
    "before_commit": "a transaction of the writer has done all its statements",
    "after_commit": "it is committed, and nobody knows",
    "after_commit_before_publish": "the event loop knows that an event is stored, and has told no reader and no server",
    "after_publish_before_answer": "the others have been told, or will be; who sent the command has not been answered",
    "news_sent": "what a turn of the loop has to tell the other servers is numbered (skip: lost on the way)",
    "news_heard": "something has come from Redis, be it the own beat (skip: not heard)",
}
ACTIONS = ("kill", "stop", "sleep", "raise", "skip")

_RULE = re.compile(r"(\w+)=(\w+)(?::([\d.]+))?(?:@(\d+))?")
logger = logging.getLogger("tertulia.failpoints")


class Broken(Unavailable):
    """What a point was told to raise."""


class Rule(msgspec.Struct, frozen=True):
    """What happens at a point. ``nth`` is 0 for each time."""

    action: str
    argument: float = 0.0
    nth: int = 0


class _Armed:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: tuple[int, int] | None = None  # time of its last change and size; None where there is no file
        self._rules: dict[str, Rule] = {}
        self._met: dict[str, int] = {}
        self._lock = threading.Lock()

    def due(self, point: str) -> Rule | None:
        with self._lock:
            self._read()
            rule = self._rules.get(point)
            if rule is None:
                return None
            self._met[point] = met = self._met.get(point, 0) + 1
            return rule if rule.nth in (0, met) else None

    def _read(self) -> None:
        try:
            stat = self._file.stat()
            now = stat.st_mtime_ns, stat.st_size
        except FileNotFoundError:
            now = None
        if now != self._known:
            self._rules, self._met = parse(self._file.read_text() if now else ""), {}
            self._known = now


_armed: _Armed | None = None


def arm(environment: Mapping[str, str]) -> None:
    """Let the environment decide. Raises ValueError where it asks for points without saying that this is meant."""
    global _armed
    file = environment.get("TERTULIA_FAILPOINTS", "")
    if not file:
        _armed = None
        return
    if environment.get("TERTULIA_BREAK_ON_PURPOSE") != "yes":
        raise ValueError("TERTULIA_FAILPOINTS is for tests: it breaks the server on purpose. Unset it.")
    _armed = _Armed(Path(file))
    logger.warning("this server breaks on purpose, as %s says", file)


def reached(point: str) -> bool:
    """This place is reached: does what a test wants to happen here. True where the next step is to be left out."""
    return _armed is not None and _do(point, _armed.due(point))


def parse(text: str) -> dict[str, Rule]:
    """The rules of a file by their points. Raises ValueError."""
    rules = {}
    for word in text.split():
        found = _RULE.fullmatch(word)
        if found is None or found[1] not in POINTS or found[2] not in ACTIONS:
            raise ValueError(f"{word!r} is no rule; points: {', '.join(POINTS)}; actions: {', '.join(ACTIONS)}")
        rules[found[1]] = Rule(found[2], float(found[3] or 0), int(found[4] or 0))
    return rules


def _do(point: str, rule: Rule | None) -> bool:
    if rule is None:
        return False
    logger.warning("%s: %s", point, rule.action)
    match rule.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "sleep":
            time.sleep(rule.argument)
        case "raise":
            raise Broken(f"told to fail at {point}")
    return rule.action == "skip"
