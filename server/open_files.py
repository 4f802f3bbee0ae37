"""How many connections there is room for: each is an open file of the process, and so is much else."""

from __future__ import annotations

import contextlib
import logging
import resource

OTHERS = 500  # sockets of pages and the API, which come and go beside the chats
SPARE = 100  # files that are no clients: the database's, Redis's, the log, pages that are being read

logger = logging.getLogger("tertulia")


def most_sockets(connections: int) -> int:
    """How many sockets of clients may be open beside each other, whatever they are for, where there is room for them."""
    return connections + min(OTHERS, connections)


def room_for(connections: int) -> int:
    """How many of ``connections`` fit under the limit on open files, which is raised as far as this process may."""
    wanted = most_sockets(connections) + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(ValueError, OSError):  # some systems have another limit above it
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return connections
    left = max(2, soft - SPARE)
    fitting = max(1, left - min(OTHERS, left // 2))
    if fitting < connections / 2:
        logger.warning("room for %d connections only: this process may have %d files open (ulimit -n)", fitting, soft)
    return fitting
