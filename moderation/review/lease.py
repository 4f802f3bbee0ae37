"""Who works on an item: a claim that ends by itself, so that nothing is lost when a browser dies."""

from __future__ import annotations

import msgspec

LEASE_MS = 10 * 60_000  # a claim, and each extension of it
LOOKING_MS = 20_000  # who said that they look at an item and did not say it again looks elsewhere


class Lease(msgspec.Struct, frozen=True):
    """``by`` is a staff id, empty when nobody has claimed the item; ``until`` in milliseconds."""

    by: str = ""
    until: int = 0

    def holds(self, at: int) -> bool:
        """Whether somebody has it at this moment."""
        return bool(self.by) and self.until > at

    def bars(self, staff: str, at: int) -> bool:
        """Whether it keeps this person from acting on the item."""
        return self.holds(at) and self.by != staff
