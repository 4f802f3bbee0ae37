"""What a policy decides, over findings as tables."""

import math
from itertools import pairwise
from timeit import timeit
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.decision import Decision, Failing, Failure, Mask, Verdict
from policies.load import load, parse
from policies.policy import Policy
from rules.types import Category, Finding, Role, Setting, Stage

WORDS = 'es = "{0} es"\nen = "{0} en"\npt = "{0} pt"\n'
VERDICTS = ("nudge", "mask", "hold", "block", "closed")
HEAD = 'name = "tried"\ntime_zone = "America/Sao_Paulo"\n' + "".join(
    f"[reason.{verdict}]\n{WORDS.format(verdict)}" for verdict in VERDICTS
)
FAILURE = '[failure]\nrules = "hold"\nclassifiers = "open"\n'


def policy(*clauses: str, failure: str = FAILURE, deep: str = "") -> Policy:
    body = "".join(f'[[clause]]\nid = "c{i}"\n{clause}\n' for i, clause in enumerate(clauses, 1))
    return parse((HEAD + failure + deep + body).encode(), "p.toml")


def seen(category: str, start: int = 0, end: int = 0, score: float = 0.9, source: str = "rule:entry") -> Finding:
    return Finding(Category(category), score, start, end, source)


def decided(clause: str, *findings: Finding, scores: dict[str, float] | None = None, **setting: Any) -> Decision:
    return policy(clause).decide(findings, scores or {}, Setting(**setting))


CONTACT = 'category = "contact"\nverdict = "block"\n'


def test_nothing_found_is_allowed() -> None:
    decision = decided(CONTACT)
    assert decision == Decision(Verdict.ALLOW, decision.policy)


def test_the_decision_keeps_all_findings_and_the_version() -> None:
    tried = policy(CONTACT)
    findings = (seen("contact", 0, 3), seen("spam"))
    decision = tried.decide(findings, {}, Setting())
    assert decision.findings == findings
    assert decision.policy == tried.id


