"""The cache of a competition on disk: read once, loaded equal, read again when files change."""

import json
import os

import numpy as np
import pytest
from conftest import write_competition

from seqblend.core.config import DataConfig
from seqblend.reading.cache import data_digest, load_or_read
from seqblend.reading.discovery import find_files
from seqblend.reading.reader import read_competition


def load(tmp_path, folder, config=DataConfig()):  # noqa: B008
    notes = []
    files = find_files(folder)
    return (*load_or_read(tmp_path / "data", files, config, "", "tiny", notes.append), notes)


def test_what_is_loaded_is_what_was_read(tmp_path, competition_folder):
    fresh = read_competition(find_files(competition_folder), DataConfig(), name="tiny")
    stored, _, _ = load(tmp_path, competition_folder)
    for part in ("train", "test"):
        ours, theirs = getattr(stored, part), getattr(fresh, part)
        np.testing.assert_array_equal(ours.flat()[0], theirs.flat()[0])
        np.testing.assert_array_equal(ours.lengths, theirs.lengths)
    np.testing.assert_array_equal(stored.targets, fresh.targets)
    for name in (
        "name",
        "task",
        "train_ids",
        "test_ids",
        "metric",
        "form",
        "findings",
        "warnings",
        "counts",
        "groups",
        "folds",
    ):
        assert getattr(stored, name) == getattr(fresh, name)
    assert stored.view.lexicon == fresh.view.lexicon


@pytest.mark.fault("F2")
def test_an_edited_file_of_the_same_size_and_time_is_read_again(tmp_path, competition_folder):
    path = competition_folder / "train.json"
    first, _, _ = load(tmp_path, competition_folder)
    before = path.stat()
    rows = json.loads(path.read_text())
    rows[0]["label"], rows[1]["label"] = rows[1]["label"], rows[0]["label"]
    swapped = next(i for i in range(1, len(rows)) if rows[i]["label"] != rows[0]["label"])
    rows[0]["label"], rows[swapped]["label"] = rows[swapped]["label"], rows[0]["label"]
    path.write_text(json.dumps(rows))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    second, _, _ = load(tmp_path, competition_folder)
    assert not np.array_equal(first.targets, second.targets)


@pytest.mark.fault("F2")
def test_options_have_their_own_digest(competition_folder):
    files = find_files(competition_folder)
    digests = {
        data_digest(files, config, metric)
        for config in (DataConfig(), DataConfig(lowercase=False), DataConfig(kind="tokens"))
        for metric in ("", "log_loss")
    }
    assert len(digests) == 6


def test_the_content_digest_is_of_the_rows_and_not_of_what_is_asked(tmp_path, competition_folder):
    files = find_files(competition_folder)

    def content(config, metric):
        return load_or_read(tmp_path / "data", files, config, metric, "tiny", lambda _: None)[1]

    same = content(DataConfig(), "")
    assert content(DataConfig(), "log_loss") == same
    assert content(DataConfig(rows=30), "") != same


@pytest.mark.fault("F1")
def test_a_damaged_cache_is_set_aside_and_read_again(tmp_path, competition_folder):
    first, key, _ = load(tmp_path, competition_folder)
    tokens = tmp_path / "data" / "ids" / "tokens.npy"
    content = bytearray(tokens.read_bytes())
    content[-1] ^= 1
    expected = first.train.flat()[0].copy()
    tokens.write_bytes(content)
    again, same_key, notes = load(tmp_path, competition_folder)
    np.testing.assert_array_equal(again.train.flat()[0], expected)
    assert same_key == key
    assert "does not match its hash" in notes[0]


def test_group_and_fold_columns_survive_and_do_not_linger(tmp_path):
    folder = write_competition(tmp_path / "grouped")
    rows = json.loads((folder / "train.json").read_text())
    grouped = [row | {"author": f"a{i % 7}"} for i, row in enumerate(rows)]
    (folder / "train.json").write_text(json.dumps(grouped))
    with_groups, _, _ = load(tmp_path, folder, DataConfig(group="author"))
    assert len(set(with_groups.groups.tolist())) == 7
    without, _, _ = load(tmp_path, folder)
    assert without.groups is None
