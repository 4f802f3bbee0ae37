"""The calls of the review: JSON under ``/console/api/review``.

The shapes are in ``review_shapes``, the verbs in ``realtime.review``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request

from moderation.engine import Engine
from moderation.review import figures, replay
from moderation.review.acting import UNDO_MS, BadActs
from moderation.review.intake import recorded
from moderation.review.notices import WARNINGS
from moderation.review.settings import ReviewSettings
from moderation.review.severity import Severity
from moderation.review.statement import Statement
from policies.decision import Decision, Evidence
from policies.load import from_sources
from policies.policy import REVIEW, Policy
from realtime.acting import Deed, NotAllowed, TooLate, settings
from realtime.chat import now
from realtime.review import Next, Review
from rules.types import Role, Setting
from server.console import dossier
from server.console import review_shapes as shapes
from server.console.guard import ADMINS, EVERYBODY, LEADS, REVIEWERS, Denied, Endpoint
from server.statements import of_message as statement_of
from storage import (
    appeals,
    audit,
    conversations,
    decisions,
    exposures,
    log,
    policies,
    refusals,
    review_figures,
    review_items,
    review_settings,
    second_looks,
)
from storage.database import Database
from storage.errors import NotFound
from storage.leases import Barred, Claimed
from storage.review_items import Item, ItemFilter
from storage.second_looks import GOLDEN, Golden
from storage.staff import Staff

AT = "/console/api/review"
DAYS = 366  # of figures in one answer
DISAGREEMENTS = 100
CONVERSATIONS = 100  # of somebody's, shown with a reason
LOOK_MS = 10 * 60_000  # within which looking at the same again is not noted again
LOOKS = 10_000  # remembered
T = TypeVar("T")


class ReviewApi:
    """The queue, acting, people, appeals, quality and figures, for whoever is signed in."""

    def __init__(self, database: Database, review: Review, engine: Engine) -> None:
        self.database = database
        self.review = review
        self._looks: dict[tuple[str, str, str, str], int] = {}
        self.engine = engine
        item, person = AT + "/items/{message}", AT + "/people/{participant}"
        own: tuple[tuple[str, str, Callable[..., Awaitable[Any]], Any, Any], ...] = (
            ("GET", AT + "/queue", self.queue, None, EVERYBODY),
            ("GET", AT + "/counts", self.counts, None, EVERYBODY),
            ("GET", AT + "/words", self.words, None, EVERYBODY),
            ("POST", AT + "/next", self.next, shapes.NextWanted, REVIEWERS),
            ("GET", item, self.item, None, EVERYBODY),
            ("POST", item + "/claim", self.claim, None, REVIEWERS),
            ("POST", item + "/extend", self.extend, None, REVIEWERS),
            ("POST", item + "/release", self.let_go, None, REVIEWERS),
            ("POST", item + "/hand-over", self.hand_over, shapes.HandOver, REVIEWERS),
            ("POST", item + "/looking", self.looking, None, EVERYBODY),
            ("GET", item + "/context", self.context, None, EVERYBODY),
            ("POST", item + "/acts", self.act, shapes.Act, REVIEWERS),
            ("GET", item + "/replay", self.replay, None, EVERYBODY),
            ("GET", item + "/statement", self.statement, None, EVERYBODY),
            ("POST", AT + "/acts/{act}/undo", self.undo, None, REVIEWERS),
            ("POST", AT + "/bulk/preview", self.preview, shapes.BulkWanted, REVIEWERS),
            ("POST", AT + "/bulk", self.bulk, shapes.Bulk, REVIEWERS),
            ("POST", AT + "/bulk/{batch}/undo", self.undo_bulk, None, REVIEWERS),
            ("GET", person, self.person, None, EVERYBODY),
            ("POST", person + "/conversations", self.conversations, shapes.Why, EVERYBODY),
            ("POST", AT + "/conversations/{conversation}", self.conversation, shapes.Why, EVERYBODY),
            ("GET", AT + "/views", self.views, None, EVERYBODY),
            ("PUT", AT + "/views", self.keep_view, shapes.View, EVERYBODY),
            ("DELETE", AT + "/views/{name}", self.forget_view, None, EVERYBODY),
            ("POST", AT + "/second-looks/next", self.next_look, None, REVIEWERS),
            ("POST", AT + "/second-looks/{look}", self.answer, shapes.LookAnswer, REVIEWERS),
            ("GET", AT + "/second-looks/disagreements", self.disagreements, None, LEADS),
            ("POST", AT + "/second-looks/{look}/settle", self.settle, None, LEADS),
            ("GET", AT + "/golden", self.goldens, None, LEADS),
            ("PUT", AT + "/golden", self.add_golden, shapes.NewGolden, LEADS),
            ("DELETE", AT + "/golden/{message}", self.remove_golden, None, LEADS),
            ("GET", AT + "/figures", self.figures, None, EVERYBODY),
            ("GET", AT + "/settings", self.settings, None, EVERYBODY),
            ("PUT", AT + "/settings", self.set, ReviewSettings, ADMINS),
        )
        self.endpoints = tuple(
            Endpoint(method, path, _told(handle), body, roles, renews=method != "GET" or path == item)
            for method, path, handle, body, roles in own
        )

    # --------------------------------------------------------------------------------------------------- the queue

    async def queue(self, staff: Staff, request: Request, _: None) -> shapes.Page:
        """A page of the queue."""
        asked, at = _query(request, shapes.ItemQuery), now()
        wanted, after = _filter(asked, staff, at), _place(asked.after)

        def ask(tx: Connection) -> shapes.Page:
            items = review_items.page(tx, staff.tenant, wanted, at, after, asked.limit + 1)
            rest = len(items) > asked.limit
            shown = items[: asked.limit]
            return shapes.Page(dossier.rows(tx, staff.tenant, shown, at), _mark(shown[-1], wanted) if rest else "")

        return await self.database.read(ask, of=staff.tenant)

    async def counts(self, staff: Staff, _: Request, __: None) -> shapes.Counts:
        """How much waits, and where."""
        at = now()

        def ask(tx: Connection) -> shapes.Counts:
            groups = review_items.counts(tx, staff.tenant, at)
            mine = ItemFilter(state="claimed", claimed_by=staff.id)
            return shapes.Counts(
                open=sum(one.items for one in groups), claimed=sum(one.claimed for one in groups),
                overdue=sum(one.overdue for one in groups), mine=review_items.how_many(tx, staff.tenant, mine, at),
                appeals=appeals.how_many_open(tx, staff.tenant),
                second_looks=second_looks.how_many_for(tx, staff.tenant, staff.id), groups=groups,
            )  # fmt: skip

        return await self.database.read(ask, of=staff.tenant)

    async def words(self, staff: Staff, _: Request, __: None) -> shapes.Words:
        """What to choose from: the clauses that hold, templates of warnings, queues."""
        policy = self.review.hub.policies.of(staff.tenant)
        restricting = [clause.id for clause in policy.clauses if clause.verdict != "allow"]
        queues = sorted({REVIEW, *(clause.queue for clause in policy.clauses)})
        thresholds = {name: least for one in self.engine.classifiers for name, least in one.thresholds.items()}
        return shapes.Words(dossier.clause_views(policy, restricting, staff.lang), WARNINGS, queues, thresholds)

    async def next(self, staff: Staff, _: Request, body: shapes.NextWanted) -> shapes.NextItem:
        """The next item, claimed."""
        return await self._next(staff, body)

    async def item(self, staff: Staff, request: Request, _: None) -> shapes.Detail:
        """All about one item. Who looks at it is noted, and what is severe counts for their hour."""
        message = request.path_params["message"]
        detail = await self._detail(staff, message)
        await self._note_look(staff, message, "item.read", {})
        return detail

    async def claim(self, staff: Staff, request: Request, _: None) -> shapes.Detail:
        """Have it to oneself for ten minutes."""
        item = await self.review.claim(staff, request.path_params["message"])
        return await self._detail(staff, item.message)

    async def extend(self, staff: Staff, request: Request, _: None) -> shapes.Row:
        """Ten minutes more."""
        return await self._row(staff, await self.review.extend(staff, request.path_params["message"]))

    async def let_go(self, staff: Staff, request: Request, _: None) -> shapes.Row:
        """Give it back."""
        return await self._row(staff, await self.review.let_go(staff, request.path_params["message"]))

    async def hand_over(self, staff: Staff, request: Request, body: shapes.HandOver) -> shapes.Row:
        """Give it to a colleague."""
        item = await self.review.hand_over(staff, request.path_params["message"], body.to, body.note)
        return await self._row(staff, item)

    async def looking(self, staff: Staff, request: Request, _: None) -> shapes.Lookers:
        """Say that one looks, and hear who else does."""
        message = request.path_params["message"]
        await self.database.read(lambda tx: review_items.load(tx, staff.tenant, message), of=staff.tenant)
        return shapes.Lookers([shapes.Looker(one.staff, one.name) for one in self.review.look(staff, message)])

    async def context(self, staff: Staff, request: Request, _: None) -> list[shapes.ContextLine]:
        """More of what was said before and after: ``around`` lines on each side."""
        message, around = request.path_params["message"], _query(request, _Around).around

        def ask(tx: Connection) -> list[shapes.ContextLine]:
            item = review_items.load(tx, staff.tenant, message)
            found = log.find(tx, staff.tenant, message)
            known = dossier.people(tx, staff.tenant, [item.conversation])
            seq = found.seq if found is not None else 0
            return dossier.context(tx, staff.tenant, item.conversation, message, seq, known, around)

        lines = await self.database.read(ask, of=staff.tenant)
        await self._note_look(staff, message, "item.context", {"around": around})
        return lines

    # ------------------------------------------------------------------------------------------------------ acting

    async def act(self, staff: Staff, request: Request, body: shapes.Act) -> shapes.Done:
        """Do something about a message and its author."""
        deed = Deed(body.request, body.acts, body.reason, body.clause, body.version)
        done = await self.review.act(staff, request.path_params["message"], deed)
        row = await self._row(staff, done.item)
        following = await self._next(staff, body.then_next) if body.then_next is not None else None
        view = dossier.act_view(done.acted, {staff.id: staff.name}, staff, now())
        return shapes.Done(view, row, done.proposal, done.again, following)

    async def undo(self, staff: Staff, request: Request, _: None) -> shapes.Done:
        """Take it back."""
        done = await self.review.undo(staff, request.path_params["act"])
        view = dossier.act_view(done.acted, {staff.id: staff.name}, staff, now())
        return shapes.Done(view, await self._row(staff, done.item), None, done.again)

    async def preview(self, staff: Staff, _: Request, body: shapes.BulkWanted) -> shapes.Preview:
        """What a bulk would be about."""
        at = now()
        wanted = _filter(body.filter, staff, at) if body.filter is not None else None

        def ask(tx: Connection) -> shapes.Preview:
            found = [review_items.find(tx, staff.tenant, id) for id in dict.fromkeys(body.messages)]
            items = [item for item in found if item is not None]
            if wanted is not None:
                items += review_items.page(tx, staff.tenant, wanted, at, limit=body.limit)
            items = list({item.message: item for item in items}.values())[: body.limit]
            decided = [item for item in items if item.state != "open"]
            others = [
                item for item in items
                if item.state == "open" and item.lease_until > at and item.claimed_by != staff.id
            ]  # fmt: skip
            appealed = [item for item in items if item.state == "open" and "appeal" in item.causes]
            left_out = {item.message for item in (*decided, *others, *appealed)}
            ready = [item for item in items if item.message not in left_out]
            states = Counter(row.message_state for row in dossier.rows(tx, staff.tenant, ready, at))
            return shapes.Preview(
                messages=[item.message for item in ready], versions={item.message: item.version for item in ready},
                people=len({item.author for item in ready}), conversations=len({item.conversation for item in ready}),
                severities={str(k): v for k, v in sorted(Counter(item.severity for item in ready).items())},
                states=dict(states), others=len(others), decided=len(decided), appealed=len(appealed),
            )  # fmt: skip

        return await self.database.read(ask, of=staff.tenant)

    async def bulk(self, staff: Staff, _: Request, body: shapes.Bulk) -> shapes.BulkDone:
        """The same for each of several items."""
        deed = Deed(body.request, body.acts, body.reason, body.clause)
        outcomes = await self.review.act_on_all(staff, body.messages, deed, body.versions)
        return _bulk_done(body.request, outcomes, now() + UNDO_MS)

    async def undo_bulk(self, staff: Staff, request: Request, _: None) -> shapes.BulkDone:
        """Take all of it back."""
        batch = request.path_params["batch"]
        return _bulk_done(batch, await self.review.undo_all(staff, batch), 0)

    # ------------------------------------------------------------------------------------------------------ people

    async def person(self, staff: Staff, request: Request, _: None) -> shapes.PersonView:
        """What was decided about a person in this tenant, and where they stand. Looking is audited."""
        id, at = request.path_params["participant"], now()

        def act(tx: Connection) -> shapes.PersonView:
            if not conversations.how_many_of(tx, staff.tenant, id):
                raise NotFound("participant")
            audit.record(tx, staff.tenant, staff.id, "person.seen", id, {}, at)
            (newest,) = conversations.all_of(tx, staff.tenant, id, 1)
            known = dossier.people(tx, staff.tenant, [newest[0]])
            return dossier.person(tx, staff, id, known.members.get((newest[0], id)), at, known.staff)

        return await self.database.write(act)

    async def conversations(self, staff: Staff, request: Request, body: shapes.Why) -> shapes.Conversations:
        """The conversations of somebody, for a reason that is written down."""
        id, at = request.path_params["participant"], now()

        def act(tx: Connection) -> shapes.Conversations:
            found = conversations.all_of(tx, staff.tenant, id, CONVERSATIONS)
            if not found:
                raise NotFound("participant")
            audit.record(tx, staff.tenant, staff.id, "person.conversations", id, {"reason": body.reason}, at)
            return shapes.Conversations([shapes.ConversationLine(*one) for one in found])

        return await self.database.write(act)

    async def conversation(self, staff: Staff, request: Request, body: shapes.Why) -> shapes.Conversation:
        """What was said in another conversation, for a reason that is written down."""
        id, at = request.path_params["conversation"], now()

        def act(tx: Connection) -> shapes.Conversation:
            title = conversations.title(tx, staff.tenant, id)
            detail = {"reason": body.reason, "before": body.before}
            audit.record(tx, staff.tenant, staff.id, "conversation.read", id, detail, at)
            items = log.before(tx, staff.tenant, id, body.before, body.limit + 1)
            known = dossier.people(tx, staff.tenant, [id])
            lines = dossier.lines(items[-body.limit :], "", known, id)
            return shapes.Conversation(id, title, lines, len(items) > body.limit)

        return await self.database.write(act)

    # ----------------------------------------------------------------------------------------------------- appeals

    async def replay(self, staff: Staff, request: Request, _: None) -> shapes.Replay:
        """The original evidence before the same and the current policy, side by side."""
        id = request.path_params["message"]

        def ask(tx: Connection) -> tuple[str, str, Decision, Policy | None, Setting]:
            found = log.find(tx, staff.tenant, id) or refusals.find(tx, staff.tenant, id)
            if found is None:
                raise NotFound("message")
            decision = decisions.judged(decisions.about(tx, staff.tenant, id)).decision
            conversation = conversations.load(tx, staff.tenant, found.conversation)
            member = next((one for one in conversation.members if one.id == found.author), None)
            setting = Setting(
                author=found.author, sender=member.role if member else Role.BUYER,
                audience=frozenset(one.role for one in conversation.members if one.id != found.author),
                listing=conversation.listing, stage=conversation.stage, kind=conversation.kind,
            )  # fmt: skip
            return found.text, conversation.kind, decision, _version(tx, staff.tenant, decision.policy), setting

        text, kind, decision, then, fallback = await self.database.read(ask, of=staff.tenant)
        current = self.review.hub.policies.of(staff.tenant, kind)
        then = current if then is None and decision.policy == current.id else then
        setting = (decision.evidence.setting if decision.evidence else None) or fallback
        judged = self.engine.judge(text, setting, current)
        anew = recorded(judged.decision, judged.scores, judged.language, setting)
        missing = msgspec.structs.replace(decision, clauses=(), findings=())
        return shapes.Replay(
            decided=_judged(decision, then or current, staff.lang),
            same=_judged(replay.replayed(decision, text, then, fallback) if then else missing, then or current,
                         staff.lang, missing=then is None),
            current=_judged(replay.replayed(decision, text, current, fallback), current, staff.lang),
            anew=_judged(anew, current, staff.lang),
        )  # fmt: skip

    async def statement(self, staff: Staff, request: Request, _: None) -> Statement:
        """The statement of reasons that the author is owed, in their language."""
        id = request.path_params["message"]
        return await statement_of(self.database, self.review.hub, staff.tenant, id)

    # ----------------------------------------------------------------------------------------------------- quality

    async def next_look(self, staff: Staff, _: Request, __: None) -> shapes.NextLook:
        """Something to be decided blindly."""
        look = await self.review.next_second_look(staff)
        if look is None:
            return shapes.NextLook(None)
        conversation = await self._conversation_of(staff, look.message)
        policy = await self.review.policy(staff.tenant, conversation)

        def ask(tx: Connection) -> shapes.LookTask:
            known = dossier.people(tx, staff.tenant, [conversation])
            message = dossier.message_view(tx, staff.tenant, look.message, known)
            decision = decisions.judged(decisions.about(tx, staff.tenant, look.message)).decision
            # As it was before anybody decided: what became of it since would give the first answer away.
            blind = msgspec.structs.replace(message, state="visible" if not message.refused else "refused", masks=())
            context = dossier.context(tx, staff.tenant, conversation, look.message, message.seq, known)
            context = [msgspec.structs.replace(one, state="visible") if one.subject else one for one in context]
            found = log.find(tx, staff.tenant, look.message)
            return shapes.LookTask(
                id=look.id, message=blind, findings=decision.findings,
                clauses=dossier.clause_views(policy, decision.clauses, staff.lang), context=context,
                language=found.form.language if found is not None else "", lease_until=look.lease_until,
            )  # fmt: skip

        return shapes.NextLook(await self.database.read(ask, of=staff.tenant))

    async def answer(self, staff: Staff, request: Request, body: shapes.LookAnswer) -> None:
        """What one would have decided."""
        await self.review.answer(staff, request.path_params["look"], body.outcome, body.clause)

    async def disagreements(self, staff: Staff, _: Request, __: None) -> shapes.Disagreements:
        """Different answers that no lead has settled."""

        def ask(tx: Connection) -> shapes.Disagreements:
            looks = second_looks.disagreements(tx, staff.tenant, DISAGREEMENTS)
            names = dossier.people(tx, staff.tenant, []).staff
            texts = _texts(tx, staff.tenant, [one.message for one in looks])
            return shapes.Disagreements([
                shapes.Disagreement(
                    one.id, one.message, texts.get(one.message, ""), one.decider, names.get(one.decider, one.decider),
                    one.outcome, one.clause, one.assigned, names.get(one.assigned, one.assigned), one.answer,
                    one.answer_clause, one.answered_at, one.decider == GOLDEN,
                )
                for one in looks
            ])  # fmt: skip

        return await self.database.read(ask, of=staff.tenant)

    async def settle(self, staff: Staff, request: Request, _: None) -> None:
        """A lead has looked at a disagreement."""
        id, at = request.path_params["look"], now()

        def act(tx: Connection) -> None:
            second_looks.settle(tx, staff.tenant, id, staff.id)
            audit.record(tx, staff.tenant, staff.id, "review.disagreement_settled", id, {}, at)

        await self.database.write(act)

    async def goldens(self, staff: Staff, _: Request, __: None) -> shapes.Goldens:
        """All golden items."""

        def ask(tx: Connection) -> shapes.Goldens:
            found = second_looks.golden(tx, staff.tenant)
            texts = _texts(tx, staff.tenant, [one.message for one in found])
            return shapes.Goldens([
                shapes.GoldenView(one.message, texts.get(one.message, ""), one.outcome, one.clause, one.note, one.by, one.at)
                for one in found
            ])  # fmt: skip

        return await self.database.read(ask, of=staff.tenant)

    async def add_golden(self, staff: Staff, _: Request, body: shapes.NewGolden) -> None:
        """Let a message be a golden item."""
        await self._conversation_of(staff, body.message)
        at = now()

        def act(tx: Connection) -> None:
            golden = Golden(body.message, body.outcome, body.clause, body.note, staff.id, at)
            second_looks.add_golden(tx, staff.tenant, golden)
            audit.record(tx, staff.tenant, staff.id, "review.golden", body.message, {"outcome": body.outcome}, at)

        await self.database.write(act)

    async def remove_golden(self, staff: Staff, request: Request, _: None) -> None:
        """Let it be one no longer."""
        id, at = request.path_params["message"], now()

        def act(tx: Connection) -> None:
            second_looks.remove_golden(tx, staff.tenant, id)
            audit.record(tx, staff.tenant, staff.id, "review.golden_removed", id, {}, at)

        await self.database.write(act)

    async def figures(self, staff: Staff, request: Request, _: None) -> figures.Figures:
        """Volume, verdicts, false alarms, waiting time, agreement: of the last 30 days unless asked otherwise."""
        asked, at = _query(request, _Time), now()
        until = asked.until or at
        since = asked.since or until - 30 * figures.DAY_MS
        if not 0 < until - since <= DAYS * figures.DAY_MS:
            raise Denied(422, "bad_request", f"Ask for a year at most, of {DAYS} days.", field="since")
        return await self.database.read(lambda tx: _figures(tx, staff.tenant, since, until), of=staff.tenant)

    # ------------------------------------------------------------------------------------------- views and settings

    async def views(self, staff: Staff, _: Request, __: None) -> shapes.Views:
        """One's own saved views."""
        found = await self.database.read(lambda tx: review_settings.views(tx, staff.tenant, staff.id), of=staff.tenant)
        return shapes.Views(
            [shapes.View(name, msgspec.json.decode(kept, type=shapes.ItemQuery)) for name, kept in found]
        )

    async def keep_view(self, staff: Staff, _: Request, body: shapes.View) -> None:
        """Keep a filter under a name."""
        kept = msgspec.json.encode(body.filter).decode()
        await self.database.write(
            lambda tx: review_settings.keep_view(tx, staff.tenant, staff.id, body.name, kept)
        )  # fmt: skip

    async def forget_view(self, staff: Staff, request: Request, _: None) -> None:
        """Forget it."""
        name = request.path_params["name"]
        await self.database.write(lambda tx: review_settings.forget_view(tx, staff.tenant, staff.id, name))

    async def settings(self, staff: Staff, _: Request, __: None) -> ReviewSettings:
        """What the tenant has set."""
        return await self.database.read(lambda tx: settings(tx, staff.tenant), of=staff.tenant)

    async def set(self, staff: Staff, _: Request, body: ReviewSettings) -> ReviewSettings:
        """Set it."""
        kept, at = msgspec.json.encode(body).decode(), now()

        def act(tx: Connection) -> None:
            review_settings.keep(tx, staff.tenant, kept)
            audit.record(tx, staff.tenant, staff.id, "review.settings", "", msgspec.to_builtins(body), at)

        await self.database.write(act)
        return body

    # ------------------------------------------------------------------------------------------------------ inside

    async def _next(self, staff: Staff, wanted: shapes.NextWanted) -> shapes.NextItem:
        given: Next = await self.review.next(staff, ItemFilter(**msgspec.structs.asdict(wanted)))
        shown = await self._detail(staff, given.item.message) if given.item is not None else None
        return shapes.NextItem(shown, given.left, given.withheld, given.free_at)

    async def _note_look(self, staff: Staff, message: str, act: str, detail: dict[str, Any]) -> None:
        """Once in a while: a page reads an item again whenever it changes."""
        key, at = (staff.tenant, staff.id, message, act), now()
        if at - self._looks.get(key, 0) < LOOK_MS:
            return

        def note(tx: Connection) -> None:
            item = review_items.find(tx, staff.tenant, message)
            if item is not None and item.severity >= Severity.SEVERE:
                exposures.add(tx, staff.tenant, staff.id, message, at)
            audit.record(tx, staff.tenant, staff.id, act, message, detail, at)

        await self.database.write(note)
        if len(self._looks) >= LOOKS:
            self._looks.clear()
        self._looks[key] = at

    async def _detail(self, staff: Staff, message: str) -> shapes.Detail:
        conversation = await self._conversation_of(staff, message)
        policy = await self.review.policy(staff.tenant, conversation)
        looking = [shapes.Looker(one.staff, one.name) for one in self.review.who_looks(staff, message)]
        at = now()
        return await self.database.read(
            lambda tx: dossier.detail(tx, staff, message, policy, looking, at), of=staff.tenant
        )

    async def _row(self, staff: Staff, item: Item) -> shapes.Row:
        at = now()
        (row,) = await self.database.read(lambda tx: dossier.rows(tx, staff.tenant, [item], at), of=staff.tenant)
        return row

    async def _conversation_of(self, staff: Staff, message: str) -> str:
        def ask(tx: Connection) -> str:
            found = log.find(tx, staff.tenant, message) or refusals.find(tx, staff.tenant, message)
            if found is None:
                raise NotFound("message")
            return found.conversation

        return await self.database.read(ask, of=staff.tenant)


