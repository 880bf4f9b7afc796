"""Uses finished runs: warm starts from other models, and a lost study rebuilt from its runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seqblend.core.storage import MANIFEST, read_json
from seqblend.evaluation.metrics import score
from seqblend.models.registry import entries, entry_for
from seqblend.running.project import Project
from seqblend.running.results import finished_runs
from seqblend.tuning.planner import Planner
from seqblend.tuning.space import SECTIONS, Space, Values
from seqblend.tuning.study import FOUND, Study

_MAX = 3  # number of warm starts


def warm_starts(project: Project, model: str, space: Space) -> list[Values]:
    """The values of the best finished run of each model with the same options, best first."""
    options, found = entry_for(model).options, {}
    related = {name for name, entry in entries().items() if entry.options is options} - {model}
    rows = project.fold >= 0
    for result in finished_runs(project.workspace, project.fingerprint, lambda _: None):
        if result.model not in related:
            continue
        loss = score("log_loss", project.competition.labels[rows], result.oof[rows])
        if loss is not None and loss < found.get(result.model, (float("inf"),))[0]:
            found[result.model] = (loss, space.complete(values_of(result.manifest)))
    best = [values for _, values in sorted(found.values(), key=lambda pair: pair[0])]
    distinct = [v for i, v in enumerate(best) if v != space.start and v not in best[:i]]
    return distinct[:_MAX]


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
    runs = planner.project.workspace.root / "runs"
    firsts = [folder / f"seed0-fold0/{MANIFEST}" for folder in runs.glob(f"{planner.model}-*")]
    tried = []
    for path in sorted(filter(Path.is_file, firsts), key=lambda path: path.stat().st_mtime):
        try:
            values = space.complete(values_of(read_json(path)))
        except (ValueError, AttributeError):  # damaged: it is fitted again when asked for
            continue
        if planner.run(values).name == path.parents[1].name:
            tried.append(values)
    return tried
