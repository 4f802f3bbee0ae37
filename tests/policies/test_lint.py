"""What lint says about policies that load and yet are likely not meant."""

import pytest

from policies.lint import lint
from policies.load import load, parse, shipped
from rules.types import Category

WORDS = 'es = "es"\nen = "en"\npt = "pt"\n'
HEAD = (
    'name = "tried"\n'
    + "".join(f"[reason.{verdict}]\n{WORDS}" for verdict in ("nudge", "mask", "hold", "block", "closed"))
    + '[failure]\nrules = "hold"\nclassifiers = "open"\n[deep]\ndeadline_ms = 100\n'
)
ALL = ", ".join(f'"{category}"' for category in Category)
REST = f'category = [{ALL}]\nverdict = "flag"'


def remarks(*clauses: str) -> list[str]:
    body = "".join(f'[[clause]]\nid = "c{i}"\n{clause}\n' for i, clause in enumerate(clauses, 1))
    return [str(remark) for remark in lint(parse((HEAD + body).encode(), "p.toml"))]


@pytest.mark.parametrize("name", shipped())
def test_the_shipped_policies_deserve_no_remark(name: str) -> None:
    assert lint(load(name)) == []


@pytest.mark.parametrize("name", shipped())
def test_most_clauses_of_the_shipped_policies_show_what_they_are_for(name: str) -> None:
    about_findings = [clause for clause in load(name).clauses if clause.categories]
    assert sum(bool(clause.examples) for clause in about_findings) >= 0.75 * len(about_findings)


def test_a_category_of_which_nobody_speaks_is_named() -> None:
    others = [category for category in Category if category not in ("scam", "spam", "emoji", "toxicity")]
    clause = f'category = {[str(one) for one in others]}\nverdict = "flag"'
    assert remarks(clause) == ["no clause is about scam, spam: such findings change nothing"]


PROFANITY = 'category = "profanity"\nverdict = "mask"'


@pytest.mark.parametrize(
    ("clauses", "remark"),
    [
        ((REST, REST), "clause 'c2': has the same conditions as 'c1'"),
        (
            (REST, 'category = "spam"\nverdict = "mask"'),
            "clause 'c2': cannot mask spam: it is found in the whole message",
        ),
        (
            (REST + '\nlisting = "toys"', REST + "\nscores = { hate = 0.1 }\nhold_for_deep = true"),
            None,
        ),
        (
            (REST.replace("flag", "hold") + "\nhold_for_deep = true",),
            "clause 'c1': hold_for_deep changes nothing: hold keeps the message back already",
        ),
        (
            (REST, PROFANITY + f'\n[clause.reason]\naction = "wait"\n{WORDS}'),
            "clause 'c2': the action wait does not fit the verdict mask",
        ),
        (
            (REST, 'category = "spam"\nverdict = "nudge"\n' + f'[clause.reason]\naction = "appeal"\n{WORDS}'),
            "clause 'c2': the action appeal does not fit the verdict nudge",
        ),
        ((REST, PROFANITY), None),
        (
            (REST.replace('"profanity", ', ""), PROFANITY),
            "clause 'c2': profanity found in a message as a whole cannot be masked, and no clause hears it: "
            "add one that flags or holds profanity, or its score",
        ),
        ((REST.replace('"profanity", ', ""), PROFANITY, 'scores = { profanity = 0.9 }\nverdict = "flag"'), None),
        ((REST, 'category = "link"\nsender = "agent"\nverdict = "allow"'), None),
        (
            (REST.replace('"link", ', ""), 'category = "link"\nsender = "agent"\nverdict = "allow"'),
            "clause 'c2': excuses link, of which no other clause speaks",
        ),
    ],
)
def test_what_is_likely_not_meant_is_said(clauses: tuple[str, ...], remark: str | None) -> None:
    said = remarks(*clauses)
    assert said == [] if remark is None else any(one.startswith(remark) for one in said)
