"""An example of a policy comes out as its author says, and by the clause that it stands under."""

from collections.abc import Sequence

import pytest

from moderation.engine import Engine
from policies.load import SHIPPED, parse
from rules.text import Folded
from rules.types import Category, Finding, Setting, Stage
from server.rehearsal import rehearse

HEAD = (SHIPPED / "marketplace.toml").read_text().partition("[[clause]]")[0]
CLAUSES = """
[[clause]]
id = "first"
category = "insult"
verdict = "hold"
stage = "{stage}"
[[clause.example]]
text = "{text}"
verdict = "{verdict}"
setting = {{ stage = "dispute" }}
[[clause]]
id = "second"
category = "insult"
verdict = "hold"
"""


class Rude:
    name = "rude"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        return [Finding(Category.INSULT, 0.9, 0, 4, "rude")] if text.plain.startswith("rude") else []


@pytest.mark.parametrize(
    ("stage", "text", "verdict", "problem"),
    [
        (Stage.DISPUTE, "rude", "hold", ""),
        (Stage.ORDERED, "rude", "hold", "the clause did not speak (spoke: second)"),
        (Stage.DISPUTE, "nice", "hold", "the verdict is allow, not hold"),
        (Stage.DISPUTE, "nice", "allow", ""),
        (Stage.DISPUTE, "rude", "allow", "the verdict is hold, not allow"),
    ],
)
def test_the_verdict_and_the_clause_must_be_right(stage: Stage, text: str, verdict: str, problem: str) -> None:
    content = HEAD + CLAUSES.format(stage=stage, text=text, verdict=verdict)
    (played,) = rehearse(parse(content.encode(), "p.toml"), Engine([Rude()]))
    assert (played.clause, played.problem) == ("first", problem)
