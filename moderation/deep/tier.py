"""The deep tier: asks a slow classifier in a process of its own, and never waits longer for it than it was told.

Whatever that process does, hang, crash, be missing or answer nonsense, the callers get an answer in time that says so.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from moderation.deep.frames import Frame, Judge, Judged, Ready, Unfit
from moderation.deep.process import Process
from policies.decision import Failing

Scores = Mapping[str, float]
Answer = Scores | Failing

WAITING = 2_000  # texts; with more, what nobody waits for is let go unjudged
REMEMBERED = 20_000  # texts whose scores are kept
TRIES = 2  # of a text that was with a process when it crashed: it may have been the reason

log = logging.getLogger("tertulia.deep")


class Patience(msgspec.Struct, frozen=True):
    """Seconds. ``load`` for a process to be ready, ``answer`` for one that works to say something.

    A process that ended is started again after ``pause``, twice as long each time up to ``longest_pause``; one that could
    not load its model after ``unfit_pause``. One that was ready for ``steady`` begins again at ``pause``.
    """

    load: float = 900.0  # the first time it may have a gigabyte to download
    answer: float = 15.0
    pause: float = 0.5
    longest_pause: float = 60.0
    unfit_pause: float = 300.0
    steady: float = 60.0


class Counts(msgspec.Struct):
    """What became of the texts that were asked about."""

    scored: int = 0
    remembered: int = 0
    late: int = 0
    crashed: int = 0
    nan: int = 0
    dropped: int = 0
    restarts: int = 0


class _Job:
    """A text under way: with whom it waits, and whom its scores interest later."""

    __slots__ = ("asked", "id", "key", "since", "text", "then", "tries", "urgent", "waiting")

    def __init__(self, id: int, key: bytes, text: str) -> None:
        self.id, self.key, self.text = id, key, text
        self.since = time.monotonic()
        self.tries = 0
        self.asked = self.urgent = False
        self.waiting: list[asyncio.Future[Answer]] = []
        self.then: list[Callable[[Scores], None]] = []


def detoxify(source: str, folder: str = "") -> list[str]:
    """The command that serves a Detoxify model: a name or a checkpoint's path, and the folder of its configuration."""
    return [sys.executable, "-m", "moderation.deep.worker", source, *([folder] if folder else [])]


