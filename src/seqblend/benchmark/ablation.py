"""What each part of training is worth: fits that differ in one setting, over several seeds."""

from __future__ import annotations

import dataclasses
import functools
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqblend.config import configure, parse_assignments
from seqblend.contract import Labelled
from seqblend.dataset import load_competition
from seqblend.errors import FlagError, suggest
from seqblend.members import fit_member
from seqblend.metrics import summarise
from seqblend.models.registry import entries
from seqblend.project import Project
from seqblend.runs import Run, plan_runs
from seqblend.sequences import Competition
from seqblend.store import read_array, read_json, write_json
from seqblend.units import make_context

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
    "label smoothing 0.1": "train.label_smoothing=0.1",
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
    "patience 1": "train.patience=1",
    "patience 4": "train.patience=4",
}
COLUMNS = ["variant", "log loss", "less is better", "accuracy", "more is better", "epochs"]
_CHOOSES, _SCORES = 1, 0  # the fold that chooses the epoch, and the one that scores it
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Trial:
    """One fit: a variant's run with a seed."""

    variant: str
    run: Run
    seed: int


def plan_trials(project: Project, model: str, variants: list[str], seeds: int) -> list[Trial]:
    """Every variant with every seed, a seed whole before the next begins; AS_IS is among them.

    raises: FlagError for a variant that is not known or that the model has no option for
    """
    runs = {}
    for name in dict.fromkeys([AS_IS, *variants]):
        if name not in VARIANTS:
            raise FlagError(f"no variant '{name}'{suggest(name, VARIANTS, 'Variants')}")
        runs[name] = _plan_run(project, model, VARIANTS[name].split())
    return [Trial(name, run, seed) for seed in range(seeds) for name, run in runs.items()]


def _plan_run(project: Project, model: str, settings: list[str]) -> Run:
    """The run of a model with settings as --set takes them; its best epoch is what it keeps."""
    assigned = parse_assignments([*settings, "train.early_stopping=true"])
    base = dataclasses.replace(project.config, models=(model,))
    config = configure(base, assigned, list(entries()))
    use = project.embedding.use if config.embedding.path != "none" else None
    if use:
        use = dataclasses.replace(use, mode=config.embedding.mode)
    ledger = project.ledger
    return plan_runs(config, ledger.data, ledger.folds, _CPU, embedding=use)[0]


def run_trials(project: Project, trials: list[Trial]) -> Iterator[tuple[Trial, dict[str, Any]]]:
    """(trial, scores) as they are finished, one process a core; finished ones are on disk.

    raises: FlagError with fewer than three folds
    """
    if project.folds.count < 3:
        raise FlagError("an ablation needs three folds: to train, to choose the epoch, to score")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(project.machine.devices), spawn) as pool:
        waiting = {}
        for trial in trials:
            file = project.store.root / "ablation" / f"{trial.run.name}-seed{trial.seed}.json"
            if file.exists():
                yield trial, read_json(file)
            else:
                waiting[pool.submit(fit_trial, trial, project.store.data, project.ledger.folds)] = (
                    trial, file,
                )  # fmt: skip
        for done in as_completed(waiting):
            trial, file = waiting[done]
            file.parent.mkdir(exist_ok=True)
            write_json(file, done.result())
            yield trial, done.result()


def fit_trial(trial: Trial, data: Path, folds: str) -> dict[str, Any]:
    """Fit on all folds but two; one of these chooses the epoch, the other gives the scores.

    data: the competition's folder below working/; folds: the digest of its folds
    """
    torch.set_num_threads(1)
    began = time.perf_counter()
    competition, fold = _load(data, folds)

    def part(rows: np.ndarray) -> Labelled:
        return Labelled(competition.train.take(rows), competition.labels[rows])

    context = make_context(
        trial.run, competition, data, seed=trial.seed, place=_SCORES,
        epochs=trial.run.train.epochs, device=_CPU, report=lambda _: None,
    )  # fmt: skip
    train = np.flatnonzero((fold != _CHOOSES) & (fold != _SCORES))
    member = fit_member(part(train), part(np.flatnonzero(fold == _CHOOSES)), context)
    rows = np.flatnonzero(fold == _SCORES)
    scores = summarise(competition.labels[rows], member.predict(competition.train.take(rows)))
    losses = member.facts.history["valid_loss"]
    kept = {name: scores[name] for name in ("log_loss", "accuracy")}
    return kept | {"epoch": 1 + int(np.argmin(losses)), "seconds": time.perf_counter() - began}


@functools.lru_cache(maxsize=1)
def _load(data: Path, folds: str) -> tuple[Competition, np.ndarray]:
    """The competition and its folds: int64 [n]; read once a process."""
    return load_competition(data), read_array(data / f"folds-{folds}.npy")


def table_rows(results: dict[tuple[str, int], dict[str, Any]]) -> list[list[str]]:
    """A row a variant: means over seeds, and the differences to AS_IS with the same seed."""
    seeds = sorted({seed for _, seed in results})
    rows = []
    for variant in dict.fromkeys(name for name, _ in results):
        cells = [variant]
        for score, scale, digits in (("log_loss", 1, 4), ("accuracy", 100, 2)):
            own = np.array([results[variant, seed][score] for seed in seeds]) * scale
            base = np.array([results[AS_IS, seed][score] for seed in seeds]) * scale
            cells += [f"{own.mean():.{digits}f}", _span(own - base, digits)]
        epochs = np.mean([results[variant, seed]["epoch"] for seed in seeds])
        rows.append([*cells, f"{epochs:.1f}"])
    return rows


def _span(gains: np.ndarray, digits: int) -> str:
    """`mean (least..most)` with signs; empty where nothing differs."""
    if not gains.any():
        return ""
    mean, least, most = (f"{x:+.{digits}f}" for x in (gains.mean(), gains.min(), gains.max()))
    return f"{mean} ({least}..{most})"
