"""Blends of class probabilities: the task is single-label, with as many classes as the stack."""

from __future__ import annotations

import numpy as np
from conftest import classes_of

from seqblend.blending import crossfit, methods, selection
from seqblend.tasks.single_label import SingleLabel


def task_of(stack: np.ndarray) -> SingleLabel:
    """Single-label, for arrays float [..., c]."""
    return classes_of(stack.shape[-1])


def fit_blend(
    method: str, stack: np.ndarray, labels: np.ndarray, metric: str, names: tuple[str, ...]
) -> methods.Blend:
    """methods.fit_blend."""
    return methods.fit_blend(method, stack, labels, metric, names, task_of(stack))


def cross_fit(
    method: str, stack: np.ndarray, labels: np.ndarray, fold: np.ndarray, metric: str
) -> np.ndarray:
    """crossfit.cross_fit."""
    return crossfit.cross_fit(method, stack, labels, fold, metric, task_of(stack))


def select_blend(
    stack: np.ndarray,
    labels: np.ndarray,
    fold: np.ndarray,
    metric: str,
    names: tuple[str, ...],
) -> selection.BlendResult:
    """selection.select_blend."""
    return selection.select_blend(stack, labels, fold, metric, names, task_of(stack))


def make_fitter(
    stack: np.ndarray, labels: np.ndarray, metric: str, names: tuple[str, ...]
) -> crossfit.BlendFitter:
    """A crossfit.BlendFitter."""
    return crossfit.BlendFitter(stack, labels, metric, names, task_of(stack))
