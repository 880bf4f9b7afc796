"""What a network looks at: the weights of its attention pooling, or of a transformer's blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from seqblend.models.attention import Block, Transformer, rotate
from seqblend.models.layers import AdditiveAttention, mask_of


@torch.no_grad()
def weigh_by_attention(model: nn.Module, tokens: Tensor, lengths: Tensor) -> np.ndarray | None:
    """What is looked at: float32 [b, t], rows sum to 1, padding has 0; None without attention.

    None too where a pooling looks at windows instead of tokens, or is one of several.
    tokens: int64 [b, t], lengths: int64 [b]
    """
    model.eval()
    if isinstance(model, Transformer):
        return roll_out(model, tokens, lengths).cpu().numpy()
    pools = [part for part in model.modules() if isinstance(part, AdditiveAttention)]
    if len(pools) != 1:
        return None
    with _heard(pools) as seen:
        model(tokens, lengths)
    weights = seen[0][1].float().cpu().numpy()
    return weights if weights.shape == tuple(tokens.shape) else None


def roll_out(model: Transformer, tokens: Tensor, lengths: Tensor) -> Tensor:
    """What the pooled steps look at through all blocks: float32 [b, t].

    Heads count alike, and so do a block's attention and the way past it; the pooling looks by its
    own attention where it has one, else at every step alike.
    Source: Abnar & Zuidema 2020, Quantifying attention flow in transformers, equation 1.
    """
    pool = [model.pool.attention] if model.pool.attention is not None else []
    with _heard([block.attention_in for block in model.blocks]) as seen, _heard(pool) as pooled:
        model(tokens, lengths)
    mask = mask_of(lengths, tokens.shape[1])  # [b, t]
    looks = pooled[0][1].float() if pooled else mask / lengths[:, None]
    for block, features in zip(reversed(model.blocks), reversed(seen), strict=True):
        through = torch.bmm(looks[:, None], _weights_of(block, features, mask))[:, 0]
        looks = (looks + through) / 2
    return looks


def _weights_of(block: Block, features: Tensor, mask: Tensor) -> Tensor:
    """float32 [b, t, t]: how much each step (down) looks at each token, the mean over heads.

    features: [b, t, 3 * d], what the block's attention makes queries, keys and values of
    """
    split = features.float().unflatten(2, (3, block.heads, -1))
    query, key, _ = split.permute(2, 0, 3, 1, 4)  # [b, heads, t, d / heads]
    if block.is_rotary:
        query, key = rotate(query), rotate(key)
    scores = query @ key.transpose(2, 3) / query.shape[3] ** 0.5  # [b, heads, t, t]
    return scores.masked_fill(~mask[:, None, None], float("-inf")).softmax(3).mean(1)


@contextmanager
def _heard(parts: list[nn.Module]) -> Iterator[list]:
    """While it lasts, what these parts answer is appended to the list."""
    seen: list = []
    listen: Callable = lambda _, __, answer: seen.append(answer)  # noqa: E731
    hooks = [part.register_forward_hook(listen) for part in parts]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
