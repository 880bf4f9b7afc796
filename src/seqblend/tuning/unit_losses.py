"""The losses of a finished unit's validation rows, which trials are compared by."""

from __future__ import annotations

import numpy as np

from seqblend.core.storage import read_array
from seqblend.data.folds import split
from seqblend.running.project import Project
from seqblend.running.runs import Unit


def unit_losses(project: Project, unit: Unit) -> np.ndarray:
    """float64 [n]: the loss of each of a finished unit's validation rows, in file order."""
    return project.competition.task.losses(*read_validation(project, unit))


def read_validation(project: Project, unit: Unit) -> tuple[np.ndarray, np.ndarray]:
    """(targets, predictions float32 [n, c]) of a finished unit's validation rows."""
    rows = split(project.fold, unit.fold)[1]
    valid = read_array(project.job(unit).folder / "valid.npy")
    return project.competition.targets[rows], valid
