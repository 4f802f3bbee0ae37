"""Where in a policy's text something is written: for people who look for the fault that an error names."""

from __future__ import annotations

import re

import msgspec

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"'-]+)\s*\]\]?")
_KEY = re.compile(r"\s*([\w-]+|\"[^\"]*\")\s*[=.]")
_ID = re.compile(r"\s*id\s*=\s*[\"']([^\"']*)[\"']")
_NUMBERED = re.compile(r"(\w+)\[(\d+)\]")
_TOLD_BY_TOML = re.compile(r"at line (\d+), column (\d+)")


class Position(msgspec.Struct, frozen=True):
    """A place in a text, both counted from 1."""

    line: int
    column: int


def position(source: str, clause: str, key: str, problem: str = "") -> Position:
    """Where ``key`` of a clause is written, or else what is nearest to it: the clause, or the first line.

    ``clause``, ``key`` and ``problem`` as in PolicyError; errors of TOML itself tell the place in their words.
    """
    told = _TOLD_BY_TOML.search(problem)
    if told:
        return Position(int(told[1]), int(told[2]))
    lines = source.splitlines() or [""]
    start, end = _clause(lines, clause, key) if clause or key.startswith("clause[") else (0, len(lines))
    wanted = key.split(".", 1)[1] if key.startswith("clause[") and "." in key else key
    return _key(lines, start, end, wanted, "clause." if clause or key.startswith("clause[") else "")


def _clause(lines: list[str], id: str, key: str) -> tuple[int, int]:
    """The first line of a clause, and the one after its last."""
    heads = [n for n, line in enumerate(lines) if re.match(r"\s*\[\[\s*clause\s*\]\]", line)]
    ends = [*heads[1:], len(lines)] if heads else []
    numbered = _NUMBERED.match(key)
    if not id and numbered and int(numbered[2]) <= len(heads):
        return heads[int(numbered[2]) - 1], ends[int(numbered[2]) - 1]
    # Of two with one id the later is the faulty one.
    for head, end in reversed(list(zip(heads, ends, strict=True))):
        if any((match := _ID.match(line)) and match[1] == id for line in lines[head:end]):
            return head, end
    return 0, len(lines)


def _key(lines: list[str], start: int, end: int, key: str, prefix: str) -> Position:
    """The line that gives the longest beginning of ``key``."""
    best, length = Position(start + 1, 1), 0
    section, counts = "", dict[str, int]()
    parts = key.split(".")
    for n in range(start, end):
        header = _HEADER.match(lines[n])
        if header:
            section = header[2].removeprefix(prefix) if header[2] != "clause" else ""
            if header[1] == "[[":
                counts[section] = counts.get(section, 0) + 1
                section = f"{section}[{counts[section]}]" if section else ""
            path = section
        else:
            match = _KEY.match(lines[n])
            if not match:
                continue
            path = f"{section}.{match[1].strip(chr(34))}" if section else match[1].strip('"')
        shared = _shared(path.split("."), parts)
        if shared > length and (shared == len(path.split(".")) or header):
            best, length = Position(n + 1, len(lines[n]) - len(lines[n].lstrip()) + 1), shared
    return best


def _shared(path: list[str], key: list[str]) -> int:
    """With how many of its parts ``path`` begins as ``key`` does."""
    count = 0
    for one, other in zip(path, key, strict=False):
        if one != other:
            break
        count += 1
    return count
