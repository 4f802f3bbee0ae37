"""Passwords of the staff: argon2id by argon2-cffi, with the parameters of RFC 9106 for little memory."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 200  # characters; NIST SP 800-63B asks for length and against rules of composition
AT_ONCE = 2  # each takes 64 MiB for about 50 ms

_hasher = PasswordHasher()
# Of a password that was thrown away: who does not exist is not answered any sooner than who does.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$gTrL3Akg/AmOKnnHDBBWbw$Xitv7aSAJlMYJzFXTTyh1ntmHZru1h6vyHowLOjDPko"


class WeakPassword(ValueError):
    """A password that is easy to guess."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem


def hashed(password: str, login: str) -> str:
    """What to store for a new password. Raises WeakPassword."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"A password has {SHORTEST} to {LONGEST} characters.")
    if len(set(password)) < 5 or (len(login) > 3 and login in password.casefold()):
        raise WeakPassword("This password is easy to guess.")
    return _hasher.hash(password)


def fits(stored: str, password: str) -> bool:
    """Whether it is the password behind ``stored``; takes as long for an account that has none."""
    try:
        _hasher.verify(stored or _NOBODY, password)
        return bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Whether a hash was made with weaker parameters than those of today."""
    return _hasher.check_needs_rehash(stored)


class Desk:
    """Hashes beside the event loop, few at a time: who tries many passwords slows down nobody's chat."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)

    async def fits(self, stored: str, password: str) -> bool:
        """See ``fits``."""
        async with self._free:
            return await asyncio.to_thread(fits, stored, password)

    async def hashed(self, password: str, login: str) -> str:
        """See ``hashed``."""
        async with self._free:
            return await asyncio.to_thread(hashed, password, login)
