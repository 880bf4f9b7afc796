"""Public data sets: small archives become competitions that are read with the right schema."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import pickle
import re

import numpy as np
import pytest
from public_examples import (
    OTHER_FILES,
    POSTS,
    REVIEWS,
    ragged,
    write_newswires,
    write_tar,
    write_tree,
)

from seqblend.core.config import DataConfig
from seqblend.core.errors import FlagError, InputError
from seqblend.core.storage import file_digest
from seqblend.extras.public.documents import NEWSGROUPS
from seqblend.extras.public.published import DATA_SETS, prepare
from seqblend.extras.public.reuters import read_integer_lists
from seqblend.reading.discovery import find_files
from seqblend.reading.reader import read_competition
from seqblend.reading.solution import read_solution

NEWSWIRES = [[i % 40 + 1, i % 7 + 1, 90 + i] for i in range(230)]
TOPICS = [i % 46 for i in range(230)]


def run(name, place, folder, **changes):
    """The data set, prepared without asking whether it is the published one."""
    is_checked = changes.pop("is_checked", False)
    published = dataclasses.replace(DATA_SETS[name], **changes)
    return prepare(published, place, folder, is_checked=is_checked)


def reread(folder, **data):
    """(the competition, the test rows' answers by id)."""
    files = find_files(folder)
    rows = read_competition(files, DataConfig(**data), name="x")
    truth = read_solution(files.solution, rows).targets
    answers = {i: rows.classes[k] for i, k in zip(rows.test_ids, truth, strict=True)}
    return rows, answers


def roles(rows):
    return {
        f.what: f.value for f in rows.findings if f.what in ("id", "target", "sequence", "kind")
    }


def sources(folder):
    return dict(csv.reader((folder / "sources.csv").read_text().splitlines()))


def cells(folder, file, column="text"):
    records = map(json.loads, (folder / file).read_text().splitlines())
    return {record["id"]: record[column] for record in records}


def test_imdb_becomes_a_competition_with_its_own_split(tmp_path):
    folder = tmp_path / "imdb"
    data = run("imdb", write_tar(tmp_path / "x.tar.gz", REVIEWS | OTHER_FILES), folder)
    assert (len(data.train), len(data.test), len(data.unlabelled)) == (12, 12, 3)
    rows, answers = reread(folder)
    assert roles(rows) == {"id": "id", "target": "label", "sequence": "text", "kind": "text"}
    assert rows.metric == "accuracy"
    assert (rows.classes, rows.counts["unlabelled"]) == (("neg", "pos"), 3)
    names = sources(folder)
    for i, label in [*answers.items(), *zip(rows.train_ids, data.train["label"], strict=True)]:
        assert f"/{label}/" in names[i]
    texts = cells(folder, "train.jsonl") | cells(folder, "test.jsonl")
    texts |= cells(folder, "unlabelled.jsonl")
    assert {f"aclImdb/{names[i]}": text.encode() for i, text in texts.items()} == REVIEWS


def test_no_id_and_no_order_tells_the_label(tmp_path):
    data = run("imdb", write_tar(tmp_path / "x.tar.gz", REVIEWS), tmp_path / "out")
    for rows, part in ((data.train, "train"), (data.test, "test")):
        labels = rows["label"].tolist()
        assert rows["id"].tolist() == [f"{part}_{i}" for i in range(12)]
        assert labels != sorted(labels)
        assert labels != sorted(labels, reverse=True)


def test_a_tree_gives_the_bytes_of_its_archive_whatever_the_order_of_its_files(tmp_path):
    backwards = dict(reversed(REVIEWS.items()))
    run("imdb", write_tar(tmp_path / "x.tar", backwards, "w"), tmp_path / "a")
    tree = write_tree(tmp_path / "tree", REVIEWS | OTHER_FILES)
    run("imdb", tree, tmp_path / "b")
    run("imdb", tree / "aclImdb", tmp_path / "c")
    files = {p.name: p.read_bytes() for p in (tmp_path / "a").iterdir()}
    for other in ("b", "c"):
        assert {p.name: p.read_bytes() for p in (tmp_path / other).iterdir()} == files


def test_imdb_without_unlabelled_reviews_is_a_competition_too(tmp_path):
    labelled = {name: text for name, text in REVIEWS.items() if "unsup" not in name}
    assert run("imdb", write_tree(tmp_path / "tree", labelled), tmp_path / "out").unlabelled is None
    assert not (tmp_path / "out" / "unlabelled.jsonl").exists()


def test_posts_stay_raw_and_keep_every_byte(tmp_path):
    folder = tmp_path / "20newsgroups"
    data = run("20newsgroups", write_tar(tmp_path / "x.tar.gz", POSTS), folder)
    rows, answers = reread(folder)
    assert roles(rows) == {"id": "id", "target": "label", "sequence": "text", "kind": "text"}
    assert rows.classes == NEWSGROUPS.classes
    names, texts = sources(folder), cells(folder, "train.jsonl") | cells(folder, "test.jsonl")
    assert {
        f"20news-bydate-{names[i]}": text.encode("latin-1") for i, text in texts.items()
    } == POSTS
    assert all(f"/{label}/" in names[i] for i, label in answers.items())
    assert data.unlabelled is None


def test_newswires_are_split_and_numbered_as_keras_does(tmp_path):
    folder = tmp_path / "reuters"
    run("reuters", write_newswires(tmp_path / "x.npz", NEWSWIRES, TOPICS), folder)
    rows, answers = reread(folder, task="single_label")  # 4 rows of a topic are few
    assert roles(rows)["sequence"] == "sequence"
    assert roles(rows)["kind"] == "tokens"
    order = np.random.RandomState(113).permutation(230)  # draws as shuffling 0..91 does
    assert rows.train_ids == [str(i) for i in order[:184]]  # int(230 * 0.8)
    assert rows.test_ids == [str(i) for i in order[184:]]
    assert answers == {str(i): str(TOPICS[i]) for i in order[184:]}
    written = cells(folder, "train.jsonl", "sequence") | cells(folder, "test.jsonl", "sequence")
    assert written["7"] == [1, 8 + 3, 1 + 3, 97 + 3]


def test_the_largest_word_id_is_out_of_vocabulary_as_in_keras(tmp_path):
    run("reuters", write_newswires(tmp_path / "x.npz", NEWSWIRES, TOPICS), tmp_path / "out")
    written = cells(tmp_path / "out", "train.jsonl", "sequence") | cells(
        tmp_path / "out", "test.jsonl", "sequence"
    )
    assert [i for i, row in written.items() if 2 in row] == ["229"]
    assert max(max(row) for row in written.values()) == 90 + 228 + 3


@pytest.mark.parametrize(
    ("name", "files", "problem"),
    [
        (
            "imdb",
            {n: t for n, t in REVIEWS.items() if "/test/pos" not in n},
            "no documents in test/pos. Take the whole data set",
        ),
        (
            "imdb",
            {n: t for n, t in REVIEWS.items() if "/train/" not in n},
            "no documents in train/neg, train/pos",
        ),
        (
            "imdb",
            REVIEWS | {"aclImdb/train/pos/9_9.txt": b"so \xe9"},
            "train/pos/9_9.txt, byte 3 is not utf-8",
        ),
        ("imdb", POSTS, "no documents in test/neg, test/pos, train/neg, train/pos"),
        ("20newsgroups", REVIEWS, "no documents in 20news-bydate-test/alt.atheism, "),
    ],
)
def test_other_folders_than_the_published_ones_are_named(tmp_path, name, files, problem):
    for place in (write_tar(tmp_path / "x.tar.gz", files), write_tree(tmp_path / "tree", files)):
        with pytest.raises(InputError, match=re.escape(problem)) as error:
            run(name, place, tmp_path / "out")
        assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_other_arrays_are_named(tmp_path):
    def fails(problem, **arrays):
        np.savez(tmp_path / "x.npz", **arrays)
        with pytest.raises(InputError, match=problem) as error:
            run("reuters", tmp_path / "x.npz", tmp_path / "out")
        assert "\n" not in str(error.value)

    good = np.load(write_newswires(tmp_path / "good.npz", NEWSWIRES, TOPICS), allow_pickle=True)
    x, y = good["x"], good["y"]
    good.close()
    fails("no item named 'x.npy' in the archive", a=y)
    fails(r"y is int64 \[229\] for 230 newswires", x=x, y=y[1:])
    fails(r"y is float64 \[230\]", x=x, y=y.astype(float))
    fails("Object arrays cannot be loaded", x=x, y=x)
    fails("x is an array of int64 with 1 axes", x=y, y=y)
    fails("for 1 newswires", x=x[:1], y=y[:1])
    fails("for 0 newswires", x=x[:0], y=y[:0])
    assert not (tmp_path / "out").exists()


def npy(stream, shape):
    """An .npy of dtype object with this pickle."""
    file = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + stream


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_pickle_protocol_gives_the_lists_without_unpickling(protocol):
    shared = [1, 2]
    rows = [shared, shared, [70_000, 4], [], [-5, 2**31, 2**70], [7], list(range(3_000))]
    stream = pickle.dumps(ragged(rows), protocol=protocol)
    assert read_integer_lists(npy(stream, (7,))) == rows


def test_lists_that_numpy_wrote_under_python_2_are_read():
    stream = (  # byte strings, another module, the dtype by integers
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85"
        b"U\x01b\x87Rq\x03(K\x01K\x02\x85cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R(K\x03U\x01|NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89](](K\x01K\x02e]K\x03aetb."
    )
    assert read_integer_lists(npy(stream, (2,))) == [[1, 2], [3]]


class Malicious:
    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.fault("X1")
@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path, protocol):
    bad = Malicious(tmp_path / "run")
    for content in (bad, ragged([[1], [bad]]), ragged([[1], bad])):
        stream = pickle.dumps(content, protocol=protocol)
        with pytest.raises(ValueError, match=r"pickle instruction|lists for 2 rows"):
            read_integer_lists(npy(stream, (2,)))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([[1], [1.5]], "BINFLOAT"),
        ([[1], ["word"]], "BINUNICODE"),
        ([[1], [True]], "NEWTRUE"),
        ([[1], [None]], "NONE"),
        ([[1], [[2]]], "3 lists for 2 rows"),
        ([[1], {2: 3}], "EMPTY_DICT"),
        ([[1]], "1 lists for 2 rows"),
    ],
)
def test_rows_of_anything_else_are_refused_by_name(rows, named):
    with pytest.raises(ValueError, match=named):
        read_integer_lists(npy(pickle.dumps(ragged(rows), protocol=4), (2,)))


