"""Trials of drafts: backtests in a process beside, shadows on every node; begun, stopped and reported."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Callable

import msgspec
from sqlalchemy import Connection as Transaction

from moderation.backtest import Progress, Task
from moderation.policy_book import PolicyBook
from moderation.traffic import Traffic
from policies.comparison import Tally
from policies.policy import Policy
from storage import policies as stored
from storage.database import Database
from storage.errors import NotFound, ReadOnly, StorageError
from storage.policies import Trial

LINE_BYTES = 4 * 1024 * 1024  # of progress, which carries the samples
Recorded = Callable[[Transaction], None]  # what is to be noted in the same transaction

logger = logging.getLogger("tertulia.policies")
_encode = msgspec.json.Encoder().encode
_tally = msgspec.json.Decoder(Tally)
_progress = msgspec.json.Decoder(Progress)


class Trials:
    """Begins and ends trials. A backtest runs where it was begun; if that node goes away it is told as failed."""

    def __init__(self, database: Database, book: PolicyBook) -> None:
        self._database = database
        self._book = book
        self._running: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Tell of backtests that a server which is gone has left behind."""
        at = _now()
        # While the database can only be read they stay as they are; the next start tells of them.
        with contextlib.suppress(ReadOnly):
            await self._database.write(lambda tx: stored.abandon(tx, self._book.node, at))

    async def close(self) -> None:
        """Stop the backtests of this node."""
        for running in list(self._running.values()):
            running.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def backtest(self, trial: Trial, live: Policy, traffic: Traffic, judged: bool, record: Recorded) -> None:
        """Begin a backtest of ``trial.sources`` against ``live``. Raises Stale while the tenant has another."""

        def begin(tx: Transaction) -> None:
            stored.begin(tx, trial)
            record(tx)

        await self._database.write(begin)
        url = self._database.url.render_as_string(hide_password=False)
        task = Task(url, traffic, live.sources, trial.sources, judged)
        self._running[trial.id] = asyncio.create_task(self._run(trial, task))

    async def shadow(self, trial: Trial, record: Recorded) -> None:
        """Begin a shadow; every node takes part within a second. Raises Stale while the kind has another."""

        def begin(tx: Transaction) -> None:
            stored.begin(tx, trial)
            record(tx)

        await self._database.write(begin)
        await self._book.refresh()

    async def stop(self, tenant: str, id: str, record: Recorded) -> None:
        """End a trial; what was counted stays. Raises NotFound when it is not running."""
        at = _now()

        def end(tx: Transaction) -> None:
            stored.end(tx, tenant, id, "stopped", at)
            record(tx)

        await self._database.write(end)
        running = self._running.get(id)
        if running is not None:
            running.cancel()
        await self._book.refresh()

    async def report(self, tenant: str, id: str) -> tuple[Trial, Tally]:
        """A trial with what all nodes have counted so far. Raises NotFound."""
        await self._book.store_counts()
        trial, counted = await self._database.read(
            lambda tx: (stored.trial(tx, tenant, id), stored.tallies(tx, tenant, id)), of=tenant
        )
        tally = Tally()
        for one in counted:
            tally.merge(_tally.decode(one))
        return trial, tally

    async def _run(self, trial: Trial, task: Task) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "moderation.backtest",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES,
        )  # fmt: skip
        state, problem = "failed", "the process has ended early"
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(_encode(task))
            process.stdin.close()
            async for line in process.stdout:
                progress = _progress.decode(line)
                await self._note(trial, progress)
                if progress.finished:
                    state, problem = "done", ""
        except asyncio.CancelledError:
            state, problem = "stopped", ""
        except NotFound:  # stopped on another node: that is told already, and nobody waits for the rest
            state, problem = "stopped", ""
        except (StorageError, msgspec.DecodeError, OSError, ValueError) as failure:
            problem = type(failure).__name__
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            self._running.pop(trial.id, None)
            with contextlib.suppress(NotFound, StorageError):  # ended by somebody else, or told by the next start
                await self._database.write(
                    lambda tx: stored.end(tx, trial.tenant, trial.id, state, _now(), problem)
                )  # fmt: skip

    async def _note(self, trial: Trial, progress: Progress) -> None:
        tally = _encode(progress.tally)

        def note(tx: Transaction) -> None:
            stored.expect(tx, trial.tenant, trial.id, progress.of)
            stored.count(tx, trial.tenant, trial.id, self._book.node, tally)

        await self._database.write(note)


def _now() -> int:
    return time.time_ns() // 1_000_000
