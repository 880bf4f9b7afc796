"""Nothing is learnt from numbers that are not finite: back to the last good weights, slower."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from fit_examples import CPU, SMALL, make_rows, make_setting

from seqblend.core.errors import UnitError
from seqblend.models.recurrent import RecurrentClassifier
from seqblend.training.fitting import fit_module
from seqblend.training.recovery import DivergenceError, NonFiniteMonitor
from seqblend.training.trainer import Trainer


class Faulty(RecurrentClassifier):
    """Its training steps in `bad` (counted from 0, over all passes) have a loss that is NaN."""

    def __init__(self, bad):
        super().__init__("lstm", SMALL, 11, 2)
        self.bad, self.calls = bad, 0

    def forward(self, tokens, lengths):
        logits = super().forward(tokens, lengths)
        self.calls += self.training
        return logits * (float("nan") if self.training and self.calls - 1 in self.bad else 1.0)


def fit(bad, told=None, **changes):
    setting = make_setting(**{"batch_rows": 12} | changes)  # four steps an epoch, four epochs
    setting = dataclasses.replace(setting, report=(told if told is not None else []).append)
    return fit_module(lambda: Faulty(bad), make_rows(), make_rows(), setting)


@pytest.mark.fault("N1")
def test_a_bad_step_is_undone_and_the_epoch_done_again_with_half_the_rate():
    told = []
    _, trace = fit({5}, told, lr=0.01)
    assert trace.history["epoch"] == [1, 2, 3, 4]
    assert trace.history["rate"] == [0.01, 0.005, 0.005, 0.005]
    (recovery,) = trace.recoveries
    assert (recovery["epoch"], recovery["step"]) == (2, 6)
    assert (recovery["rate_before"], recovery["rate_after"]) == (0.01, 0.005)
    assert recovery["reason"] == "the loss is nan"
    assert 0 < recovery["gradient_norm_max"] <= trace.history["gradient_norm_max"][1]
    assert [v["recovery"] for v in told if "recovery" in v] == [recovery["sentence"]]
    assert "begins again with half the rate" in recovery["sentence"]


def test_a_fit_without_a_fault_records_no_recovery():
    assert fit(set())[1].recoveries == []


@pytest.mark.fault("N1")
def test_the_weights_go_back_to_the_epochs_start():
    trainer = Trainer(Faulty({5, 7, 9}), make_rows(), make_setting(batch_rows=12))
    trainer.run_epoch(0)
    parts = (trainer.model, trainer.averaged, trainer.optimiser)
    before = copy.deepcopy([part.state_dict() for part in parts])
    with pytest.raises(DivergenceError):
        trainer.run_epoch(1)  # each pass makes a good step first
    assert trainer.model.calls == 10
    for old, part in zip(before, parts, strict=True):
        now = part.state_dict()
        torch.testing.assert_close(now.get("state", now), old.get("state", old), rtol=0, atol=0)


def test_the_same_recovery_gives_the_same_bytes():
    (first, one), (second, two) = (fit({2, 9}, lr=0.01) for _ in range(2))
    assert len(one.recoveries) == 2
    assert one.recoveries == two.recoveries
    assert one.history["valid_loss"] == two.history["valid_loss"]
    for mine, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.fault("N1")
def test_the_third_fault_fails_with_step_rate_and_rows():
    told = r"after 2 recoveries: the loss is nan in epoch 2, step 5, with train.lr at 0.0025 "
    with pytest.raises(DivergenceError, match=told) as caught:
        fit({4, 5, 6}, lr=0.01)
    assert isinstance(caught.value, UnitError)
    assert len(caught.value.rows) == 12


@pytest.mark.fault("N1")
def test_a_rate_of_a_thousand_fails_and_is_no_silent_chance():
    with pytest.raises(DivergenceError, match=r"with train.lr at 250 .*Lower train.lr"):
        fit(set(), lr=1e3, weight_decay=0.1)  # decay multiplies weights by -99, -49, -24


def test_a_quarter_of_a_rate_that_explodes_can_be_enough():
    # decay multiplies the matrices by 1 - 8, then 1 - 4, then 1 - 2 at every step
    _, trace = fit(set(), lr=1.0, weight_decay=8.0, batch_rows=1)
    assert len(trace.recoveries) == 2
    assert len(trace.history["epoch"]) == 4
    assert np.isfinite(trace.history["valid_loss"]).all()


@pytest.mark.fault("N1")
def test_weights_that_break_in_an_epochs_last_step_are_found():
    with pytest.raises(DivergenceError, match="the norm of the weights is inf in epoch 1, step 1"):
        fit(set(), batch_rows=48, weight_decay=1e40)  # a single step, which ends at infinity


def watched(*steps, scale=1.0):
    """What a NonFiniteMonitor says of (loss, norm) pairs, under a loss scale."""
    watch = NonFiniteMonitor(CPU)
    for i, (loss, norm) in enumerate(steps):
        watch.see(i, "loss", torch.tensor(loss))
        watch.see(i, "gradient norm", torch.tensor(norm), torch.tensor(scale > 1))
    return watch.read()


def test_the_first_fault_is_the_one_that_is_told():
    inf, nan = float("inf"), float("nan")
    assert watched((1.0, 2.0), (1.0, 1e30)) is None
    assert watched((1.0, 2.0), (1.0, inf), (nan, nan)) == (1, "the gradient norm is inf")
    assert watched((nan, nan), (1.0, inf)) == (0, "the loss is nan")


@pytest.mark.fault("N1")
def test_steps_that_a_loss_scaler_skips_are_no_fault():
    inf, nan = float("inf"), float("nan")
    assert watched((1.0, inf), (1.0, nan), scale=1024.0) is None
    assert watched((1.0, inf), scale=1.0) == (0, "the gradient norm is inf")
    assert watched((nan, nan), scale=1024.0) == (0, "the loss is nan")
