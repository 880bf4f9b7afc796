"""Tells which task a competition asks for, and reads its targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqblend.core.config import DataConfig
from seqblend.core.errors import FlagError, InputError, listing
from seqblend.core.findings import Finding
from seqblend.evaluation.user_metrics import is_user_metric
from seqblend.reading.class_names import as_number
from seqblend.reading.json_tables import Cell
from seqblend.reading.labels import case_warning, fraction_warning, read_labels, spacing_warning
from seqblend.reading.metric_choice import check_defined, tasks_of
from seqblend.reading.number_columns import check_binary, read_numbers, why_measured
from seqblend.reading.tables import RawTable
from seqblend.reading.target import Target
from seqblend.tasks.task import Task, task_for

_FLAG = "--set data.task=NAME"
AUTO = "auto"


@dataclass(frozen=True)
class Targets:
    """The task, with its columns, and the targets of all rows as Competition has them."""

    task: Task
    values: np.ndarray
    why: str
    warnings: tuple[str, ...] = ()

    @property
    def finding(self) -> Finding:
        """What the plan says of it."""
        return Finding("task", self.task.name, _FLAG, self.why)


def wanted_task(data: DataConfig, metric: str) -> Task | None:
    """The task, without columns, that the user named, or else that the metric is of; None: any."""
    if data.task != AUTO:
        return task_for(data.task, ())
    if is_user_metric(metric):
        return None
    return next(iter(tasks_of(metric)), None)


def read_targets(
    train: RawTable, target: Target, data: DataConfig, metric: str, answers: Sequence[str]
) -> Targets:
    """The targets: numbers, columns of 0 and 1, grades or classes.

    answers: the sample's values of the column that is asked for; metric: the one asked for, or ""
    raises: InputError for values that the task cannot have; FlagError where the metric is not
        defined for the task
    """
    targets = _read(train, target, data, wanted_task(data, metric), answers)
    if metric:
        check_defined(metric, targets.task)
    return targets


def _read(
    train: RawTable,
    target: Target,
    data: DataConfig,
    wanted: Task | None,
    answers: Sequence[str],
) -> Targets:
    asked = "asked for" if data.task != AUTO else "by the metric"
    if target.value_columns:
        columns = list(target.value_columns.values())
        if data.task != AUTO and wanted is not None and wanted.has_classes:
            raise FlagError(
                f"data.task={data.task} is for {wanted.needs}; the sample submission asks for the "
                f"train columns {listing(columns)}. Choose one with --set data.target=COLUMN: the "
                "others are handed in as the sample has them"
            )
        return _read_several(train, columns, wanted, asked)
    if not (target.class_columns or target.parts):
        texts = [] if wanted else train.texts(target.name)
        measured = why_measured(texts, answers)
        if measured:
            return _read_numbers(train, [target.name], "regression", measured)
        if wanted is not None and _is_of_one_column(wanted, data):
            return _read_numbers(train, [target.name], wanted.name, asked)
    is_ordered = wanted is not None and wanted.is_ordered
    cells = _read_grades(train, target) if is_ordered else target.cells
    is_given = bool(data.target) or data.task != AUTO
    labels = read_labels(train, target.name, cells, is_given=is_given)
    warnings = [*fraction_warning(labels.classes), *case_warning(labels.classes)]
    if is_ordered:
        warnings += spacing_warning(labels.classes)
    task = task_for("ordinal" if is_ordered else "single_label", labels.classes)
    why = asked if wanted else "labels in one column"
    return Targets(task, labels.values, why, tuple(warnings))


def _is_of_one_column(wanted: Task, data: DataConfig) -> bool:
    """Whether a column is read as numbers; as one of 0 and 1 only where that was asked for."""
    return not wanted.has_classes and (data.task != AUTO or not wanted.has_probabilities)


def _read_several(train: RawTable, columns: list[str], wanted: Task | None, asked: str) -> Targets:
    """Several columns: of 0 and 1, else of numbers; a task of classes cannot have them."""
    if wanted is not None and not wanted.has_classes:
        return _read_numbers(train, columns, wanted.name, asked)
    if np.isin(read_numbers(train, columns), (0, 1)).all():
        return _read_numbers(train, columns, "multi_label", "columns of 0 and 1, any number a row")
    return _read_numbers(train, columns, "regression", f"{len(columns)} columns of numbers")


def _read_numbers(train: RawTable, columns: list[str], name: str, why: str) -> Targets:
    """Targets in columns of their own: float64 [n, q], or int64 where they are 0 and 1."""
    task, values = task_for(name, columns), read_numbers(train, columns)
    constant = [c for c, each in zip(columns, values.T, strict=True) if np.ptp(each) == 0]
    if len(constant) == len(columns):
        raise InputError(
            f"{train.path.name}, column '{constant[0]}': every value is {values[0, 0]:g}; expected "
            "at least two. Name the column to predict with --set data.target=COLUMN"
        )
    warnings = [f"column '{c}' has one value in {train.path.name}" for c in constant]
    if task.has_probabilities:
        check_binary(train, columns, values)
        values = values.astype(np.int64)
    return Targets(task, values, why, tuple(warnings))


def _read_grades(train: RawTable, target: Target) -> list[Cell]:
    """The labels with one text for each number; InputError where one is no number."""
    texts = [cell.strip() if isinstance(cell, str) else "" for cell in target.cells]
    numbers = {text: as_number(text) for text in set(texts)}
    wrong = [row for row, text in enumerate(texts) if text and numbers[text] is None]
    if wrong:
        some = listing(sorted({texts[row] for row in wrong}), 3)
        raise InputError(
            f"{train.path.name}, column '{target.name}': grades have to be numbers, {len(wrong)} "
            f"are none ({some}), the first in {train.place(wrong[0])}. Write them as numbers in "
            "their order, or take another metric than qwk, such as --metric macro_f1"
        )
    shortest: dict[float | None, str] = {}
    for text in sorted(numbers, key=lambda text: (len(text), text)):
        shortest.setdefault(numbers[text], text)
    return [shortest[numbers[text]] for text in texts]
