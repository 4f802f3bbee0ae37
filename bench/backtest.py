"""What trying a policy on 100,000 stored messages takes, on one core: `python -m bench.backtest`.

The messages are judged and stored as a server does it, in conversations of 50; the backtest runs as it does beside a server, in
a process of its own, whose start is counted too: by what is stored about them; with scores measured anew, as for a draft whose
clauses about scores differ; and with every text judged anew.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import click
import msgspec

from bench.texts import messages
from moderation.backtest import Progress, Task
from moderation.engine import default_engine
from moderation.review.intake import recorded
from moderation.traffic import Traffic
from policies.load import load, parse
from policies.policy import Policy
from rules.types import Role, Setting, Stage
from storage import conversations, log
from storage.database import beside, migrate
from storage.values import Conversation, Entry, Form, Member

MESSAGES = 100_000
CONVERSATION = 50  # messages
BATCH = 1_000
AIM_SECONDS = 60.0  # of CPU: what it takes on a core that it has to itself
DRAFT = """
name = "draft"
extends = "marketplace"
off = ["link"]

[[clause]]
id = "profanity"
verdict = "hold"

[[clause]]
id = "contact_before_order"
verdict = "flag"
"""

LOUDER = """
[[clause]]
id = "insult_likely"
scores = { insult = 0.5 }
"""


class Measured(msgspec.Struct, frozen=True):
    """A backtest: seconds by the clock and of CPU, and the most memory that its process held, in MiB."""

    mode: str
    messages: int
    changed: int
    seconds: float
    cpu_seconds: float
    memory_mib: float


@click.command(help=__doc__)
@click.option("--messages", "count", default=MESSAGES, show_default=True)
def main(count: int) -> None:
    live = load()
    draft = parse(DRAFT.encode(), "draft.toml")
    louder = parse((DRAFT + LOUDER).encode(), "draft.toml")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        store(url, live, count)
        for mode, tried, judged in (
            ("by what is stored", draft, False), ("with scores anew", louder, False), ("judged anew", draft, True),
        ):  # fmt: skip
            one = measured(mode, Task(url, Traffic("bench"), live.sources, tried.sources, judged))
            kept = "met" if one.cpu_seconds <= AIM_SECONDS else "missed"
            click.echo(
                f"{one.mode:18} {one.messages} messages, {one.changed} changed: {one.cpu_seconds:.1f} s of CPU"
                f" ({one.seconds:.1f} s by the clock), {one.memory_mib:.0f} MiB; aim {AIM_SECONDS:.0f} s: {kept}"
            )


def store(url: str, policy: Policy, count: int) -> None:
    """Fill a database with messages, judged as they would have been."""
    engine, texts, at = default_engine(), islice(messages(seed=4), count), 1_700_000_000_000
    migrate(url)
    ana, luis = Member("ana", "Ana", Role.BUYER, "es"), Member("luis", "Luis", Role.SELLER, "es")
    batch: list[Entry] = []
    with beside(url) as tx:
        for n, text in enumerate(texts):
            id = f"c{n // CONVERSATION}"
            if n % CONVERSATION == 0:
                _flush(tx, batch)
                conversation = Conversation("bench", id, "", "groceries", Stage.ENQUIRY, "default", 0, at)
                conversations.create(tx, conversation, [ana, luis])
            member, other = (ana, luis) if n % 2 else (luis, ana)
            setting = Setting(
                author=member.id,
                sender=member.role,
                audience=frozenset({other.role}),
                listing="groceries",
                language="es",
            )
            judged = engine.judge(text, setting, policy)
            decision = recorded(judged.decision, judged.scores, judged.language, setting)
            form = Form(member.role, at + n, masks=decision.masks, language=judged.language)
            batch.append(Entry("bench", id, f"m{n}", member.id, str(n), at + n * 10_000, text, form, decision))
            if len(batch) >= BATCH:
                _flush(tx, batch)
        _flush(tx, batch)


def _flush(tx: Any, batch: list[Entry]) -> None:
    if batch:
        log.append_posts(tx, batch)
        batch.clear()


def measured(mode: str, task: Task) -> Measured:
    """One backtest in its own process, on one core."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    core = min(os.sched_getaffinity(0))
    ran = subprocess.run(
        [sys.executable, "-m", "moderation.backtest"], input=msgspec.json.encode(task), stdout=subprocess.PIPE, check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )  # fmt: skip
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    last = msgspec.json.decode(ran.stdout.splitlines()[-1], type=Progress)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(mode, last.done, sum(last.tally.changes.values()), seconds, cpu, after.ru_maxrss / 1_024)


if __name__ == "__main__":
    main()
