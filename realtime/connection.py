"""One socket: frames in, commands to the chat's verbs, answers out. A connection's commands begin in the order they came."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from typing import TYPE_CHECKING

from realtime.auth import LEEWAY_SECONDS, Identity
from realtime.errors import Close, Refusal, Unauthenticated
from realtime.protocol import (
    Accept,
    Appeal,
    BadFrame,
    Command,
    Consent,
    Draft,
    Edit,
    Event,
    Hello,
    History,
    Invite,
    Leave,
    Post,
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
from storage.errors import NotFound, Stale, StorageError, StorageFull

if TYPE_CHECKING:
    from realtime.chat import Chat
    from realtime.hub import Presences
    from realtime.room import Room

HELLO_SECONDS = 5.0
BAD_FRAMES = 10  # within a minute; then the client is broken or means harm
UNAVAILABLE_MS = 1_000
_STARTING = Identity(tenant="", id="", name="", role="", lang="en", expires=0)

logger = logging.getLogger("tertulia.connection")


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
        self._greeted = False
        self._bad_frames: list[float] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._deadline = self._loop.call_later(HELLO_SECONDS, self.close, Close.AUTH_TIMEOUT, "no hello in time")

    # ---------------------------------------------------------------------------------------------------- out

    def send(self, event: Event) -> None:
        """Send one event to this connection alone."""
        self._wire.write(frame(encode(event)))

    def write(self, data: bytes) -> None:
        """Send frames that are made already."""
        self._wire.write(data)

    def close(self, code: int, reason: str) -> None:
        """Hang up."""
        self._wire.close(code, reason)

    def closed(self) -> None:
        """The socket is gone."""
        self._deadline.cancel()
        if self.person is not None:
            self._chat.hub.depart(self)

    # ----------------------------------------------------------------------------------------------------- in

    def receive(self, text: str) -> None:
        """Take one text frame. A credit is spent before it is parsed."""
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
                self._begin(self._hello(command))
            case _ if self.person is None:
                self.send(Refused(getattr(command, "ref", ""), "unauthenticated", "Say hello first."))
            case Typing():
                self._at_once(command, self._chat.typing)
            case Read():
                self._at_once(command, self._chat.read)
            case _:
                self._begin(self._carry_out(command))

    async def _hello(self, command: Hello) -> None:
        try:
            self.identity = await self._chat.gate.identify(command.token or self._bearer)
        except Unauthenticated as problem:
            self.close(Close.TOKEN, str(problem))
            return
        except StorageError:
            self.close(Close.INTERNAL, "not available at the moment")
            return
        self._deadline.cancel()
        seconds_left = self.identity.expires + LEEWAY_SECONDS - time.time()
        self._deadline = self._loop.call_later(seconds_left, self.close, Close.TOKEN, "the token has expired")
        try:
            await self._chat.hello(self, command)
        except Refusal as refusal:
            self.close(Close.TOO_MANY_CONNECTIONS, refusal.message)
        except StorageError:
            self.close(Close.INTERNAL, "not available at the moment")
        self._tasks.clear()

    async def _carry_out(self, command: Command) -> None:
        ref = getattr(command, "ref", "")
        try:
            answer = await self._verb(command)
        except Exception as problem:
            answer = refused(ref, problem)
        if answer is not None:
            self.send(answer)
        self._tasks.discard(asyncio.current_task())

    async def _verb(self, command: Command) -> Event | None:
        chat = self._chat
        match command:
            case Post():
                return await chat.post(self, command)
            case Draft():
                return chat.draft(self, command)
            case Edit():
                return await chat.edit(self, command)
            case Retract():
                return await chat.retract(self, command)
            case React():
                return await chat.react(self, command)
            case Since():
                return await chat.since(self, command.conversation, command.after, command.epoch)
            case History():
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
            case Resolve():
                return await chat.resolve(self, command)
            case Leave():
                return await chat.leave(self, command)
        raise AssertionError(f"no verb for {type(command).__name__}")

    def _at_once(self, command: Typing | Read, verb: object) -> None:
        try:
            verb(self, command)  # type: ignore[operator]
        except Exception as problem:
            self.send(refused("", problem))

    def _begin(self, work: object) -> None:
        # The loop keeps only weak references to tasks; each takes itself out again when it is done.
        self._tasks.add(self._loop.create_task(work))  # type: ignore[arg-type]

    def _refuse_frame(self, problem: BadFrame, now: float) -> None:
        self._bad_frames = [at for at in self._bad_frames if now - at < 60] + [now]
        if len(self._bad_frames) > BAD_FRAMES:
            self.close(Close.BAD_FRAME, "too many bad frames")
            return
        self.send(Refused(problem.ref, problem.code, str(problem)))


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
        case StorageError():
            return Refused(ref, "unavailable", "Not available at the moment. Try again.", UNAVAILABLE_MS)
    # Never the exception's own words, which may hold a message's.
    trace = "".join(traceback.format_tb(problem.__traceback__))
    logger.error("a verb failed: %s\n%s", type(problem).__name__, trace)
    return Refused(ref, "internal", "Something went wrong on our side. Try again.", UNAVAILABLE_MS)
