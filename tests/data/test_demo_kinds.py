"""Every kind of demo is a competition, and its best reachable score is exact."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from seqblend.core.config import DataConfig
from seqblend.core.seeds import rng_for
from seqblend.data.demo import BEST
from seqblend.data.demo_kinds import (
    KINDS,
    DemoSize,
    Memory,
    Parity,
    memory_posterior,
    parity_posterior,
    sample_memory,
    sample_parity,
    write_kind,
)
from seqblend.reading.discovery import find_files
from seqblend.reading.reader import read_competition
from seqblend.reading.solution import read_solution

SMALL = DemoSize(train=400, test=100, length=50)


@pytest.mark.parametrize(("kind", "classes"), [("hmm", 5), ("parity", 2), ("memory", 4)])
def test_every_kind_is_read_as_a_competition_of_ids(tmp_path, kind, classes):
    best = write_kind(tmp_path, kind, SMALL)
    files = find_files(tmp_path)
    rows = read_competition(files, DataConfig(), name=kind)
    assert (len(rows.classes), rows.metric, rows.view.name) == (classes, "accuracy", "ids")
    assert (len(rows.train_ids), len(rows.test_ids)) == (400, 100)
    assert len(read_solution(files.solution, rows)) == 100
    measured = json.loads((tmp_path / BEST).read_text())
    assert measured["expected_accuracy"] == best
    assert measured["train_accuracy"] == pytest.approx(best, abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_its_bytes_and_another_seed_others(tmp_path, kind):
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_kind(tmp_path / folder, kind, DemoSize(seed, 30, 10, 20))
    a, b, c = ((tmp_path / folder / "train.json").read_bytes() for folder in "abc")
    assert a == b != c


def test_the_embedded_demo_never_changes(tmp_path):
    write_kind(tmp_path, "hmm", DemoSize())
    digest = hashlib.sha256((tmp_path / "train.json").read_bytes()).hexdigest()
    assert digest == "e2ba6de8b3b4034767c5f63c1589ad4b3daf3dbbd3baafd8ba908f3a31c05be2"


def test_the_best_scores_are_one_minus_the_labels_that_chance_spoils(tmp_path):
    assert write_kind(tmp_path / "p", "parity", SMALL) == pytest.approx(1 - 0.02 / 2)
    assert write_kind(tmp_path / "m", "memory", SMALL) == pytest.approx(1 - 0.01 * 3 / 4)


def test_parity_counts_marked_tokens(tmp_path):
    posterior = parity_posterior(Parity(), [np.array(row) for row in ([4, 30], [3, 9], [1, 2])])
    np.testing.assert_allclose(posterior, [[0.99, 0.01], [0.01, 0.99], [0.99, 0.01]])


def test_parity_has_as_many_even_as_odd_rows_and_no_single_token_tells():
    model = Parity()
    rows, labels = sample_parity(model, 3_000, rng_for(0, "test"))
    assert labels.mean() == pytest.approx(0.5, abs=0.02)
    assert {len(row) for row in rows} == set(range(10, 31))
    assert {int((row <= 3).sum()) for row in rows} == set(range(6))
    for token in range(4, 31):
        has = np.array([token in row for row in rows])
        assert labels[has].mean() == pytest.approx(0.5, abs=0.08)


def test_memory_is_told_by_the_first_token_and_by_nothing_after_it():
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
    for model, draw, judge in (
        (Parity(), sample_parity, parity_posterior),
        (Memory(5), sample_memory, memory_posterior),
    ):
        rows, labels = draw(model, 8_000, rng_for(1, "test"))
        best = judge(model, rows)
        np.testing.assert_allclose(best.sum(axis=1), 1)
        assert (best.argmax(1) == labels).mean() == pytest.approx(best.max(1).mean(), abs=0.004)
