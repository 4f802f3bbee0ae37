"""The calls of the policies' page: everybody reads, leads and administrators write, try and publish."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request

from policies.comparison import Tally
from policies.difference import Difference
from policies.load import from_sources
from server.console.guard import LEADS, Endpoint
from server.console.lab import Checkup, ClauseView, Lab, Shown, view
from server.platform import Kind
from storage import policies as stored
from storage.database import Database
from storage.policies import Draft, Publication, Trial
from storage.staff import Staff

Source = Annotated[str, Meta(max_length=200_000)]  # 15 times what is shipped
Note = Annotated[str, Meta(min_length=1, max_length=500)]
Days = Annotated[int, Meta(ge=0, le=3_650)]
TRIALS = 20  # told at once


class Law(Struct, frozen=True):
    """What holds for conversations of a kind. ``own`` tells that the tenant has published it; else it is the operator's."""

    kind: str
    policy: str
    name: str
    own: bool
    clauses: int


class Overview(Struct, frozen=True):
    """The law, what is being written and tried, and what is wrong with the operator's files."""

    law: list[Law]
    drafts: list[Draft]
    trials: list[TrialView]
    problems: dict[str, str]


class TrialView(Struct, frozen=True):
    """A trial without its policy's text."""

    id: str
    what: str
    kind: str
    draft: str
    policy: str
    against: str
    state: str
    problem: str
    by: str
    started_at: int
    ended_at: int
    of: int


class PolicyView(Struct, frozen=True):
    """A policy with all that it is made of: its own text last."""

    policy: str
    kind: str
    own: bool
    source: str
    sources: list[tuple[str, str]]
    clauses: list[ClauseView]
    off: list[tuple[str, str]]


class Written(Struct, frozen=True, forbid_unknown_fields=True):
    """A policy's text, for conversations of a kind."""

    source: Source
    kind: Kind = "default"


class Saved(Struct, frozen=True, forbid_unknown_fields=True):
    """A draft to be saved; ``revision`` is the one that was edited, 0 for a new one."""

    source: Source
    kind: Kind = "default"
    revision: Annotated[int, Meta(ge=0)] = 0


class Backtested(Struct, frozen=True, forbid_unknown_fields=True):
    """How to try a draft: on the last ``days``, 0 for all; ``judged``: every text anew, whatever is stored about it."""

    days: Days = 30
    judged: bool = False


class Published(Struct, frozen=True, forbid_unknown_fields=True):
    """What to put in force and why. ``instead_of`` is the tenant's own policy that was seen in force, empty for none."""

    note: Note
    revision: Annotated[int, Meta(ge=1)]
    instead_of: Annotated[str, Meta(max_length=100)] = ""


class RolledBack(Struct, frozen=True, forbid_unknown_fields=True):
    """Which version is to be in force again; ``to`` empty for the operator's."""

    note: Note
    to: Annotated[str, Meta(max_length=100)] = ""
    instead_of: Annotated[str, Meta(max_length=100)] = ""


class Report(Struct, frozen=True):
    """A trial and what it has counted. Samples come without words; those are asked for by themselves."""

    trial: TrialView
    tally: Tally
    days: float


