"""A small transformer encoder: a short convolution, then pre-norm blocks of masked self-attention.

Blocks alone stayed at chance on the demo, whose classes differ in which token follows which: few
rows do not teach a head to look one step back. A window of three tokens shows it (Gulati 2020).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqblend.core.errors import FlagError
from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.models.layers import POOLINGS, Embed, NetworkOptions, Pool, mask_of
from seqblend.models.registry import register


@dataclass(frozen=True)
class TransformerOptions(NetworkOptions):
    """What a transformer classifier is made of."""

    hidden: int = knob(64, Choice((64, 96, 128)), "features of a step in the blocks", least=1)
    heads: int = knob(4, Choice((2, 4, 8)), "attention heads; they divide hidden", least=1)
    depth: int = knob(2, Choice((1, 2, 3)), "blocks", least=1)
    inner: int = knob(2, Choice((1, 2, 4)), "width inside a block, times hidden", least=1)
    stem: int = knob(3, least=0, help="tokens in a convolution's window before the blocks; 0: none")
    pooling: str = knob(
        "mean+max", Choice(("max", "mean+max")), "how steps are pooled", allowed=POOLINGS
    )
    dropout: float = share(0.2, Span(0.0, 0.5), "in the blocks and before the output layer")
    lr_scale: float = knob(0.25, Span(0.05, 1.0, log=True), "times train.lr", least=0)


def rotate(x: Tensor) -> Tensor:
    """Rotary position embedding of x: [..., t, d]: dot products depend on distances (Su 2021)."""
    t, d = x.shape[-2:]
    frequencies = torch.exp(torch.arange(0, d, 2, device=x.device) * (-math.log(10_000.0) / d))
    angles = torch.arange(t, device=x.device)[:, None] * frequencies  # [t, d / 2]
    sine, cosine = angles.sin().to(x.dtype), angles.cos().to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


class TransformerBlock(nn.Module):
    """Self-attention, then a two-layer network; each normalises its input and adds its output."""

    def __init__(self, options: TransformerOptions) -> None:
        super().__init__()
        width, inner = options.hidden, options.hidden * options.inner
        self.heads = options.heads
        self.attention_norm, self.inner_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention_in, self.attention_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner_in, self.inner_out = nn.Linear(width, inner), nn.Linear(inner, width)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: [b, t, d], mask: bool [b, 1, 1, t], True where a key is a token -> [b, t, d]."""
        x = x + self.dropout(self._attend(self.attention_norm(x), mask))
        inner = functional.gelu(self.inner_in(self.inner_norm(x)))
        return x + self.dropout(self.inner_out(self.dropout(inner)))

    def _attend(self, x: Tensor, mask: Tensor) -> Tensor:
        """Multi-head self-attention over tokens only: [b, t, d]."""
        split = self.attention_in(x).unflatten(2, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4)  # [b, heads, t, d / heads]
        attended = functional.scaled_dot_product_attention(
            rotate(query), rotate(key), value, attn_mask=mask
        )
        return self.attention_out(attended.transpose(1, 2).flatten(2))


class Transformer(nn.Module):
    """Embedding -> hidden features -> convolution -> blocks -> norm -> pooling -> logits."""

    def __init__(self, options: TransformerOptions, size: int, classes: int) -> None:
        super().__init__()
        if options.hidden % (2 * options.heads):
            raise FlagError(
                f"transformer.hidden expects a multiple of twice the heads ({options.heads}), got "
                f"{options.hidden}: change transformer.hidden or transformer.heads"
            )
        self.embed = Embed(size, options)
        self.enter = nn.Sequential(
            nn.Linear(options.width, options.hidden), nn.LayerNorm(options.hidden)
        )
        self.stem = None
        if options.stem:
            self.stem = nn.Conv1d(options.hidden, options.hidden, options.stem, padding="same")
        self.blocks = nn.ModuleList(TransformerBlock(options) for _ in range(options.depth))
        self.norm = nn.LayerNorm(options.hidden)
        self.pool = Pool(options.pooling, options.hidden)
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(self.pool.width, classes)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens: int64 [b, t], lengths: int64 [b] -> logits float [b, c]."""
        t = tokens.shape[1]
        mask = mask_of(lengths, t)  # [b, t]
        x = self.enter(self.embed(tokens))  # [b, t, d]
        if self.stem is not None:
            x = x * mask[:, :, None]  # zero padding, as beyond the row's end
            x = x + functional.gelu(self.stem(x.transpose(1, 2))).transpose(1, 2)
        for block in self.blocks:
            x = block(x, mask[:, None, None])
        x = self.pool(self.norm(x), lengths, x.shape[2])  # [b, pooled]
        return self.output(self.dropout(x))


@register("transformer", TransformerOptions)
def build_transformer(options: TransformerOptions, size: int, classes: int) -> nn.Module:
    """A pre-norm transformer encoder (Vaswani 2017; Xiong 2020)."""
    return Transformer(options, size, classes)
