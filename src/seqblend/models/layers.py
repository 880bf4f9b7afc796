"""Layers that respect padding: an answer never depends on how much padding a batch has."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.data.sequences import PAD, UNK
from seqblend.models.recurrence import has_steps, run_steps


@dataclass(frozen=True)
class NetworkOptions:
    """The options that every neural model has: embedding, dropout, learning rate."""

    width: int = knob(128, Choice((64, 128, 200)), "features of a token embedding", least=1)
    embedding_dropout: float = share(0.5, Span(0.0, 0.6), "of embedding features")
    embedding_dropout_kind: str = knob(
        "spatial", Choice(("spatial", "element")), "whole features of a row, or single values"
    )
    word_dropout: float = share(0.2, Span(0.0, 0.3), "share of tokens read as unknown")
    lr_scale: float = knob(1.0, help="times train.lr", least=0)


def mask_of(lengths: Tensor, t: int) -> Tensor:
    """bool [b, t]: True where there is a token. lengths: int64 [b]."""
    return torch.arange(t, device=lengths.device) < lengths[:, None]


def reversal_of(lengths: Tensor, t: int) -> Tensor:
    """int64 [b * t]: where each step of the flattened batch goes when rows are reversed.

    Each row turns by its own length and its padding stays: the permutation is its own inverse.
    """
    steps = torch.arange(t, device=lengths.device).expand(len(lengths), t)
    turned = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return (turned + t * torch.arange(len(lengths), device=lengths.device)[:, None]).flatten()


class _Reverse(torch.autograd.Function):
    """A gather of whole steps whose gradient is the same gather, not a scatter with additions."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, reversal: Tensor) -> Tensor:
        ctx.save_for_backward(reversal)
        return x.reshape(-1, x.shape[2]).index_select(0, reversal).view(x.shape)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        """gradient: [b, t, d] -> its steps gathered back."""
        return reverse_steps(gradient, *ctx.saved_tensors), None


def reverse_steps(x: Tensor, reversal: Tensor) -> Tensor:
    """x: [b, t, d] with every row reversed by its own length."""
    return _Reverse.apply(x, reversal)


class Dropout(nn.Module):
    """Dropout of single values (`element`), or with one mask per row for all its steps.

    That is spatial dropout on an embedding (Tompson 2015) and variational dropout between
    recurrent layers (Gal & Ghahramani 2016): `spatial` and `variational` are the same here.
    """

    def __init__(self, rate: float, kind: str = "element") -> None:
        super().__init__()
        self.rate, self.kind = rate, kind

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, t, d] -> [b, t, d]."""
        if not self.training or not self.rate:
            return x
        keep = 1.0 - self.rate
        like = x if self.kind == "element" else x[:, :1]
        return x * torch.empty_like(like).bernoulli_(keep).div_(keep)


def drop_words(tokens: Tensor, share: float) -> Tensor:
    """tokens: int64 [b, t] with about this share of them turned into UNK; padding stays."""
    dropped = torch.rand(tokens.shape, device=tokens.device) < share
    return tokens.masked_fill(dropped & (tokens > UNK), UNK)


class Embed(nn.Module):
    """Token embedding with word dropout and dropout."""

    def __init__(self, size: int, options: NetworkOptions) -> None:
        super().__init__()
        self.table = nn.Embedding(size, options.width, padding_idx=PAD)
        nn.init.normal_(self.table.weight, std=0.1)
        with torch.no_grad():
            self.table.weight[PAD] = 0
        self.dropout = Dropout(options.embedding_dropout, options.embedding_dropout_kind)
        self.word_dropout = options.word_dropout

    def start_from(self, vectors: Tensor, mode: str) -> None:
        """Begin with these vectors: float32 [size, d]; mode: tuned or frozen."""
        with torch.no_grad():
            self.table.weight.copy_(vectors)
        self.table.weight.requires_grad_(mode == "tuned")

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: int64 [b, t] -> float [b, t, d], zero where there is padding."""
        if self.training and self.word_dropout:
            tokens = drop_words(tokens, self.word_dropout)
        return self.dropout(self.table(tokens))


