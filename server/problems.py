"""How HTTP says that something is wrong: ``{"error": {"code", "message"}}`` with the status that fits the code."""

from __future__ import annotations

import logging
import traceback

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from realtime.errors import Refusal
from storage.errors import NotFound, Stale, StorageError, StorageFull

logger = logging.getLogger("tertulia.http")
STATUS = {
    "bad_json": 400, "bad_request": 400, "unauthenticated": 401, "forbidden": 403, "not_found": 404,
    "method_not_allowed": 405, "conflict": 409, "too_long": 413, "rate_limited": 429, "unavailable": 503,
    "storage_full": 507,
}  # fmt: skip


def answer(code: str, message: str, *, retry_after: int = 0) -> Response:
    """The response for a refusal code; ``retry_after`` in milliseconds."""
    headers = {"Retry-After": str(max(1, retry_after // 1_000))} if retry_after else None
    return JSONResponse({"error": {"code": code, "message": message}}, STATUS.get(code, 500), headers)


async def told(_: Request, problem: Exception) -> Response:
    """The response for what a handler raised; registered for each of these errors."""
    match problem:
        case Refusal():
            return answer(problem.code, problem.message, retry_after=problem.retry_after)
        case NotFound():
            return answer("not_found", f"There is no such {problem.what} here.")
        case Stale():
            return answer("conflict", f"The {problem.what} is {problem.state}.")
        case StorageFull():
            return answer("storage_full", "There is no room to store anything.", retry_after=1_000)
        case StorageError():
            return answer("unavailable", "Not available at the moment. Try again.", retry_after=1_000)
        case msgspec.ValidationError():
            return answer("too_long" if "length <=" in str(problem) else "bad_request", str(problem))
        case _:
            return answer("bad_json", "The body is not valid JSON.")


def unforeseen(problem: Exception) -> Response:
    """The response for a defect of ours. Logged by its place, never by its own words, which may hold a message's."""
    logger.error("failed: %s\n%s", type(problem).__name__, "".join(traceback.format_tb(problem.__traceback__)))
    return answer("internal", "Something went wrong on our side. Try again.")


HANDLED = (Refusal, StorageError, msgspec.DecodeError, RecursionError, UnicodeDecodeError)
