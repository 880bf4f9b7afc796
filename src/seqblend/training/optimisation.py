"""The training step's parts: warm-up, averaged weights, precision, optimiser, loss."""

from __future__ import annotations

import contextlib
import copy
import inspect
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seqblend.core.config import TrainConfig
from seqblend.core.errors import FlagError

PRECISIONS = ("float32", "bfloat16", "float16")


def learning_rate_at(step: int, config: TrainConfig) -> float:
    """The learning rate of a step, which rises over the warm-up and then stays."""
    return config.lr * min((step + 1) / max(config.warmup, 1), 1.0)


class AveragedWeights:
    """A running average of a model's weights whose memory is a share of the run so far.

    Polynomial-decay averaging (Shamir & Zhang 2013): weights older than the last `half_life` of
    the steps hold half of the mass. No bias to correct and no run length to know, so that every
    epoch is a finished model and the same epoch means the same in every fold. A `half_life` of 0
    keeps the last weights alone.
    """

    def __init__(self, model: nn.Module, half_life: float) -> None:
        self.model = copy.deepcopy(model).eval()
        self._power = math.log(0.5) / math.log1p(-half_life) if half_life else math.inf
        self._steps = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take the model's weights of one more step into the average."""
        self._steps += 1
        share = 1 / (1 + (self._steps - 1) / self._power)
        pairs = zip(self.model.parameters(), model.parameters(), strict=True)
        moving = [(own, new) for own, new in pairs if new.requires_grad]
        torch._foreach_lerp_([own for own, _ in moving], [new for _, new in moving], share)
        for mine, theirs in zip(self.model.buffers(), model.buffers(), strict=True):
            mine.copy_(theirs)

    def norm(self) -> Tensor:
        """float32 []: the norm of the average, finite only where every step's weights were."""
        return torch.stack(torch._foreach_norm(list(self.model.parameters()))).norm().detach()

    def state_dict(self) -> dict[str, Any]:
        """The average and how many steps are in it."""
        return {"model": self.model.state_dict(), "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to what state_dict gave."""
        self.model.load_state_dict(state["model"])
        self._steps = state["steps"]


def choose_precision(wanted: str, device: torch.device, *, low_precision_on_cpu: bool) -> str:
    """float32, bfloat16 or float16, by the processor's features and never by timing."""
    if wanted != "auto":
        if wanted not in PRECISIONS:
            raise FlagError(
                f"train.precision expects auto, float32, bfloat16 or float16, got '{wanted}'"
            )
        if wanted == "float16" and device.type == "cpu":
            raise FlagError("train.precision=float16 needs a GPU: take bfloat16 or float32")
        return wanted
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability(device)[0] >= 8 else "float16"
    return "bfloat16" if low_precision_on_cpu and has_fast_bfloat16() else "float32"


def has_fast_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware (AVX-512 BF16 or AMX)."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager:
    """Automatic mixed precision, or nothing for float32."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=getattr(torch, precision))


class _AdamW(torch.optim.AdamW):
    """torch's AdamW without the wrappers that import torch's compiler (1.3 s, 74 MB a process)."""

    add_param_group = inspect.unwrap(torch.optim.AdamW.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.AdamW.zero_grad)
    state_dict = inspect.unwrap(torch.optim.AdamW.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.AdamW.load_state_dict)
    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


def make_optimiser(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Fused AdamW; weight decay on matrices only (embeddings, biases and gains go free)."""
    kinds = (nn.Embedding, nn.EmbeddingBag)
    tables = {id(m.weight) for m in model.modules() if isinstance(m, kinds)}
    weights = list(model.parameters())
    free = [p for p in weights if p.ndim < 2 or id(p) in tables]
    decayed = [p for p in weights if p.ndim >= 2 and id(p) not in tables]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    return _AdamW(groups, lr=config.lr, fused=True)
