"""The newest finished run of a model, opened to explain rows with its fitted members."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from seqblend.core.errors import FlagError, InputError, suggest
from seqblend.explaining.row_explanation import RowExplanation, explain_row, extend_lexicon
from seqblend.models.registry import entries, entry_for
from seqblend.reading.lexicon import EMPTY
from seqblend.running.project import Project
from seqblend.running.results import RunResult, finished_runs
from seqblend.running.runs import Run, Unit
from seqblend.running.units import restore_member
from seqblend.training.contract import Fitted


@dataclass(frozen=True)
class TrainedModel:
    """A finished run, with the members that were loaded so far by fold.

    new_tokens: texts that the competition's lexicon lacks; they follow it, and EMPTY follows them
    """

    project: Project
    result: RunResult
    new_tokens: tuple[str, ...] = ()
    members: dict[int, Fitted] = field(default_factory=dict)

    @property
    def lexicon(self) -> list[str]:
        """The text of every token that an explanation may hold."""
        return [*self.project.competition.view.lexicon, *self.new_tokens, EMPTY]

    def explain(self, tokens: np.ndarray, fold: int, row: int = -1) -> RowExplanation:
        """Why the member of this fold predicts what it does. tokens: int32 [t].

        row: its position among the training rows, -1 where it is none of them
        """
        lexicon, competition = self.lexicon, self.project.competition
        if fold not in self.members:
            job = self.project.job(Unit(Run.of(self.result.name, self.result.manifest), 0, fold))
            view = dataclasses.replace(competition.view, lexicon=lexicon)
            member = restore_member(job, torch.device("cpu"))
            self.members[fold] = extend_lexicon(member, view)
        truth = competition.targets[row] if row >= 0 else None
        member, task = self.members[fold], competition.task
        return explain_row(member, tokens, task, empty=len(lexicon) - 1, truth=truth)


def open_model(
    project: Project, model: str, note: Callable[[str], None], new_tokens: tuple[str, ...] = ()
) -> TrainedModel:
    """The newest finished run of the model on these data and folds.

    raises: FlagError where there is no such model, or it reads more than tokens, InputError where
        none of its runs is finished
    """
    check_model(model)
    if entry_for(model).reads_steps and project.competition.view.sequences.steps is not None:
        raise FlagError(f"--model: {model} reads real-valued steps, and explanations are of tokens")
    results = finished_runs(project.workspace, project.fingerprint, note)
    found = [r for r in results if r.model == model and r.manifest.get("units")]
    if not found:
        trained = sorted({r.model for r in results})
        raise InputError(
            f"{model} has no finished run on these data and folds, and only trained models can be "
            f"explained: ./run.sh --models {model} trains it. "
            f"Trained: {', '.join(trained) or 'none yet'}"
        )
    return TrainedModel(project, found[-1], new_tokens)


def check_model(model: str) -> None:
    """FlagError where no model, such as a group of them, has this name."""
    if model not in entries():
        raise FlagError(f"--model: no model '{model}'{suggest(model, entries(), 'Models')}")
