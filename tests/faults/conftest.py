"""What is the same for all tests of faults: one seed, and a timeline that stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.people import Timeline

TIMELINES = Path(__file__).resolve().parents[2] / "var" / "timelines"


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """What all chance in a test comes from: ``--seed``, else 1."""
    given: int = request.config.getoption("--seed")
    return given


@pytest.fixture
def timeline(request: pytest.FixtureRequest, seed: int) -> Iterator[Timeline]:
    """A record of what happens, printed with the seed when the test fails: ``var/timelines/`` has the last one of each test."""
    TIMELINES.mkdir(parents=True, exist_ok=True)
    path = TIMELINES / (re.sub(r"\W+", "-", request.node.name)[:100] + ".jsonl")
    path.unlink(missing_ok=True)
    timeline = Timeline(path, seed)
    yield timeline
    timeline.close()
