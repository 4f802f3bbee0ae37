"""Everything that may be offered, looked at before anybody sees it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import policies.load
from moderation.engine import default_engine
from moderation.suggestions.intents import SOCIAL, TENSE, Intent
from moderation.suggestions.inventory import InventoryError, Reply, Stance, load
from moderation.suggestions.slots import SLOT, SLOTS
from moderation.suggestions.words import LANGUAGES
from policies.decision import Verdict
from rules.types import Role, Setting, Stage

REPLIES = load()
FILLINGS = {"price": "40 €", "date": "el lunes", "time": "a las 5", "order": "48213", "place": "Villa Crespo"}


def wordings(reply: Reply) -> Iterator[tuple[str, str]]:
    for lang in LANGUAGES:
        for formal in (False, True):
            yield lang, SLOT.sub(lambda slot: FILLINGS[slot[1]], reply.text(lang, formal=formal))


@pytest.mark.parametrize("policy", policies.load.shipped())
@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.id)
def test_every_reply_passes_the_engine_at_every_stage(reply: Reply, policy: str) -> None:
    engine, law = default_engine(), policies.load.load(policy)
    for lang, text in wordings(reply):
        for speaker in set(reply.speakers or Role) - {Role.BOT}:
            for stage in Stage:
                judgement = engine.judge(text, Setting(sender=speaker, stage=stage, language=lang), law)
                assert judgement.decision.verdict is Verdict.ALLOW, (text, judgement.decision)
                assert judgement.decision.findings == (), (text, judgement.decision.findings)


@pytest.mark.parametrize("role", [Role.BUYER, Role.SELLER, Role.PROVIDER])
@pytest.mark.parametrize("intent", [intent for intent in Intent if intent is not Intent.OTHER])
def test_both_sides_have_replies_of_different_stances_to_every_intent(intent: Intent, role: Role) -> None:
    stances = {r.stance for r in REPLIES if r.intent is intent and r.suits(role, Stage.ENQUIRY) and not r.slots}
    assert len(stances) >= 2


@pytest.mark.parametrize("intent", [Intent.AVAILABILITY, Intent.OFFER, Intent.MEET_TIME, Intent.RETURN_OR_REFUND])
def test_a_question_can_be_answered_yes_and_no(intent: Intent) -> None:
    stances = {r.stance for r in REPLIES if r.intent is intent and r.suits(Role.SELLER, Stage.ENQUIRY)}
    assert {Stance.AFFIRM, Stance.DECLINE, Stance.ASK} <= stances


def test_nothing_is_kept_for_what_wants_nothing() -> None:
    assert [reply.id for reply in REPLIES if reply.intent is Intent.OTHER] == []


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.id)
def test_a_reply_is_short_whole_and_the_same_in_all_languages(reply: Reply) -> None:
    for lang, text in wordings(reply):
        assert 3 <= len(text) <= 80, text
        assert text[0].isupper() or text[0] in "¡¿", text
        assert text == " ".join(text.split())
        assert reply.action or text[-1] in ".!?", text
        assert ("?" in text) >= (reply.stance is Stance.ASK), text
        assert lang != "es" or text.count("¿") == text.count("?")
        assert lang != "es" or text.count("¡") == text.count("!")


def test_the_way_to_the_brand_is_an_action_for_participants_only() -> None:
    (invite,) = [reply for reply in REPLIES if reply.stance is Stance.INVITE]
    assert invite.action == "invite"
    assert invite.intent is None
    assert [role for role in Role if invite.suits(role, Stage.DISPUTE)] == [Role.BUYER, Role.SELLER, Role.PROVIDER]


def test_a_bot_is_offered_nothing() -> None:
    assert [reply.id for reply in REPLIES if reply.suits(Role.BOT, Stage.ENQUIRY)] == []


def test_tense_and_social_intents_are_apart() -> None:
    assert not TENSE & SOCIAL


GOOD = 'id = "a"\nintent = "thanks"\nstance = "thank"\nes = "Gracias."\nen = "Thanks."\npt = "Obrigado."\n'


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (GOOD.replace('"thank"', '"shrug"'), "shrug"),
        (GOOD.replace('intent = "thanks"', 'intent = "small_talk"'), "small_talk"),
        (GOOD.replace('pt = "Obrigado."\n', ""), "pt"),
        (GOOD.replace("Obrigado.", " "), "no text in pt"),
        (GOOD.replace("Gracias.", "Gracias, {price}."), "the slots of es are not those of en"),
        (GOOD.replace("s.", "s, {name}.").replace("o.", "o, {name}."), "no such slot: name"),
        (GOOD + 'colour = "red"\n', "colour"),
        (GOOD + '[[reply]]\nid = "a"\nstance = "ask"\nes = "¿Sí?"\nen = "Yes?"\npt = "Sim?"\n', "the id is taken"),
    ],
)
def test_a_reply_that_cannot_be_offered_is_refused_by_name(tmp_path: Path, entry: str, problem: str) -> None:
    (tmp_path / "replies.toml").write_text(f"[[reply]]\n{entry}", "utf-8")
    with pytest.raises(InventoryError, match=re.escape(problem)) as refused:
        load(tmp_path)
    assert refused.value.reply == "a"


def test_the_fillings_cover_every_slot() -> None:
    assert set(FILLINGS) == SLOTS


def test_the_guide_names_every_intent_stance_slot_and_field() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "suggestions.md").read_text("utf-8")
    words = {word for code in re.findall(r"`([^`\n]+)`", guide) for word in re.findall(r"\w+", code)}
    assert {*Intent, *Stance, *SLOTS, *Reply.__struct_fields__} - words == set()
