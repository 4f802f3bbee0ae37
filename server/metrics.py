"""What an operator's Prometheus reads: on an address of its own, so that no participant's network reaches it.

The numbers are counted where they arise; here are those that can be looked at when somebody asks, and the door. They are
served by a thread, and so they can still be read while the event loop is stuck, which is when they are wanted most.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prometheus_client import Gauge, Info, start_http_server

if TYPE_CHECKING:
    from server.app import Service

LAG_SECONDS = 0.5  # between two looks at the loop

CONNECTIONS = Gauge("tertulia_connections", "Open connections that have said hello.")
PARTICIPANTS = Gauge("tertulia_participants", "Participants with an open connection to this node.")
HELD = Gauge("tertulia_conversations_held", "Conversations in this node's memory.")
TASKS = Gauge("tertulia_tasks", "Tasks of the event loop.")
LOOP_LAG = Gauge("tertulia_loop_lag_seconds", "How late the event loop was at its last look at the clock.")
BROKER_UP = Gauge("tertulia_broker_up", "1 while this node hears the others and is heard.")
DEEP_UP = Gauge("tertulia_deep_up", "1 while the deep classifiers answer; absent without them.")
BUILD = Info("tertulia_build", "The version that runs.")


def address(value: str) -> tuple[str, int]:
    """Host and port of ``host:port``. Raises ValueError for anything else."""
    parsed = urlsplit(f"//{value}")
    if not parsed.hostname or parsed.port is None or parsed.path or parsed.username:
        raise ValueError(f"{value!r} is no host:port")
    return parsed.hostname, parsed.port


@contextlib.asynccontextmanager
async def served(service: Service, version: str, at: str, offset: int = 0) -> AsyncIterator[None]:
    """Answer Prometheus at ``host:port``, if there is any, or ``offset`` ports further up.

    Raises ValueError or OSError when that cannot be.
    """
    if not at:
        yield
        return
    hub, loop = service.hub, asyncio.get_running_loop()
    BUILD.info({"version": version})
    CONNECTIONS.set_function(lambda: sum(len(person.connections) for person in list(hub.people.values())))
    PARTICIPANTS.set_function(lambda: sum(bool(person.connections) for person in list(hub.people.values())))
    HELD.set_function(lambda: len(hub.rooms))
    TASKS.set_function(lambda: len(asyncio.all_tasks(loop)))
    BROKER_UP.set_function(lambda: hub.broker.state == "ready")
    deep = service.deep
    if deep is not None:
        DEEP_UP.set_function(lambda: deep.state == "ready")
    host, port = address(at)
    server, thread = start_http_server(port + offset, host)
    watching = asyncio.create_task(_watch(loop))
    try:
        yield
    finally:
        watching.cancel()
        server.shutdown()
        thread.join()


async def _watch(loop: asyncio.AbstractEventLoop) -> None:
    while True:
        due = loop.time() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        LOOP_LAG.set(max(0.0, loop.time() - due))
