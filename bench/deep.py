"""What the deep tier makes of a second of processor time, beside Detoxify called one text at a time, in one run.

`python -m bench.deep`. Weights are random and of full size, made on the spot: speed does not depend on what they know.
Needs `pip install 'tertulia[detoxify]'`; nothing is downloaded.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import click
import msgspec

from bench import cpu
from bench.texts import LANGUAGES, messages
from moderation.deep.tier import Deep, detoxify

AIM = 6.0  # times as many messages a second of processor time
MODELS = ("original", "multilingual")
VOCABULARY = 8_000  # words that the tokenizer knows; the model has rows for all of the original's


class Round(msgspec.Struct, frozen=True):
    """Milliseconds of processor time for a message: the tier's, and Detoxify's one by one."""

    ours_ms: float
    theirs_ms: float

    @property
    def ratio(self) -> float:
        return self.theirs_ms / self.ours_ms


@click.command(help=__doc__)
@click.option("--model", "models", type=click.Choice(MODELS), multiple=True, help="Only this one; may be given again.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--ours", default=192, show_default=True, help="Messages a round for the tier.")
@click.option("--theirs", default=16, show_default=True, help="Messages a round for Detoxify.")
def main(models: tuple[str, ...], rounds: int, ours: int, theirs: int) -> None:
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    for model in models or MODELS:
        with tempfile.TemporaryDirectory(prefix="tertulia-deep-") as folder:
            path = _full_size(model, Path(folder))
            for kind, texts in (("one sentence", _sentences(seed=5)), ("about 220 characters", messages(seed=5))):
                asyncio.run(_compare(model, kind, path, Path(folder), texts, rounds, ours, theirs))


async def _compare(
    model: str, kind: str, path: Path, folder: Path, texts: Iterator[str], rounds: int, ours: int, theirs: int
) -> None:
    import torch
    from detoxify import Detoxify

    # As many threads as the tier has: more would cost Detoxify more processor time for a message, not less.
    torch.set_num_threads(1)
    peer = Detoxify(checkpoint=str(path), device="cpu", huggingface_config_path=None)
    deep = Deep(detoxify(str(path), str(folder)))
    deep.start()
    while deep.state != "ready":
        if deep.state == "absent":
            raise click.ClickException(deep.problem)
        await asyncio.sleep(0.1)
    try:
        await _score(deep, list(islice(texts, 16)))
        peer.predict(next(texts))
        found = []
        for _ in range(rounds):
            mine, other = list(islice(texts, ours)), list(islice(texts, theirs))
            before = cpu.of_process(deep.pid)
            began = time.perf_counter()
            await _score(deep, mine)
            wall = time.perf_counter() - began
            spent = (cpu.of_process(deep.pid) - before) / 1e3 / ours
            began_cpu = time.process_time()
            for text in other:
                peer.predict(text)
            found.append(Round(spent, (time.process_time() - began_cpu) * 1e3 / theirs))
            tokens = sum(len(ids) for ids in peer.tokenizer(mine)["input_ids"]) / ours
            click.echo(
                f"{model}, {kind} ({tokens:.0f} tokens): tier {spent:.1f} ms of CPU a message ({ours / wall:.0f} messages/s), "
                f"Detoxify {found[-1].theirs_ms:.1f} ms, {found[-1].ratio:.1f} times"
            )
        middle = median(each.ratio for each in found)
        click.echo(f"{model}, {kind}: {middle:.1f} times as many messages per CPU second; aim {AIM:g}: "
                   f"{'met' if middle >= AIM else 'missed'}")  # fmt: skip
    finally:
        await deep.close()


async def _score(deep: Deep, texts: Sequence[str]) -> None:
    answers = await asyncio.gather(*(deep.scores(text, 600) for text in texts))
    if not all(isinstance(answer, dict) for answer in answers):
        raise click.ClickException("the tier did not score everything")


def _sentences(seed: int) -> Iterator[str]:
    """Messages of one sentence, as most of a chat is; no two alike, or the tier's memory would be measured."""
    words = tomllib.loads((Path(__file__).parent / "texts.toml").read_text(encoding="utf-8"))
    chance = random.Random(seed)
    seen: set[str] = set()
    while True:
        own = words[chance.choice(LANGUAGES)]
        slots = {slot: chance.choice(own[slot]) for slot in ("thing", "place", "day", "price", "hour")}
        slots |= {"order": str(chance.randrange(10_000, 100_000)), "name": chance.choice(words["names"])}
        text = chance.choice(own["sentences"]).format_map(slots)
        text = text if text not in seen else f"{text} {chance.randrange(1_000)}"
        seen.add(text)
        yield text


def _full_size(model: str, folder: Path) -> Path:
    """A checkpoint of BERT base (``original``) or XLM-RoBERTa base (``multilingual``) with random weights."""
    import torch
    import transformers

    torch.manual_seed(0)
    made: Any
    if model == "original":
        config = transformers.BertConfig(num_labels=6)
        made, name = transformers.BertForSequenceClassification(config), "Bert"
    else:
        config = transformers.XLMRobertaConfig(
            vocab_size=250_002, max_position_embeddings=514, type_vocab_size=1, num_labels=16, layer_norm_eps=1e-5
        )
        made, name = transformers.XLMRobertaForSequenceClassification(config), "XLMRoberta"
    config.save_pretrained(folder)
    # A WordPiece vocabulary of the words that the texts have: about as many tokens a word as the originals' make.
    (folder / "vocab.txt").write_text("\n".join(_vocabulary()) + "\n", encoding="utf-8")
    transformers.BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=512).save_pretrained(folder)
    classes = [f"class_{n}" for n in range(6 if model == "original" else 7)]
    arguments = {
        "num_classes": config.num_labels, "model_type": str(folder), "tokenizer_name": "BertTokenizer",
        "model_name": f"{name}ForSequenceClassification",
    }  # fmt: skip
    path = folder / f"{model}.ckpt"
    torch.save(
        {
            "config": {"arch": {"args": arguments}, "dataset": {"args": {"classes": classes}}},
            "state_dict": made.state_dict(),
        },
        path,
    )
    return path


def _vocabulary() -> list[str]:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,;:?!¿¡'\"-€$£()"
    words: dict[str, int] = {}
    for text in islice(messages(seed=9), 400):
        for word in text.lower().replace("?", " ").replace(",", " ").replace(".", " ").split():
            words[word] = words.get(word, 0) + 1
    common = sorted(words, key=lambda word: -words[word])[: VOCABULARY // 8]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters), *common]


if __name__ == "__main__":
    main()
