"""A policy file says what it means, or says what is wrong with it: file, clause and key."""

from pathlib import Path

import pytest

from policies.decision import Behaviour, Failing, Verdict
from policies.load import PolicyError, load, parse, shipped
from policies.mentions import Mentions
from policies.policy import Choice, Hours, Policy
from rules.types import Category, Role, Setting, Stage, Utterance

WORDS = 'es = "No."\nen = "No."\npt = "Não."\n'
DEFAULTS = "".join(f"[reason.{verdict}]\n{WORDS}" for verdict in ("nudge", "mask", "hold", "block", "closed"))
FAILURE = '[failure]\nrules = "hold"\nclassifiers = "open"\n'
HEAD = f'name = "tried"\n{DEFAULTS}{FAILURE}'
CLAUSE = '[[clause]]\nid = "c"\ncategory = "contact"\nverdict = "block"\n'


def policy(clauses: str = CLAUSE, head: str = HEAD) -> Policy:
    return parse((head + clauses).encode(), "p.toml")


def fault(content: str | bytes) -> PolicyError:
    with pytest.raises(PolicyError) as raised:
        parse(content if isinstance(content, bytes) else content.encode(), "p.toml")
    return raised.value


def test_reads_every_condition_of_a_clause() -> None:
    clause = policy(
        '[[clause]]\nid = "all_of_it"\nverdict = "hold"\ncategory = ["insult", "hate"]\nmin_score = 0.5\ncount = 2\n'
        'sender = ["buyer", "seller"]\naudience = "agent"\nlisting = { not = ["toys"] }\nstage = { not = "dispute" }\n'
        'source = "insult"\nscores = { toxicity = 0.9 }\nhold_for_deep = true\nqueue = "safety"\n'
        f'[clause.reason]\naction = "wait"\n{WORDS}'
        '[deep]\ndeadline_ms = 250\n'
    ).clauses[0]  # fmt: skip
    assert clause.categories == {Category.INSULT, Category.HATE}
    assert clause.min_score == 0.5
    assert clause.count == 2
    assert clause.sender == Choice(frozenset({Role.BUYER, Role.SELLER}))
    assert clause.audience == {Role.AGENT}
    assert clause.listing == Choice(frozenset({"toys"}), excluded=True)
    assert clause.stage == Choice(frozenset({Stage.DISPUTE}), excluded=True)
    assert clause.source == Choice(frozenset({"insult"}))
    assert clause.scores == (("toxicity", 0.9),)
    assert clause.hold_for_deep
    assert clause.queue == "safety"
    assert clause.wording is not None
    assert clause.wording.action == "wait"
    assert clause.wording.texts["pt"] == "Não."


def test_reads_examples_with_their_setting() -> None:
    (example,) = policy(
        CLAUSE + '[[clause.example]]\ntext = "hi"\nverdict = "allow"\n'
        'setting = { author = "a", sender = "agent", audience = ["buyer"], listing = "toys", stage = "dispute", '
        'language = "pt", region = "BR", recent = [{ author = "b", text = "yo" }] }\n'
    ).clauses[0].examples  # fmt: skip
    assert example.text == "hi"
    assert example.verdict is Verdict.ALLOW
    assert example.setting == Setting(
        author="a", sender=Role.AGENT, audience=frozenset({Role.BUYER}), listing="toys", stage=Stage.DISPUTE,
        language="pt", region="BR", recent=(Utterance("b", "yo"),),
    )  # fmt: skip


def test_reads_how_each_stage_may_fail() -> None:
    table = '{ absent = "open", late = "hold", crashed = "closed", nan = "hold" }'
    failures = policy(head=HEAD + f"detoxify = {table}\n").failures
    assert failures["rules"][Failing.CRASHED] is Behaviour.HOLD
    assert failures["classifiers"][Failing.LATE] is Behaviour.OPEN
    assert [failures["detoxify"][failing] for failing in Failing] == ["open", "hold", "closed", "hold"]


