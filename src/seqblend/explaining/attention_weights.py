"""Attention weights of a network with attention pooling."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from seqblend.models.layers import AdditiveAttention


@torch.no_grad()
def attention_weights(model: nn.Module, tokens: Tensor, lengths: Tensor) -> np.ndarray | None:
    """Attention paid to each token: float32 [b, t], rows sum to 1, padding has 0.

    None without attention pooling, and where it attends to windows instead of tokens or is one of
    several.
    tokens: int64 [b, t], lengths: int64 [b]
    """
    pools = [part for part in model.eval().modules() if isinstance(part, AdditiveAttention)]
    if len(pools) != 1:
        return None
    outputs: list[tuple[Tensor, Tensor]] = []
    hook = pools[0].register_forward_hook(lambda *call: outputs.append(call[2]))
    try:
        model(tokens, lengths)
    finally:
        hook.remove()
    weights = outputs[0][1].float().cpu().numpy()
    return weights if weights.shape == tuple(tokens.shape) else None
