"""Policies from TOML files. What is wrong with a file is said with the file, the clause and the key.

The format is told in docs/policies.md.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from policies.decision import Behaviour, Failing, Verdict
from policies.inheritance import DEEPEST, Inherited, Origin, alone, inherit
from policies.mentions import DOMAIN, HANDLE, Mentions
from policies.policy import LANGUAGES, REVIEW, Action, Choice, Clause, Example, Hours, Policy, Wording
from rules.keywords import KeywordError, Keywords
from rules.types import Category, Role, Setting, Stage, Utterance

SHIPPED = Path(__file__).parent
DEFAULT = "marketplace"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SCORE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}")
LANGUAGE = re.compile("|".join(LANGUAGES))
SOURCE = re.compile(r"\S(.{0,498}\S)?")  # a rule, or a rule and one of its entries, which may be a phrase
REASON_CHARACTERS = 500
MOST_COUNT = 100
MOST_DEADLINE_MS = 10_000
MOST_STRIKES = 1_000
MOST_DAYS = 36_500
MOST_MENTIONS = 500
MOST_PATTERNS = 50
HOURS = re.compile(r"([01]?\d|2[0-3])-([01]?\d|2[0-4])")
EXPLAINED = (Verdict.NUDGE, Verdict.MASK, Verdict.HOLD, Verdict.BLOCK)

_REQUIRED = object()

_Word = TypeVar("_Word", bound=StrEnum)


class PolicyError(ValueError):
    """A policy that cannot be loaded. ``clause`` and ``key`` are empty where the problem is that of the whole file."""

    def __init__(self, path: Path | str, clause: str, key: str, problem: str) -> None:
        super().__init__(path, clause, key, problem)
        self.path, self.clause, self.key, self.problem = path, clause, key, problem

    def __str__(self) -> str:
        clause = f"clause {self.clause!r}: " if self.clause else ""
        key = f"{self.key}: " if self.key else ""
        return f"{self.path}: {clause}{key}{self.problem}"


Find = Callable[[str], tuple[bytes, Path | str] | None]
"""What a name after ``extends`` stands for: a file's content, and what to call it in errors. None if there is no such one."""


def load(path: Path | str = DEFAULT) -> Policy:
    """The policy in a TOML file, or the shipped one of that name (``marketplace``, ``strict``).

    What it extends is a file beside it, or a shipped one. Raises PolicyError.
    """
    file = SHIPPED / f"{path}.toml" if path in shipped() else Path(path)
    return parse(_content(file), file, beside(file))


def beside(file: Path) -> Find:
    """Finds the files of a folder by their names without ``.toml``, then the shipped policies."""

    def find(name: str) -> tuple[bytes, Path] | None:
        near = file.parent / f"{name}.toml"
        if near.is_file() and near.resolve() != file.resolve():
            return _content(near), near
        return (_content(SHIPPED / f"{name}.toml"), SHIPPED / f"{name}.toml") if name in shipped() else None

    return find


def shipped_only(name: str) -> tuple[bytes, Path] | None:
    """Finds the shipped policies alone."""
    return (_content(SHIPPED / f"{name}.toml"), SHIPPED / f"{name}.toml") if name in shipped() else None


def from_sources(sources: Sequence[tuple[str, str]]) -> Policy:
    """A policy made again of its ``sources``, as ``Policy.sources`` holds them. Raises PolicyError."""
    *bases, (name, own) = sources
    by_name = {base: (text.encode(), f"{base}.toml") for base, text in bases}
    return parse(own.encode(), f"{name}.toml", by_name.get)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise PolicyError(file, "", "", f"cannot be read: {problem.strerror or problem}") from None
    except ValueError as problem:  # a NUL in the path
        raise PolicyError(file, "", "", f"cannot be read: {problem}") from None


def shipped() -> tuple[str, ...]:
    """The names of the policies that come with the service."""
    return tuple(sorted(file.stem for file in SHIPPED.glob("*.toml")))