CONDITIONS = [
    (CONTACT, {}, True),
    (CONTACT.replace("contact", "scam"), {}, False),
    (CONTACT + "min_score = 0.9", {}, True),
    (CONTACT + "min_score = 0.91", {}, False),
    (CONTACT + 'sender = "seller"', {"sender": Role.SELLER}, True),
    (CONTACT + 'sender = "seller"', {"sender": Role.BUYER}, False),
    (CONTACT + 'sender = ["buyer", "seller"]', {"sender": Role.BUYER}, True),
    (CONTACT + 'sender = { not = ["agent", "bot"] }', {"sender": Role.BUYER}, True),
    (CONTACT + 'sender = { not = ["agent", "bot"] }', {"sender": Role.BOT}, False),
    (CONTACT + 'stage = "ordered"', {"stage": Stage.ORDERED}, True),
    (CONTACT + 'stage = "ordered"', {"stage": Stage.ENQUIRY}, False),
    (CONTACT + 'stage = { not = "ordered" }', {"stage": Stage.DISPUTE}, True),
    (CONTACT + 'stage = { not = "ordered" }', {"stage": Stage.ORDERED}, False),
    (CONTACT + 'listing = "toys"', {"listing": "toys"}, True),
    (CONTACT + 'listing = "toys"', {"listing": "books"}, False),
    (CONTACT + 'listing = "toys"', {"listing": None}, False),
    (CONTACT + 'listing = { not = "toys" }', {"listing": "toys"}, False),
    (CONTACT + 'listing = { not = "toys" }', {"listing": "books"}, True),
    (CONTACT + 'listing = { not = "toys" }', {"listing": None}, True),
    (CONTACT + 'kind = "rides"', {"kind": "rides"}, True),
    (CONTACT + 'kind = "rides"', {"kind": "homes"}, False),
    (CONTACT + 'kind = "rides"', {"kind": None}, False),
    (CONTACT + 'kind = { not = "rides" }', {"kind": None}, True),
    (CONTACT + 'language = ["es", "pt"]', {"language": "pt"}, True),
    (CONTACT + 'language = ["es", "pt"]', {"language": "en"}, False),
    (CONTACT + 'language = { not = "es" }', {"language": None}, True),
    (CONTACT + "heat = 0.6", {"heat": 0.6}, True),
    (CONTACT + "heat = 0.6", {"heat": 0.59}, False),
    (CONTACT + "heat = 0.6", {"heat": math.nan}, False),
    (CONTACT + "strikes = 2", {"strikes": 2}, True),
    (CONTACT + "strikes = 2", {"strikes": 1}, False),
    (CONTACT + "account_age_days = 7", {"account_age_days": 7}, True),
    (CONTACT + "account_age_days = 7", {"account_age_days": 8}, False),
    (CONTACT + "account_age_days = 7", {"account_age_days": None}, False),
    (CONTACT + 'hours = "22-07"', {"hour": 22}, True),
    (CONTACT + 'hours = "22-07"', {"hour": 6}, True),
    (CONTACT + 'hours = "22-07"', {"hour": 7}, False),
    (CONTACT + 'hours = "22-07"', {"hour": 12}, False),
    (CONTACT + 'hours = "22-07"', {"hour": None}, False),
    (CONTACT + 'hours = "9-18"', {"hour": 9}, True),
    (CONTACT + 'hours = "9-18"', {"hour": 18}, False),
    (CONTACT + 'hours = "18-24"', {"hour": 23}, True),
    (CONTACT + 'source = "rule"', {}, True),
    (CONTACT + 'source = "rule:entry"', {}, True),
    (CONTACT + 'source = "rul"', {}, False),
    (CONTACT + 'source = { not = "rule" }', {}, False),
    (CONTACT + 'source = { not = "other" }', {}, True),
    (CONTACT + 'audience = "provider"', {"audience": frozenset({Role.PROVIDER, Role.BUYER})}, True),
    (CONTACT + 'audience = "provider"', {"audience": frozenset({Role.BUYER})}, False),
    (CONTACT + 'audience = "provider"', {"audience": frozenset()}, True),
]


@pytest.mark.parametrize(("clause", "setting", "speaks"), CONDITIONS)
def test_a_clause_speaks_when_all_its_conditions_hold(clause: str, setting: dict[str, Any], speaks: bool) -> None:
    decision = decided(clause, seen("contact", 0, 3), **setting)
    assert decision.clauses == (("c1",) if speaks else ())
    assert decision.verdict is (Verdict.BLOCK if speaks else Verdict.ALLOW)


SCORES = 'scores = { toxicity = 0.8, insult = 0.5 }\nverdict = "hold"\n'


@pytest.mark.parametrize(
    ("scores", "speaks"),
    [
        ({"toxicity": 0.8, "insult": 0.5}, True),
        ({"toxicity": 0.79, "insult": 0.9}, False),
        ({"toxicity": 0.9}, False),
        ({}, False),
        ({"toxicity": math.nan, "insult": 0.9}, False),
    ],
)
def test_scores_must_all_be_there_and_high_enough(scores: dict[str, float], speaks: bool) -> None:
    assert decided(SCORES, scores=scores).verdict is (Verdict.HOLD if speaks else Verdict.ALLOW)


def test_scores_beside_a_category_must_hold_as_well() -> None:
    clause = CONTACT + "scores = { toxicity = 0.8 }"
    assert decided(clause, seen("contact", 0, 3), scores={"toxicity": 0.9}).verdict is Verdict.BLOCK
    assert decided(clause, seen("contact", 0, 3), scores={"toxicity": 0.7}).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("findings", "speaks"),
    [
        ([seen("contact", 0, 3), seen("contact", 4, 6)], True),
        ([seen("contact", 0, 3)], False),
        ([seen("contact", 0, 3), seen("contact", 0, 3, source="other")], False),
        ([seen("contact", 0, 3), seen("scam", 4, 6)], False),
        ([seen("contact", 0, 3), seen("contact", 4, 6, score=0.1)], False),
    ],
)
def test_count_is_of_places_that_the_clause_is_about(findings: list[Finding], speaks: bool) -> None:
    assert decided(CONTACT + "count = 2\nmin_score = 0.5", *findings).verdict is (
        Verdict.BLOCK if speaks else Verdict.ALLOW
    )


