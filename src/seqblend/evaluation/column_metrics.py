"""Metrics of several labels of 0 or 1 that do not exclude each other."""

from __future__ import annotations

import numpy as np

from seqblend.evaluation.averages import divide, mean_where_defined
from seqblend.evaluation.class_predictions import CLIP
from seqblend.evaluation.metric import OfSums, RowMean
from seqblend.evaluation.ranking_metrics import MEAN_AUC, MEAN_AVERAGE_PRECISION

THRESHOLD = 0.5  # a label is predicted where P(1) is above it


def column_losses(targets: np.ndarray, array: np.ndarray) -> np.ndarray:
    """float64 [n, q]: each cell's log loss, probabilities clipped at CLIP.

    targets: int64 [n, q] of 0 and 1; array: float [n, q], P(1)
    """
    p = np.clip(array.astype(np.float64), CLIP, 1 - CLIP)
    return -np.where(targets == 1, np.log(p), np.log1p(-p))


def _mean_losses(targets: np.ndarray, array: np.ndarray) -> np.ndarray:
    """float64 [n]: the mean over columns."""
    return column_losses(targets, array).mean(axis=1)


def _label_counts(targets: np.ndarray, array: np.ndarray) -> np.ndarray:
    """float64 [n, 2 q]: twice the hits of each column, and labels true plus labels predicted."""
    is_true, is_predicted = targets == 1, array > THRESHOLD
    hits, both = 2.0 * (is_true & is_predicted), is_true.astype(np.float64) + is_predicted
    return np.concatenate([hits, both], axis=1)


def _macro_f1(sums: np.ndarray) -> np.ndarray:
    """float64 [r]: the mean of the columns' F1, those without a label true or predicted left out.

    sums: float64 [r, 2 q]
    """
    return mean_where_defined(divide(*np.split(sums, 2, axis=1)))


def _micro_f1(sums: np.ndarray) -> np.ndarray:
    """float64 [r]: F1 of all cells together; NaN without a label true or predicted."""
    return divide(*(part.sum(axis=1) for part in np.split(sums, 2, axis=1)))


MEAN_LOG_LOSS = RowMean(
    name="mean_log_loss",
    kind="columns",
    greater_is_better=False,
    highest=np.inf,
    rows=_mean_losses,
)
COLUMN_MACRO_F1 = OfSums(
    name="column_macro_f1",
    kind="columns",
    is_of_classes=True,
    statistics=_label_counts,
    formula=_macro_f1,
)
COLUMN_MICRO_F1 = OfSums(
    name="column_micro_f1",
    kind="columns",
    is_of_classes=True,
    statistics=_label_counts,
    formula=_micro_f1,
)
COLUMN_METRICS = (
    MEAN_AUC,
    MEAN_LOG_LOSS,
    MEAN_AVERAGE_PRECISION,
    COLUMN_MACRO_F1,
    COLUMN_MICRO_F1,
)


def summarise_columns(targets: np.ndarray, array: np.ndarray) -> dict[str, float | None]:
    """Every metric of columns by name, None where undefined (int64 [n, q], float [n, q])."""
    return {metric.name: metric.score(targets, array) for metric in COLUMN_METRICS}
