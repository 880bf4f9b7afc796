"""The threshold of largest F1, against all thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from seqblend.evaluation.thresholds import best_threshold


@pytest.mark.parametrize("seed", range(20))
def test_no_other_threshold_has_a_larger_f1(seed):
    rng = np.random.default_rng(seed)
    odds = rng.integers(-9, 3, 40).astype(float)  # with ties
    is_positive = rng.random(40) < 1 / (1 + np.exp(-odds - 2))
    is_positive[0], is_positive[1] = True, False
    ours = f1_score(is_positive, odds > best_threshold(odds, is_positive))
    every = [f1_score(is_positive, odds > t, zero_division=0.0) for t in np.arange(-10.5, 4)]
    assert ours == pytest.approx(max(every))


def test_one_side_alone_has_no_threshold():
    assert best_threshold(np.array([1.0, -2.0]), np.array([True, True])) == 0.0
    assert best_threshold(np.array([1.0, -2.0]), np.array([False, False])) == 0.0