def parse(content: bytes, path: Path | str, find: Find = shipped_only) -> Policy:
    """The policy that ``content`` spells; ``path`` is only named in errors. Its version is a hash of all that it is made of.

    Raises PolicyError.
    """
    return _parse(content, path, find, ()).policy


class _Parsed(msgspec.Struct, frozen=True):
    policy: Policy
    table: Inherited


def _parse(content: bytes, path: Path | str, find: Find, above: tuple[str, ...]) -> _Parsed:
    raw = _toml(content, path)
    own = _Table(raw, path)
    name = own.name("name")
    base = _base(own, find, (*above, str(path)))
    if base is None:
        if "off" in raw:
            raise own.error("off", "means nothing without extends")
        inherited = alone(name, raw) if _well_formed(own) else Inherited(raw, {})
    else:
        _well_formed(own)
        _check_off(own, base)
        inherited = inherit(base.table, name, raw)
    text = content.decode("utf-8-sig")
    sources = ((name, text),) if base is None else (*_renamed(base, raw["extends"]), (name, text))
    digest = hashlib.sha256(content if base is None else content + b"\0" + base.policy.version.encode())
    return _Parsed(_policy(inherited, path, digest.hexdigest()[:8], sources), inherited)


def _base(own: _Table, find: Find, above: tuple[str, ...]) -> _Parsed | None:
    """What the policy extends. ``above`` holds the files from the first that was asked for down to this one."""
    name = own.name("extends", default=None) if "extends" in own.values else None
    if name is None:
        return None
    found = find(name)
    if found is None:
        raise own.error("extends", f"there is no policy {name!r}{_likely(name, shipped())}")
    content, path = found
    if str(path) in above:
        circle = " -> ".join(Path(file).stem for file in (*above[above.index(str(path)) :], str(path)))
        raise own.error("extends", f"goes round in a circle: {circle}")
    if len(above) >= DEEPEST:
        raise own.error("extends", f"is too deep: at most {DEEPEST} policies one on top of the other")
    return _parse(content, path, find, above)


def _well_formed(own: _Table) -> bool:
    """Whether the clauses are tables with ids; if there are none at all, that is for later to say. Raises PolicyError."""
    seen: set[str] = set()
    for table in own.tables("clause"):
        id = table.name("id")
        table.clause, table.within = id, ""
        if id in seen:
            raise table.error("id", "an earlier clause has the same id")
        seen.add(id)
    return True


def _check_off(own: _Table, base: _Parsed) -> None:
    off = own.take("off", "a list of texts", [])
    for id in off:
        if base.policy.clause(id) is None:
            known = [clause.id for clause in base.policy.clauses]
            raise own.error("off", f"{base.policy.name} has no clause {id!r}{_likely(id, known)}")
        if any(clause["id"] == id for clause in own.values.get("clause", ())):
            raise PolicyError(own.path, id, "id", "is off, and changed all the same")
    if len(set(off)) < len(off):
        raise own.error("off", "names a clause twice")


def _renamed(base: _Parsed, name: str) -> tuple[tuple[str, str], ...]:
    """The base's sources, its own under the name by which it was asked for."""
    *before, (_, text) = base.policy.sources
    return (*before, (name, text))


def _policy(inherited: Inherited, path: Path | str, version: str, sources: tuple[tuple[str, str], ...]) -> Policy:
    top = _Table(inherited.raw, path)
    name = top.name("name")
    description = top.text("description", default="")
    time_zone = top.zone("time_zone")
    defaults, closed = _defaults(top.table("reason"))
    failures = _failures(top.table("failure"))
    deadline_ms = _deadline(top.table("deep", default={}))
    clauses = _clauses(top, inherited.origins)
    top.finish()
    for clause in clauses:
        if clause.hold_for_deep and not deadline_ms:
            raise PolicyError(path, clause.id, "hold_for_deep", "needs a deadline: write [deep] with deadline_ms")
        if clause.hours and not time_zone:
            raise PolicyError(path, clause.id, "hours", "need a time_zone at the top of the file")
    return Policy(
        name,
        version,
        clauses,
        defaults=defaults,
        closed=closed,
        failures=failures,
        deadline_ms=deadline_ms,
        description=description,
        time_zone=time_zone or "UTC",
        sources=sources,
        off=inherited.off,
    )


