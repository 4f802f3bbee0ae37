"""What counts as the platform's own number, address and domain, and what only looks like it."""

import re

import pytest

from policies.load import PolicyError, parse
from policies.mentions import Mentions
from rules.catalogue import check
from rules.types import Category, Finding, Setting

OWN = Mentions(
    terms=("900 123 456", "+34 911 222 333", "Bar Manolo"),
    handles=("@tienda_oficial", "ayuda@example.com", "*@staff.example.com"),
    links=("example.com",),
)


def covers(text: str, what: str, category: Category = Category.CONTACT) -> bool:
    match = re.search(re.escape(what), text)
    assert match is not None
    return OWN.cover(text, Finding(category, 0.9, *match.span(), "contact:x"))


LISTED = [
    ("llama al 900 123 456", "900 123 456"),
    ("llama al 900-123.456 ya", "900-123.456"),
    ("llama al 900123456.", "900123456"),
    ("+34911222333", "+34911222333"),
    ("nos vemos en el bar  manolo", "manolo"),
    ("somos @Tienda_Oficial, hola", "@Tienda_Oficial"),
    ("write to AYUDA@example.com.", "AYUDA@example.com"),
    ("write to ann@staff.example.com", "ann@staff.example.com"),
    ("https://example.com/help?a=1 ok", "https://example.com/help?a=1"),
    ("www.example.com", "www.example.com"),
    ("see example.com.", "example.com"),
    ("https://pay.example.com:8443/x", "https://pay.example.com:8443/x"),
]


@pytest.mark.parametrize(("text", "what"), LISTED)
def test_covers_what_is_listed(text: str, what: str) -> None:
    assert covers(text, what)


UNLISTED = [
    ("llama al 900 123 457", "900 123 457"),
    ("llama al 1900 123 456", "1900 123 456"),
    ("900 123 4567", "900 123 4567"),
    ("911 222 333", "911 222 333"),
    ("900 123 456 / 612 345 678", "900 123 456 / 612 345 678"),
    ("@tienda_oficial2", "@tienda_oficial2"),
    ("@tienda_oficial.shop", "@tienda_oficial.shop"),
    ("no-ayuda@example.com", "no-ayuda@example.com"),
    ("ayuda@example.com.evil.net", "ayuda@example.com.evil.net"),
    ("ann@example.com", "ann@example.com"),
    ("https://example.com.evil.net/x", "https://example.com.evil.net/x"),
    ("https://evilexample.com", "https://evilexample.com"),
    ("https://example.com@evil.net/x", "https://example.com@evil.net/x"),
    ("https://example.com:x@evil.net", "https://example.com:x@evil.net"),
    ("https://example.com:80@evil.net", "https://example.com:80@evil.net"),
    ("https://ex\u0430mple.com", "https://ex\u0430mple.com"),
    ("https://evil.net/example.com", "https://evil.net/example.com"),
    ("https://evil.net/example.com", "example.com"),
    ("https://example.com/612345678", "612345678"),
]


@pytest.mark.parametrize(("text", "what"), UNLISTED)
def test_does_not_cover_what_only_looks_like_it(text: str, what: str) -> None:
    assert not covers(text, what)
    assert not covers(text, what, Category.LINK)


def test_what_is_found_in_the_whole_message_is_about_nothing_by_name() -> None:
    assert not OWN.cover("900 123 456", Finding(Category.SPAM, 0.9, 0, 0, "spam:x"))


WORDS = 'es = "No."\nen = "No."\npt = "Não."\n'
POLICY = (
    'name = "tried"\n'
    + "".join(f"[reason.{verdict}]\n{WORDS}" for verdict in ("nudge", "mask", "hold", "block", "closed"))
    + '[failure]\nrules = "hold"\nclassifiers = "open"\n'
    '[[clause]]\nid = "contact"\ncategory = ["contact", "link"]\nverdict = "block"\n'
    '[[clause]]\nid = "ours"\ncategory = ["contact", "link"]\nverdict = "allow"\n'
    'about = { terms = ["900 123 456"], links = ["example.com"] }\n'
)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("llámanos al 900 123 456", "allow"),
        ("mira https://www.example.com/ayuda", "allow"),
        ("llámanos al 900 123 456, o a mí al 612 345 678", "block"),
        ("mira https://www.example.com/ayuda y https://evil.example.net", "block"),
    ],
)
def test_an_exception_about_names_excuses_them_alone(text: str, verdict: str) -> None:
    policy = parse(POLICY.encode(), "p.toml")
    findings = check(text, Setting())
    assert findings
    assert policy.decide(findings, {}, Setting(), text=text).verdict == verdict
    assert policy.decide(findings, {}, Setting()).verdict == "block", "without its text nobody can tell"


FAULTS = [
    ("about = {}", "about.terms", "is missing: name terms, handles or links"),
    ("about = 1", "about", "must be a table"),
    ('about = { terms = "x" }', "about.terms", "must be a list of texts"),
    ("about = { terms = [] }", "about.terms", "is empty"),
    ('about = { terms = [" "] }', "about.terms", "is no word or number"),
    ('about = { handles = ["tienda"] }', "about.handles", "is no handle"),
    ('about = { links = ["https://example.com"] }', "about.links", "is no domain"),
    ('about = { links = ["com"] }', "about.links", "is no domain"),
    ('about = { words = ["x"] }', "about.words", "unknown key"),
    (f"about = {{ terms = {['x'] * 501} }}", "about.terms", "is too long"),
]


@pytest.mark.parametrize(("line", "key", "problem"), FAULTS)
def test_each_fault_of_a_list_is_told(line: str, key: str, problem: str) -> None:
    content = POLICY.replace('about = { terms = ["900 123 456"], links = ["example.com"] }', line)
    with pytest.raises(PolicyError) as raised:
        parse(content.encode(), "p.toml")
    assert (raised.value.clause, raised.value.key) == ("ours", key)
    assert problem in raised.value.problem
