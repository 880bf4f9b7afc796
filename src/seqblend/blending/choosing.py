"""Blending with an honest score: weights and method are chosen on other rows than those scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqblend.blending.calibration import measure_reliability
from seqblend.blending.crossfit import Fits, best_of, cross_fit_temperature, deal_parts
from seqblend.blending.methods import Blend
from seqblend.errors import InputError
from seqblend.metrics import METRICS, score
from seqblend.probabilities import check_probabilities
from seqblend.resampling import bootstrap, influence, standard_error

TAIL = 0.025  # of the draws, left out on either side of an interval


@dataclass(frozen=True)
class BlendResult:
    """The chosen blend, what it scores, and what choosing it scores on unseen rows.

    blend: fitted on all scored rows
    oof: float32 [n, c], every part by the method and weights of the others, NaN without a fold
    table: a dict a method: method, size, in_sample, cross_fitted, gap (> 0: in-sample flatters),
        low, high, beats_single, forecast_low, forecast_high
    whole: the same of the whole procedure, the choice among methods included, and gain (over the
        best single member) with gain_error, its standard error; its interval is of `blend`, which
        has more rows to learn on than its parts (see move_draws)
    best_single: the member with the best score, and that score
    calibration: a dict a member, and the blend last: name, error_before, error_after, temperatures
    """

    blend: Blend
    oof: np.ndarray
    table: list[dict[str, Any]]
    whole: dict[str, Any]
    best_single: str
    best_single_score: float | None
    calibration: list[dict[str, Any]]

    @property
    def method(self) -> str:
        """The chosen blend's."""
        return self.blend.method

    @property
    def in_sample(self) -> float | None:
        """The chosen blend's score on the rows it was fitted on."""
        return self.whole["in_sample"]

    @property
    def cross_fitted(self) -> float | None:
        """The score of `oof`."""
        return self.whole["cross_fitted"]


def cross_fit(
    method: str, stack: np.ndarray, labels: np.ndarray, fold: np.ndarray, metric: str
) -> np.ndarray:
    """float64 [n, c]: every fold blended with weights from the other folds; NaN where fold is -1.

    stack: float32 [m, n, c], labels: int64 [n], fold: int64 [n]
    With a single fold its rows are cut into 5 stratified parts.
    """
    rows = np.flatnonzero(fold >= 0)
    fits = Fits(stack, labels, metric, tuple(map(str, range(len(stack)))))
    part = deal_parts(labels[rows], fold[rows])
    return _spread(fits.cross_fit(method, rows, part), rows, len(fold))


def select_blend(
    stack: np.ndarray,
    labels: np.ndarray,
    fold: np.ndarray,
    metric: str,
    members: tuple[str, ...],
    *,
    n_test: int = 0,
    is_interim: bool = False,
) -> BlendResult:
    """The smallest blend near the best cross-fitted score, and the nested score of choosing it.

    stack: float32 [m, n, c], labels: int64 [n], fold: int64 [n], -1 for rows without predictions
    n_test: rows of the test set that forecasts are for; 0: as many as are scored
    is_interim: choose among quick methods alone
    raises: InputError that names the member with NaN or with rows that do not sum to 1
    """
    check_stack(stack, labels, fold, members)
    rows = np.flatnonzero(fold >= 0)
    known, part = labels[rows], deal_parts(labels[rows], fold[rows])
    fits = Fits(stack, labels, metric, tuple(members), is_interim)
    finished = fits.finished(rows, part)
    nested = fits.apply_parts(finished, rows, part)
    choice = fits.choose(rows, part)
    blend = choice.finish(fits.fit(choice.method, rows))
    singles = {name: score(metric, known, p[rows]) for name, p in zip(members, stack, strict=True)}
    best_single = best_of(metric, singles)
    single = stack[members.index(best_single), rows]
    pairs = [(blend, nested), *((fits.fit(k, rows), p) for k, p in choice.blended.items())]
    fitted = [each.apply(stack[:, rows]) for each in (blend, *finished.values())]
    draws = _draw(metric, known, [single, *fitted, *(p for _, p in pairs)])
    of_single, whole, parts, draws = np.split(draws, [1, 2, 1 + len(fitted)])
    draws[0] = move_draws(draws[0], whole[0], parts)
    records = [
        {"method": each.method, "size": each.size}
        | _scores(metric, known, each.apply(stack[:, rows]), p)
        | _intervals(metric, own, of_single[0], (n_test or len(rows)) / len(rows))
        for (each, p), own in zip(pairs, draws, strict=True)
    ]
    return BlendResult(
        blend=blend,
        oof=_spread(nested, rows, len(fold)).astype(np.float32),
        table=records[1:],
        whole=records[0] | _gain(metric, known, nested, single),
        best_single=best_single,
        best_single_score=singles[best_single],
        calibration=_calibrate([*stack[:, rows], nested], [*members, "blend"], known, part),
    )