def test_the_strongest_clause_gives_the_verdict_and_comes_first() -> None:
    tried = policy(
        'category = "link"\nverdict = "flag"', 'category = "scam"\nverdict = "hold"',
        'category = "insult"\nverdict = "nudge"', 'category = "spam"\nverdict = "hold"',
    )  # fmt: skip
    findings = [seen("link", 0, 1), seen("insult", 2, 3), seen("spam"), seen("scam", 3, 4)]
    decision = tried.decide(findings, {}, Setting())
    assert decision.verdict is Verdict.HOLD
    assert decision.clauses == ("c2", "c4", "c3", "c1")


EXCEPTION = 'category = "contact"\nsource = "phone"\nverdict = "allow"'


def test_an_exception_excuses_its_findings_and_says_so() -> None:
    decision = policy(CONTACT, EXCEPTION).decide([seen("contact", 0, 3, source="phone:34")], {}, Setting())
    assert decision.verdict is Verdict.ALLOW
    assert decision.clauses == ("c2",)


@pytest.mark.parametrize("order", [1, -1])
def test_an_excused_finding_excuses_no_other(order: int) -> None:
    findings = [seen("contact", 0, 3, source="phone"), seen("contact", 4, 6, source="email")][::order]
    for clauses in ((CONTACT, EXCEPTION), (EXCEPTION, CONTACT)):
        decision = policy(*clauses).decide(findings, {}, Setting())
        assert decision.verdict is Verdict.BLOCK


def test_an_excused_finding_is_not_counted() -> None:
    tried = policy(CONTACT + "count = 2", EXCEPTION)
    findings = [seen("contact", 0, 3, source="phone"), seen("contact", 4, 6, source="email")]
    assert tried.decide(findings, {}, Setting()).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("audience", "verdict"),
    [
        (frozenset({Role.AGENT}), Verdict.ALLOW),
        (frozenset({Role.AGENT, Role.BUYER}), Verdict.BLOCK),
        (frozenset(), Verdict.BLOCK),
    ],
)
def test_an_exception_for_some_readers_holds_only_if_there_are_no_others(
    audience: frozenset[Role], verdict: Verdict
) -> None:
    tried = policy(CONTACT, 'category = "contact"\naudience = "agent"\nverdict = "allow"')
    assert tried.decide([seen("contact", 0, 3)], {}, Setting(audience=audience)).verdict is verdict


MASK = 'category = "profanity"\nverdict = "mask"\n'


@pytest.mark.parametrize(
    ("spans", "masks"),
    [
        ([(3, 6)], [(3, 6)]),
        ([(9, 12), (3, 6)], [(3, 6), (9, 12)]),
        ([(3, 6), (5, 9)], [(3, 9)]),
        ([(3, 6), (6, 9)], [(3, 9)]),
        ([(3, 12), (5, 6)], [(3, 12)]),
        ([(3, 6), (3, 6)], [(3, 6)]),
        ([(3, 6), (0, 0)], [(3, 6)]),
    ],
)
def test_masks_cover_what_was_found(spans: list[tuple[int, int]], masks: list[tuple[int, int]]) -> None:
    decision = decided(MASK, *(seen("profanity", *span) for span in spans))
    assert decision.verdict is Verdict.MASK
    assert decision.masks == tuple(Mask(*mask) for mask in masks)


def test_a_finding_in_the_whole_message_cannot_be_masked() -> None:
    assert decided(MASK, seen("profanity", 0, 0)).verdict is Verdict.ALLOW


