"""Members chosen on pilots' rows, which are among those of the blend: its score stays honest."""

import numpy as np
import pytest
from blend_examples import noise, softmax
from class_blends import select_blend
from conftest import classes_of
from portfolio_examples import FixedRuns

from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.evaluation.metrics import score
from seqblend.models.registry import resolve_options
from seqblend.portfolio.candidates import Candidates
from seqblend.portfolio.catalogue import LEAST_GAIN
from seqblend.portfolio.gains import PilotBlends
from seqblend.portfolio.steps import Decisions
from seqblend.running.runs import Run

MEMBERS = 30
RUNS = [
    Run(f"bag-{k}", "bag", resolve_options("bag", {}), TrainConfig(), VocabularyConfig())
    for k in range(MEMBERS)
]


def choose(stack: np.ndarray, labels: np.ndarray, *, most: int = 12) -> list[int]:
    """The members that join, by what the options promise on the first 16 % of the rows."""
    n = round(0.16 * len(labels))
    pilots = {run: array[:n] for run, array in zip(RUNS, stack, strict=True)}
    blends = PilotBlends(classes_of(stack.shape[2]), labels[:n], pilots)
    candidates = Candidates([], 1, lambda _: blends, Decisions(), FixedRuns())
    candidates.blends, candidates.runs = blends, list(RUNS)
    seeds = {RUNS[0]: 1}
    candidates._losses = dict.fromkeys(RUNS, 0.0)
    while len(seeds) < most:
        options = [o for o in candidates.options(seeds) if o.run not in seeds]
        best = max(options, key=lambda option: option.gain)
        if best.gain < LEAST_GAIN:
            break
        seeds[best.run] = 1
    return [RUNS.index(run) for run in seeds]


def draw(n: int, c: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Members that share some error, from good to useless; labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, c, n)
    shared = rng.normal(size=(n, c)) + 1.2 * np.eye(c)[labels]
    noises = np.linspace(0.7, 4.0, MEMBERS)[:, None, None]
    return softmax((shared + rng.normal(size=(MEMBERS, n, c)) * noises) / noises), labels


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "auc"])
def test_the_interval_covers_the_true_score_of_chosen_members(metric):
    world, truth = draw(40_000, 2, 10**6)
    inside, times = 0, 60
    for seed in range(times):
        stack, labels = draw(1_000, 2, seed)
        chosen = choose(stack, labels)
        names = tuple(f"m{k:02d}" for k in chosen)
        result = select_blend(stack[chosen], labels, np.arange(1_000) % 5, metric, names)
        true = score(metric, truth, result.blend.apply(world[chosen]))
        inside += result.nested["low"] <= true <= result.nested["high"]
    print(f"{metric}: {inside} of {times} intervals hold the true score")
    assert inside >= 0.88 * times


@pytest.mark.slow
def test_members_chosen_among_noise_score_like_chance():
    losses = []
    for seed in range(20):
        labels = np.random.default_rng(seed).integers(0, 2, 1_000)
        stack = noise(MEMBERS, 1_000, 2, seed)
        chosen = choose(stack, labels)
        names = tuple(f"m{k:02d}" for k in chosen)
        result = select_blend(stack[chosen], labels, np.arange(1_000) % 5, "log_loss", names)
        losses.append(result.nested["cross_fitted"])
    print(f"log loss {np.mean(losses):.4f}, of a constant {np.log(2):.4f}")
    assert np.mean(losses) > np.log(2) - 0.001
