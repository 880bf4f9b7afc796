"""Gradient norms by layer, and clipping by the total norm: measured once, read once an epoch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def layer_of(parameter: str) -> str:
    """The layer a parameter belongs to, by its name.

    >>> layer_of("layers.0.passes.1.weight_hh_l0"), layer_of("output.bias")
    ('layers.0', 'output')
    """
    first, *rest = parameter.split(".")
    return f"{first}.{rest[0]}" if rest and rest[0].isdigit() else first


class GradientNorms:
    """The norms of a model's gradients: the total, then every layer's."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        names, self._parameters = zip(*model.named_parameters(), strict=True)
        owners = [layer_of(name) for name in names]
        self.layers = list(dict.fromkeys(owners))
        rows = [[1.0] * len(owners)] + [
            [float(o == layer) for o in owners] for layer in self.layers
        ]
        self._members = torch.tensor(rows, dtype=torch.float64, device=device)
        self._nothing = torch.zeros(1, device=device)  # a frozen parameter has no gradient

    def measure(self) -> Tensor:
        """float64 [1 + layers] on the device: the total norm and each layer's, without a sync."""
        gradients = [self._nothing if p.grad is None else p.grad for p in self._parameters]
        norms = torch.stack(torch._foreach_norm(gradients)).double()
        return (self._members @ norms.square()).sqrt()

    def clip(self, total: Tensor, most: float) -> None:
        """Scale all gradients so that their total norm is at most `most` (Pascanu 2013)."""
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        torch._foreach_mul_(gradients, (most / (total + 1e-6)).clamp(max=1.0).float())
