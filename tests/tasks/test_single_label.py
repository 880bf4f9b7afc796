"""Single-label classification: its cross-entropy and what it predicts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import classes_of
from sklearn.utils.class_weight import compute_class_weight

from seqblend.core.config import TrainConfig

CPU = torch.device("cpu")


def test_class_weights_are_those_of_scikit_learn():
    labels = np.array([0, 0, 0, 1, 2, 2])
    objective = classes_of(3).objective(labels, TrainConfig(class_weights=True))
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(objective.mass, expected[labels], rtol=1e-6)
    targets, outputs = objective.targets(CPU), torch.randn(6, 3)
    own = torch.nn.CrossEntropyLoss(torch.tensor(expected, dtype=torch.float32))
    assert objective.plain_loss(outputs, targets) == own(outputs, targets)


def test_label_smoothing_moves_its_share_evenly_to_all_classes():
    logits = torch.tensor([[2.0, 0.0, -1.0]])
    objective = classes_of(3).objective(np.array([0]), TrainConfig(label_smoothing=0.3))
    target = np.array([0.7 + 0.1, 0.1, 0.1])
    expected = -(target * torch.log_softmax(logits, 1)[0].numpy()).sum()
    loss = objective.loss(logits, objective.targets(CPU))
    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_the_prior_loss_is_the_entropy_of_the_label_frequencies():
    assert classes_of(5).prior_loss(np.array([0, 1, 2, 3])) == pytest.approx(np.log(4))
    assert classes_of(2).prior_loss(np.array([0, 0, 0])) == 0
