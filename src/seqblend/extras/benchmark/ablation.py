"""Ablation: runs that differ from the default in one setting, compared seed by seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from seqblend.core.config import configure, parse_assignments
from seqblend.models.registry import entries
from seqblend.running.project import Project
from seqblend.running.runs import Run, Unit, plan_runs

DEFAULT = "default"
VARIANTS = (  # settings as --set takes them, with spaces between
    "train.average=false",
    "options.word_dropout=0",
    "options.dropout=0.2",
    "train.label_smoothing=0",
    "train.schedule=cosine train.epochs=8",
    "train.steps_per_epoch=64",
    "train.steps_per_epoch=256",
    "train.lr=2e-3",
    "options.pooling=last",
    "options.pooling=max",
    "options.recurrent_init=xavier",
    "embedding.path=none",
    "embedding.mode=frozen",
    "vocabulary.max_len=200",
    "train.calibrate=false",
)
COLUMNS = ["variant", "loss", "diff", "min", "max", "acc %", "diff", "min", "max", "epochs"]
SHOWN = [0, 1, 2, 3, 4, 5, 9]  # columns that fit 80 characters; a CSV file has all of them


def plan_variants(
    project: Project, model: str, variants: list[str], precisions: dict[str, str]
) -> dict[str, Run]:
    """Each variant's run, DEFAULT the first. precisions: by model.

    raises: FlagError for a setting that is not known or that the model has no option for
    """
    return {
        name: _plan_run(project, model, [] if name == DEFAULT else name.split(), precisions)
        for name in dict.fromkeys([DEFAULT, *variants])
    }


def _plan_run(project: Project, model: str, settings: list[str], precisions: dict[str, str]) -> Run:
    """The run of a model with settings as --set takes them."""
    base = dataclasses.replace(project.config, models=(model,))
    config = configure(base, parse_assignments(settings), list(entries()))
    use = project.embedding.use if config.embedding.path != "none" else None
    if use:
        use = dataclasses.replace(use, mode=config.embedding.mode)
    fingerprint, device = project.fingerprint, torch.device(project.machine.devices[0])
    data, folds = fingerprint.data, fingerprint.folds
    return plan_runs(config, data, folds, device, resolved=precisions, embedding=use)[0]


def tabulate_variants(
    runs: dict[str, Run], seeds: int, done: Mapping[Unit, dict[str, Any]]
) -> list[list[str]]:
    """A row per variant: its scores on fold 0, means over seeds, and the differences to DEFAULT.

    done: the manifests of units; the epochs were chosen by pilots, which never see fold 0's rows.
    Differences are taken between fits of the same seed: mean, least and most, empty where nothing
    differs. A variant of which a seed is missing has no row.
    """
    rows = []
    for name, run in runs.items():
        units, base = ([Unit(r, s, 0) for s in range(seeds)] for r in (run, runs[DEFAULT]))
        if not all(unit in done for unit in (*units, *base)):
            continue
        cells = [name]
        for score, scale, digits in (("log_loss", 1, 4), ("accuracy", 100, 2)):
            own, other = (
                np.array([done[unit]["scores"][score] for unit in side]) * scale
                for side in (units, base)
            )
            cells += [f"{own.mean():.{digits}f}", *_describe(own - other, digits)]
        rows.append([*cells, f"{np.mean([done[unit]['epochs'] for unit in units]):.1f}"])
    return rows


def _describe(gains: np.ndarray, digits: int) -> list[str]:
    """Mean, least and most, with signs; empty cells where nothing differs."""
    if not gains.any():
        return [""] * 3
    return [f"{x:+.{digits}f}" for x in (gains.mean(), gains.min(), gains.max())]
