import copy
import doctest

import numpy as np
import pytest
import torch
from torch import nn

from seqblend.training import gradient_norms
from seqblend.training.gradient_norms import GradientNorms

CPU = torch.device("cpu")


def make_model(scale=1.0):
    """Two layers, `a` and `b.0`, with gradients; `c` is frozen and has none."""
    torch.manual_seed(0)
    model = nn.ModuleDict({"a": nn.Linear(3, 4), "b": nn.ModuleList([nn.Linear(4, 2)])})
    model["c"] = nn.Linear(2, 2).requires_grad_(False)
    loss = model["c"](model["b"][0](model["a"](torch.randn(5, 3)))).square().sum()
    (scale * loss).backward()
    return model


def test_a_layer_is_named_by_its_number_where_it_has_one():
    assert doctest.testmod(gradient_norms).failed == 0


def test_norms_are_those_of_the_gradients_laid_end_to_end():
    model = make_model()
    norms = GradientNorms(model, CPU)
    assert norms.layers == ["a", "b.0", "c"]
    measured = norms.measure().numpy()

    def norm(*layers):
        return np.linalg.norm([g for m in layers for p in m.parameters() for g in p.grad.flatten()])

    a, b = model["a"], model["b"][0]
    np.testing.assert_allclose(measured, [norm(a, b), norm(a), norm(b), 0], rtol=1e-6)


@pytest.mark.parametrize("most", [0.01, 1.0, 1e6])
def test_clipping_is_that_of_torch(most):
    ours, theirs = make_model(), make_model()
    norms = GradientNorms(ours, CPU)
    norms.clip(norms.measure()[0], most)
    nn.utils.clip_grad_norm_(theirs.parameters(), most)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        if other.grad is not None:
            torch.testing.assert_close(mine.grad, other.grad)


def test_measuring_changes_no_gradient_and_a_nan_is_seen():
    model = make_model()
    before = copy.deepcopy([p.grad for p in model["a"].parameters()])
    norms = GradientNorms(model, CPU)
    norms.measure()
    assert all(torch.equal(p.grad, g) for p, g in zip(model["a"].parameters(), before, strict=True))
    model["b"][0].bias.grad[1] = torch.nan
    assert not norms.measure()[0].isfinite()
