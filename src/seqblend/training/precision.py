"""The precision that `auto` means in a working folder: resolved at first use, kept afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import torch

from seqblend.core.storage import read_record, write_record
from seqblend.models.registry import entry_for
from seqblend.training.optimisation import choose_precision


def own_precision(model: str, device: torch.device) -> str:
    """What `auto` means to a model on this device, whatever was chosen before."""
    is_low = entry_for(model).low_precision_on_cpu
    return choose_precision("auto", device, low_precision_on_cpu=is_low)


def resolve_precision(
    path: Path, models: Iterable[str], device: torch.device, note: Callable[[str], None]
) -> dict[str, str]:
    """Model name -> precision, for each model that `auto` means something to.

    path: machine.json; holds what was chosen for each type of device and kind of model
    Another choice would rename every run, so work goes on with the precision that it began with
    wherever the type of device is the same; a `note` says where this machine would choose another.
    """
    stored = read_record(path, note) or {}
    known = stored.setdefault("precision", {}).setdefault(device.type, {})
    before, resolved, kept = dict(known), {}, []
    for model in models:
        entry = entry_for(model)
        if entry.kind == "linear":
            continue
        kind = "low_precision_on_cpu" if entry.low_precision_on_cpu else "others"
        own = own_precision(model, device)
        resolved[model] = known.setdefault(kind, own)
        if resolved[model] != own:
            kept.append(f"{model} {resolved[model]} (this machine alone would take {own})")
    if known != before:
        write_record(path, stored)
    if kept:
        note(
            f"precision as {path.name} has it, so that finished work counts: {', '.join(kept)}; "
            "--set train.precision=... overrides it"
        )
    return resolved
