"""From a trial's values to the run that has them, and what names a study."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch

from seqblend.core.config import digest
from seqblend.core.console import duration
from seqblend.core.provenance import code_digest
from seqblend.models.registry import entry_for
from seqblend.running.budget import Estimator
from seqblend.running.project import Project
from seqblend.running.runs import Run, plan_runs, plan_units, sources_of
from seqblend.running.tuned import is_given
from seqblend.training.precision import resolve_precision
from seqblend.tuning.space import SECTIONS, Space, Values, make_space

_FEW = 3.0  # whole trials; with less room a search finds little


@dataclass(frozen=True)
class Planner:
    """From values to runs, for one model of a project. resolved: its precision, where `auto`."""

    project: Project
    model: str
    resolved: dict[str, str]

    def run(self, values: Values) -> Run:
        """The run with these values; the very one that the whole way makes with them."""
        project = self.project
        config = dataclasses.replace(
            project.config, models=(self.model,), tuned={self.model: values}
        )
        return plan_runs(
            config, project.fingerprint.data, project.fingerprint.folds,
            torch.device(project.machine.devices[0]), resolved=self.resolved,
            embedding=project.embedding.use,
        )[0]  # fmt: skip

    def space(self, vary: str) -> Space:
        """What is searched; what the user has set stays, and the width that given vectors have."""
        config, entry = self.project.config, entry_for(self.model)
        every = make_space(config, self.model, ",".join(SECTIONS))
        fixed = {k.name for k in every.knobs if is_given(config, self.model, k.name)}
        is_wide = self.project.embedding.use and entry.kind == "module" and entry.takes_vectors
        return make_space(config, self.model, vary, fixed, width=not is_wide)

    def foresee(self, space: Space, trials: int | None, seconds: float | None) -> list[str]:
        """What lies ahead: the cost of a whole trial and how many there will be; a warning, or not.

        seconds: of the search alone, None without a limit
        """
        project, run, count = self.project, self.run(space.start), self.project.folds.count
        workers, estimator = len(project.machine.devices), Estimator.of(project.competition, count)
        units = plan_units([run], 1, count)
        one = sum(map(estimator.seconds, units))
        disk = sum(map(estimator.megabytes, units))
        text = (
            f"plan: a whole trial has {len(units)} units, about {duration(one)} and {disk:,.0f} MB"
        )
        on = f"{workers} worker{'s' * (workers > 1)}"
        if seconds is None:
            return [f"{text}; {trials} of them {duration(trials * one / workers)} at most on {on}"]
        room = seconds * workers / one
        lines = [f"{text}; {duration(seconds)} on {on} have room for {room:.1f} of them"]
        if room < _FEW:
            lines.append(
                "that is little: the default and one more have to be whole before anything can be "
                "found; a longer --timeout or fewer rows (--set data.rows=N) help"
            )
        return lines

    def study_name(self, space: Space) -> str:
        """`<model>-<digest>` of all that a trial's value depends on."""
        run = self.run(space.start)
        code = code_digest(sources_of(entry_for(self.model)))
        return f"{self.model}-{digest(run.name, space.described(), code)[:12]}"


def make_planner(project: Project, model: str, note: Callable[[str], None]) -> Planner:
    """The planner; its precision is resolved as for the whole way."""
    resolved = {}
    if project.config.train.precision == "auto":
        device = torch.device(project.machine.devices[0])
        resolved = resolve_precision(project.workspace.machine, (model,), device, note)
    return Planner(project, model, resolved)
