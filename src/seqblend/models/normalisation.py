"""Batch normalisation over real tokens: padding enters no statistic and stays zero."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_MOMENTUM = 0.1  # share of a new batch in the running statistics
_SMALLEST = 1e-5  # added to the variance


class TokenBatchNorm(nn.Module):
    """nn.BatchNorm1d of the packed tokens (Ioffe & Szegedy 2015), without packing them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: [b, t, d], mask: bool [b, t, 1] -> [b, t, d], zero where there is no token."""
        mean, variance = self._take_in(x, mask) if self.training else (self.mean, self.variance)
        scale = self.gain * torch.rsqrt(variance + _SMALLEST)
        return ((x - mean) * scale + self.bias) * mask

    def _take_in(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The batch's mean and variance, [d] each; the running ones move towards them."""
        count = mask.sum()
        mean = (x * mask).sum((0, 1)) / count
        variance = ((x - mean).square() * mask).sum((0, 1)) / count
        with torch.no_grad():
            self.mean.lerp_(mean, _MOMENTUM)
            self.variance.lerp_(variance * count / (count - 1).clamp(min=1), _MOMENTUM)
        return mean, variance
