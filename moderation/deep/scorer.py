"""Scores of texts: a loaded model, made quick for the machine it runs on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch

from moderation.deep.checkpoint import Loaded

# Beyond this a CPU gains nothing from a larger batch: its caches are full, and the one who waits waits longer.
CPU_TOKENS, CPU_WINDOW = 512, 64
GPU_TOKENS, GPU_WINDOW = 32_768, 1_024


class Scorer:
    """A model on its device: dynamic int8 on a CPU, bfloat16 on a GPU.

    bfloat16 on a CPU is slower than float32 where the processor has no instructions for it, and slower than int8 anywhere.
    """

    def __init__(self, loaded: Loaded, device: str = "") -> None:
        self.names = loaded.classes
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._tokenizer = loaded.tokenizer
        self._longest = loaded.longest
        self._padding = loaded.tokenizer.pad_token_id
        if self.device == "cpu":
            self._model = _quantized(loaded.model)
            self.most_tokens, self.window = CPU_TOKENS, CPU_WINDOW
        else:
            self._model = loaded.model.to(self.device, torch.bfloat16)
            self.most_tokens, self.window = GPU_TOKENS, GPU_WINDOW

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, cut at the longest that the model knows."""
        encoded = self._tokenizer(list(texts), truncation=True, max_length=self._longest, return_attention_mask=False)
        ids: list[list[int]] = encoded["input_ids"]
        return ids

    def scores(self, batch: Sequence[list[int]]) -> list[list[float]]:
        """Scores from 0 to 1, in the order of ``names``, of each text of a batch of token ids."""
        longest = max(map(len, batch))
        ids = torch.full((len(batch), longest), self._padding, dtype=torch.long)
        mask = torch.zeros((len(batch), longest), dtype=torch.long)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = torch.tensor(tokens, dtype=torch.long)
            mask[row, : len(tokens)] = 1
        # Without a mask the model takes a quicker way through its attention.
        attention = None if bool(mask.all()) else mask.to(self.device)
        with torch.inference_mode():
            logits = self._model(input_ids=ids.to(self.device), attention_mask=attention).logits
        found: list[list[float]] = torch.sigmoid(logits.float())[:, : len(self.names)].cpu().tolist()
        return found


def _quantized(model: torch.nn.Module) -> torch.nn.Module:
    # oneDNN knows more of the processor's instructions than the default; not every build has it.
    if "onednn" in torch.backends.quantized.supported_engines:
        torch.backends.quantized.engine = "onednn"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quick: torch.nn.Module = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
    return quick
