"""What judging one message takes, beside the filters that people use today, and whether time stays linear in length.

`python -m bench.judging` runs this part alone.
"""

from __future__ import annotations

import gc
import subprocess
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter_ns, thread_time_ns

import msgspec

from bench.figures import Spread, percentile, spread
from bench.servers import PEERS, node_installed, python_installed
from bench.texts import messages

MESSAGES = 2_000
SLOW_MESSAGES = 20  # of a filter that takes a sixth of a second for each
ROUNDS = 3
WARM_UP = 300
SHORT, LONG = 1_000, 4_000  # characters of the adversarial texts
REPEATS = 100
RULES = "Tertulia, all rules"
ENGINE = "Tertulia, rules, embedded models and policy"
OBSCENITY = "obscenity (Node, English only)"
BETTER_PROFANITY = "better-profanity (Python, English only)"


class Judged(msgspec.Struct, frozen=True):
    """Microseconds that ``engine`` takes for one message: each round's percentiles, by the clock and of CPU.

    Of the peers only the clock is known. CPU leaves out what waits behind others on a busy machine, not what their work
    does to its caches.
    """

    engine: str
    messages: int
    p50_us: Spread
    p99_us: Spread
    cpu_p50_us: Spread | None = None
    cpu_p99_us: Spread | None = None


class Growth(msgspec.Struct, frozen=True):
    """How time grows with an adversarial text: for ``SHORT`` characters, for ``LONG``, and one over the other.

    In microseconds of CPU, so that a busy machine does not pass for a slow rule. Linear is ``LONG / SHORT``. ``p99_us`` is
    that of the long text; the other two are the quickest of the repeats, the work itself without what disturbed it.
    """

    text: str
    short_us: float
    long_us: float
    p99_us: float

    @property
    def factor(self) -> float:
        return self.long_us / self.short_us


# Each unit is repeated up to the length. What it is after stands beside it.
ADVERSARIAL = {
    "one letter": "a",
    "letter and space": "a ",  # spaced-out words
    "letter and full stop": "a.",  # hosts without end
    "letter and at sign": "a@",  # addresses that never become one
    "e-mail without end": "a@a.a",
    "digit and space": "1 ",  # one telephone number after another
    "digits": "5",
    "number groups": "612 345 67 - ",
    "plus and digits": "+34",
    "number words": "seis uno two três ",
    "brackets": "(((",
    "schemes": "http://",
    "schemes, spaced": "h t t p : / / ",
    "host labels": "aa.aa-",
    "leet": "4$$h0l3",
    "asterisks": "f*",
    "stretched": "fuuuuuuuck",
    "almost a swear word": "fuc kfu ck f u c ",
    "combining marks": "a" + "\u0301\u0327\u0330" * 5,
    "zero-width joiners": "f\u200d\u200bu\u200c",
    "family emoji": "👨\u200d👩\u200d👧\u200d👦",
    "keycaps": "1\ufe0f\u20e3",
    "flags": "🇪🇸",
    "skin tones": "👋🏿",
    "aubergines": "🍆",
    "mathematical letters": "𝖋𝖚𝖈𝖐 ",
    "Cyrillic look-alikes": "саfе ",
    "ligature that unfolds to eighteen letters": "\ufdfa",
    "bidirectional controls": "\u202ea\u202c",
    "percent-encoding": "%2e%61",
    "line breaks": "a\n",
    "hash signs": "#a@b",
    "quotes": "\"'",
    "prices": "12,50 € ",
    "repeated words": "hola ",
    "Hangul": "한글",
    "long runs of spaces": "a" + " " * 99,
}


def ours() -> dict[str, Callable[[str], object]]:
    """Our engines: the rules alone, and everything that is judged before a message is relayed."""
    from moderation.engine import default_engine
    from policies.load import load
    from rules.catalogue import check
    from rules.types import Setting

    engine, policy, setting = default_engine(), load(), Setting()
    return {
        RULES: lambda text: check(text, setting),
        ENGINE: lambda text: engine.judge(text, setting, policy),
    }


def judged(peers: bool = True) -> list[Judged]:
    """All engines on the same messages, in turns; without ``peers``, ours alone."""
    texts = list(islice(messages(seed=3), MESSAGES))
    here = ours()
    rounds: dict[str, list[list[float]]] = {}
    worked: dict[str, list[list[float]]] = {}
    for judge in here.values():
        _time(judge, texts[:WARM_UP], perf_counter_ns)
    for _ in range(ROUNDS):
        for name, judge in here.items():
            rounds.setdefault(name, []).append(_time(judge, texts, perf_counter_ns))
            worked.setdefault(name, []).append(_time(judge, texts, thread_time_ns))
        if peers and node_installed():
            rounds.setdefault(OBSCENITY, []).append(_ask(["node", PEERS / "filter.js"], texts))
        if peers and python_installed():
            program = [PEERS / ".venv/bin/python", PEERS / "filter.py"]
            rounds.setdefault(BETTER_PROFANITY, []).append(_ask(program, texts[:SLOW_MESSAGES]))
    return [
        Judged(
            engine=name,
            messages=sum(map(len, times)),
            p50_us=spread([percentile(taken, 0.5) for taken in times]),
            p99_us=spread([percentile(taken, 0.99) for taken in times]),
            cpu_p50_us=spread([percentile(taken, 0.5) for taken in worked[name]]) if name in worked else None,
            cpu_p99_us=spread([percentile(taken, 0.99) for taken in worked[name]]) if name in worked else None,
        )
        for name, times in rounds.items()
    ]


def growth() -> list[Growth]:
    """Our whole engine on every adversarial text."""
    judge = ours()[ENGINE]
    found = []
    for name, unit in ADVERSARIAL.items():
        short, long = (_adversarial(unit, size) for size in (SHORT, LONG))
        _time(judge, [short, long] * 2, thread_time_ns)
        quick, slow = _time(judge, [short] * REPEATS, thread_time_ns), _time(judge, [long] * REPEATS, thread_time_ns)
        found.append(Growth(name, min(quick), min(slow), percentile(slow, 0.99)))
    return found


def _adversarial(unit: str, size: int) -> str:
    return (unit * (size // len(unit) + 1))[:size]


def _time(judge: Callable[[str], object], texts: Sequence[str], clock: Callable[[], int]) -> list[float]:
    """Microseconds for each text, by a clock of nanoseconds."""
    gc.collect()
    times = []
    for text in texts:
        begun = clock()
        judge(text)
        times.append((clock() - begun) / 1e3)
    return times


def _ask(command: Sequence[str | Path], texts: Sequence[str]) -> list[float]:
    """The same from a program that reads a JSON list of texts and writes a JSON list of microseconds."""
    answer = subprocess.run(command, cwd=PEERS, input=msgspec.json.encode(texts), stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(answer.stdout, type=list[float])


if __name__ == "__main__":
    for one in judged():
        p50, p99 = one.p50_us.middle, one.p99_us.middle
        print(f"{one.engine:48} p50 {p50:10,.1f} us   p99 {p99:10,.1f} us   {one.messages} messages")
    for each in sorted(growth(), key=lambda each: each.p99_us, reverse=True):
        print(f"{each.text:44} {LONG} characters p99 {each.p99_us:8,.0f} us   {each.factor:5.1f} times {SHORT}")