class PolicyApi:
    """The endpoints."""

    def __init__(self, database: Database, lab: Lab) -> None:
        self._database = database
        self._lab = lab
        at = "/console/api/policies"
        self.endpoints: tuple[Endpoint, ...] = (
            Endpoint("GET", at, self.overview, renews=False),
            Endpoint("GET", f"{at}/kinds/{{kind}}", self.show),
            Endpoint("GET", f"{at}/kinds/{{kind}}/publications", self.publications),
            Endpoint("POST", f"{at}/kinds/{{kind}}/roll-back", self.roll_back, RolledBack, LEADS),
            Endpoint("GET", f"{at}/versions/{{version}}", self.version),
            Endpoint("POST", f"{at}/check", self.check, Written),
            Endpoint("POST", f"{at}/diff", self.diff, Written),
            Endpoint("POST", f"{at}/drafts", self.create, Saved, LEADS, status=201),
            Endpoint("GET", f"{at}/drafts/{{draft}}", self.draft),
            Endpoint("PUT", f"{at}/drafts/{{draft}}", self.save, Saved, LEADS),
            Endpoint("DELETE", f"{at}/drafts/{{draft}}", self.discard, roles=LEADS),
            Endpoint("POST", f"{at}/drafts/{{draft}}/backtest", self.backtest, Backtested, LEADS, status=201),
            Endpoint("POST", f"{at}/drafts/{{draft}}/shadow", self.shadow, roles=LEADS, status=201),
            Endpoint("POST", f"{at}/drafts/{{draft}}/publish", self.publish, Published, LEADS),
            Endpoint("GET", f"{at}/trials/{{trial}}", self.report, renews=False),
            Endpoint("GET", f"{at}/trials/{{trial}}/samples/{{change}}", self.samples, roles=LEADS),
            Endpoint("POST", f"{at}/trials/{{trial}}/stop", self.stop, roles=LEADS),
        )

    async def overview(self, staff: Staff, _: Request, __: None) -> Overview:
        """Everything at a glance."""
        book, own = self._lab.book, self._lab.book.own(staff.tenant)
        drafts, trials = await self._database.read(
            lambda tx: (stored.drafts(tx, staff.tenant), stored.trials(tx, staff.tenant, limit=TRIALS)), of=staff.tenant
        )
        law = [
            Law(kind, policy.id, policy.name, kind in own, len(policy.clauses))
            for kind in book.kinds(staff.tenant)
            for policy in (book.of(staff.tenant, kind),)
        ]
        problems = {where: told for where, told in book.problems.items() if _concerns(where, staff.tenant)}
        return Overview(law, drafts, [_seen(trial) for trial in trials], problems)

    async def show(self, staff: Staff, request: Request, _: None) -> PolicyView:
        """What holds for a kind."""
        kind = request.path_params["kind"]
        policy = self._lab.book.of(staff.tenant, kind)
        return await self._lab.aside(_policy_view, policy.sources, kind, kind in self._lab.book.own(staff.tenant))

    async def publications(self, staff: Staff, request: Request, _: None) -> list[Publication]:
        """How the law for a kind came about, newest first."""
        kind = request.path_params["kind"]
        return await self._database.read(lambda tx: stored.publications(tx, staff.tenant, kind), of=staff.tenant)

    async def version(self, staff: Staff, request: Request, _: None) -> PolicyView:
        """A version that was in force once."""
        policy = await self._lab.book.policy_by_id(staff.tenant, request.path_params["version"])
        return await self._lab.aside(_policy_view, policy.sources, "", False)

    async def check(self, staff: Staff, _: Request, body: Written) -> Checkup:
        """What is to be said of a text, while it is being written."""
        return await self._lab.check(staff.tenant, body.source)

    async def diff(self, staff: Staff, _: Request, body: Written) -> list[Difference]:
        """What a text says otherwise than what is in force."""
        return await self._lab.differences(staff.tenant, body.kind, body.source)

    async def create(self, staff: Staff, _: Request, body: Saved) -> Draft:
        """A new draft."""
        return await self._lab.save(staff, "", body.kind, body.source, 0)

    async def draft(self, staff: Staff, request: Request, _: None) -> Draft:
        """A draft as it was saved last."""
        id = request.path_params["draft"]
        return await self._database.read(lambda tx: stored.draft(tx, staff.tenant, id), of=staff.tenant)

    async def save(self, staff: Staff, request: Request, body: Saved) -> Draft:
        """Save a draft. ``conflict`` when somebody else has saved it since."""
        return await self._lab.save(staff, request.path_params["draft"], body.kind, body.source, max(1, body.revision))

    async def discard(self, staff: Staff, request: Request, _: None) -> None:
        """Throw a draft away."""
        await self._lab.discard(staff, request.path_params["draft"])

    async def backtest(self, staff: Staff, request: Request, body: Backtested) -> TrialView:
        """Try a draft on what was said."""
        return _seen(await self._lab.backtest(staff, request.path_params["draft"], body.days, body.judged))

    async def shadow(self, staff: Staff, request: Request, _: None) -> TrialView:
        """Try a draft on what is being said."""
        return _seen(await self._lab.shadow(staff, request.path_params["draft"]))

    async def report(self, staff: Staff, request: Request, _: None) -> Report:
        """What a trial has counted so far."""
        trial, tally = await self._lab.report(staff.tenant, request.path_params["trial"])
        return Report(_seen(trial), tally, tally.days)

    async def samples(self, staff: Staff, request: Request, _: None) -> list[Shown]:
        """What was said in the samples of a kind of change."""
        return await self._lab.samples(staff, request.path_params["trial"], request.path_params["change"])

    async def stop(self, staff: Staff, request: Request, _: None) -> None:
        """End a trial."""
        await self._lab.stop(staff, request.path_params["trial"])

    async def publish(self, staff: Staff, request: Request, body: Published) -> Publication:
        """Put a draft in force."""
        return await self._lab.publish(staff, request.path_params["draft"], body.revision, body.note, body.instead_of)

    async def roll_back(self, staff: Staff, request: Request, body: RolledBack) -> Publication:
        """Put an earlier version in force again."""
        return await self._lab.roll_back(staff, request.path_params["kind"], body.to, body.note, body.instead_of)


def _policy_view(sources: tuple[tuple[str, str], ...], kind: str, own: bool) -> PolicyView:
    policy = from_sources(sources)
    source = sources[-1][1]
    return PolicyView(
        policy.id,
        kind,
        own,
        source,
        list(sources),
        [view(clause, source) for clause in policy.clauses],
        list(policy.off),
    )


def _seen(trial: Trial) -> TrialView:
    return TrialView(
        trial.id, trial.what, trial.kind, trial.draft, trial.policy, trial.against, trial.state, trial.problem, trial.by,
        trial.started_at, trial.ended_at, trial.of,
    )  # fmt: skip


def _concerns(where: str, tenant: str) -> bool:
    """A fault of the operator's files is everybody's; one of a publication is its tenant's."""
    return not where.startswith("published:") or where.startswith(f"published:{tenant}:")
