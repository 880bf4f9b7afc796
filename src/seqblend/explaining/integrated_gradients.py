"""Integrated gradients of a torch model, refined until they sum to what they should."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from seqblend.models.layers import Embed

_CELLS = 16_384  # padded tokens in a batch with gradients


@dataclass(frozen=True)
class IntegrationConfig:
    """How finely the path is sampled: pieces are halved until the completeness gap is small.

    tolerance: of the pieces' gaps together, as a share of the total, or of 1 where that is less
    """

    first_steps: int = 16
    most_steps: int = 1024
    tolerance: float = 0.01


@dataclass(frozen=True)
class IntegratedGradients:
    """Integrated gradients of one row.

    values: float64 [t], above 0 where a token raises the class's log-odds
    total: the class's log-odds less those of zero embeddings: what the values should sum to
    steps: pieces of the path
    """

    values: np.ndarray
    total: float
    steps: int

    @property
    def gap(self) -> float:
        """How far the values' sum is from the total."""
        return abs(float(self.values.sum()) - self.total)


def integrate_gradients(
    model: nn.Module,
    tokens: Tensor,
    target: int,
    *,
    temperature: float = 1.0,
    config: IntegrationConfig | None = None,
) -> IntegratedGradients | None:
    """What each token adds to the target's log-odds; None where tokens enter by other ways too.

    tokens: int64 [t], one row; the log-odds are those of the probability after `temperature`
    The path leads from zero embeddings, which padding has, to the row's. On each piece of it the
    gradient at the midpoint is compared with the rise of the log-odds, and pieces that differ are
    halved: completeness is checked piece by piece, so that errors cannot cancel.
    Source: Sundararajan et al. 2017, Axiomatic attribution for deep networks, equations 1 and 3.
    """
    table = _find_table(model)
    if table is None:
        return None
    config, model = config or IntegrationConfig(), model.eval()
    known: dict[float, tuple[float, np.ndarray]] = {}  # every point is computed once
    edges = np.linspace(0, 1, config.first_steps + 1)
    while True:
        middles, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
        new = [point for point in (*edges.tolist(), *middles.tolist()) if point not in known]
        known |= zip(new, _evaluate(model, table, tokens, new, target, temperature), strict=True)
        heights = np.array([known[point][0] for point in edges.tolist()])
        values = widths[:, None] * np.stack([known[point][1] for point in middles.tolist()])
        gaps, total = np.abs(values.sum(1) - np.diff(heights)), float(heights[-1] - heights[0])
        tolerance = config.tolerance * max(abs(total), 1.0)
        if gaps.sum() <= tolerance or len(gaps) >= config.most_steps:
            return IntegratedGradients(values.sum(0), total, len(gaps))
        edges = np.sort(np.concatenate([edges, middles[gaps > tolerance / len(gaps)]]))


def _evaluate(
    model: nn.Module,
    table: nn.Embedding,
    tokens: Tensor,
    points: list[float],
    target: int,
    temperature: float,
) -> Iterator[tuple[float, np.ndarray]]:
    """(log-odds, its slope along each token's embedding: float64 [t]) at points of the path."""
    vectors = table(tokens).detach()  # [t, d]
    for part in torch.tensor(points).split(max(_CELLS // len(tokens), 1)):
        x = (part.to(vectors)[:, None, None] * vectors).requires_grad_()  # [s, t, d]
        lengths = torch.full((len(part),), len(tokens), device=x.device)
        hook = table.register_forward_hook(lambda *_, x=x: x)  # the table answers with x
        try:
            with torch.enable_grad():
                logits = model(tokens.expand(len(part), -1), lengths)
                heights = log_odds(logits, target, temperature)
                (gradient,) = torch.autograd.grad(heights.sum(), x)
        finally:
            hook.remove()
        slopes = (gradient.double() * vectors).sum(2).cpu().numpy()
        yield from zip(heights.detach().tolist(), slopes, strict=True)


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
