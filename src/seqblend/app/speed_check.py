"""How fast this machine trains, all workers at once, against what plans begin with."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch

from seqblend.app.machine_checks import OK, WARNING, MachineCheck
from seqblend.extras.benchmark import LONGEST, measure
from seqblend.models.registry import entry_for
from seqblend.running.budget import PRICES
from seqblend.training.devices import Machine
from seqblend.training.precision import own_precision

_SLOW = 0.5  # of the speed that plans begin with
_ROWS, _SECONDS = 512, 8.0


def check_speed(machine: Machine, note: Callable[[str], None]) -> MachineCheck:
    """Train on every worker at once, about 20 seconds, and compare with what plans begin with."""
    device = torch.device(machine.devices[0])
    precision = own_precision("bilstm", device)
    count = len(machine.devices)
    note(f"training a BiLSTM on rows of up to {LONGEST} tokens, {count} at once, for some seconds")
    values = [(f"seqblend bilstm, {precision}", name, _ROWS, _SECONDS) for name in machine.devices]
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        rates = [timing.rate for timing in pool.map(measure, *zip(*values, strict=True))]
    rate, expected = min(rates), 1 / (PRICES["module"] * entry_for("bilstm").cost)
    text = (
        f"{rate / 1e3:,.0f} thousand tokens per second and worker; plans begin with "
        f"{expected / 1e3:,.0f} thousand, until units are done"
    )
    if rate < _SLOW * expected:
        return MachineCheck(WARNING, "speed", text, "Is something else running here? Expect longer")
    return MachineCheck(OK, "speed", text)
