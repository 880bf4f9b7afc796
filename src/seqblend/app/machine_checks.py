"""The machine, checked before hours are spent on it: packages, devices, memory, disk, folders."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from seqblend.core.console import Console, say
from seqblend.core.errors import InputError
from seqblend.core.processes import cores
from seqblend.core.storage import check_writable
from seqblend.core.versions import OLDEST, package_versions, unsupported
from seqblend.running.inputs import Places
from seqblend.training.devices import Machine, why_unusable
from seqblend.training.precision import own_precision

OK, WARNING, PROBLEM = "ok", "warning", "problem"
_STYLES = {OK: "green", WARNING: "yellow", PROBLEM: "bold red"}
_GROUP = Path("/sys/fs/cgroup")  # a container's limits
_LITTLE_MEMORY = 2e9  # bytes for a worker
_LITTLE_DISK = {PROBLEM: 2e8, WARNING: 3e9}  # bytes: below, a run ends with a full disk, or may


@dataclass(frozen=True)
class MachineCheck:
    """One line: what was checked, what was found, and for anything but `ok` what to do."""

    state: str
    what: str
    found: str
    remedy: str = ""


def check_machine(places: Places, machine: Machine) -> list[MachineCheck]:
    """Everything that can be looked up within a second."""
    return [
        _check_packages(),
        *_check_gpus(machine),
        *_check_room(places, machine),
        *_check_folders(places),
    ]


def _check_room(places: Places, machine: Machine) -> list[MachineCheck]:
    return [_check_workers(machine), _check_memory(len(machine.devices)), _check_disk(places)]


def show_room(console: Console, places: Places, machine: Machine) -> None:
    """Workers, memory and disk in one line, as every run begins; what is no `ok` on its own."""
    found = _check_room(places, machine)
    say(console, f"machine: {'; '.join(f'{each.what} {each.found}' for each in found)}")
    show_checks(console, [each for each in found if each.state != OK and each.remedy])


def show_checks(console: Console, findings: list[MachineCheck]) -> None:
    """A line each, in the colour of its state."""
    for found in findings:
        text = f"{found.state}: {found.what}: {found.found}"
        say(console, f"{text}. {found.remedy}" if found.remedy else text, _STYLES[found.state])


def _check_packages() -> MachineCheck:
    """Python and the packages against what is supported."""
    versions = package_versions()
    wrong = unsupported(versions)
    if wrong:
        return MachineCheck(
            PROBLEM, "packages", f"needs {'; '.join(wrong)}", "See requirements.txt"
        )
    shown = (f"{name} {versions[name]}" for name in ("python", *OLDEST))
    return MachineCheck(OK, "packages", ", ".join(shown))


def _check_gpus(machine: Machine) -> list[MachineCheck]:
    """Each GPU: its capability against the build's, and whether an LSTM runs on it."""
    if not torch.cuda.is_available():
        on_kaggle = Path("/kaggle/input").is_dir()
        remedy = "Choose the accelerator NvidiaTeslaT4 in the notebook's settings"
        return [MachineCheck(WARNING, "GPU", "none", remedy)] if on_kaggle else []
    built, found = ", ".join(torch.cuda.get_arch_list()), []
    for number in range(torch.cuda.device_count()):
        device = torch.device(f"cuda:{number}")
        facts = torch.cuda.get_device_properties(device)
        text = (
            f"{facts.name}, capability {facts.major}.{facts.minor} (torch is built for {built}), "
            f"{facts.total_memory / 1e9:.0f} GB"
        )
        why = why_unusable(device)
        state = PROBLEM if why and str(device) not in machine.devices else OK
        found.append(MachineCheck(state, str(device), text, f"Not used: {why}" if why else ""))
    return found


def _check_workers(machine: Machine) -> MachineCheck:
    """How many processes train on what, and in which precision."""
    device = torch.device(machine.devices[0])
    precision = own_precision("bilstm", device)
    kind = "core, one thread each" if device.type == "cpu" else "GPU"
    text = f"{len(machine.devices)}, on {cores()} cores, one per {kind}; LSTMs in {precision}"
    return MachineCheck(WARNING if machine.note else OK, "workers", text, machine.note)


def free_memory() -> int | None:
    """Bytes that processes may still take, of the machine or of this container; None: unknown."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvail"))
    except (OSError, StopIteration):
        return None
    try:
        most = int((_GROUP / "memory.max").read_text())  # `max` where there is no limit
        used = int((_GROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return free
    return min(free, most - used)


def _check_memory(workers: int) -> MachineCheck:
    free = free_memory()
    if free is None:
        return MachineCheck(OK, "memory", "not known here")
    text = f"{free / 1e9:.1f} GB free"
    if free < _LITTLE_MEMORY * workers:
        fewer = max(int(free // _LITTLE_MEMORY), 1)
        return MachineCheck(
            WARNING, "memory", text, f"Close other programs, or take --workers {fewer}"
        )
    return MachineCheck(OK, "memory", text)


def _check_disk(places: Places) -> MachineCheck:
    """The room below the working folder, or below the nearest folder around it that is there."""
    folder = next(path for path in (places.working, *places.working.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free for {places.working}"
    state = next((state for state, least in _LITTLE_DISK.items() if free < least), OK)
    remedy = "" if state == OK else "Free some space, or name another folder with --working"
    return MachineCheck(state, "disk", text, remedy)


def _check_folders(places: Places) -> list[MachineCheck]:
    """Whether the folders for results can be written; the inputs need not be."""
    found = []
    for folder in (places.working, places.submissions):
        try:
            check_writable(folder, "Name another folder with --working")
        except InputError as error:
            found.append(MachineCheck(PROBLEM, "folder", str(error)))
    locked = [str(path) for path in places.inputs if path.exists() and not os.access(path, os.W_OK)]
    if not found:
        text = f"{places.working} and {places.submissions} can be written"
        found.append(
            MachineCheck(OK, "folders", text + f"; {', '.join(locked)} read-only" * bool(locked))
        )
    return found