def _toml(content: bytes, path: Path | str) -> dict[str, Any]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise PolicyError(path, "", "", f"is not UTF-8 (byte {problem.start})") from None
    if not text.strip():
        raise PolicyError(path, "", "", "is empty")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise PolicyError(path, "", "", f"is not TOML: {problem}") from None
    except RecursionError:
        raise PolicyError(path, "", "", "is not TOML: nested too deeply") from None


class _Table:
    """A TOML table that is read key by key; whatever nobody has read in the end is an unknown key."""

    def __init__(self, values: Mapping[str, Any], path: Path | str, clause: str = "", within: str = "") -> None:
        self.values, self.path, self.clause, self.within = values, path, clause, within
        self.known: set[str] = set()
        self.origin: Origin | None = None

    def error(self, key: str, problem: str) -> PolicyError:
        taken_over = self.origin is not None and self.origin.changed_by and key in self.values
        if taken_over and self.origin is not None and key not in self.origin.own:
            problem = f"{problem} (taken over from {self.origin.policy})"
        return PolicyError(self.path, self.clause, self.within + key, problem)

    def finish(self) -> None:
        for key in self.values:
            if key not in self.known:
                raise self.error(key, "unknown key" + _likely(key, self.known))

    def take(self, key: str, kind: str, default: object = _REQUIRED) -> Any:
        self.known.add(key)
        if key not in self.values:
            if default is _REQUIRED:
                raise self.error(key, "is missing")
            return default
        value = self.values[key]
        if not _KINDS[kind](value):
            raise self.error(key, f"must be {kind}, not {_shown(value)}")
        return value

    def table(self, key: str, default: object = _REQUIRED) -> _Table:
        return _Table(self.take(key, "a table", default), self.path, self.clause, f"{self.within}{key}.")

    def tables(self, key: str) -> list[_Table]:
        values = self.take(key, "an array of tables", [])
        return [_Table(value, self.path, self.clause, f"{self.within}{key}[{i}].") for i, value in enumerate(values, 1)]

    def text(self, key: str, default: object = _REQUIRED, longest: int = 4_000) -> str:
        value: str = self.take(key, "a text", default)
        if key in self.values and not value.strip():
            raise self.error(key, "is empty")
        if len(value) > longest:
            raise self.error(key, f"is too long: {len(value)} characters, at most {longest}")
        return value

    def name(self, key: str, default: object = _REQUIRED) -> str:
        value = self.text(key, default)
        if not NAME.fullmatch(value):
            raise self.error(key, f"must be small letters, digits, - and _, at most 64 of them, not {value!r}")
        return value

    def truth(self, key: str) -> bool:
        return bool(self.take(key, "true or false", False))

    def share(self, key: str, default: object = _REQUIRED) -> float:
        value: float = self.take(key, "a number", default)
        if not 0 <= value <= 1:
            raise self.error(key, f"must be from 0 to 1, not {value}")
        return float(value)

    def whole(self, key: str, least: int, most: int, default: object = _REQUIRED) -> int:
        value: int = self.take(key, "a whole number", default)
        if not least <= value <= most:
            raise self.error(key, f"must be from {least} to {most}, not {value}")
        return value

    def zone(self, key: str) -> str:
        """The IANA name of a time zone; empty if the key is not there."""
        name = self.text(key, default="")
        try:
            return ZoneInfo(name).key if name else ""
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise self.error(key, f"there is no time zone {name!r}; one is called Europe/Madrid") from None

    def hours(self, key: str) -> Hours | None:
        """From an hour to another, such as ``22-07``; None if the key is not there."""
        value = self.text(key, default="")
        if not value:
            return None
        match = HOURS.fullmatch(value)
        start, end = (int(match[1]), int(match[2])) if match else (0, 0)
        if start == end or (start, end) == (0, 24):
            raise self.error(key, f"must be from an hour to another, such as 22-07, not {value!r}")
        return Hours(start, end)

    def listed(self, key: str, form: re.Pattern[str] | None, what: str, most: int = MOST_MENTIONS) -> tuple[str, ...]:
        """Texts of a form, at most ``most`` of them; empty if the key is not there."""
        values: list[str] = self.take(key, "a list of texts", [])
        if key in self.values and not values:
            raise self.error(key, "is empty")
        if len(values) > most:
            raise self.error(key, f"is too long: {len(values)}, at most {most}")
        for value in values:
            if not value.strip() or len(value) > 253 or (form and not form.fullmatch(value)):
                raise self.error(key, f"{value!r} is no {what}")
        return tuple(values)

    def word(self, key: str, words: type[_Word], default: object = _REQUIRED) -> _Word:
        return self.as_word(key, self.take(key, "a text", default), words)

    def as_word(self, key: str, value: str, words: type[_Word]) -> _Word:
        try:
            return words(value)
        except ValueError:
            known = [str(word) for word in words if word]
            hint = _likely(value, known) or f"; known are {', '.join(known)}"
            raise self.error(key, f"unknown {_NOUNS[words]} {value!r}{hint}") from None

    def words(self, key: str, words: type[_Word]) -> frozenset[_Word]:
        """One word or several of them; empty if the key is not there."""
        value = self.take(key, "a text or a list of texts", [])
        if value == [] and key in self.values:
            raise self.error(key, "is empty")
        return frozenset(self.as_word(key, one, words) for one in ([value] if isinstance(value, str) else value))

    def choice(self, key: str, words: type[StrEnum] | None = None, form: re.Pattern[str] = NAME) -> Choice | None:
        """A word, several, or ``{ not = ... }``; None if the key is not there."""
        value = self.take(key, "a text, a list of texts or { not = ... }", None)
        if value is None:
            return None
        if not isinstance(value, dict):
            return Choice(self._chosen(key, value, words, form))
        table = _Table(value, self.path, self.clause, f"{self.within}{key}.")
        unwanted = table.take("not", "a text or a list of texts")
        table.finish()
        return Choice(table._chosen("not", unwanted, words, form), excluded=True)

    def _chosen(
        self, key: str, value: str | list[str], words: type[StrEnum] | None, form: re.Pattern[str]
    ) -> frozenset[str]:
        given = [value] if isinstance(value, str) else value
        if not given:
            raise self.error(key, "is empty")
        if words is not None:
            return frozenset(self.as_word(key, one, words) for one in given)
        for one in given:
            if not form.fullmatch(one):
                raise self.error(key, f"is no name: {one!r}")
        return frozenset(given)


