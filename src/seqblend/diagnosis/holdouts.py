"""Predictions of one fit for its validation rows and for the test rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.core.storage import read_array
from seqblend.data.folds import split
from seqblend.data.sequences import Competition
from seqblend.models.tfidf import TfidfLogistic, TfidfOptions
from seqblend.running.results import RunResult
from seqblend.running.workspace import Workspace


@dataclass(frozen=True)
class HoldOut:
    """One fit's predictions on two sets of rows that are both unseen by it.

    Pooled out-of-fold rows and the test rows' mean over folds would not be comparable.

    labels: int64 [n], of the validation rows; valid: float [n, c]; test: float [m, c]
    fold: the fold of the validation rows; with several seeds there are several fits of it
    """

    labels: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    fold: int


def read_hold_outs(
    workspace: Workspace, result: RunResult, labels: np.ndarray, fold: np.ndarray
) -> list[HoldOut]:
    """The units of a run. labels and fold: int64 [n_train]."""
    found = []
    for unit in result.manifest["units"]:
        folder = workspace.runs / unit
        k = int(unit.rpartition("-fold")[2])
        valid, test = (read_array(folder / f"{name}.npy") for name in ("valid", "test"))
        found.append(HoldOut(labels[split(fold, k)[1]], valid, test, k))
    return found


def fit_hold_out(competition: Competition, fold: np.ndarray) -> HoldOut:
    """A linear model fitted on fold 0, where no run has finished; it is not stored."""
    train, valid = split(fold, 0)
    rows, labels = competition.train, competition.targets
    member = TfidfLogistic.fit(
        rows.take(train),
        labels[train],
        task=competition.task,
        view=competition.view,
        options=TfidfOptions(),
        seed=0,
    )
    valid_p, test_p = (member.predict(each) for each in (rows.take(valid), competition.test))
    return HoldOut(labels[valid], valid_p, test_p, fold=0)
