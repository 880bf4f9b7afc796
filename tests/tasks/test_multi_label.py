"""Several labels a row: what smoothing keeps, and strata of combinations."""

from __future__ import annotations

import numpy as np
import torch

from seqblend.core.config import TrainConfig
from seqblend.tasks.multi_label import MultiLabel


def test_smoothing_keeps_the_mean_of_each_column():
    rng = np.random.default_rng(0)
    labels = (rng.random((400, 3)) < [0.5, 0.1, 0.02]).astype(np.int64)
    objective = MultiLabel(("a", "b", "c")).objective(labels, TrainConfig(label_smoothing=0.2))
    mean = torch.from_numpy(labels.mean(0).astype(np.float32))
    outputs = torch.logit(mean).repeat(400, 1).requires_grad_()
    objective.loss(outputs, objective.targets(torch.device("cpu"))).backward()
    np.testing.assert_allclose(outputs.grad.sum(0).numpy(), 0, atol=1e-6)


def test_strata_are_combinations_and_rare_ones_go_by_their_rarest_label():
    common = [[0, 0, 0]] * 30 + [[1, 0, 0]] * 25 + [[0, 0, 1]] * 21
    labels = np.array([*common, [1, 0, 1], [1, 1, 0], [0, 1, 1]])
    strata = MultiLabel(("a", "b", "c")).strata(labels)
    assert len(set(strata[:76].tolist())) == 3
    assert strata[77] == strata[78]  # both have b, the rarest
    assert strata[76] not in {*strata[:76].tolist(), strata[77]}
