"""A recurrent layer: a cell run over time, and backpropagation through time (Werbos 1990).

One loop over the steps, all rows at once. Whatever needs no state stays outside the loop: the
input's projection is one product before it, the gradients of the weights are one product after it.
"""

from __future__ import annotations

import numpy as np

from seqblend.models.scratch_nets.cells import CELLS, State
from seqblend.models.scratch_nets.dense import mask_of


class Recurrent:
    """One layer forward in time, from a state of zeros; padding neither counts nor learns."""

    def __init__(self, cell: str, width: int, hidden: int, dtype: type = np.float32) -> None:
        self.cell, self.hidden = CELLS[cell], hidden
        rows = self.cell.gates * hidden
        self.weights = {
            "weight_ih_l0": np.zeros((rows, width), dtype),
            "weight_hh_l0": np.zeros((rows, hidden), dtype),
            "bias_ih_l0": np.zeros(rows, dtype),
            "bias_hh_l0": np.zeros(rows, dtype),
        }
        self.gradients: dict[str, np.ndarray] = {}

    def forward(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """x: [b, t, d], lengths: int64 [b] -> states [b, t, h], zero beyond a row's length."""
        b, t, _ = x.shape
        w = self.weights
        by_time = np.ascontiguousarray(x.transpose(1, 0, 2)).reshape(t * b, -1)
        inputs = (by_time @ w["weight_ih_l0"].T + w["bias_ih_l0"]).reshape(t, b, -1)
        before = np.zeros(
            (t + 1, b, self.hidden), x.dtype
        )  # [t]: the state that step t starts from
        state = tuple(before[0] for _ in range(self.cell.states))
        saved: list[State] = []
        for i in range(t):
            u = state[0] @ w["weight_hh_l0"].T + w["bias_hh_l0"]
            state, kept = self.cell.step(inputs[i], u, state)
            before[i + 1] = state[0]
            saved.append(kept)
        self._mask = mask_of(lengths, t)[:, :, None]  # [b, t, 1]
        self._by_time, self._before, self._saved = by_time, before, saved
        return before[1:].transpose(1, 0, 2) * self._mask

    def backward(self, by_states: np.ndarray) -> np.ndarray:
        """by_states: [b, t, h] -> the gradient of x, [b, t, d].

        A state matters twice: to what reads it (by_states) and to the step after it (carried).
        """
        by_time = (by_states * self._mask).transpose(1, 0, 2)
        t, b, _ = by_time.shape
        w, cell = self.weights, self.cell
        by_input = np.empty((t, b, len(w["bias_ih_l0"])), by_states.dtype)
        by_hidden = by_input if cell.is_plain else np.empty_like(by_input)
        carried, others = 0.0, (0.0,) * (cell.states - 1)
        for i in reversed(range(t)):
            by_state = (by_time[i] + carried, *others)
            by_input[i], by_hidden[i], (direct, *others) = cell.step_back(by_state, self._saved[i])
            carried = by_hidden[i] @ w["weight_hh_l0"] + direct
        by_input, by_hidden = by_input.reshape(t * b, -1), by_hidden.reshape(t * b, -1)
        self.gradients = {
            "weight_ih_l0": by_input.T @ self._by_time,
            "weight_hh_l0": by_hidden.T @ self._before[:-1].reshape(t * b, -1),
            "bias_ih_l0": by_input.sum(0),
            "bias_hh_l0": by_hidden.sum(0),
        }
        return (by_input @ w["weight_ih_l0"]).reshape(t, b, -1).transpose(1, 0, 2)
