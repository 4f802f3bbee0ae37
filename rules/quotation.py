"""Words that somebody only passes on: what is quoted as another's is no deed of the one who tells of it.

"He told me 'I'll break your face', what can I do?" asks for help.
"""

from __future__ import annotations

import re

from rules.text import Folded

_OPENING = "\"'\u201c\u2018\u00ab\u201e"
# "told me", "me dijo", "foi o que me chamou": somebody else to the author, in the past.
_SAID = re.compile(
    r"\b(?:(?:told|called|texted|wrote|messaged|threatened|said to|shouted at|yelled at) (?:me|us)|(?:said|wrote|shouted|yelled)"
    r"|(?:me|nos) (?:dijo|dijeron|dice|llamo|llamaron|grito|gritaron|escribio|puso|amenazo|insulto|solto)"
    r"|(?:me|nos) (?:disse|disseram|falou|falaram|chamou|chamaram|xingou|escreveu|gritou|ameacou|mandou)"
    r"|(?:falou|disse|gritou|escreveu|dijo|grito|chamou-me|disse-me))\b"
)


def reported(text: Folded, start: int) -> bool:
    """Whether a quotation opens at ``start`` of the original text that, as it says, somebody else has spoken."""
    return start > 0 and text.original[start - 1] in _OPENING and _SAID.search(text.plain) is not None


def tells_of_another(text: Folded) -> bool:
    """Whether anything in ``text`` is a quotation of somebody else."""
    return any(mark in text.original for mark in _OPENING if mark != "'") and _SAID.search(text.plain) is not None
