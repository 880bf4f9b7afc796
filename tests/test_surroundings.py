"""What surrounds a run does not show in it: locale, time zone, clock, and what a machine lacks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY
from processes import SMALL, probabilities, run_kernel, start_kernel

# Every Python process of a run does this before anything else, workers too.
_CLOCK = """
import random, time
now = time.time
time.time = lambda: now() + random.uniform(-1e8, 1e8)
"""
_BARE = """
import _multiprocessing, ctypes, os, pathlib, socket
def note(what):
    with open(os.environ["REFUSED"], "a") as file:
        file.write(what + "\\n")
load, read = ctypes.CDLL.__init__, pathlib.Path.read_text
def load_all_but_glibc(self, name, *rest, **more):
    if name == "libc.so.6":
        note("glibc")
        raise OSError("no libc.so.6")
    load(self, name, *rest, **more)
def read_all_but_the_processors_features(self, *rest, **more):
    if str(self) == "/proc/cpuinfo":
        note("bfloat16")
        raise FileNotFoundError(self)
    return read(self, *rest, **more)
def refuse(what):
    def fail(*_, **__):
        note(what)
        raise OSError(38, "not here")
    return fail
ctypes.CDLL.__init__ = load_all_but_glibc
pathlib.Path.read_text = read_all_but_the_processors_features
_multiprocessing.SemLock = refuse("shared memory")
socket.getaddrinfo = socket.create_connection = refuse("network")
"""


@pytest.fixture(scope="module")
def usual(tiny, tmp_path_factory) -> Path:
    """A kernel in which the whole pipeline ran as it does here."""
    kaggle = tmp_path_factory.mktemp("usual")
    assert run_kernel(kaggle, "--data", tiny, *SMALL) == 0
    return kaggle


def start_in(kaggle: Path, code: str, *flags: object, **environment: str) -> subprocess.Popen:
    """The whole way, with code that each of its Python processes runs when it starts."""
    site = kaggle.with_name("site")
    site.mkdir()
    (site / "sitecustomize.py").write_text(code)
    path = f"{site}:{REPOSITORY / 'src'}"
    return start_kernel(kaggle, *flags, **{"PYTHONPATH": path} | environment)


@pytest.mark.fault("R4")
@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Pacific/Kiritimati"},
        {"LC_ALL": "tr_TR.UTF-8", "TZ": "America/St_Johns"},
    ],
    ids=["C", "tr"],
)
def test_locale_time_zone_hash_seed_and_clock_change_no_byte(environment, usual, tiny, tmp_path):
    environment |= {"PYTHONHASHSEED": "4711"}
    process = start_in(tmp_path / "kaggle", _CLOCK, "--data", tiny, *SMALL, **environment)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert probabilities(tmp_path / "kaggle") == probabilities(usual)


@pytest.mark.fault("R3")
def test_without_bfloat16_glibc_shared_memory_network_compiler_or_home_nothing_changes(
    usual, tiny, tmp_path
):
    home, refused = tmp_path / "home", tmp_path / "refused"
    home.write_text("a file: nothing can be written below it")
    names = ("HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    environment = dict.fromkeys(names, str(home / "deep")) | {"PATH": "", "REFUSED": str(refused)}
    precision = SMALL.index("train.precision=float32")
    flags = SMALL[: precision - 1] + SMALL[precision + 1 :]  # this machine's choice, that is auto
    process = start_in(tmp_path / "kaggle", _BARE, "--data", tiny, *flags, **environment)
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert {"glibc", "bfloat16"} <= set(refused.read_text().split())
    assert "in bfloat16" not in output
    assert "Traceback" not in output + errors
    assert probabilities(tmp_path / "kaggle") == probabilities(usual)
