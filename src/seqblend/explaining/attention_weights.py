"""Attention weights of a network: of its attention pooling, or of a transformer's blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from seqblend.models.layers import AdditiveAttention, mask_of
from seqblend.models.transformer import Transformer, TransformerBlock, rotate


@torch.no_grad()
def attention_weights(model: nn.Module, tokens: Tensor, lengths: Tensor) -> np.ndarray | None:
    """Attention paid to each token: float32 [b, t], rows sum to 1, padding has 0.

    None without attention, and where a pooling attends to windows instead of tokens or is one of
    several.
    tokens: int64 [b, t], lengths: int64 [b]
    """
    model.eval()
    if isinstance(model, Transformer):
        return attention_rollout(model, tokens, lengths).cpu().numpy()
    pools = [part for part in model.modules() if isinstance(part, AdditiveAttention)]
    if len(pools) != 1:
        return None
    with _recorded_outputs(pools) as outputs:
        model(tokens, lengths)
    weights = outputs[0][1].float().cpu().numpy()
    return weights if weights.shape == tuple(tokens.shape) else None


def attention_rollout(model: Transformer, tokens: Tensor, lengths: Tensor) -> Tensor:
    """Attention of the pooled steps to the tokens through all blocks: float32 [b, t].

    Heads are averaged, and half of each block is its residual connection; the pooling counts by
    its own attention where it has one, else every step alike.
    Source: Abnar & Zuidema 2020, Quantifying attention flow in transformers, equation 1.
    """
    pool = [model.pool.attention] if model.pool.attention is not None else []
    inputs = [block.attention_in for block in model.blocks]
    with _recorded_outputs(inputs) as seen, _recorded_outputs(pool) as pooled:
        model(tokens, lengths)
    mask = mask_of(lengths, tokens.shape[1])  # [b, t]
    weights = pooled[0][1].float() if pooled else mask / lengths[:, None]
    for block, features in zip(reversed(model.blocks), reversed(seen), strict=True):
        through = torch.bmm(weights[:, None], _block_weights(block, features, mask))[:, 0]
        weights = (weights + through) / 2
    return weights


def _block_weights(block: TransformerBlock, features: Tensor, mask: Tensor) -> Tensor:
    """float32 [b, t, t]: the attention of each step (down) to each token, the mean over heads.

    features: [b, t, 3 * d], what the block's attention makes queries, keys and values of
    """
    split = features.float().unflatten(2, (3, block.heads, -1))
    query, key, _ = split.permute(2, 0, 3, 1, 4)  # [b, heads, t, d / heads]
    scores = rotate(query) @ rotate(key).transpose(2, 3) / query.shape[3] ** 0.5  # [b, heads, t, t]
    return scores.masked_fill(~mask[:, None, None], float("-inf")).softmax(3).mean(1)


@contextmanager
def _recorded_outputs(parts: list[nn.Module]) -> Iterator[list]:
    """While it lasts, the outputs of these modules are appended to the list."""
    outputs: list = []
    hooks = [part.register_forward_hook(lambda *call: outputs.append(call[2])) for part in parts]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()
