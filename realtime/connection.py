"""One socket: frames in, commands to the chat's verbs, answers out. A connection's commands begin in the order they came."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Coroutine
from functools import cache
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter, Histogram

from realtime.admission import Busy
from realtime.auth import LEEWAY_SECONDS, Identity
from realtime.errors import Close, Refusal, Unauthenticated
from realtime.limits import Credit
from realtime.protocol import (
    Accept,
    Accepted,
    Acknowledge,
    Advised,
    Appeal,
    BadFrame,
    Command,
    Consent,
    Dismiss,
    Draft,
    Edit,
    Event,
    Goaway,
    Hello,
    History,
    Invite,
    Leave,
    Post,
    Prefer,
    Rate,
    React,
    Read,
    Refused,
    Report,
    Resolve,
    Retract,
    Since,
    Typing,
    Withdraw,
    decode,
    encode,
)
from realtime.wire import Wire, frame
from storage import failpoints
from storage.errors import NotFound, ReadOnly, Stale, StorageError, StorageFull

if TYPE_CHECKING:
    from realtime.chat import Chat
    from realtime.hub import Presences
    from realtime.room import Room

HELLO_SECONDS = 5.0
BAD_FRAMES = 10  # within a minute; then the client is broken or means harm
UNAVAILABLE_MS = 1_000
PAGES_PER_SECOND, PAGES_BURST = 10.0, 30  # of history and repair, for one connection
LONGEST_SECONDS = 30 * 86_400.0  # a connection lives no longer than this, whatever its token says
_STARTING = Identity(tenant="", id="", name="", role="", lang="en", expires=0)

logger = logging.getLogger("tertulia.connection")


COMMANDS = Counter(
    "tertulia_commands_total", "Commands of clients; the outcome is a verdict, done, advised or the code of a refusal.",
    ("command", "outcome"),
)  # fmt: skip
POST_SECONDS = Histogram(
    "tertulia_post_seconds", "From the arrival of a message to its answer, the commit included.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)  # fmt: skip


class Connection:
    """A socket and, after ``hello``, the participant behind it."""

    def __init__(self, wire: Wire, chat: Chat, bearer: str = "") -> None:
        self.identity = _STARTING
        self.rooms: dict[str, Room] = {}
        self.person: Presences | None = None
        self._wire = wire
        self._chat = chat
        self._bearer = bearer
        self._loop = asyncio.get_running_loop()
        self.welcomed = False
        self.gone = False
        self._greeted = False
        self._answers = b""
        self._pages = Credit(PAGES_PER_SECOND, PAGES_BURST)
        self._bad_frames: list[float] = []
        self._tasks: set[asyncio.Task[None] | None] = set()
        self._deadline = self._loop.call_later(HELLO_SECONDS, self.close, Close.AUTH_TIMEOUT, "no hello in time")

    # ---------------------------------------------------------------------------------------------------- out

    def send(self, event: Event) -> None:
        """Send one event to this connection alone."""
        self.write(frame(encode(event)))

    def answer(self, event: Event) -> None:
        """Send the answer to a command, in one piece with what the hub is about to send here in this turn of the loop."""
        if not self._answers:
            self._loop.call_soon(self._write_answers)
        self._answers += frame(encode(event))

    def write(self, data: bytes) -> None:
        """Send frames that are made already, behind the answers that wait."""
        if self._answers:
            data, self._answers = self._answers + data, b""
        self._wire.write(data)

    def _write_answers(self) -> None:
        if self._answers:
            self.write(b"")

    def close(self, code: int, reason: str) -> None:
        """Hang up."""
        self._wire.close(code, reason)

    async def drained(self) -> None:
        """Wait until the peer has taken most of what was sent."""
        await self._wire.drained()

    def closed(self) -> None:
        """The socket is gone."""
        self.gone = True
        self._deadline.cancel()
        if self.person is not None:
            self._chat.hub.depart(self)

    # ----------------------------------------------------------------------------------------------------- in

    def receive(self, text: str) -> None:
        """Take one text frame. A credit is spent before it is parsed."""
        failpoints.reached("frame_received")
        now = self._loop.time()
        if self.person is not None and self.person.frames.spend(now):
            self.close(Close.RATE, "far over the rate limit")
            return
        try:
            command = decode(text)
        except BadFrame as problem:
            self._refuse_frame(problem, now)
            return
        match command:
            case Hello():
                if self._greeted:
                    self.send(Refused("", "bad_request", "There was a hello already."))
                    return
                self._greeted = True
                self._deadline.cancel()
                self._begin(self._hello(command))
            case _ if not self.welcomed:
                ref = getattr(command, "ref", "")
                self._refuse_frame(BadFrame("unauthenticated", "Say hello first, and wait for the welcome.", ref), now)
            case Typing() | Read() | Dismiss():
                self._at_once(command)
            case _:
                self._begin(self._carry_out(command))

    async def _hello(self, command: Hello) -> None:
        try:
            async with self._chat.admission.enter():
                if not self.gone:
                    await self._admitted(command)
        except Busy as busy:
            self.send(Goaway(int(busy.retry_after * 1_000)))
            self.close(Close.ADMISSION, "too many people are connecting at once")
            return
        if self.welcomed:
            try:
                await self._chat.resume(self, command)
            except Exception as problem:
                _log(problem)
                self.close(Close.INTERNAL, "not available at the moment")

    async def _admitted(self, command: Hello) -> None:
        try:
            self.identity = await self._chat.gate.identify(command.token or self._bearer)
        except Unauthenticated as problem:
            self.close(Close.TOKEN, str(problem))
            return
        except StorageError:
            self.close(Close.INTERNAL, "not available at the moment")
            return
        if self.gone:
            return
        seconds_left = min(self.identity.expires + LEEWAY_SECONDS - time.time(), LONGEST_SECONDS)
        self._deadline = self._loop.call_later(seconds_left, self.close, Close.TOKEN, "the token has expired")
        try:
            await self._chat.hello(self, command)
        except Refusal as refusal:
            self.close(Close.TOO_MANY_CONNECTIONS, refusal.message)
        except Exception as problem:
            _log(problem)
            self.close(Close.INTERNAL, "not available at the moment")

    async def _carry_out(self, command: Command) -> None:
        began = self._loop.time()
        try:
            answer = await self._verb(command)
        except Exception as problem:
            answer = refused(getattr(command, "ref", ""), problem)
        if answer is not None:
            self.answer(answer)
        _counter(type(command).__name__.lower(), outcome(answer)).inc()
        if isinstance(command, Post):
            POST_SECONDS.observe(self._loop.time() - began)

    async def _verb(self, command: Command) -> Event | None:
        chat = self._chat
        match command:
            case Post():
                return await chat.post(self, command)
            case Prefer():
                return await chat.prefer(self, command)
            case Draft():
                return chat.draft(self, command)
            case Edit():
                return await chat.edit(self, command)
            case Retract():
                return await chat.retract(self, command)
            case React():
                return await chat.react(self, command)
            case Since():
                await self._turn_a_page()
                return await chat.since(self, command.conversation, command.after, command.epoch)
            case History():
                await self._turn_a_page()
                return await chat.history(self, command)
            case Report():
                return await chat.report(self, command)
            case Appeal():
                return await chat.appeal(self, command)
            case Invite():
                return await chat.invite(self, command)
            case Consent():
                return await chat.consent(self, command)
            case Withdraw():
                return await chat.withdraw(self, command)
            case Accept():
                return await chat.accept(self, command)
            case Rate():
                return await chat.rate(self, command)
            case Acknowledge():
                return await chat.acknowledge(self, command)
            case Resolve():
                return await chat.resolve(self, command)
            case Leave():
                return await chat.leave(self, command)
        raise AssertionError(f"no verb for {type(command).__name__}")

    def _at_once(self, command: Typing | Read | Dismiss) -> None:
        try:
            match command:
                case Typing():
                    self._chat.typing(self, command)
                case Read():
                    self._chat.read(self, command)
                case Dismiss():
                    self._chat.dismiss(self, command)
        except Exception as problem:
            self.send(refused("", problem))

    async def _turn_a_page(self) -> None:
        """Pages cost more than they weigh: no more at a time than this reader takes, and not too many."""
        wait = self._pages.spend(self._loop.time())
        if wait:
            raise Refusal("rate_limited", "Too many pages at once. Wait a moment.", retry_after=int(wait * 1_000) + 1)
        await self.drained()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        # The loop keeps only weak references to its tasks.
        task = self._loop.create_task(self._kept(work))
        self._tasks.add(task)

    async def _kept(self, work: Coroutine[Any, Any, None]) -> None:
        # A callback when it is done would cost another turn of the loop for each message.
        try:
            await work
        finally:
            self._tasks.discard(asyncio.current_task())

    def _refuse_frame(self, problem: BadFrame, now: float) -> None:
        self._bad_frames = [at for at in self._bad_frames if now - at < 60] + [now]
        if len(self._bad_frames) > BAD_FRAMES:
            self.close(Close.BAD_FRAME, "too many bad frames")
            return
        self.send(Refused(problem.ref, problem.code, str(problem)))


@cache
def _counter(command: str, outcome: str) -> Counter:
    # Found by its labels once, not for every message.
    return COMMANDS.labels(command, outcome)


def outcome(answer: Event | None) -> str:
    """What became of a command, in one word."""
    match answer:
        case Accepted():
            return answer.verdict or "done"
        case Refused():
            return answer.code
        case Advised():
            return "advised"
    return "done"


def refused(ref: str, problem: Exception) -> Refused:
    """The answer to a command that failed. What we did not foresee is logged by its type and told as ``internal``."""
    match problem:
        case Refusal():
            return Refused(ref, problem.code, problem.message, problem.retry_after, problem.reasons, problem.decision)
        case NotFound():
            return Refused(ref, "not_found", f"There is no such {problem.what} here.")
        case Stale():
            return Refused(ref, "conflict", f"The {problem.what} is {problem.state} by now.")
        case StorageFull():
            return Refused(
                ref, "storage_full", "There is no room to store anything. Reading still works.", UNAVAILABLE_MS
            )
        case ReadOnly():
            return Refused(ref, "unavailable", "Only reading works at the moment. Try again.", UNAVAILABLE_MS)
        case StorageError():
            return Refused(ref, "unavailable", "Not available at the moment. Try again.", UNAVAILABLE_MS)
    _log(problem)
    return Refused(ref, "internal", "Something went wrong on our side. Try again.", UNAVAILABLE_MS)


def _log(problem: Exception) -> None:
    """What we did not foresee, by its place. Never by its own words, which may hold a message's."""
    if isinstance(problem, StorageError):
        return
    logger.error("failed: %s\n%s", type(problem).__name__, "".join(traceback.format_tb(problem.__traceback__)))
