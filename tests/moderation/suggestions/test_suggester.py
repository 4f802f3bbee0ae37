"""What is offered, to whom, and when nothing is."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from moderation.suggestions import inventory
from moderation.suggestions.classifier import Reading
from moderation.suggestions.intents import Intent
from moderation.suggestions.inventory import Stance
from moderation.suggestions.ranking import Candidate, at_once
from moderation.suggestions.suggester import HARM, Suggester, Suggestions, harmful
from moderation.suggestions.words import LANGUAGES
from policies.decision import Decision, Verdict
from rules.types import Category, Finding, Role, Setting, Stage, Utterance

DATA = Path(__file__).parents[2] / "data"
TEXTS = {
    lang: [json.loads(line)["text"] for line in (DATA / f"suggestions_{lang}.jsonl").read_text("utf-8").splitlines()]
    for lang in LANGUAGES
}


@cache
def suggester() -> Suggester:
    return Suggester.load()


def suggest(
    text: str,
    author: Role = Role.BUYER,
    reader: Role = Role.SELLER,
    *,
    recent: tuple[Utterance, ...] = (),
    me: str = "",
    **more: Any,
) -> Suggestions:
    setting = Setting(author="ana", sender=author, audience=more.pop("audience", frozenset()), recent=recent)
    return suggester().suggest(text, author, reader, setting, reader=me, **more)


def offer(reading: Reading, text: str, role: Role, setting: Setting, **more: Any) -> Suggestions:
    return at_once(suggester().offer(reading, text, role, setting, **more))


def texts(found: Suggestions) -> list[str]:
    return [one.text for one in found.suggestions]


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("hola, sigue disponible?", ["Sí, sigue disponible.", "Lo siento, ya no está disponible.", "¿Para cuándo lo necesitas?"]),
        ("what time can we meet?", ["Yes, that works for me.", "I can't make it then, sorry.", "What other time would suit you?"]),
        ("aceita cartão?", ["Sim, escolha a forma de pagamento ao confirmar a compra."]),
    ],
)  # fmt: skip
def test_a_question_gets_answers_in_its_language(text: str, offered: list[str]) -> None:
    assert set(offered) <= set(texts(suggest(text)))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("reader", [Role.BUYER, Role.SELLER, Role.AGENT])
def test_offers_are_few_differ_in_stance_and_leave_no_slot_open(lang: str, reader: Role) -> None:
    author = Role.SELLER if reader is Role.BUYER else Role.BUYER
    for text in TEXTS[lang]:
        found = suggest(text, author, reader, lang=lang)
        assert len(found.suggestions) <= 3
        assert len({one.stance for one in found.suggestions}) == len(found.suggestions)
        assert len(set(texts(found))) == len(found.suggestions)
        assert not [one for one in texts(found) if "{" in one]
        assert found.silent == (not found.suggestions)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_offer_is_in_the_language_of_the_message(lang: str) -> None:
    known = {reply.id: reply for reply in inventory.load()}
    right = wrong = 0
    for text in TEXTS[lang]:
        for one in suggest(text, lang=lang).suggestions:
            if known[one.id].slots:
                continue
            wordings = {known[one.id].text(lang, formal=formal) for formal in (False, True)}
            right, wrong = right + (one.text in wordings), wrong + (one.text not in wordings)
    assert wrong <= 0.01 * right


@pytest.mark.parametrize("text", ["ok", "jajaja", "👍", "qué calor hace hoy", "my dog has the same name", "entendi"])
def test_nothing_is_offered_to_what_wants_nothing(text: str) -> None:
    found = suggest(text)
    assert found.silent
    assert found.suggestions == ()


def test_what_was_said_is_not_offered_again() -> None:
    first = suggest("sigue disponible?")
    again = suggest("sigue disponible?", said=[" SI, sigue disponible. "])
    assert "Sí, sigue disponible." in texts(first)
    assert "Sí, sigue disponible." not in texts(again)
    assert again.suggestions


@pytest.mark.parametrize(
    ("text", "formal", "word"),
    [("hola, sigue disponible?", False, "necesitas"), ("Disculpe, ¿sigue disponible?", True, "necesita?")],
)
def test_who_is_formal_is_answered_formally(text: str, formal: bool, word: str) -> None:
    assert any(word in one for one in texts(suggest(text))) is True
    assert any("necesitas" in one for one in texts(suggest(text))) is not formal


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("te doy 40 por él", "De acuerdo: 40."),
        ("would you take £75?", "Agreed: £75."),
        ("pode ser amanhã às 5?", "Sim, perfeito: às 5."),
        ("ya enviaste mi pedido 48213?", "Reviso el pedido 48213 y te digo."),
    ],
)
def test_what_the_message_names_is_repeated(text: str, said: str) -> None:
    assert said in texts(suggest(text))


def test_the_order_may_have_been_named_before() -> None:
    recent = (Utterance("ana", "es el pedido 48213"),)
    assert "Reviso el pedido 48213 y te digo." in texts(suggest("ya lo enviaste?", recent=recent))


def test_a_price_of_ones_own_comes_from_ones_own_words_only() -> None:
    ours = (Utterance("luis", "lo vendo por 80 euros"), Utterance("ana", "tengo 50 euros"))
    assert "El precio es 80 euros." in texts(suggest("cuánto cuesta?", recent=ours))
    theirs = (Utterance("ana", "tengo 50 euros"),)
    assert not [one for one in texts(suggest("cuánto cuesta?", recent=theirs)) if "euros" in one]
    several = (Utterance("luis", "80 euros"), Utterance("eva", "90 euros"))
    assert not [one for one in texts(suggest("cuánto cuesta?", recent=several)) if "euros" in one]
    assert "El precio es 90 euros." in texts(suggest("cuánto cuesta?", recent=several, me="eva"))


def test_what_would_not_pass_gives_way_to_the_next_best() -> None:
    asked: list[str] = []

    def passes(text: str, setting: Setting) -> bool:
        asked.append(text)
        return "40" not in text

    strict = Suggester(suggester()._classifier, inventory.load(), passes, suggester()._identify)
    found = strict.suggest("te doy 40 por él", Role.BUYER, Role.SELLER, Setting(author="ana"))
    assert [one.id for one in found.suggestions] == ["offer.yes", "offer.no", "offer.raise"]
    assert set(texts(found)) < set(asked)


def test_every_text_that_is_offered_was_asked_about_and_no_other_stance_twice() -> None:
    reading = suggester().read("hola, sigue disponible?", "es")
    asked: list[str] = []

    def passes(candidate: Candidate) -> bool:
        asked.append(candidate.text)
        return True

    found = offer(reading, "hola, sigue disponible?", Role.SELLER, Setting(author="ana"), passes=passes)
    assert asked == texts(found)
    nothing = offer(
        reading, "hola, sigue disponible?", Role.SELLER, Setting(author="ana"), passes=lambda candidate: False
    )
    assert nothing.silent


def test_the_brand_is_not_offered_while_it_is_being_waited_for() -> None:
    text = "I'm going to report you"
    reading = suggester().read(text, "en")
    waited_for = offer(reading, text, Role.SELLER, Setting(author="ana"), heat=1.0, invitable=False)
    assert waited_for.suggestions
    assert not [one for one in waited_for.suggestions if one.action]


def decision(verdict: Verdict, category: Category) -> Decision:
    return Decision(verdict, "marketplace@1", (Finding(category, 0.9, 0, 1, "test"),))


@pytest.mark.parametrize("category", sorted(HARM))
@pytest.mark.parametrize("verdict", [Verdict.FLAG, Verdict.NUDGE, Verdict.MASK, Verdict.HOLD, Verdict.BLOCK])
def test_nothing_is_offered_to_a_message_flagged_for_harm(verdict: Verdict, category: Category) -> None:
    found = suggest("hola, sigue disponible?", decision=decision(verdict, category), heat=1.0)
    assert found.silent
    assert found.intent is Intent.AVAILABILITY


@pytest.mark.parametrize("category", [Category.CONTACT, Category.LINK, Category.EMOJI])
def test_asking_for_a_number_is_no_harm_and_can_be_declined(category: Category) -> None:
    flagged = decision(Verdict.MASK, category)
    assert not harmful(flagged)
    assert "I'd rather keep to this chat." in texts(suggest("what's your whatsapp?", decision=flagged))


def test_an_allowed_message_is_no_harm_whatever_was_found_in_it() -> None:
    assert not harmful(decision(Verdict.ALLOW, Category.PROFANITY))


@pytest.mark.parametrize(("author", "reader"), [(Role.BOT, Role.BUYER), (Role.BUYER, Role.BOT)])
def test_bots_neither_get_nor_cause_offers(author: Role, reader: Role) -> None:
    assert suggest("hola, sigue disponible?", author, reader, heat=1.0).silent


@pytest.mark.parametrize("text", ["qué calor hace hoy", "hola, sigue disponible?", "is it broken or what"])
def test_heat_brings_a_calm_word_and_the_way_to_the_brand(text: str) -> None:
    found = suggest(text, heat=0.8)
    stances = [one.stance for one in found.suggestions]
    assert stances[0] is Stance.CALM
    assert stances[-1] is Stance.INVITE
    assert found.suggestions[-1].action == "invite"


@pytest.mark.parametrize("text", ["quiero hablar con una persona", "I'm going to report you", "não fale assim comigo"])
def test_a_tense_message_brings_the_way_to_the_brand_without_heat(text: str) -> None:
    assert suggest(text).suggestions[-1].action == "invite"


def test_the_brand_is_not_invited_twice_and_does_not_invite_itself() -> None:
    present = suggest("I'm going to report you", audience=frozenset({Role.SELLER, Role.AGENT}))
    assert present.suggestions
    assert not [one for one in present.suggestions if one.action]
    assert not [one for one in suggest("I'm going to report you", reader=Role.AGENT).suggestions if one.action]


def test_no_calm_word_without_a_language_to_say_it_in() -> None:
    found = suggest("👍", heat=1.0)
    assert (found.lang, found.silent) == ("unknown", True)
    assert suggest("👍", heat=1.0, lang="pt").suggestions[0].text == "Vamos conversar com calma."


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_has_something_to_say(stage: Stage) -> None:
    setting = Setting(author="ana", stage=stage)
    assert suggester().suggest("hola, buenas tardes", Role.BUYER, Role.SELLER, setting).suggestions
