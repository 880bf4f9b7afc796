"""One step of a recurrent cell, and the same step backwards: the equations of RNN, LSTM and GRU.

A cell sees what its input gives it, a = W_ih x + b_ih, and what its last state gives it,
u = W_hh h + b_hh, both [b, gates * h] in torch's order of gates, and makes the next state of them.
Backwards it turns the gradient of that state into those of a, of u, and of the last state as far
as it flows around u. `*` is by element, s the logistic function; s' = s (1 - s) and
tanh' = 1 - tanh^2 are all the calculus there is.

gates: blocks of rows in the weights; states: arrays that a state consists of
is_plain: a and u enter as their sum only, so that their gradients are the same
step: (the next state, what step_back needs)
step_back: the gradients of a, of u, and of the last state around u
"""

from __future__ import annotations

import numpy as np

State = tuple[np.ndarray, ...]  # [b, h] each; the first is what the layer gives out
Direct = tuple[np.ndarray | float, ...]  # a gradient for each of the last state's arrays


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), written so that no exponential can overflow."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


class RnnCell:
    """Elman 1990: h' = tanh(a + u)."""

    gates, states, is_plain = 1, 1, True

    def step(self, a: np.ndarray, u: np.ndarray, state: State) -> tuple[State, State]:
        """One step forward."""
        h = np.tanh(a + u)
        return (h,), (h,)

    def step_back(self, by_state: State, saved: State) -> tuple[np.ndarray, np.ndarray, Direct]:
        """One step backward: the last state matters through u alone."""
        (h,) = saved
        by_sum = by_state[0] * (1 - h * h)
        return by_sum, by_sum, (0.0,)


class LstmCell:
    """Hochreiter & Schmidhuber 1997, with the forget gate of Gers 2000.

    i, f, o = s(a + u)   g = tanh(a + u)   each with its own block: i, f, g, o
    c' = f * c + i * g   h' = o * tanh(c')
    The sum in c' is why it remembers: backwards, c gets the gradient of c' times f, and no matrix
    stands between.
    """

    gates, states, is_plain = 4, 2, True

    def step(self, a: np.ndarray, u: np.ndarray, state: State) -> tuple[State, State]:
        """One step forward."""
        c, n = state[1], state[1].shape[1]
        gates = a + u
        input_forget = sigmoid(gates[:, : 2 * n])
        i, f = input_forget[:, :n], input_forget[:, n:]
        g, o = np.tanh(gates[:, 2 * n : 3 * n]), sigmoid(gates[:, 3 * n :])
        new = f * c + i * g
        squashed = np.tanh(new)
        return (o * squashed, new), (c, i, f, g, o, squashed)

    def step_back(self, by_state: State, saved: State) -> tuple[np.ndarray, np.ndarray, Direct]:
        """One step backward."""
        c, i, f, g, o, squashed = saved
        by_h, by_c = by_state
        by_c = by_c + by_h * o * (1 - squashed * squashed)
        by_gates = np.concatenate(
            [
                by_c * g * i * (1 - i),
                by_c * c * f * (1 - f),
                by_c * i * (1 - g * g),
                by_h * squashed * o * (1 - o),
            ],
            axis=1,
        )
        return by_gates, by_gates, (0.0, by_c * f)


class GruCell:
    """Cho 2014, in the form of cuDNN and torch: the reset gate acts on u, not on h.

    r, z = s(a + u)   n = tanh(a_n + r * u_n)   each with its own block: r, z, n
    h' = (1 - z) * n + z * h
    """

    gates, states, is_plain = 3, 1, False

    def step(self, a: np.ndarray, u: np.ndarray, state: State) -> tuple[State, State]:
        """One step forward."""
        (h,) = state
        k = h.shape[1]
        gates = sigmoid(a[:, : 2 * k] + u[:, : 2 * k])
        r, z, u_n = gates[:, :k], gates[:, k:], u[:, 2 * k :]
        n = np.tanh(a[:, 2 * k :] + r * u_n)
        return (n + z * (h - n),), (h, r, z, n, u_n)

    def step_back(self, by_state: State, saved: State) -> tuple[np.ndarray, np.ndarray, Direct]:
        """One step backward."""
        h, r, z, n, u_n = saved
        (by_h,) = by_state
        by_n = by_h * (1 - z) * (1 - n * n)
        by_r = by_n * u_n * r * (1 - r)
        by_z = by_h * (h - n) * z * (1 - z)
        by_a = np.concatenate([by_r, by_z, by_n], axis=1)
        by_u = np.concatenate([by_r, by_z, by_n * r], axis=1)
        return by_a, by_u, (by_h * z,)


CELLS: dict[str, RnnCell | LstmCell | GruCell] = {
    "rnn": RnnCell(),
    "lstm": LstmCell(),
    "gru": GruCell(),
}