def _clauses(top: _Table, origins: Mapping[str, Origin]) -> list[Clause]:
    clauses = [_clause(table, order, origins) for order, table in enumerate(top.tables("clause"))]
    if not clauses:
        raise top.error("clause", "there is no clause")
    return clauses


def _clause(table: _Table, order: int, origins: Mapping[str, Origin]) -> Clause:
    id = table.name("id")
    table.clause, table.within, table.origin = id, "", origins[id]
    verdict = table.word("verdict", Verdict)
    clause = Clause(
        id=id,
        verdict=verdict,
        order=order,
        categories=table.words("category", Category),
        min_score=table.share("min_score", default=0.0),
        count=table.whole("count", least=1, most=MOST_COUNT, default=1),
        sender=table.choice("sender", Role),
        audience=table.words("audience", Role),
        listing=table.choice("listing"),
        stage=table.choice("stage", Stage),
        source=table.choice("source", form=SOURCE),
        scores=_scores(table),
        wording=_wording(table.table("reason"), verdict) if "reason" in table.values else None,
        hold_for_deep=table.truth("hold_for_deep"),
        queue=table.name("queue", default=REVIEW),
        examples=tuple(_example(example) for example in table.tables("example")),
        kind=table.choice("kind"),
        language=table.choice("language", form=LANGUAGE),
        about=_mentions(table.table("about")) if "about" in table.values else None,
        heat=table.share("heat", default=0.0),
        strikes=table.whole("strikes", least=0, most=MOST_STRIKES, default=0),
        account_age_days=table.whole("account_age_days", least=0, most=MOST_DAYS)
        if "account_age_days" in table.values
        else None,
        hours=table.hours("hours"),
        keywords=_keywords(table),
        origin=table.origin.policy,
        changed_by=table.origin.changed_by,
    )
    table.known.update(("reason", "about", "account_age_days", "keywords", "patterns"))
    table.finish()
    _makes_sense(clause, table)
    return clause


