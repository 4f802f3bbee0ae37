"""What the tests of rules share: one way to ask a rule about a text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rules.text import fold
from rules.types import Finding, Rule, Setting


@pytest.fixture
def seen() -> Callable[..., list[tuple[str, str]]]:
    """What a rule finds in a text, as pairs of category and the words it points at."""

    def find(rule: Rule, text: str, setting: Setting | None = None) -> list[tuple[str, str]]:
        findings: list[Finding] = list(rule.find(fold(text), setting or Setting()))
        return [(finding.category.value, text[finding.start : finding.end]) for finding in findings]

    return find
