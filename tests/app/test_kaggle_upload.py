"""What is written for Kaggle: metadata, notebooks that run in a kernel, and its own commands."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, write_competition

from seqblend.app.kaggle_upload import write_upload
from seqblend.core.errors import FlagError

EXECUTE = """
import json, sys
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), "cell", "exec"), globals())
"""
PLAYED = """
set -e
mount --bind {kaggle} /kaggle
mount --bind -o ro {kaggle}/input /kaggle/input
mount -o remount,bind,ro /kaggle/input
exec {python} -c '{code}' {notebook}
"""


def read(path):
    return json.loads(path.read_text())


def test_metadata_name_the_code_the_competition_and_the_notebook_that_trained(tmp_path):
    write_upload(tmp_path, "ann", "spooky-author", "9h")
    data = read(tmp_path / "code" / "dataset-metadata.json")
    assert data["id"] == "ann/seqblend"
    assert 6 <= len(data["title"]) <= 50
    assert {"run.sh", "requirements.txt", "LICENSE", "src"} <= set(os.listdir(tmp_path / "code"))
    assert not list((tmp_path / "code").rglob("__pycache__"))
    train, infer = (read(tmp_path / s / "kernel-metadata.json") for s in ("train", "infer"))
    for facts in (train, infer):
        assert facts["id"] == "ann/" + facts["title"].lower().replace(" ", "-")
        assert facts["dataset_sources"] == ["ann/seqblend"]
        assert facts["competition_sources"] == ["spooky-author"]
        assert (facts["enable_internet"], facts["machine_shape"]) == (False, "NvidiaTeslaT4")
        assert (tmp_path / facts["title"].split()[-1] / facts["code_file"]).is_file()
    assert infer["kernel_sources"] == [train["id"]]
    assert "9h" in (tmp_path / "train" / "train.ipynb").read_text()
    (tmp_path / "code" / "dataset-metadata.json").unlink()
    with pytest.raises(FlagError, match="is no data set of ours"):
        write_upload(tmp_path, "ann", "spooky-author", "9h")
    assert (tmp_path / "code" / "run.sh").exists()
    with pytest.raises(FlagError, match="over 50 characters"):
        write_upload(tmp_path, "ann", "x" * 60, "9h")


def test_submit_runs_what_pack_wrote_by_kaggles_own_command(tmp_path):
    stand_in = tmp_path / "bin" / "kaggle"
    stand_in.parent.mkdir()
    stand_in.write_text('#!/bin/sh\necho "asked: $@"\nexit 7\n')
    stand_in.chmod(0o755)
    script = str(REPOSITORY / "src" / "submit.py")

    def submit(step, path):
        return subprocess.run(
            [sys.executable, script, str(tmp_path / "up"), step],
            capture_output=True,
            text=True,
            env=os.environ | {"PATH": path},
            check=False,
        )

    with_kaggle = f"{stand_in.parent}:{os.environ['PATH']}"
    early = submit("train", with_kaggle)
    assert early.returncode == 3
    assert "pack.py kaggle writes it" in early.stderr
    commands = write_upload(tmp_path / "up", "ann", "spooky", "9h")
    for step, command in commands.items():
        done = submit(step, with_kaggle)
        assert done.returncode == 7
        version = ["-v", "1"] if step == "submit" else []
        assert f"asked: {' '.join([*command, *version])}" in done.stdout
    wrong = submit("trian", with_kaggle)
    assert wrong.returncode == 2
    assert "'train'" in wrong.stderr
    bare = submit("train", str(Path(sys.executable).parent))
    if shutil.which("kaggle", path=str(Path(sys.executable).parent)) is None:
        assert bare.returncode == 5
        assert "pip install kaggle" in bare.stderr


@pytest.mark.slow
def test_both_notebooks_run_in_a_played_kernel_without_a_network(tmp_path):
    """Network off, input read-only, /kaggle a mount of this process alone."""
    probe = ["unshare", "--mount", "--net", "true"]
    if shutil.which("unshare") is None or subprocess.run(probe, check=False).returncode:
        pytest.skip("namespaces are not permitted here")
    write_upload(tmp_path / "up", "ann", "colours", "60s")
    first = play(tmp_path, "train", tmp_path / "first")
    assert "submission.csv" in os.listdir(first / "working")
    hidden = tmp_path / "second"
    shutil.copytree(first / "working", hidden / "input" / "notebooks" / "ann" / "colours-train")
    second = play(tmp_path, "infer", hidden, is_reversed=True)
    ours, theirs = (
        dict(line.split(",") for line in (k / "working" / "submission.csv").read_text().split())
        for k in (first, second)
    )
    assert ours == theirs
    assert list(ours)[1:] == list(theirs)[:0:-1]


def play(tmp_path, step, kaggle, *, is_reversed=False):
    """Run a notebook in a kernel whose folders lie below `kaggle`."""
    data = write_competition(kaggle / "input" / "competitions" / "colours")
    if is_reversed:
        rows = read(data / "test.json")
        (data / "test.json").write_text(json.dumps(rows[::-1]))
        head, *lines = (data / "sample_submission.csv").read_text().splitlines()
        (data / "sample_submission.csv").write_text("\n".join([head, *lines[::-1]]) + "\n")
    shutil.copytree(tmp_path / "up" / "code", kaggle / "input" / "datasets" / "ann" / "seqblend")
    (kaggle / "working").mkdir()
    notebook = tmp_path / "up" / step / f"{step}.ipynb"
    script = PLAYED.format(kaggle=kaggle, python=sys.executable, code=EXECUTE, notebook=notebook)
    is_new = not Path("/kaggle").exists()
    Path("/kaggle").mkdir(exist_ok=True)
    try:
        done = subprocess.run(
            ["unshare", "--mount", "--net", "bash", "-c", script],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHON": sys.executable, "KAGGLE_IS_COMPETITION_RERUN": "1"},
            timeout=300,
            check=False,
        )
    finally:
        if is_new:
            Path("/kaggle").rmdir()
    assert done.returncode == 0, done.stdout + done.stderr
    if step == "infer":
        assert "nothing is trained" in done.stdout
    return kaggle
