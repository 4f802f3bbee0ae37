"""The processor time of a server, and its memory, as the kernel accounts them. Linux only."""

from __future__ import annotations

import os
import time
from pathlib import Path

_CPUCLOCK_SCHED = 2
_TICK = 1e6 / os.sysconf("SC_CLK_TCK")


def of_process(pid: int) -> float:
    """User + system microseconds of all threads of ``pid``, dead ones included.

    Read from the process's own clock, in nanoseconds, because ``/proc/<pid>/stat`` counts in steps of 10 ms. The
    clock's number is what ``clock_getcpuclockid(3)`` returns. Raises ProcessLookupError when there is no such process.
    """
    try:
        return time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED) / 1e3
    except OSError:
        raise ProcessLookupError(pid) from None


def of_reaped_children(pid: int) -> float:
    """User + system microseconds of the children ``pid`` has waited for, and theirs: cutime and cstime in ``proc(5)``.

    Raises ProcessLookupError when there is no such process.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(pid) from None
    # The name, second field, may hold spaces and brackets: count from the last bracket on.
    fields = stat[stat.rindex(b")") + 2 :].split()
    return (int(fields[13]) + int(fields[14])) * _TICK


def family(pid: int) -> list[int]:
    """``pid`` and its living descendants."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(int(stat[stat.rindex(b")") + 2 :].split()[1]), []).append(int(name))
    members = [pid]
    for member in members:
        members.extend(parents.get(member, ()))
    return members


def of_family(pid: int) -> float:
    """User + system microseconds of ``pid`` and all its descendants, those that have ended included.

    This is how a PostgreSQL server is measured: postmaster, backends, writers, checkpointer, autovacuum.
    Raises ProcessLookupError when there is no such process.
    """
    total = 0.0
    for member in family(pid):
        try:
            total += of_process(member) + of_reaped_children(member)
        except ProcessLookupError:
            if member == pid:
                raise
    return total


def memory_of_family(pid: int) -> float:
    """KiB that ``pid`` and its descendants hold: their PSS, in which a shared page counts once for all who share it.

    Raises ProcessLookupError when there is no such process.
    """
    total = 0.0
    for member in family(pid):
        try:
            rollup = Path(f"/proc/{member}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            if member == pid:
                raise ProcessLookupError(pid) from None
            continue
        total += next(float(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total
