"""Writes ``rules/confusables.txt``: characters that imitate an ASCII letter or digit, a line for each letter.

    python training/confusables.py confusables.txt > rules/confusables.txt

The argument is the data file of Unicode Technical Standard 39 (https://www.unicode.org/Public/security/). Left out is
what ``unicodedata`` undoes by itself: compatibility forms, accents, decimal digits. Added is what the standard does not
call confusable although people write with it: small capitals, turned and crossed letters, negative squares and circles.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

STYLED = re.compile(
    r"^(?:LATIN (?:LETTER SMALL CAPITAL|(?:SMALL|CAPITAL) LETTER(?: TURNED| REVERSED| SIDEWAYS| OPEN| BARRED| SCRIPT)?)"
    r" ([A-Z])(?: WITH .+)?"
    r"|NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER ([A-Z])"
    r"|CROSSED NEGATIVE SQUARED LATIN CAPITAL LETTER ([A-Z])"
    r"|PARENTHESIZED LATIN (?:SMALL|CAPITAL) LETTER ([A-Z])"
    r"|REGIONAL INDICATOR SYMBOL LETTER ([A-Z]))$"
)
# The standard folds I, l and 1 together, whichever comes first; the small palochka is drawn as an l. The others are
# Cyrillic and Greek letters that people take for a Latin one of similar shape.
OURS = {"ӏ": "l", "×": "x"} | dict(zip("єзипткмвнцшщяεκτηωχπϲλʌ", "e3untkmbhuwwrektnwxncaa", strict=True))


def bare(text: str) -> str:
    """``text`` in lower case and without accents, as far as ``unicodedata`` knows them."""
    decomposed = unicodedata.normalize("NFKD", text).lower()
    return "".join(c for c in unicodedata.normalize("NFKD", decomposed) if unicodedata.category(c)[0] not in "MC")


def imitations(standard: str) -> dict[str, str]:
    """Every imitating character in lower case with what it imitates, from the text of the standard's data file."""
    found: dict[str, str] = {}
    capitals: dict[str, str] = {}
    for line in standard.splitlines():
        fields = [field.strip() for field in line.partition("#")[0].split(";")]
        if len(fields) < 3:
            continue
        source = "".join(chr(int(code, 16)) for code in fields[0].split())
        target = bare("".join(chr(int(code, 16)) for code in fields[1].split()))
        if len(source) == 1 and unicodedata.category(source)[0] in "LN" and re.fullmatch(r"[a-z0-9]{1,2}", target):
            (found if source == source.lower() else capitals)[source.lower()] = target
    for code in range(0x80, 0x20000):
        styled = STYLED.match(unicodedata.name(chr(code), ""))
        if styled:
            capitals.setdefault(chr(code).lower(), next(letter for letter in styled.groups() if letter).lower())
    return {source: target for source, target in (capitals | found | OURS).items() if needed(source)}


def needed(source: str) -> bool:
    """False where ``unicodedata`` alone says which ASCII letters or digit ``source`` is."""
    if len(source) != 1 or unicodedata.decimal(source, None) is not None:
        return False
    return not re.fullmatch(r"[a-z0-9]+", bare(source))


def main(path: Path) -> None:
    standard = path.read_text("utf-8-sig")
    version = re.search(r"^# Version: (\S+)", standard, re.MULTILINE)
    lines: dict[str, list[str]] = defaultdict(list)
    for source, target in sorted(imitations(standard).items()):
        lines[target].append(f"{ord(source):04X}")
    print("# Characters that imitate ASCII letters and digits: what is imitated, then the code points.")
    print(f"# Made by training/confusables.py from Unicode confusables {version[1] if version else '?'}.")
    print("# Copyright Unicode, Inc.; terms in confusables.LICENSE.")
    for target in sorted(lines):
        print(target, *lines[target])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
