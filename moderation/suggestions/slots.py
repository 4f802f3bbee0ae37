"""Prices, dates, times, order numbers and places that a conversation has named, as a reply may repeat them.

A slot is filled only where exactly one thing could be meant: between "at 6" and "rather at 8" nobody guesses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

PRICE, DATE, TIME, ORDER, PLACE = "price", "date", "time", "order", "place"
SLOTS = frozenset({PRICE, DATE, TIME, ORDER, PLACE})
SLOT = re.compile(r"\{(\w+)\}")
LONGEST_READ = 600  # characters of a message that are searched

_NUMBER = r"\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_CURRENCY = r"€|\$|£|euros?|eur|pesos?|d[oó]lares|dollars?|bucks?|quid|pounds?|reais|mil pesos|mil|usd|gbp"
_PRICES = re.compile(
    rf"(?<![\w.,])(?:(?:R\$|US\$|[€$£])\s?(?:{_NUMBER})|(?:{_NUMBER})\s?(?:{_CURRENCY})(?!\w))", re.IGNORECASE
)
_BARE_NUMBERS = re.compile(r"(?<![\w.,:#/])(?:\d{1,3}(?:[.,]\d{3})+|\d{2,6}(?:[.,]\d{1,2})?)(?![\w:/]|[.,]\d)")

_CLOCK = r"\d{1,2}(?:[:.h]\d{2})?"
_HALF = r"(?: y (?:media|cuarto)| e meia)?"
_DIGITAL = r"\b\d{1,2}:\d{2}\b"
_TIMES = {
    lang: re.compile(f"{pattern}|{_DIGITAL}", re.IGNORECASE)
    for lang, pattern in {
        "es": rf"\b(?:a|sobre) las? {_CLOCK}{_HALF}(?: ?(?:am|pm|h|hs|hrs))?(?!\w)|\b\d{{1,2}}(?::\d{{2}})? ?(?:am|pm)\b",
        "en": r"\b\d{1,2}(?::\d{2})? ?(?:am|pm|o'clock)\b|(?<=\bat )\d{1,2}(?::\d{2})?(?![\w%€$£])",
        "pt": rf"\b[àa]s {_CLOCK}{_HALF}(?: ?(?:h|hs|hrs|horas))?(?!\w)|\b\d{{1,2}}h(?:\d{{2}})?\b",
    }.items()
}

_DAYS = {
    "es": {
        "hoy": "hoy", "pasado manana": "pasado mañana", "manana": "mañana", "lunes": "el lunes", "martes": "el martes",
        "miercoles": "el miércoles", "jueves": "el jueves", "viernes": "el viernes", "sabado": "el sábado",
        "domingo": "el domingo",
    },
    "en": {
        "today": "today", "tonight": "tonight", "tomorrow": "tomorrow", "monday": "Monday", "tuesday": "Tuesday",
        "wednesday": "Wednesday", "thursday": "Thursday", "friday": "Friday", "saturday": "Saturday",
        "sunday": "Sunday",
    },
    "pt": {
        "hoje": "hoje", "depois de amanha": "depois de amanhã", "amanha": "amanhã", "segunda": "segunda-feira",
        "terca": "terça-feira", "quarta": "quarta-feira", "quinta": "quinta-feira", "sexta": "sexta-feira",
        "sabado": "sábado", "domingo": "domingo",
    },
}  # fmt: skip
# "por la mañana" is a part of the day, "segunda mão" second hand.
_NO_DAY = re.compile(r"\b(?:de|por|en|a) la manana\b|\bsegunda (?:mao|quinzena|vez|via)\b|\bquarta vez\b")
_CALENDAR = re.compile(r"(?<![\d/])\d{1,2}/\d{1,2}(?:/\d{2,4})?(?![\d/])")

_ORDERS = re.compile(
    r"(?:#\s?|\b(?:pedido|orden|compra|encomenda|order|ticket)\s*(?:n[.º°o]*\s*|number\s*|num(?:ero)?\s*|#\s?)?)"
    r"([A-Z]{0,3}-?\d{4,12})(?!\w)",
    re.IGNORECASE,
)
_NAME = r"((?:[A-ZÁÉÍÓÚÂÊÔÃÕÑÇ][\w'’-]+)(?: (?:(?:de|del|da|do|la|las|los|el) )?[A-ZÁÉÍÓÚÂÊÔÃÕÑÇ][\w'’-]+){0,3})"
_PLACES = {
    "es": re.compile(rf"\b(?:estoy|vivo|estamos|queda|soy|es) (?:en|de|por) (?:la zona de |el barrio de )?{_NAME}"),
    "en": re.compile(rf"\b(?:I'm|I am|we're|live|based|located|it's) (?:in|at|near) {_NAME}"),
    "pt": re.compile(rf"\b(?:estou|moro|fica|ficamos|tô|sou|é) (?:em|no|na|de) (?:bairro d[eoa] )?{_NAME}"),
}


def found(text: str, lang: str) -> dict[str, str]:
    """What a message names, by slot, in the words that a reply would use."""
    text = text[:LONGEST_READ]
    candidates = {
        PRICE: _distinct(_PRICES.findall(text)),
        DATE: _dates(text, lang),
        TIME: _distinct(_TIMES[lang].findall(text)) if lang in _TIMES else [],
        ORDER: _distinct(_ORDERS.findall(text)),
        PLACE: _distinct(_PLACES[lang].findall(text)) if lang in _PLACES else [],
    }
    return {slot: named[0] for slot, named in candidates.items() if len(named) == 1}


def offered_price(text: str) -> str | None:
    """The one amount of an offer, with or without its currency: "I'd give you 40" names a price."""
    priced = _distinct(_PRICES.findall(text[:LONGEST_READ]))
    if priced:
        return priced[0] if len(priced) == 1 else None
    bare = _distinct(_BARE_NUMBERS.findall(text[:LONGEST_READ]))
    return bare[0] if len(bare) == 1 else None


def filled(wording: str, values: Mapping[str, str]) -> str | None:
    """``wording`` with every slot filled, or None where one cannot be."""
    needed = set(SLOT.findall(wording))
    if not needed <= values.keys():
        return None
    return SLOT.sub(lambda slot: values[slot[1]], wording)


def _dates(text: str, lang: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    plain = _NO_DAY.sub(" ", plain)
    named = _CALENDAR.findall(plain)
    for day, wording in _DAYS.get(lang, {}).items():
        if re.search(rf"\b{day}\b", plain):
            plain = re.sub(rf"\b{day}\b", " ", plain)
            named.append(wording)
    return _distinct(named)


def _distinct(named: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(" ".join(one.split()) for one in named))
