"""What each part of training is worth: units whose runs differ in one setting, over seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from seqblend.config import configure, parse_assignments
from seqblend.errors import FlagError, suggest
from seqblend.models.registry import entries
from seqblend.project import Project
from seqblend.running.runs import Run, Unit, plan_runs

AS_IS = "as it is"
VARIANTS = {
    AS_IS: "",
    "last weights, no average": "train.average=false",
    "average: half-life 0.02": "train.half_life=0.02",
    "average: half-life 0.3": "train.half_life=0.3",
    "no word dropout": "options.word_dropout=0",
    "embedding dropout 0.2": "options.embedding_dropout=0.2",
    "element-wise embedding dropout": "options.embedding_dropout_kind=element",
    "dropout 0.2": "options.dropout=0.2",
    "no label smoothing": "train.label_smoothing=0",
    "cosine, 8 epochs": "train.schedule=cosine train.epochs=8",
    "one cycle, 8 epochs": "train.schedule=one_cycle train.epochs=8",
    "64 steps an epoch": "train.steps_per_epoch=64",
    "256 steps an epoch": "train.steps_per_epoch=256",
    "rate 2e-3": "train.lr=2e-3",
    "pooling: last": "options.pooling=last",
    "pooling: mean": "options.pooling=mean",
    "pooling: max": "options.pooling=max",
    "pooling: attention+max": "options.pooling=attention+max",
    "pooling: attention+mean+max": "options.pooling=attention+mean+max",
    "recurrent weights: xavier": "options.recurrent_init=xavier",
    "forget bias 0": "options.forget_bias=0",
    "random embedding": "embedding.path=none",
    "embedding frozen at first": "embedding.mode=thaw",
    "embedding frozen": "embedding.mode=frozen",
    "200 tokens: both ends": "vocabulary.max_len=200",
    "200 tokens: head": "vocabulary.max_len=200 vocabulary.truncate=head",
    "200 tokens: tail": "vocabulary.max_len=200 vocabulary.truncate=tail",
    "epochs by the plain loss": "train.calibrate=false",
    "patience 1": "train.patience=1",
    "patience 4": "train.patience=4",
}
COLUMNS = ["variant", "log loss", "less is better", "accuracy", "more is better", "epochs"]


def plan_variants(
    project: Project, model: str, variants: list[str], settled: dict[str, str]
) -> dict[str, Run]:
    """Each variant's run, AS_IS the first. settled: model -> precision.

    raises: FlagError for a variant that is not known or that the model has no option for
    """
    runs = {}
    for name in dict.fromkeys([AS_IS, *variants]):
        if name not in VARIANTS:
            raise FlagError(f"no variant '{name}'{suggest(name, VARIANTS, 'Variants')}")
        runs[name] = _plan_run(project, model, VARIANTS[name].split(), settled)
    return runs


def _plan_run(project: Project, model: str, settings: list[str], settled: dict[str, str]) -> Run:
    """The run of a model with settings as --set takes them."""
    base = dataclasses.replace(project.config, models=(model,))
    config = configure(base, parse_assignments(settings), list(entries()))
    use = project.embedding.use if config.embedding.path != "none" else None
    if use:
        use = dataclasses.replace(use, mode=config.embedding.mode)
    ledger, device = project.ledger, torch.device(project.machine.devices[0])
    return plan_runs(
        config, ledger.data, ledger.folds, device, settled=settled, embedding=use
    )[0]  # fmt: skip


def table_of(
    runs: dict[str, Run], seeds: int, done: Mapping[Unit, dict[str, Any]]
) -> list[list[str]]:
    """A row a variant: means over seeds of its scores on fold 0, and the differences to AS_IS.

    done: the manifests of units; the epochs were chosen by pilots, which never see fold 0's rows.
    A variant of which a seed is missing has no row.
    """
    rows = []
    for variant, run in runs.items():
        units = [[Unit(one, seed, 0) for seed in range(seeds)] for one in (run, runs[AS_IS])]
        if not all(unit in done for side in units for unit in side):
            continue
        cells = [variant]
        for score, scale, digits in (("log_loss", 1, 4), ("accuracy", 100, 2)):
            own, base = (
                np.array([done[unit]["scores"][score] for unit in side]) * scale for side in units
            )
            cells += [f"{own.mean():.{digits}f}", _span(own - base, digits)]
        epochs = np.mean([done[unit]["epochs"] for unit in units[0]])
        rows.append([*cells, f"{epochs:.1f}"])
    return rows


def _span(gains: np.ndarray, digits: int) -> str:
    """`mean (least..most)` with signs; empty where nothing differs."""
    if not gains.any():
        return ""
    mean, least, most = (f"{x:+.{digits}f}" for x in (gains.mean(), gains.min(), gains.max()))
    return f"{mean} ({least}..{most})"
