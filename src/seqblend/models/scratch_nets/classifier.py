"""A classifier of sequences out of these layers: embedding, recurrence, pooling, logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.models.scratch_nets.dense import (
    EmbeddingLayer,
    FeatureDropout,
    Linear,
    cross_entropy,
    drop_words,
)
from seqblend.models.scratch_nets.initialisation import initialise
from seqblend.models.scratch_nets.pooling import make_pool
from seqblend.models.scratch_nets.recurrent_layer import Recurrent


@dataclass(frozen=True)
class Shape:
    """What a classifier is made of.

    cell: rnn, lstm or gru; pooling: one of pooling.POOLINGS
    size: of the vocabulary, with padding; width: of a token's vector; hidden: of the state
    dropout, word_dropout: shares of features and of tokens left out in training
    """

    cell: str
    pooling: str
    size: int
    width: int
    hidden: int
    classes: int
    dropout: float = 0.0
    word_dropout: float = 0.0


class SequenceClassifier:
    """tokens -> vectors -> states -> one vector -> logits; the gradients take the same way back."""

    def __init__(self, shape: Shape, dtype: type = np.float32) -> None:
        """All weights are zero until initialise() or load_state_dict()."""
        self.word_dropout = shape.word_dropout
        self.embedding = EmbeddingLayer(shape.size, shape.width, dtype)
        self.dropout = FeatureDropout(shape.dropout)
        self.recurrent = Recurrent(shape.cell, shape.width, shape.hidden, dtype)
        self.pool = make_pool(shape.pooling, shape.hidden, dtype)
        self.output = Linear(shape.hidden * len(self.pool.pools), shape.classes, dtype)

    def initialise(self, rng: np.random.Generator) -> None:
        """Draw the first weights."""
        initialise(self.state_dict(), rng)

    def forward(
        self, tokens: np.ndarray, lengths: np.ndarray, rng: np.random.Generator | None = None
    ) -> np.ndarray:
        """tokens: int64 [b, t] padded with 0, lengths: int64 [b], at least 1 -> logits [b, c].

        With `rng` (training) words and features are dropped.
        """
        if rng is not None and self.word_dropout:
            tokens = drop_words(tokens, self.word_dropout, rng)
        vectors = self.dropout.forward(self.embedding.forward(tokens), rng)  # [b, t, d]
        states = self.recurrent.forward(vectors, lengths)  # [b, t, h]
        return self.output.forward(self.pool.forward(states, lengths))

    def backward(self, by_logits: np.ndarray) -> dict[str, np.ndarray]:
        """by_logits: [b, c] -> the gradient of every array in state_dict()."""
        by_states = self.pool.backward(self.output.backward(by_logits))
        by_vectors = self.dropout.backward(self.recurrent.backward(by_states))
        self.embedding.backward(by_vectors)
        return self._collect("gradients")

    def loss(
        self,
        tokens: np.ndarray,
        lengths: np.ndarray,
        labels: np.ndarray,
        rng: np.random.Generator | None = None,
    ) -> tuple[float, np.ndarray, dict[str, np.ndarray]]:
        """(mean cross-entropy, logits [b, c], the gradient of every weight). labels: int64 [b]."""
        logits = self.forward(tokens, lengths, rng)
        value, by_logits = cross_entropy(logits, labels)
        return value, logits, self.backward(by_logits)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Every weight by its name, such as `recurrent.weight_hh_l0`: the arrays themselves."""
        return self._collect("weights")

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Copy the weights in. raises: ValueError where names or shapes differ."""
        own = self.state_dict()
        if {k: a.shape for k, a in own.items()} != {k: a.shape for k, a in state.items()}:
            raise ValueError(
                f"expected the arrays {sorted(own)} in their shapes, got {sorted(state)}"
            )
        for name, array in state.items():
            own[name][:] = array

    def _collect(self, what: str) -> dict[str, np.ndarray]:
        """The layers' `weights` or `gradients` under one name each."""
        return {
            f"{layer}.{name}": array
            for layer in ("embedding", "recurrent", "pool", "output")
            for name, array in getattr(getattr(self, layer), what).items()
        }
