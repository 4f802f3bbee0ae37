"""Why a command is not carried out: a code for programs, a sentence for people."""

from __future__ import annotations

from collections.abc import Sequence

from policies.policy import Reason


class Refusal(Exception):
    """A command that is not carried out; the connection goes on.

    ``retry_after`` in milliseconds, 0 when trying again is no use. ``decision`` is the id under which it can be appealed.
    """

    def __init__(
        self, code: str, message: str, *, retry_after: int = 0, reasons: Sequence[Reason] = (), decision: str = ""
    ) -> None:
        super().__init__(code, message)
        self.code, self.message, self.retry_after = code, message, retry_after
        self.reasons, self.decision = list(reasons), decision

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Unauthenticated(Exception):
    """A token that is not good. The text is the same whatever is wrong with it, so that it teaches a forger nothing."""

    def __str__(self) -> str:
        return "The token is missing, expired or not valid."


class Close:
    """Close codes of ours; ``docs/protocol.md`` says for each whether the client may resume."""

    INTERNAL = 4000
    GO_AWAY = 4001
    BAD_FRAME = 4002
    TOO_BIG = 4003
    AUTH_TIMEOUT = 4004
    SLOW = 4005
    NO_PONG = 4006
    CONTINUITY_LOST = 4007
    RATE = 4008
    TOKEN = 4401
    NOT_A_MEMBER = 4403
    DISPLACED = 4409
    TOO_MANY_CONNECTIONS = 4429
    ADMISSION = 4503
