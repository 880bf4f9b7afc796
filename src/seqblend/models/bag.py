"""A bag of hashed n-gram embeddings with a linear output: fastText's classifier."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.data.sequences import PAD
from seqblend.models.layers import Embed, NetworkOptions, drop_words, mask_of
from seqblend.models.registry import register

_FACTOR = 6364136223846793005  # Knuth's multiplier for 64-bit congruences
_SHIFT = 29  # high bits, which a product mixes best, fold into the low ones


@dataclass(frozen=True)
class BagOptions(NetworkOptions):
    """What a bag of n-grams is made of."""

    width: int = knob(16, Choice((16, 32, 64)), "features of an embedding", least=1)
    embedding_dropout: float = share(0.2, Span(0.0, 0.6), "of the mean's features")
    word_dropout: float = share(0.0, Span(0.0, 0.3), "share of tokens read as unknown")
    lr_scale: float = knob(4.0, Span(1.0, 16.0, log=True), "times train.lr", least=0)
    orders: int = knob(3, Choice((1, 2, 3, 4)), "n-grams of 1 to this many tokens", least=1)
    buckets: int = knob(
        1 << 18, Choice((1 << 16, 1 << 18, 1 << 20)), "n-grams of 2 or more share these", least=2
    )


def hash_ngrams(tokens: Tensor, lengths: Tensor, orders: int, buckets: int) -> Tensor:
    """Buckets of a batch's n-grams of 2 to `orders` tokens, without Python per row.

    tokens: int64 [b, t], lengths: int64 [b]
    returns: int64 [b, n-grams], 1 to buckets - 1, and PAD where an n-gram reaches past its row
    """
    t, found = tokens.shape[1], []
    key = tokens
    for n in range(2, min(orders, t) + 1):
        key = key[:, :-1] * _FACTOR + tokens[:, n - 1 :] + n  # wraps around: [b, t - n + 1]
        mixed = (key ^ (key >> _SHIFT)) * _FACTOR
        bucket = 1 + ((mixed >> _SHIFT) % (buckets - 1))
        found.append(bucket.masked_fill(~mask_of(lengths - n + 1, t - n + 1), PAD))
    return torch.cat(found, dim=1) if found else tokens[:, :0]


class NgramBag(nn.Module):
    """The mean of a row's token and n-gram embeddings -> logits."""

    def __init__(self, options: BagOptions, size: int, classes: int) -> None:
        super().__init__()
        self.options = options
        bare = dataclasses.replace(options, word_dropout=0.0, embedding_dropout=0.0)
        self.embed = Embed(size, bare)
        self.ngrams = None
        if options.orders > 1:
            self.ngrams = nn.EmbeddingBag(
                options.buckets, options.width, mode="sum", padding_idx=PAD
            )
            nn.init.zeros_(self.ngrams.weight)
        self.dropout = nn.Dropout(options.embedding_dropout)
        self.output = nn.Linear(options.width, classes)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens: int64 [b, t], lengths: int64 [b] -> logits float [b, c]."""
        options = self.options
        if self.training and options.word_dropout:
            tokens = drop_words(tokens, options.word_dropout)  # n-grams see it too
        buckets = hash_ngrams(tokens, lengths, options.orders, options.buckets)
        total = self.embed(tokens).sum(1)  # [b, d]
        if self.ngrams is not None and buckets.shape[1]:
            total = total + self.ngrams(buckets)
        count = lengths + (buckets != PAD).sum(1)
        return self.output(self.dropout(total / count[:, None]))


@register("bag", BagOptions, any_width=False, cost=0.1)  # a wide table has 2^18 wide buckets
def build_bag(options: BagOptions, size: int, classes: int) -> nn.Module:
    """A bag of hashed n-grams (Joulin 2017)."""
    return NgramBag(options, size, classes)
