"""The notebook that teaches: stored bare, and running from top to bottom."""

import itertools
import json
import os
import subprocess
import sys
import time

import pytest
from conftest import REPOSITORY

GUIDE = REPOSITORY / "src" / "notebooks" / "guide.ipynb"
EXECUTE = """
import json, sys
for i, cell in enumerate(json.load(open(sys.argv[1], encoding="utf-8"))["cells"]):
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), f"cell {i}", "exec"), globals())
"""


def cells(kind):
    notebook = json.loads(GUIDE.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_the_guide_is_stored_without_outputs_and_each_code_cell_is_introduced():
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells("code"))
    kinds = [cell["cell_type"] for cell in json.loads(GUIDE.read_text(encoding="utf-8"))["cells"]]
    assert not [pair for pair in itertools.pairwise(kinds) if pair == ("code", "code")]


@pytest.mark.parametrize("cell", cells("code"), ids=lambda cell: cell["id"])
def test_every_cell_compiles_and_holds_one_idea(cell):
    text = "".join(cell["source"])
    compile(text, cell["id"], "exec")
    assert len(text.splitlines()) <= 40


@pytest.mark.slow
def test_the_guide_runs_from_top_to_bottom_and_writes_nothing_beside_it(tmp_path):
    before = {path: path.stat().st_mtime_ns for path in GUIDE.parent.rglob("*")}
    env = os.environ | {"MPLBACKEND": "Agg", "TMPDIR": str(tmp_path)}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(GUIDE)],
        cwd=GUIDE.parent,
        env=env,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "500 rows, checked" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in GUIDE.parent.rglob("*")} == before
    print(f"{time.perf_counter() - began:.0f} s\n{done.stdout}")
