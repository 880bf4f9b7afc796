"""Recurrent classifiers: LSTM and GRU, in both directions, with pooling or attention."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from seqblend.config import Choice, Span, knob
from seqblend.models.layers import Embed, Pool, TwoWay, reversal_of
from seqblend.models.registry import register


@dataclass(frozen=True)
class RecurrentOptions:
    """What a recurrent classifier is made of."""

    width: int = knob(128, Choice((64, 128, 200)), "features of a token embedding", least=1)
    hidden: int = knob(64, Choice((32, 64, 96, 128)), "state size of each direction", least=1)
    depth: int = knob(1, Choice((1, 2, 3)), "stacked layers", least=1)
    directions: int = knob(2, help="1: forward only, 2: both", allowed=(1, 2))
    pooling: str = knob(
        "mean+max", Choice(("last", "max", "mean+max")), "how states become one",
        allowed=("last", "mean", "max", "attention", "mean+max", "attention+max"),
    )  # fmt: skip
    dropout: float = knob(0.4, Span(0.0, 0.6), "before the output layer and between layers")
    embedding_dropout: float = knob(0.5, Span(0.0, 0.6), "of whole embedding features")
    word_dropout: float = knob(0.2, Span(0.0, 0.3), "share of tokens read as unknown")


class RecurrentClassifier(nn.Module):
    """Embedding -> recurrent layers -> masked pooling -> logits."""

    def __init__(self, cell: str, options: RecurrentOptions, size: int, classes: int) -> None:
        super().__init__()
        self.embed = Embed(size, options.width, options.embedding_dropout, options.word_dropout)
        out = options.hidden * options.directions
        self.layers = nn.ModuleList(
            TwoWay(cell, options.width if i == 0 else out, options.hidden, options.directions)
            for i in range(options.depth)
        )
        self.pool = Pool(options.pooling, out)
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(self.pool.width, classes)
        self.hidden = options.hidden

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens: int64 [b, t], lengths: int64 [b] -> logits float [b, c]."""
        reversal = reversal_of(lengths, tokens.shape[1])
        x = self.embed(tokens)
        for i, layer in enumerate(self.layers):
            x = layer(self.dropout(x) if i else x, reversal)  # [b, t, directions * hidden]
        x = self.pool(x, lengths, self.hidden)  # [b, pooled]
        return self.output(self.dropout(x))


@register("bilstm", RecurrentOptions, low_precision_on_cpu=True)
@register("bilstm_attention", RecurrentOptions, low_precision_on_cpu=True, pooling="attention+max")
def build_lstm(options: RecurrentOptions, size: int, classes: int) -> nn.Module:
    """A bidirectional LSTM classifier (Hochreiter & Schmidhuber 1997; Graves 2005)."""
    return RecurrentClassifier("lstm", options, size, classes)


@register("bigru", RecurrentOptions)
@register("bigru_attention", RecurrentOptions, pooling="attention+max")
def build_gru(options: RecurrentOptions, size: int, classes: int) -> nn.Module:
    """A bidirectional GRU classifier (Cho 2014)."""
    return RecurrentClassifier("gru", options, size, classes)
