"""What metrics are called in tables and sentences."""

from __future__ import annotations

_TITLES = {
    "accuracy": "accuracy",
    "macro_precision": "macro P",
    "macro_recall": "macro R",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "f1": "F1",
    "auc": "AUC",
    "log_loss": "log loss",
    "calibration_error": "ECE",
    "qwk": "QWK",
    "mean_auc": "mean AUC",
    "column_macro_f1": "macro F1 of labels",
    "column_micro_f1": "micro F1 of labels",
    "rmse": "RMSE",
    "mae": "MAE",
    "mcrmse": "MCRMSE",
    "r2": "R²",
    "pearson": "Pearson",
    "spearman": "Spearman",
}


def title_of(metric: str) -> str:
    """The metric's name as people write it; of `FILE.py:function` the function's.

    >>> title_of("mean_log_loss"), title_of("qwk"), title_of("mine.py:gini")
    ('mean log loss', 'QWK', 'gini')
    """
    return _TITLES.get(metric, metric.rpartition(":")[2].replace("_", " "))
