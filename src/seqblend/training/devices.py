"""Devices: chosen once, after a real forward and backward pass worked on them."""

from __future__ import annotations

import platform
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Machine:
    """One device per worker, and why a device that seemed to be there is not used."""

    devices: tuple[str, ...]
    note: str = ""


def find_devices(workers: int, cores: int) -> Machine:
    """`workers` devices (0: one per GPU, or per core): every usable GPU, else the CPU."""
    if not torch.cuda.is_available():
        return Machine(("cpu",) * (workers or cores))
    names = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    reasons = {name: why_unusable(torch.device(name)) for name in names}
    usable = [name for name, why in reasons.items() if not why]
    if usable:
        count = workers or len(usable)
        return Machine(tuple(usable[i % len(usable)] for i in range(count)))
    why = next(iter(reasons.values()))
    return Machine(("cpu",) * (workers or cores), f"the GPU is not used: {why}")


def why_unusable(device: torch.device) -> str:
    """Empty where a small LSTM runs forward and backward on the device, else one line."""
    name = torch.cuda.get_device_name(device)
    major, minor = torch.cuda.get_device_capability(device)
    built = torch.cuda.get_arch_list()
    if built and f"sm_{major}{minor}" not in built and major < 7:
        return (
            f"{name} has capability {major}.{minor}, which this torch is not built for; "
            "choose the T4 accelerator (NvidiaTeslaT4)"
        )
    try:
        lstm = nn.LSTM(8, 8, batch_first=True).to(device)
        lstm(torch.ones(2, 3, 8, device=device))[0].sum().backward()
        torch.cuda.synchronize(device)
    except RuntimeError as error:
        return f"{name}: {str(error).splitlines()[0]}; choose the T4 accelerator (NvidiaTeslaT4)"
    return ""


def configure_device(device: torch.device) -> torch.device:
    """Process settings for the device: one thread, deterministic kernels where there are any."""
    torch.set_num_threads(1)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
    return device


def describe_device(device: torch.device) -> str:
    """The processor's or the GPU's name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu ({platform.machine()})"
