"""Words and patterns of an operator's own: found where they stand, heard by their own clause, and never slow."""

from __future__ import annotations

import time

import pytest

from policies.decision import Decision, Verdict
from policies.lint import lint
from policies.load import PolicyError, parse
from policies.policy import Policy
from rules.types import Finding, Setting

WORDS = 'es = "No."\nen = "No."\npt = "Não."\n'
HEAD = (
    'name = "tried"\n'
    + "".join(f"[reason.{verdict}]\n{WORDS}" for verdict in ("nudge", "mask", "hold", "block", "closed"))
    + '[failure]\nrules = "hold"\nclassifiers = "open"\n'
)
RIVALS = """
[[clause]]
id = "rivals"
category = "off_platform_payment"
keywords = ["mercadofeliz", "rival shop", "vend{o,emos} por (la otra|mi) pagina"]
patterns = ['\\bMF-\\d{6}\\b']
verdict = "hold"
"""
PAYMENT = '[[clause]]\nid = "payment"\ncategory = "off_platform_payment"\nverdict = "block"\n'


def policy(*clauses: str) -> Policy:
    return parse((HEAD + "".join(clauses)).encode(), "p.toml")


def decided(text: str, *clauses: str, setting: Setting = Setting()) -> Decision:  # noqa: B008 - frozen
    return policy(*clauses).decide([], {}, setting, text=text)


def found(text: str, *clauses: str) -> list[str]:
    return [text[one.start : one.end] for one in decided(text, *clauses).findings]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mejor por MercadoFeliz", ["MercadoFeliz"]),
        ("m3rcad0feliz", ["m3rcad0feliz"]),
        ("m e r c a d o f e l i z ya", ["m e r c a d o f e l i z"]),
        ("ven a mercad\u200bofeliz y a Rival  Shop", ["mercad\u200bofeliz", "Rival  Shop"]),
        ("vendemos por mi página, fácil", ["vendemos por mi página"]),
        ("pedido mf-123456 y ＭＦ-654321", ["mf-123456", "ＭＦ-654321"]),
        ("mercado feliz", []),
        ("MF-12345 y AMF-123456", []),
        ("rival", []),
        ("", []),
    ],
)
def test_they_are_found_where_they_stand_in_any_disguise(text: str, words: list[str]) -> None:
    assert found(text, RIVALS) == words


def test_only_their_clause_and_exceptions_hear_what_they_find() -> None:
    heard = decided("mejor por mercadofeliz", RIVALS, PAYMENT)
    assert (heard.verdict, heard.clauses) == (Verdict.HOLD, ("rivals",))
    assert [one.source for one in heard.findings] == ["policy:rivals"]
    seen = Finding(RIVALS_CATEGORY, 0.9, 0, 5, "payment:x")
    rules = policy(RIVALS, PAYMENT).decide([seen], {}, Setting(), text="bizum")
    assert rules.clauses == ("payment",)
    excused = '[[clause]]\nid = "fine"\ncategory = "off_platform_payment"\nlisting = "books"\nverdict = "allow"\n'
    assert decided("mercadofeliz", RIVALS, excused, setting=Setting(listing="books")).verdict is Verdict.ALLOW
    assert decided("mercadofeliz", RIVALS, excused, setting=Setting(listing="toys")).verdict is Verdict.HOLD


def test_a_clause_looks_only_where_it_applies_and_counts_places() -> None:
    often = RIVALS.replace('verdict = "hold"', 'verdict = "block"\ncount = 2\nlisting = "toys"')
    toys = Setting(listing="toys")
    assert decided("mercadofeliz", often, setting=toys).verdict is Verdict.ALLOW
    assert decided("mercadofeliz, rival shop", often, setting=toys).verdict is Verdict.BLOCK
    assert decided("mercadofeliz, rival shop", often).findings == ()


def test_a_mask_covers_them() -> None:
    text = "hola mercadofeliz"
    (mask,) = decided(text, RIVALS.replace("hold", "mask")).masks
    assert text[mask.start : mask.end] == "mercadofeliz"


