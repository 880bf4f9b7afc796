"""Metrics of predicted classes, and log loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.evaluation import confusion
from seqblend.evaluation.class_predictions import confusion_matrix, predict_classes, row_losses
from seqblend.evaluation.confusion import Counts
from seqblend.evaluation.metric import Metric, RowMean, Weighted

_CELLS = 20_000_000  # resamples x patterns held at once, 160 MB


@dataclass(frozen=True, kw_only=True)
class OfClasses(Metric):
    """A function of the confusion matrix of the most probable classes. formula: Counts -> [r]."""

    formula: Callable[[Counts], np.ndarray]
    kind: str = "classes"
    is_of_classes: bool = True

    def evaluate(self, targets: np.ndarray, array: np.ndarray) -> float:
        """The function of all rows' confusion matrix."""
        return self.of_matrix(confusion_matrix(targets, predict_classes(array), array.shape[1]))

    def of_matrix(self, counts: np.ndarray) -> float:
        """The function of one confusion matrix int64 [c, c]; NaN where it is undefined."""
        return float(self.formula(Counts.of_matrix(counts))[0])

    def contributions(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray | None:
        """Each row's jackknife pseudo-value, n s - (n - 1) s_without.

        s_without is the score with that row left out, the same for all rows of a cell of the
        confusion matrix (Efron & Stein, 1981).
        """
        predicted, n, c = predict_classes(array), len(targets), array.shape[1]
        matrix, one = confusion_matrix(targets, predicted, c), np.eye(c)
        counts = Counts.of_matrix(matrix)
        whole = self.formula(counts)[0]
        if np.isnan(whole) or n < 2:
            return None
        i, j = np.nonzero(matrix)
        hit, true, guessed = counts.hit - one[i] * one[j], counts.true - one[i], one[j]
        without = self.formula(
            Counts(hit, true, counts.predicted - guessed, counts.product - i * j)
        )
        pseudo = np.zeros((c, c))
        pseudo[i, j] = n * whole - (n - 1) * np.where(np.isnan(without), whole, without)
        return pseudo[targets, predicted]

    def weighted(self, targets: np.ndarray, array: np.ndarray) -> Weighted:
        """Exact: that of rows repeated as often as their weights say."""
        count = _weighted_counts(targets, predict_classes(array), array.shape[1])
        return lambda weights: self.formula(count(weights))

    def bootstrap(
        self, targets: np.ndarray, several: Sequence[np.ndarray], resamples: int
    ) -> np.ndarray:
        """The score of several predictions on the same resampled rows: float64 [k, resamples].

        Rows alike in label and predictions are drawn together, from a multinomial distribution: the
        same bootstrap, whatever the number of rows.
        """
        c = several[0].shape[1]
        pattern = np.stack([targets, *(predict_classes(p) for p in several)], 1)
        pattern, rows = np.unique(pattern, axis=0, return_counts=True)
        counters = [_weighted_counts(pattern[:, 0], guess, c) for guess in pattern.T[1:]]
        rng, parts = rng_for(0, "bootstrap"), []
        chunk = max(_CELLS // len(pattern), 1)
        for start in range(0, resamples, chunk):
            size = min(chunk, resamples - start)
            drawn = rng.multinomial(len(targets), rows / len(targets), size).astype(np.float64)
            parts.append([self.formula(count(drawn)) for count in counters])
        return np.concatenate(parts, axis=1)


def _weighted_counts(
    labels: np.ndarray, predicted: np.ndarray, c: int
) -> Callable[[np.ndarray], Counts]:
    """From row weights float64 [r, n] to the counts; labels, predicted: int64 [n]."""
    true, guessed = np.eye(c)[labels], np.eye(c)[predicted]
    parts = (true * guessed, true, guessed, (labels * predicted).astype(np.float64))
    return lambda weights: Counts(*(weights @ part for part in parts))


@dataclass(frozen=True, kw_only=True)
class Accuracy(OfClasses):
    """The share of rows predicted correctly: a mean over rows."""

    def contributions(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray | None:
        """1 where a row is predicted correctly, else 0."""
        return (predict_classes(array) == targets).astype(np.float64)


ACCURACY = Accuracy(name="accuracy", formula=confusion.accuracy)
MACRO_F1 = OfClasses(name="macro_f1", formula=confusion.macro_f1)
LOG_LOSS = RowMean(
    name="log_loss", kind="classes", greater_is_better=False, highest=np.inf, rows=row_losses
)
BALANCED_ACCURACY = OfClasses(name="balanced_accuracy", formula=confusion.balanced_accuracy)
MCC = OfClasses(name="mcc", formula=confusion.matthews, lowest=-1.0)
F1 = OfClasses(name="f1", formula=confusion.f1, is_binary=True)
WEIGHTED_F1 = OfClasses(name="weighted_f1", formula=confusion.weighted_f1)
QWK = OfClasses(name="qwk", formula=confusion.quadratic_kappa, lowest=-1.0)
MACRO_PRECISION = OfClasses(name="macro_precision", formula=confusion.macro_precision)
MACRO_RECALL = OfClasses(name="macro_recall", formula=confusion.macro_recall)