def _makes_sense(clause: Clause, table: _Table) -> None:
    """Refuses what can only be a mistake: conditions that say nothing, or that the clause cannot keep."""
    if not clause.categories and not clause.scores:
        raise table.error("category", "is missing: a clause is about a category, or about scores")
    if not clause.categories:
        for key in ("min_score", "count", "source", "about"):
            if key in table.values:
                raise table.error(key, "counts findings, and so needs a category")
        if clause.verdict in (Verdict.ALLOW, Verdict.MASK):
            raise table.error("category", f"is missing: {clause.verdict} is about findings, not the whole message")
    if clause.keywords is not None:
        given = "keywords" if clause.keywords.words else "patterns"
        if len(clause.categories) != 1:
            raise table.error("category", f"must be one: that of what is found by {given}")
        for key in ("min_score", "source", "about"):
            if key in table.values:
                raise table.error(
                    key, f"means nothing beside {given}: the clause speaks of what these find, and of nothing else"
                )
    if clause.verdict is Verdict.ALLOW:
        for key in ("count", "hold_for_deep", "queue", "reason"):
            if key in table.values:
                raise table.error(key, "means nothing in an exception (verdict allow)")


def _mentions(table: _Table) -> Mentions:
    mentions = Mentions(
        terms=table.listed("terms", None, "word or number"),
        handles=table.listed("handles", HANDLE, "handle: write @name, name@example.com or *@example.com"),
        links=table.listed("links", DOMAIN, "domain: write example.com, in small letters"),
    )
    table.finish()
    if mentions == Mentions():
        raise table.error("terms", "is missing: name terms, handles or links")
    return mentions


def _keywords(table: _Table) -> Keywords | None:
    words, patterns = table.listed("keywords", None, "word"), table.listed("patterns", None, "pattern", MOST_PATTERNS)
    if not words and not patterns:
        return None
    try:
        return _made_ready(words, patterns)
    except KeywordError as problem:
        raise table.error("patterns" if problem.entry in patterns else "keywords", str(problem)) from None


@lru_cache(maxsize=64)
def _made_ready(words: tuple[str, ...], patterns: tuple[str, ...]) -> Keywords:
    """Kept, because a draft is read again at each pause of who writes it, and a policy is made anew for each kind."""
    return Keywords(words, patterns)


def _scores(table: _Table) -> tuple[tuple[str, float], ...]:
    scores = table.table("scores", default={})
    for name in scores.values:
        if not SCORE.fullmatch(name):
            raise scores.error(name, "is no name of a score")
    if "scores" in table.values and not scores.values:
        raise table.error("scores", "is empty")
    return tuple((name, scores.share(name)) for name in scores.values)


def _wording(table: _Table, verdict: Verdict) -> Wording:
    texts = {language: table.text(language, longest=REASON_CHARACTERS) for language in LANGUAGES}
    action = table.word("action", Action, default="")
    if action is Action.SEND_ANYWAY and verdict is not Verdict.NUDGE:
        raise table.error("action", f"send_anyway is untrue after {verdict}: only a nudge lets the author decide")
    table.finish()
    return Wording(texts, action)


