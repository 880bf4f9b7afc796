"""Chooses the metric: asked for, told by the submission's form, or a guess with likely others."""

from __future__ import annotations

import re

from seqblend.core.errors import FlagError, listing
from seqblend.core.findings import Finding
from seqblend.data.sequences import SubmissionForm
from seqblend.evaluation.user_metrics import is_user_metric
from seqblend.tasks.task import Task, task_for, task_names

_FLAG = "--metric NAME"
_OF_PROBABILITIES = ("auc", "log_loss", "average_precision")  # of two classes: one column


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
    if metric == "f1" and task.has_classes and len(task.columns) != 2:
        raise FlagError(
            f"f1 is of two classes, the labels have {len(task.columns)}. Take macro_f1 or "
            "weighted_f1"
        )
    if _general(metric) in task.metrics:
        return
    others = "; ".join(f"for {other.needs} ({other.name})" for other in tasks_of(metric))
    elsewhere = f". {metric} is {others}: name such a task with --set data.task" if others else ""
    raise FlagError(
        f"the task is {task.name} ({listing(task.columns, 4)}), for which '{metric}' is not "
        f"defined; it has {listing(task.metrics, 20)}{elsewhere}"
    )


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