def test_reads_the_passing_circumstances_of_a_clause() -> None:
    clause = policy(
        CLAUSE + 'kind = ["rides", "homes"]\nlanguage = { not = "pt" }\nheat = 0.6\nstrikes = 2\n'
        'account_age_days = 7\nhours = "22-7"\nabout = { terms = ["900 123 456"], links = ["example.com"] }\n',
        head='time_zone = "Europe/Madrid"\n' + HEAD,
    ).clauses[0]
    assert clause.kind == Choice(frozenset({"rides", "homes"}))
    assert clause.language == Choice(frozenset({"pt"}), excluded=True)
    assert (clause.heat, clause.strikes, clause.account_age_days) == (0.6, 2, 7)
    assert clause.hours == Hours(22, 7)
    assert clause.about == Mentions(terms=("900 123 456",), links=("example.com",))


def test_the_version_is_of_the_content() -> None:
    assert policy().id == policy().id
    assert policy().version != policy(CLAUSE + "# a remark\n").version
    assert policy().id == f"tried@{policy().version}"


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parse(b"\xef\xbb\xbf" + (HEAD + CLAUSE).encode(), "p.toml").name == "tried"


@pytest.mark.parametrize("name", ["marketplace", "strict"])
def test_shipped_policies_load_by_name_and_by_path(name: str) -> None:
    assert name in shipped()
    assert load(name).id == load(Path("policies") / f"{name}.toml").id


FILES = [
    (b"", "is empty"),
    (b" \n\n", "is empty"),
    (b"name = \xff", "is not UTF-8 (byte 7)"),
    (HEAD.encode("utf-16"), "is not UTF-8"),
    ("name = ", "is not TOML"),
    ('name = "a"\nname = "b"', "is not TOML"),
    ('{"name": "a"}', "is not TOML"),
    ("a = " + "[" * 50_000, "nested too deeply"),
]


@pytest.mark.parametrize(("content", "problem"), FILES)
def test_names_the_file_that_is_no_policy(content: str | bytes, problem: str) -> None:
    error = fault(content)
    assert (error.path, error.clause, error.key) == ("p.toml", "", "")
    assert problem in error.problem
    assert str(error).startswith("p.toml: ")


