import itertools
import json

import numpy as np
import pytest

from seqblend.core.seeds import rng_for
from seqblend.data.demo import BEST, make_model, posterior, sample, write_demo


def test_every_marginal_is_the_same_for_all_classes():
    model = make_model(0)
    np.testing.assert_allclose(model.transitions.sum(axis=1), 1)
    np.testing.assert_allclose(model.transitions.sum(axis=2), 1)


def test_the_posterior_is_the_brute_force_one_of_bayes():
    model = make_model(3)
    rows, _ = sample(model, 5, rng_for(0, "test"))
    for tokens, given in zip(rows, posterior(model, rows), strict=True):
        states = [(token - 1) // 100 for token in tokens]
        logs = [
            sum(np.log(table[a, b]) for a, b in itertools.pairwise(states))
            for table in model.transitions
        ]
        joint = np.exp(np.array(logs) - max(logs))
        joint = joint / joint.sum()
        np.testing.assert_allclose(given, joint * (1 - 0.006) + 0.006 / 5)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_best_reachable_accuracy_lies_between_99_and_99_9_percent(tmp_path, seed):
    best = write_demo(tmp_path, seed=seed, n_train=2_000, n_test=500)
    measured = json.loads((tmp_path / BEST).read_text())
    assert 0.990 <= best <= 0.999
    assert measured["train_accuracy"] == pytest.approx(best, abs=0.006)


def test_the_demo_has_the_shape_of_the_competition(tmp_path):
    write_demo(tmp_path, n_train=50, n_test=10)
    train = json.loads((tmp_path / "train.json").read_text())
    assert set(train[0]) == {"id", "sequence", "label"}
    assert {row["label"] for row in train} == set("ABCDE")
    assert all(60 <= len(row["sequence"]) <= 256 for row in train)
    assert len((tmp_path / "sample_submission.csv").read_text().splitlines()) == 11
