"""What staff can do with policies: write a draft and have it checked, try it, put it in force, go back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import msgspec
from sqlalchemy import Connection as Transaction

from moderation.engine import Engine
from moderation.policy_book import PolicyBook
from moderation.traffic import Traffic, kinds_with_law
from moderation.trials import Trials
from policies.comparison import Sample, Tally
from policies.difference import Difference, differences
from policies.lint import lint
from policies.load import Find, PolicyError, from_sources, parse
from policies.policy import Clause, Policy
from policies.position import position
from realtime.chat import new_id, now
from server.console.guard import Denied
from server.rehearsal import rehearse
from storage import audit
from storage import policies as stored
from storage.database import Database
from storage.policies import Draft, Publication, Trial
from storage.staff import Staff

DAY_MS = 86_400_000
P = ParamSpec("P")
T = TypeVar("T")


class Mark(msgspec.Struct, frozen=True):
    """Something about a draft, where it is written. ``level`` is error, remark, or example for one that came out otherwise.

    ``file`` is empty where it is the draft itself, or names the policy that it extends.
    """

    level: str
    line: int
    column: int
    clause: str
    key: str
    message: str
    file: str = ""


class ClauseView(msgspec.Struct, frozen=True):
    """A clause as the list shows it. ``origin`` names the policy where it was written, ``changed_by`` those since."""

    id: str
    verdict: str
    about: list[str]
    conditions: dict[str, str]
    origin: str
    changed_by: tuple[str, ...]
    line: int
    examples: int


class Checkup(msgspec.Struct, frozen=True):
    """What is to be said of a draft. ``policy`` is its ``name@version``, empty as long as there is an error."""

    policy: str
    marks: list[Mark]
    clauses: list[ClauseView]
    off: list[tuple[str, str]]
    bases: list[str]
    examples: int


class Shown(msgspec.Struct, frozen=True):
    """A sample with its words; they are missing where they were erased."""

    sample: Sample
    text: str | None


class Lab:
    """The verbs. Every one that changes something is noted in the audit log in the same transaction."""

    def __init__(self, database: Database, book: PolicyBook, engine: Engine, trials: Trials) -> None:
        self._database = database
        self.book = book
        self._engine = engine
        self.trials = trials
        self._reading = asyncio.Lock()

    # ------------------------------------------------------------------------------------------------ looking at

    async def check(self, tenant: str, source: str) -> Checkup:
        """Everything about a draft: its error if there is one, remarks, examples that come out otherwise."""
        return await self.aside(self._check, source, self.book.find(tenant))

    async def differences(self, tenant: str, kind: str, source: str) -> list[Difference]:
        """What a draft says otherwise than what is in force. Raises Denied while the draft is at fault."""
        return await self.aside(lambda: differences(self.book.of(tenant, kind), self._parsed(tenant, source)))

    async def aside(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Read a policy in a thread, where nobody's message waits for it; one at a time, however many are asked for."""
        async with self._reading:
            return await asyncio.to_thread(read, *args, **kwargs)

    async def samples(self, staff: Staff, trial: str, change: str) -> list[Shown]:
        """The words of a trial's samples. That somebody read them is noted. Raises NotFound."""
        _, tally = await self.trials.report(staff.tenant, trial)
        samples = tally.samples.get(change, [])
        at = now()

        def act(tx: Transaction) -> dict[tuple[str, int], str]:
            detail = {"change": change, "messages": len(samples)}
            audit.record(tx, staff.tenant, staff.id, "policy.samples_read", trial, detail, at)
            return stored.words(tx, staff.tenant, {(one.message, one.revision) for one in samples})

        words = await self._database.write(act)
        return [Shown(one, words.get((one.message, one.revision))) for one in samples]

    # -------------------------------------------------------------------------------------------------- drafting

    async def save(self, staff: Staff, id: str, kind: str, source: str, revision: int) -> Draft:
        """Save a draft, at fault or not. Raises Stale when somebody else has saved it since."""
        at = now()

        def act(tx: Transaction) -> Draft:
            draft = stored.save(tx, staff.tenant, id or new_id(at), kind, source, staff.id, at, revision)
            detail = {"kind": kind, "revision": draft.revision}
            audit.record(tx, staff.tenant, staff.id, "policy.draft_saved", draft.id, detail, at)
            return draft

        return await self._database.write(act)

    async def discard(self, staff: Staff, id: str) -> None:
        """Throw a draft away. Raises NotFound."""
        at = now()

        def act(tx: Transaction) -> None:
            stored.discard(tx, staff.tenant, id)
            audit.record(tx, staff.tenant, staff.id, "policy.draft_discarded", id, {}, at)

        await self._database.write(act)

    # ---------------------------------------------------------------------------------------------------- trying

    async def backtest(self, staff: Staff, id: str, days: int, judged: bool) -> Trial:
        """Begin a backtest of a draft on the last ``days`` (0: on all there is)."""
        draft = await self._database.read(lambda tx: stored.draft(tx, staff.tenant, id), of=staff.tenant)
        policy, at = await self.aside(self._parsed, staff.tenant, draft.source), now()
        live = self.book.of(staff.tenant, draft.kind)
        ordinary = draft.kind == stored.ORDINARY
        traffic = Traffic(
            staff.tenant, kind="" if ordinary else draft.kind,
            but=kinds_with_law(self.book.own(staff.tenant), draft.kind) if ordinary else (),
            since=at - days * DAY_MS if days else 0,
        )  # fmt: skip
        trial = self._trial(staff, "backtest", draft, policy, live, at)
        detail = {"draft": id, "policy": policy.id, "against": live.id, "days": days}
        await self.trials.backtest(
            trial, live, traffic, judged, _recorded(staff, "policy.backtest", trial.id, detail, at)
        )
        return trial

    async def shadow(self, staff: Staff, id: str) -> Trial:
        """Let a draft run beside what is in force."""
        draft = await self._database.read(lambda tx: stored.draft(tx, staff.tenant, id), of=staff.tenant)
        policy, at = await self.aside(self._parsed, staff.tenant, draft.source), now()
        live = self.book.of(staff.tenant, draft.kind)
        trial = self._trial(staff, "shadow", draft, policy, live, at)
        detail = {"draft": id, "policy": policy.id, "against": live.id, "kind": draft.kind}
        await self.trials.shadow(trial, _recorded(staff, "policy.shadow", trial.id, detail, at))
        return trial

    async def stop(self, staff: Staff, trial: str) -> None:
        """End a trial. Raises NotFound when it is not running."""
        await self.trials.stop(staff.tenant, trial, _recorded(staff, "policy.trial_stopped", trial, {}, now()))

    async def report(self, tenant: str, trial: str) -> tuple[Trial, Tally]:
        """A trial and what it has counted. Raises NotFound."""
        return await self.trials.report(tenant, trial)

    # --------------------------------------------------------------------------------------------------- the law

    async def publish(self, staff: Staff, id: str, revision: int, note: str, instead_of: str) -> Publication:
        """Put a draft in force, and with it anew what extends it. The draft is gone then.

        Raises Denied while it is at fault, or while a policy that extends it would be; Stale when the draft, or what is in
        force, is not what whoever publishes has seen, or when what extends it was published anew meanwhile.
        """
        draft = await self._database.read(lambda tx: stored.draft(tx, staff.tenant, id), of=staff.tenant)
        policy = await self.aside(self._parsed, staff.tenant, draft.source)
        followers = await self.aside(self._followers, staff.tenant, draft.kind, policy)

        def act(tx: Transaction) -> Publication:
            stored.require_revision(tx, staff.tenant, id, revision)
            publication = self._put_in_force(tx, staff, draft.kind, policy, "publish", note, instead_of, followers)
            stored.discard(tx, staff.tenant, id)
            stored.end_of_draft(tx, staff.tenant, id, publication.at)
            return publication

        published = await self._database.write(act)
        await self.book.refresh()
        return published

    async def roll_back(self, staff: Staff, kind: str, to: str, note: str, instead_of: str) -> Publication:
        """Put an earlier version in force again; empty takes the tenant's own back, so that the operator's holds.

        Raises NotFound for a version that was never in force here, Stale when another is in force than was seen.
        """
        policy = None
        if to:
            version = await self._database.read(lambda tx: stored.version(tx, staff.tenant, to), of=staff.tenant)
            policy = await self.aside(from_sources, version.sources)
        followers = await self.aside(self._followers, staff.tenant, kind, policy) if policy else []
        act = "roll_back" if policy else "withdraw"
        published = await self._database.write(
            lambda tx: self._put_in_force(tx, staff, kind, policy, act, note, instead_of, followers)
        )
        await self.book.refresh()
        return published

    # ---------------------------------------------------------------------------------------------------- inside

    def _put_in_force(
        self, tx: Transaction, staff: Staff, kind: str, policy: Policy | None, act: str, note: str, instead_of: str,
        followers: list[tuple[str, str, Policy]],
    ) -> Publication:  # fmt: skip
        at = now()
        published = stored.publish(tx, staff.tenant, kind, policy, act, staff.id, note, at, instead_of)
        for other, standing, follower in followers:
            stored.publish(tx, staff.tenant, other, follower, "follow", staff.id, note, at, standing)
        detail: dict[str, Any] = {"kind": kind, "was": instead_of, "note": note}
        if followers:
            detail["follow"] = {other: follower.id for other, _, follower in followers}
        audit.record(tx, staff.tenant, staff.id, f"policy.{act}", published.policy, detail, at)
        return published

    def _followers(self, tenant: str, kind: str, policy: Policy) -> list[tuple[str, str, Policy]]:
        """The tenant's policies that stand on this one, by kind: what is in force and the same made anew on top of it.

        Raises Denied when one cannot be.
        """
        find = self.book.find(tenant)
        own = policy.sources[-1][1].encode()

        def with_it(name: str) -> Any:
            return (own, f"{name}.toml") if name == policy.name else find(name)

        followers = []
        for other, standing in self.book.own(tenant).items():
            if other == kind or policy.name not in [name for name, _ in standing.sources[:-1]]:
                continue
            try:
                anew = parse(standing.sources[-1][1].encode(), f"{standing.name}.toml", with_it)
            except PolicyError as problem:
                raise Denied(
                    422, "bad_request", f"{standing.name}, which holds for {other}, would be at fault: {problem}",
                    field="source",
                ) from None  # fmt: skip
            if anew.id != standing.id:
                followers.append((other, standing.id, anew))
        return followers

    def _parsed(self, tenant: str, source: str) -> Policy:
        try:
            return parse(source.encode(), "draft.toml", self.book.find(tenant))
        except PolicyError as problem:
            mark = _fault(source, problem)
            raise Denied(422, "bad_request", str(problem), field="source", line=mark.line, column=mark.column) from None

    def _trial(self, staff: Staff, what: str, draft: Draft, policy: Policy, live: Policy, at: int) -> Trial:
        return Trial(
            tenant=staff.tenant, id=new_id(at), what=what, kind=draft.kind, draft=draft.id, policy=policy.id,
            against=live.id, sources=policy.sources, state="running", problem="", by=staff.id, node=self.book.node,
            started_at=at, ended_at=0, of=0,
        )  # fmt: skip

    def _check(self, source: str, find: Find) -> Checkup:
        try:
            policy = parse(source.encode(), "draft.toml", find)
        except PolicyError as problem:
            return Checkup("", [_fault(source, problem)], [], [], [], 0)
        played = list(rehearse(policy, self._engine))
        marks = [*_remarks(source, policy)]
        for one in played:
            if one.problem:
                place = position(source, one.clause, "example" if one.inherited else _example_key(policy, one))
                message = f"{one.problem}: {one.example.text!r}"
                level = "remark" if one.inherited else "example"
                marks.append(Mark(level, place.line, place.column, one.clause, "example", message))
        return Checkup(
            policy.id, marks, [view(clause, source) for clause in policy.clauses], list(policy.off),
            [name for name, _ in policy.sources[:-1]], len(played),
        )  # fmt: skip


