import dataclasses

import numpy as np
import pytest
from conftest import sequence_set

from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.models.recurrent import RecurrentOptions
from seqblend.models.registry import entries
from seqblend.running.budget import Estimator
from seqblend.running.runs import PILOT, Run, Unit

SMALL = RecurrentOptions(width=4, hidden=4)
NBLR = Run("nblr-1", "nblr", None, TrainConfig(), VocabularyConfig())


def make_run(**changes):
    config = TrainConfig(precision="float32", **changes)
    return Run("bilstm-1", "bilstm", SMALL, config, VocabularyConfig())


def make_estimator():
    rows = sequence_set([[1, 2, 3]] * 40)
    return Estimator(rows, rows, classes=2, folds=5)


def test_finished_folds_say_what_the_next_one_takes():
    estimator = make_estimator()
    for fold, seconds in enumerate((10.0, 20.0)):
        estimator.observe(Unit(NBLR, 0, fold), {"seconds": seconds})
    assert estimator.seconds(Unit(NBLR, 0, 4)) == pytest.approx(15.0)


def test_a_pilot_says_epochs_and_speed():
    estimator, run = make_estimator(), make_run()
    estimator.observe(Unit(run, 0, PILOT), {"epochs": 5, "tokens_per_second": 2.0})
    tokens = 0.8 * 120
    assert estimator.seconds(Unit(run, 0, 0)) == pytest.approx(4 + 1.15 * 5 * tokens / 2.0)


def test_runs_of_one_architecture_share_what_a_pilot_or_a_probe_said():
    estimator, other = make_estimator(), make_run(lr=0.1, epochs=5)
    estimator.observe(Unit(make_run(), 0, PILOT), {"epochs": 9, "tokens_per_second": 2.0})
    expected = 4 + 1.15 * 5 * 0.8 * 120 / 2.0
    assert estimator.seconds(Unit(other, 0, 0)) == pytest.approx(expected)
    narrow = dataclasses.replace(other, options=RecurrentOptions(width=2, hidden=4))
    wide_batches = make_run(epochs=5, batch_rows=40)
    for run in (narrow, wide_batches):
        assert estimator.seconds(Unit(run, 0, 0)) < expected / 2  # probed


def test_before_anything_is_known_a_few_steps_are_timed():
    estimator = make_estimator()
    few, many = (estimator.seconds(Unit(make_run(epochs=epochs), 0, 0)) for epochs in (1, 1_000))
    assert 0 < few < many
    assert np.isfinite(many)


def test_more_tokens_and_classes_take_a_linear_member_longer():
    short, long = sequence_set([[1]] * 50), sequence_set([[1, 2, 3, 4] * 500] * 50)
    seconds = [
        Estimator(rows, rows, classes=classes, folds=5).seconds(Unit(NBLR, 0, 0))
        for rows, classes in ((short, 2), (long, 2), (long, 50))
    ]
    assert seconds == sorted(seconds)
    assert len(set(seconds)) == 3


def test_a_newly_registered_linear_model_has_an_estimate(monkeypatch):
    known = entries()
    new = dataclasses.replace(known["nblr"], name="new")
    monkeypatch.setitem(known, "new", new)
    unit = Unit(dataclasses.replace(NBLR, name="new-1", model="new"), 0, 0)
    assert make_estimator().seconds(unit) > 0


def test_the_first_linear_unit_sets_the_pace_of_all_linear_models():
    rows = sequence_set([[1, 2, 3, 4] * 500] * 50)
    estimator = Estimator(rows, rows, classes=2, folds=5)
    chars = Unit(dataclasses.replace(NBLR, name="chars-1", model="chars"), 0, 0)
    start_up = 4.0
    before = estimator.seconds(chars) - start_up
    estimator.observe(Unit(NBLR, 0, 0), {"seconds": 3 * before})
    assert estimator.seconds(chars) - start_up == pytest.approx(3 * before)
