"""Which policy holds where: the operator's files, each tenant's publications on top, and every version that ever held.

``of`` is asked at each message, so that a change is effective at once, for open conversations too. What another node publishes
is noticed by a number in the database that is looked at each second; what changes in the files, by their time and size.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from sqlalchemy import Connection as Transaction

from moderation.shadow import Shadow
from policies import load as loading
from policies.load import DEFAULT, Find, PolicyError, from_sources, load, shipped
from policies.policy import Policy
from storage import policies as stored
from storage.database import EVERY_TENANT, Database
from storage.errors import NotFound, StorageError
from storage.policies import OPERATOR, ORDINARY, InForce, Trial, Version

LOOK_SECONDS = 0.5  # between two looks at the files and at what is in force
STORE_SECONDS = 2.0  # how often a shadow's counts are stored
OLD_VERSIONS = 64  # kept ready for replays

logger = logging.getLogger("tertulia.policies")
_encode = msgspec.json.Encoder().encode


class PolicyBook:
    """The law as this node knows it. ``path`` is a policy file, a shipped one's name, or a folder.

    In a folder, ``default.toml`` holds for all conversations and ``KIND.toml`` for those of a kind. ``problems`` maps the
    file or publication that is at fault to what is wrong with it; what it said before stays in force.
    """

    def __init__(self, path: Path | str = DEFAULT, database: Database | None = None) -> None:
        self.node = secrets.token_hex(8)
        self.problems: dict[str, str] = {}
        self._path = path
        self._database = database
        self._files: dict[str, Policy] = {}
        self._in_force: dict[tuple[str, str], Policy] = {}
        self._shadows: dict[tuple[str, str], Shadow] = {}
        self._old: dict[tuple[str, str], Policy] = {}
        self._seen: tuple[object, ...] = ()
        self._clock = -1
        self._watching: asyncio.Task[None] | None = None
        self._read_files(first=True)
        self._seen = self._signature()

    @classmethod
    def holding(cls, policy: Policy) -> PolicyBook:
        """A book of one policy, for everybody and for ever."""
        book = cls()
        book._files = {ORDINARY: policy}
        return book

    # ------------------------------------------------------------------------------------------------- asking

    @property
    def default(self) -> Policy:
        """What holds where nothing else is said."""
        return self._files[ORDINARY]

    def of(self, tenant: str, kind: str = ORDINARY) -> Policy:
        """The policy for a tenant's conversations of a kind, as it stands now."""
        published = self._in_force
        return (
            published.get((tenant, kind))
            or published.get((tenant, ORDINARY))
            or self._files.get(kind)
            or self._files[ORDINARY]
        )

    def shadow(self, tenant: str, kind: str = ORDINARY) -> Shadow | None:
        """The draft that runs beside the policy in force, if there is one: the one that would hold if it were published."""
        if not self._shadows:
            return None
        shadow = self._shadows.get((tenant, kind))
        if shadow is None and (tenant, kind) not in self._in_force:
            shadow = self._shadows.get((tenant, ORDINARY))
        return shadow

    async def policy_by_id(self, tenant: str, id: str) -> Policy:
        """A policy that was in force once, by its ``name@version``. Raises NotFound."""
        for policy in (*self._in_force.values(), *self._files.values()):
            if policy.id == id and self._may_see(tenant, policy):
                return policy
        key = (tenant, id)
        if key in self._old:
            return self._old[key]
        if self._database is None:
            raise NotFound("policy")
        version = await self._database.read(lambda tx: stored.version(tx, tenant, id), of=tenant)
        policy = from_sources(version.sources)
        if len(self._old) >= OLD_VERSIONS:
            self._old.clear()
        self._old[key] = policy
        return policy

    def find(self, tenant: str) -> Find:
        """What a name after ``extends`` stands for in a tenant's policy: its own, then the operator's, then the shipped."""

        def find(name: str) -> tuple[bytes, str] | None:
            for (owner, _), policy in self._in_force.items():
                if owner == tenant and policy.name == name:
                    return policy.sources[-1][1].encode(), f"{name}.toml"
            for policy in self._files.values():
                if policy.name == name:
                    return policy.sources[-1][1].encode(), f"{name}.toml"
            found = loading.shipped_only(name)
            return None if found is None else (found[0], f"{name}.toml")

        return find

    def kinds(self, tenant: str) -> list[str]:
        """The kinds of conversations for which something special holds, and the ordinary one."""
        own = {kind for owner, kind in self._in_force if owner == tenant}
        return sorted({ORDINARY, *self._files, *own})

    def own(self, tenant: str) -> dict[str, Policy]:
        """The policies that a tenant has published itself, by kind."""
        return {kind: policy for (owner, kind), policy in self._in_force.items() if owner == tenant}

    # ------------------------------------------------------------------------------------------------ keeping up

    async def start(self) -> None:
        """Keep the files' versions, take over what is published, and go on looking for changes."""
        await self._keep_files()
        await self.refresh()
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Stop looking, and store what the shadows have counted."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self.store_counts()

    async def refresh(self) -> None:
        """Take over what has changed in the database, if anything has. Raises StorageError."""
        if self._database is None:
            return
        clock, known = await self._database.read(lambda tx: (stored.clock(tx), self._clock), of=EVERY_TENANT)
        if clock == known:
            return
        rows, shadows = await self._database.read(
            lambda tx: (stored.all_in_force(tx), stored.shadows(tx)), of=EVERY_TENANT
        )
        self._take_over(rows)
        await self._take_over_shadows(shadows)
        self._clock = clock

    async def reread(self) -> None:
        """Take over what has changed in the files, if anything has."""
        signature = await asyncio.to_thread(self._signature)
        if signature == self._seen:
            return
        self._seen = signature
        await asyncio.to_thread(self._read_files)
        await self._keep_files()

    # --------------------------------------------------------------------------------------------------- inside

    async def _watch(self) -> None:
        stored_at = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.reread()
                await self.refresh()
                if time.monotonic() - stored_at >= STORE_SECONDS:
                    stored_at = time.monotonic()
                    await self.store_counts()
            except StorageError:
                continue  # looked at again in a moment; what is known stays in force
            except Exception as problem:
                logger.error("the policies could not be looked at: %s", type(problem).__name__)

    def _take_over(self, rows: Sequence[tuple[InForce, Version]]) -> None:
        before = {policy.id: policy for policy in self._in_force.values()}
        in_force: dict[tuple[str, str], Policy] = {}
        for key in [key for key in self.problems if key.startswith("published:")]:
            del self.problems[key]
        for row, version in rows:
            place = (row.tenant, row.kind)
            try:
                in_force[place] = before.get(row.policy) or from_sources(version.sources)
            except PolicyError as problem:
                self.problems[f"published:{row.tenant}:{row.kind}"] = str(problem)
                if place in self._in_force:
                    in_force[place] = self._in_force[place]
        self._in_force = in_force

    async def _take_over_shadows(self, trials: Sequence[Trial]) -> None:
        await self.store_counts()
        running = {(trial.tenant, trial.kind): trial for trial in trials}
        shadows = {place: shadow for place, shadow in self._shadows.items()
                   if place in running and running[place].id == shadow.trial}  # fmt: skip
        for place, trial in running.items():
            if place not in shadows:
                try:
                    shadows[place] = Shadow(trial.tenant, trial.id, from_sources(trial.sources))
                except PolicyError as problem:
                    logger.error("a shadow cannot be loaded: %s", problem)
        self._shadows = shadows

    async def store_counts(self) -> None:
        """Store what the shadows of this node have counted since the last time."""
        changed = [shadow for shadow in self._shadows.values() if shadow.changed]
        if not changed or self._database is None:
            return
        tallies = [(shadow.tenant, shadow.trial, _encode(shadow.tally)) for shadow in changed]
        for shadow in changed:
            shadow.changed = False

        def count(tx: Transaction) -> None:
            for tenant, trial, tally in tallies:
                stored.count(tx, tenant, trial, self.node, tally)

        try:
            await self._database.write(count)
        except StorageError:
            for shadow in changed:
                shadow.changed = True

    async def _keep_files(self) -> None:
        if self._database is None:
            return
        policies, at = list(self._files.values()), time.time_ns() // 1_000_000

        def keep(tx: Transaction) -> None:
            for policy in policies:
                stored.keep(tx, OPERATOR, policy, "operator", str(self._path), at)

        await self._database.write(keep)

    def _read_files(self, first: bool = False) -> None:
        """Load what is there; what is at fault keeps what it said before. ``first``: raises PolicyError."""
        files, problems = {}, {}
        for kind, path in self._places().items():
            try:
                files[kind] = load(path)
            except PolicyError as problem:
                if first:
                    raise
                problems[str(path)] = str(problem)
                if kind in self._files:
                    files[kind] = self._files[kind]
        if ORDINARY not in files:
            missing = PolicyError(self._path, "", "", "there is no default.toml in this folder")
            if first:
                raise missing
            problems[str(self._path)] = str(missing)
            files[ORDINARY] = self._files[ORDINARY]
        for told in set(problems.values()) - set(self.problems.values()):
            logger.error("a policy is at fault, what it said before stays in force: %s", told)
        self._files = files
        kept = {key: told for key, told in self.problems.items() if key.startswith("published:")}
        self.problems = kept | problems

    def _places(self) -> dict[str, Path | str]:
        path = Path(self._path)
        if str(self._path) in shipped() or not path.is_dir():
            return {ORDINARY: self._path}
        return {file.stem: file for file in sorted(path.glob("*.toml"))}

    def _signature(self) -> tuple[object, ...]:
        """Changes with the files and with those beside them, which they may extend."""
        path = Path(self._path)
        if str(self._path) in shipped():
            return ()
        folder = path if path.is_dir() else path.parent
        marks = []
        for file in sorted(folder.glob("*.toml")):
            try:
                stat = file.stat()
            except OSError:
                continue  # taken away this moment
            marks.append((file.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(marks)

    def _may_see(self, tenant: str, policy: Policy) -> bool:
        return policy in self._files.values() or any(
            owner == tenant and one is policy for (owner, _), one in self._in_force.items()
        )
