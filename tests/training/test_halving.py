"""Successive halving of pilots: rungs, and which of two goes on."""

import pytest

from seqblend.core.config import TrainConfig
from seqblend.training.fitting import most_epochs, stops_after_patience
from seqblend.training.halving import falls_behind, is_rung


def test_rungs_double():
    assert [epoch for epoch in range(1, 40) if is_rung(epoch)] == [2, 4, 8, 16, 32]


@pytest.mark.parametrize(
    ("losses", "rival", "behind"),
    [
        ([0.6], [0.5, 0.4], False),  # no rung
        ([0.6, 0.5], [0.5, 0.4], True),
        ([0.6, 0.4], [0.5, 0.4], False),  # as good
        ([0.6, 0.5, 0.45], [0.5, 0.4], False),
        ([0.6, 0.5, 0.45, 0.41], [0.5, 0.4], True),  # the rival ended before
        ([0.6, 0.5, 0.45, 0.39], [0.5, 0.4, 0.3, 0.45], True),  # its best so far counts
        ([0.6, 0.5], [], False),
    ],
)
def test_the_worse_of_two_ends_at_a_rung(losses, rival, behind):
    assert falls_behind(losses, rival) == behind


def test_a_pilot_stops_where_it_falls_behind_its_rival():
    history = {"train_loss": [0.69, 0.5], "valid_loss": [0.6, 0.5]}
    assert stops_after_patience(5, 0.69, rival=[0.5, 0.4])(history)
    assert not stops_after_patience(5, 0.69)(history)


@pytest.mark.parametrize(
    ("tokens", "epochs"), [(50_000, 100), (200_000, 50), (2_000_000, 10), (10**8, 10)]
)
def test_long_epochs_are_fewer(tokens, epochs):
    assert most_epochs(TrainConfig(), tokens) == epochs
    assert most_epochs(TrainConfig(max_epochs=3), tokens) == 3
