"""The README's Python runs, and its commands exist."""

import re
import subprocess
import sys

from conftest import REPOSITORY, write_competition

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs_as_it_is_written(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(code.strip().splitlines()) <= 15
    write_competition(tmp_path / "input" / "reviews")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"accuracy 0\.\d+|accuracy 1\.0", done.stdout)


def test_every_script_that_is_shown_exists():
    for name in re.findall(r"python src/(\w+\.py)", README):
        assert (REPOSITORY / "src" / name).is_file(), name
