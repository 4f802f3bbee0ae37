"""A policy on top of another: what it takes over, changes, leaves out, and each fault of it."""

from pathlib import Path

import pytest

from policies.decision import Verdict
from policies.inheritance import DEEPEST
from policies.load import Find, PolicyError, from_sources, load, parse
from policies.policy import Policy
from rules.types import Category, Finding, Setting

WORDS = 'es = "No."\nen = "No."\npt = "Não."\n'
HEAD = (
    'name = "base"\ntime_zone = "Europe/Madrid"\n'
    + "".join(f"[reason.{verdict}]\n{WORDS}" for verdict in ("nudge", "mask", "hold", "block", "closed"))
    + '[failure]\nrules = "hold"\nclassifiers = "open"\n'
)
BASE = HEAD + (
    f'[[clause]]\nid = "phone"\ncategory = "contact"\nstage = "enquiry"\nverdict = "block"\n[clause.reason]\n{WORDS}'
    '[[clause.example]]\ntext = "call 612 345 678"\nverdict = "block"\n'
    '[[clause]]\nid = "words"\ncategory = "profanity"\nverdict = "mask"\n'
)
SHOP = 'name = "shop"\nextends = "base"\n'


def among(**files: str) -> Find:
    return lambda name: (files[name].encode(), f"{name}.toml") if name in files else None


def shop(more: str = "", base: str = BASE) -> Policy:
    return parse((SHOP + more).encode(), "shop.toml", among(base=base))


def fault(own: str, **files: str) -> PolicyError:
    with pytest.raises(PolicyError) as raised:
        parse(own.encode(), "shop.toml", among(**{"base": BASE, **files}))
    return raised.value


def found(category: str) -> Finding:
    return Finding(Category(category), 0.9, 0, 3, "rule:entry")


def test_takes_over_everything_that_it_does_not_say() -> None:
    policy = shop()
    assert policy.name == "shop"
    assert policy.time_zone == "Europe/Madrid"
    assert [(clause.id, clause.origin, clause.changed_by) for clause in policy.clauses] == [
        ("phone", "base", ()),
        ("words", "base", ()),
    ]
    assert policy.decide([found("contact")], {}, Setting()).verdict is Verdict.BLOCK


def test_changes_a_clause_key_by_key_in_its_place() -> None:
    phone = shop('[[clause]]\nid = "phone"\nverdict = "hold"\n').clauses[0]
    assert (phone.id, phone.verdict, phone.origin, phone.changed_by) == ("phone", Verdict.HOLD, "base", ("shop",))
    assert phone.stage is not None, "what is not said stays"
    assert phone.examples == (), "the examples of the base showed what the clause was for"


def test_leaves_clauses_out_and_adds_its_own() -> None:
    policy = shop('off = ["words"]\n[[clause]]\nid = "cheats"\ncategory = "scam"\nverdict = "block"\n')
    assert [(clause.id, clause.origin) for clause in policy.clauses] == [("phone", "base"), ("cheats", "shop")]
    assert policy.off == (("words", "shop"),)


def test_takes_words_and_failures_over_one_by_one() -> None:
    policy = shop('[reason.block]\nes = "Así no."\nen = "Not so."\npt = "Assim não."\n[failure]\nrules = "closed"\n')
    assert policy.defaults[Verdict.BLOCK].texts["en"] == "Not so."
    assert policy.defaults[Verdict.HOLD].texts["en"] == "No."
    assert policy.failures["rules"]["late"] == "closed"  # type: ignore[index]
    assert policy.failures["classifiers"]["late"] == "open"  # type: ignore[index]


def test_three_policies_one_on_top_of_the_other() -> None:
    ride = 'name = "rides"\nextends = "shop"\noff = ["phone"]\n[[clause]]\nid = "words"\nverdict = "hold"\n'
    middle = SHOP + '[[clause]]\nid = "words"\nmin_score = 0.5\n'
    policy = parse(ride.encode(), "rides.toml", among(shop=middle, base=BASE))
    (words,) = policy.clauses
    assert (words.verdict, words.min_score, words.changed_by) == (Verdict.HOLD, 0.5, ("shop", "rides"))
    assert [name for name, _ in policy.sources] == ["base", "shop", "rides"]


def test_the_version_changes_with_the_base() -> None:
    assert shop().version == shop().version
    assert shop().version != shop(base=BASE + "# a remark\n").version
    assert shop().version != shop("# a remark\n").version


@pytest.mark.parametrize("name", ["marketplace", "strict"])
def test_a_policy_can_be_made_again_of_its_sources(name: str) -> None:
    policy = parse(f'name = "mine"\nextends = "{name}"\noff = ["link"]\n'.encode(), "mine.toml")
    again = from_sources(policy.sources)
    assert again.id == policy.id
    assert again.clauses == policy.clauses


