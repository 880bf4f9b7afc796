"""Forecasts for the unlabelled test rows: accuracy, and class frequencies."""

from __future__ import annotations

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.diagnosis.holdouts import HoldOut
from seqblend.evaluation.check import Check
from seqblend.evaluation.intervals import Estimate
from seqblend.evaluation.metrics import predict_classes

STEPS = 100  # of EM
DRAWS = 100  # resamples of validation rows for the distance without a shift
SURE = 3.0  # standard errors from which a difference of confidences counts
CLOSE = 1e-6  # EM has converged where no share changes by more


def check_confidence(model: str, parts: list[HoldOut]) -> Check:
    """The accuracy to expect on the test rows, from the model's confidence there."""
    known = float(np.mean([_accuracy(part) for part in parts]))
    drop, error = measure_drop(parts)
    n_valid = sum(len(same[0].labels) for same in _by_fold(parts))  # further seeds add no rows
    # the variance of an accuracy of as many validation rows, and of as many test rows
    of_rows = known * (1 - known) * (1 / len(parts[0].test) + 1 / n_valid)
    forecast = Estimate.normal(known - drop, float(np.sqrt(error**2 + of_rows)))
    means = "same mean confidence on test rows as on validation rows"
    if drop > SURE * error:
        means = "less confident on test rows than on validation rows: they are harder"
    elif drop < -SURE * error:
        means = "more confident on test rows than on validation rows: they look easier"
    is_lower = drop > SURE * error
    advice = "compare models by the score, but expect a lower one on the test rows"
    return Check(
        f"confidence of {model}",
        "accuracy on test rows, forecast from mean confidence there and on validation rows",
        f"expected accuracy {forecast.percent()}; on validation rows {100 * known:.2f} %",
        means,
        advice if is_lower else "",
        is_lower,
        estimate=forecast,
        details={"model": model, "out_of_fold": known, "drop": drop, "error": error},
    )


def measure_drop(parts: list[HoldOut]) -> tuple[float, float]:
    """By how much mean confidence is lower on test rows than on validation rows, and its error.

    Difference of confidences (Guillory et al. 2021): where probabilities are calibrated on both
    kinds of rows, it is the difference of the accuracies. The error holds the fits' spread and the
    draw of the rows; test rows are the same for all fits. Fits of a fold by several seeds share its
    rows, so each row's confidence is averaged over them first: folds are the independent units.
    """
    valid, test = (
        [
            np.mean([getattr(part, name).max(axis=1) for part in same], axis=0)
            for same in _by_fold(parts)
        ]
        for name in ("valid", "test")
    )
    drops = np.array([one.mean() - other.mean() for one, other in zip(valid, test, strict=True)])
    of_fits = drops.var(ddof=1) / len(drops) if len(drops) > 1 else 0.0
    of_valid = np.concatenate(valid).var() / sum(map(len, valid))
    of_test = np.mean(test, axis=0).var() / len(test[0])
    return float(drops.mean()), float(np.sqrt(of_fits + of_valid + of_test))


def _by_fold(parts: list[HoldOut]) -> list[list[HoldOut]]:
    """The fits of each fold, one per seed."""
    folds = sorted({part.fold for part in parts})
    return [[part for part in parts if part.fold == k] for k in folds]


def _accuracy(part: HoldOut) -> float:
    return float((predict_classes(part.valid) == part.labels).mean())


def check_classes(parts: list[HoldOut], classes: tuple[str, ...]) -> Check:
    """Whether the class frequencies of the test rows are those of the training rows."""
    known = _shares(np.concatenate([part.labels for part in parts]), len(classes))
    shift = np.mean([_shift(part, part.test) for part in parts], axis=0)
    test = np.maximum(known + shift, 0)
    test /= test.sum()
    value = float(np.abs(test - known).sum() / 2)  # total variation distance
    bound = float(np.quantile(_distances_without_shift(parts), 0.95))
    means = "class frequencies are those of the train rows"
    if value > bound:
        most = np.argsort(-np.abs(test - known), kind="stable")[:3]
        changes = (f"{classes[k]} {100 * known[k]:.1f} -> {100 * test[k]:.1f} %" for k in most)
        means = f"class frequencies differ from train: {', '.join(changes)}"
    is_flagged = value > bound and value > 0.02
    advice = "where the metric depends on class frequencies, reweight the probabilities by them"
    return Check(
        "class shift",
        "class frequencies of the test rows, estimated by EM (Saerens et al. 2002); assumes that a "
        "class looks the same in train and test",
        f"{100 * value:.2f} % of rows change class; without a shift up to {100 * bound:.2f} %",
        means,
        advice if is_flagged else "",
        is_flagged,
        details={"distance": value, "train": known.tolist(), "test": test.tolist()},
    )


def estimate_shares(p: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """float64 [c]: the class frequencies of rows whose probabilities were fitted under `prior`.

    p: float [n, c], prior: float64 [c], above 0. EM of Saerens, Latinne & Decaestecker (2002):
    posteriors are weighed by the ratio of the shares, whose mean they give again.
    """
    p, shares = p.astype(np.float64), prior
    for _ in range(STEPS):
        weighed = p * (shares / prior)
        before, shares = shares, (weighed / weighed.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(shares - before).max() < CLOSE:
            break
    return shares


def _shift(part: HoldOut, p: np.ndarray) -> np.ndarray:
    """float64 [c]: estimated class frequencies of rows p less those of the validation rows.

    Both are estimated by EM through the same model, whose bias cancels to first order.
    """
    prior = np.maximum(_shares(part.labels, p.shape[1]), 1e-4)
    prior /= prior.sum()
    return estimate_shares(p, prior) - estimate_shares(part.valid, prior)


def _shares(labels: np.ndarray, c: int) -> np.ndarray:
    return np.bincount(labels, minlength=c) / len(labels)


def _distances_without_shift(parts: list[HoldOut]) -> np.ndarray:
    """float64 [DRAWS]: total variation distances where test rows are drawn from validation rows."""
    rng = rng_for(0, "class shift")
    part = max(parts, key=lambda one: len(one.labels))
    m, n = len(part.test), len(part.labels)
    shifts = [_shift(part, part.valid[rng.integers(0, n, min(m, n))]) for _ in range(DRAWS)]
    return np.abs(shifts).sum(axis=1) / 2
