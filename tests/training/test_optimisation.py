import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from seqblend.core.config import TrainConfig
from seqblend.core.errors import FlagError
from seqblend.training.optimisation import (
    AveragedWeights,
    choose_precision,
    learning_rate_at,
    make_optimiser,
)

CPU = torch.device("cpu")


def test_the_rate_warms_up_and_stays():
    config = TrainConfig(lr=1.0, warmup=4)
    assert [learning_rate_at(step, config) for step in (0, 1, 3, 4, 99)] == [
        0.25,
        0.5,
        1,
        1,
        1,
    ]


@pytest.mark.parametrize("steps", [1, 5, 200])
def test_averaged_weights_are_the_weighted_mean_of_all_steps(steps):
    model = nn.Linear(1, 1, bias=False)
    average = AveragedWeights(model, half_life=0.1)
    values, shares = [], []
    power = np.log(0.5) / np.log(0.9)
    for step in range(1, steps + 1):
        value = float(np.sin(step))
        with torch.no_grad():
            model.weight.fill_(value)
        average.update(model)
        share = min(power / (step + power - 1), 1.0)
        shares = [old * (1 - share) for old in shares] + [share]
        values.append(value)
    assert sum(shares) == pytest.approx(1)
    assert average.model.weight.item() == pytest.approx(np.dot(shares, values), abs=1e-5)


def test_half_of_the_mass_lies_in_the_last_tenth():
    model = nn.Linear(1, 1, bias=False)
    average = AveragedWeights(model, half_life=0.1)
    with torch.no_grad():
        for step in range(2_000):
            model.weight.fill_(float(step >= 1_800))
            average.update(model)
    assert average.model.weight.item() == pytest.approx(0.5, abs=0.01)


def test_precision_is_chosen_by_the_processor_and_refused_when_unknown():
    chosen = choose_precision("auto", CPU, low_precision_on_cpu=False)
    assert chosen == "float32"
    assert choose_precision("bfloat16", CPU, low_precision_on_cpu=False) == "bfloat16"
    with pytest.raises(FlagError, match="got 'half'"):
        choose_precision("half", CPU, low_precision_on_cpu=True)


def test_embeddings_and_biases_are_not_decayed():
    model = nn.ModuleDict({"table": nn.Embedding(5, 2), "out": nn.Linear(2, 3)})
    groups = make_optimiser(model, TrainConfig(weight_decay=0.1)).param_groups
    shapes = [sorted(tuple(p.shape) for p in group["params"]) for group in groups]
    assert shapes == [[(3, 2)], [(3,), (5, 2)]]
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]


_OPTIMISERS = """
import sys, torch
from torch import nn
from seqblend.core.config import TrainConfig
from seqblend.training.optimisation import make_optimiser

def fit(make):
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    optimiser = make(model)
    for _ in range(20):
        optimiser.zero_grad(set_to_none=True)
        model(torch.randn(8, 4)).square().sum().backward()
        optimiser.step()
        optimiser.load_state_dict(optimiser.state_dict())
    return model.state_dict()

def make_torchs(model):
    groups = [{"params": [model.weight]}, {"params": [model.bias], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.01, weight_decay=0.1, fused=True)

ours = fit(lambda model: make_optimiser(model, TrainConfig(lr=0.01, weight_decay=0.1)))
assert "torch._dynamo" not in sys.modules
theirs = fit(make_torchs)
assert all(torch.equal(ours[name], theirs[name]) for name in ours)
"""


def test_the_optimiser_steps_as_torchs_adamw_and_imports_no_compiler():
    source = next(path for path in sys.path if path.endswith("src"))
    command = [sys.executable, "-c", _OPTIMISERS]
    environment = os.environ | {"PYTHONPATH": source}
    assert subprocess.run(command, check=False, env=environment).returncode == 0


def test_a_half_life_of_zero_keeps_the_last_weights():
    model = nn.Linear(2, 2)
    average = AveragedWeights(model, half_life=0.0)
    for value in (1.0, -3.0):
        nn.init.constant_(model.weight, value)
        average.update(model)
        assert torch.equal(average.model.weight, model.weight)
