"""The engine runs every rule and classifier, and no failure of one of them takes a message down."""

import logging
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from moderation.classifiers.embedded import Embedded
from moderation.classifiers.heads import HARMS
from moderation.classifiers.table import WEIGHTS
from moderation.engine import Engine, default_engine
from policies.decision import Decision, Verdict
from policies.load import load, parse
from rules.catalogue import RULES
from rules.text import Folded, fold
from rules.types import Category, Finding, Setting, Utterance

WORDS = 'es = "es"\nen = "en"\npt = "pt"\n'
POLICY = parse(
    (
        'name = "tried"\n'
        + "".join(f"[reason.{verdict}]\n{WORDS}" for verdict in ("nudge", "mask", "hold", "block", "closed"))
        + '[failure]\nrules = "hold"\nclassifiers = "open"\nstrict = "closed"\n'
        + '[[clause]]\nid = "profanity"\ncategory = "profanity"\nverdict = "mask"\n'
        + '[[clause]]\nid = "repeated"\ncategory = "spam"\nverdict = "hold"\n'
        + '[[clause]]\nid = "toxic"\nscores = { toxicity = 0.9 }\nverdict = "flag"\n'
    ).encode(),
    "p.toml",
)


class Word:
    """Finds a word, at its place in the original text."""

    name = "word"

    def __init__(self, word: str, score: float = 0.9) -> None:
        self.word, self.score = word, score

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        at = text.plain.find(self.word)
        if at < 0:
            return ()
        start, end = text.span(at, at + len(self.word))
        return [Finding(Category.PROFANITY, self.score, start, end, f"word:{self.word}")]


class Repeated:
    """Finds what was said before."""

    name = "repeated"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        if any(earlier.text == text.original for earlier in setting.recent):
            return [Finding(Category.SPAM, 1.0, 0, 0, "repeated")]
        return ()


class Broken:
    name = "broken"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        raise KeyError(text.original)


class Scores:
    """A classifier that gives the same scores to every text."""

    def __init__(self, scores: Mapping[str, float], thresholds: Mapping[str, float], name: str = "fixed") -> None:
        self.name, self.thresholds, self._scores = name, thresholds, scores

    def scores(self, text: Folded) -> Mapping[str, float]:
        return self._scores


class BrokenClassifier:
    def __init__(self, name: str = "fixed") -> None:
        self.name = name
        self.thresholds: Mapping[str, float] = {}

    def scores(self, text: Folded) -> Mapping[str, float]:
        raise RuntimeError(text.original)

    def label(self, text: Folded) -> tuple[str, float]:
        raise RuntimeError(text.original)


class Mood:
    def __init__(self, label: str, score: float) -> None:
        self._answer = (label, score)

    def label(self, text: Folded) -> tuple[str, float]:
        return self._answer


def test_findings_of_all_rules_come_in_order_of_their_place() -> None:
    judged = Engine([Word("late"), Word("bad")]).judge("bad and late", Setting(), POLICY)
    assert [(f.start, f.end) for f in judged.decision.findings] == [(0, 3), (8, 12)]
    assert judged.decision.verdict is Verdict.MASK


def test_findings_index_the_original_text() -> None:
    text = "so \u200bＢＡＤ!"
    (finding,) = Engine([Word("bad")]).judge(text, Setting(), POLICY).decision.findings
    assert text[finding.start : finding.end].strip("\u200b") == "ＢＡＤ"


def test_a_rule_sees_the_setting() -> None:
    setting = Setting(recent=(Utterance("a", "buy now"),))
    assert Engine([Repeated()]).judge("buy now", setting, POLICY).decision.clauses == ("repeated",)
    assert Engine([Repeated()]).judge("hello", setting, POLICY).decision.clauses == ()


def test_a_broken_rule_is_named_and_the_others_still_judge() -> None:
    decision = Engine([Broken(), Word("bad")]).judge("bad", Setting(), POLICY).decision
    assert [finding.source for finding in decision.findings] == ["word:bad"]
    assert decision.degraded == ("broken:crashed:hold",)
    assert decision.verdict is Verdict.HOLD


def test_the_log_of_a_crash_names_the_place_and_no_words(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        Engine([Broken()], [BrokenClassifier()]).judge("my secret words", Setting(), POLICY)
    assert "KeyError at" in caplog.text
    assert "RuntimeError at" in caplog.text
    assert "test_engine.py" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.1, 1.1])
def test_a_finding_whose_score_is_none_is_left_out_and_named(score: float) -> None:
    decision = Engine([Word("bad", score)]).judge("bad", Setting(), POLICY).decision
    assert decision.findings == ()
    assert decision.degraded == ("word:nan:hold",)


def test_scores_are_kept_whether_or_not_they_are_findings() -> None:
    judged = Engine([], [Scores({"toxicity": 0.3, "insult": 0.8}, {"toxicity": 0.5, "insult": 0.5})]).judge(
        "hm", Setting(), POLICY
    )
    assert judged.scores == {"toxicity": 0.3, "insult": 0.8}
    assert [(f.category, f.start, f.end, f.source) for f in judged.decision.findings] == [
        (Category.INSULT, 0, 0, "fixed:insult")
    ]


@pytest.mark.parametrize(("score", "verdict"), [(0.89, Verdict.ALLOW), (0.9, Verdict.FLAG)])
def test_the_policy_hears_the_scores(score: float, verdict: Verdict) -> None:
    assert Engine([], [Scores({"toxicity": score}, {})]).judge("hm", Setting(), POLICY).decision.verdict is verdict


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, -0.1, 1.1])
def test_a_classifier_with_a_score_that_is_none_is_left_out_and_named(score: float) -> None:
    classifiers = [Scores({"toxicity": 0.99, "hate": score}, {"toxicity": 0.5}), Scores({"insult": 0.2}, {}, "other")]
    judged = Engine([], classifiers).judge("hm", Setting(), POLICY)
    assert judged.scores == {"insult": 0.2}
    assert judged.decision.findings == ()
    assert judged.decision.degraded == ("fixed:nan:open",)


