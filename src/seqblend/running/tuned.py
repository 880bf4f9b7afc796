"""Settings that the tuner found, in tuned/<model>.json; settings of the user override them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from seqblend.core.config import Config
from seqblend.core.errors import FlagError
from seqblend.core.storage import read_record
from seqblend.models.registry import resolve_options
from seqblend.running.runs import REMARK, with_values
from seqblend.running.workspace import Workspace


def read_tuned(
    workspace: Workspace, model: str, note: Callable[[str], None]
) -> dict[str, Any] | None:
    """The tuner's result for a model: `settings` {"train.lr": value}, `data` digest, scores, ...

    None without one. A damaged file is set aside.
    """
    return read_record(workspace.tuned(model), note)


def tuned_records(workspace: Workspace, data_digest: str) -> list[dict[str, Any]]:
    """The tuner's results of these rows, by model."""
    models = sorted(path.stem for path in workspace.tuned_models.glob("*.json"))
    found = [read_tuned(workspace, model, lambda _: None) for model in models]
    return [
        record
        for record in found
        if record and record["data"] == data_digest and record.get("table")
    ]


def apply_tuned(
    config: Config, workspace: Workspace, data_digest: str, note: Callable[[str], None]
) -> Config:
    """The configuration with what was tuned for its models, where the user has set nothing.

    note: called with what is used, and with what is left out as it was tuned on other rows
    """
    tuned = {}
    for model in config.models:
        record = read_tuned(workspace, model, note)
        if record is None or not record["settings"]:
            continue
        if record["data"] != data_digest:
            note(f"{model}: tuned on other rows than these; its defaults are used")
            continue
        values = {k: v for k, v in record["settings"].items() if not is_given(config, model, k)}
        if values and _fits(config, model, values, note):
            tuned[model] = values
            words = ", ".join(f"{key}={_format(value)}" for key, value in values.items())
            note(f"{model}: {REMARK}: {words} (--untuned leaves it out)")
    return dataclasses.replace(config, tuned=tuned)


def is_given(config: Config, model: str, name: str) -> bool:
    """Whether the user has set `train.lr`, or `options.hidden` for every model or this one."""
    section, _, key = name.partition(".")
    own = f"{model}.{key}" if section == "options" else name
    return not config.given.isdisjoint({name, own})


def _fits(config: Config, model: str, values: dict[str, Any], note: Callable[[str], None]) -> bool:
    """Whether the settings still exist and allow these values."""
    try:
        own = with_values(dataclasses.replace(config, tuned={model: values}), model)
        resolve_options(model, own.options)
    except FlagError as error:
        note(f"{model}: what was tuned does not fit any more ({error}); its defaults are used")
        return False
    return True


def _format(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
