"""Crashes at every point, damaged artefacts, closed outputs: the same command mends them all."""

from __future__ import annotations

import csv
import pickle
import re
import shutil
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import Touch, write_competition
from processes import (
    SMALL,
    children,
    is_running,
    obeying_permissions,
    probabilities,
    run_kernel,
    start_kernel,
    wait_until,
)

from seqblend.core.storage import file_digest, read_array, read_record, write_array, write_record

# The count picks a later visit. Inside a worker it is chosen so that the fresh worker gets past
# it, since FAULT is still set there; the first visits would end every unit.
KILLS = [
    "cache.write:2",
    "weights.rename:4",
    "submission.write:3",
    *(
        pytest.param(fault, marks=pytest.mark.slow)
        for fault in (
            "oof.write:6",
            "data.read:1",
            "data.read:3",
            "cache.write:1",
            "folds.write:1",
            "folds.write:2",
            "epoch.end:1",
            "epoch.end:3",
            "weights.write:1",
            "weights.write:4",
            "weights.rename:1",
            "oof.write:1",
            "oof.write:4",
            "blend.write:1",
            "blend.write:4",
            "submission.write:1",
            "submission.write:2",
            "submission.write:4",
        )
    ),
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """A competition in which bilstm does not help the blend: the first model alone is best."""
    return write_competition(tmp_path_factory.mktemp("weak") / "tiny", share=0.2)


@pytest.fixture(scope="module")
def undisturbed(tiny, tmp_path_factory) -> Path:
    """A kernel in which the whole pipeline ran without a fault."""
    kaggle = tmp_path_factory.mktemp("undisturbed")
    assert run_kernel(kaggle, "--data", tiny, *SMALL) == 0
    return kaggle


@pytest.fixture
def kernel(undisturbed, tmp_path) -> Path:
    """A copy of the undisturbed kernel, to be damaged."""
    return shutil.copytree(undisturbed, tmp_path / "kaggle")


@pytest.fixture(scope="module")
def crashed(request, tiny, tmp_path_factory):
    """(kernel folder, output) of every selected fault, run two at a time beside the tests."""

    def crash(fault: str) -> tuple[Path, str]:
        kaggle = tmp_path_factory.mktemp("crashed")
        process = start_kernel(kaggle, "--data", tiny, *SMALL, FAULT=fault.replace(":", ":kill9:"))
        output = "".join(process.communicate(timeout=600))
        return kaggle, f"{output}\nexit code {process.returncode}"

    faults = [
        item.callspec.params["fault"]
        for item in request.session.items
        if "fault" in getattr(getattr(item, "callspec", None), "params", {})
    ]
    with ThreadPoolExecutor(2) as pool:
        futures: dict[str, Future] = {fault: pool.submit(crash, fault) for fault in faults}
        yield lambda fault: futures[fault].result()


def blends(kaggle: Path) -> dict[str, bytes]:
    """Blends and their submissions, interim ones too: a resumed run need not make those."""
    found = [*kaggle.glob("working/seqblend/tiny/blends/**/*.npy"), *kaggle.rglob("tiny-*.csv")]
    return {str(path.relative_to(kaggle)): path.read_bytes() for path in found}


def unit_manifests(kaggle: Path) -> dict[Path, bytes]:
    """The manifests of finished units, which carry their seconds: another fit has other bytes."""
    return {p: p.read_bytes() for p in kaggle.glob("working/seqblend/tiny/runs/*/*/manifest.json")}


def check_recovery(kaggle: Path, tiny: Path, undisturbed: Path) -> None:
    """The same command again: the bytes of an undisturbed run, nothing twice, nothing left over."""
    check_resumption(kaggle, tiny, undisturbed)
    assert blends(kaggle)
    assert blends(kaggle).items() <= blends(undisturbed).items()


def check_resumption(kaggle: Path, tiny: Path, undisturbed: Path) -> None:
    """The same, where a failed unit may have left an interim blend of the others."""
    finished = unit_manifests(kaggle)
    assert run_kernel(kaggle, "--data", tiny, *SMALL) == 0
    assert probabilities(kaggle) == probabilities(undisturbed)
    assert unit_manifests(kaggle).items() >= finished.items()
    assert not list(kaggle.rglob("*.tmp"))


@pytest.mark.fault("C1", "R2")
@pytest.mark.parametrize("fault", KILLS)
def test_after_kill_9_the_same_command_gives_the_same_bytes(fault, crashed, tiny, undisturbed):
    kaggle, output = crashed(fault)
    point = fault.partition(":")[0]
    in_worker = point.startswith(("epoch", "weights", "oof"))
    assert f"exit code -{signal.SIGKILL.value}" in output or (in_worker and "SIGKILL" in output)
    check_recovery(kaggle, tiny, undisturbed)


@pytest.mark.fault("C1", "R2")
def test_after_kill_9_in_an_epoch_no_worker_stays_and_the_rest_is_done(tiny, undisturbed, tmp_path):
    process = start_kernel(tmp_path, "--data", tiny, *SMALL)
    for line in process.stdout:
        if line.startswith("bilstm fold 0"):
            break
    workers = children(process.pid)
    process.kill()
    process.communicate()
    assert workers
    assert wait_until(lambda: not any(map(is_running, workers)))
    assert len(unit_manifests(tmp_path)) >= 2
    check_recovery(tmp_path, tiny, undisturbed)


@pytest.mark.fault("D1", "R2")
@pytest.mark.parametrize(
    "writer",
    [
        "oof.write",
        "submission.write:2",
        *(
            pytest.param(writer, marks=pytest.mark.slow)
            for writer in ("cache.write", "folds.write", "weights.write", "blend.write")
        ),
    ],
)
def test_a_full_disk_is_told_at_each_writer_and_the_same_command_resumes(
    writer, tiny, undisturbed, tmp_path
):
    point, _, visit = writer.partition(":")
    fault = f"{point}:enospc:{visit or 1}"
    process = start_kernel(tmp_path, "--data", tiny, *SMALL, FAULT=fault)
    told = "".join(process.communicate(timeout=600))
    assert process.returncode in (1, 5), told
    assert re.search(r"no room to write \S+: [\d,]+ bytes needed, [\d,]+ free\. Free some", told)
    assert "Traceback" not in told
    assert not list(tmp_path.rglob("*.tmp"))
    check_resumption(tmp_path, tiny, undisturbed)


@pytest.mark.fault("D2")
def test_a_folder_that_is_deleted_meanwhile_ends_it_in_one_line(tiny, undisturbed, tmp_path):
    process = start_kernel(tmp_path, "--data", tiny, *SMALL)
    for line in process.stdout:
        if line.startswith("bilstm fold 0"):
            break
    shutil.rmtree(tmp_path / "working" / "seqblend" / "tiny" / "runs")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3, errors
    (line,) = errors.strip().splitlines()
    assert re.search(r"test.npy is gone: .* Type the same command again", line)
    assert run_kernel(tmp_path, "--data", tiny, *SMALL) == 0
    assert probabilities(tmp_path) == probabilities(undisturbed)


@pytest.mark.fault("C2")
@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_signal_in_an_epoch_ends_the_run_and_says_how_to_resume(number, tiny, tmp_path):
    process = start_kernel(tmp_path, "--data", tiny, *SMALL, "--set", "train.epochs=5000")
    for line in process.stdout:
        if " epoch 2 " in line:
            break
    workers = children(process.pid)
    process.send_signal(number)
    _, errors = process.communicate(timeout=5)
    assert process.returncode == 128 + number
    lines = [line for line in errors.splitlines() if line]
    assert len(lines) == 1, errors
    assert number.name in lines[0]
    assert "type the same command again" in lines[0]
    assert wait_until(lambda: not any(map(is_running, workers)))


def test_what_is_submitted_depends_on_the_finished_units_alone(kernel, tiny, undisturbed):
    shutil.rmtree(kernel / "working" / "seqblend" / "tiny" / "blends")
    submission = (kernel / "working" / "submission.csv").read_bytes()
    (kernel / "working" / "submission.csv").unlink()
    check_recovery(kernel, tiny, undisturbed)
    assert (kernel / "working" / "submission.csv").read_bytes() == submission


@pytest.mark.fault("F1", "F3", "X1")
def test_damaged_and_deleted_units_are_done_again_and_no_pickle_is_run(
    kernel, tiny, undisturbed, capsys
):
    runs = kernel / "working" / "seqblend" / "tiny" / "runs"
    (nblr,), (bilstm,) = (list(runs.glob(f"{model}-*")) for model in ("nblr", "bilstm"))
    oof = nblr / "seed0-fold0" / "valid.npy"
    content = bytearray(oof.read_bytes())
    content[-1] ^= 1
    oof.write_bytes(content)
    (nblr / "seed0-fold1" / "weights.npz").write_bytes(b"")
    (bilstm / "seed0-fold0" / "test.npy").write_bytes(pickle.dumps(Touch(kernel / "executed")))
    shutil.rmtree(bilstm / "seed0-fold1")
    assert run_kernel(kernel, "--data", tiny, *SMALL) == 0
    assert probabilities(kernel) == probabilities(undisturbed)
    assert not (kernel / "executed").exists()
    assert len(list(runs.rglob("*.npy.corrupt"))) == 2
    assert len(list(runs.rglob("weights.npz.corrupt"))) == 1
    shown = capsys.readouterr().out
    for name in ("valid.npy", "weights.npz", "test.npy"):
        assert f"{name} does not match its hash; set aside, to be made again" in shown


@pytest.mark.fault("F3", "S3")
def test_probabilities_that_are_none_are_refused_whatever_their_hash(kernel, tiny, capsys):
    folder = next(kernel.glob("working/seqblend/tiny/runs/nblr-*/seed0-fold0"))
    manifest = read_record(folder / "manifest.json")
    array = read_array(folder / "test.npy")
    array[0] = np.nan
    manifest["files"]["test.npy"] = write_array(folder / "test.npy", array)
    write_record(folder / "manifest.json", manifest)
    assert run_kernel(kernel, "--data", tiny, *SMALL) == 3
    assert "rows are not probabilities" in capsys.readouterr().err


@pytest.mark.fault("X1")
@pytest.mark.parametrize("place", ["unit", "data"])
def test_a_pickle_with_a_matching_hash_ends_in_one_line_and_is_never_executed(
    place, kernel, tiny, undisturbed, capsys
):
    mark, root = kernel / "executed", kernel / "working" / "seqblend" / "tiny"
    file = next(root.glob("runs/nblr-*/seed0-fold0")) / "test.npy"
    file = file if place == "unit" else root / "data" / "targets.npy"
    np.save(file, np.array([Touch(mark)], dtype=object), allow_pickle=True)
    manifest = read_record(file.with_name("manifest.json"))
    manifest["files"][file.name] = file_digest(file)
    write_record(file.with_name("manifest.json"), manifest)
    assert run_kernel(kernel, "--data", tiny, *SMALL) == 3
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert f"{file}: expected plain arrays" in line
    assert not mark.exists()
    file.unlink()
    file.with_name("manifest.json").unlink()
    assert run_kernel(kernel, "--data", tiny, *SMALL) == 0
    assert probabilities(kernel) == probabilities(undisturbed)


def test_every_submission_stays_and_the_last_line_of_the_log_is_what_counts(undisturbed, tiny):
    folder = undisturbed / "working" / "submissions"
    with open(folder / "log.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert (folder / lines[-1]["file"]).read_bytes() == (
        undisturbed / "working" / "submission.csv"
    ).read_bytes()
    assert {line["file"] for line in lines} == {path.name for path in folder.glob("tiny-*.csv")}
    before = (folder / "log.csv").read_bytes()
    assert run_kernel(undisturbed, "--data", tiny, *SMALL) == 0
    assert (folder / "log.csv").read_bytes() == before


@pytest.mark.fault("C6")
def test_other_settings_make_another_run_and_leave_the_first_alone(kernel, tiny, undisturbed):
    flags = [*SMALL, "--models", "nblr", "--set", "nblr.min_count=1"]
    assert run_kernel(kernel, "--data", tiny, *flags) == 0
    now, before = probabilities(kernel), probabilities(undisturbed)
    runs = [name for name in before if "/runs/" in name]
    assert [now[name] for name in runs] == [before[name] for name in runs]
    assert len(list(kernel.glob("working/seqblend/tiny/runs/nblr-*"))) == 2


@pytest.mark.fault("C6")
def test_other_data_and_folds_make_other_runs_and_leave_the_first_alone(tmp_path):
    data, flags = write_competition(tmp_path / "tiny"), [*SMALL, "--models", "nblr"]
    assert run_kernel(tmp_path, "--data", data, *flags) == 0
    before = {
        path: path.read_bytes() for path in tmp_path.glob("working/seqblend/tiny/runs/**/*.*")
    }
    train = data / "train.json"
    train.write_text(train.read_text().replace('"label": "red"', '"label": "blue"', 1))
    assert run_kernel(tmp_path, "--data", data, *flags) == 0
    assert run_kernel(tmp_path, "--data", data, *flags, "--folds", "3") == 0
    assert len(list(tmp_path.glob("working/seqblend/tiny/runs/nblr-*"))) == 3
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.fault("R1")
def test_one_worker_and_two_give_the_same_bytes(tiny, undisturbed, tmp_path):
    assert run_kernel(tmp_path, "--data", tiny, *SMALL, "--workers", "2") == 0
    assert probabilities(tmp_path) == probabilities(undisturbed)


@pytest.mark.fault("D3")
def test_a_closed_output_does_not_end_the_run(kernel, tiny):
    (kernel / "working" / "submission.csv").unlink()
    process = start_kernel(kernel, "--data", tiny, *SMALL)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
    assert (kernel / "working" / "submission.csv").is_file()


@pytest.mark.fault("D2")
@pytest.mark.parametrize("place", ["", "working", "submissions"])
def test_a_read_only_folder_ends_it_before_training(place, tiny, tmp_path, capsys):
    (tmp_path / "working" / "submissions").mkdir(parents=True)
    (tmp_path / "input").mkdir()
    flags = ["--working", tmp_path / "w" / "deep"] if not place else []
    folder = tmp_path if not place else tmp_path / "working"
    folder = folder / "submissions" if place == "submissions" else folder
    folder.chmod(0o555)
    try:
        with obeying_permissions():
            assert run_kernel(tmp_path, "--data", tiny, *SMALL, *flags) == 5
    finally:
        folder.chmod(0o755)
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "cannot write in" in line
    assert "Permission denied" in line
    assert not list(tmp_path.rglob("runs"))


@pytest.mark.fault("D2")
@pytest.mark.parametrize("place", ["working", "submissions", "out"])
def test_a_place_that_cannot_be_written_ends_it_before_training(place, tiny, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("not a folder")
    flags = {"working": ["--working", file], "submissions": [], "out": ["--out", file / "a.csv"]}
    if place == "submissions":
        (tmp_path / "working").mkdir()
        (tmp_path / "working" / "submissions").write_text("not a folder")
    assert run_kernel(tmp_path, "--data", tiny, *SMALL, *flags[place]) == 5
    assert "cannot write in" in capsys.readouterr().err
    assert not list(tmp_path.rglob("runs"))
