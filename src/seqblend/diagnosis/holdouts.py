"""What one fitted model says about rows it has not seen: its validation rows and the test rows."""

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
    """One fit's probabilities. Its two sets of rows are equally new to it, as OOF and the mean over
    folds on test rows are not.

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
        folder = workspace.root / "runs" / unit
        k = int(unit.rpartition("-fold")[2])
        valid, test = (read_array(folder / f"{name}.npy") for name in ("valid", "test"))
        found.append(HoldOut(labels[split(fold, k)[1]], valid, test, k))
    return found


def fit_hold_out(competition: Competition, fold: np.ndarray) -> HoldOut:
    """A linear model on fold 0, for want of finished runs; nothing of it is kept."""
    train, valid = split(fold, 0)
    rows, labels = competition.train, competition.labels
    member = TfidfLogistic.fit(
        rows.take(train), labels[train], classes=len(competition.classes), view=competition.view,
        options=TfidfOptions(), seed=0,
    )  # fmt: skip
    return HoldOut(
        labels[valid], member.predict(rows.take(valid)), member.predict(competition.test), fold=0
    )