def test_masks_are_for_the_roles_of_their_clause_present_or_not() -> None:
    tried = policy(MASK + 'audience = ["provider", "agent"]', 'category = "contact"\nverdict = "mask"')
    decision = tried.decide(
        [seen("profanity", 0, 3), seen("contact", 2, 5)], {}, Setting(audience=frozenset({Role.BUYER}))
    )
    assert decision.verdict is Verdict.MASK
    assert decision.masks == (Mask(0, 3, (Role.AGENT, Role.PROVIDER)), Mask(2, 5))


def test_a_held_message_keeps_its_masks_for_the_day_it_is_released() -> None:
    tried = policy(MASK, 'category = "threat"\nverdict = "hold"')
    decision = tried.decide([seen("profanity", 0, 3), seen("threat", 4, 9)], {}, Setting())
    assert decision.verdict is Verdict.HOLD
    assert decision.masks == (Mask(0, 3),)


NAMED = 'conduct = { absent = "open", late = "open", crashed = "closed", nan = "hold" }\n'


@pytest.mark.parametrize(
    ("failure", "verdict", "degraded"),
    [
        (Failure("rules", "contact", Failing.CRASHED), Verdict.HOLD, "contact:crashed:hold"),
        (Failure("classifiers", "sentiment", Failing.CRASHED), Verdict.ALLOW, "sentiment:crashed:open"),
        (Failure("classifiers", "conduct", Failing.ABSENT), Verdict.ALLOW, "conduct:absent:open"),
        (Failure("classifiers", "conduct", Failing.LATE), Verdict.ALLOW, "conduct:late:open"),
        (Failure("classifiers", "conduct", Failing.CRASHED), Verdict.BLOCK, "conduct:crashed:closed"),
        (Failure("classifiers", "conduct", Failing.NAN), Verdict.HOLD, "conduct:nan:hold"),
    ],
)
def test_a_failed_stage_does_what_the_policy_says(failure: Failure, verdict: Verdict, degraded: str) -> None:
    decision = policy(CONTACT, failure=FAILURE + NAMED).decide([], {}, Setting(), [failure])
    assert decision.verdict is verdict
    assert decision.degraded == (degraded,)


def test_a_failed_stage_never_softens_a_verdict() -> None:
    decision = policy(CONTACT).decide(
        [seen("contact", 0, 3)], {}, Setting(), [Failure("rules", "links", Failing.CRASHED)]
    )
    assert decision.verdict is Verdict.BLOCK


OWN = 'category = "insult"\nverdict = "nudge"\n[clause.reason]\naction = "send_anyway"\n' + WORDS.format("own")
CARE = 'category = "self_harm"\nverdict = "flag"\nqueue = "care"\n[clause.reason]\n' + WORDS.format("care")
TOLD = policy(
    CONTACT, OWN, CARE, MASK, 'category = "threat"\nverdict = "hold"\n', 'category = "link"\nverdict = "flag"\n',
    'scores = { hate = 0.9 }\nverdict = "hold"\n', failure=FAILURE.replace("open", "closed"),
)  # fmt: skip
ALL = [seen("contact", 0, 3), seen("insult", 4, 6), seen("profanity", 6, 8), seen("threat", 9, 10)]


@pytest.mark.parametrize(
    ("findings", "lang", "reasons"),
    [
        ([], "es", []),
        ([seen("link", 0, 3)], "es", []),
        ([seen("insult", 0, 3)], "es", [("c2", "insult", "own es", "send_anyway")]),
        ([seen("insult", 0, 3)], "pt-BR", [("c2", "insult", "own pt", "send_anyway")]),
        ([seen("insult", 0, 3)], "ES_mx", [("c2", "insult", "own es", "send_anyway")]),
        ([seen("insult", 0, 3)], "fr", [("c2", "insult", "own en", "send_anyway")]),
        ([seen("insult", 0, 3)], None, [("c2", "insult", "own en", "send_anyway")]),
        ([seen("self_harm", 0, 3)], "en", [("c3", "self_harm", "care en", "")]),
        (ALL, "en", [("c1", "contact", "block en", "")]),
        (ALL[1:3], "en", [("c4", "profanity", "mask en", "")]),
        (ALL[1:], "en", [("c5", "threat", "hold en", ""), ("c4", "profanity", "mask en", "")]),
        ([*ALL, seen("self_harm")], "en", [("c1", "contact", "block en", ""), ("c3", "self_harm", "care en", "")]),
    ],
)
def test_reasons_say_what_happened_and_nothing_that_did_not(
    findings: list[Finding], lang: str | None, reasons: list[tuple[str, str, str, str]]
) -> None:
    decision = TOLD.decide(findings, {}, Setting())
    assert [(r.clause, r.category, r.message, r.action) for r in TOLD.reasons(decision, lang)] == reasons


