"""What is compared, and one measurement of it: the module that each child process runs.

python -m seqblend.benchmark.variants NAME ROWS SECONDS      # one JSON object on standard output
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from seqblend.benchmark import ours, peers, scratch
from seqblend.benchmark.timing import Timing
from seqblend.benchmark.workload import make_workload
from seqblend.devices import settle_device
from seqblend.training.contract import Labelled
from seqblend.training.optimise import has_fast_bfloat16


@dataclass(frozen=True)
class Variant:
    """One way to do a task. The first variant of a task is the one the others are compared with.

    measure: takes the rows and the seconds to spend
    is_peer: runs with the system's allocator as it is
    """

    name: str
    task: str
    label: str
    measure: Callable[[Labelled, float], Timing]
    is_peer: bool = False


TRAINING, INFERENCE = "training", "inference"
SCRATCH_STEP, SCRATCH_FORWARD = "LSTM training step", "LSTM forward"
BASELINES = {  # what the first variant of each task is
    TRAINING: "the tutorial loop",
    INFERENCE: "the tutorial loop",
    SCRATCH_STEP: "torch",
    SCRATCH_FORWARD: "torch",
}


def make_variants() -> list[Variant]:
    """All variants that this processor has kernels for, in the order they run and are shown.

    What matters most stands beside its baseline: neighbours in time see the same load.
    """
    fixed = partial(peers.time_training, collate=peers.collate_fixed)
    dynamic = partial(peers.time_training, collate=peers.collate_dynamic)
    packed = partial(dynamic, is_packed=True)
    precisions = ["float32", "bfloat16"] if has_fast_bfloat16() else ["float32"]
    infer = partial(ours.time_inference, model="bilstm", precision=precisions[-1])
    return [
        Variant("tutorial", TRAINING, "tutorial loop, padded to 400", fixed, is_peer=True),
        *(_our_training("bilstm", precision) for precision in reversed(precisions)),
        _our_training("bigru", "float32"),
        Variant("dynamic", TRAINING, "dynamic padding", dynamic, is_peer=True),
        Variant("packed", TRAINING, "dynamic padding, packed", packed, is_peer=True),
        Variant(
            "tutorial_inference", INFERENCE, "tutorial loop, padded to 400",
            peers.time_inference, is_peer=True,
        ),
        Variant("bilstm_inference", INFERENCE, f"seqblend bilstm, {precisions[-1]}", infer),
        Variant("torch_step", SCRATCH_STEP, "torch", scratch.time_torch_step),
        Variant("numpy_step", SCRATCH_STEP, "NumPy from scratch", scratch.time_numpy_step),
        Variant("torch_forward", SCRATCH_FORWARD, "torch", scratch.time_torch_forward),
        Variant("numpy_forward", SCRATCH_FORWARD, "NumPy from scratch", scratch.time_numpy_forward),
    ]  # fmt: skip


def _our_training(model: str, precision: str) -> Variant:
    """A registered model under our own training."""
    train = partial(ours.time_training, model=model, precision=precision)
    return Variant(f"{model}_{precision}", TRAINING, f"seqblend {model}, {precision}", train)


def measure(name: str, rows: int, seconds: float) -> Timing:
    """Measure one variant in this process, on one thread."""
    settle_device(torch.device("cpu"))
    torch.manual_seed(0)
    variants = {variant.name: variant for variant in make_variants()}
    return variants[name].measure(make_workload(rows), seconds)


if __name__ == "__main__":
    timing = measure(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
    sys.stdout.write(json.dumps(dataclasses.asdict(timing)) + "\n")