def view(clause: Clause, source: str) -> ClauseView:
    """A clause for the list, with the line where the source writes it, 0 where another policy does."""
    conditions = {
        "sender": clause.sender, "listing": clause.listing, "stage": clause.stage, "kind": clause.kind,
        "language": clause.language, "source": clause.source,
    }  # fmt: skip
    told = {
        key: ("not " if choice.excluded else "") + ", ".join(sorted(choice.values))
        for key, choice in conditions.items()
        if choice is not None
    }
    told |= {name: f"{least:g}" for name, least in clause.scores}
    if clause.audience:
        told["audience"] = ", ".join(sorted(clause.audience))
    for key, least in (("min_score", clause.min_score), ("heat", clause.heat), ("strikes", clause.strikes)):
        if least:
            told[key] = f"{least:g}"
    if clause.count > 1:
        told["count"] = str(clause.count)
    if clause.account_age_days is not None:
        told["account_age_days"] = str(clause.account_age_days)
    if clause.hours is not None:
        told["hours"] = f"{clause.hours.start:02}-{clause.hours.end:02}"
    if clause.about is not None:
        told["about"] = ", ".join((*clause.about.terms, *clause.about.handles, *clause.about.links))
    if clause.keywords is not None:
        told["keywords"] = ", ".join(clause.keywords.words)
        told["patterns"] = ", ".join(clause.keywords.patterns)
    return ClauseView(
        clause.id, clause.verdict, sorted(clause.categories) or [name for name, _ in clause.scores], told,
        clause.origin, clause.changed_by, _line(source, clause.id), len(clause.examples),
    )  # fmt: skip


