"""Both demos are competitions, and their best reachable scores are exact."""

from __future__ import annotations

import hashlib
import itertools
import json
from functools import partial

import numpy as np
import pytest

from seqblend.core.config import DataConfig
from seqblend.core.seeds import rng_for
from seqblend.data.demo import (
    BEST,
    Memory,
    draw_transitions,
    memory_posterior,
    posterior,
    sample,
    sample_memory,
    write_demo,
    write_memory_demo,
)
from seqblend.reading.discovery import find_files
from seqblend.reading.reader import read_competition
from seqblend.reading.solution import read_solution

DEMOS = {"hmm": write_demo, "memory": partial(write_memory_demo, length=50)}


@pytest.mark.parametrize(("kind", "classes"), [("hmm", 5), ("memory", 4)])
def test_every_demo_is_read_as_a_competition_of_ids(tmp_path, kind, classes):
    best = DEMOS[kind](tmp_path, n_train=400, n_test=100)
    files = find_files(tmp_path)
    rows = read_competition(files, DataConfig(), name=kind)
    assert (len(rows.classes), rows.metric, rows.view.name) == (classes, "accuracy", "ids")
    assert (len(rows.train_ids), len(rows.test_ids)) == (400, 100)
    assert len(read_solution(files.solution, rows).targets) == 100
    measured = json.loads((tmp_path / BEST).read_text())
    assert measured["expected_accuracy"] == best
    assert measured["train_accuracy"] == pytest.approx(best, abs=0.02)


@pytest.mark.parametrize("kind", DEMOS)
def test_a_seed_gives_its_bytes_and_another_seed_others(tmp_path, kind):
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        DEMOS[kind](tmp_path / folder, seed=seed, n_train=30, n_test=10)
    a, b, c = ((tmp_path / folder / "train.json").read_bytes() for folder in "abc")
    assert a == b != c


def test_the_embedded_demo_never_changes(tmp_path):
    write_demo(tmp_path)
    digest = hashlib.sha256((tmp_path / "train.json").read_bytes()).hexdigest()
    assert digest == "e2ba6de8b3b4034767c5f63c1589ad4b3daf3dbbd3baafd8ba908f3a31c05be2"


def test_the_best_score_is_one_minus_the_labels_that_are_random(tmp_path):
    assert write_memory_demo(tmp_path, n_train=40, n_test=10) == pytest.approx(1 - 0.01 * 3 / 4)


def test_memory_is_decided_by_the_first_token_and_by_nothing_after_it():
    model = Memory(length=30)
    rows, labels = sample_memory(model, 8_000, rng_for(0, "test"))
    tokens = np.stack(rows)
    assert tokens.shape == (8_000, 30)
    assert (tokens[:, 0] % 4 == labels).mean() == pytest.approx(0.9925, abs=0.004)
    for step in range(1, 30):
        assert (tokens[:, step] % 4 == labels).mean() == pytest.approx(0.25, abs=0.025)
    np.testing.assert_allclose(
        memory_posterior(model, [np.array([5, 2, 2])]), [[0.0025, 0.9925, 0.0025, 0.0025]]
    )


def test_the_best_score_is_what_the_posterior_reaches_on_many_rows():
    rows, labels = sample_memory(Memory(5), 8_000, rng_for(1, "test"))
    best = memory_posterior(Memory(5), rows)
    np.testing.assert_allclose(best.sum(axis=1), 1)
    assert (best.argmax(1) == labels).mean() == pytest.approx(best.max(1).mean(), abs=0.004)


def test_every_marginal_is_the_same_for_all_classes():
    transitions = draw_transitions(0)
    np.testing.assert_allclose(transitions.sum(axis=1), 1)
    np.testing.assert_allclose(transitions.sum(axis=2), 1)


def test_the_posterior_is_the_brute_force_one_of_bayes():
    transitions = draw_transitions(3)
    rows, _ = sample(transitions, 5, rng_for(0, "test"))
    for tokens, given in zip(rows, posterior(transitions, rows), strict=True):
        states = [(token - 1) // 100 for token in tokens]
        logs = [
            sum(np.log(table[a, b]) for a, b in itertools.pairwise(states)) for table in transitions
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
