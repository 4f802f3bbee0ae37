"""What is counted on labelled lines, by hand-made lines and detectors that find just what they are told to."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest

from moderation.engine import Engine, default_engine
from policies.load import load
from rules.text import Folded
from rules.types import Category, Finding, Setting
from server.evaluation import Labelled, Report, evaluate, labelled, part
from server.line import BrokenLine
from server.report import shown

POLICY = load("marketplace")


class Marked:
    """Finds what a text marks itself: ``[insult:word]``, or ``[spam:]`` for the whole message."""

    name = "marked"

    def __init__(self, *only: str) -> None:
        self.only = only

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        found = []
        rest, at = text.original, 0
        while (opened := rest.find("[", at)) >= 0:
            closed = rest.index("]", opened)
            category, _, word = rest[opened + 1 : closed].partition(":")
            start, end = (closed - len(word), closed) if word else (0, 0)
            if not self.only or category in self.only:
                found.append(Finding(Category(category), 0.9, start, end, "marked"))
            at = closed
        return found


class Smile:
    def label(self, text: Folded) -> tuple[str, float]:
        said = text.original
        return ("positive" if ":)" in said else "negative" if ":(" in said else "neutral"), 0.9


def line(text: str, expect: Iterable[str] | None = (), **more: Any) -> Labelled:
    return msgspec.convert({"text": text, "expect": None if expect is None else [*expect], **more}, Labelled)


def report(*lines: Labelled) -> Report:
    return evaluate(lines, Engine([Marked()], sentiment=Smile()), POLICY)


COUNTS = [
    (line("[insult:x]", ["insult"]), (1, 1, 0, 0)),
    (line("[insult:x] [spam:]", ["insult"]), (1, 1, 0, 0)),
    (line("x", ["insult"]), (1, 0, 0, 0)),
    (line("[spam:]", ["insult"]), (1, 0, 0, 0)),
    (line("[insult:x]", ["insult", "profanity"]), (1, 0, 0, 0)),
    (line("[insult:x] [profanity:y]", ["insult", "profanity"]), (1, 1, 0, 0)),
    (line("x"), (0, 0, 1, 0)),
    (line("[insult:x] [spam:]"), (0, 0, 1, 1)),
    (line("[link:x] [emoji:y]"), (0, 0, 1, 0)),
    (line("[link:x] [contact:y]"), (0, 0, 1, 1)),
]


@pytest.mark.parametrize(("counted", "counts"), COUNTS)
def test_a_line_is_found_missed_left_alone_or_a_false_alarm(
    counted: Labelled, counts: tuple[int, int, int, int]
) -> None:
    total = report(counted).total
    assert (total.harmful, total.found, total.harmless, total.alarms) == counts


def test_the_rates_are_of_their_counts() -> None:
    total = report(*(counted for counted, _ in COUNTS)).total
    assert (total.harmful, total.found, total.harmless, total.alarms) == (6, 3, 4, 2)
    assert (total.recall, total.precision, total.f1, total.false_alarm_rate) == (1 / 2, 3 / 5, 6 / 11, 1 / 2)


def test_nothing_to_divide_by_is_nothing() -> None:
    total = report().total
    assert (total.recall, total.precision, total.f1, total.false_alarm_rate) == (None, None, None, None)


def test_each_category_is_counted_for_itself() -> None:
    rows = {
        row.group: row
        for row in report(
            line("[insult:x]", ["insult", "profanity"]), line("[profanity:x]"), line("[spam:]", ["insult"]), line("x")
        ).by_category
    }
    assert set(rows) == {"insult", "profanity"}
    assert (rows["insult"].harmful, rows["insult"].found, rows["insult"].alarms) == (2, 1, 0)
    assert (rows["profanity"].harmful, rows["profanity"].found, rows["profanity"].alarms) == (1, 0, 1)
    assert rows["profanity"].false_alarm_rate == 1 / 2


def test_lines_are_grouped_by_suite_language_and_kind() -> None:
    counted = report(
        line("[spam:]", ["spam"], suite="conduct", lang="es", kind="seo"),
        line("[spam:]", suite="conduct_benign", lang="pt", kind="thanks"),
        line("x", suite="emoji"),
    )
    assert [(row.group, row.harmful, row.harmless) for row in counted.by_suite] == [("conduct", 1, 1), ("emoji", 0, 1)]
    assert [row.group for row in counted.by_language] == ["-", "es", "pt"]
    assert [row.group for row in counted.by_kind] == ["conduct seo", "conduct_benign thanks", "emoji"]
    assert [row.group for row in counted.by_suite_and_language] == ["conduct es", "conduct pt", "emoji -"]


@pytest.mark.parametrize(
    ("text", "spans", "lines", "covered", "exact"),
    [
        ("[insult:abcd]", ["abcd"], 1, 1.0, 1.0),
        ("[insult:ab]cd", ["cd"], 1, 0.0, 0.0),
        ("[insult:abcd]", ["ab"], 1, 1.0, 0.5),
        ("[insult:ab] ab", ["ab"], 1, 0.5, 1.0),
        ("[insult:] ab", ["ab"], 1, 0.0, None),
        ("[insult:ab] [profanity:cd]", ["ab", "cd"], 1, 0.5, 1.0),
        ("[insult:ab]", [], 0, None, None),
        ("[insult:ab]", ["elsewhere"], 0, None, None),
        ("[insult:ab]", [""], 0, None, None),
        ("ab", ["ab"], 0, None, None),
    ],
)
def test_spans_overlap_in_characters(
    text: str, spans: list[str], lines: int, covered: float | None, exact: float | None
) -> None:
    overlap = report(line(text, ["insult"], spans=spans)).overlap
    assert (overlap.lines, overlap.covered, overlap.exact) == (lines, covered, exact)


def test_overlap_is_what_both_have_over_what_either_has() -> None:
    counted = report(
        line("[insult:abcd]", ["insult"], spans=["abcd"], suite="conduct", lang="es"),
        line("[insult:ab]cd", ["insult"], spans=["cd"], suite="conduct", lang="es"),
        line("[insult:abcd]", ["insult"], spans=["ab"], suite="conduct", lang="pt"),
        line("[insult:ab] [spam:cd]", ["insult", "spam"], spans=["ab", "cd"], suite="emoji", lang="pt"),
        line("[insult:ab] [insult:elsewhere]", ["insult"], spans=["ab"], suite="emoji", lang="pt"),
        line("[insult:ab]", ["insult"], suite="contact", lang="pt"),
    )
    assert counted.overlap.jaccard == (1 + 0 + 0.5 + 1 + 1) / 5
    assert {each.group: each.jaccard for each in counted.overlap_by_suite_and_language} == {
        "conduct es": 0.5, "conduct pt": 0.5, "emoji pt": 1.0,
    }  # fmt: skip
    assert {each.group: each.jaccard for each in counted.overlap_by_category_and_language} == {
        "insult es": 0.5, "insult pt": (0.5 + 1 + 1) / 3, "spam pt": 1.0,
    }  # fmt: skip


def test_the_last_of_several_messages_is_judged() -> None:
    several = msgspec.convert(
        {"messages": [{"from": "a", "text": "[spam:]"}, {"from": "b", "text": "fine"}], "expect": []}, Labelled
    )
    assert report(several).total.alarms == 0


def test_sentiment_is_the_mean_recall_of_its_labels() -> None:
    (feeling,) = report(
        line(":)", None, lang="es", expect_sentiment="positive"),
        line("meh", None, lang="es", expect_sentiment="positive"),
        line(":(", None, lang="es", expect_sentiment="negative"),
    ).sentiment
    assert (feeling.lang, feeling.lines, feeling.macro_recall) == ("es", 3, 0.75)
    assert feeling.recall == {"positive": 0.5, "negative": 1.0}


def test_a_line_without_a_label_is_left_out() -> None:
    counted = report(line("[spam:]", None), line("x"))
    assert (counted.lines, counted.unlabelled) == (1, 1)


def test_verdicts_are_counted_for_harmful_and_harmless_lines() -> None:
    verdicts = report(line("[spam:]", ["spam"]), line("x", ["spam"]), line("x"), line("[scam:x]")).verdicts
    assert (verdicts["harmful"]["hold"], verdicts["harmful"]["allow"]) == (1, 1)
    assert (verdicts["harmless"]["hold"], verdicts["harmless"]["allow"]) == (1, 1)


def test_confusions_tell_what_was_taken_for_what() -> None:
    counted = report(
        line("[spam:]", ["insult"]), line("[spam:]", ["insult", "spam"]), line("x", ["insult"]), line("[spam:]"),
        line("[spam:] [link:x]", ["insult"]),
    )  # fmt: skip
    assert [(each.expected, each.found, each.lines) for each in counted.confusions] == [
        ("insult", "nothing", 2), ("insult", "spam", 2), ("nothing", "spam", 1),
    ]  # fmt: skip


def test_categories_are_counted_in_each_language() -> None:
    counted = report(line("[spam:]", ["spam"], lang="es"), line("x", ["spam"], lang="pt"), line("[spam:]", lang="pt"))
    rows = {row.group: (row.harmful, row.found, row.harmless, row.alarms) for row in counted.by_category_and_language}
    assert rows == {"spam es": (1, 1, 0, 0), "spam pt": (1, 0, 1, 1)}


def test_two_policies_are_compared_on_the_same_findings() -> None:
    lines = [line("[profanity:x]", ["profanity"]), line("[contact:x]", stage="ordered"), line("x")]
    comparison = evaluate(lines, Engine([Marked()]), POLICY, load("strict")).comparison
    assert comparison is not None
    assert comparison.moved == {"mask -> block": 1, "allow -> flag": 1}
    assert (comparison.stopped_harmful, comparison.stopped_harmless) == ((1, 1), (0, 0))
    assert (comparison.found, comparison.alarms, comparison.changes) == ((1, 1), (1, 1), [])


def test_two_engines_are_compared_and_the_lines_named_that_make_the_difference() -> None:
    lines = [
        line("[insult:x]", ["insult"], id="both"),
        line("[insult:x] [spam:y]", ["insult", "spam"], id="lost"),
        line("[spam:y]", id="won"),
        line("x", ["spam"], id="neither"),
    ]
    whole, insults = Engine([Marked()]), Engine([Marked("insult")])
    comparison = evaluate(lines, whole, POLICY, rival=("insults alone", insults)).comparison
    assert comparison is not None
    assert (comparison.found, comparison.alarms) == ((2, 1), (1, 0))
    assert [(each.id, each.lost) for each in comparison.changes] == [("lost", False), ("won", True)]
    assert comparison.moved == {"hold -> nudge": 1, "hold -> allow": 1}
    text = shown(evaluate(lines, whole, POLICY, rival=("insults alone", insults)), errors=False)
    assert "only insults alone is right, 1 in all; what each found\n  won spam / nothing" in text


def test_a_part_of_an_engine_can_stand_alone() -> None:
    engine = default_engine()
    rules, classifiers = part(engine, "rules"), part(engine, "classifiers")
    assert (rules.rules, rules.classifiers, rules.sentiment) == (engine.rules, (), None)
    assert (classifiers.rules, classifiers.classifiers) == ((), engine.classifiers)
    assert classifiers.judge("hola", Setting(), POLICY).sentiment is not None


def test_faults_say_what_is_wrong() -> None:
    faults = report(
        line("[spam:]", ["insult", "scam"], id="a"), line("[spam:]", id="b"), line("x", id="c"),
        line(":(", None, id="d", expect_sentiment="positive"),
    ).faults  # fmt: skip
    assert [(fault.id, fault.problem) for fault in faults] == [
        ("a", "missed insult, scam; found spam"),
        ("b", "false alarm: spam by marked"),
        ("d", "feels negative, not positive"),
    ]


def test_broken_lines_are_handed_over_and_left_out() -> None:
    broken: list[BrokenLine] = []
    raws = [b'{"text": "x", "expect": []}', b"nonsense", b'{"text": "x", "expect": ["fun"]}', b'{"text": "y"}']
    assert [one.text for one in labelled(raws, broken.append)] == ["x", "y"]
    assert [(one.number, one.code) for one in broken] == [(2, "bad_json"), (3, "bad_request")]


def test_the_report_is_shown_in_aligned_tables() -> None:
    text = shown(report(*(counted for counted, _ in COUNTS)), errors=False)
    table = next(block for block in text.split("\n\n") if block.startswith("by suite "))
    head, *rows = table.splitlines()
    assert {len(row) for row in rows} == {len(head)}
    assert rows[-1].split() == ["all", "6", "3", "0.500", "4", "2", "0.500", "0.600", "0.545"]
