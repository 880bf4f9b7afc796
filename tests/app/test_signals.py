"""Signals to a script: the first stops it with a hint, the second ends it at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from conftest import REPOSITORY


def start_sleeper() -> subprocess.Popen:
    """A script that takes its time, and takes it again when it is stopped."""
    code = """if True:
        import sys, time
        from seqblend.app.cli import run_script
        def main(argv):
            try:
                print("working", flush=True)
                time.sleep(60)
            finally:
                print("stopping", flush=True)
                time.sleep(float(sys.stdin.readline()))
        sys.exit(run_script(main))
        """
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "src")},
    )
    assert process.stdout.readline() == "working\n"
    return process


@pytest.mark.fault("C2")
def test_sigterm_ends_a_script_with_143_and_one_line():
    process = start_sleeper()
    process.terminate()
    _, errors = process.communicate("0\n", timeout=5)
    assert process.returncode == 143
    assert errors.startswith("error: stopped by SIGTERM. Finished units are kept: type the same")
    assert errors.count("\n") == 1


@pytest.mark.fault("C2")
def test_a_second_signal_ends_a_stopping_run_at_once():
    process = start_sleeper()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "stopping\n"
    process.terminate()
    process.communicate(timeout=5)
    assert process.returncode == -signal.SIGTERM


@pytest.mark.fault("C2")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_packages_are_imported_is_one_line(tmp_path, number):
    (tmp_path / "torch.py").write_text(
        "import time; print('importing', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "src" / "run.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert process.stdout.readline() == "importing\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=5)
    assert process.returncode == 128 + number
    assert errors == f"error: stopped by {number.name}\n"


def test_importing_the_package_elsewhere_leaves_signals_alone():
    code = """if True:
        import signal
        before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
        import seqblend.core.interrupts
        assert before == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
        """
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
