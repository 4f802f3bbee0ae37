"""Scores of a real model, in batches, in int8, and from a real process."""

from __future__ import annotations

import asyncio
import math
import os
import signal
from pathlib import Path

import pytest
import torch

from moderation.deep.checkpoint import load
from moderation.deep.scorer import Scorer
from moderation.deep.tier import Deep, Patience, detoxify
from policies.decision import Failing
from tests.moderation.deep.checkpoint import Made, edited, make

torch.set_num_threads(1)
TEXTS = ["hola mesa", "you zorglub", "gracias " * 30, "a flarn thing there", "¿sigue ahí?", "hola " * 600 + "zorglub"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A checkpoint that knows rude words."""
    return make(tmp_path_factory.mktemp("made"))


def test_int8_says_the_same_as_the_plain_model(made: Made) -> None:
    loaded = load(str(made.path))
    scorer = Scorer(loaded, "cpu")
    for ids in scorer.tokens(TEXTS):
        with torch.inference_mode():
            plain = torch.sigmoid(load(str(made.path)).model(input_ids=torch.tensor([ids])).logits)[0].tolist()
        assert scorer.scores([ids])[0] == pytest.approx(plain, abs=0.03)


def test_the_company_of_others_does_not_change_a_score(made: Made) -> None:
    scorer = Scorer(load(str(made.path)), "cpu")
    ids = scorer.tokens(TEXTS[:5])
    alone = [scorer.scores([one])[0] for one in ids]
    for together, single in zip(scorer.scores(ids), alone, strict=True):
        assert together == pytest.approx(single, abs=0.03)


def test_what_stands_behind_the_longest_is_cut(made: Made) -> None:
    scorer = Scorer(load(str(made.path)), "cpu")
    assert [len(ids) for ids in scorer.tokens(["hola " * 600, ""])] == [512, 2]
    assert scorer.scores(scorer.tokens(TEXTS[5:]))[0][0] < 0.5


async def _ready(deep: Deep) -> None:
    deep.start()
    async with asyncio.timeout(100):
        while deep.state not in ("ready", "absent"):  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.05)
    assert deep.state == "ready", deep.problem


async def test_a_process_loads_scores_dies_and_comes_back(made: Made, tmp_path: Path) -> None:
    named = edited(made, tmp_path / "named.ckpt")
    deep = Deep(detoxify(str(named), str(made.folder)), patience=Patience(pause=0.05))
    try:
        await _ready(deep)
        answers = await asyncio.gather(*(deep.scores(text, 30) for text in TEXTS))
        rude = [not isinstance(answer, Failing) and answer["detoxify.toxicity"] > 0.9 for answer in answers]
        assert rude == [False, True, False, True, False, False]
        os.kill(deep.pid, signal.SIGKILL)
        late: list[object] = []
        deep.later("otra zorglub", late.append)
        async with asyncio.timeout(100):
            while not late:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert deep.counts.restarts == 1
    finally:
        await deep.close()


async def test_a_model_that_gives_no_number_is_nan(made: Made, tmp_path: Path) -> None:
    path = edited(made, tmp_path / "nan.ckpt", classifier__bias=torch.full((6,), math.nan))
    deep = Deep(detoxify(str(path), str(made.folder)))
    try:
        await _ready(deep)
        assert await deep.scores("hola", 30) is Failing.NAN
    finally:
        await deep.close()


async def test_a_checkpoint_without_its_head_is_absent_and_says_why(made: Made, tmp_path: Path) -> None:
    path = edited(made, tmp_path / "headless.ckpt", classifier__weight=None)
    deep = Deep(detoxify(str(path), str(made.folder)))
    deep.start()
    try:
        async with asyncio.timeout(100):
            while deep.state == "loading":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert deep.state == "absent"
        assert "lacks weights: classifier.weight" in deep.problem
    finally:
        await deep.close()
