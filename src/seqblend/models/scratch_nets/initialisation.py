"""Initial weights: Xavier, orthogonal, and the forget bias."""

from __future__ import annotations

import numpy as np

from seqblend.models.scratch_nets.dense import PAD


def draw_xavier(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """float64 [outputs, inputs]: uniform, variance 2 / (their sum) (Glorot & Bengio 2010)."""
    bound = np.sqrt(6 / sum(shape))
    return rng.uniform(-bound, bound, shape)


def draw_orthogonal(n: int, rng: np.random.Generator) -> np.ndarray:
    """float64 [n, n]: a random rotation, which neither stretches nor shrinks (Saxe 2014)."""
    q, r = np.linalg.qr(rng.normal(size=(n, n)))
    return q * np.sign(np.diag(r))


def initialise(weights: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    """Draw every array of a classifier's state in place, by its name; biases are zero.

    An LSTM's forget gates start open, with a bias of 1 (Gers 2000; Jozefowicz 2015).
    """
    for name, array in weights.items():
        if name == "embedding.weight":
            array[:] = rng.normal(0, 0.1, array.shape)
            array[PAD] = 0
        elif array.ndim == 1:
            array[:] = 0
        elif name.startswith("recurrent."):
            _draw_gates(name, array, weights["recurrent.weight_hh_l0"].shape[1], rng)
        else:
            array[:] = draw_xavier(array.shape, rng)
    bias, h = weights["recurrent.bias_ih_l0"], weights["recurrent.weight_hh_l0"].shape[1]
    if len(bias) == 4 * h:
        bias[h : 2 * h] = 1


def _draw_gates(name: str, array: np.ndarray, h: int, rng: np.random.Generator) -> None:
    """Each gate's block of h rows by itself: orthogonal for the state, Xavier for the input."""
    for begin in range(0, len(array), h):
        block = array[begin : begin + h]
        block[:] = draw_orthogonal(h, rng) if "_hh_" in name else draw_xavier(block.shape, rng)
