from itertools import islice

from bench.texts import LONGEST, SHORTEST, messages, questions


def test_messages_are_long_as_people_write_and_no_two_are_alike() -> None:
    texts = list(islice(messages(seed=1), 2_000))
    assert len(set(texts)) == 2_000
    assert all(SHORTEST <= len(text) <= LONGEST for text in texts)


def test_the_same_seed_gives_the_same_messages() -> None:
    assert list(islice(messages(5), 50)) == list(islice(messages(5), 50)) != list(islice(messages(6), 50))


def test_some_messages_hold_what_rules_react_to_and_none_do_when_none_is_asked_for() -> None:
    def swearing(texts: list[str]) -> int:
        return sum(
            any(word in text for word in ("mierda", "shitty", "merda", "@gmail.com", "612 345")) for text in texts
        )

    assert 20 <= swearing(list(islice(messages(1), 2_000))) <= 120
    assert swearing(list(islice(messages(1, reactive=0.0), 2_000))) == 0


def test_questions_are_short_in_three_languages_and_the_same_for_the_same_seed() -> None:
    asked = list(islice(questions(1), 2_000))
    assert asked == list(islice(questions(1), 2_000)) != list(islice(questions(2), 2_000))
    assert all(0 < len(text) < SHORTEST for text in asked)
    assert {"hola, ¿sigue disponible?"} <= set(islice(questions(1), 20_000))
    assert not [text for text in asked if "\n" in text]
