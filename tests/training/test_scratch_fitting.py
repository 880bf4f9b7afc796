"""How networks in NumPy are fitted: history, clipping, dropout, failures, and their cost."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import sequence_set
from fit_examples import make_rows, make_setting

from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.core.errors import UnitError
from seqblend.models.recurrent import RecurrentClassifier, RecurrentOptions
from seqblend.models.scratch_models import Network, ScratchOptions, build_attention, build_lstm
from seqblend.models.scratch_nets.dense import FeatureDropout, drop_words
from seqblend.running.runs import PILOT, Run, plan_units
from seqblend.training.batching import DeviceSequences
from seqblend.training.fitting import fit_module
from seqblend.training.scratch_fitting import fit_network, gather, predict_network

CPU = torch.device("cpu")
SMALL = ScratchOptions(width=8, hidden=8)


def build():
    return build_lstm(SMALL, 11, 2)


def fit(setting, rows=None, valid=None):
    rows = rows or make_rows()
    return fit_network(build, rows, valid or rows, setting)


def test_the_history_has_every_figure_that_a_torch_modules_has():
    rows, setting = make_rows(), make_setting()
    module = RecurrentClassifier("lstm", RecurrentOptions(width=8, hidden=8), 11, 2)
    theirs = fit_module(lambda: module, rows, rows, setting)[1].history
    ours = fit(setting)[1].history
    assert set(ours) == {name for name in theirs if "/" not in name}  # norms by layer
    assert ours["rate"] == theirs["rate"]  # the same batches under the same schedule
    assert {len(values) for values in ours.values()} == {4}


def test_a_step_takes_as_many_rows_as_batch_rows_says():
    taken = []

    class Noting(Network):
        def step(self, tokens, *others):
            taken.append(len(tokens))
            return super().step(tokens, *others)

    rows, setting = make_rows(48), dataclasses.replace(make_setting(batch_rows=20), epochs=1)
    fit_network(lambda: Noting("lstm", SMALL, 11, 2), rows, rows, setting)
    assert sorted(taken) == [8, 20, 20]


def test_validation_loss_is_that_of_the_returned_weights():
    rows = make_rows()
    network, trace = fit(make_setting())
    p = predict_network(network, rows.sequences)
    loss = -np.log(p[np.arange(len(p)), rows.targets]).mean()
    assert trace.history["valid_loss"][-1] == pytest.approx(loss, abs=1e-5)


def test_early_stopping_returns_the_best_epoch():
    valid = make_rows(16, 5)
    flipped = dataclasses.replace(valid, targets=1 - valid.targets)  # the loss can only rise
    network, trace = fit(make_setting(early_stopping=True, lr=0.05), valid=flipped)
    p = predict_network(network, valid.sequences)
    loss = -np.log(p[np.arange(len(p)), flipped.targets]).mean()
    assert loss == pytest.approx(min(trace.history["valid_loss"]), abs=1e-5)
    assert trace.history["valid_loss"][-1] > loss + 0.01


def test_the_recorded_gradient_norm_is_the_one_before_clipping():
    loose = fit(make_setting(clip_norm=0.0))[1].history["gradient_norm"]
    tight = fit(make_setting(clip_norm=1e-4))[1].history["gradient_norm"]
    assert min(tight) > 1e-3
    assert loose[0] == pytest.approx(tight[0], rel=0.2)


def test_an_exploded_loss_names_the_step_and_what_to_change():
    rows, setting = make_rows(), make_setting(lr=1e38, clip_norm=0.0)
    with pytest.raises(UnitError, match=r"no longer finite in epoch 1, step \d .*lower train.lr"):
        fit_network(lambda: build_attention(SMALL, 11, 2), rows, rows, setting)


def test_a_gathered_batch_is_numpys_and_padded_with_zero():
    rows = DeviceSequences(sequence_set([[5, 6], [7]]), np.arange(9), VocabularyConfig(), CPU)
    tokens, lengths = gather(rows, np.array([1, 0]))
    assert (tokens.tolist(), lengths.tolist()) == ([[7, 0], [5, 6]], [1, 2])


def test_dropped_words_become_unknown_and_padding_stays():
    tokens = np.array([[5] * 1_000 + [0] * 50])
    dropped = drop_words(tokens, 0.3, np.random.default_rng(0))
    assert set(dropped[0, :1_000]) == {1, 5}
    assert np.mean(dropped[0, :1_000] == 1) == pytest.approx(0.3, abs=0.05)
    assert not dropped[0, 1_000:].any()


def test_dropped_features_are_gone_for_a_row_and_the_mean_stays():
    layer, x = FeatureDropout(0.5), np.ones((4, 7, 500))
    y = layer.forward(x, np.random.default_rng(0))
    assert set(np.unique(y)) == {0.0, 2.0}
    assert (y == y[:, :1]).all()
    assert y.mean() == pytest.approx(1, abs=0.1)
    np.testing.assert_array_equal(layer.backward(x), y)  # of ones: the mask itself
    np.testing.assert_array_equal(layer.forward(x, None), x)


def make_run(name="scratch_lstm", **changes):
    return Run(f"{name}-1", name, SMALL, TrainConfig(**changes), VocabularyConfig())


def test_a_pilot_chooses_the_epochs_of_a_scratch_run_and_linear_ones_still_come_first():
    nblr = Run("nblr-1", "nblr", None, TrainConfig(), VocabularyConfig())
    units = plan_units([make_run(), nblr, make_run(epochs=3)], seeds=1, folds=1)
    places = [(unit.run.model, unit.fold) for unit in units]
    assert places == [
        ("nblr", 0),
        ("scratch_lstm", PILOT),
        ("scratch_lstm", 0),
        ("scratch_lstm", 0),
    ]
