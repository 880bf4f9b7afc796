"""Every script end to end, tiny; every exit code; every flag that changes what is done."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path

import pytest
from processes import run_kernel, start_script
from public_examples import REVIEWS, write_tar

from seqblend.app.cli import run_script

NBLR = ["--models", "nblr", "--folds", "2", "--workers", "1"]
SCRIPTS = ["run", "train", "blend", "predict", "pack", "submit", "report", "prepare"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_has_help_with_all_its_flags(name, capsys):
    script = importlib.import_module(name)
    with pytest.raises(SystemExit, match="0"):
        script.main(["--help"])
    shown = capsys.readouterr().out
    flags = re.findall(r"--[a-z]+", script.__doc__)
    assert shown.startswith("usage: ")
    assert all(flag in shown for flag in flags)


def test_the_steps_one_by_one_from_another_folder(home, tiny):
    data = shutil.copytree(tiny, home.parent / "steps")
    solution = (data / "solution.csv").rename(home.parent / "answers.csv")
    flags = ["--data", data, "--folds", "2"]
    trained = start_script(home, "train.py", "--data", data, *NBLR)
    assert trained.returncode == 0, trained.stderr
    assert re.search(r"nblr: OOF accuracy [01]\.\d{4}", trained.stdout)
    assert list((home / "submissions").iterdir()) == []

    out = home.parent / "new" / "mine.csv"
    blended = start_script(home, "blend.py", *flags, "--out", out)
    assert blended.returncode == 0, blended.stderr
    (copy,) = (home / "submissions").glob("steps-*.csv")
    assert out.read_bytes() == copy.read_bytes()
    out.unlink()

    again = start_script(home, "predict.py", "--data", data, "--workers", "1", "--out", out)
    assert again.returncode == 0, again.stderr
    assert "nothing is trained" in again.stdout
    assert out.read_bytes() == copy.read_bytes()
    elsewhere = start_script(home, "predict.py", "--data", data, "--from", data)
    assert elsewhere.returncode == 3
    assert "no blend was trained on these training rows" in elsewhere.stderr

    kept = home.parent / "work.zip"
    saved = start_script(home, "pack.py", "save", kept, "--name", "steps")
    assert saved.returncode == 0, saved.stderr
    other = home.parent / "other"
    loaded = start_script(home, "pack.py", "load", kept, "--working", other)
    assert re.search(r"other/steps: [1-9]\d* finished folders added", loaded.stdout), loaded.stderr
    unknown = start_script(home, "pack.py", "save", kept, "--name", "stairs")
    assert unknown.returncode == 2
    assert "--name expects one of the competitions in" in unknown.stderr

    reported = start_script(home, "report.py", *flags, "--solution", solution)
    assert reported.returncode == 0, reported.stderr
    assert "test accuracy" in reported.stdout
    assert "test accuracy" not in blended.stdout + trained.stdout
    report = home / "working" / "steps" / "report"
    assert {"index.html", "cm_nblr.png"} <= {path.name for path in report.iterdir()}


def test_a_summary_shows_every_models_layers_and_trains_nothing(home, tiny):
    done = start_script(home, "train.py", "--data", tiny, "--models", "lstm,nblr", "--summary")
    assert done.returncode == 0, done.stderr
    assert "lstm  layers.0  BidirectionalRnn  [b, t, 64]  49,664" in done.stdout
    assert re.search(r"lstm  total  \d\d,\d{3}\n", done.stdout)
    assert "nblr: linear, no layers" in done.stdout
    assert not list((home / "working").rglob("runs"))


def test_prepare_writes_a_competition_of_its_own(home):
    done = start_script(home, "prepare.py", "demo", "--seed", "7", "--rows", "40")
    assert done.returncode == 0, done.stderr
    folder = home / "input" / "demo-7"
    assert {"train.json", "test.json", "sample_submission.csv", "solution.csv"} < {
        path.name for path in folder.iterdir()
    }
    assert "40 training rows, best reachable accuracy 0.9" in done.stdout


def test_prepare_writes_a_public_data_set_and_every_kind_of_demo(home):
    archive = write_tar(home.parent / "aclImdb_v1.tar.gz", REVIEWS)
    refused = start_script(home, "prepare.py", "imdb", "--from", archive)
    assert refused.returncode == 3
    assert "go on with --unchecked" in refused.stderr
    done = start_script(home, "prepare.py", "imdb", "--from", archive, "--unchecked")
    assert done.returncode == 0, done.stderr
    assert "imdb: 12 training and 12 test rows, 3 unlabelled" in done.stdout
    assert (home / "input" / "imdb" / "solution.csv").exists()
    for kind, name in (("hmm", "demo"), ("memory", "memory")):
        flags = ("--kind", kind, "--rows", "40", "--length", "20")
        done = start_script(home, "prepare.py", "demo", *flags)
        assert done.returncode == 0, done.stderr
        assert (home / "input" / f"{name}-1" / "demo-best.json").exists()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["imdb", "--form", "x"], "did you mean '--from'?"),
        (["imbd"], "choose from"),
        ([], "required: WHAT"),
        (["imdb"], "published at https://ai.stanford.edu/"),
        (["demo", "--rows", "0"], "at least 1"),
        (["demo", "--kind", "paritty"], "choose from"),
    ],
)
def test_a_wrong_flag_of_prepare_is_one_line_and_code_2(flags, expected, capsys):
    prepare = importlib.import_module("prepare")
    assert run_script(prepare.main, flags) == 2
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert expected in error


def test_an_empty_input_gives_the_demo(home):
    done = start_script(home, "run.py", "--plan")
    assert done.returncode == 0, done.stderr
    assert "seqblend · demo · 5 classes · 4,000 train and 1,000 test rows" in done.stdout
    assert re.search(r"plan: \d+ units \(0 done\).*; then the members that the blend", done.stdout)
    assert "token vectors of self come before the first network, made in about 1" in done.stdout
    assert not list((home / "working" / "demo").rglob("vectors.npy"))
    assert not (home / "working" / "demo" / "runs").exists()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--modles", "nblr"], "did you mean '--models'? See --help"),
        (["--qqq"], "unrecognized arguments: --qqq. See --help"),
        (["--models", "bilstn"], "did you mean 'bilstm'?"),
        (["--metric", "acuracy"], "did you mean 'accuracy'?"),
        (["--set", "tran.lr=1"], "did you mean 'train'?"),
        (["--set", "train.rl=1"], "did you mean 'lr'?"),
        (["--set", "bilstm.hiden=1"], "did you mean 'hidden'?"),
        (["--set", "train.lr=fast"], "expects float, got 'fast'"),
        (["--set", "train.lr"], "expects section.name=value"),
        (["--folds", "0"], "at least 1"),
        (["--folds", "two"], "invalid int value: 'two'"),
        (["--budget", "soon"], "30m, 1.5h or 90s"),
        (["--budget", "0"], "30m, 1.5h or 90s, got '0'"),
        (["--budget", "99999999h"], "30m, 1.5h or 90s"),
        (["--budget=-5m"], "30m, 1.5h or 90s"),
        (["--data", "/no/such/folder"], "--data expects a folder"),
        (["--config", "/no/such/file.toml"], "--config expects a readable TOML file"),
        (["--solution", "/no/such/file.csv"], "--solution expects a file"),
        (["--out", "/"], "--out expects a file name"),
    ],
)
def test_a_wrong_flag_is_one_line_with_the_remedy_and_code_2(
    flags, expected, tiny, tmp_path, capsys
):
    assert run_kernel(tmp_path, "--data", tiny, *flags) == 2
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert expected in error
    assert not list(tmp_path.rglob("runs"))


def test_wrong_data_are_one_line_and_code_3(competition_folder, tmp_path, capsys):
    (competition_folder / "train.json").write_text('[{"id": 1, "sequence": [1, 2]}]')
    assert run_kernel(tmp_path, "--data", competition_folder) == 3
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert "train.json" in error


@pytest.fixture(scope="module")
def out_of_time(tiny, tmp_path_factory) -> tuple[Path, int]:
    """A kernel whose budget suffices for nblr alone, and the exit code."""
    kaggle = tmp_path_factory.mktemp("budget")
    flags = [
        "--models",
        "nblr,bilstm",
        "--folds",
        "2",
        "--workers",
        "1",
        "--budget",
        "90s",
        "--set",
        "train.epochs=1000000",
        "--out",
        kaggle / "out.csv",
    ]
    return kaggle, run_kernel(kaggle, "--data", tiny, *flags)


@pytest.mark.fault("C3")
def test_a_short_budget_leaves_a_valid_submission_and_code_4(out_of_time, tiny):
    kaggle, code = out_of_time
    assert code == 4
    ours, sample = (
        [line.split(",") for line in path.read_text().splitlines()]
        for path in (kaggle / "working" / "submission.csv", tiny / "sample_submission.csv")
    )
    assert [row_id for row_id, _ in ours] == [row_id for row_id, _ in sample]
    assert {label for _, label in ours[1:]} == {"red", "green", "blue"}


def test_out_is_a_copy_of_the_submission(out_of_time):
    kaggle, _ = out_of_time
    assert (kaggle / "out.csv").read_bytes() == (kaggle / "working/submission.csv").read_bytes()


def test_more_seeds_add_units_and_redo_none(out_of_time, tiny, capsys):
    kaggle, _ = out_of_time
    units = kaggle / "working" / "seqblend" / "tiny" / "runs"
    before = {path: path.read_bytes() for path in units.glob("*/seed*/manifest.json")}
    assert len(before) == 2
    assert run_kernel(kaggle, "--data", tiny, *NBLR, "--seeds", "2") == 0
    after = {path: path.read_bytes() for path in units.glob("*/seed*/manifest.json")}
    assert len(after) == 4
    assert after.items() > before.items()
    assert "plan: 4 units (2 done)" in capsys.readouterr().out


@pytest.mark.fault("C3")
def test_a_budget_for_nothing_submits_frequencies_and_names_what_is_missing(tiny, tmp_path, capsys):
    assert run_kernel(tmp_path, "--data", tiny, *NBLR, "--budget", "1s") == 4
    shown = capsys.readouterr().out
    assert "no model is complete" in shown
    assert "out of time, not trained: nblr fold 0, nblr fold 1" in shown
    sample = (tiny / "sample_submission.csv").read_text().splitlines()
    submitted = (tmp_path / "working" / "submission.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in submitted] == [line.split(",")[0] for line in sample]
    assert len({line.split(",")[1] for line in submitted[1:]}) == 1


def test_blending_nothing_says_to_train_first(home, tiny):
    done = start_script(home, "blend.py", "--data", tiny)
    assert done.returncode == 3
    assert "no finished run of these data and folds" in done.stderr
    assert "python src/train.py" in done.stderr


@pytest.mark.fault("C3")
def test_frequencies_never_replace_a_better_submission(tiny, tmp_path):
    out = tmp_path / "out.csv"
    assert run_kernel(tmp_path, "--data", tiny, *NBLR, "--out", out) == 0
    before = out.read_bytes()
    flags = ["--models", "bilstm", "--folds", "2", "--workers", "1", "--budget", "1s"]
    assert run_kernel(tmp_path, "--data", tiny, *flags, "--out", out) == 4
    assert out.read_bytes() == before
    assert (tmp_path / "working" / "submission.csv").read_bytes() == before


def test_a_wrong_solution_found_beside_the_data_is_a_warning(competition_folder, tmp_path, capsys):
    (competition_folder / "solution.csv").write_text("id,label\n999999,red\n")
    assert run_kernel(tmp_path, "--data", competition_folder, *NBLR) == 0
    report = next((tmp_path / "working").glob("seqblend/*/report/index.html")).read_text()
    assert "no test scores" in report
    capsys.readouterr()


def test_another_metric_redoes_no_unit(tiny, tmp_path, capsys):
    assert run_kernel(tmp_path, "--data", tiny, *NBLR) == 0
    assert run_kernel(tmp_path, "--data", tiny, *NBLR, "--metric", "log_loss", "--plan") == 0
    assert "plan: 2 units (2 done)" in capsys.readouterr().out


def test_two_settings_of_one_model_are_reported_side_by_side(tiny, home):
    working = home / "two-settings"
    flags = ["--data", tiny, "--working", working, *NBLR]
    for more in ([], ["--set", "nblr.strength=3"]):
        assert start_script(home, "run.py", *flags, *more).returncode == 0
    done = start_script(home, "report.py", "--data", tiny, "--working", working, "--folds", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("nblr-") >= 2
