"""Atomic writes, manifests with hashes, and what is set aside."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY, Touch

from seqblend.core.errors import InputError, MachineError
from seqblend.core.storage import (
    check_writable,
    commit_arrays,
    commit_folder,
    read_array,
    read_arrays,
    read_finished,
    read_record,
    set_aside,
    sweep,
    write_array,
    write_arrays,
    write_bytes,
    write_json,
    write_record,
    write_text,
)
from seqblend.running.workspace import Workspace

_FULL_DISK = """
import resource, sys
from pathlib import Path
from seqblend.core.errors import MachineError
from seqblend.core.storage import write_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, 4_096))
try:
    write_bytes(Path(sys.argv[1]), bytes(50_000))
except MachineError as error:
    print(error)
"""


def finished(folder: Path) -> Path:
    """A finished folder with two files."""
    hashes = {"a.txt": write_text(folder / "a.txt", "alpha")}
    hashes["b.npy"] = write_array(folder / "b.npy", np.arange(3))
    commit_folder(folder, {"what": "test"}, hashes)
    return folder


@pytest.mark.fault("D1")
def test_a_full_disk_leaves_the_previous_file_and_no_temp_file(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    write_text(path, "before", "cache")
    monkeypatch.setenv("FAULT", "cache.write:enospc")
    monkeypatch.setattr("seqblend.core.fault_injection._visits", {})
    with pytest.raises(MachineError, match=r"file.txt: 5 bytes needed, [\d,]+ free. Free some"):
        write_text(path, "after", "cache")
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["file.txt"]


@pytest.mark.fault("D1")
def test_a_file_size_limit_is_told_with_path_and_bytes(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"before")
    child = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "src")},
    )
    assert f"no room to write {path}: 50,000 bytes needed" in child.stdout
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["file.bin"]


@pytest.mark.fault("D2")
def test_a_file_in_the_place_of_a_folder_is_told_with_the_remedy(tmp_path):
    (tmp_path / "working").write_text("a file")
    with pytest.raises(
        MachineError, match=r"cannot write in .*tiny.*another folder with --working"
    ):
        Workspace(tmp_path / "working", "tiny").prepare()
    with pytest.raises(MachineError, match=r"cannot write .*file.txt: (File exists|Not a dir)"):
        write_text(tmp_path / "working" / "file.txt", "")


def test_the_check_for_writing_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "new", "")
    assert os.listdir(tmp_path / "new") == []


def test_an_injected_failure_leaves_the_previous_file_intact(tmp_path, monkeypatch):
    path = tmp_path / "weights.npz"
    write_arrays(path, {"a": np.arange(3)}, "weights")
    monkeypatch.setenv("FAULT", "weights.rename:raise")
    monkeypatch.setattr("seqblend.core.fault_injection._visits", {})
    with pytest.raises(RuntimeError, match=r"weights\.rename"):
        write_arrays(path, {"a": np.zeros(3)}, "weights")
    np.testing.assert_array_equal(read_arrays(path)["a"], np.arange(3))


def test_a_finished_folder_gives_its_manifest_and_an_unfinished_one_none(tmp_path):
    notes = []
    assert read_finished(finished(tmp_path / "one"), notes.append)["what"] == "test"
    write_text(tmp_path / "two" / "a.txt", "alpha")
    assert read_finished(tmp_path / "two", notes.append) is None
    assert notes == []


@pytest.mark.fault("F1")
@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "text", "gone"])
def test_a_damaged_file_is_set_aside_with_the_manifest(tmp_path, damage):
    folder, notes = finished(tmp_path / "one"), []
    path = folder / "b.npy"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    kinds = {"truncated": content[:-1], "empty": b"", "flipped": content, "text": b"hello"}
    path.unlink()
    if damage != "gone":
        path.write_bytes(kinds[damage])
    assert read_finished(folder, notes.append) is None
    assert not (folder / "manifest.json").exists()
    assert (folder / "b.npy.corrupt").exists() == (damage != "gone")
    assert not path.exists()
    assert len(notes) == 1
    assert "one: b.npy does not match its hash" in notes[0]


@pytest.mark.fault("F1")
@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": 3}', '"a"', "\udcff"])
def test_a_damaged_manifest_is_set_aside(tmp_path, text):
    folder, notes = finished(tmp_path / "one"), []
    (folder / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert read_finished(folder, notes.append) is None
    assert (folder / "manifest.json.corrupt").exists()
    assert len(notes) == 1


@pytest.mark.fault("F1")
@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "{}", '"a"', "\udcff", '{"a": NaN}', "[" * 100_000, "folder", "edit"]
)
def test_a_record_is_what_was_written_or_set_aside_with_a_note(tmp_path, damage):
    path, notes = tmp_path / "record.json", []
    assert read_record(path, notes.append) is None
    write_record(path, {"what": [1, "two"]})
    assert read_record(path, notes.append) == {"what": [1, "two"]}
    assert notes == []
    text = path.read_text().replace("two", "too") if damage == "edit" else damage
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert read_record(path) is None
    assert path.exists()
    assert read_record(path, notes.append) is None
    assert not path.exists()
    assert "set aside as record.json.corrupt" in notes[0]


def test_what_was_set_aside_before_stays(tmp_path):
    for text in ("one", "two", "three"):
        (tmp_path / "a").write_text(text)
        set_aside(tmp_path / "a")
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"a.corrupt": "one", "a.corrupt2": "two", "a.corrupt3": "three"}


def test_a_sweep_removes_what_dead_writers_left_and_nothing_else(tmp_path):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (tmp_path / "deep").mkdir()
    left = [tmp_path / f".a.csv.{dead}.tmp", tmp_path / "deep" / f".weights.npz.{dead}.tmp"]
    kept = [tmp_path / f".b.csv.{os.getpid()}.tmp", tmp_path / "c.tmp", tmp_path / "d.csv"]
    for path in left + kept:
        path.touch()
    assert sweep(tmp_path) == 2
    assert [path.exists() for path in left + kept] == [False, False, True, True, True]


@pytest.mark.fault("X1")
@pytest.mark.parametrize("kind", ["pickle", "object array", "archive"])
def test_a_pickle_among_the_arrays_is_never_executed(tmp_path, kind):
    mark, path = tmp_path / "executed", tmp_path / "valid.npy"
    harmful = np.array([Touch(mark)], dtype=object)
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Touch(mark)))
    elif kind == "object array":
        np.save(path, harmful, allow_pickle=True)
    else:
        with open(path, "wb") as file:
            np.savez(file, a=harmful)
    with pytest.raises(InputError, match=rf"{path}: expected plain arrays.*Delete it and .*manif"):
        (read_arrays if kind == "archive" else read_array)(path)
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"\x93NUMPY\x01\x00v\x00{"])
def test_what_is_no_array_is_told_with_the_remedy(tmp_path, content):
    path = tmp_path / "valid.npy"
    path.write_bytes(content)
    for read in (read_array, read_arrays, lambda path: read_array(path, is_mapped=True)):
        with pytest.raises(
            InputError, match=r"valid.npy: expected plain arrays, but numpy says: \w"
        ):
            read(path)


def test_arrays_are_written_again_only_where_something_changed(tmp_path):
    def written(value: float, score: float = 0.5) -> list[int]:
        commit_arrays(tmp_path, {"score": score}, {"oof": np.full(3, value), "test": np.zeros(2)})
        return [(tmp_path / name).stat().st_ino for name in ("oof.npy", "manifest.json")]

    first = written(1.0)
    assert written(1.0) == first
    assert written(1.0, score=0.25)[1] != first[1]
    assert read_finished(tmp_path, pytest.fail)["score"] == 0.25
    assert written(2.0)[0] != first[0]
    assert read_array(tmp_path / "oof.npy").tolist() == [2.0] * 3
    standing = written(2.0)
    (tmp_path / "oof.npy").write_bytes(b"damaged")
    assert written(2.0)[0] != standing[0]
    assert read_finished(tmp_path, pytest.fail) is not None


@pytest.mark.fault("N2")
def test_nan_is_refused_in_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"score": float("nan")})
    assert os.listdir(tmp_path) == []


def test_the_hash_is_that_of_the_bytes_on_disk(tmp_path):
    assert write_bytes(tmp_path / "a", b"abc").startswith("ba7816bf8f01cfea")  # FIPS 180-2