def check_stack(
    stack: np.ndarray, labels: np.ndarray, fold: np.ndarray, members: tuple[str, ...]
) -> None:
    """Raise InputError naming the first member whose scored rows are not probabilities.

    stack: float32 [m, n, c], labels and fold: int64 [n]
    """
    if stack.ndim != 3 or not len(members) == len(stack) > 0:
        raise ValueError(f"stack {stack.shape} does not hold {len(members)} members [m, n, c]")
    if not stack.shape[1] == len(labels) == len(fold):
        raise ValueError(f"{stack.shape[1]} rows, {len(labels)} labels, {len(fold)} folds")
    rows = np.flatnonzero(fold >= 0)
    if not len(rows):
        raise InputError("no row has an out-of-fold prediction yet. Train at least one fold first")
    remedy = "Train this member again or leave it out with --models"
    for name, member in zip(members, stack, strict=True):
        check_probabilities(
            member[rows], f"{name}, out of fold", remedy, lambda row: f"row {rows[row]}"
        )


def _scores(
    metric: str, labels: np.ndarray, fitted: np.ndarray, cross_fitted: np.ndarray
) -> dict[str, float | None]:
    """In-sample and cross-fitted score, and by how much the former flatters."""
    in_sample, honest = (score(metric, labels, p) for p in (fitted, cross_fitted))
    gap = None
    if honest is not None and in_sample is not None:
        gap = (1 if METRICS[metric].higher_is_better else -1) * (in_sample - honest)
    return {"in_sample": in_sample, "cross_fitted": honest, "gap": gap}


def _draw(metric: str, labels: np.ndarray, several: list[np.ndarray]) -> np.ndarray:
    """float64 [k, r]: the scores on resampled rows, NaN where the metric is undefined."""
    if score(metric, labels, several[0]) is None:
        return np.full((len(several), 1), np.nan)
    return bootstrap(metric, labels, several)


def move_draws(cross_fitted: np.ndarray, whole: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """float64 [r]: cross-fitted scores on resampled rows, moved to what the whole blend's would be.

    cross_fitted: float64 [r]; whole: [r], the score of the blend of all rows on the same resamples;
    parts: [k, r], of each part's blend on all of them
    A part's blend had fewer rows to learn on. Burman (1989), A comparative study of ordinary
    cross-validation, v-fold cross-validation and the repeated learning-testing methods, adds the
    whole's score less the parts' mean. It is drawn with the rest: it has luck of its own.
    """
    return cross_fitted + whole - parts.mean(axis=0)


def _intervals(
    metric: str, own: np.ndarray, single: np.ndarray, test_share: float
) -> dict[str, float | None]:
    """95 % interval, probability of beating the best single member, and forecast.

    own, single: float64 [r] of the same resamples; test_share: test rows over scored rows
    The forecast is for the score on the test rows, whose own luck is drawn as well: deviations
    grow by sqrt(1 + 1 / test_share).
    """
    names = ("low", "high", "beats_single", "forecast_low", "forecast_high")
    is_known = np.isfinite(own) & np.isfinite(single)
    if not is_known.any():
        return dict.fromkeys(names)
    own, single = own[is_known], single[is_known]
    low, middle, high = _within(metric, np.quantile(own, [TAIL, 0.5, 1 - TAIL]))
    wins = own > single if METRICS[metric].higher_is_better else own < single
    beats = wins.mean() + (own == single).mean() / 2
    wider = np.sqrt(1 + 1 / test_share)
    ends = _within(metric, middle + wider * (np.array([low, high]) - middle))
    values = (low, high, beats, *ends)
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _within(metric: str, values: np.ndarray) -> np.ndarray:
    """float64 of the same shape: no score beyond the metric's best and worst."""
    most = np.inf if metric == "log_loss" else 1.0
    return np.clip(values, -1.0 if metric == "mcc" else 0.0, most)


def _gain(
    metric: str, labels: np.ndarray, ours: np.ndarray, single: np.ndarray
) -> dict[str, float | None]:
    """Gain over the best single member, > 0 where ours is better, and its standard error."""
    scores = [score(metric, labels, p) for p in (ours, single)]
    if None in scores:
        return {"gain": None, "gain_error": None}
    parts = [influence(metric, labels, p) for p in (ours, single)]
    sign = 1 if METRICS[metric].higher_is_better else -1
    return {
        "gain": sign * (scores[0] - scores[1]), "gain_error": standard_error(parts[0] - parts[1])
    }  # fmt: skip


def _calibrate(
    several: list[np.ndarray], names: list[str], labels: np.ndarray, part: np.ndarray
) -> list[dict[str, Any]]:
    """Expected calibration error before and after a temperature from the other parts."""
    found = []
    for name, predictions in zip(names, several, strict=True):
        scaled, temperatures = cross_fit_temperature(predictions, labels, part)
        errors = [measure_reliability(labels, p).error for p in (predictions, scaled)]
        found.append({
            "name": name, "error_before": errors[0], "error_after": errors[1],
            "temperatures": temperatures,
        })  # fmt: skip
    return found


def _spread(values: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    """float64 [n, c]: values at their rows, NaN elsewhere."""
    spread = np.full((n, values.shape[1]), np.nan)
    spread[rows] = values
    return spread
