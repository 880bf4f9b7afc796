"""A Kaggle kernel, played: code and input are read only, everything is written below working."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from conftest import REPOSITORY, write_competition
from processes import SMALL, run_kernel, start_kernel


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder; Python's own caches aside."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def lock(folder: Path) -> None:
    """Make a folder and everything in it read only (root may write all the same)."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)


def unlock(folder: Path) -> None:
    """Let pytest remove the folder."""
    for top, _, _ in os.walk(folder):
        Path(top).chmod(0o755)


def test_a_kernel_writes_below_its_working_folder_alone(home, tmp_path):
    kaggle = tmp_path / "kaggle"
    data = write_competition(kaggle / "input" / "competitions" / "colours-2026")
    ours = [REPOSITORY / "working", REPOSITORY / "submissions", home, data]
    before = [snapshot(folder) for folder in ours]
    lock(home)
    lock(kaggle / "input")
    try:
        flags = ["--models", "nblr", "--folds", "2", "--workers", "1"]
        process = start_kernel(kaggle, *flags, code=home / "src")
        output, errors = process.communicate(timeout=120)
    finally:
        unlock(home)
        unlock(kaggle / "input")
    assert process.returncode == 0, errors
    assert "colours-2026" in output
    assert [snapshot(folder) for folder in ours] == before
    assert sorted(os.listdir(kaggle)) == ["input", "working"]
    written = set(os.listdir(kaggle / "working"))
    assert written == {"seqblend", "submissions", "submission.csv"}
    copies = (kaggle / "working" / "submissions").glob("colours-2026-*.csv")
    (copy,) = (path for path in copies if not path.stem.endswith(("frequencies", "fold0")))
    submission = kaggle / "working" / "submission.csv"
    assert submission.read_bytes() == copy.read_bytes()
    ours, sample = (
        [line.partition(",")[0] for line in path.read_text().splitlines()]
        for path in (submission, data / "sample_submission.csv")
    )
    assert ours == sample


def test_several_competitions_are_listed_and_data_is_asked_for(tmp_path, capsys):
    for name in ("colours", "shapes"):
        write_competition(tmp_path / "input" / "competitions" / name)
    assert run_kernel(tmp_path) == 2
    error = capsys.readouterr().err
    assert "2 competitions found" in error
    assert "/colours" in error
    assert "/shapes" in error
    assert "Choose one with --data" in error
    assert not (tmp_path / "working").exists()


def test_a_rerun_on_hidden_rows_predicts_with_an_earlier_kernels_members(
    tmp_path, monkeypatch, capsys
):
    first = tmp_path / "first"
    data = write_competition(first / "input" / "competitions" / "colours")
    assert run_kernel(first, *SMALL) == 0
    submitted = read_answers(first)
    second = tmp_path / "second"
    hidden = write_competition(second / "input" / "competitions" / "colours")
    shutil.copytree(first / "working", second / "input" / "trained-colours")
    rows = json.loads((data / "test.json").read_text())
    more = {"id": 900, "sequence": [7_777, 100, 100, 100, 100]}
    (hidden / "test.json").write_text(json.dumps([more, *rows[::-1]]))
    monkeypatch.setenv("KAGGLE_IS_COMPETITION_RERUN", "1")
    capsys.readouterr()
    lock(second / "input")
    try:
        assert run_kernel(second) == 0
    finally:
        unlock(second / "input")
    output = capsys.readouterr().out
    assert "nothing is trained" in output
    assert "1 different tokens of these rows are new" in output
    assert not (second / "working" / "seqblend").exists()
    found = read_answers(second)
    assert list(found) == ["900", *list(submitted)[::-1]]
    assert {key: found[key] for key in submitted} == submitted


def test_a_kernel_continues_what_an_earlier_one_left(tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    write_competition(first / "input" / "competitions" / "colours")
    assert run_kernel(first, *SMALL) == 0
    write_competition(second / "input" / "competitions" / "colours")
    shutil.copytree(first / "working", second / "input" / "earlier-kernel")
    capsys.readouterr()
    assert run_kernel(second, *SMALL) == 0
    output = capsys.readouterr().out
    assert re.search(r"continued: \d+ finished folders of .*earlier-kernel", output)
    assert re.search(r"plan: (\d+) units \(\1 done\)", output)
    assert read_answers(second) == read_answers(first)


def test_a_rerun_without_an_earlier_kernel_trains(tmp_path, monkeypatch, capsys):
    write_competition(tmp_path / "input" / "competitions" / "colours")
    monkeypatch.setenv("KAGGLE_IS_COMPETITION_RERUN", "1")
    assert run_kernel(tmp_path, "--models", "nblr", "--folds", "2", "--workers", "1") == 0
    assert "leaderboard" in capsys.readouterr().out
    assert len(read_answers(tmp_path)) == 20


def read_answers(kaggle: Path) -> dict[str, str]:
    """{id: answer} of the submission."""
    _, *lines = (kaggle / "working" / "submission.csv").read_text().splitlines()
    return dict(line.split(",") for line in lines)