@pytest.mark.parametrize(
    ("name", "verdict", "degraded"),
    [
        ("fixed", Verdict.ALLOW, "fixed:crashed:open"),
        ("strict", Verdict.BLOCK, "strict:crashed:closed"),
    ],
)
def test_a_broken_classifier_does_what_the_policy_says(name: str, verdict: Verdict, degraded: str) -> None:
    judged = Engine([], [BrokenClassifier(name)]).judge("hm", Setting(), POLICY)
    assert judged.scores == {}
    assert judged.decision.verdict is verdict
    assert judged.decision.degraded == (degraded,)


def test_an_absent_classifier_is_named_in_every_decision() -> None:
    engine = Engine([Word("bad")], absent=["conduct"])
    for text in ("hello", "bad"):
        assert engine.judge(text, Setting(), POLICY).decision.degraded == ("conduct:absent:open",)


@pytest.mark.parametrize(
    ("sentiment", "feels", "degraded"),
    [
        (None, None, ()),
        (Mood("negative", 0.8), ("negative", 0.8), ()),
        (Mood("negative", math.nan), None, ("sentiment:nan:open",)),
        (BrokenClassifier(), None, ("sentiment:crashed:open",)),
    ],
)
def test_sentiment_is_a_measure(
    sentiment: Mood | BrokenClassifier | None, feels: tuple[str, float] | None, degraded: tuple[str, ...]
) -> None:
    judged = Engine([], sentiment=sentiment).judge("hm", Setting(), POLICY)
    assert judged.sentiment == feels
    assert judged.decision.degraded == degraded
    assert judged.decision.findings == ()


def test_the_language_leans_on_what_the_person_usually_writes() -> None:
    def identify(text: str | Folded, prior: str | None) -> tuple[str, float]:
        return (prior or "unknown", 0.5)

    engine = Engine([], identify=identify)
    assert engine.judge("ok", Setting(language="pt"), POLICY).language == "pt"
    assert engine.judge("ok", Setting(), POLICY).language == "unknown"


def test_a_language_that_cannot_be_told_is_unknown() -> None:
    def identify(text: str | Folded, prior: str | None) -> tuple[str, float]:
        raise ValueError(text)

    judged = Engine([], identify=identify).judge("ok", Setting(), POLICY)
    assert judged.language == "unknown"
    assert judged.decision.degraded == ("language:crashed:open",)
    assert Engine([]).judge("ok", Setting(), POLICY).language == "unknown"


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "\ud800", "a" * 4_000, "\u202e" * 4_000, "\u0301" * 4_000, "👨‍👩‍👧" * 500]
)
def test_no_text_makes_it_raise(text: str) -> None:
    judged = Engine([Word("bad")]).judge(text, Setting(), POLICY)
    assert judged.decision.degraded == ()
    assert judged.us >= 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nos vemos en tu casa, payaso", {"threat", "insult", "hate"}),
        ("el queso huele a muerto", {"insult", "hate"}),
        ("voy retrasada", {"hate"}),
    ],
)
def test_what_a_classifier_takes_for_a_threat_or_an_insult_must_be_meant_for_somebody(
    text: str, found: set[str]
) -> None:
    scores = dict.fromkeys(("threat", "insult", "hate"), 0.99)
    judged = Engine([], [Scores(scores, dict.fromkeys(scores, 0.9))]).judge(text, Setting(), POLICY)
    assert {finding.category for finding in judged.decision.findings} == found
    assert judged.scores == scores


def test_the_engine_that_ships_has_every_rule_and_classifier_and_is_warm() -> None:
    engine = default_engine()
    assert engine.rules == RULES
    judged = engine.judge("hello, is it still available?", Setting(), POLICY)
    assert judged.decision == Decision(Verdict.ALLOW, POLICY.id)
    assert set(judged.scores) == {"toxicity", "insult", "hate", "threat", *(f"harm.{kind}" for kind in HARMS)}
    assert judged.sentiment is not None
    assert judged.language == "en"
    assert judged.us < 50_000  # reading the word lists takes ten times as long


def test_the_engine_that_ships_folds_a_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    folded = []

    def counted(text: str) -> Folded:
        folded.append(text)
        return fold(text)

    engine = default_engine()
    for module in ("moderation.engine", "moderation.classifiers.embedded"):
        monkeypatch.setattr(f"{module}.fold", counted)
    engine.judge("¿sigue disponible la bici?", Setting(), POLICY)
    assert len(folded) == 1


def test_weights_that_are_damaged_leave_the_rules_and_every_decision_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("features", "conduct", "sentiment"):
        shutil.copy(WEIGHTS / f"{name}.npz", tmp_path)
    (tmp_path / "language.npz").write_bytes((WEIGHTS / "language.npz").read_bytes()[:1_000])
    monkeypatch.setattr("moderation.engine.shipped", lambda: Embedded.load(tmp_path))
    judged = default_engine().judge("joder", Setting(), load("marketplace"))
    assert judged.decision.verdict is Verdict.MASK
    assert judged.decision.degraded == (
        "conduct:absent:open",
        "harm:absent:open",
        "sentiment:absent:open",
        "language:absent:open",
    )
    assert (judged.scores, judged.sentiment, judged.language) == ({}, None, "unknown")
    assert default_engine().absent == ("conduct", "harm", "sentiment", "language")
    assert "language.npz" in caplog.text