def test_every_truncated_list_is_refused():
    whole = npy(pickle.dumps(ragged([[1, 2, 300], [4]]), protocol=4), (2,))
    for size in range(len(whole)):
        with pytest.raises((ValueError, EOFError)):
            read_integer_lists(whole[:size])


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_truncated_npz_is_one_line(tmp_path, share):
    path = write_newswires(tmp_path / "x.npz", NEWSWIRES, TOPICS)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InputError, match=r"no complete reuters\.npz"):
        run("reuters", path, tmp_path / "out")


def test_a_flipped_byte_in_an_npz_is_noticed(tmp_path):
    path = write_newswires(tmp_path / "x.npz", NEWSWIRES, TOPICS)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"no complete reuters\.npz \(Bad CRC-32"):
        run("reuters", path, tmp_path / "out")


def test_a_folder_is_no_npz(tmp_path):
    with pytest.raises(InputError, match=r"no complete reuters\.npz .*Is a directory"):
        run("reuters", tmp_path, tmp_path / "out")


@pytest.mark.parametrize("name", DATA_SETS)
def test_another_archive_than_the_published_is_refused_with_both_hashes(tmp_path, name):
    path = tmp_path / "x"
    path.write_bytes(b"other")
    with pytest.raises(InputError, match="--unchecked") as error:
        run(name, path, tmp_path / "out", is_checked=True)
    assert file_digest(path) in str(error.value)
    assert re.fullmatch("[0-9a-f]{64}", DATA_SETS[name].sha256)
    assert DATA_SETS[name].sha256 in str(error.value)


def test_the_published_archive_passes_and_a_folder_is_checked_by_its_rows(tmp_path):
    path = write_tar(tmp_path / "x.tar.gz", REVIEWS)
    facts = {"sha256": file_digest(path), "rows": (12, 12), "is_checked": True}
    assert len(run("imdb", path, tmp_path / "a", **facts).train) == 12
    tree = write_tree(tmp_path / "tree", REVIEWS)
    assert len(run("imdb", tree, tmp_path / "b", **facts).train) == 12
    (tree / "aclImdb/train/pos/0_9.txt").unlink()
    with pytest.raises(InputError, match=r"11 train and 12 test rows; published are 12 and 12"):
        run("imdb", tree, tmp_path / "c", **facts)


def test_nothing_named_and_nothing_there_say_where_it_is_published(tmp_path):
    for place in (None, tmp_path / "missing"):
        with pytest.raises(FlagError, match=r"aclImdb_v1.tar.gz.*https://ai\.stanford\.edu"):
            prepare(DATA_SETS["imdb"], place, tmp_path / "out", is_checked=True)
