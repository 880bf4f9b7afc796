"""Warnings about a finished study: best values at an edge, hyperparameters without effect."""

from __future__ import annotations

import math
import warnings

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial

from seqblend.core.knobs import Choice
from seqblend.running.search_space import Knob
from seqblend.tuning.study import Study

_EDGE = 0.03  # share of a range that counts as its edge
_LOW_IMPORTANCE = 0.02  # below this a hyperparameter counts as one without effect
_MIN_TRIALS = 20  # trials with a value needed for importances


def importances(study: Study) -> dict[str, float]:
    """Each hyperparameter's importance, largest first; {} with few trials.

    fANOVA (Hutter et al. 2014) of the ranks of trials with a value: of their losses a few very bad
    trials would decide. PED-ANOVA would see no effect where all good trials agree.
    """
    valued = [t for t in study.finished if t.state == optuna.trial.TrialState.COMPLETE]
    if len(valued) < _MIN_TRIALS or len(study.space.knobs) < 2:
        return {}
    ranked = sorted(valued, key=lambda t: (t.value, t.number))
    ranks = {trial.number: float(rank) for rank, trial in enumerate(ranked)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about few trials
        shares = get_param_importances(
            study.study,
            evaluator=FanovaImportanceEvaluator(seed=0),
            target=lambda trial: ranks[trial.number],
        )
    return {name: float(share) for name, share in shares.items() if np.isfinite(share)}


def make_warnings(study: Study, best: FrozenTrial, shares: dict[str, float]) -> list[str]:
    """Sentences about the best trial and the space, most urgent first."""
    notes = [text for knob in study.space.knobs if (text := _edge(knob, best.params[knob.name]))]
    idle = [name for name, share in shares.items() if share < _LOW_IMPORTANCE]
    if idle:
        notes.append(
            f"little effect so far: {', '.join(idle)}; leave them out with --vary to search "
            "the others more closely"
        )
    return notes


def _edge(knob: Knob, value: object) -> str:
    """A sentence where a value lies at an end of its range that is no natural limit."""
    place = position(knob, value)
    if place is None:
        return ""
    low, high = _ends(knob)
    lowest_possible = 1 if isinstance(knob.default, int) else 0  # no wider range could go below
    at_low = place < _EDGE and low > lowest_possible
    if not at_low and place < 1 - _EDGE:
        return ""
    end, word = (low, "lower") if at_low else (high, "upper")
    return (
        f"{knob.name} is best at the {word} edge of its range ({end:g}): "
        f"widen it with --vary {knob.name}={_wider(knob, at_low)}"
    )


def position(knob: Knob, value: object) -> float | None:
    """The position of a number in its range, 0 to 1 on the range's scale; None for others."""
    low, high = _ends(knob)
    if not isinstance(value, int | float) or isinstance(value, bool) or low >= high:
        return None
    is_log = low > 0 if isinstance(knob.search, Choice) else knob.search.log
    if is_log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)


def _ends(knob: Knob) -> tuple[float, float]:
    if isinstance(knob.search, Choice):
        numbers = [v for v in knob.search.values if isinstance(v, int | float)]
        is_number = len(numbers) == len(knob.search.values) and not isinstance(numbers[0], bool)
        return (min(numbers), max(numbers)) if is_number else (0.0, 0.0)
    return knob.search.low, knob.search.high


def _wider(knob: Knob, at_low: bool) -> str:
    """A range that extends beyond the edge, as --vary takes it."""
    low, high = _ends(knob)
    if isinstance(knob.search, Choice):
        values, kind = sorted(knob.search.values), type(knob.default)
        beyond = values[0] / 2 if at_low else 2 * values[-1] - values[-2]
        return "|".join(map(str, sorted({*values, kind(beyond)})))
    if at_low:
        return f"{low / 3:g}..{high:g}"
    return f"{low:g}..{high * (3 if knob.search.log else 1.5):g}"
