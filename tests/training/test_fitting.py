import dataclasses

import numpy as np
import pytest
import torch
from fit_examples import CPU, SMALL, SOFTMAX, make_rows, make_setting
from torch import nn

from seqblend.core.errors import UnitError
from seqblend.models.recurrent import RecurrentClassifier
from seqblend.training.fitting import (
    epochs_for_folds,
    first_best,
    fit_module,
    predict_module,
    stops_after_patience,
)
from seqblend.training.trainer import Trainer


def build():
    return RecurrentClassifier("lstm", SMALL, 11, 2)


def test_nothing_stops_on_the_plateau_before_learning_begins():
    should_stop = stops_after_patience(2, np.log(5))
    plateau = {"train_loss": [1.62, 1.61, 1.61, 1.61], "valid_loss": [1.60, 1.61, 1.62, 1.63]}
    assert not should_stop(plateau)


def test_it_stops_after_patience_once_learning_has_begun():
    should_stop = stops_after_patience(2, np.log(5))
    history = {"train_loss": [1.6, 1.0, 0.5, 0.2], "valid_loss": [1.5, 0.9, 1.0, 1.1]}
    assert should_stop(history)
    assert not should_stop({name: values[:3] for name, values in history.items()})


def test_the_first_epoch_that_is_as_good_as_the_best_is_taken():
    losses = [1.6, 0.5, 0.0302, 0.0197, 0.0178, 0.0172]
    assert first_best(losses, np.log(5)) == 4  # within 0.0032
    assert first_best(losses) == 6


def test_the_folds_get_an_epoch_whose_neighbours_are_good_too():
    assert epochs_for_folds([1.0, 0.50, 0.30, 0.31, 0.32, 0.40], 0.0) == 4
    assert epochs_for_folds([0.26, 0.24, 0.25, 0.27], 0.0) == 2
    assert epochs_for_folds([0.5], 0.0) == 1


def test_a_loss_that_is_no_longer_finite_says_what_to_change():
    with pytest.raises(
        UnitError, match=r"after 2 recoveries: the loss is nan in epoch 1.* Lower train.lr"
    ):
        fit_module(_broken, make_rows(), make_rows(), make_setting())


class _Infinite(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, tokens, lengths):
        return self.weight * torch.full((len(tokens), 2), float("inf"))


def _broken():
    return _Infinite()


def test_the_recorded_gradient_norm_is_the_one_before_clipping():
    loose = fit_module(build, make_rows(), make_rows(), make_setting(clip_norm=0.0))[1].history
    tight = fit_module(build, make_rows(), make_rows(), make_setting(clip_norm=1e-4))[1].history
    assert min(tight["gradient_norm"]) > 1e-3
    assert loose["gradient_norm"][0] == pytest.approx(tight["gradient_norm"][0], rel=0.2)


def test_validation_loss_is_that_of_the_returned_weights():
    rows = make_rows()
    model, trace = fit_module(build, rows, rows, make_setting())
    p = predict_module(model, rows.sequences, SOFTMAX, "float32", CPU)
    loss = -np.log(p[np.arange(len(p)), rows.targets]).mean()
    assert trace.history["valid_loss"][-1] == pytest.approx(loss, abs=1e-5)


def test_early_stopping_returns_the_best_epoch():
    rows, valid = make_rows(), make_rows(16, 5)
    flipped = dataclasses.replace(valid, targets=1 - valid.targets)  # the loss can only rise
    setting = make_setting(early_stopping=True, lr=0.02)
    model, trace = fit_module(build, rows, flipped, setting)
    p = predict_module(model, valid.sequences, SOFTMAX, "float32", CPU)
    loss = -np.log(p[np.arange(len(p)), flipped.targets]).mean()
    assert loss == pytest.approx(min(trace.history["valid_loss"]), abs=1e-5)
    assert trace.history["valid_loss"][-1] > loss + 0.01


def test_the_number_of_epochs_does_not_change_an_epoch():
    rows = make_rows()
    short = fit_module(build, rows, rows, dataclasses.replace(make_setting(), epochs=2))[1]
    long = fit_module(build, rows, rows, make_setting())[1]
    assert short.history["valid_loss"] == long.history["valid_loss"][:2]


def test_every_epoch_records_norms_in_total_at_most_and_by_layer():
    history = fit_module(build, make_rows(), make_rows(), make_setting(batch_rows=48))[1].history
    names = [key for key in history if key.startswith("gradient_norm/")]
    assert names == [f"gradient_norm/{name}" for name in ("embed", "layers.0", "output")]
    layers = np.array([history[name] for name in names])  # one step an epoch: no mean of norms
    np.testing.assert_allclose(np.linalg.norm(layers, axis=0), history["gradient_norm"], rtol=1e-6)
    assert history["gradient_norm_max"] == history["gradient_norm"]


def test_the_largest_norm_is_no_mean():
    history = fit_module(build, make_rows(), make_rows(), make_setting(batch_rows=12))[1].history
    pairs = zip(history["gradient_norm_max"], history["gradient_norm"], strict=True)
    assert all(most > mean for most, mean in pairs)


def test_without_averaging_the_last_weights_are_returned():
    rows = make_rows()
    setting = make_setting(average=False, batch_rows=48)
    trainer = Trainer(build(), rows, setting)
    trainer.run_epoch(0)
    trainer.run_epoch(1)
    for mine, last in zip(
        trainer.averaged.model.parameters(), trainer.model.parameters(), strict=True
    ):
        assert torch.equal(mine, last)


def test_class_weights_are_learnt_from():
    rows = make_rows()
    labels = np.where(np.arange(48) < 44, 0, 1).astype(np.int64)  # nothing tells them apart
    rows = dataclasses.replace(rows, targets=labels)
    shares = []
    for weighted in (False, True):
        setting = make_setting(class_weights=weighted, lr=0.02, batch_rows=48)
        model, _ = fit_module(build, rows, rows, dataclasses.replace(setting, epochs=12))
        shares.append(predict_module(model, rows.sequences, SOFTMAX, "float32", CPU)[:, 1].mean())
    assert shares[0] < 0.25
    assert shares[1] > 0.4


def test_patience_ends_a_fit():
    rows = make_rows()
    flipped = dataclasses.replace(rows, targets=1 - rows.targets)  # the loss can only rise
    setting = dataclasses.replace(make_setting(lr=0.02), epochs=30)
    history = fit_module(build, rows, flipped, setting, stops_after_patience(2, np.log(2)))[
        1
    ].history
    assert 3 <= len(history["epoch"]) < 30


@pytest.mark.parametrize("changes", [{}, {"class_weights": True}])
def test_the_recorded_training_loss_is_free_of_label_smoothing(changes):
    still = {"lr": 0.0, **changes}
    plain = fit_module(build, make_rows(), make_rows(), make_setting(label_smoothing=0.0, **still))
    smooth = fit_module(build, make_rows(), make_rows(), make_setting(label_smoothing=0.4, **still))
    losses = [trace.history["train_loss"] for _, trace in (plain, smooth)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
