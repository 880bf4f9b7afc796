"""The search space: each setting with a range, without the user's settings and empty ranges."""

from __future__ import annotations

import dataclasses

import numpy as np
import optuna
import pytest

from seqblend.core.config import Config, configure, parse_assignments
from seqblend.core.errors import FlagError
from seqblend.core.knobs import Choice, Span
from seqblend.core.seeds import rng_for
from seqblend.models.registry import entries
from seqblend.running.search_space import SECTIONS, make_space
from seqblend.running.tuned import is_given, with_values
from seqblend.tuning.study import distributions


def config_of(*settings: str) -> Config:
    return configure(Config(), parse_assignments(list(settings)), entries())


@pytest.mark.parametrize("model", sorted(entries()))
def test_every_model_has_a_space_that_holds_its_defaults(model):
    space = make_space(Config(), model, ",".join(SECTIONS))
    assert all(knob.contains(knob.default) for knob in space.knobs)


@pytest.mark.parametrize("model", ["bigru", "transformer", "bag", "nblr", "scratch_lstm"])
def test_what_optuna_proposes_comes_back_from_the_configuration(model):
    space = make_space(Config(), model, ",".join(SECTIONS))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        values = study.ask(distributions(space)).params
        config = with_values(dataclasses.replace(Config(), tuned={model: values}), model)
        for name, value in values.items():
            section, _, key = name.partition(".")
            own = config.options[model][key] if section == "options" else None
            assert (own if own is not None else getattr(getattr(config, section), key)) == value
        assert space.complete(values) == values


def test_what_the_registration_sets_is_not_searched():
    names = {knob.name for knob in make_space(Config(), "stacked_lstm").knobs}
    assert "options.hidden" in names
    assert "options.depth" not in names  # its two layers make it stacked


def test_a_linear_model_is_searched_in_its_own_options_alone():
    space = make_space(Config(), "nblr", "train,options")
    assert {knob.name.partition(".")[0] for knob in space.knobs} == {"options"}


def test_a_setting_of_the_user_is_searched_only_where_it_is_named():
    config = config_of("train.lr=0.001", "bigru.hidden=8")
    fixed = {"train.lr", "options.hidden"}
    assert all(is_given(config, "bigru", name) for name in fixed)
    assert not is_given(config, "bilstm", "options.hidden")
    names = {knob.name for knob in make_space(config, "bigru", fixed=fixed).knobs}
    assert names.isdisjoint(fixed)
    (knob,) = make_space(config, "bigru", "options.hidden", fixed).knobs
    assert knob.default == 8
    assert knob.search == Choice((8, 32, 64, 96, 128))


def test_a_range_reaches_to_the_value_it_starts_from():
    (knob,) = make_space(config_of("train.lr=0.0001"), "bigru", "train.lr").knobs
    assert (knob.default, knob.search) == (1e-4, Span(1e-4, 1e-2, log=True))


def test_a_range_of_its_own_keeps_the_scale():
    space = make_space(Config(), "bigru", "train.lr=0.01..0.1,options.hidden=16|24")
    lr, hidden = space.knobs[1], space.knobs[0]
    assert (lr.search, lr.default) == (Span(0.01, 0.1, log=True), 0.01)
    assert (hidden.search, hidden.default) == (Choice((16, 24)), 16)


def test_values_outside_the_range_give_way_to_the_default():
    space = make_space(Config(), "bigru", "train.lr,options.hidden")
    assert space.complete({"train.lr": 5.0, "options.hidden": 128, "train.epochs": 3}) == {
        "train.lr": 4e-3,
        "options.hidden": 128,
    }


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ("trian", "no section or setting 'trian'; did you mean 'train'"),
        ("options.hiden", "did you mean 'options.hidden'"),
        ("train.lr=0.1..0.1", r"train.lr: the range 0.1..0.1 is empty"),
        ("train.lr=0..0.1", "at least two values above 0"),
        ("options.hidden=64", r"options.hidden: the range \(64,\) is empty"),
        ("options.hidden=1..9", "options.hidden expects values|expects int"),
        ("train.lr=a..b", "TrainConfig.lr expects float, got 'a'"),
        ("", "nothing is left to search"),
    ],
)
def test_a_wrong_range_or_name_is_one_line(vary, message):
    with pytest.raises(FlagError, match=message):
        make_space(Config(), "bigru", vary)


@pytest.mark.parametrize("model", ["bigru", "transformer", "nblr"])
def test_values_near_the_start_are_in_range_and_closer_than_those_by_chance(model):
    space = make_space(Config(), model, ",".join(SECTIONS))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    near, far = [], []
    for i in range(60):
        values = space.near(rng_for(0, "test", i))
        assert space.complete(values) == values
        near.append(distance(space, values))
        far.append(distance(space, study.ask(distributions(space)).params))
    assert 0 < sum(near) < 0.6 * sum(far)


def distance(space, values) -> float:
    """How far values are from the start, in shares of the ranges; a changed choice counts 0.5."""
    total = 0.0
    for knob in space.knobs:
        value, start, search = values[knob.name], knob.default, knob.search
        if isinstance(search, Choice):
            total += 0.5 * (value != start)
        elif search.log:
            total += abs(np.log(value / start)) / np.log(search.high / search.low)
        else:
            total += abs(value - start) / (search.high - search.low)
    return total