def _defaults(table: _Table) -> tuple[dict[Verdict, Wording], Wording]:
    defaults = {verdict: _wording(table.table(verdict), verdict) for verdict in EXPLAINED}
    closed = _wording(table.table("closed"), Verdict.BLOCK)
    table.finish()
    return defaults, closed


def _failures(table: _Table) -> dict[str, dict[Failing, Behaviour]]:
    for group in ("rules", "classifiers"):
        table.take(group, "a behaviour or a table of them")
    return {stage: _behaviours(table, stage) for stage in table.values}


def _behaviours(table: _Table, stage: str) -> dict[Failing, Behaviour]:
    if not NAME.fullmatch(stage):
        raise table.error(stage, "is no name of a rule or classifier")
    value = table.take(stage, "a behaviour or a table of them")
    if isinstance(value, str):
        return dict.fromkeys(Failing, table.as_word(stage, value, Behaviour))
    each = table.table(stage)
    behaviours = {failing: each.word(failing, Behaviour) for failing in Failing}
    each.finish()
    return behaviours


def _deadline(table: _Table) -> int:
    if not table.values:
        return 0
    deadline_ms = table.whole("deadline_ms", least=1, most=MOST_DEADLINE_MS)
    table.finish()
    return deadline_ms


def _example(table: _Table) -> Example:
    example = Example(table.text("text"), table.word("verdict", Verdict), _setting(table.table("setting", default={})))
    table.finish()
    return example


def _setting(table: _Table) -> Setting:
    setting = Setting(
        author=table.text("author", default=""),
        sender=table.word("sender", Role, default=Role.BUYER),
        audience=table.words("audience", Role),
        listing=table.name("listing") if "listing" in table.values else None,
        stage=table.word("stage", Stage, default=Stage.ENQUIRY),
        language=table.text("language") if "language" in table.values else None,
        region=table.text("region") if "region" in table.values else None,
        recent=tuple(_utterance(utterance) for utterance in table.tables("recent")),
        heat=table.share("heat", default=0.0),
        strikes=table.whole("strikes", least=0, most=MOST_STRIKES, default=0),
        account_age_days=table.whole("account_age_days", least=0, most=MOST_DAYS)
        if "account_age_days" in table.values
        else None,
        hour=table.whole("hour", least=0, most=23) if "hour" in table.values else None,
        kind=table.name("kind") if "kind" in table.values else None,
    )
    table.known.update(("listing", "language", "region", "account_age_days", "hour", "kind"))
    table.finish()
    return setting


def _utterance(table: _Table) -> Utterance:
    utterance = Utterance(table.text("author"), table.text("text"))
    table.finish()
    return utterance


def _texts(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))


_KINDS: dict[str, Callable[[object], bool]] = {
    "a text": lambda value: isinstance(value, str),
    "true or false": lambda value: isinstance(value, bool),
    "a number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "a whole number": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "a table": lambda value: isinstance(value, dict),
    "an array of tables": lambda value: isinstance(value, list) and all(isinstance(one, dict) for one in value),
    "a text or a list of texts": _texts,
    "a list of texts": lambda value: isinstance(value, list) and _texts(value),
    "a text, a list of texts or { not = ... }": lambda value: isinstance(value, dict) or _texts(value),
    "a behaviour or a table of them": lambda value: isinstance(value, str | dict),
}
_NOUNS: dict[type[StrEnum], str] = {
    Verdict: "verdict",
    Category: "category",
    Role: "role",
    Stage: "stage",
    Action: "action",
    Behaviour: "behaviour",
}


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return repr(value) if isinstance(value, str | int | float) else f"a {type(value).__name__}"


def _likely(word: str, known: Collection[str]) -> str:
    likely = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {likely[0]!r}?" if likely else ""