def _line(source: str, clause: str) -> int:
    place = position(source, clause, "id")
    lines = source.splitlines()
    written = lines[place.line - 1] if place.line <= len(lines) else ""
    return place.line if clause in written else 0


def _fault(source: str, problem: PolicyError) -> Mark:
    file = str(problem.path)
    if file != "draft.toml":
        place = position(source, "", "extends")
        return Mark("error", place.line, place.column, problem.clause, problem.key, problem.problem, file)
    place = position(source, problem.clause, problem.key, problem.problem)
    return Mark("error", place.line, place.column, problem.clause, problem.key, problem.problem)


def _remarks(source: str, policy: Policy) -> Iterator[Mark]:
    for remark in lint(policy):
        place = position(source, remark.clause, "id")
        yield Mark("remark", place.line, place.column, remark.clause, "", remark.problem)


def _example_key(policy: Policy, played: Any) -> str:
    clause = policy.clause(played.clause)
    number = clause.examples.index(played.example) + 1 if clause is not None else 1
    return f"example[{number}].verdict"


def _recorded(staff: Staff, act: str, subject: str, detail: dict[str, Any], at: int) -> Callable[[Transaction], None]:
    def record(tx: Transaction) -> None:
        audit.record(tx, staff.tenant, staff.id, act, subject, detail, at)

    return record
