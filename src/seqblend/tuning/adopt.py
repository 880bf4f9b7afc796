"""What finished runs know already: a lost study begun anew, and warm starts from other models."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState, create_trial

from seqblend.metrics import score
from seqblend.models.registry import entry_for
from seqblend.project import Project
from seqblend.results import finished_runs
from seqblend.runs import PILOT, Run, Unit
from seqblend.store import MANIFEST, read_finished, read_json
from seqblend.tuning.course import unit_losses
from seqblend.tuning.planner import Planner
from seqblend.tuning.shards import shard_means
from seqblend.tuning.space import Space, Values
from seqblend.tuning.study import AGAIN, FOUND, Study

_MOST = 3  # warm starts


def warm_starts(project: Project, model: str, space: Space) -> list[Values]:
    """The values of the best finished run of each model with the same options, best first."""
    options, found = entry_for(model).options, {}
    rows = project.fold >= 0
    for result in finished_runs(project.store, project.ledger, lambda _: None):
        if result.model == model or entry_for(result.model).options is not options:
            continue
        loss = score("log_loss", project.competition.labels[rows], result.oof[rows])
        if loss is not None and loss < found.get(result.model, (float("inf"),))[0]:
            found[result.model] = (loss, space.complete(values_of(result.manifest)))
    best = [values for _, values in sorted(found.values(), key=lambda pair: pair[0])]
    distinct = [v for i, v in enumerate(best) if v != space.start and v not in best[:i]]
    return distinct[:_MOST]


def values_of(manifest: dict[str, Any]) -> Values:
    """{"train.lr": value, ...} of a run's or a unit's manifest."""
    sections = ("options", "train", "vocabulary", "embedding")
    return {
        f"{section}.{name}": value
        for section in sections
        for name, value in (manifest.get(section) or {}).items()
    }


@dataclasses.dataclass(frozen=True)
class _Found:
    """Units of a run that lies on disk, as far as they are finished without a gap."""

    run: Run
    values: Values
    manifests: list[dict[str, Any]]


def rebuild(planner: Planner, study: Study) -> int:
    """Put the finished runs of this space into a study that lost them; returns how many.

    Whole runs become trials again; of others the values are queued, and their folds count.
    """
    project, count = planner.project, planner.project.folds.count
    for role, values in study.first:
        seed = 1 if role == AGAIN else 0
        units = _finished_units(project, planner.run(values), seed)
        if len(units) == count:
            _add(planner, study, role, _Found(planner.run(values), values, units), seed)
        else:
            study.study.enqueue_trial(values, user_attrs={"role": role})
    known = {planner.run(values).name for _, values in study.first}
    found = [f for f in _runs_of(planner, study.space) if f.run.name not in known]
    for item in found:
        if len(item.manifests) == count:
            _add(planner, study, FOUND, item, 0)
        else:
            study.study.enqueue_trial(item.values, user_attrs={"role": FOUND})
    return len(study.finished)


def _runs_of(planner: Planner, space: Space) -> list[_Found]:
    """Runs on disk that values of this space make, oldest first."""
    runs = planner.project.store.root / "runs"
    found = []
    firsts = [folder / f"seed0-fold0/{MANIFEST}" for folder in runs.glob(f"{planner.model}-*")]
    for path in sorted(filter(Path.is_file, firsts), key=lambda path: path.stat().st_mtime):
        try:
            values = space.complete(values_of(read_json(path)))
        except (ValueError, AttributeError):  # damaged: it is made again where it is asked for
            continue
        run = planner.run(values)
        if run.name == path.parents[1].name:
            found.append(_Found(run, values, _finished_units(planner.project, run, 0)))
    return found


def _finished_units(project: Project, run: Run, seed: int) -> list[dict[str, Any]]:
    """The manifests of fold 0, 1, ... up to the first that is missing."""
    manifests = []
    for fold in range(project.folds.count):
        folder = project.job(Unit(run, seed, fold)).folder
        manifest = read_finished(folder, lambda _: None)
        if manifest is None:
            break
        manifests.append(manifest)
    return manifests


def _add(planner: Planner, study: Study, role: str, found: _Found, seed: int) -> None:
    """A finished trial out of a run's units."""
    project, manifests = planner.project, found.manifests
    losses = [m["scores"]["log_loss"] for m in manifests]
    shards = [
        shard_means(unit_losses(project, Unit(found.run, seed, fold)), fold).tolist()
        for fold in range(len(manifests))
    ]
    scores = [m["scores"].get(project.competition.metric) for m in manifests]
    facts = {
        "role": role, "run": found.run.name, "losses": losses, "shards": shards,
        "metric": None if None in scores else sum(scores) / len(scores),
        "fold_seconds": [m["seconds"] for m in manifests], "pilot_seconds": 0.0,
        "seconds": sum(m["seconds"] for m in manifests), "units": len(manifests),
    }  # fmt: skip
    epochs: dict[int, float] = {}
    if found.run.has_pilot:
        folder = project.job(Unit(found.run, 0, PILOT)).folder
        history = read_json(folder / "history.json")
        epochs = {int(e): v for e, v in zip(history["epoch"], history["valid_loss"], strict=True)}
        facts |= {"pilot": min(epochs.values()), "epochs": manifests[0]["epochs"]}
    distributions: dict[str, optuna.distributions.BaseDistribution] = study.space.distributions()
    study.study.add_trial(
        create_trial(
            state=TrialState.COMPLETE, value=sum(losses) / len(losses), params=found.values,
            distributions=distributions, user_attrs=facts, intermediate_values=epochs,
        )
    )  # fmt: skip