def test_files_extend_those_beside_them_and_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "house.toml").write_text('name = "house"\nextends = "strict"\noff = ["spam"]\n')
    (tmp_path / "rides.toml").write_text('name = "rides"\nextends = "house"\noff = ["link"]\n')
    policy = load(tmp_path / "rides.toml")
    assert policy.off == (("spam", "house"), ("link", "rides"))
    assert policy.clause("threat") is not None


FAULTS = [
    ('name = "shop"\nextends = "bsae"\n', "", "extends", "there is no policy 'bsae'"),
    ('name = "shop"\nextends = "stric"\n', "", "extends", "did you mean 'strict'?"),
    ('name = "shop"\nextends = "No Name"\n', "", "extends", "must be small letters"),
    ('name = "shop"\nextends = 1\n', "", "extends", "must be a text, not 1"),
    (SHOP + "off = 1\n", "", "off", "must be a list of texts, not 1"),
    (SHOP + 'off = "words"\n', "", "off", "must be a list of texts, not 'words'"),
    (SHOP + 'off = ["wrds"]\n', "", "off", "base has no clause 'wrds'; did you mean 'words'?"),
    (SHOP + 'off = ["words", "words"]\n', "", "off", "names a clause twice"),
    (SHOP + 'off = ["words", "phone"]\n', "", "clause", "there is no clause"),
    (SHOP + 'off = ["words"]\n[[clause]]\nid = "words"\nverdict = "hold"\n', "words", "id", "is off, and changed"),
    (BASE.replace('"base"', '"shop"', 1).replace("[reason", 'off = ["x"]\n[reason', 1), "", "off", "without extends"),
    (SHOP + '[[clause]]\nid = "wrds"\nverdict = "hold"\n', "wrds", "category", "is missing"),
    (SHOP + '[[clause]]\nverdict = "hold"\n', "", "clause[1].id", "is missing"),
    (SHOP + '[[clause]]\nid = "words"\n[[clause]]\nid = "words"\n', "words", "id", "an earlier clause has the same id"),
    (SHOP + '[[clause]]\nid = "words"\nverdct = "hold"\n', "words", "verdct", "did you mean 'verdict'?"),
    (SHOP + '[[clause]]\nid = "phone"\nverdict = "allow"\n', "phone", "reason", "(taken over from base)"),
    (SHOP + "clause = 1\n", "", "clause", "must be an array of tables"),
    (SHOP + "reason = 1\n", "", "reason", "must be a table"),
    (SHOP + '[reason.block]\nes = "Así no."\n', "", "reason.block.en", "is missing"),
    (SHOP + '[failure]\nrules = "shrug"\n', "", "failure.rules", "unknown behaviour"),
]


@pytest.mark.parametrize(("own", "clause", "key", "problem"), FAULTS)
def test_names_the_clause_and_key_that_is_wrong(own: str, clause: str, key: str, problem: str) -> None:
    with pytest.raises(PolicyError) as raised:
        parse(own.encode(), "shop.toml", lambda name: (BASE.encode(), "base.toml") if name == "base" else None)
    error = raised.value
    if problem.startswith("did you mean 'strict'"):
        assert problem in error.problem
        return
    assert (error.path, error.clause, error.key) == ("shop.toml", clause, key)
    assert problem in error.problem


def test_a_fault_of_the_base_is_told_with_its_file() -> None:
    error = fault(SHOP, base=BASE.replace('"mask"', '"msk"'))
    assert (error.path, error.clause, error.key) == ("base.toml", "words", "verdict")


def test_policies_that_extend_each_other_are_told_as_a_circle() -> None:
    error = fault('name = "shop"\nextends = "a"\n', a='name = "a"\nextends = "b"\n', b='name = "b"\nextends = "a"\n')
    assert error.key == "extends"
    assert "goes round in a circle: a -> b -> a" in error.problem


def test_a_policy_that_extends_itself_is_a_circle() -> None:
    error = fault('name = "shop"\nextends = "shop"\n', shop='name = "shop"\nextends = "shop"\n')
    assert "circle" in error.problem


def test_too_many_policies_on_top_of_each_other_are_refused() -> None:
    tower = {f"p{n}": f'name = "p{n}"\nextends = "p{n + 1}"\n' for n in range(DEEPEST)}
    error = fault('name = "shop"\nextends = "p0"\n', **tower, **{f"p{DEEPEST}": BASE})
    assert error.problem == f"is too deep: at most {DEEPEST} policies one on top of the other"
