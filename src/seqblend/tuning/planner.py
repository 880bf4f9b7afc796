"""From a trial's values to its run and back, the cost of a search, and the name of its study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqblend.core.config import digest
from seqblend.core.console import duration
from seqblend.core.provenance import code_digest
from seqblend.core.storage import MANIFEST, read_record
from seqblend.evaluation.metrics import score
from seqblend.models.registry import entries, entry_for
from seqblend.running.budget import find_finished, make_estimator
from seqblend.running.model_runs import ModelRuns
from seqblend.running.project import Project
from seqblend.running.results import finished_runs
from seqblend.running.runs import plan_units, sources_of
from seqblend.running.search_space import SECTIONS, Space, Values
from seqblend.tuning.study import FOUND, Study

_FEW = 3.0  # complete trials; a search with fewer finds little
_MOST_WARM = 3  # warm starts


@dataclass(frozen=True)
class Planner(ModelRuns):
    """Runs of a model, and what a search over them costs."""

    def plan_lines(self, space: Space, trials: int | None, seconds: float | None) -> list[str]:
        """The cost of a complete trial and how many fit; a second line warns where these are few.

        seconds: of the search alone, None without a limit
        """
        project, run, count = self.project, self.run(space.start), self.project.folds.count
        workers, units = len(project.machine.devices), plan_units([run], 1, count)
        estimator = make_estimator(project)
        find_finished(project, units, estimator, lambda _: None)
        one = sum(map(estimator.seconds, units))
        disk = sum(map(estimator.megabytes, units))
        text = f"plan: a complete trial: {len(units)} units, about {duration(one)}, {disk:,.0f} MB"
        on = f"{workers} worker{'s' * (workers > 1)}"
        if seconds is None:
            return [f"{text}; {trials} of them {duration(trials * one / workers)} at most on {on}"]
        room = seconds * workers / one
        lines = [f"{text}; {duration(seconds)} on {on} are enough for {room:.1f} of them"]
        if room < _FEW:
            lines.append(
                "that is little: nothing can be found before the default and another trial are "
                "complete; a longer --timeout or fewer rows (--set data.rows=N) help"
            )
        return lines

    def study_name(self, space: Space) -> str:
        """`<model>-<digest>` of all that a trial's value depends on."""
        run = self.run(space.start)
        code = code_digest(sources_of(entry_for(self.model)))
        return f"{self.model}-{digest(run.name, space.to_json(), code)[:12]}"


def make_planner(project: Project, model: str, note: Callable[[str], None]) -> Planner:
    """The planner; its precision is resolved as train.py does."""
    return Planner(project, model, project.precisions(note))


def warm_starts(project: Project, model: str, space: Space) -> list[Values]:
    """The values of the best finished run of each model with the same options, best first."""
    options, found = entry_for(model).options, {}
    related = {name for name, entry in entries().items() if entry.options is options} - {model}
    rows, loss_metric = project.fold >= 0, project.competition.task.loss_metric
    for result in finished_runs(project.workspace, project.fingerprint, lambda _: None):
        if result.model not in related:
            continue
        loss = score(loss_metric, project.competition.targets[rows], result.oof[rows])
        if loss is not None and loss < found.get(result.model, (float("inf"),))[0]:
            found[result.model] = (loss, space.complete(values_of(result.manifest)))
    best = [values for _, values in sorted(found.values(), key=lambda pair: pair[0])]
    distinct = [v for i, v in enumerate(best) if v != space.start and v not in best[:i]]
    return distinct[:_MOST_WARM]


def values_of(manifest: dict[str, Any]) -> Values:
    """{"train.lr": value, ...} of a run's or a unit's manifest."""
    return {
        f"{section}.{name}": value
        for section in SECTIONS
        for name, value in (manifest.get(section) or {}).items()
    }


def rebuild_study(planner: Planner, study: Study) -> int:
    """Queue the values of a lost study that have runs on disk; returns how many there are.

    Their units are on disk, so the search repeats these trials without fitting anything.
    """
    known = []
    for role, values in study.first:
        study.study.enqueue_trial(values, user_attrs={"role": role})
        known.append(values)
    found = [values for values in _tried_values(planner, study.space) if values not in known]
    for values in found:
        study.study.enqueue_trial(values, user_attrs={"role": FOUND})
    return len(found)


def _tried_values(planner: Planner, space: Space) -> list[Values]:
    """The values of runs on disk that belong to this space, oldest first."""
    runs = planner.project.workspace.runs
    firsts = [folder / f"seed0-fold0/{MANIFEST}" for folder in runs.glob(f"{planner.model}-*")]
    tried = []
    for path in sorted(filter(Path.is_file, firsts), key=lambda path: path.stat().st_mtime):
        record = read_record(path)
        if record is None:  # damaged: it is fitted again when asked for
            continue
        values = space.complete(values_of(record))
        if planner.run(values).name == path.parents[1].name:
            tried.append(values)
    return tried
