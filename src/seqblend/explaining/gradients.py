"""What a torch model's answer hangs on: integrated gradients whose sum is checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

from seqblend.models.layers import Embed

_CELLS = 16_384  # padded tokens in a batch with gradients


@dataclass(frozen=True)
class IntegralConfig:
    """How finely a path is followed: pieces are halved until what they sum to is right.

    tolerance: of the pieces' gaps together, as a share of the whole, or of 1 where that is less
    """

    first_steps: int = 16
    most_steps: int = 1024
    tolerance: float = 0.01


@dataclass(frozen=True)
class Integral:
    """Integrated gradients of one row.

    values: float64 [t], above 0 where a token speaks for the class
    whole: the class's log-odds less those without any token: what the values should sum to
    steps: pieces of the path
    """

    values: np.ndarray
    whole: float
    steps: int

    @property
    def gap(self) -> float:
        """How far the values' sum is from what it should be."""
        return abs(float(self.values.sum()) - self.whole)


def integrate_gradients(
    model: nn.Module,
    tokens: Tensor,
    target: int,
    *,
    temperature: float = 1.0,
    config: IntegralConfig | None = None,
) -> Integral | None:
    """What each token adds to the target's log-odds; None where tokens enter by other ways too.

    tokens: int64 [t], one row; the log-odds are those of the probability after `temperature`
    The path leads from zero vectors, which padding has, to the row's token embeddings. On each
    piece of it the midpoint's slope is held against the rise of the log-odds, and pieces that bend
    are halved: completeness is checked everywhere, so that errors cannot cancel.
    Source: Sundararajan et al. 2017, Axiomatic attribution for deep networks, equations 1 and 3.
    """
    table = _find_table(model)
    if table is None:
        return None
    config = config or IntegralConfig()
    path = _Path(model.eval(), table, tokens, target, temperature)
    edges = np.linspace(0, 1, config.first_steps + 1)
    heights, _ = path.at(edges)
    whole, pieces = float(heights[-1] - heights[0]), _Pieces.between(path, edges, heights)
    tolerance = config.tolerance * max(abs(whole), 1.0)
    while pieces.gaps.sum() > tolerance and len(pieces.left) < config.most_steps:
        pieces = pieces.halve(path, pieces.gaps > tolerance / len(pieces.left))
    return Integral((pieces.slopes * pieces.width[:, None]).sum(0), whole, len(pieces.left))


@dataclass(frozen=True)
class _Path:
    """The way from zero vectors to a row's token embeddings."""

    model: nn.Module
    table: nn.Embedding
    tokens: Tensor
    target: int
    temperature: float

    def at(self, scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(log-odds float64 [s], the tokens' slopes float64 [s, t]) at these points, 0 to 1."""
        vectors, heights, slopes = self.table(self.tokens).detach(), [], []
        for part in torch.from_numpy(scales).split(max(_CELLS // len(self.tokens), 1)):
            scaled = part.to(vectors)[:, None, None] * vectors  # [s, t, d]
            x = scaled.requires_grad_()
            lengths = torch.full((len(part),), len(self.tokens), device=x.device)
            with torch.enable_grad(), _replaced(self.table, x):
                logits = self.model(self.tokens.expand(len(part), -1), lengths)
                height = log_odds(logits, self.target, self.temperature)
                (gradient,) = torch.autograd.grad(height.sum(), x)
            heights.append(height.detach())
            slopes.append((gradient.double() * vectors).sum(2))
        return torch.cat(heights).cpu().numpy(), torch.cat(slopes).cpu().numpy()


@dataclass(frozen=True)
class _Pieces:
    """Pieces of a path, float64 [s] each: where they begin, how long they are, how far they rise.

    middle: the log-odds at their midpoints; slopes: float64 [s, t], the tokens' there
    """

    left: np.ndarray
    width: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    middle: np.ndarray
    slopes: np.ndarray

    @classmethod
    def between(cls, path: _Path, edges: np.ndarray, heights: np.ndarray) -> _Pieces:
        """The pieces between neighbouring edges with these log-odds: float64 [s + 1]."""
        left, width = edges[:-1], np.diff(edges)
        return cls(left, width, heights[:-1], heights[1:], *path.at(left + width / 2))

    @property
    def gaps(self) -> np.ndarray:
        """float64 [s]: how far each midpoint's slope is from the piece's rise."""
        return np.abs(self.slopes.sum(1) * self.width - (self.end - self.begin))

    def halve(self, path: _Path, is_bent: np.ndarray) -> _Pieces:
        """With two pieces for each bent one. is_bent: bool [s]."""
        kept, bent = (_Pieces(*(getattr(self, f.name)[rows] for f in fields(self)))
                      for rows in (~is_bent, is_bent))  # fmt: skip
        half = bent.width / 2
        left = np.concatenate([bent.left, bent.left + half])
        width = np.concatenate([half, half])
        begin = np.concatenate([bent.begin, bent.middle])
        end = np.concatenate([bent.middle, bent.end])
        halves = _Pieces(left, width, begin, end, *path.at(left + width / 2))
        return _Pieces(*(np.concatenate([getattr(kept, f.name), getattr(halves, f.name)])
                         for f in fields(self)))  # fmt: skip


def log_odds(logits: Tensor, target: int, temperature: float = 1.0) -> Tensor:
    """float64 [b]: log(p / (1 - p)) of the target's probability. logits: float [b, c]."""
    scaled = logits.double() / temperature
    others = torch.cat([scaled[:, :target], scaled[:, target + 1 :]], dim=1)
    return scaled[:, target] - others.logsumexp(1)


def _find_table(model: nn.Module) -> nn.Embedding | None:
    """The one table through which tokens enter a model, if it is the only one."""
    tables = [part.table for part in model.modules() if isinstance(part, Embed)]
    has_others = any(isinstance(part, nn.EmbeddingBag) for part in model.modules())
    return tables[0] if len(tables) == 1 and not has_others else None


@contextmanager
def _replaced(table: nn.Embedding, x: Tensor) -> Iterator[None]:
    """While it lasts, the table answers with x: [b, t, d], whatever it is asked."""
    hook = table.register_forward_hook(lambda *_: x)
    try:
        yield
    finally:
        hook.remove()
