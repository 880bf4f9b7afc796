"""Checks of a backward pass: finite differences, and how far back gradients reach."""

from __future__ import annotations

import numpy as np

from seqblend.models.scratch_nets.classifier import SequenceClassifier
from seqblend.models.scratch_nets.initialisation import draw_orthogonal
from seqblend.models.scratch_nets.recurrent_layer import Recurrent

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]


def nudge_weights(
    model: SequenceClassifier, batch: Batch, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the loss by weights drawn at random: by the chain rule, and by nudging.

    batch: tokens int64 [b, t], lengths and labels int64 [b]; a model in float64
    returns: float64 [count] each; padding's vector is never nudged
    """
    gradients, weights = model.loss(*batch)[2], model.state_dict()
    names, points = list(weights), []
    while len(points) < count:
        name = names[rng.integers(len(names))]
        place = tuple(rng.integers(n) for n in weights[name].shape)
        if name == "embedding.weight" and place[0] == 0:
            continue
        kept, losses = weights[name][place], []
        for step in (1e-5, -1e-5):
            weights[name][place] = kept + step
            losses.append(model.loss(*batch)[0])
        weights[name][place] = kept
        points.append((gradients[name][place], (losses[0] - losses[1]) / 2e-5))
    analytic, numeric = np.array(points).T
    return analytic, numeric


def gradient_by_distance(
    cell: str, scale: float, *, steps: int = 80, hidden: int = 16, forget: float = 2.0
) -> np.ndarray:
    """How much of the last state's gradient arrives so many steps back: float64 [steps].

    scale: of orthogonal recurrent weights; forget: an LSTM's forget bias. Of the inputs, whose
    weights are small; the first number is 1.
    """
    rng = np.random.default_rng(0)
    layer = Recurrent(cell, 4, hidden, np.float64)
    for name, array in layer.weights.items():
        if "weight_hh" in name:
            gates = [scale * draw_orthogonal(hidden, rng) for _ in range(len(array) // hidden)]
            array[:] = np.concatenate(gates)
        elif "weight_ih" in name:
            array[:] = rng.normal(0, 0.01, array.shape)
    if cell == "lstm":
        layer.weights["bias_ih_l0"][hidden : 2 * hidden] = forget
    layer.forward(rng.normal(size=(1, steps, 4)), np.array([steps]))
    by_states = np.zeros((1, steps, hidden))
    by_states[0, -1] = 1
    norms = np.linalg.norm(layer.backward(by_states)[0], axis=1)[::-1]
    return norms / norms[0]
