"""Loading a model in Detoxify's checkpoint format, without Detoxify's traps.

The format, as Detoxify 0.5 reads it: ``{"config": {"arch": {"args": {...}}, "dataset": {"args": {"classes": [...]}}},
"state_dict": {...}}``. Detoxify itself unpickles whatever the file holds, asks the hub for a configuration even where a
folder was given, and puts a random head in the place of a missing one. Here each of that is an error or not done.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import re
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import torch
import transformers
from transformers.utils.hub import is_offline_mode

NAMES = ("original", "unbiased", "multilingual")
# Detoxify's names of the same classes in its older models.
RENAMED = {"toxic": "toxicity", "severe_toxic": "severe_toxicity", "identity_hate": "identity_attack"}
# A checkpoint names classes of the transformers library; no others are made for it.
MODELS = {f"{family}ForSequenceClassification" for family in ("Bert", "Roberta", "XLMRoberta", "Albert")}
TOKENIZERS = {
    f"{family}Tokenizer{fast}" for family in ("Bert", "Roberta", "XLMRoberta", "Albert") for fast in ("", "Fast")
}
LONGEST = 512  # tokens; more was never seen in training

log = logging.getLogger(__name__)


class CheckpointError(ValueError):
    """A model that cannot be loaded."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class Architecture(msgspec.Struct, frozen=True):
    """What a checkpoint says of its model: ``model_type`` is a name on the hub or a folder."""

    num_classes: int
    model_type: str
    model_name: str
    tokenizer_name: str


class Checkpoint(msgspec.Struct, frozen=True):
    """A file's content. ``classes`` may be fewer than the model's outputs: the first ones are theirs."""

    path: str
    architecture: Architecture
    classes: tuple[str, ...]
    state: dict[str, Any]


class Loaded(msgspec.Struct, frozen=True):
    """A model and its tokenizer, ready to score. Texts are cut at ``longest`` tokens."""

    model: Any
    tokenizer: Any
    classes: tuple[str, ...]
    longest: int


def load(source: str, folder: str = "") -> Loaded:
    """The model of ``source``: one of ``NAMES``, or a checkpoint's path.

    ``folder`` holds ``config.json`` and the tokenizer; with it, or with ``HF_HUB_OFFLINE=1``, nothing is asked of the
    network for them. Raises CheckpointError.
    """
    if source in NAMES:
        path = _released(source)
        return build(read(path, trusted=_has_its_hash(path)), folder)
    return build(read(Path(source)), folder)


def read(path: Path, *, trusted: bool = False) -> Checkpoint:
    """The content of a checkpoint file. Only tensors and plain values are unpickled, unless the file is ``trusted``.

    Raises CheckpointError.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that it then refuses
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as problem:
        if not trusted:
            raise CheckpointError(
                str(path), "is no checkpoint, or holds more than tensors and plain values; nothing in it was run"
            ) from problem
        log.warning("%s holds more than tensors and plain values; loaded because it is a released file", path.name)
        content = torch.load(path, map_location="cpu", weights_only=False)
    except FileNotFoundError:
        raise CheckpointError(str(path), "is not there") from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as problem:
        raise CheckpointError(str(path), f"is no checkpoint ({type(problem).__name__})") from problem
    try:
        arguments = content["config"]["arch"]["args"]
        classes = tuple(RENAMED.get(name, name) for name in content["config"]["dataset"]["args"]["classes"])
        architecture = msgspec.convert(arguments, Architecture)
        state = dict(content["state_dict"])
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as problem:
        raise CheckpointError(str(path), f"is no checkpoint of Detoxify: {problem}") from problem
    if not classes or len(set(classes)) < len(classes) or len(classes) > architecture.num_classes:
        raise CheckpointError(str(path), f"names {len(classes)} classes for {architecture.num_classes} outputs")
    return Checkpoint(str(path), architecture, classes, state)


def build(checkpoint: Checkpoint, folder: str = "") -> Loaded:
    """The model with the weights of a checkpoint, all of them. Raises CheckpointError."""
    architecture = checkpoint.architecture
    if architecture.model_name not in MODELS or architecture.tokenizer_name not in TOKENIZERS:
        names = f"{architecture.model_name} and {architecture.tokenizer_name}"
        raise CheckpointError(checkpoint.path, f"is of a kind that is not known here: {names}")
    source = folder or architecture.model_type
    alone = bool(folder) or os.path.isdir(source)
    model_class = getattr(transformers, architecture.model_name)
    tokenizer_class = getattr(transformers, architecture.tokenizer_name)
    try:
        config = model_class.config_class.from_pretrained(
            source, num_labels=architecture.num_classes, local_files_only=alone
        )
        tokenizer = tokenizer_class.from_pretrained(source, local_files_only=alone)
    except (OSError, ValueError) as problem:
        raise CheckpointError(
            checkpoint.path,
            f"needs the configuration and tokenizer of {source!r}, which cannot be had: give their folder",
        ) from problem
    return Loaded(_filled(model_class, config, checkpoint), tokenizer, checkpoint.classes, _longest(config, tokenizer))


def _filled(model_class: Any, config: Any, checkpoint: Checkpoint) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model, told = model_class.from_pretrained(
                None, config=config, state_dict=checkpoint.state, output_loading_info=True
            )
    except RuntimeError as problem:
        raise CheckpointError(checkpoint.path, "has weights of other shapes than its configuration") from problem
    missing = sorted(told["missing_keys"])
    if missing:
        # Loaded all the same they would be random, and so would every score.
        raise CheckpointError(checkpoint.path, f"lacks weights: {', '.join(missing[:3])}, {len(missing)} in all")
    if told["mismatched_keys"]:
        raise CheckpointError(checkpoint.path, "has weights of other shapes than its configuration")
    return model.float().eval()


def _longest(config: Any, tokenizer: Any) -> int:
    # RoBERTa counts positions from behind the padding's id, so that two of its 514 are not there for tokens.
    positions = int(config.max_position_embeddings)
    if "roberta" in config.model_type:
        positions -= int(config.pad_token_id) + 1
    return min(positions, int(tokenizer.model_max_length), LONGEST)


def _released(name: str) -> Path:
    """A released checkpoint, from the cache or from where Detoxify publishes it."""
    from detoxify.detoxify import MODEL_URLS

    url = MODEL_URLS[name]
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(url).path).name
    if path.exists():
        return path
    if is_offline_mode():
        raise CheckpointError(str(path), "is not in the cache, and the network is off (HF_HUB_OFFLINE)")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(url, str(path), hash_prefix=_hash_in(path), progress=False)
    except (OSError, RuntimeError) as problem:
        raise CheckpointError(str(path), f"cannot be downloaded from {url} ({type(problem).__name__})") from problem
    return path


def _has_its_hash(path: Path) -> bool:
    """Whether a released file is what was released: its name ends with the beginning of its SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(_hash_in(path))


def _hash_in(path: Path) -> str:
    found = re.search(r"-([0-9a-f]{8,})$", path.stem)
    if found is None:
        raise CheckpointError(str(path), "has no hash in its name")
    return found[1]
