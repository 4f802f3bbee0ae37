"""Payment past the platform: wallets between persons, cash on the side, account and card numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rules.cues import Cues, read
from rules.offer import Offers
from rules.text import Folded
from rules.types import Category, Finding, Setting

# Length of an IBAN by country (ISO 13616 registry), for the countries whose accounts turn up.
IBAN_LENGTHS = {
    "es": 24,
    "pt": 25,
    "gb": 22,
    "fr": 27,
    "de": 22,
    "it": 27,
    "nl": 18,
    "be": 16,
    "ie": 22,
    "lt": 20,
    "br": 29,
    "ch": 21,
    "at": 20,
    "ro": 24,
    "pl": 28,
    "lu": 20,
    "mt": 31,
    "ee": 20,
    "lv": 21,
    "ad": 24,
    "gi": 23,
}

_LEADS = ("give", "wallet_asked")
_GOODS = frozenset({"goods"})
_ASKED = _GOODS | {"asking"}
_EXCUSES = {"purse": _ASKED, "pix": _ASKED, "bank": _GOODS, "cash": _ASKED, "aside": _GOODS}
_CHECKOUT = ("purse", "pix", "bank", "cash", "wallet", "asked", "rail-saving", "rail-around", "rail-asked-for", "cut")
_OFFERS = Offers("payment", Category.OFF_PLATFORM_PAYMENT, _LEADS, _EXCUSES, _CHECKOUT)
_IBAN = re.compile(r"(?<![a-z0-9])([a-z]{2})[ -]?([0-9]{2})((?:[ .-]?[a-z0-9]){11,30})(?![a-z0-9])")
_CARD = re.compile(r"(?<![0-9a-z.,-])(?:[0-9][ -]?){12,18}[0-9](?![0-9a-z-])")
_ACCOUNT = re.compile(
    r"(?<!\d)(?:\d{2}-\d{2}-\d{2}\s{1,3}(?:[a-z. :]{0,20})\d{8}"  # British sort code and account
    r"|\d{3}\.\d{3}\.\d{3}-\d{2}"  # CPF, as a Pix key
    r"|\d{4}[ -]\d{4}[ -]\d{2}[ -]\d{10}"  # Spanish CCC
    r"|\d{18}|\d{22})(?!\d)"  # Mexican CLABE, Argentine CBU
)
SHORTEST_ACCOUNT = 10  # figures


class Payment:
    """Attempts to pay or be paid elsewhere. A refusal of the same ("nothing off the app") is none."""

    name = "payment"

    def find(self, text: Folded, setting: Setting) -> Sequence[Finding]:
        """See ``rules.types.Rule``."""
        found = _OFFERS.find(text, setting)
        if text.figures >= SHORTEST_ACCOUNT:
            found += self._accounts(text, read(text))
        return found

    def _accounts(self, text: Folded, cues: Cues) -> Iterator[Finding]:
        plain = text.plain
        for match in _IBAN.finditer(plain):
            number = re.sub(r"[^a-z0-9]", "", match[0])
            number = number[: IBAN_LENGTHS.get(match[1], 0)]
            if len(number) < IBAN_LENGTHS.get(match[1], 99) or sum(c.isdigit() for c in number) < 10:
                continue
            good = valid_iban(number)
            if (good or "rail" in cues) and not cues.refused(*match.span()):
                yield Finding(
                    Category.OFF_PLATFORM_PAYMENT,
                    0.95 if good else 0.8,
                    *text.span(*match.span()),
                    f"payment:iban/{match[1].upper()}",
                )
        for match in _CARD.finditer(plain):
            number = re.sub(r"\D", "", match[0])
            if (
                valid_card(number)
                and "identifier" not in cues
                or valid_card(number)
                and _said_card(plain, match.start())
            ):
                yield Finding(Category.OFF_PLATFORM_PAYMENT, 0.8, *text.span(*match.span()), "payment:card")
        if "rail" in cues or "wallet" in cues or "own" in cues or "key" in cues:
            for match in _ACCOUNT.finditer(plain):
                if not cues.refused(*match.span()):
                    yield Finding(Category.OFF_PLATFORM_PAYMENT, 0.85, *text.span(*match.span()), "payment:account")


def _said_card(plain: str, start: int) -> bool:
    return bool(re.search(r"card|tarjeta|cartao|visa|master|amex", plain[max(0, start - 40) : start]))


def valid_iban(number: str) -> bool:
    """Whether the check digits of an IBAN hold (ISO 7064, modulus 97). ``number``: lower case, no separators."""
    return int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1


def valid_card(number: str) -> bool:
    """Whether ``number`` (13 to 19 digits) begins as payment cards do and fulfils the Luhn formula."""
    if not re.match(r"4|5[1-5]|2[2-7]|3[47]|6011|65|30[0-5]|36|38|1800|2131|35", number) or len(number) not in (
        13,
        14,
        15,
        16,
        19,
    ):
        return False
    total = 0
    for place, figure in enumerate(reversed(number)):
        value = int(figure) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