TOP = [
    (DEFAULTS + FAILURE + CLAUSE, "name", "is missing"),
    (HEAD.replace('"tried"', "7") + CLAUSE, "name", "must be a text, not 7"),
    (HEAD.replace('"tried"', '"Not a name"') + CLAUSE, "name", "must be small letters"),
    (HEAD.replace('"tried"', '""') + CLAUSE, "name", "is empty"),
    ('version = "1"\n' + HEAD + CLAUSE, "version", "unknown key"),
    ("description = 1\n" + HEAD + CLAUSE, "description", "must be a text"),
    (HEAD, "clause", "there is no clause"),
    ('time_zone = "Madrid"\n' + HEAD + CLAUSE, "time_zone", "there is no time zone 'Madrid'"),
    ("time_zone = 1\n" + HEAD + CLAUSE, "time_zone", "must be a text, not 1"),
    ('time_zone = "../UTC"\n' + HEAD + CLAUSE, "time_zone", "there is no time zone"),
    ('clause = "c"\n' + HEAD, "clause", "must be an array of tables"),
    (HEAD + '[clause]\nid = "c"\n', "clause", "must be an array of tables"),
    (f'name = "tried"\n{FAILURE}{CLAUSE}', "reason", "is missing"),
    ('reason = "no"\nname = "tried"\n' + FAILURE + CLAUSE, "reason", "must be a table"),
    (HEAD.replace("[reason.mask]", "[reason.flag]") + CLAUSE, "reason.mask", "is missing"),
    (HEAD + f"[reason.allow]\n{WORDS}" + CLAUSE, "reason.allow", "unknown key"),
    (HEAD.replace('pt = "Não."\n', "", 1) + CLAUSE, "reason.nudge.pt", "is missing"),
    (HEAD.replace('en = "No."', 'en = ""', 1) + CLAUSE, "reason.nudge.en", "is empty"),
    (HEAD.replace('en = "No."', "en = 1", 1) + CLAUSE, "reason.nudge.en", "must be a text, not 1"),
    (HEAD.replace('en = "No."', 'fr = "Non."\nen = "No."', 1) + CLAUSE, "reason.nudge.fr", "unknown key"),
    (HEAD.replace('en = "No."', f'en = "{"x" * 501}"', 1) + CLAUSE, "reason.nudge.en", "is too long"),
    (
        HEAD.replace("[reason.block]", '[reason.block]\naction = "cry"') + CLAUSE,
        "reason.block.action",
        "unknown action",
    ),
    (
        HEAD.replace("[reason.block]", '[reason.block]\naction = "send_anyway"') + CLAUSE,
        "reason.block.action",
        "send_anyway is untrue after block",
    ),
    (f'name = "tried"\n{DEFAULTS}{CLAUSE}', "failure", "is missing"),
    (HEAD.replace('rules = "hold"\n', "") + CLAUSE, "failure.rules", "is missing"),
    (HEAD.replace('classifiers = "open"\n', "") + CLAUSE, "failure.classifiers", "is missing"),
    (HEAD.replace('"hold"', '"shrug"') + CLAUSE, "failure.rules", "unknown behaviour 'shrug'"),
    (HEAD.replace('"hold"', "1") + CLAUSE, "failure.rules", "must be a behaviour"),
    (HEAD.replace('rules = "hold"', 'rules = { crashed = "hold" }') + CLAUSE, "failure.rules.absent", "is missing"),
    (
        HEAD + 'deep = { absent = "open", late = "open", crashed = "open", nan = "open", lazy = "open" }\n' + CLAUSE,
        "failure.deep.lazy",
        "unknown key",
    ),
    (HEAD + '"No Name" = "open"\n' + CLAUSE, "failure.No Name", "is no name"),
    (HEAD + "[deep]\ndeadline_ms = 0\n" + CLAUSE, "deep.deadline_ms", "must be from 1 to 10000, not 0"),
    (HEAD + '[deep]\ndeadline_ms = "1 s"\n' + CLAUSE, "deep.deadline_ms", "must be a whole number"),
    (HEAD + "[deep]\ndeadline = 5\n" + CLAUSE, "deep.deadline_ms", "is missing"),
    (HEAD + "[deep]\ndeadline_ms = 5\nqueue = 1\n" + CLAUSE, "deep.queue", "unknown key"),
]


@pytest.mark.parametrize(("content", "key", "problem"), TOP)
def test_names_the_key_that_is_wrong(content: str | bytes, key: str, problem: str) -> None:
    error = fault(content)
    assert (error.clause, error.key) == ("", key)
    assert problem in error.problem
    assert str(error) == f"p.toml: {key}: {error.problem}"


def test_a_clause_without_id_is_named_by_its_place() -> None:
    error = fault(HEAD + CLAUSE + '[[clause]]\ncategory = "scam"\nverdict = "hold"\n')
    assert (error.clause, error.key, error.problem) == ("", "clause[2].id", "is missing")


