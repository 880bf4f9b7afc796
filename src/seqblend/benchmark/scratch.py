"""NumPy against torch: one LSTM classifier, the same weights, the same batches, float32.

Embedding 128 -> LSTM 64 -> mean of the states -> linear; Adam, the gradient's norm clipped to 1.
Batches of 64 rows of like length on average, drawn as in a unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from seqblend.benchmark.ours import on_device
from seqblend.benchmark.peers import BATCH
from seqblend.benchmark.timing import Timing, time_steps
from seqblend.benchmark.workload import CLASSES, VOCABULARY
from seqblend.models.layers import mask_of
from seqblend.scratch.classifier import SequenceClassifier, Shape
from seqblend.scratch.optimise import Adam, clip_by_global_norm
from seqblend.seeds import rng_for
from seqblend.training.batching import plan_batches
from seqblend.training.contract import Labelled

_WIDTH, _HIDDEN, _RATE, _CLIP = 128, 64, 1e-3, 1.0
_WARM_UP = 2  # steps
Batch = tuple[Tensor, Tensor, Tensor]  # tokens int64 [b, t], lengths int64 [b], labels int64 [b]


class TorchClassifier(nn.Module):
    """The same network in torch, with the same names."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, _WIDTH, padding_idx=0)
        self.recurrent = nn.LSTM(_WIDTH, _HIDDEN, batch_first=True)
        self.output = nn.Linear(_HIDDEN, CLASSES)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens: int64 [b, t], lengths: int64 [b] -> logits float [b, c]."""
        states = self.recurrent(self.embedding(tokens))[0]  # [b, t, h]
        mask = mask_of(lengths, tokens.shape[1])[:, :, None]
        return self.output((states * mask).sum(1) / lengths[:, None])


def make_numpy() -> SequenceClassifier:
    """The NumPy network, the same at every call."""
    model = SequenceClassifier(Shape("lstm", "mean", VOCABULARY, _WIDTH, _HIDDEN, CLASSES))
    model.initialise(rng_for(0, "benchmark"))
    return model


def make_torch() -> TorchClassifier:
    """The torch network with the NumPy network's weights."""
    model = TorchClassifier()
    weights = make_numpy().state_dict()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return model


def _batches(rows: Labelled) -> Iterator[Batch]:
    """Endless epochs of batches."""
    sequences, labels = on_device(rows).sequences, torch.from_numpy(rows.labels)
    budget = max(BATCH * int(sequences.lengths.mean()), int(sequences.lengths.max()))
    rng = rng_for(0, "benchmark-batches")
    while True:
        for batch in plan_batches(sequences.lengths, budget, rng):
            yield *sequences.gather(batch), labels[torch.from_numpy(batch)]


def _time(
    rows: Labelled, seconds: float, step: Callable[[Tensor, Tensor, Tensor], object]
) -> Timing:
    """A step on one batch after the other."""

    def steps() -> Iterator[tuple[int, int]]:
        for tokens, lengths, labels in _batches(rows):
            step(tokens, lengths, labels)
            yield int(lengths.sum()), tokens.numel()

    return time_steps(steps(), seconds, _WARM_UP)


def time_torch_step(rows: Labelled, seconds: float) -> Timing:
    """Forward, backward, clipping, Adam in torch."""
    model = make_torch()
    optimiser = torch.optim.Adam(model.parameters(), lr=_RATE)

    def step(tokens: Tensor, lengths: Tensor, labels: Tensor) -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(tokens, lengths), labels).backward()
        nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
        optimiser.step()

    return _time(rows, seconds, step)


def time_numpy_step(rows: Labelled, seconds: float) -> Timing:
    """Forward, backward, clipping, Adam in NumPy."""
    model = make_numpy()
    adam = Adam(model.state_dict())

    def step(tokens: Tensor, lengths: Tensor, labels: Tensor) -> None:
        gradients = model.loss(tokens.numpy(), lengths.numpy(), labels.numpy())[2]
        clip_by_global_norm(gradients, _CLIP)
        adam.step(gradients, _RATE)

    return _time(rows, seconds, step)


def time_torch_forward(rows: Labelled, seconds: float) -> Timing:
    """Logits in torch, without gradients."""
    model = make_torch().eval()

    @torch.no_grad()
    def step(tokens: Tensor, lengths: Tensor, _: Tensor) -> Tensor:
        return model(tokens, lengths)

    return _time(rows, seconds, step)


def time_numpy_forward(rows: Labelled, seconds: float) -> Timing:
    """Logits in NumPy."""
    model = make_numpy()

    def step(tokens: Tensor, lengths: Tensor, _: Tensor) -> np.ndarray:
        return model.forward(tokens.numpy(), lengths.numpy())

    return _time(rows, seconds, step)