def test_what_another_policy_has_found_is_looked_for_anew_and_taken_over_where_the_words_are_gone() -> None:
    before = decided("mercadofeliz y vendetodo", RIVALS)
    other = RIVALS.replace("mercadofeliz", "vendetodo")
    again = policy(other).decide(before.findings, {}, Setting(), text="mercadofeliz y vendetodo")
    assert [(one.start, one.end) for one in again.findings] == [(15, 24)]
    assert policy(PAYMENT).decide(before.findings, {}, Setting(), text="mercadofeliz y vendetodo").findings == ()
    erased = policy(RIVALS).decide(before.findings, {}, Setting())
    assert (erased.verdict, erased.findings) == (Verdict.HOLD, before.findings)


RIVALS_CATEGORY = next(iter(policy(RIVALS).clauses[0].categories))


@pytest.mark.parametrize(
    ("written", "key", "said"),
    [
        ("patterns = ['(?=x)']", "patterns", "is no pattern of RE2: invalid perl operator: (?="),
        ("patterns = ['(a)\\1']", "patterns", "invalid escape sequence"),
        ("patterns = ['[']", "patterns", "missing ]"),
        ("patterns = ['x*']", "patterns", "finds something in a text without a letter"),
        ("patterns = ['canción']", "patterns", "write 'cancion'"),
        ("patterns = ['((x{500}){2}){2}']", "patterns", "is no pattern of RE2"),
        ("patterns = []", "patterns", "is empty"),
        ("keywords = ['(a|b']", "keywords", "a bracket is not closed"),
        ("keywords = ['<insults> you']", "keywords", "no list named"),
        ("keywords = ['...']", "keywords", "no word that it could be found by"),
        ("keywords = [7]", "keywords", "must be a list of texts"),
        ("keywords = ['x']\nsource = 'contact'", "source", "means nothing beside keywords"),
        ("patterns = ['x']\nmin_score = 0.5", "min_score", "means nothing beside patterns"),
        ("keywords = ['x']\ncategory = ['scam', 'spam']", "category", "must be one"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_with_its_key(written: str, key: str, said: str) -> None:
    category = "" if "category" in written else 'category = "scam"\n'
    with pytest.raises(PolicyError) as raised:
        policy(f'[[clause]]\nid = "c"\nverdict = "flag"\n{category}{written}\n')
    assert (raised.value.clause, raised.value.key) == ("c", key)
    assert said in raised.value.problem


def test_too_many_are_refused() -> None:
    with pytest.raises(PolicyError, match="at most 50"):
        policy(RIVALS.replace("['\\bMF-\\d{6}\\b']", str([f"x{n}" for n in range(51)])))


@pytest.mark.parametrize("pattern", ["(a+)+$", "(x+x+)+y", "(a|aa)+c", "a[^b]*b|a", r"(\w+\s?)*!", ".*.*.*=.*"])
def test_no_pattern_takes_long_on_any_text(pattern: str) -> None:
    """Each takes minutes, or for ever, where patterns are tried by going back."""
    tried = policy(RIVALS.replace("\\bMF-\\d{6}\\b", pattern))
    began = time.process_time()
    for text in ("a" * 4_000, "x" * 4_000, "ab " * 1_300, "aaaa= " * 600):
        tried.decide([], {}, Setting(), text=text)
    assert time.process_time() - began < 1


def test_where_there_are_too_many_places_the_rest_counts_as_found() -> None:
    words = found("a " * 100, RIVALS.replace("\\bMF-\\d{6}\\b", "a"))
    assert len(words) == 20
    assert words[-1] == "a " * 81


def test_a_policy_on_top_changes_them_like_any_other_key() -> None:
    base = ("base.toml", (HEAD + RIVALS).encode())
    own = b'name = "own"\nextends = "base"\n[[clause]]\nid = "rivals"\nkeywords = ["otra"]\n'
    on_top = parse(own, "own.toml", lambda name: (base[1], base[0]) if name == "base" else None)
    assert on_top.decide([], {}, Setting(), text="otra").clauses == ("rivals",)
    assert on_top.decide([], {}, Setting(), text="mercadofeliz").clauses == ()
    assert on_top.decide([], {}, Setting(), text="MF-123456").clauses == ("rivals",)


def test_lint_does_not_take_them_for_the_whole_category() -> None:
    remarks = [str(remark) for remark in lint(policy(RIVALS.replace("hold", "mask")))]
    assert any("off_platform_payment" in remark and "no clause is about" in remark for remark in remarks)
    assert not any("cannot be masked" in remark for remark in remarks)