WHOLE = '[[clause]]\nid = "c"\nscores = { toxicity = 0.9 }\nverdict = "hold"\n'
CLAUSES = [
    (CLAUSE.replace('id = "c"', 'id = "The Clause"'), "clause[1].id", "must be small letters"),
    (CLAUSE + CLAUSE, "id", "an earlier clause has the same id"),
    (CLAUSE + 'stge = "ordered"\n', "stge", "unknown key; did you mean 'stage'?"),
    (CLAUSE.replace('verdict = "block"\n', ""), "verdict", "is missing"),
    (CLAUSE.replace('"block"', '"blok"'), "verdict", "unknown verdict 'blok'; did you mean 'block'?"),
    (CLAUSE.replace('"block"', "true"), "verdict", "must be a text, not true"),
    (CLAUSE.replace('category = "contact"\n', ""), "category", "is missing"),
    (CLAUSE.replace('"contact"', '"phone"'), "category", "unknown category 'phone'; known are "),
    (CLAUSE.replace('"contact"', '["contact", "scm"]'), "category", "unknown category 'scm'; did you mean 'scam'?"),
    (CLAUSE.replace('"contact"', "[]"), "category", "is empty"),
    (CLAUSE.replace('"contact"', "[1]"), "category", "must be a text or a list of texts, not a list"),
    (CLAUSE.replace('"contact"', '{ not = "scam" }'), "category", "must be a text or a list of texts, not a table"),
    (CLAUSE + "min_score = 1.5\n", "min_score", "must be from 0 to 1, not 1.5"),
    (CLAUSE + "min_score = -0.1\n", "min_score", "must be from 0 to 1"),
    (CLAUSE + "min_score = nan\n", "min_score", "must be from 0 to 1, not nan"),
    (CLAUSE + "min_score = inf\n", "min_score", "must be from 0 to 1, not inf"),
    (CLAUSE + "min_score = true\n", "min_score", "must be a number, not true"),
    (CLAUSE + 'min_score = "0.5"\n', "min_score", "must be a number, not '0.5'"),
    (CLAUSE + "min_score = 1979-05-27\n", "min_score", "must be a number, not a date"),
    (CLAUSE + "count = 0\n", "count", "must be from 1 to 100, not 0"),
    (CLAUSE + "count = 1.0\n", "count", "must be a whole number, not 1.0"),
    (CLAUSE + "count = true\n", "count", "must be a whole number, not true"),
    (CLAUSE + 'sender = "staff"\n', "sender", "unknown role 'staff'"),
    (CLAUSE + "sender = []\n", "sender", "is empty"),
    (CLAUSE + "sender = {}\n", "sender.not", "is missing"),
    (CLAUSE + 'sender = { no = "buyer" }\n', "sender.not", "is missing"),
    (CLAUSE + 'sender = { not = "buyer", or = "seller" }\n', "sender.or", "unknown key"),
    (CLAUSE + 'sender = { not = "byer" }\n', "sender.not", "unknown role 'byer'; did you mean 'buyer'?"),
    (CLAUSE + "sender = false\n", "sender", "must be a text, a list of texts or { not = ... }, not false"),
    (CLAUSE + 'audience = { not = "buyer" }\n', "audience", "must be a text or a list of texts, not a table"),
    (CLAUSE + 'audience = "everybody"\n', "audience", "unknown role"),
    (CLAUSE + 'stage = "order"\n', "stage", "unknown stage 'order'; did you mean 'ordered'?"),
    (CLAUSE + 'listing = ["Toys and games"]\n', "listing", "is no name"),
    (CLAUSE + "listing = 4\n", "listing", "must be a text, a list of texts or { not = ... }, not 4"),
    (CLAUSE + 'source = " a"\n', "source", "is no name"),
    (CLAUSE + "scores = 0.9\n", "scores", "must be a table, not 0.9"),
    (CLAUSE + "scores = {}\n", "scores", "is empty"),
    (CLAUSE + "scores = { toxicity = 90 }\n", "scores.toxicity", "must be from 0 to 1, not 90"),
    (CLAUSE + 'scores = { toxicity = "high" }\n', "scores.toxicity", "must be a number"),
    (CLAUSE + 'scores = { "a b" = 0.5 }\n', "scores.a b", "is no name of a score"),
    (CLAUSE + 'language = "fr"\n', "language", "is no name"),
    (CLAUSE + 'kind = "Long rides"\n', "kind", "is no name"),
    (CLAUSE + "heat = 2\n", "heat", "must be from 0 to 1, not 2"),
    (CLAUSE + 'heat = "hot"\n', "heat", "must be a number"),
    (CLAUSE + "strikes = -1\n", "strikes", "must be from 0 to 1000, not -1"),
    (CLAUSE + "strikes = 1.5\n", "strikes", "must be a whole number"),
    (CLAUSE + "account_age_days = -1\n", "account_age_days", "must be from 0 to 36500"),
    (CLAUSE + 'account_age_days = "a week"\n', "account_age_days", "must be a whole number"),
    (CLAUSE + 'hours = "22-07"\n', "hours", "need a time_zone"),
    (CLAUSE + 'hours = "night"\n', "hours", "must be from an hour to another, such as 22-07, not 'night'"),
    (CLAUSE + 'hours = "22-25"\n', "hours", "must be from an hour to another"),
    (CLAUSE + 'hours = "8-8"\n', "hours", "must be from an hour to another"),
    (CLAUSE + 'hours = "0-24"\n', "hours", "must be from an hour to another"),
    (CLAUSE + "hours = 22\n", "hours", "must be a text, not 22"),
    (CLAUSE + "hold_for_deep = 1\n", "hold_for_deep", "must be true or false, not 1"),
    (CLAUSE + "hold_for_deep = true\n", "hold_for_deep", "needs a deadline"),
    (CLAUSE + 'queue = "Safety first"\n', "queue", "must be small letters"),
    (CLAUSE + 'reason = "no"\n', "reason", "must be a table"),
    (CLAUSE + '[clause.reason]\nes = "No."\nen = "No."\n', "reason.pt", "is missing"),
    (
        CLAUSE + f'[clause.reason]\naction = "send_anyway"\n{WORDS}',
        "reason.action",
        "send_anyway is untrue after block",
    ),
    (CLAUSE + f'[clause.reason]\naction = "apeal"\n{WORDS}', "reason.action", "did you mean 'appeal'?"),
    (CLAUSE + f"[clause.reason]\nwhy = 1\n{WORDS}", "reason.why", "unknown key"),
    (WHOLE + "min_score = 0.5\n", "min_score", "needs a category"),
    (WHOLE + "count = 2\n", "count", "needs a category"),
    (WHOLE + 'source = "contact"\n', "source", "needs a category"),
    (WHOLE.replace("hold", "mask"), "category", "is missing: mask is about findings"),
    (WHOLE.replace("hold", "allow"), "category", "is missing: allow is about findings"),
    (CLAUSE.replace("block", "allow") + "count = 2\n", "count", "means nothing in an exception"),
    (CLAUSE.replace("block", "allow") + "hold_for_deep = true\n", "hold_for_deep", "means nothing in an exception"),
    (CLAUSE.replace("block", "allow") + 'queue = "care"\n', "queue", "means nothing in an exception"),
    (CLAUSE.replace("block", "allow") + f"[clause.reason]\n{WORDS}", "reason", "means nothing in an exception"),
    (CLAUSE + 'example = "hi"\n', "example", "must be an array of tables"),
    (CLAUSE + '[[clause.example]]\nverdict = "block"\n', "example[1].text", "is missing"),
    (CLAUSE + '[[clause.example]]\ntext = "hi"\n', "example[1].verdict", "is missing"),
    (CLAUSE + '[[clause.example]]\ntext = "hi"\nverdict = "no"\n', "example[1].verdict", "unknown verdict"),
    (CLAUSE + '[[clause.example]]\ntext = "hi"\nverdict = "allow"\nlang = "es"\n', "example[1].lang", "unknown key"),
    (
        CLAUSE + '[[clause.example]]\ntext = "hi"\nverdict = "allow"\nsetting = { stage = "now" }\n',
        "example[1].setting.stage",
        "unknown stage",
    ),
    (
        CLAUSE + '[[clause.example]]\ntext = "hi"\nverdict = "allow"\nsetting = { mood = "bad" }\n',
        "example[1].setting.mood",
        "unknown key",
    ),
    (
        CLAUSE + '[[clause.example]]\ntext = "hi"\nverdict = "allow"\nsetting = { recent = [{ text = "yo" }] }\n',
        "example[1].setting.recent[1].author",
        "is missing",
    ),
]


@pytest.mark.parametrize(("clauses", "key", "problem"), CLAUSES)
def test_names_the_clause_and_the_key_that_are_wrong(clauses: str, key: str, problem: str) -> None:
    error = fault(HEAD + clauses)
    assert (error.clause, error.key) == ("" if key.startswith("clause[") else "c", key)
    assert problem in error.problem


@pytest.mark.parametrize("path", ["nowhere.toml", "policies", "a\0b"])
def test_names_the_file_that_cannot_be_read(path: str) -> None:
    with pytest.raises(PolicyError) as raised:
        load(path)
    assert str(raised.value).startswith(f"{path}: cannot be read: ")
