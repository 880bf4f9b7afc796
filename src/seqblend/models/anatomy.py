"""A network's layers: output shape and parameters of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

_SIZES = ((2, 40), (3, 43))  # (b, t) of two passes: what differs between them is b or t


@dataclass(frozen=True)
class Layer:
    """A layer by its name in the model. shape: of its output, such as `b, t, 128`."""

    name: str
    kind: str
    shape: str
    parameters: int


@torch.no_grad()
def describe_layers(model: nn.Module) -> list[Layer]:
    """The model's layers in the order in which they were made; what a pass skips is left out.

    model: takes (tokens int64 [b, t], lengths int64 [b])
    """
    layers = dict(_layers_of(model))
    shapes: dict[str, list[torch.Size]] = {name: [] for name in layers}
    hooks = [
        layer.register_forward_hook(lambda _, __, out, seen=shapes[name]: seen.append(out.shape))
        for name, layer in layers.items()
    ]
    model.eval()
    for b, t in _SIZES:
        model(torch.ones(b, t, dtype=torch.int64), torch.full((b,), t))
    for hook in hooks:
        hook.remove()
    return [
        Layer(name, type(layer).__name__, _spell(shapes[name]), count_parameters(layer))
        for name, layer in layers.items()
        if shapes[name]
    ]


def count_parameters(model: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(parameter.numel() for parameter in model.parameters())


def _layers_of(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The model's direct parts; lists of layers are opened."""
    for name, child in model.named_children():
        if isinstance(child, nn.ModuleList):
            yield from ((f"{name}.{i}", layer) for i, layer in enumerate(child))
        else:
            yield name, child


def _spell(shapes: list[torch.Size]) -> str:
    """The shape of both passes, with letters for what depends on the batch."""
    return ", ".join(_letter(*sizes) for sizes in zip(shapes[0], shapes[-1], strict=True))


def _letter(small: int, large: int) -> str:
    if small == large:
        return str(small)
    if large - small == _SIZES[1][0] - _SIZES[0][0]:
        return "b"
    less = _SIZES[0][1] - small
    return f"t - {less}" if less else "t"
