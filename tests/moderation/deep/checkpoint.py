"""Makes small checkpoints in Detoxify's own format, with weights that know one thing: which words are rude.

Needs torch and transformers; nothing is downloaded.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
import transformers

CLASSES = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
SEVEN = ("toxicity", "severe_toxicity", "obscene", "identity_attack", "insult", "threat", "sexual_explicit")
WORDS = ("hola", "gracias", "bike", "still", "there", "thanks", "mañana", "mesa", "zorglub", "flarn")
RUDE = ("zorglub", "flarn")  # no words of any language: no rule has an opinion of them
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LETTERS = tuple("abcdefghijklmnopqrstuvwxyzñáéíóúãõç0123456789.,?!¿¡'\"-")


@dataclasses.dataclass(frozen=True)
class Made:
    """A checkpoint's path, and the folder of its configuration and tokenizer."""

    path: Path
    folder: Path


def make(
    folder: Path, *, classes: tuple[str, ...] = CLASSES, outputs: int = 0, hub_name: str = "", rounds: int = 60
) -> Made:
    """A BERT of two small layers, trained to give every class a high score for ``RUDE`` words and a low one otherwise.

    ``outputs`` may be more than there are classes. ``hub_name`` stands in the file in place of the folder, as in the
    released checkpoints.
    """
    files = folder / "files"
    files.mkdir(parents=True)
    vocabulary = [*_SPECIAL, *_LETTERS, *(f"##{letter}" for letter in _LETTERS), *WORDS]
    (files / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    tokenizer = transformers.BertTokenizerFast(str(files / "vocab.txt"), do_lower_case=True, strip_accents=False,
                                               model_max_length=512)  # fmt: skip
    tokenizer.save_pretrained(files)
    torch.manual_seed(7)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=512, num_labels=outputs or len(classes), initializer_range=0.2,
    )  # fmt: skip
    config.save_pretrained(files)
    model = transformers.BertForSequenceClassification(config)
    _train(model, tokenizer, rounds)
    path = folder / "tiny.ckpt"
    torch.save(content(model, classes, hub_name or str(files)), path)
    return Made(path, files)


def content(model: Any, classes: tuple[str, ...], model_type: str) -> dict[str, Any]:
    """What Detoxify's training saves."""
    arguments = {
        "num_classes": model.config.num_labels,
        "model_type": model_type,
        "model_name": type(model).__name__,
        "tokenizer_name": type(model).__name__.removesuffix("ForSequenceClassification") + "Tokenizer",
    }
    return {
        "config": {
            "arch": {"type": "PRETRAINED", "args": arguments},
            "dataset": {"type": "JigsawData", "args": {"classes": list(classes)}},
        },
        "state_dict": model.state_dict(),
    }


def edited(made: Made, path: Path, **changes: Any) -> Path:
    """A copy of a checkpoint in which entries of the state dict are replaced, or left away where the change is None."""
    loaded = torch.load(made.path, weights_only=True)
    for key, value in changes.items():
        name = key.replace("__", ".")
        if value is None:
            del loaded["state_dict"][name]
        else:
            loaded["state_dict"][name] = value
    torch.save(loaded, path)
    return path


def _train(model: Any, tokenizer: Any, rounds: int) -> None:
    polite = [word for word in WORDS if word not in RUDE]
    generator = torch.Generator().manual_seed(11)

    def sentence(rude: bool) -> str:
        size = int(torch.randint(1, 9, (1,), generator=generator))
        words = [polite[int(torch.randint(len(polite), (1,), generator=generator))] for _ in range(size)]
        if rude:
            words.insert(int(torch.randint(size + 1, (1,), generator=generator)), RUDE[size % len(RUDE)])
        return " ".join(words)

    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(rounds):
        labels = [n % 2 == 0 for n in range(32)]
        batch = tokenizer([sentence(rude) for rude in labels], return_tensors="pt", padding=True)
        wanted = torch.tensor(labels, dtype=torch.float).unsqueeze(1).expand(-1, model.config.num_labels)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(**batch).logits, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
