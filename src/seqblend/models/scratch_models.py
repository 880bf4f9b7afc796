"""The NumPy networks of scratch_nets/ as registered models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.models.registry import register
from seqblend.models.scratch_nets.adam import Adam, clip_by_global_norm
from seqblend.models.scratch_nets.classifier import SequenceClassifier, Shape
from seqblend.models.scratch_nets.dense import softmax
from seqblend.models.scratch_nets.pooling import POOLINGS

_TASKS = ("single_label", "ordinal")  # their loss is the cross-entropy of classes


@dataclass(frozen=True)
class ScratchOptions:
    """What a network in NumPy is made of. [train] gives rates, clipping, batches, epochs."""

    width: int = knob(64, Choice((16, 32, 64)), "features of a token embedding", least=1)
    hidden: int = knob(64, Choice((16, 32, 64)), "state size", least=1)
    pooling: str = knob("max", Choice(POOLINGS), "how states become one")
    embedding_dropout: float = share(0.3, Span(0.0, 0.6), "of whole embedding features")
    word_dropout: float = share(0.05, Span(0.0, 0.3), "share of tokens read as unknown")
    lr_scale: float = knob(1.0, help="times train.lr", least=0)


class Network(SequenceClassifier):
    """A NumPy classifier with its optimiser, in float32."""

    def __init__(self, cell: str, options: ScratchOptions, size: int, classes: int) -> None:
        """All weights are zero until initialise() or load_state_dict()."""
        shape = Shape(
            cell,
            options.pooling,
            size,
            options.width,
            options.hidden,
            classes,
            dropout=options.embedding_dropout,
            word_dropout=options.word_dropout,
        )
        super().__init__(shape)
        self._adam = Adam(self.state_dict())

    def initialise(self, rng: np.random.Generator) -> None:
        """Draw the first weights; the training steps go on drawing from `rng`."""
        super().initialise(rng)
        self._rng = rng

    def step(
        self, tokens: np.ndarray, lengths: np.ndarray, labels: np.ndarray, rate: float, most: float
    ) -> tuple[float, int, float]:
        """One training step: (mean loss, correct rows, gradient norm before clipping to `most`).

        tokens: int64 [b, t], lengths and labels: int64 [b]
        """
        loss, logits, gradients = self.loss(tokens, lengths, labels, self._rng)
        norm = clip_by_global_norm(gradients, most)
        self._adam.step(gradients, rate)
        return loss, int((logits.argmax(axis=1) == labels).sum()), norm

    def predict(self, tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """tokens: int64 [b, t], lengths: int64 [b] -> probabilities float32 [b, c]."""
        return softmax(self.forward(tokens, lengths))

    def weigh_by_attention(self, tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray | None:
        """The attention pooling's weights: float32 [b, t], rows sum to 1; None without one."""
        attention = self.pool.pools.get("attention")
        if attention is None:
            return None
        self.forward(tokens, lengths)
        return attention.shares

    @property
    def parameters(self) -> int:
        """How many numbers are learnt."""
        return sum(array.size for array in self.state_dict().values())


@register("scratch_rnn", ScratchOptions, kind="scratch", tasks=_TASKS, lr_scale=0.25)
def build_rnn(options: ScratchOptions, size: int, classes: int) -> Network:
    """A simple recurrent network (Elman 1990)."""
    return Network("rnn", options, size, classes)


@register("scratch_lstm", ScratchOptions, kind="scratch", tasks=_TASKS)
def build_lstm(options: ScratchOptions, size: int, classes: int) -> Network:
    """An LSTM (Hochreiter & Schmidhuber 1997)."""
    return Network("lstm", options, size, classes)


@register(
    "scratch_attention", ScratchOptions, kind="scratch", tasks=_TASKS, pooling="attention+max"
)
def build_attention(options: ScratchOptions, size: int, classes: int) -> Network:
    """A GRU (Cho 2014) under additive attention (Bahdanau 2015)."""
    return Network("gru", options, size, classes)
