"""What test rows' probabilities tell without their labels: accuracy, and the classes' shares."""

from __future__ import annotations

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.diagnosis.holdouts import HoldOut
from seqblend.evaluation.check import Check, Estimate, share_text
from seqblend.evaluation.metrics import predict_classes

STEPS = 100  # of EM
DRAWS = 100  # samples of validation rows that chance is read from
SURE = 3.0  # standard errors from which a difference of confidences is none by chance
CLOSE = 1e-6  # EM ends where no share moves by more


def check_confidence(model: str, parts: list[HoldOut]) -> Check:
    """Accuracy to expect on the test rows, from how sure the model is of them."""
    known = float(np.mean([_accuracy(part) for part in parts]))
    drop, error = measure_drop(parts)
    n_valid = sum(len(same[0].labels) for same in _by_fold(parts))  # a further seed adds no row
    rows = 1 / len(parts[0].test) + 1 / n_valid
    forecast = Estimate.normal(known - drop, float(np.sqrt(error**2 + known * (1 - known) * rows)))
    is_lower = drop > SURE * error
    means = f"as sure as of validation rows, of which {100 * known:.2f} % are right"
    if is_lower:
        means = f"less sure than of validation rows: expect less than their {100 * known:.2f} %"
    elif drop < -SURE * error:
        means = f"surer than of validation rows ({100 * known:.2f} %): test rows look easier"
    advice = "trust differences between models, not the level of the score" if is_lower else ""
    return Check(
        f"confidence of {model}", "how sure its fits are of test rows, and of validation rows",
        f"accuracy {share_text(forecast)} to expect", means, advice, is_lower, forecast.value,
        forecast.low, forecast.high,
        {"model": model, "out_of_fold": known, "drop": drop, "error": error},
    )  # fmt: skip


def measure_drop(parts: list[HoldOut]) -> tuple[float, float]:
    """By how much the fits are less sure of test rows than of validation rows, and its error.

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
    """The fits of each fold, one a seed."""
    folds = sorted({part.fold for part in parts})
    return [[part for part in parts if part.fold == k] for k in folds]


def _accuracy(part: HoldOut) -> float:
    return float((predict_classes(part.valid) == part.labels).mean())


def check_classes(parts: list[HoldOut], classes: tuple[str, ...]) -> Check:
    """Whether the classes' shares among test rows are those of the training rows."""
    known = _shares(np.concatenate([part.labels for part in parts]), len(classes))
    guess = np.mean([_shift(part, part.test) for part in parts], axis=0)
    guess = np.maximum(known + guess, 0)
    guess /= guess.sum()
    chance = _distances_by_chance(parts)
    value, bound = float(np.abs(guess - known).sum() / 2), float(np.quantile(chance, 0.95))
    is_flagged = value > bound and value > 0.02
    most = np.argsort(-np.abs(guess - known), kind="stable")[:3]
    changes = ", ".join(
        f"{classes[k]} {100 * known[k]:.1f} -> {100 * guess[k]:.1f} %" for k in most
    )
    means = f"the classes' shares differ: {changes}" if value > bound else (
        "the classes are as frequent as in train")  # fmt: skip
    advice = "where the metric sees class shares, weigh probabilities by them" if is_flagged else ""
    return Check(
        "class shift", "the classes' shares among test rows, by EM on held-out probabilities "
        "(Saerens et al. 2002; right where a class looks the same in test)",
        f"{100 * value:.2f} % of rows in other classes; chance up to {100 * bound:.2f} %",
        means, advice, is_flagged, value, None, bound,
        {"train": known.tolist(), "test": guess.tolist()},
    )  # fmt: skip


def estimate_shares(p: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """float64 [c]: the classes' shares among rows whose probabilities hold under `prior`.

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
    """float64 [c]: by how much the shares of rows p differ from those of the validation rows.

    EM sees both through the same model, whose bias cancels to first order.
    """
    prior = np.maximum(_shares(part.labels, p.shape[1]), 1e-4)
    prior /= prior.sum()
    return estimate_shares(p, prior) - estimate_shares(part.valid, prior)


def _shares(labels: np.ndarray, c: int) -> np.ndarray:
    return np.bincount(labels, minlength=c) / len(labels)


def _distances_by_chance(parts: list[HoldOut]) -> np.ndarray:
    """float64 [DRAWS]: the distance where the test rows are drawn from the validation rows."""
    rng = rng_for(0, "class shift")
    part = max(parts, key=lambda one: len(one.labels))
    m, n = len(part.test), len(part.labels)
    shifts = [_shift(part, part.valid[rng.integers(0, n, min(m, n))]) for _ in range(DRAWS)]
    return np.abs(shifts).sum(axis=1) / 2