class BidirectionalRnn(nn.Module):
    """One recurrent layer, forward or in both directions, exact without packing.

    The second direction is a forward pass over the row reversed by its own length, its states
    gathered back. `bidirectional=True` over padding would let it eat the padding first.
    """

    def __init__(self, cell: str, width: int, hidden: int, directions: int) -> None:
        super().__init__()
        kinds = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
        self.passes = nn.ModuleList(
            kinds[cell](width, hidden, batch_first=True) for _ in range(directions)
        )
        for one in self.passes:
            _initialise(one)

    def forward(self, x: Tensor, reversal: Tensor) -> Tensor:
        """x: [b, t, d], reversal: int64 [b * t] -> [b, t, directions * hidden]."""
        inputs = [x] if len(self.passes) == 1 else [x, reverse_steps(x, reversal)]
        if x.device.type == "cpu" and has_steps(self.passes[0]):
            states = list(run_steps(self.passes, inputs).permute(1, 2, 0, 3))  # k of [b, t, hidden]
        else:
            states = [one(inward)[0] for one, inward in zip(self.passes, inputs, strict=True)]
        if len(self.passes) == 2:
            states[1] = reverse_steps(states[1], reversal)
        return torch.cat(states, dim=2)


def _initialise(recurrent: nn.RNNBase) -> None:
    """Draw every gate's matrices by themselves: orthogonal for the state, Xavier for the input.

    Orthogonal: Saxe 2014. Biases are 0, an LSTM's forget gate aside: 1 (Jozefowicz 2015).
    """
    hidden = recurrent.hidden_size
    for gate in recurrent.weight_ih_l0.data.split(hidden):
        nn.init.xavier_uniform_(gate)
    for gate in recurrent.weight_hh_l0.data.split(hidden):
        nn.init.orthogonal_(gate)
    nn.init.zeros_(recurrent.bias_ih_l0)
    nn.init.zeros_(recurrent.bias_hh_l0)
    if isinstance(recurrent, nn.LSTM):
        recurrent.bias_ih_l0.data[hidden : 2 * hidden] = 1.0


POOLINGS = ("mean", "max", "attention", "mean+max", "attention+max")


class Pool(nn.Module):
    """Masked pooling over time: last, mean, max, attention, or several joined by `+`."""

    def __init__(self, kinds: str, width: int) -> None:
        super().__init__()
        self.kinds = kinds.split("+")
        self.width = width * len(self.kinds)
        self.attention = AdditiveAttention(width) if "attention" in self.kinds else None

    def forward(self, x: Tensor, lengths: Tensor, half: int) -> Tensor:
        """x: [b, t, d], lengths: int64 [b] -> [b, d * kinds]; from feature `half` on: backward."""
        mask = mask_of(lengths, x.shape[1])[:, :, None]  # [b, t, 1]
        pooled = []
        for kind in self.kinds:
            if kind == "mean":
                pooled.append(weigh_steps(mask[:, :, 0] / lengths[:, None], x))
            elif kind == "max":
                pooled.append(x.masked_fill(~mask, float("-inf")).amax(1))
            elif kind == "attention":
                pooled.append(self.attention(x, mask)[0])
            else:
                last = x[torch.arange(len(x), device=x.device), lengths - 1]
                pooled.append(torch.cat([last[:, :half], x[:, 0, half:]], dim=1))
        return torch.cat(pooled, dim=1)


class AdditiveAttention(nn.Module):
    """Additive attention with one learned query (Bahdanau 2015; Yang 2016), masked."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, width)
        self.query = nn.Linear(width, 1, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """x: [b, t, d], mask: bool [b, t, 1] -> (context [b, d], weights [b, t], rows sum to 1)."""
        scores = self.query(torch.tanh(self.project(x))).float()  # [b, t, 1]
        weights = torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=1)[:, :, 0]
        return weigh_steps(weights, x), weights


def weigh_steps(weights: Tensor, x: Tensor) -> Tensor:
    """weights: [b, t], x: [b, t, d] -> [b, d], in the precision of x: nothing else is written."""
    with torch.autocast(x.device.type, enabled=False):
        return torch.bmm(weights[:, None].to(x.dtype), x)[:, 0]
