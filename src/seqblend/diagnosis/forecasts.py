"""A forecast for the unlabelled test rows: the accuracy, from confidence."""

from __future__ import annotations

import numpy as np

from seqblend.diagnosis.holdouts import HoldOut
from seqblend.evaluation.check import Check
from seqblend.evaluation.intervals import Estimate
from seqblend.evaluation.metrics import predict_classes

SURE = 3.0  # standard errors from which a difference of confidences counts


def check_confidence(model: str, parts: list[HoldOut]) -> Check:
    """The accuracy to expect on the test rows, from the model's confidence there."""
    known = float(np.mean([_accuracy(part) for part in parts]))
    drop, error = measure_drop(parts)
    n_valid = sum(len(same[0].labels) for same in _by_fold(parts))  # further seeds add no rows
    # the variance of an accuracy of as many validation rows, and of as many test rows
    of_rows = known * (1 - known) * (1 / len(parts[0].test) + 1 / n_valid)
    forecast = Estimate.normal(known - drop, float(np.sqrt(error**2 + of_rows)))
    means, advice = "same mean confidence on test rows as on validation rows", ""
    if drop > SURE * error:
        advice = "compare models by the score, but expect a lower one on the test rows"
        means = "less confident on test rows than on validation rows: they are harder"
    elif drop < -SURE * error:
        means = "more confident on test rows than on validation rows: they look easier"
    return Check(
        f"confidence of {model}",
        "accuracy on test rows, forecast from mean confidence there and on validation rows",
        f"expected accuracy {forecast.percent()}; on validation rows {100 * known:.2f} %",
        means,
        advice,
        bool(advice),
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
