"""Metrics by name: the ones that exist, scores, and which score is better."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from seqblend.core.errors import FlagError, suggest
from seqblend.evaluation.averages import mean_where_defined
from seqblend.evaluation.class_metrics import (
    ACCURACY,
    BALANCED_ACCURACY,
    F1,
    LOG_LOSS,
    MACRO_F1,
    MACRO_PRECISION,
    MACRO_RECALL,
    MCC,
    QWK,
    WEIGHTED_F1,
    OfClasses,
)
from seqblend.evaluation.class_predictions import (
    CLIP,
    clipped_logs,
    confusion_matrix,
    predict_classes,
    row_losses,
)
from seqblend.evaluation.column_metrics import COLUMN_METRICS
from seqblend.evaluation.confusion import Counts
from seqblend.evaluation.metric import Metric
from seqblend.evaluation.ranking_metrics import (
    AUC,
    AVERAGE_PRECISION,
    map_at,
    placements,
    top_at,
)
from seqblend.evaluation.user_metrics import is_user_metric, load_user_metric
from seqblend.evaluation.value_metrics import VALUE_METRICS

__all__ = [  # with what other files look for here
    "CLIP",
    "better",
    "check_metric",
    "clipped_logs",
    "confusion_matrix",
    "counts_formula",
    "has_unit",
    "is_of_classes",
    "mean_where_defined",
    "metric_for",
    "metric_names",
    "placements",
    "predict_classes",
    "row_losses",
    "score",
    "sign_of",
    "summarise",
]

_NAMED: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        *(ACCURACY, MACRO_F1, LOG_LOSS, AUC, BALANCED_ACCURACY, MCC),
        *(F1, WEIGHTED_F1, AVERAGE_PRECISION, QWK),
        *COLUMN_METRICS,
        *VALUE_METRICS,
    )
}
_AT_K: dict[str, Callable[[int], Metric]] = {"map@K": map_at, "top@K": top_at}
_AT = re.compile(r"(map|top)@([1-9]\d{0,3})")
_SUMMARY = (ACCURACY, MACRO_PRECISION, MACRO_RECALL, MACRO_F1, BALANCED_ACCURACY, MCC)


def metric_names(kind: str = "") -> tuple[str, ...]:
    """The metrics of a kind of targets, or of all; `map@K` stands for map@1, map@2 and so on.

    kind: classes, columns or values, see metric.Metric
    """
    at_k = () if kind not in ("", "classes") else tuple(_AT_K)
    named = [name for name, metric in _NAMED.items() if kind in ("", metric.kind)]
    of_classes = sum(_NAMED[name].kind == "classes" for name in named)
    return (*named[:of_classes], *at_k, *named[of_classes:])


def metric_for(name: str) -> Metric:
    """The metric of that name; FlagError with the nearest where there is none."""
    if name in _NAMED:
        return _NAMED[name]
    if found := _AT.fullmatch(name):
        return _AT_K[f"{found[1]}@K"](int(found[2]))
    if is_user_metric(name):
        return load_user_metric(name)
    examples = (each.replace("@K", "@3") for each in metric_names())
    known = (*examples, "FILE.py:function")
    raise FlagError(f"no metric '{name}'{suggest(name, known, 'Metrics')}")


def check_metric(metric: str, kind: str = "", c: int | None = None) -> str:
    """`metric`, where there is one of that name; else a FlagError with the nearest.

    kind: of the targets, where known: it has to be of that; c: the number of classes
    """
    found = metric_for(metric)
    if kind and found.kind not in (kind, "any"):
        fitting = ", ".join(metric_names(kind))
        raise FlagError(f"metric '{metric}' is not of these targets. Those that are: {fitting}")
    if c is not None and c != 2 and found.is_binary:
        raise FlagError(
            f"metric '{metric}' is of 2 classes, and there are {c}; macro_f1 and weighted_f1 are "
            "of any number"
        )
    return metric


def is_of_classes(metric: str) -> bool:
    """Whether it sees predicted classes alone, not how sure they are."""
    return metric_for(metric).is_of_classes


def has_unit(metric: str) -> bool:
    """Whether its scores may be of any size; False for names that tables alone know."""
    found = metric_for(metric) if is_user_metric(metric) else _NAMED.get(metric)
    return found is not None and found.has_unit


def sign_of(metric: str) -> float:
    """1.0 where a higher score is better, else -1.0."""
    return 1.0 if metric_for(metric).greater_is_better else -1.0


def score(metric: str, targets: np.ndarray, array: np.ndarray) -> float | None:
    """The metric's value; None where it is undefined (AUC of one class, no rows, a NaN).

    targets, array: see metric.Metric; such as labels int64 [n] and probabilities float [n, c]
    """
    return metric_for(metric).score(targets, array)


def better(metric: str, a: float | None, b: float | None) -> bool:
    """Whether score `a` beats score `b`; an undefined score beats nothing and loses to any."""
    if a is None or b is None:
        return a is not None
    return sign_of(metric) * a > sign_of(metric) * b


def counts_formula(metric: str) -> Callable[[Counts], np.ndarray]:
    """Counts -> float64 [r] of a metric of the confusion matrix; ValueError for another one."""
    found = metric_for(metric)
    if not isinstance(found, OfClasses):
        raise ValueError(f"{metric} is no metric of the confusion matrix")
    return found.formula


def summarise(
    targets: np.ndarray, array: np.ndarray, extra: Sequence[str] = ()
) -> dict[str, float | None]:
    """Scores of class probabilities for a leaderboard, None where undefined.

    targets: int64 [n], array: float [n, c]; extra: names of further metrics
    """
    further = tuple(metric_for(name) for name in ("auc", "log_loss", *extra))
    if len(targets) == 0 or not np.isfinite(array).all():
        return dict.fromkeys(metric.name for metric in (*_SUMMARY, *further))
    counts = confusion_matrix(targets, predict_classes(array), array.shape[1])
    values = {metric.name: metric.of_matrix(counts) for metric in _SUMMARY}
    summary = {name: None if np.isnan(value) else value for name, value in values.items()}
    return summary | {metric.name: metric.score(targets, array) for metric in further}
