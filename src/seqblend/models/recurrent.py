"""Recurrent classifiers: tanh, LSTM and GRU; one or two directions, stacked, pooled."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.models.layers import (
    POOLINGS,
    BidirectionalRnn,
    Dropout,
    Embed,
    NetworkOptions,
    Pool,
    reversal_of,
)
from seqblend.models.registry import register

_POOLINGS = (*POOLINGS, "last", "attention+mean+max")


@dataclass(frozen=True)
class RecurrentOptions(NetworkOptions):
    """What a recurrent classifier is made of."""

    hidden: int = knob(64, Choice((32, 64, 96, 128)), "state size of each direction", least=1)
    depth: int = knob(1, Choice((1, 2, 3)), "stacked layers", least=1)
    directions: int = knob(2, help="1: forward only, 2: both", allowed=(1, 2))
    pooling: str = knob(
        "mean+max", Choice(("last", "max", "mean+max")), "how states are pooled", allowed=_POOLINGS
    )
    dropout: float = share(0.4, Span(0.0, 0.6), "before the output layer and between layers")
    dropout_kind: str = knob(
        "element", Choice(("element", "variational")), "between layers: one mask a step, or a row"
    )


class RecurrentClassifier(nn.Module):
    """Embedding -> recurrent layers -> masked pooling -> logits."""

    def __init__(self, cell: str, options: RecurrentOptions, size: int, classes: int) -> None:
        super().__init__()
        self.embed = Embed(size, options)
        out = options.hidden * options.directions
        self.layers = nn.ModuleList(
            BidirectionalRnn(cell, out if i else options.width, options.hidden, options.directions)
            for i in range(options.depth)
        )
        self.between = Dropout(options.dropout, options.dropout_kind)
        self.pool = Pool(options.pooling, out)
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(self.pool.width, classes)
        self.hidden = options.hidden

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens: int64 [b, t], lengths: int64 [b] -> logits float [b, c]."""
        reversal = reversal_of(lengths, tokens.shape[1])
        x = self.embed(tokens)
        for i, layer in enumerate(self.layers):
            x = layer(self.between(x) if i else x, reversal)  # [b, t, directions * hidden]
        x = self.pool(x, lengths, self.hidden)  # [b, pooled]
        return self.output(self.dropout(x))


_FAST = {"low_precision_on_cpu": True}
_GRU = _FAST | {"cost": 2.0}  # no kernel of oneDNN


@register("rnn", RecurrentOptions, directions=1)
@register("birnn", RecurrentOptions)
def build_rnn(options: RecurrentOptions, size: int, classes: int) -> nn.Module:
    """A simple (tanh) recurrent classifier (Elman 1990; Schuster & Paliwal 1997)."""
    return RecurrentClassifier("rnn", options, size, classes)


@register("lstm", RecurrentOptions, **_FAST, directions=1)
@register("stacked_lstm", RecurrentOptions, **_FAST, directions=1, depth=2)
@register("deep_lstm", RecurrentOptions, **_FAST, directions=1, depth=3)
@register("bilstm", RecurrentOptions, **_FAST)
@register("bilstm_attention", RecurrentOptions, **_FAST, pooling="attention+mean+max")
def build_lstm(options: RecurrentOptions, size: int, classes: int) -> nn.Module:
    """An LSTM classifier (Hochreiter & Schmidhuber 1997; Graves 2005)."""
    return RecurrentClassifier("lstm", options, size, classes)


@register("gru", RecurrentOptions, **_GRU, directions=1)
@register("bigru", RecurrentOptions, **_GRU)
@register("bigru_attention", RecurrentOptions, **_GRU, pooling="attention+mean+max")
def build_gru(options: RecurrentOptions, size: int, classes: int) -> nn.Module:
    """A GRU classifier (Cho 2014)."""
    return RecurrentClassifier("gru", options, size, classes)
