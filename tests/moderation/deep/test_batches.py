"""Which texts are scored together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.deep.batches import PADDING, Waiting, pick


def waiting(*lengths: int, urgent: tuple[int, ...] = ()) -> list[Waiting]:
    return [Waiting(n, [0] * length, n in urgent) for n, length in enumerate(lengths)]


@pytest.mark.parametrize(
    ("texts", "most", "picked"),
    [
        (waiting(), 512, []),
        (waiting(10), 512, [0]),
        (waiting(600), 512, [0]),  # longer than a batch, and still judged
        (waiting(10, 11, 10, 12), 512, [0, 1, 2, 3]),
        (waiting(10, 400, 11, 9), 512, [0, 2, 3]),  # nobody is padded to 400
        (waiting(10, 10, 10, 10), 30, [0, 1, 2]),
        (waiting(10, 400, 11, urgent=(1,)), 512, [1]),  # who is waited for goes first
        (waiting(10, 30, 31, 10, urgent=(2,)), 512, [1, 2]),
        (waiting(20, 20, 20, urgent=(2,)), 40, [0, 2]),
        (waiting(20, 20, 20, urgent=(1, 2)), 40, [1, 2]),
    ],
)
def test_texts_of_like_length_go_together(texts: list[Waiting], most: int, picked: list[int]) -> None:
    assert sorted(pick(texts, most)) == picked


@given(st.lists(st.tuples(st.integers(1, 512), st.booleans()), min_size=1, max_size=80), st.integers(1, 2_048))
def test_a_batch_keeps_to_its_size_and_the_first_is_never_passed_over(texts: list[tuple[int, bool]], most: int) -> None:
    queue = [Waiting(n, [0] * length, urgent) for n, (length, urgent) in enumerate(texts)]
    picked = pick(queue, most)
    assert len(set(picked)) == len(picked)
    assert next((n for n, one in enumerate(queue) if one.urgent), 0) in picked
    lengths = [len(queue[n].tokens) for n in picked]
    padded = max(lengths) * len(lengths)
    assert padded <= most or len(picked) == 1
    assert padded * (1 - PADDING) <= sum(lengths) + 1e-9


@given(st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=60))
def test_everybody_has_a_turn(texts: list[tuple[int, bool]]) -> None:
    queue = [Waiting(n, [0] * length, urgent) for n, (length, urgent) in enumerate(texts)]
    served: list[int] = []
    while queue:
        picked = set(pick(queue, 128))
        served += [one.id for n, one in enumerate(queue) if n in picked]
        queue = [one for n, one in enumerate(queue) if n not in picked]
    assert sorted(served) == list(range(len(texts)))
