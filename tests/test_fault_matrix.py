"""The table of `pytest --faults`: tests of its own, run by a pytest of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY
from fault_matrix import FAULTS

PASSES = f"""
import pytest

pytestmark = pytest.mark.fault(*{list(FAULTS)})

@pytest.mark.slow
def test_all():
    pass
"""
OTHERS = """
import pytest

@pytest.mark.fault("C1", "C2")
@pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.fault("C3"))])
def test_two(number):
    assert number == 1

@pytest.mark.fault("C1")
def test_skipped():
    pytest.skip("no GPU")

def test_without_a_marker():
    raise AssertionError
"""


def run_pytest(folder: Path, *flags: str, **files: str) -> tuple[int, str]:
    """(exit code, output) of pytest on these files, with the table and this project's settings."""
    tests = folder / "tests"
    tests.mkdir(exist_ok=True)
    shutil.copy(REPOSITORY / ".pytest.ini", folder)
    shutil.copy(REPOSITORY / "tests" / "fault_matrix.py", tests)
    (tests / "conftest.py").write_text('pytest_plugins = ["fault_matrix"]\n')
    for name, text in files.items():
        (tests / f"{name}.py").write_text(text)
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *flags]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def lines_of(output: str) -> dict[str, str]:
    """{fault: what was seen}, the lines of a wrapped cell joined, remarks behind it."""
    seen, name = {}, ""
    for line in output.splitlines():
        cells = [cell.strip() for cell in line.split("|", 3)]
        if len(cells) > 1 and not line.startswith("-"):
            name = cells[0] or name
            seen[name] = f"{seen.get(name, '')} {cells[-1]}".strip()
    return seen


def test_every_fault_has_a_line_and_slow_tests_are_run(tmp_path):
    code, output = run_pytest(tmp_path, "--faults", test_one=PASSES)
    assert code == 0, output
    assert lines_of(output) == {"fault": "seen"} | dict.fromkeys(FAULTS, "1 passed")
    assert all(len(line) <= 100 for line in output.splitlines())


@pytest.mark.parametrize("flags", [[], ["-n", "2", "--dist", "loadfile"]], ids=["one", "several"])
def test_failed_skipped_and_missing_tests_are_told_also_from_other_processes(tmp_path, flags):
    if flags:
        pytest.importorskip("xdist")
    files = {"test_one": OTHERS, "test_two": OTHERS.replace("number == 1", "number")}
    code, output = run_pytest(tmp_path, "--faults", *flags, **files)
    assert code == 1
    seen = lines_of(output)
    assert seen["C1"] == "3 passed, 1 failed, 2 skipped failed: test_two[2] skipped: no GPU"
    assert seen["C2"] == "3 passed, 1 failed failed: test_two[2]"
    assert seen["C3"] == "1 passed, 1 failed failed: test_two[2]"
    assert {seen[name] for name in list(FAULTS)[3:]} == {"no test"}
    assert "test_without_a_marker" not in output


@pytest.mark.parametrize(
    "body", ["pass", "import pytest; pytest.skip('no GPU')"], ids=["none", "skipped"]
)
def test_a_fault_without_a_test_that_passed_is_a_failure(tmp_path, body):
    name = list(FAULTS)[-1]
    rest = [other for other in FAULTS if other != name]
    last = f"import pytest\n\ndef test_last():\n    {body}\n"
    if "skip" in body:
        last = last.replace("\ndef", f"\n@pytest.mark.fault('{name}')\ndef")
    code, output = run_pytest(
        tmp_path, "--faults", test_one=PASSES.replace(str(list(FAULTS)), str(rest)), test_two=last
    )
    assert code == 1
    assert lines_of(output)[name] == ("1 skipped skipped: no GPU" if "skip" in body else "no test")


@pytest.mark.parametrize("place", ["function", "parameter"])
@pytest.mark.parametrize("name", ['"C99"', '"c1"', ""])
def test_a_wrong_name_is_an_error_of_its_file_with_or_without_the_flag(tmp_path, name, place):
    mark, argument = f"pytest.mark.fault({name})", ""
    if place == "parameter":
        mark, argument = f"pytest.mark.parametrize('a', [pytest.param(1, marks={mark})])", "a"
    text = f"import pytest\n\n@{mark}\ndef test_it({argument}):\n    pass\n"
    for flags in ([], ["--faults"]):
        code, output = run_pytest(tmp_path, *flags, test_one=text)
        assert code == 2
        assert re.search(r"expected names of the table .* got fault\(.*C1, C2, C3", output)


def test_without_the_flag_nothing_changes(tmp_path):
    code, output = run_pytest(tmp_path, test_one=PASSES, test_two=OTHERS)
    assert code == 1
    assert "2 failed, 1 passed, 1 skipped, 1 deselected" in output
    assert not lines_of(output)
