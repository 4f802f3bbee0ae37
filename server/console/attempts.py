"""How often somebody may try to sign in."""

from __future__ import annotations

from collections import OrderedDict

from realtime.limits import Credit

REMEMBERED = 10_000  # accounts or addresses; the one not heard of for longest is forgotten first


class Attempts:
    """A limit for each key: ``burst`` at once, ``rate`` a second in the long run."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._credits: OrderedDict[str, Credit] = OrderedDict()

    def spend(self, key: str, now: float) -> float:
        """Take note of an attempt at ``now`` (seconds). 0 if it may go on, else the seconds until one may."""
        credit = self._credits.get(key)
        if credit is None:
            credit = self._credits[key] = Credit(self._rate, self._burst)
        self._credits.move_to_end(key)
        if len(self._credits) > REMEMBERED:
            self._credits.popitem(last=False)
        return credit.spend(now)

    def forget(self, key: str) -> None:
        """Somebody has shown that it is them: what they mistyped before does not count any more."""
        self._credits.pop(key, None)