def test_reasons_are_not_repeated() -> None:
    decision = TOLD.decide([seen("threat", 0, 3)], {"hate": 0.95}, Setting())
    assert decision.clauses == ("c5", "c7")
    assert [reason.clause for reason in TOLD.reasons(decision, "en")] == ["c5"]


def test_the_reason_of_a_score_names_it() -> None:
    decision = TOLD.decide([], {"hate": 0.95}, Setting())
    assert [(r.clause, r.category) for r in TOLD.reasons(decision, "en")] == [("c7", "hate")]


@pytest.mark.parametrize(
    ("group", "stage", "message"), [("rules", "contact", "hold en"), ("classifiers", "conduct", "closed en")]
)
def test_a_failed_stage_is_explained_as_such(group: str, stage: str, message: str) -> None:
    decision = TOLD.decide([], {}, Setting(), [Failure(group, stage, Failing.CRASHED)])
    assert [(r.clause, r.message) for r in TOLD.reasons(decision, "en")] == [(stage, message)]


@pytest.mark.parametrize(
    ("decision", "messages"),
    [
        (Decision(Verdict.HOLD, "older@00000000", clauses=("gone",)), ["hold en"]),
        (Decision(Verdict.HOLD, "tried@x", by="person-7"), ["hold en"]),
        (Decision(Verdict.HOLD, "tried@x", clauses=("c4",), by="person-7"), ["hold en", "mask en"]),
        (Decision(Verdict.ALLOW, "tried@x", clauses=("c5",), by="person-7"), []),
    ],
)
def test_a_decision_beyond_our_clauses_gets_the_words_of_its_verdict(decision: Decision, messages: list[str]) -> None:
    assert [reason.message for reason in TOLD.reasons(decision, "en")] == messages


@pytest.mark.parametrize(
    ("findings", "queue"),
    [([seen("link", 0, 1)], "review"), ([seen("link", 0, 1), seen("self_harm")], "care"), ([], "review")],
)
def test_a_person_finds_the_message_in_the_queue_of_its_clause(findings: list[Finding], queue: str) -> None:
    assert TOLD.queue(TOLD.decide(findings, {}, Setting())) == queue


@pytest.mark.parametrize(
    ("findings", "scores", "deadline"),
    [
        ([], {"toxicity": 0.7}, 250),
        ([], {"toxicity": 0.5}, 0),
        ([seen("threat", 0, 3)], {"toxicity": 0.7}, 0),
        ([seen("insult", 0, 3)], {"toxicity": 0.7}, 250),
    ],
)
def test_the_relay_waits_for_deep_classifiers_only_where_it_would_relay(
    findings: list[Finding], scores: dict[str, float], deadline: int
) -> None:
    tried = policy(
        'scores = { toxicity = 0.6 }\nverdict = "flag"\nhold_for_deep = true', 'category = "threat"\nverdict = "hold"',
        'category = "insult"\nverdict = "nudge"', deep="[deep]\ndeadline_ms = 250\n",
    )  # fmt: skip
    assert tried.deep_deadline_ms(tried.decide(findings, scores, Setting())) == deadline


