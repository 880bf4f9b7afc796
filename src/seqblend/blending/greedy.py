"""Greedy selection with replacement, and hill climbing with weights of either sign."""

from __future__ import annotations

import numpy as np

from seqblend.blending.bounds import Rating
from seqblend.blending.incremental import GrowingSum, open_sum
from seqblend.seeds import rng_for

STEPS = 20  # picks beyond one a member; a weight is a multiple of 5 % or finer
PATIENCE = 5  # picks without a gain after which the search ends
BAGS = 10  # bags, where there are members enough to choose from
BAG_SHARE = 0.5  # of the members, in a bag
FEWEST = 8  # members from which on bags are drawn
BAG_ROWS = 20_000  # most rows of a bag, and of a climb
MOVES = (-0.2, -0.05, 0.05, 0.2)  # shares a climber gives a member at a step
CLIMBS = 50  # steps of a climb
LEAST_GAIN = 1e-5  # of the metric, that a step of a climb has to bring


def greedy_weights(metric: str, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [m]: shares of picks with replacement that score best on these rows.

    scores: float32 [m, n, c], labels: int64 [n]
    From 8 members on it is the mean over 10 bags, each of half of the members and of 20,000 rows.
    Source: Caruana et al. 2004, Ensemble selection from libraries of models.
    """
    if len(scores) < FEWEST:
        growing = open_sum(metric, scores, labels)
        return _shares(greedy_picks(growing, sort_members(growing)), len(scores))
    weights = np.zeros(len(scores))
    for bag in range(BAGS):
        rng = rng_for(0, "blend bag", bag)
        inside = np.sort(rng.permutation(len(scores))[: max(round(BAG_SHARE * len(scores)), 1)])
        rows = _draw_rows(len(labels), rng)
        growing = open_sum(metric, scores[inside][:, rows], labels[rows])
        picks = inside[greedy_picks(growing, sort_members(growing))]
        weights += _shares(picks, len(scores)) / BAGS
    return weights


def _draw_rows(n: int, rng: np.random.Generator) -> np.ndarray | slice:
    """Positions of at most BAG_ROWS rows, in their order."""
    if n <= BAG_ROWS:
        return slice(None)
    return np.sort(rng.permutation(n)[:BAG_ROWS])


def sort_members(growing: GrowingSum) -> list[int]:
    """The members, the best-rated first, those named first before their equals."""
    ratings = [_rate_all(growing, [member])[0] for member in range(growing.m)]
    return sorted(range(growing.m), key=lambda j: ratings[j], reverse=True)


def greedy_picks(
    growing: GrowingSum, order: list[int], *, start: int | None = None, steps: int | None = None
) -> list[int]:
    """Members in the order in which they were picked, up to the best prefix.

    order: the members to choose from, the best-rated first
    start: how many of them it begins with; None: as many as make the best prefix
    steps: how many picks come back, better or not; None: those up to the best prefix

    Then the member that helps most is added at every step, the one first in file order on ties.
    """
    if start is None:
        ratings = _rate_all(growing, order)
        start = 1 + max(range(len(order)), key=lambda i: ratings[i])
    growing.clear()
    picks = order[:start]
    for member in picks:
        growing.add((member, 1.0))
    best, best_rating = len(picks), growing.rate()
    choices = [(member, 1.0) for member in sorted(order)]
    while len(picks) < (steps or min(best + PATIENCE, len(order) + STEPS)):
        place, rating = growing.best(choices)
        picks.append(choices[place][0])
        growing.add(choices[place])
        if rating > best_rating:
            best, best_rating = len(picks), rating
    return picks[: steps or best]


def hill_weights(metric: str, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [m]: weights that sum to 1, some below 0, found by climbing from the best member.

    scores: float32 [m, n, c] probabilities, labels: int64 [n]
    A step gives one member a share of the blend, or takes one away, whichever scores best; the
    climb ends where no step brings a gain. It sees 20,000 rows at most.
    """
    rows = _draw_rows(len(labels), rng_for(0, "blend climb"))
    growing = open_sum(metric, scores[:, rows], labels[rows])
    first = sort_members(growing)[0]
    growing.clear()
    growing.add((first, 1.0))
    weights, size = np.zeros(len(scores)), 1.0
    weights[first] = 1.0
    rating = growing.rate()
    for _ in range(CLIMBS):
        steps = [(j, size * w / (1 - w)) for j in range(len(scores)) for w in MOVES]
        place, found = growing.best(steps)
        if found[0] - rating[0] < LEAST_GAIN:
            break
        member, times = steps[place]
        growing.add(steps[place])
        weights[member] += times
        size, rating = size + times, found
    return weights / size


def _rate_all(growing: GrowingSum, members: list[int]) -> list[Rating]:
    """The rating of every prefix of the members."""
    growing.clear()
    ratings = []
    for member in members:
        growing.add((member, 1.0))
        ratings.append(growing.rate())
    return ratings


def _shares(picks: list[int] | np.ndarray, m: int) -> np.ndarray:
    return np.bincount(picks, minlength=m) / len(picks)
