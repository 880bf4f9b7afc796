"""What a torch model's answer hangs on: attention weights, and integrated gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from seqblend.models.layers import AdditiveAttention, Embed

_CELLS = 16_384  # padded tokens in a batch with gradients


@dataclass(frozen=True)
class IntegralConfig:
    """How finely a path is followed: steps are doubled until the sum is right.

    tolerance: of the sum, as a share of what it should be, or of 1 where that is less
    """

    first_steps: int = 32
    most_steps: int = 512
    tolerance: float = 0.01


@dataclass(frozen=True)
class Integral:
    """Integrated gradients of one row.

    values: float64 [t], above 0 where a token speaks for the class
    whole: the class's log-odds less those without any token: what the values should sum to
    """

    values: np.ndarray
    whole: float
    steps: int

    @property
    def gap(self) -> float:
        """How far the values' sum is from what it should be."""
        return abs(float(self.values.sum()) - self.whole)


@torch.no_grad()
def weigh_by_attention(model: nn.Module, tokens: Tensor, lengths: Tensor) -> np.ndarray | None:
    """Weights of the attention pooling: float32 [b, t], rows sum to 1, padding has 0; else None.

    tokens: int64 [b, t], lengths: int64 [b]
    """
    pools = [part for part in model.modules() if isinstance(part, AdditiveAttention)]
    if not pools:
        return None
    seen: list[Tensor] = []
    hook = pools[-1].register_forward_hook(lambda _, __, out: seen.append(out[1]))
    try:
        model.eval()(tokens, lengths)
    finally:
        hook.remove()
    return seen[-1].float().cpu().numpy()


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
    The path leads from zero vectors, which padding has, to the row's token embeddings; the midpoint
    rule takes ever more steps until the values sum to the difference of the log-odds at its ends.
    Source: Sundararajan et al. 2017, Axiomatic attribution for deep networks, equations 1 and 3.
    """
    table = _find_table(model)
    if table is None:
        return None
    config = config or IntegralConfig()
    vectors = table(tokens).detach()
    answer = lambda logits: log_odds(logits, target, temperature)  # noqa: E731
    with torch.no_grad(), _replaced(table, torch.stack([torch.zeros_like(vectors), vectors])):
        start, end = answer(model.eval()(*_repeat(tokens, 2))).tolist()
    steps = config.first_steps
    while True:
        scales = (torch.arange(steps, device=vectors.device) + 0.5) / steps
        slopes = _sum_gradients(model, table, tokens, scales, answer)
        found = Integral((vectors.double() * slopes / steps).sum(1).numpy(), end - start, steps)
        if steps >= config.most_steps or found.gap <= config.tolerance * max(abs(found.whole), 1):
            return found
        steps *= 2


def log_odds(logits: Tensor, target: int, temperature: float = 1.0) -> Tensor:
    """float64 [b]: log(p / (1 - p)) of the target's probability. logits: float [b, c]."""
    scaled = logits.double() / temperature
    others = torch.cat([scaled[:, :target], scaled[:, target + 1 :]], dim=1)
    return scaled[:, target] - others.logsumexp(1)


def _sum_gradients(
    model: nn.Module,
    table: nn.Embedding,
    tokens: Tensor,
    scales: Tensor,
    answer: Callable[[Tensor], Tensor],
) -> Tensor:
    """float64 [t, d]: the answer's gradients by the row's vectors, summed over the scales."""
    vectors = table(tokens).detach()
    total = torch.zeros_like(vectors, dtype=torch.float64)
    for part in scales.split(max(_CELLS // len(tokens), 1)):
        x = (part[:, None, None] * vectors).requires_grad_()  # [s, t, d]
        with torch.enable_grad(), _replaced(table, x):
            (slope,) = torch.autograd.grad(answer(model(*_repeat(tokens, len(part)))).sum(), x)
        total += slope.double().sum(0)
    return total


def _find_table(model: nn.Module) -> nn.Embedding | None:
    """The one table through which tokens enter a model, if it is the only one."""
    tables = [part.table for part in model.modules() if isinstance(part, Embed)]
    has_others = any(isinstance(part, nn.EmbeddingBag) for part in model.modules())
    return tables[0] if len(tables) == 1 and not has_others else None


def _repeat(tokens: Tensor, times: int) -> tuple[Tensor, Tensor]:
    """(tokens int64 [times, t], lengths int64 [times]) of one row."""
    return tokens.expand(times, -1), torch.full((times,), len(tokens), device=tokens.device)


@contextmanager
def _replaced(table: nn.Embedding, x: Tensor) -> Iterator[None]:
    """While it lasts, the table answers with x: [b, t, d], whatever it is asked."""
    hook = table.register_forward_hook(lambda *_: x)
    try:
        yield
    finally:
        hook.remove()
