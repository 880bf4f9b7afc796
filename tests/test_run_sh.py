"""run.sh hands over to an interpreter that fits; here shell scripts stand for interpreters."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

# Writes down how it was called, knows what `packages` says it has, and can make a venv of itself.
_INTERPRETER = """#!/bin/sh
echo "$(basename "$0") $*" >>"{log}"
case "$*" in
*seqblend.core.versions*) [ -e "{packages}" ] || [ "${{0#*/.venv/}}" != "$0" ] ;;
"-m venv"*) mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; cp "$0" "$4/bin/pip" ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What run.sh needs of the repository, in a folder with a space in its name."""
    folder = tmp_path / "a clone"
    (folder / "src" / "seqblend" / "core").mkdir(parents=True)
    for name in (
        "run.sh",
        "requirements.txt",
        "src/seqblend/__init__.py",
        "src/seqblend/core/__init__.py",
        "src/seqblend/core/versions.py",
    ):
        shutil.copy(REPOSITORY / name, folder / name)
    shutil.copytree(REPOSITORY / "tests", folder / "tests", ignore=shutil.ignore_patterns("*.py"))
    for name in ("working", "submissions"):
        (folder / name).mkdir()
        (folder / name / ".gitkeep").touch()
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    names = ("python3.13", "python3.12", "python3.11", "python3", "python")
    text = _INTERPRETER.format(log=tmp_path / "log", packages=tmp_path / "packages")
    for name in (*names, "other"):
        (bin_folder / name).write_text(text)
        (bin_folder / name).chmod(0o755)
    return folder


def start(
    clone: Path, *arguments: str, script: Path | None = None, **environment: str
) -> subprocess.CompletedProcess:
    """run.sh with only the interpreters of the test, from the file system's root."""
    return subprocess.run(
        ["bash", str(script or clone / "run.sh"), *arguments],
        env={"PATH": f"{clone.parent / 'bin'}:/usr/bin:/bin"} | environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def calls(clone: Path) -> list[str]:
    """How interpreters were called, questions about their packages and version aside."""
    log = clone.parent / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [line for line in lines if not re.search(r"seqblend\.core\.versions|^\S+ -c ", line)]


def test_an_interpreter_that_has_the_packages_is_used_and_nothing_installed(clone):
    (clone.parent / "packages").touch()
    done = start(clone, "--folds", "2", "--set", "a.b=c d")
    assert done.returncode == 0, done.stderr
    assert calls(clone) == [f"python3 {clone}/src/run.py --folds 2 --set a.b=c d"]
    assert not (clone / ".venv").exists()


def test_else_the_pinned_packages_are_installed_once(clone):
    for _ in range(2):
        done = start(clone)
        assert done.returncode == 0, done.stderr
    made, pip, *runs = calls(clone)[1:]
    assert made == f"python3.13 -m venv --clear {clone}/.venv"
    assert pip.endswith(f"-r {clone}/requirements.txt")
    assert runs == [f"python {clone}/src/run.py"] * 2


def test_a_changed_requirement_is_installed_before_the_tests(clone):
    assert [start(clone, "test").returncode for _ in range(2)] == [0, 0]
    with open(clone / "tests" / "requirements.txt", "a") as file:
        file.write("more==1\n")
    assert start(clone, "test", "-q", "tests/a.py").returncode == 0
    installs = [line for line in calls(clone) if " pip install " in line]
    assert len(installs) == 4  # of two files, twice
    assert calls(clone)[-1] == "python -m pytest -n 2 --dist loadfile -q tests/a.py"  # xdist: there


@pytest.mark.parametrize("named", ["{bin}/other", "other"])
def test_a_named_interpreter_is_used_as_it_is(clone, named):
    (clone.parent / "packages").touch()
    done = start(clone, PYTHON=named.format(bin=clone.parent / "bin"))
    assert done.returncode == 0, done.stderr
    assert calls(clone) == [f"other {clone}/src/run.py"]


@pytest.mark.parametrize(
    ("command", "more"), [((), ""), (("test",), "pytest"), (("lint",), "ruff")]
)
def test_a_named_interpreter_that_lacks_packages_is_one_line_that_names_them(clone, command, more):
    bare = clone.parent / "bare"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')  # -S: no site-packages
    bare.chmod(0o755)
    done = start(clone, *command, PYTHON=str(bare))
    assert done.returncode == 5
    assert len(done.stderr.splitlines()) == 1
    assert re.search(r"needs torch 2\.6 or later \(here missing\); numpy", done.stderr)
    assert done.stderr.rstrip().endswith(f"{more} (here missing)".strip())
    assert calls(clone) == []


def test_an_interpreter_that_is_not_there_is_one_line_and_code_5(clone):
    done = start(clone, PYTHON="/no/such/python")
    assert (done.returncode, done.stderr) == (
        5,
        "error: PYTHON=/no/such/python: no such interpreter\n",
    )


@pytest.mark.parametrize("command", ["train", "hlep"])
def test_a_wrong_command_is_one_line_and_code_2_without_set_up(clone, command):
    done = start(clone, command)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: no command '{command}'. Commands: test, lint")
    assert len(done.stderr.splitlines()) == 1
    assert calls(clone) == []
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("command", ["help", "--help", "-h"])
def test_help_needs_no_interpreter(clone, command):
    done = start(clone, command)
    assert done.returncode == 0
    assert not (clone.parent / "log").exists()
    assert "./run.sh test" in done.stdout


def test_help_lists_every_flag_of_run(clone, capsys):
    import run  # a script, not a package: found through .pytest.ini's pythonpath

    with pytest.raises(SystemExit):
        run.main(["--help"])
    flags = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}
    assert set(re.findall(r"^  (--[a-z]+)", start(clone, "help").stdout, re.MULTILINE)) == flags


def test_it_works_behind_a_symlink(clone):
    (clone.parent / "packages").touch()
    link = clone.parent / "bin" / "seqblend"
    link.symlink_to(clone / "run.sh")
    done = start(clone, "bench", "--rounds", "2", script=link)
    assert done.returncode == 0, done.stderr
    assert calls(clone) == [f"python3 {clone}/src/bench.py --rounds 2"]


def test_clean_removes_what_it_says_and_nothing_else(clone):
    for name in (".venv/bin/python", "working/demo/data/targets.npy", "submissions/log.csv"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    before = {path for path in clone.rglob("*") if path.is_file()}
    assert start(clone, "clean").returncode == 0
    gone = {path.relative_to(clone).parts[0] for path in before if not path.exists()}
    assert gone == {".venv", "working", "submissions"}
    assert [path.name for path in (clone / "working").iterdir()] == [".gitkeep"]
    assert [path.name for path in (clone / "submissions").iterdir()] == [".gitkeep"]
    assert not (clone / ".venv").exists()
    assert calls(clone) == []
    shutil.rmtree(clone / "working")
    assert start(clone, "clean").returncode == 0