class _Around(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    around: int = 25

    def __post_init__(self) -> None:
        if not 1 <= self.around <= 100:
            raise ValueError("around is 1 to 100")


class _Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    since: int = 0
    until: int = 0


def _told(handle: Callable[..., Awaitable[Any]]) -> Callable[[Staff, Request, Any], Awaitable[Any]]:
    """``handle`` with the errors of the review in the words of the console."""

    async def told(staff: Staff, request: Request, body: Any) -> Any:
        try:
            return await handle(staff, request, body)
        except Claimed as problem:
            raise Denied(409, "conflict", _who(problem.item), now=_now(problem.item)) from problem
        except Barred as problem:
            raise Denied(403, "forbidden", str(problem), now=_now(problem.item)) from problem
        except NotAllowed as problem:
            raise Denied(403, "forbidden", str(problem)) from problem
        except TooLate as problem:
            raise Denied(409, "conflict", problem.why) from problem
        except BadActs as problem:
            raise Denied(422, "bad_request", problem.problem, field=problem.field) from problem

    return told


def _who(item: Item) -> str:
    if item.state != "open":
        return f"{item.decided_by} has decided it: {item.outcome}."
    if item.lease_until > now():
        return f"{item.claimed_by} has it at the moment."
    return "It is no longer as you have seen it."


def _now(item: Item) -> dict[str, Any]:
    """What is true of an item by now."""
    claimed = item.state == "open" and item.lease_until > now()
    return {
        "status": "decided" if item.state != "open" else "claimed" if claimed else "waiting", "version": item.version,
        "claimed_by": item.claimed_by if claimed else "", "lease_until": item.lease_until if claimed else 0,
        "decided_by": item.decided_by, "decided_at": item.decided_at, "outcome": item.outcome,
    }  # fmt: skip


def _query(request: Request, kind: type[T]) -> T:
    """The parameters of a call. Raises Denied for what is none of them."""
    try:
        return msgspec.convert(dict(request.query_params), kind, strict=False)
    except (msgspec.ValidationError, ValueError) as problem:
        what, _, where = str(problem).partition(" - at `$")
        raise Denied(422, "bad_request", what, field=where.rstrip("`").lstrip(".")) from None


def _filter(asked: shapes.ItemQuery, staff: Staff, at: int) -> ItemFilter:
    return ItemFilter(
        state=asked.state, queue=asked.queue, cause=asked.cause, category=asked.category, clause=asked.clause,
        language=asked.language, claimed_by=staff.id if asked.claimed_by == "me" else asked.claimed_by,
        author=asked.author, conversation=asked.conversation, severity=asked.severity,
        opened_before=at - asked.older_than * 60_000 if asked.older_than else 0,
    )  # fmt: skip


def _place(mark: str) -> tuple[int, str] | None:
    when, _, message = mark.partition(".")
    if not mark:
        return None
    if not when.isdecimal() or not message or len(when) > 16:
        raise Denied(422, "bad_request", "This is no place in the queue.", field="after")
    return int(when), message


def _mark(item: Item, wanted: ItemFilter) -> str:
    return f"{item.decided_at if wanted.state == 'decided' else item.due_at}.{item.message}"


def _judged(decision: Decision, policy: Policy, lang: str, *, missing: bool = False) -> shapes.Judged:
    return shapes.Judged(
        decision.policy, decision.verdict, dossier.clause_views(policy, decision.clauses, lang), decision.findings,
        (decision.evidence or Evidence()).scores, decision.degraded, missing,
    )  # fmt: skip


def _version(tx: Connection, tenant: str, id: str) -> Policy | None:
    """A policy as it was, if it is still kept."""
    try:
        return from_sources(policies.version(tx, tenant, id).sources)
    except NotFound:
        return None


def _texts(tx: Connection, tenant: str, ids: list[str]) -> dict[str, str]:
    found = {id: message.text for id, message in log.many(tx, tenant, ids).items()}
    return found | refusals.many(tx, tenant, [id for id in ids if id not in found])


def _bulk_done(batch: str, outcomes: list[Any], undo_until: int) -> shapes.BulkDone:
    results = [
        shapes.BulkResult(one.message, one.done.acted.id if one.done else "", one.problem, one.sentence)
        for one in outcomes
    ]
    done = sum(not one.problem for one in results)
    return shapes.BulkDone(batch, done, results, undo_until if done else 0)


def _figures(tx: Connection, tenant: str, since: int, until: int) -> figures.Figures:
    automation = {"flag", "hold", "block", "nudge", "mask", "late"}
    decided = []
    for row in review_figures.acts(tx, tenant, since, until, figures.DAY_MS, figures.DECIDED):
        causes = set(msgspec.json.decode(row.causes))
        decided.append(
            figures.Decided(
                at=row.at, outcome=row.outcome, actor=row.actor, clause=row.clause, language=row.language,
                verdict=row.verdict, machine=bool(causes & automation) or "appeal" in causes, count=row.count,
            )
        )  # fmt: skip

    def waited(by: str) -> dict[str, figures.Waiting]:
        times = review_figures.waited(tx, tenant, since, until, figures.DECIDED, by)
        return {key: figures.Waiting(one.count, one.median, one.p90) for key, one in times.items()}

    worked = review_figures.worked(tx, tenant, since, until, figures.DECIDED)
    took = figures.Took(
        waited(""), waited("clause"), waited("language"), waited("verdict"),
        {actor: figures.Waiting(one.count, one.median, one.p90) for actor, one in worked.items()},
    )  # fmt: skip
    compared = [
        figures.Compared(one.decider, one.assigned, one.outcome, one.answer, one.clause, one.decider == GOLDEN)
        for one in second_looks.answered(tx, tenant, since, until)
    ]
    settled = appeals.settled(tx, tenant, since, until)
    shares = {
        decider: figures.share(
            sum(state == "overturned" for who, state in settled if decider in ("", who)),
            sum(1 for who, _ in settled if decider in ("", who)),
        )
        for decider in {"", *(who for who, _ in settled)}
    }
    opened = review_figures.opened(tx, tenant, since, until, figures.DAY_MS)
    return figures.figures(decided, took, opened, compared, shares, since, until)
