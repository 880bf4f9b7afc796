"""Numbers: blends do not depend on their unit or on where they begin."""

from __future__ import annotations

import numpy as np
import pytest

from seqblend.blending.methods import fit_blend
from seqblend.tasks.regression import Regression


@pytest.mark.parametrize("method", ["linear_simplex", "stacking"])
@pytest.mark.parametrize(("unit", "start"), [(1e6, 0.0), (1e-6, 0.0), (1.0, 50.0), (3.0, -200.0)])
def test_a_blend_of_numbers_is_the_same_in_other_units(method, unit, start):
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(2_000, 2))
    skill = np.array([0.3, 0.5, 0.8])[:, None, None]
    stack = skill * targets + 0.3 * rng.normal(size=(3, 2_000, 2)) + 0.1  # shrunken members
    task, names = Regression(("a", "b")), ("x", "y", "z")
    plain = fit_blend(method, stack, targets, "rmse", names, task)
    other = fit_blend(method, start + unit * stack, start + unit * targets, "rmse", names, task)
    np.testing.assert_allclose(other.weights, plain.weights, atol=1e-4)
    expected = start + unit * plain.apply(stack)
    np.testing.assert_allclose(other.apply(start + unit * stack), expected, atol=1e-3 * unit)
