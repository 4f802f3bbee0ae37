"""An error's clause and key lead to the line where they are written."""

import pytest

from policies.load import PolicyError, parse
from policies.position import Position, position

WORDS = 'es = "No."\nen = "No."\npt = "Não."\n'
SOURCE = (
    'name = "tried"\n'
    + "".join(f"[reason.{verdict}]\n{WORDS}" for verdict in ("nudge", "mask", "hold", "block", "closed"))
    + '[failure]\nrules = "hold"\nclassifiers = "open"\n'
    '\n[[clause]]\nid = "first"\ncategory = "contact"\nverdict = "block"\n'
    '\n[[clause]]\nid = "second"\ncategory = "scam"\nverdict = "hold"\nstage = "ordered"\n'
    f"  [clause.reason]\n{WORDS}"
    '[[clause.example]]\ntext = "one"\nverdict = "allow"\n'
    '[[clause.example]]\ntext = "two"\nverdict = "hold"\nsetting = { stage = "ordered" }\n'
)

FAULTS = [
    ('name = "tried"', 'name = "Tried"', 'name = "Tried"'),
    ('rules = "hold"', 'rules = "shrug"', 'rules = "shrug"'),
    ('stage = "ordered"\n  ', 'stage = "order"\n  ', 'stage = "order"'),
    ('category = "scam"', "category = 7", "category = 7"),
    ('id = "second"', 'id = "first"', 'id = "first"'),
    ('id = "second"', 'id = "The Second"', 'id = "The Second"'),
    ('text = "two"\nverdict = "hold"', 'text = "two"\nverdict = "no"', 'verdict = "no"'),
    ('setting = { stage = "ordered" }', 'setting = { stage = "order" }', 'setting = { stage = "order" }'),
    ('verdict = "hold"\nstage', 'verdct = "hold"\nstage', "[[clause]]"),
    ('pt = "Não."\n[[clause.example]]', "pt = 1\n[[clause.example]]", "pt = 1"),
    ('verdict = "block"\n', 'verdict = "block\n', 'verdict = "block'),
]


@pytest.mark.parametrize(("right", "wrong", "line"), FAULTS)
def test_leads_to_the_faulty_line(right: str, wrong: str, line: str) -> None:
    source = SOURCE.replace(right, wrong, 1)
    assert source != SOURCE
    with pytest.raises(PolicyError) as raised:
        parse(source.encode(), "p.toml")
    found = position(source, raised.value.clause, raised.value.key, raised.value.problem)
    assert source.splitlines()[found.line - 1].strip() == line.strip()


def test_what_is_nowhere_leads_to_the_first_line() -> None:
    assert position("", "c", "stage") == Position(1, 1)
    assert position('name = "x"', "", "failure") == Position(1, 1)