def test_the_same_input_gives_the_same_decision() -> None:
    tried = load("marketplace")
    scores = {"toxicity": 0.97}
    assert tried.decide(ALL, scores, Setting()) == load("marketplace").decide(ALL, scores, Setting())


SOURCES = ["contact:phone", "contact:email", "insult:es/x", "conduct:insult", "rule"]
FINDINGS = st.builds(
    lambda category, score, start, length, source: Finding(category, score, start, start + length, source),
    st.sampled_from(Category), st.floats(0, 1), st.integers(0, 30), st.integers(0, 9), st.sampled_from(SOURCES),
)  # fmt: skip
SETTINGS = st.builds(
    Setting, sender=st.sampled_from(Role), stage=st.sampled_from(Stage), audience=st.frozensets(st.sampled_from(Role)),
    listing=st.sampled_from([None, "adult_wellness", "toys"]),
)  # fmt: skip
MEASURED = st.dictionaries(st.sampled_from(["toxicity", "insult", "hate", "threat"]), st.floats(0, 1))
POLICIES = st.sampled_from([load("marketplace"), load("strict"), policy(MASK, EXCEPTION, CONTACT + "count = 2", OWN)])


@given(POLICIES, st.lists(FINDINGS), FINDINGS, MEASURED, SETTINGS)
def test_one_more_finding_never_makes_a_verdict_weaker(
    tried: Policy, findings: list[Finding], more: Finding, scores: dict[str, float], setting: Setting
) -> None:
    before = tried.decide(findings, scores, setting)
    after = tried.decide([*findings, more], scores, setting)
    assert after.verdict.rank >= before.verdict.rank
    assert set(before.clauses) <= set(after.clauses)


@given(POLICIES, st.lists(FINDINGS), MEASURED, SETTINGS)
def test_masks_cover_what_was_found_and_nothing_else(
    tried: Policy, findings: list[Finding], scores: dict[str, float], setting: Setting
) -> None:
    masks = tried.decide(findings, scores, setting).masks
    covered = {place for mask in masks for place in range(mask.start, mask.end)}
    assert covered <= {place for finding in findings for place in range(finding.start, finding.end)}
    assert all(one.end < other.start for one, other in pairwise(masks) if one.audience == other.audience)


@given(POLICIES, st.lists(FINDINGS), MEASURED, SETTINGS, st.sampled_from(["es", "en", "pt", "fr", "", None]))
def test_whoever_is_stopped_is_told_why(
    tried: Policy, findings: list[Finding], scores: dict[str, float], setting: Setting, lang: str | None
) -> None:
    decision = tried.decide(findings, scores, setting)
    if decision.verdict.rank >= Verdict.NUDGE.rank:
        assert tried.reasons(decision, lang)[0].clause in decision.clauses


def test_listings_without_end_do_not_pile_up() -> None:
    tried = load("marketplace")
    for number in range(1_000):
        tried.decide([], {}, Setting(listing=f"listing-{number}"))
    assert len(tried._plans) == 1


@pytest.mark.parametrize(("findings", "most_us"), [([], 10), (ALL[:1], 50), (ALL, 100)])
def test_deciding_takes_microseconds(findings: list[Finding], most_us: int) -> None:
    """The bounds are ten times what a quiet machine takes: this catches a lost index, not a busy neighbour."""
    tried, setting = load("marketplace"), Setting()
    scores = {"toxicity": 0.1, "insult": 0.1, "hate": 0.1, "threat": 0.1}
    best = min(timeit(lambda: tried.decide(findings, scores, setting), number=1_000) for _ in range(5))
    assert best * 1_000 < most_us


def test_passing_circumstances_also_bind_a_clause_about_scores() -> None:
    hot = policy('scores = { toxicity = 0.8 }\nheat = 0.5\nverdict = "hold"')
    assert hot.decide((), {"toxicity": 0.9}, Setting(heat=0.5)).verdict is Verdict.HOLD
    assert hot.decide((), {"toxicity": 0.9}, Setting(heat=0.4)).verdict is Verdict.ALLOW
