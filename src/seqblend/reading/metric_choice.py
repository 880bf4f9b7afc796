"""Chooses the metric: asked for, told by the submission's form, or a guess with likely others."""

from __future__ import annotations

import re
import warnings

import numpy as np

from seqblend.core.errors import FlagError, listing
from seqblend.core.findings import Finding
from seqblend.data.sequences import SubmissionForm
from seqblend.evaluation.metrics import score
from seqblend.evaluation.user_metrics import is_user_metric
from seqblend.tasks.task import Task, task_for, task_names

_FLAG = "--metric NAME"
_OF_PROBABILITIES = ("auc", "log_loss", "average_precision")  # of two classes: one column
_OF_SEVERAL = {  # metrics of one label, and what is meant by them where there are several
    "auc": "mean_auc",
    "log_loss": "mean_log_loss",
    "average_precision": "mean_average_precision",
    "f1": "column_macro_f1",
    "macro_f1": "column_macro_f1",
}


def takes_probability(metric: str) -> bool:
    """Whether a submission for this metric has the probability of one of two classes."""
    return metric in _OF_PROBABILITIES


def guesses_of(metric: str) -> int:
    """The number of labels that map@K asks for; 1 for other metrics."""
    match = re.fullmatch(r"map@(\d+)", metric)
    return max(int(match[1]), 1) if match else 1


def tasks_of(metric: str) -> list[Task]:
    """The tasks, without columns, that define a metric; none for no metric and for the user's."""
    known = [task_for(name, ()) for name in task_names()]
    return [task for task in known if _general(metric) in task.metrics]


def check_defined(metric: str, task: Task) -> None:
    """FlagError where the task does not define the metric; it says which does."""
    if is_user_metric(metric):
        return
    if _general(metric) in task.metrics:
        _check_classes(metric, task)
        return
    meant = _OF_SEVERAL.get(metric)
    is_several = meant in task.metrics
    others = "" if is_several else _name_tasks(metric, task)
    raise FlagError(
        f"the task is {task.name} ({listing(task.columns, 4)}), for which '{metric}' is not "
        f"defined{f': for several labels take --metric {meant}' if is_several else ''}; "
        f"it has {listing(task.metrics, 20)}{others}"
    )


def _check_classes(metric: str, task: Task) -> None:
    """FlagError where the metric is not of this number of classes."""
    if not task.has_classes:
        return
    c, most = len(task.columns), re.fullmatch(r"top@(\d+)", metric)
    if metric == "f1" and c != 2:
        raise FlagError(f"f1 is of two classes, the labels have {c}. Take macro_f1 or weighted_f1")
    if most and int(most[1]) >= c:
        raise FlagError(
            f"{metric} counts every label as right: there are {c} classes. Take top@{c - 1} or less"
        )


def _name_tasks(metric: str, task: Task) -> str:
    """What the metric is for; how to name such a task, where the target is one column."""
    others = "; ".join(f"for {other.needs} ({other.name})" for other in tasks_of(metric))
    is_one_column = task.has_classes or len(task.columns) == 1
    offer = ": name such a task with --set data.task" if is_one_column else ""
    return f". {metric} is {others}{offer}" if others else ""


def try_metric(metric: str, task: Task, targets: np.ndarray) -> None:
    """Score the best constant by a metric of the user's, so that a wrong one is known at once.

    targets: n rows, as the task has them
    raises: FlagError where the function cannot be called so, or returns no number
    """
    if not is_user_metric(metric):
        return
    constant = np.tile(task.prior(targets), (len(targets), 1))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a correlation with a constant is undefined
        score(metric, targets, constant)


def choose_metric(task: Task, form: SubmissionForm, metric: str) -> tuple[str, Finding]:
    """(metric, what the plan says of it); `metric`: the one asked for, or "".

    raises: FlagError where the task does not define it
    """
    if metric:
        check_defined(metric, task)
        return metric, Finding("metric", metric, _FLAG, "asked for")
    if form.kind == "class_columns":
        return "log_loss", Finding("metric", "log_loss", _FLAG, "the submission has class columns")
    if form.kind == "ranked":
        metric = f"map@{form.guesses}"
        return metric, Finding("metric", metric, _FLAG, "the submission has several labels a cell")
    metric, others = task.default_metric, task.other_metrics
    if form.kind == "probability":
        metric, *others = _OF_PROBABILITIES
    why = f"a guess; others: {', '.join(f'--metric {name}' for name in others)}"
    return metric, Finding("metric", metric, _FLAG, why, is_guess=True)


def _general(metric: str) -> str:
    """`map@3` as Task.metrics has it: `map@K`."""
    return re.sub(r"@\d+$", "@K", metric)
