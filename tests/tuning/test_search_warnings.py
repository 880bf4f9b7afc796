"""Warnings about a finished study: values at an edge, hyperparameters without effect."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import create_trial

from seqblend.core.knobs import Choice, Span
from seqblend.core.seeds import rng_for
from seqblend.running.search_space import Knob, Space
from seqblend.tuning.search_warnings import importances, make_warnings, position
from seqblend.tuning.study import Study, distributions

SPACE = Space(
    (
        Knob("options.hidden", Choice((32, 64, 128)), 64),
        Knob("options.pooling", Choice(("last", "max")), "max"),
        Knob("train.dropout", Span(0.0, 0.6), 0.3),
        Knob("train.lr", Span(1e-4, 1e-2, log=True), 1e-3),
    )
)


def study_of(trials: list[tuple[dict, float]]) -> Study:
    """A study with these finished trials."""
    study = optuna.create_study()
    for values, loss in trials:
        study.add_trial(create_trial(params=values, distributions=distributions(SPACE), value=loss))
    return Study(study, SPACE)


def values(**changes: object) -> dict:
    return SPACE.start | {name.replace("_", ".", 1): value for name, value in changes.items()}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"train_lr": 9.9e-3}, ["upper edge of its range (0.01)"]),
        ({"train_lr": 1.01e-4}, ["lower edge of its range (0.0001)"]),
        ({"options_hidden": 128}, ["--vary options.hidden=32|64|128|192"]),
        ({"options_hidden": 32}, ["--vary options.hidden=16|32|64|128"]),
        ({"train_dropout": 0.0}, []),  # a natural limit
        ({"train_dropout": 0.6}, ["--vary train.dropout=0..0.9"]),
        ({"options_pooling": "last"}, []),
    ],
)
def test_a_best_value_at_an_edge_is_told_with_a_wider_range(changes, said):
    study = study_of([(values(**changes), 1.0)])
    notes = make_warnings(study, study.finished[0], {})
    assert len(notes) == len(said)
    assert all(text in note for text, note in zip(said, notes, strict=True))


def test_a_place_is_by_the_ranges_scale():
    hidden, pooling, dropout, lr = SPACE.knobs
    assert position(lr, 1e-3) == pytest.approx(0.5)
    assert position(dropout, 0.3) == pytest.approx(0.5)
    assert position(hidden, 64) == pytest.approx(0.5)
    assert position(pooling, "max") is None


def test_the_knob_that_decides_is_the_most_important_and_idle_ones_are_named():
    rng = rng_for(0, "importance")
    trials = []
    for _ in range(60):
        lr = float(10 ** rng.uniform(-4, -2))
        drawn = values(train_lr=lr, train_dropout=float(rng.uniform(0, 0.6)))
        trials.append((drawn, abs(lr - 3e-3)))
    study = study_of(trials)
    shares = importances(study)
    assert next(iter(shares)) == "train.lr"
    assert shares["train.lr"] > 0.5
    idle = make_warnings(study, study.finished[0], {"train.lr": 0.99, "options.pooling": 0.01})
    assert any("little effect so far: options.pooling;" in note for note in idle)
    assert importances(study_of(trials[:10])) == {}


def test_a_choice_that_all_good_trials_share_has_an_effect():
    rng = rng_for(0, "importance")
    trials = []
    for i in range(40):
        lr, pooling = float(10 ** rng.uniform(-4, -2)), "last" if i < 6 else "max"
        drawn = values(train_lr=lr, options_pooling=pooling)
        trials.append((drawn, abs(lr - 3e-3) + (0.01 if pooling == "last" else 0.0)))
    assert importances(study_of(trials))["options.pooling"] > 0.1
