"""The deep process: loads a model, then scores what comes over its standard input, a socket, until that closes.

Started by ``moderation.deep.process`` as ``python -m moderation.deep.worker SOURCE [FOLDER]``.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections.abc import Callable
from typing import Protocol

from moderation.deep.batches import Waiting, pick
from moderation.deep.frames import Judge, Judged, Ready, Unfit, Unpacker, pack

GATHER_SECONDS = 0.005  # for company, when nothing else is to be done
COMPANY = 32  # texts are company enough
NICE = 10  # the hub goes first where both want the processor


class Scores(Protocol):
    """What the process serves; see ``moderation.deep.scorer``."""

    names: tuple[str, ...]
    device: str
    window: int
    most_tokens: int

    def tokens(self, texts: list[str]) -> list[list[int]]: ...

    def scores(self, batch: list[list[int]]) -> list[list[float]]: ...


def main() -> None:
    """Load, say how that went, and serve."""
    os.nice(NICE)
    source, folder = sys.argv[1], (sys.argv[2:] or [""])[0]
    run(lambda: _load(source, folder))


def run(load: Callable[[], Scores]) -> None:
    """Serve what ``load`` gives. It raises ValueError when there is no use in trying again soon."""
    connection = socket.socket(fileno=0)
    try:
        scorer = load()
    except (ValueError, ImportError) as problem:
        connection.sendall(pack(Unfit(f"{problem}")))
        return
    try:
        connection.sendall(pack(Ready(scorer.names, scorer.device, scorer.window)))
        serve(connection, scorer)
    except (BrokenPipeError, ConnectionResetError):
        return  # the hub is gone


def serve(connection: socket.socket, scorer: Scores) -> None:
    """Score until the other side closes. A batch at a time, so that an urgent text waits for one at most."""
    unpacker = Unpacker()
    waiting: list[Waiting] = []
    while True:
        try:
            asked = _asked(connection, unpacker, idle=not waiting)
        except EOFError:
            return
        if asked:
            tokens = scorer.tokens([one.text for one in asked])
            waiting += [Waiting(one.id, ids, one.urgent) for one, ids in zip(asked, tokens, strict=True)]
        chosen = set(pick(waiting, scorer.most_tokens))
        batch = [waiting[n] for n in sorted(chosen)]
        waiting = [one for n, one in enumerate(waiting) if n not in chosen]
        if batch:
            connection.sendall(b"".join(_judged(batch, scorer)))


def _asked(connection: socket.socket, unpacker: Unpacker, *, idle: bool) -> list[Judge]:
    """What has come. An idle process waits for a first text, then a moment for company. Raises EOFError at the end."""
    asked = _received(connection, unpacker, None if idle else 0.0)
    until = time.monotonic() + GATHER_SECONDS
    while idle and len(asked) < COMPANY and (left := until - time.monotonic()) > 0:
        asked += _received(connection, unpacker, left)
    return asked


def _received(connection: socket.socket, unpacker: Unpacker, seconds: float | None) -> list[Judge]:
    if not select.select([connection], [], [], seconds)[0]:
        return []
    data = connection.recv(1 << 16)
    if not data:
        raise EOFError
    return [frame for frame in unpacker.feed(data) if isinstance(frame, Judge)]


def _judged(batch: list[Waiting], scorer: Scores) -> list[bytes]:
    try:
        scores = scorer.scores([one.tokens for one in batch])
    except Exception as problem:
        if len(batch) == 1:
            # Not the problem's own words: they may quote the text.
            print(f"deep: a text cannot be scored: {type(problem).__name__}", file=sys.stderr, flush=True)  # noqa: T201
            return [pack(Judged(batch[0].id, None))]
        return [packed for one in batch for packed in _judged([one], scorer)]
    return [pack(Judged(one.id, found)) for one, found in zip(batch, scores, strict=True)]


def _load(source: str, folder: str) -> Scores:
    if folder:
        # Read by the libraries when they are imported: with these files there is nothing to ask anybody for.
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        import torch
        import transformers

        from moderation.deep.checkpoint import load
        from moderation.deep.scorer import Scorer
    except ImportError as problem:
        raise ImportError(f"{problem.name} is not installed: pip install 'tertulia[detoxify]'") from problem
    transformers.utils.logging.set_verbosity_error()
    # One core at full use gives more messages a second of processor time than two that wait for each other.
    torch.set_num_threads(1)
    return Scorer(load(source, folder))


if __name__ == "__main__":
    main()
