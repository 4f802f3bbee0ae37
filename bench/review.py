"""What the queue answers with 10,000 open items, as a reviewer's page asks: `python -m bench.review`.

A server of its own, asked over HTTP by one page at a time. `--postgres` measures on a private PostgreSQL.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import click
import msgspec

from bench.figures import percentile
from bench.servers import Ours
from moderation.engine import default_engine
from moderation.review.intake import case_of, recorded
from policies.load import load
from rules.types import Role, Setting, Stage
from server.console.guard import COOKIE
from storage import conversations, log, staff
from storage.database import beside
from storage.staff import StaffRole
from storage.values import Conversation, Entry, Form, Member

ITEMS = 10_000
CONVERSATION = 50  # messages
BATCH = 500
QUESTIONS = 60
AIMS_MS = {"a page of the queue": 150.0, "the next item after a decision": 100.0}
TEXT = "to release the payment send me the code you got by SMS, number {}"
TENANT = "default"


class Answered(msgspec.Struct, frozen=True):
    """How long a question took, in milliseconds."""

    what: str
    p50_ms: float
    p99_ms: float


class Page:
    """A reviewer's browser."""

    def __init__(self, port: int, secret: str) -> None:
        self._http = HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Cookie": f"{COOKIE}={secret}", "Content-Type": "application/json"}
        self._headers["X-CSRF-Token"] = self.ask("GET", "/me")["csrf"]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        self._http.request(
            method, f"/console/api{path}", None if body is None else json.dumps(body), self._headers
        )  # fmt: skip
        answer = self._http.getresponse()
        read = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {read[:200]!r}")
        return json.loads(read) if read else None


def fill(url: str, items: int) -> str:
    """Held messages of many conversations; the secret of somebody who is signed in."""
    engine, policy, at = default_engine(), load("marketplace"), time.time_ns() // 1_000_000 - 86_400_000
    setting = Setting(author="seller", sender=Role.SELLER, stage=Stage.ORDERED)
    people = [Member("seller", "Seller", Role.SELLER, "en"), Member("buyer", "Buyer", Role.BUYER, "en")]

    def store(tx: Any, first: int, last: int) -> None:
        for n in range(first, last, CONVERSATION):
            place = f"c{n // CONVERSATION}"
            conversations.create(
                tx, Conversation(TENANT, place, "Bench", None, Stage.ORDERED, "default", 0, at), people
            )  # fmt: skip
            entries = []
            for m in range(n, n + CONVERSATION):
                text = TEXT.format(m)
                judged = engine.judge(text, setting, policy)
                decision = recorded(judged.decision, judged.scores, judged.language, setting)
                case = case_of(decision, policy, at=at + m, reach=0, language=judged.language)
                form = Form(Role.SELLER, at + m, state="held", verdict=decision.verdict, clauses=decision.clauses)
                entries.append(
                    Entry(TENANT, place, f"m{m:06}", "seller", f"m{m}", at + m, text, form, decision, case)
                )  # fmt: skip
            log.append_posts(tx, entries)

    for first in range(0, items, BATCH):
        with beside(url) as tx:
            store(tx, first, first + BATCH)
    with beside(url) as tx:
        somebody = staff.add(tx, TENANT, "bench", "Bench", StaffRole.REVIEWER, "en", "", "", 1)
        return staff.begin_session(tx, somebody, "password", "127.0.0.1", "bench", time.time_ns() // 1_000_000)


def measured(what: str, ask: Callable[[int], None]) -> Answered:
    """Each question once, after a few that warm up."""
    for n in range(5):
        ask(-1 - n)
    times = []
    for n in range(QUESTIONS):
        began = time.perf_counter()
        ask(n)
        times.append((time.perf_counter() - began) * 1_000)
    return Answered(what, percentile(times, 0.5), percentile(times, 0.99))


def measure(*, postgres: bool) -> list[Answered]:
    """The questions of a working day."""
    server = Ours(postgres=postgres)
    try:
        url = server.database.url if server.database else f"sqlite:///{server.folder}/bench.db"
        page = Page(server.port, fill(url, ITEMS))
        place = [""]

        def turn(_: int) -> None:
            place[0] = page.ask("GET", f"/review/queue?limit=50&after={place[0]}")["next"]

        def decide(_: int) -> None:
            current = following[0]["item"]
            following[0] = page.ask("POST", f"/review/items/{current['item']['message']}/acts", {
                "request": secrets.token_hex(8), "version": current["item"]["version"], "acts": [{"act": "release"}],
                "reason": "bench", "clause": current["clauses"][0]["id"], "then_next": {},
            })["next"]  # fmt: skip

        told = [
            measured("a page of the queue", lambda _: page.ask("GET", "/review/queue?limit=50")),
            measured("one page after the other", turn),
            measured("a page of one category", lambda _: page.ask("GET", "/review/queue?category=scam&limit=50")),
            measured("the counts", lambda _: page.ask("GET", "/review/counts")),
        ]
        following = [page.ask("POST", "/review/next", {})]
        return [*told, measured("the next item after a decision", decide)]
    finally:
        server.stop()


@click.command(help=__doc__)
@click.option("--postgres", is_flag=True, help="On a private PostgreSQL in place of SQLite.")
def main(postgres: bool) -> None:
    for one in measure(postgres=postgres):
        aim = f", aim {AIMS_MS[one.what]:.0f}" if one.what in AIMS_MS else ""
        click.echo(f"{one.what}: median {one.p50_ms:.1f} ms, p99 {one.p99_ms:.1f} ms{aim}")


if __name__ == "__main__":
    main()
