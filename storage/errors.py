"""What can go wrong with storage, as the verbs of the chat need to tell it apart.

StorageError
    Unavailable     the database cannot be reached or did not answer in time; worth another try
      ReadOnly      it can only be read just now: a standby, or one that has just become one
    StorageFull     no room is left; reads still work
    NotFound        no such row in this tenant
    Stale           the row is no longer in the state that the caller thought
    AlreadyOpen     another server uses this database
    TooOld          the database is for a newer version
"""

from __future__ import annotations


class StorageError(Exception):
    """Base of all."""


class Unavailable(StorageError):
    """The database cannot be reached or did not answer in time."""


class ReadOnly(Unavailable):
    """The database can only be read just now."""


class StorageFull(StorageError):
    """No room is left; reads still work."""


class NotFound(StorageError):
    """No such row in this tenant."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"no such {self.what}"


class Stale(StorageError):
    """The row is no longer in the state that the caller thought: somebody else was first."""

    def __init__(self, what: str, state: str) -> None:
        super().__init__(what, state)
        self.what, self.state = what, state

    def __str__(self) -> str:
        return f"the {self.what} is {self.state} by now"


class AlreadyOpen(StorageError):
    """Another server uses this database."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} is in use by another server process, and one database serves one. Stop the other first."


class TooOld(StorageError):
    """The database is for a newer version, and this one cannot work with it."""

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.step = step

    def __str__(self) -> str:
        return f"The database is at step {self.step}, which a newer version has made: this one cannot work with it."
