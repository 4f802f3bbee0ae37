import math
import threading
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.classifiers.conduct import Conduct
from moderation.classifiers.embedded import Embedded, Reading, shipped
from moderation.classifiers.heads import LABELS, LANGUAGES, OUTPUTS
from moderation.classifiers.language import Language, identify
from moderation.classifiers.sentiment import Sentiment
from moderation.classifiers.table import WEIGHTS, BadWeights

LONGEST = 4_000

NASTY = [
    "you are a fucking idiot and a disgusting bitch",
    "eres una puta mierda, hijo de puta asqueroso",
    "vai tomar no cu seu filho da puta",
]
KIND = [
    "hi, is the bike still available?",
    "hola, ¿sigue disponible la bici?",
    "oi, a bicicleta ainda está disponível?",
]


def check(reading: Reading) -> None:
    assert set(reading.conduct) == set(OUTPUTS)
    assert all(0.0 <= score <= 1.0 for score in reading.conduct.values())
    for shares in (reading.sentiment, reading.languages):
        assert len(shares) == 3
        assert math.isclose(sum(shares), 1.0)
        assert min(shares) >= 0.0


WRAPPING = [
    "The weather is nice today and the bike is in good condition. ",
    "Hoy hace buen tiempo y la bicicleta está en buen estado. ",
    "Hoje o tempo está bom e a bicicleta está em bom estado. ",
]


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_gets_numbers_from_0_to_1_and_the_same_twice(text: str) -> None:
    models = shipped()
    first = models.judge(text)
    check(first)
    models.judge("something else")
    assert models.judge(text) == first


@pytest.mark.parametrize(
    "text",
    ["", " ", "\x00", "\ud800", "a" * LONGEST, "🔥" * LONGEST, "a " * (LONGEST // 2), "\u0301" * LONGEST, "!" * LONGEST,
     "é" * LONGEST, "ﷺ" * LONGEST, "1" * LONGEST, "@" * LONGEST, "www." * 1000, "https://" * 500, "\u200b" * LONGEST],
)  # fmt: skip
def test_hostile_text_is_judged_in_a_few_milliseconds(text: str) -> None:
    models = shipped()
    taken = []
    for _ in range(5):
        models.judge("")
        began = process_time()
        check(models.judge(text))
        taken.append(process_time() - began)
    assert min(taken) < 0.010


@pytest.mark.parametrize(("nasty", "kind"), list(zip(NASTY, KIND, strict=True)))
def test_abuse_is_a_finding_and_a_question_is_none(nasty: str, kind: str) -> None:
    conduct = Conduct.load()
    assert conduct.scores(nasty)["toxicity"] >= conduct.thresholds["toxicity"]
    assert all(conduct.scores(kind)[output] < least for output, least in conduct.thresholds.items())


@pytest.mark.parametrize(("nasty", "wrapping"), list(zip(NASTY, WRAPPING, strict=True)))
def test_a_long_wrapping_hides_abuse_no_better_than_a_short_one(nasty: str, wrapping: str) -> None:
    scores = Conduct.load().scores
    clean, short, long = (
        scores(wrapping * n + said + wrapping * n)["toxicity"] for n, said in ((30, ""), (4, nasty), (30, nasty))
    )
    assert clean < short / 2
    assert long > short / 2


@pytest.mark.parametrize(
    "text",
    [
        "I am a gay man looking for a flat",
        "we are a muslim family of four",
        "my neighbour is black and very kind",
        "soy lesbiana y busco piso con mi novia",
        "mi marido es senegalés",
        "sou negra e procuro uma base de tom escuro",
    ],
)
def test_naming_who_somebody_is_is_no_finding(text: str) -> None:
    conduct = Conduct.load()
    assert all(conduct.scores(text)[output] < least for output, least in conduct.thresholds.items())


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love it, thank you so much, it works perfectly!", "positive"),
        ("terrible service, never again, I am very disappointed", "negative"),
        ("me encanta, muchas gracias, todo perfecto", "positive"),
        ("fatal, qué asco de servicio, estoy harto", "negative"),
        ("adorei, muito obrigada, ficou lindo demais", "positive"),
        ("péssimo, que raiva, não gostei de nada", "negative"),
    ],
)
def test_plain_feelings_are_told(text: str, label: str) -> None:
    said, share = Sentiment.load().label(text)
    assert said == label
    assert share > 1 / len(LABELS)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("is this still available?", "en"),
        ("what time works for you", "en"),
        ("¿sigue disponible?", "es"),
        ("a que hora te viene bien", "es"),
        ("ainda está disponível?", "pt"),
        ("que horas fica bom pra você", "pt"),
        ("não sei", "pt"),
        ("mañana paso", "es"),
    ],
)
def test_the_language_of_short_chat_lines_is_told(text: str, language: str) -> None:
    assert identify(text)[0] == language


@pytest.mark.parametrize("text", ["", "ok", "kkkk", "👍", "123", "...", "😂😂😂", "hmm", "14:30"])
@pytest.mark.parametrize("prior", [None, *LANGUAGES])
def test_what_says_nothing_of_its_language_stays_unknown(text: str, prior: str | None) -> None:
    assert identify(text, prior)[0] == "unknown"


def test_the_prior_decides_between_languages_that_share_the_words() -> None:
    text = "casa grande"
    assert identify(text, "es")[0] == "es"
    assert identify(text, "pt")[0] == "pt"


def test_a_clear_message_is_not_bent_by_the_prior() -> None:
    assert identify("is this still available? i can pick it up tomorrow", "es")[0] == "en"


def test_an_unheard_prior_is_no_prior() -> None:
    assert identify("is this still available?", "fr") == identify("is this still available?")


def test_threads_that_share_the_models_get_the_answers_of_their_own_texts() -> None:
    models, texts = shipped(), NASTY + KIND
    expected = {text: models.judge(text) for text in texts}
    wrong: list[str] = []

    def ask(text: str) -> None:
        wrong.extend(text for _ in range(300) if models.judge(text) != expected[text])

    threads = [threading.Thread(target=ask, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_views_share_one_table() -> None:
    assert Language.load()._embedded is Conduct.load()._embedded is Sentiment.load()._embedded


def test_all_weights_are_under_eight_megabytes_with_a_card_for_each_model() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.glob("*.npz")) < 8_000_000
    assert {"conduct.md", "sentiment.md", "language.md"} <= {path.name for path in WEIGHTS.glob("*.md")}


def copied(folder: Path, without: str = "") -> Path:
    for path in WEIGHTS.glob("*.npz"):
        if path.stem != without:
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadWeights, match=r"sentiment\.npz"):
        Embedded.load(copied(tmp_path, without="sentiment"))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    copied(tmp_path)
    (tmp_path / "conduct.npz").write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(BadWeights, match=r"conduct\.npz"):
        Embedded.load(tmp_path)


def test_weights_learnt_with_other_features_are_refused(tmp_path: Path) -> None:
    copied(tmp_path)
    arrays = dict(np.load(tmp_path / "language.npz"))
    np.savez(tmp_path / "language.npz", **{**arrays, "digest": np.zeros(8, dtype=np.uint8)})
    with pytest.raises(BadWeights, match="other features"):
        Embedded.load(tmp_path)
