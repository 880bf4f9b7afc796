"""Additive attention over the steps of a row, with one learned query, and its gradients."""

from __future__ import annotations

import numpy as np

from seqblend.models.scratch_nets.dense import mask_of, softmax


class Attention:
    """Bahdanau 2015's score with a learned query in the decoder's place (Yang 2016).

    m_t = tanh(W h_t + b)   e_t = q . m_t   p = softmax(e) over the row's tokens
    out = sum_t p_t h_t
    """

    def __init__(self, width: int, dtype: type = np.float32) -> None:
        self.weights = {
            "project.weight": np.zeros((width, width), dtype),
            "project.bias": np.zeros(width, dtype),
            "query.weight": np.zeros((1, width), dtype),
        }
        self.gradients: dict[str, np.ndarray] = {}

    def forward(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """x: [b, t, d], lengths: int64 [b] -> [b, d]."""
        w = self.weights
        matches = np.tanh(x @ w["project.weight"].T + w["project.bias"])  # [b, t, d]
        scores = matches @ w["query.weight"][0]  # [b, t]
        scores[~mask_of(lengths, x.shape[1])] = -np.inf  # exp gives exactly 0
        shares = softmax(scores)
        self._x, self._matches, self.shares = x, matches, shares
        return np.matmul(shares[:, None], x)[:, 0]

    def backward(self, by_output: np.ndarray) -> np.ndarray:
        """by_output: [b, d] -> the gradient of x, [b, t, d].

        Of the softmax: de_t = p_t (dp_t - sum_k p_k dp_k). Padding has p = 0, hence no gradient.
        """
        x, matches, shares, w = self._x, self._matches, self.shares, self.weights
        by_shares = np.matmul(x, by_output[:, :, None])[:, :, 0]  # [b, t]
        by_scores = shares * (by_shares - (shares * by_shares).sum(axis=1, keepdims=True))
        by_matches = by_scores[:, :, None] * w["query.weight"][0] * (1 - matches * matches)
        d = x.shape[2]
        flat = by_matches.reshape(-1, d)
        self.gradients = {
            "project.weight": flat.T @ x.reshape(-1, d),
            "project.bias": flat.sum(0),
            "query.weight": by_scores.reshape(1, -1) @ matches.reshape(-1, d),
        }
        return shares[:, :, None] * by_output[:, None] + by_matches @ w["project.weight"]
