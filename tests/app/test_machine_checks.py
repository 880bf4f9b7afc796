"""What is said of a machine before a long run, and what it costs to ignore it."""

from __future__ import annotations

import io
import shutil
from collections import namedtuple

import pytest
import torch
from rich.console import Console

import check_machine
from seqblend.app import machine_checks, speed_check
from seqblend.app.machine_checks import OK, PROBLEM, WARNING, MachineCheck, show_room
from seqblend.running.inputs import Places
from seqblend.training.devices import Machine

TWO = Machine(("cpu", "cpu"))


@pytest.fixture
def places(tmp_path) -> Places:
    return Places((tmp_path,), tmp_path / "working", tmp_path / "submissions")


def found(places, machine=TWO) -> dict[str, MachineCheck]:
    return {each.what: each for each in machine_checks.check_machine(places, machine)}


def test_on_this_machine_packages_and_folders_are_fine(places):
    checks = found(places)
    assert {checks[name].state for name in ("packages", "folders", "workers")} == {OK}
    assert f"torch {torch.__version__}" in checks["packages"].found
    assert checks["workers"].found.startswith("2, on ")


def test_a_missing_package_is_a_problem(places, monkeypatch):
    monkeypatch.setattr(machine_checks, "unsupported", lambda _: ["torch 9 or later (here 2)"])
    check = found(places)["packages"]
    assert (check.state, check.found) == (PROBLEM, "needs torch 9 or later (here 2)")


@pytest.mark.parametrize(
    ("free", "state", "remedy"),
    [(9e9, OK, ""), (3e9, WARNING, "--workers 1"), (5e8, WARNING, "--workers 1"), (None, OK, "")],
)
def test_little_memory_asks_for_fewer_workers(places, monkeypatch, free, state, remedy):
    monkeypatch.setattr(machine_checks, "free_memory", lambda: free)
    check = found(places)["memory"]
    assert check.state == state
    assert remedy in check.remedy


def test_a_containers_limit_of_memory_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_checks, "_GROUP", tmp_path)
    assert machine_checks.free_memory() > 1e7
    (tmp_path / "memory.current").write_text("1000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert machine_checks.free_memory() > 1e7
    (tmp_path / "memory.max").write_text("5000\n")
    assert machine_checks.free_memory() == 4_000


@pytest.mark.parametrize(("free", "state"), [(1e8, PROBLEM), (1e9, WARNING), (1e10, OK)])
def test_a_disk_that_is_nearly_full_is_named(places, monkeypatch, free, state):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1e12, 0, int(free)))
    check = found(places)["disk"]
    assert check.state == state
    assert ("--working" in check.remedy) == (state != OK)


def test_a_folder_that_cannot_be_written_is_a_problem(places):
    places.working.write_text("a file")
    check = found(places)["folder"]
    assert check.state == PROBLEM
    assert str(places.working) in check.found


@pytest.mark.fault("R3")
@pytest.mark.parametrize("why", ["", "sm_60 is not supported"])
def test_a_gpu_is_described_and_one_that_fails_is_a_problem(places, monkeypatch, why):
    facts = namedtuple("facts", "name major minor total_memory")("Tesla P100", 6, 0, 16 << 30)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_70", "sm_75"])
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: facts)
    monkeypatch.setattr(machine_checks, "why_unusable", lambda _: why)
    check = found(places)["cuda:0"]
    assert check.found == "Tesla P100, capability 6.0 (torch is built for sm_70, sm_75), 17 GB"
    assert (check.state, why in check.remedy) == ((PROBLEM, True) if why else (OK, True))


def test_a_run_begins_with_one_line_and_what_is_short(places, monkeypatch):
    monkeypatch.setattr(machine_checks, "free_memory", lambda: 1e9)
    console = Console(file=io.StringIO(), width=300)
    show_room(console, places, TWO)
    line, warning = console.file.getvalue().splitlines()
    assert line.startswith("machine: workers 2, on ")
    assert "memory 1.0 GB free" in line
    assert warning.startswith("warning: memory: 1.0 GB free. Close other programs")


@pytest.mark.parametrize(("price", "state"), [(1.0, OK), (1e-12, WARNING)])
@pytest.mark.slow
def test_the_speed_is_measured_and_compared_with_the_plans(monkeypatch, price, state):
    monkeypatch.setattr(speed_check, "PRICES", {"module": price})
    monkeypatch.setattr(speed_check, "_SECONDS", 0.1)
    assert speed_check.check_speed(TWO, print).state == state


def test_the_script_checks_all_and_its_exit_code_is_the_problems(
    tiny, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(check_machine, "check_speed", lambda *_: MachineCheck(OK, "speed", "fine"))
    flags = ["--working", str(tmp_path / "w"), "--models", "nblr"]
    assert check_machine.main(["--data", str(tiny), *flags], tmp_path / "none") == 0
    shown = capsys.readouterr().out
    assert "ok: speed: fine" in shown
    assert "plan: 5 units" in shown
    assert not list((tmp_path / "w").rglob("runs"))
    assert check_machine.main(["--data", str(tmp_path / "no"), *flags], tmp_path / "none") == 2
    assert "problem: input: --data expects a folder" in capsys.readouterr().out
