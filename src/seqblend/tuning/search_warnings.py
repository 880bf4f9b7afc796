"""What to know about a finished study: values at the edge, knobs without effect."""

from __future__ import annotations

import math
import warnings

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial

from seqblend.core.knobs import Choice
from seqblend.tuning.space import Knob
from seqblend.tuning.study import Study

_NEAR = 0.03  # of a range's length counts as its edge
_LITTLE = 0.02  # share of all importance that counts as no effect
_ENOUGH = 20  # trials with a value before importance means anything


def importances(study: Study) -> dict[str, float]:
    """Each knob's share in how trials rank, largest first; {} with few trials.

    fANOVA (Hutter et al. 2014), over trials with a value. Of their ranks, since a few hopeless
    trials would outweigh the rest; not PED-ANOVA, which sees no effect where all good trials agree.
    """
    valued = [t for t in study.finished if t.state == optuna.trial.TrialState.COMPLETE]
    if len(valued) < _ENOUGH or len(study.space.knobs) < 2:
        return {}
    ranked = sorted(valued, key=lambda t: (t.value, t.number))
    ranks = {trial.number: float(rank) for rank, trial in enumerate(ranked)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # complaints about few trials
        shares = get_param_importances(
            study.study,
            evaluator=FanovaImportanceEvaluator(seed=0),
            target=lambda trial: ranks[trial.number],
        )
    return {name: float(share) for name, share in shares.items() if np.isfinite(share)}


def warn_of(study: Study, best: FrozenTrial, shares: dict[str, float]) -> list[str]:
    """Sentences about the best trial and the space, most urgent first."""
    notes = [text for knob in study.space.knobs if (text := _edge(knob, best.params[knob.name]))]
    idle = [name for name, share in shares.items() if share < _LITTLE]
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
    at_low = place < _NEAR and low > isinstance(knob.default, int)  # a count ends at 1
    if not at_low and place < 1 - _NEAR:
        return ""
    end, word = (low, "lower") if at_low else (high, "upper")
    return (
        f"{knob.name} is best at the {word} edge of its range ({end:g}): "
        f"widen it with --vary {knob.name}={_wider(knob, at_low)}"
    )


def position(knob: Knob, value: object) -> float | None:
    """Where in its range a number lies, 0 to 1, by the range's scale; None for words."""
    low, high = _ends(knob)
    if not isinstance(value, int | float) or isinstance(value, bool) or low >= high:
        return None
    if getattr(knob.search, "log", low > 0 and isinstance(knob.search, Choice)):
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)


def _ends(knob: Knob) -> tuple[float, float]:
    if isinstance(knob.search, Choice):
        numbers = [v for v in knob.search.values if isinstance(v, int | float)]
        is_number = len(numbers) == len(knob.search.values) and not isinstance(numbers[0], bool)
        return (min(numbers), max(numbers)) if is_number else (0.0, 0.0)
    return knob.search.low, knob.search.high


def _wider(knob: Knob, at_low: bool) -> str:
    """A range that goes on beyond the edge, as --vary takes it."""
    low, high = _ends(knob)
    if isinstance(knob.search, Choice):
        values, kind = sorted(knob.search.values), type(knob.default)
        beyond = values[0] / 2 if at_low else 2 * values[-1] - values[-2]
        return "|".join(map(str, sorted({*values, kind(beyond)})))
    if at_low:
        return f"{low / 3:g}..{high:g}"
    return f"{low:g}..{high * (3 if knob.search.log else 1.5):g}"
