"""What a participant may do on all nodes together: how much they send, and how many connections they have.

Nobody waits for it with a message in hand. A node spends the credit it knows of at once, tells Redis what was spent beside
the message, and hears back how far the participant is ahead on all nodes; what was too much by then is paid back by waiting
longer. Only who is connected to several nodes costs that. The connections are counted when one opens. Where Redis does not
answer, each node goes by what it sees itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from itertools import islice

from realtime.limits import Credit
from realtime.redis_client import Asking, Away

TOGETHER = 200  # participants in one question
KEPT_MS = 86_400_000  # a count that nobody has touched for so long is forgotten

# GCRA by the clock of Redis: KEYS[1] holds when the credit will be whole again, in microseconds. Gives how far away that is.
SPEND = """
local at = redis.call('TIME')
local now = at[1] * 1000000 + at[2]
local whole = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + ARGV[1] * ARGV[2]
redis.call('SET', KEYS[1], string.format('%.0f', whole), 'PX', math.ceil((whole - now) / 1000) + 1000)
return whole - now
"""
# KEYS[1] has a number for each node. Gives how many connections there are on the nodes of ARGV[5] and on; with this node's of
# ARGV[2] no more than ARGV[3] together, or -1 and nothing is changed.
COUNT = """
local elsewhere = 0
for i = 5, #ARGV do elsewhere = elsewhere + tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or 0) end
if elsewhere + ARGV[2] > tonumber(ARGV[3]) then return -1 end
if ARGV[2] == '0' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return elsewhere
"""
UNLIMITED = 1 << 30

Key = tuple[str, str]


class SharedLimits:
    """The limits of one node's participants, as far as other nodes have a say in them.

    ``others`` gives the nodes that are alive beside this one, ``node``.
    """

    def __init__(self, url: str, epoch: str, node: str, others: Callable[[], Collection[str]]) -> None:
        self._asking = Asking(url, "tertulia-limits")
        self._epoch, self._node, self._others = epoch, node, others
        self._spent: dict[Key, tuple[Credit, int]] = {}
        self._here: dict[Key, int] = {}
        self._telling: asyncio.Task[None] | None = None

    def spent(self, key: Key, credit: Credit) -> None:
        """One credit was spent by somebody who is on other nodes as well."""
        _, before = self._spent.get(key, (credit, 0))
        self._spent[key] = credit, before + 1
        self._tell()

    async def count(self, key: Key, here: int, most: int) -> int:
        """``here`` connections are open on this node with the one that has just come; how many on others. Raises Overfull."""
        try:
            elsewhere = (await self._asking.ask([self._count(key, here, most)]))[0]
        except Away:
            return 0
        if elsewhere < 0:
            raise Overfull
        return int(elsewhere)

    def recount(self, key: Key, here: int) -> None:
        """So many are open on this node, whatever was told before. Told soon."""
        self._here[key] = here
        self._tell()

    async def close(self) -> None:
        """Tell what is to be told, and hang up."""
        if self._telling is not None:
            await self._telling
        await self._asking.close()

    def _tell(self) -> None:
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_all())

    async def _tell_all(self) -> None:
        while self._spent or self._here:
            here = [(key, self._here.pop(key)) for key in list(islice(self._here, TOGETHER))]
            spent = [(key, *self._spent.pop(key)) for key in list(islice(self._spent, TOGETHER))]
            commands = [self._count(key, count, UNLIMITED) for key, count in here]
            commands += [self._spend(key, credit, count) for key, credit, count in spent]
            try:
                answers = await self._asking.ask(commands)
            except Away:
                continue
            now = asyncio.get_running_loop().time()
            for (_, credit, _), ahead in zip(spent, answers[len(here) :], strict=True):
                credit.catch_up(now, int(ahead) / 1e6)

    def _spend(self, key: Key, credit: Credit, count: int) -> tuple[str, ...]:
        return "EVAL", SPEND, "1", self._key(key, "sent"), f"{credit.interval * 1e6:.0f}", str(count)

    def _count(self, key: Key, here: int, most: int) -> tuple[str, ...]:
        name = self._key(key, "open")
        return "EVAL", COUNT, "1", name, self._node, str(here), str(most), str(KEPT_MS), *self._others()

    def _key(self, key: Key, what: str) -> str:
        """The length says where the tenant's name ends; in a cluster, all of a participant lies on one node."""
        tenant, participant = key
        return f"tertulia:{self._epoch}:{{{len(tenant)}:{tenant}:{participant}}}:{what}"


class Overfull(Exception):
    """There are as many connections as there may be, on all nodes together."""
