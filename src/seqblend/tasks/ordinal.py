"""Ordinal classification: classes are grades in an order, such as scores of essays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import numpy as np

from seqblend.evaluation.metrics import is_of_classes, summarise
from seqblend.tasks.adjustments import Adjustment, ClassWeights, CutPoints
from seqblend.tasks.single_label import SingleLabel
from seqblend.tasks.task import register_task


@register_task
class Ordinal(SingleLabel):
    """One of several grades, in the order of `columns`.

    Members give probabilities as for any classes. A blend's grade is the most probable one, with or
    without class weights, or that of cut points on the expected grade: what scores best on rows
    that did not choose it.
    """

    name: ClassVar[str] = "ordinal"
    metrics: ClassVar[tuple[str, ...]] = ("qwk", *SingleLabel.metrics)
    column_name: ClassVar[tuple[str, str]] = ("grade", "grades")
    is_ordered: ClassVar[bool] = True
    needs: ClassVar[str] = "a train column of grades that are numbers"

    @property
    def other_metrics(self) -> tuple[str, str]:
        """Metrics of classes without an order."""
        return "accuracy", "macro_f1"

    def summarise(self, targets: np.ndarray, array: np.ndarray) -> dict[str, float | None]:
        """Quadratic weighted kappa besides."""
        return summarise(targets, array, ("qwk",))

    def adjustments(
        self, metric: str
    ) -> tuple[Callable[[np.ndarray, np.ndarray], Adjustment], ...]:
        """Class weights or cut points for metrics of predicted grades."""
        if not is_of_classes(metric):
            return super().adjustments(metric)
        return partial(ClassWeights.fit, metric), partial(CutPoints.fit, metric)
