"""What the tuner found for a model: kept as tuned/<model>.json, used below the user's settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import torch

from seqblend.core.config import Config, configure
from seqblend.core.errors import FlagError
from seqblend.core.storage import read_json, set_aside, write_json
from seqblend.embeddings.vectors import EmbeddingUse
from seqblend.models.registry import entries, resolve_options
from seqblend.running.results import DataFingerprint
from seqblend.running.runs import Run, plan_runs
from seqblend.running.workspace import Workspace

REMARK = "tuned on these rows"


def write_tuned(workspace: Workspace, model: str, record: dict[str, Any]) -> None:
    """Keep a tuner's result: `settings` {"train.lr": value}, `data` digest, scores, ..."""
    write_json(workspace.tuned(model), record)


def read_tuned(
    workspace: Workspace, model: str, note: Callable[[str], None]
) -> dict[str, Any] | None:
    """The tuner's result for a model; None without one. A damaged file is set aside."""
    path = workspace.tuned(model)
    if not path.is_file():
        return None
    try:
        record = read_json(path)
        if isinstance(record["settings"], dict) and isinstance(record["data"], str):
            return record
    except (ValueError, KeyError, TypeError):
        pass
    set_aside(path)
    note(f"{path.name}: no tuner's result that can be read; set aside")
    return None


def tuned_records(workspace: Workspace, fingerprint: DataFingerprint) -> list[dict[str, Any]]:
    """The tuner's results of these rows, by model."""
    models = sorted(path.stem for path in workspace.tuned("x").parent.glob("*.json"))
    found = [read_tuned(workspace, model, lambda _: None) for model in models]
    return [
        record
        for record in found
        if record and record["data"] == fingerprint.data and record.get("table")
    ]


def apply_tuned(
    config: Config, workspace: Workspace, fingerprint: DataFingerprint, models: Iterable[str],
    note: Callable[[str], None],
) -> Config:  # fmt: skip
    """The configuration with what was tuned for these models; the user's own settings stand above.

    `note` is told what is used, and what is left out because it was tuned on other rows.
    """
    tuned = {}
    for model in models:
        record = read_tuned(workspace, model, note)
        if record is None or not record["settings"]:
            continue
        if record["data"] != fingerprint.data:
            note(f"{model}: tuned on other rows than these; its defaults are used")
            continue
        values = {k: v for k, v in record["settings"].items() if not is_given(config, model, k)}
        if values and _fits(config, model, values, note):
            tuned[model] = values
            words = ", ".join(f"{key}={_short(value)}" for key, value in values.items())
            note(f"{model}: {REMARK}: {words} (--untuned leaves it out)")
    return dataclasses.replace(config, tuned=tuned)


def is_given(config: Config, model: str, name: str) -> bool:
    """Whether the user has set `train.lr`, or `options.hidden` for every model or this one."""
    section, _, key = name.partition(".")
    own = f"{model}.{key}" if section == "options" else name
    return not config.given.isdisjoint({name, own})


def plan_tuned_runs(
    config: Config, data_digest: str, folds_digest: str, device: torch.device, *,
    resolved: dict[str, str] | None = None, embedding: EmbeddingUse | None = None,
) -> list[Run]:  # fmt: skip
    """plan_runs, each model with what was tuned for it."""
    runs = []
    for model in config.models:
        own = with_values(dataclasses.replace(config, models=(model,)), model)
        use = embedding
        if use and model in config.tuned:
            use = dataclasses.replace(use, mode=own.embedding.mode)
        runs += plan_runs(own, data_digest, folds_digest, device, resolved=resolved, embedding=use)
    return sorted(runs, key=lambda run: run.kind != "linear")


def remark_of(run: Run, config: Config) -> str:
    """REMARK where the run's settings were tuned, or those of fits that gave it pseudo-labels."""
    return REMARK if run.model in config.tuned or (run.pseudo and config.tuned) else ""


def with_values(config: Config, model: str) -> Config:
    """The configuration with the model's tuned values put in."""
    settings: dict[str, dict[str, Any]] = {}
    for name, value in config.tuned.get(model, {}).items():
        section, _, key = name.partition(".")
        settings.setdefault(model if section == "options" else section, {})[key] = value
    return configure(config, settings, entries()) if settings else config


def _fits(config: Config, model: str, values: dict[str, Any], note: Callable[[str], None]) -> bool:
    """Whether the settings still exist and allow these values."""
    try:
        own = with_values(dataclasses.replace(config, tuned={model: values}), model)
        resolve_options(model, own.options)
    except FlagError as error:
        note(f"{model}: what was tuned does not fit any more ({error}); its defaults are used")
        return False
    return True


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