class Deep:
    """One classifier behind a process boundary. All of its methods belong to one event loop.

    ``name`` is what policies call it: its scores are ``detoxify.toxicity`` and so on, whatever classes its model has.
    ``state`` is loading, ready, restarting (it crashed), absent (it cannot be loaded; ``problem`` tells why) or stopped.
    """

    def __init__(self, command: Sequence[str], *, name: str = "detoxify", patience: Patience | None = None) -> None:
        self.name = name
        self.state = "stopped"
        self.problem = ""
        self.device = ""
        self.pid = 0
        self.counts = Counts()
        self._command = list(command)
        self._patience = patience or Patience()
        self._known: OrderedDict[bytes, Scores] = OrderedDict()
        self._jobs: dict[bytes, _Job] = {}
        self._urgent: deque[_Job] = deque()
        self._beside: deque[_Job] = deque()
        self._asked: dict[int, _Job] = {}
        self._ids = 0
        self._names: tuple[str, ...] = ()
        self._window = 0
        self._heard_at = 0.0
        self._ready_at = 0.0
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------------------------------------- coming, going

    def start(self) -> None:
        """Start the process and keep it running. Returns at once: the model is loaded beside."""
        self.state = "loading"
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """End the process. Who still waits is told that it is absent."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        self.state = "stopped"
        for job in list(self._jobs.values()):
            self._finish(job, Failing.ABSENT)

    # ---------------------------------------------------------------------------------------------------- the questions

    async def scores(self, text: str, seconds: float) -> Answer:
        """The scores of a text by ``name.class``, or how the classifier failed to give them within ``seconds``."""
        known = self._recall(key := _key(text))
        if known is not None:
            return known
        if self.state in ("absent", "stopped"):
            return Failing.ABSENT
        if self.state == "restarting":
            self.counts.crashed += 1
            return Failing.CRASHED
        if self._behind() >= seconds:
            # An urgent text already waits for so long: this one would too, and so nobody waits for what does not come.
            self.counts.late += 1
            return Failing.LATE
        job = self._job(key, text, most=2 * WAITING)
        if job is None:
            self.counts.late += 1
            return Failing.LATE
        if not job.urgent and not job.asked:
            self._urgent.append(job)
        job.urgent = True
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        job.waiting.append(answer)
        self._pump()
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            self.counts.late += 1
            return Failing.LATE
        finally:
            if answer in job.waiting:
                job.waiting.remove(answer)

    def later(self, text: str, then: Callable[[Scores], None]) -> None:
        """Call ``then`` with the scores of a text once they are there; never, if they cannot be had."""
        known = self._recall(key := _key(text))
        if known is not None:
            asyncio.get_running_loop().call_soon(then, known)
            return
        job = self._job(key, text, most=WAITING) if self.state not in ("absent", "stopped") else None
        if job is None:
            self.counts.dropped += 1
            return
        if not job.urgent and not job.asked and not job.then:
            self._beside.append(job)
        job.then.append(then)
        self._pump()

    def waiting(self) -> int:
        """How many texts are under way."""
        return len(self._jobs)

    # ------------------------------------------------------------------------------------------------------- the texts

    def _recall(self, key: bytes) -> Scores | None:
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            self.counts.remembered += 1
        return known

    def _behind(self) -> float:
        """How long the urgent text that was asked about first has been waiting, in seconds."""
        now = time.monotonic()
        while self._urgent and (self._urgent[0].asked or self._urgent[0].key not in self._jobs):
            self._urgent.popleft()
        since = [job.since for job in self._asked.values() if job.urgent]
        since += [job.since for job in list(self._urgent)[:1]]
        return now - min(since, default=now)

    def _job(self, key: bytes, text: str, most: int) -> _Job | None:
        job = self._jobs.get(key)
        if job is None and len(self._jobs) < most:
            self._ids += 1
            # Half a surrogate pair is no character, and cannot be sent.
            job = self._jobs[key] = _Job(self._ids, key, text.encode(errors="replace").decode())
        return job

    def _pump(self) -> None:
        """Hand the process what it has room for, urgent texts first; half of the room is theirs alone."""
        if self.state != "ready" or self._process is None:
            return
        asks: list[Judge] = []
        for queue, room in ((self._urgent, self._window), (self._beside, self._window // 2)):
            while queue and len(self._asked) < room:
                job = queue.popleft()
                if job.asked or self._jobs.get(job.key) is not job:
                    continue
                if not self._asked:
                    self._heard_at = time.monotonic()  # it owes nothing from before
                job.asked = True
                self._asked[job.id] = job
                asks.append(Judge(job.id, job.text, job.urgent))
        if asks:
            self._process.send(asks)

    def _finish(self, job: _Job, answer: Answer) -> None:
        self._jobs.pop(job.key, None)
        self._asked.pop(job.id, None)
        for waiting in job.waiting:
            if not waiting.done():
                waiting.set_result(answer)
        if isinstance(answer, Failing):
            return
        self._known[job.key] = answer
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        for then in job.then:
            then(answer)

    # ----------------------------------------------------------------------------------------------------- the process

    def _hear(self, frame: Frame) -> None:
        self._heard_at = time.monotonic()
        match frame:
            case Ready():
                self._names = tuple(f"{self.name}.{name}" for name in frame.names)
                self._window, self.device = max(2, frame.window), frame.device
                self.state, self.problem = "ready", ""
                self._ready_at = self._heard_at
                log.info("%s is ready on %s", self.name, self.device)
            case Unfit():
                self.state, self.problem = "absent", frame.problem
            case Judged() if frame.id in self._asked:
                self._judged(self._asked[frame.id], frame.scores)
        self._pump()

    def _judged(self, job: _Job, scores: list[float] | None) -> None:
        if scores is None:
            self.counts.crashed += 1
            self._finish(job, Failing.CRASHED)
        elif len(scores) != len(self._names) or not all(0.0 <= score <= 1.0 for score in scores):
            self.counts.nan += 1
            self._finish(job, Failing.NAN)
        else:
            self.counts.scored += 1
            self._finish(job, dict(zip(self._names, scores, strict=True)))

    async def _keep(self) -> None:
        """Run the process, again and again, until cancelled."""
        pause = self._patience.pause
        while True:
            self._ready_at = 0.0
            await self._run()
            if self._ready_at and time.monotonic() - self._ready_at > self._patience.steady:
                pause = self._patience.pause
            unfit = self.state == "absent"
            if unfit:
                log.error("%s is absent: %s", self.name, self.problem)
            else:
                self.state, self.problem = "restarting", "the process ended"
                log.error("%s: the process ended; another starts in %.1f s", self.name, pause)
            self._put_back(absent=unfit)
            await asyncio.sleep(self._patience.unfit_pause if unfit else pause)
            pause = min(2 * pause, self._patience.longest_pause)
            self.counts.restarts += 1

    async def _run(self) -> None:
        """One life of the process, to its end. ``state`` says what it came to."""
        process = self._process = Process(self._hear)
        try:
            await process.start(self._command)
            self.pid = process.pid
            started = time.monotonic()
            while not process.ended.is_set():
                try:
                    async with asyncio.timeout(min(1.0, self._patience.answer / 4)):
                        await process.ended.wait()
                except TimeoutError:
                    if self._hangs(started):
                        log.error("%s does not answer", self.name)
                        break
        except OSError as problem:
            self.state, self.problem = "absent", f"it cannot be started: {problem.strerror}"
        finally:
            self._process, self.pid = None, 0
            await asyncio.shield(process.end())

    def _hangs(self, started: float) -> bool:
        now = time.monotonic()
        if not self._ready_at:
            return now - started > self._patience.load
        return bool(self._asked) and now - self._heard_at > self._patience.answer

    def _put_back(self, *, absent: bool) -> None:
        """After a crash: who waits is told; what is wanted later is tried again, but not for ever."""
        failing = Failing.ABSENT if absent else Failing.CRASHED
        for job in list(self._jobs.values()):
            for waiting in job.waiting:
                if not waiting.done():
                    waiting.set_result(failing)
            if job.asked:
                job.tries += 1
                self._asked.pop(job.id, None)
            if absent or not job.then or job.tries >= TRIES:
                self.counts.dropped += bool(job.then)
                self._finish(job, failing)
            elif job.asked:
                job.asked = job.urgent = False
                self._beside.append(job)


def _key(text: str) -> bytes:
    # A digest, so that people's words do not stay in memory for as long as their scores.
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=16).digest()
