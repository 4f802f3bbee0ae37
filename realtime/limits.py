"""How much one participant may send."""

from __future__ import annotations


class Credit:
    """A generic cell rate limit (GCRA): ``burst`` at once, ``rate`` a second in the long run."""

    __slots__ = ("_slack", "_spent_until", "interval")

    def __init__(self, rate: float, burst: int) -> None:
        self.interval = 1 / rate
        self._slack = burst * self.interval
        self._spent_until = 0.0

    def spend(self, now: float) -> float:
        """Spend one credit at ``now`` (seconds). 0 if there was one, else the seconds until there is; then none is spent."""
        spent_until = max(self._spent_until, now) + self.interval
        wait = spent_until - now - self._slack
        if wait > 1e-9:
            return wait
        self._spent_until = spent_until
        return 0.0

    def catch_up(self, now: float, ahead: float) -> None:
        """Others have spent of it as well: it is whole again in ``ahead`` seconds at the earliest."""
        self._spent_until = max(self._spent_until, now + ahead)
