"""What is submitted before the first run is complete: a constant, then a single fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seqblend.app.progress import TrainingProgress
from seqblend.app.submit import Outcome, fixed_places, write_everywhere
from seqblend.blending.submission import Submission, check_submission
from seqblend.core.console import shorten
from seqblend.core.errors import InputError
from seqblend.core.storage import read_array
from seqblend.evaluation.score_text import score_format
from seqblend.running.project import Project
from seqblend.running.runs import Unit
from seqblend.tasks.task import Task


class EarlySubmission:
    """What is submitted before the first run is complete.

    A valid submission that an earlier session left in a fixed place stays there.
    """

    def __init__(self, project: Project, out: Path | None) -> None:
        self._project, self._out = project, out
        self._places: list[Path] = []
        self._has_fit = False

    def renew(self, outcome: Outcome, progress: TrainingProgress) -> None:
        """Submit a constant at first, then the first fit of a fold 0."""
        project, found = self._project, progress.schedule.done
        if outcome.submission is None:
            self._places = _places_without_submission(project, self._out)
            outcome.submission = submit_class_prior(project, self._places)
            path, what = outcome.submission.path, describe_prior(project.competition.task)
            progress.say(f"submission: {shorten(path)} ({what}, for a start)")
        unit = next((unit for unit in found if unit.fold == 0), None)
        if unit is not None and not self._has_fit:
            self._has_fit = True
            outcome.submission = _submit_fit(project, unit, self._places)
            path, text = outcome.submission.path, _describe_fit(project, unit, found[unit])
            progress.say(f"submission: {shorten(path)} ({text})")


def submit_class_prior(project: Project, places: list[Path]) -> Submission:
    """A valid submission before anything is trained: every row gets the best constant.

    places: that get it besides its own
    """
    competition = project.competition
    prior = competition.task.prior(competition.targets)
    rows = np.tile(prior, (len(competition.test_ids), 1))
    name = "frequencies" if competition.task.has_classes else "constant"
    return write_everywhere(project, name, None, rows, places)


def _places_without_submission(project: Project, out: Path | None) -> list[Path]:
    """The fixed places in which no earlier session left a valid submission."""
    return [
        place for place in fixed_places(project, out) if not _is_valid_submission(project, place)
    ]


def _submit_fit(project: Project, unit: Unit, places: list[Path]) -> Submission:
    """A submission of one fold's fit alone. places: that get it besides its own"""
    test = read_array(project.job(unit).folder / "test.npy")
    return write_everywhere(project, f"{unit.run.model}-fold{unit.fold}", None, test, places)


def _describe_fit(project: Project, unit: Unit, manifest: dict[str, Any]) -> str:
    """What a fit was trained on, and its score on its validation rows, where it is defined."""
    metric = project.competition.metric
    value = manifest["scores"].get(metric)
    score = "" if value is None else f", {metric} {score_format(metric)(value)} there"
    return f"{unit.run.title} trained without fold {unit.fold}{score}"


def describe_prior(task: Task) -> str:
    """What every row gets before anything is trained."""
    return "class frequencies" if task.has_classes else "best constant"


def _is_valid_submission(project: Project, path: Path) -> bool:
    """Whether the file is a valid submission of this competition already."""
    try:
        check_submission(path, project.competition.form, project.competition.task)
    except (OSError, UnicodeDecodeError, InputError):
        return False
    return True
