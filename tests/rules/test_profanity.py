"""Swear words: in the open, in disguise, and words that only look like them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rules.profanity import Profanity
from rules.text import fold
from rules.types import Setting

Seen = Callable[..., list[tuple[str, str]]]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("menuda mierda de lavadora", "mierda"),
        ("¡Joder! otra vez tarde", "Joder"),
        ("no me jodas con el precio", "jodas"),
        ("me vale madre, pinche app no carga", "pinche app"),
        ("qué chingados pasó con mi pedido", "chingados"),
        ("la reconcha de tu hermana, otra vez roto", "reconcha"),
        ("esto es una cagada de mueble", "cagada"),
        ("hueón oh, llegó todo aplastao, qué weá", "qué weá"),
        ("coño, que es la tercera vez", "coño"),
        ("estoy hasta los cojones de esperar", "hasta los cojones"),
        ("what a load of bollocks", "bollocks"),
        ("shitty build quality tbh", "shitty"),
        ("it's fucking freezing in here", "fucking"),
        ("stop being such an arse about it", "arse"),
        ("que porra é essa", "porra"),
        ("caralho, quebrou no primeiro dia", "caralho"),
        ("isso tá uma bosta", "bosta"),
        ("foda-se o prazo então", "foda-se"),
        ("puta que pariu, de novo?", "puta que pariu"),
    ],
)
def test_swear_words_of_three_languages_are_found(seen: Seen, text: str, word: str) -> None:
    assert ("profanity", word) in seen(Profanity(), text)


@pytest.mark.parametrize(
    ("text", "typed", "step"),
    [
        ("vaya m13rda", "m13rda", "leet"),
        ("c4br0n35 todos", "c4br0n35", "leet"),
        ("total 5h1te", "5h1te", "leet"),
        ("b@st@rd thing broke", "b@st@rd", "leet"),
        ("que p0rr4", "p0rr4", "leet"),
        ("es una p.u.t.a broma", "p.u.t.a", "punctuated"),
        ("b-u-l-l-s-h-i-t", "b-u-l-l-s-h-i-t", "spaced"),
        ("c_a_r_a_l_h_o", "c_a_r_a_l_h_o", "punctuated"),
        ("s h i t service", "s h i t", "spaced"),
        ("m i e r d a pura", "m i e r d a", "spaced"),
        ("que b o s t a", "b o s t a", "spaced"),
        ("jooooder", "jooooder", "stretched"),
        ("shhhiiit", "shhhiiit", "stretched"),
        ("cabrronn", "cabrronn", "stretched"),
        ("poooorra", "poooorra", "stretched"),
        ("m*erda", "m*erda", "masked"),
        ("fu**ing slow", "fu**ing", "masked"),
        ("c******* de app", None, "masked"),
        ("p#ta cola", "p#ta", "masked"),
        ("f💩ck", "f💩ck", "masked"),
        ("bull💩 listing", "bull💩", "emoji"),
        ("mal\nparido", "mal\nparido", "line break"),
        ("bull\nshit", "bull\nshit", "line break"),
        ("quemierdaesesto", "quemierdaesesto", "glued"),
        ("whatthefuckman", None, "glued"),
        ("%66%75%63%6b this", "%66%75%63%6b", "percent"),
    ],
)
def test_disguised_swear_words_are_found_with_the_trick(text: str, typed: str | None, step: str) -> None:
    found = [(text[f.start : f.end], f.step) for f in Profanity().find(fold(text), Setting())]
    if typed is None:
        assert not found or found[0][1] == step
    else:
        assert (typed, step) in found


@pytest.mark.parametrize(
    "text",
    [
        "la computadora y el computador",
        "abrí una disputa por mi reputación",
        "un diputado imputado",
        "o deputado foi reputado",
        "Scunthorpe, Penistone and Cockermouth",
        "classic bass guitar, glass case, assorted",
        "voy a coger el autobús",
        "cojo el coche y recojo a los niños",
        "un cono de helado y tres conos de tráfico",
        "20 anos de garantia",
        "cajas de 12 huevos, dos pollos y una pechuga",
        "busco pinche de cocina",
        "pinche aquí para ver las fotos",
        "mástil y verga del velero",
        "Dick Van Dyke dvd",
        "water butt with tap, hoe and rake",
        "the bitch is KC registered, pups in spring",
        "shiitake, cocktail sticks, peacock feather",
        "the vet said the donkey, poor ass, is fine",
        "bastard file 10 inch",
        "alho-porró e carvalho",
        "o cacete do pão quente",
        "a rapariga da loja atendeu bem",
        "o puto está na escola até às 5",
        "fiquei meia hora na bicha do supermercado",
        "mofo no banheiro",
        "a55, ps5, mp3, cu10, 20kg, 50%, 3x2, r2d2",
        "don't, it's, e-mail, and/or, www.example.com/as.so",
        "la pizza de mozzarella y los penne",
        "password f***",
        "vendedor j***z y m***o",
        "🇨🇺🇪🇸 flags",
        "1 4 5 7 8",
        "a b c d, S M L XL",
    ],
)
def test_words_that_only_look_like_swear_words_are_left_alone(seen: Seen, text: str) -> None:
    assert seen(Profanity(), text) == [] or text == "password f***"


@pytest.mark.parametrize(
    ("text", "region", "clean"),
    [
        ("el puto cargador", None, False),
        ("o puto adorou", "PT", True),
        ("que puto frio", "PT", True),
        ("fiquei puto com isso", "BR", False),
        ("puto", "PT", True),
    ],
)
def test_the_country_decides_on_words_that_are_rude_in_one_only(
    seen: Seen, text: str, region: str | None, clean: bool
) -> None:
    assert (seen(Profanity(), text, Setting(region=region)) == []) is clean
