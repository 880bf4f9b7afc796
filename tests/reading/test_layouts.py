"""Folders laid out as competitions lay them out: what is found, joined, grouped and left out."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seqblend.core.config import DataConfig
from seqblend.core.errors import FlagError, InputError
from seqblend.data.sequences import Competition
from seqblend.reading.discovery import find_files
from seqblend.reading.features import column_token, value_token
from seqblend.reading.reader import read_competition
from seqblend.reading.survey import is_competition

WORDS = ["sun", "moon", "rain", "snow", "wind", "fog", "hail", "dust"]


def prose(rows: int, seed: int = 0) -> list[str]:
    """Made-up sentences of five words."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, 5)) for _ in range(rows)]


def write(path: Path, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def read(folder: Path, metric: str = "", **data: str) -> Competition:
    settings = DataConfig(**data)
    files = find_files(folder, settings)
    return read_competition(files, settings, metric=metric, name="made")


def finding(competition: Competition, what: str):
    return next(f for f in competition.findings if f.what == what)


def tokens(competition: Competition, row: int = 0) -> list[str]:
    lexicon = competition.view.lexicon
    return [lexicon[i] for i in competition.train.row(row)]


def simple(folder: Path, *, n: int = 12, **more: list) -> Path:
    """train, test and sample with id, text and label, and further columns of train and test."""
    labels = ["a", "b"] * (n // 2)
    write(folder / "train.csv", id=range(n), text=prose(n), **more, label=labels)
    write(folder / "test.csv", id=range(100, 100 + n), text=prose(n, 1), **more)
    write(folder / "sample_submission.csv", id=range(100, 100 + n), label=["a"] * n)
    return folder


def test_labels_in_a_file_of_their_own_are_joined_by_the_key(tmp_path):
    write(tmp_path / "train_texts.csv", key=["k1", "k2", "k3"], text=prose(3))
    write(tmp_path / "test_texts.csv", key=["k8", "k9"], text=prose(2))
    write(tmp_path / "train_labels.csv", key=["k3", "k1", "k2"], mood=["c", "a", "b"])
    write(tmp_path / "sample_submission.csv", key=["k9", "k8"], mood=["a", "a"])
    found = read(tmp_path)
    assert [found.classes[i] for i in found.targets] == ["a", "b", "c"]
    assert finding(found, "labels joined").value == "mood by key"


def test_labels_without_a_key_are_joined_by_their_order_with_a_warning(tmp_path):
    write(tmp_path / "X_train.csv", text=prose(4))
    write(tmp_path / "X_test.csv", text=prose(2))
    write(tmp_path / "y_train.csv", y=["1", "0", "1", "0"])
    found = read(tmp_path)
    assert found.targets.tolist() == [1, 0, 1, 0]
    assert "y_train.csv has no key" in found.warnings[0]
    write(tmp_path / "y_train.csv", y=["1", "0", "1"])
    with pytest.raises(InputError, match=r"y_train.csv has 3 rows .* Add the rows' key"):
        read(tmp_path)


def test_rows_without_a_label_are_left_out_and_counted(tmp_path):
    write(tmp_path / "train.csv", id=[1, 2, 3], text=prose(3))
    write(tmp_path / "test.csv", id=[8], text=prose(1))
    write(tmp_path / "train_labels.csv", id=[3, 1], y=["b", "a"])
    found = read(tmp_path)
    assert found.train_ids == ["1", "3"]
    assert (
        "1 rows of train.csv have no label in train_labels.csv (the first: id '2')"
        in (found.warnings[0])
    )


STEPS = {"session": ["s1", "s1", "s2", "s1", "s2"], "step": [2, 1, 1, 10, 2]}


def test_a_row_per_step_is_grouped_and_ordered_by_number(tmp_path):
    write(tmp_path / "train.csv", **STEPS, event=["b", "a", "c", "d", "a"], who=[*"xxyxy"])
    write(
        tmp_path / "test.csv", **{**STEPS, "session": [*"uuvuv"]}, event=[*"cabda"], who=[*"xxyxy"]
    )
    write(tmp_path / "train_labels.csv", session=["s1", "s2"], y=["p", "n"])
    write(tmp_path / "sample_submission.csv", session=["v", "u"], y=["p", "p"])
    found = read(tmp_path)
    assert tokens(found)[-3:] == ["a", "b", "d"]
    assert found.train_ids == ["s1", "s2"]
    assert found.form.ids == ["v", "u"]
    assert "grouped by session" in finding(found, "steps").value
    assert "'step'" in finding(found, "steps").why


def test_labels_in_every_step_are_folded(tmp_path):
    columns = {"event": ["b", "a", "c", "d", "a"]}
    write(tmp_path / "train.csv", **STEPS, **columns, y=["p", "p", "n", "p", "n"])
    write(tmp_path / "test.csv", **STEPS, **columns)
    write(tmp_path / "sample_submission.csv", session=["s1", "s2"], y=["p", "p"])
    found = read(tmp_path)
    assert [found.classes[i] for i in found.targets] == ["p", "n"]
    assert len(found.test) == 2


def test_a_label_that_changes_within_a_sequence_is_refused(tmp_path):
    columns = {"event": ["b", "a", "c", "d", "a"]}
    write(tmp_path / "train.csv", **STEPS, **columns, y=["p", "n", "n", "p", "n"])
    write(tmp_path / "test.csv", **STEPS, **columns)
    write(tmp_path / "sample_submission.csv", session=["s1", "s2"], y=["p", "p"])
    with pytest.raises(InputError, match=r"column 'y' has a list; expected one value"):
        read(tmp_path)


def test_a_repeated_id_of_test_is_no_step(tmp_path):
    simple(tmp_path, n=4)
    write(tmp_path / "test.csv", id=[100, 101, 102, 103, 100], text=prose(5))
    with pytest.raises(InputError, match=r"test.csv: 1 repeated ids, the first '100' .* line 6"):
        read(tmp_path)


def test_texts_in_files_are_joined_by_the_rows_ids(tmp_path):
    for part, ids in (("train", "abc"), ("test", "xy")):
        (tmp_path / part).mkdir()
        for text, name in zip(prose(3), ids, strict=False):
            (tmp_path / part / f"{name}.txt").write_text(text)
    write(tmp_path / "train.csv", id=[*"cab"], label=[*"pqp"])
    write(tmp_path / "sample_submission.csv", id=[*"yx"], label=[*"pp"])
    found = read(tmp_path)
    assert tokens(found, 1) == prose(3)[0].split()
    assert found.test_ids == ["x", "y"]


def test_a_folder_per_class_is_a_table(tmp_path):
    for part in ("train/pos", "train/neg", "test"):
        (tmp_path / part).mkdir(parents=True)
    for i, text in enumerate(prose(6)):
        (tmp_path / "train" / ("pos" if i % 2 else "neg") / f"{i}.txt").write_text(text)
        (tmp_path / "test" / f"{i}.txt").write_text(text)
    found = read(tmp_path)
    assert found.classes == ("neg", "pos")
    assert found.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert tokens(found, 3) == prose(6)[1].split()


def test_several_files_per_row_are_columns_and_ids_may_be_numbers(tmp_path):
    for part, count in (("train", 4), ("test", 2)):
        for row in range(count):
            folder = tmp_path / "data" / part / f"article_{row:04}"
            folder.mkdir(parents=True)
            for name in ("file_1", "file_2"):
                (folder / f"{name}.txt").write_text(f"{part} {row} {name}")
    write(tmp_path / "data" / "train.csv", id=range(4), real=[1, 2, 1, 2])
    write(tmp_path / "sample_submission.csv", id=[1, 0], real=[1, 1])
    assert is_competition(tmp_path)
    found = read(tmp_path)
    first = tokens(found, 2)
    assert first[0] == column_token("file_1")
    assert first[1:3] == ["train", "2"]
    assert column_token("file_2") in first
    assert found.form.ids == ["1", "0"]


def test_further_tables_are_joined_where_they_cover_train_and_test(tmp_path):
    simple(tmp_path, author=[*"xyzxyz" * 2])
    write(tmp_path / "authors.csv", author=[*"xyz"], country=["de", "fr", "de"])
    write(tmp_path / "cities.csv", city=["r"], size=["1"])
    found = read(tmp_path)
    assert finding(found, "further table").value == "authors.csv"
    assert value_token("country", "de") in tokens(found)
    assert finding(found, "files not used").value == "cities.csv"


def test_further_tables_of_train_and_test_are_one(tmp_path):
    n = 12
    write(tmp_path / "train.csv", id=range(n), text=prose(n), who=range(n), label=[*"ab" * 6])
    write(tmp_path / "test.csv", id=range(n, 2 * n), text=prose(n), who=range(n, 2 * n))
    write(tmp_path / "sample_submission.csv", id=range(n, 2 * n), label=["a"] * n)
    write(tmp_path / "train_people.csv", who=range(n), kind=[*"uv" * 6])
    write(tmp_path / "test_people.csv", who=range(n, 2 * n), kind=[*"uv" * 6])
    assert value_token("kind", "u") in tokens(read(tmp_path))


def test_parts_of_train_follow_each_other_by_number(tmp_path):
    simple(tmp_path)
    (tmp_path / "train.csv").unlink()
    for part in (10, 2, 1):
        write(
            tmp_path / f"train_{part}.csv", id=[part], text=[f"part {part}"], label=["ab"[part % 2]]
        )
    found = read(tmp_path)
    assert found.train_ids == ["1", "2", "10"]
    write(tmp_path / "train_2.csv", id=[2], body=["x"], label=["a"])
    with pytest.raises(InputError, match=r"train_2.csv has the columns id, body, label; expected"):
        read(tmp_path)


def test_named_files_go_before_found_ones_and_lie_anywhere(tmp_path):
    folder = simple(tmp_path / "comp")
    other = write(tmp_path / "more.csv", id=[1, 2], text=["x y", "y x"], label=["a", "b"])
    assert len(read(folder, train=str(other)).train) == 2
    assert len(read(folder, train=f"train.csv,{other}").train) == 14
    with pytest.raises(FlagError, match=r"data.train: no file nothing.csv"):
        read(folder, train="nothing.csv")


def test_extra_rows_are_trained_on_and_never_validated(tmp_path):
    from seqblend.core.config import FoldConfig
    from seqblend.data.folds import make_folds

    folder = simple(tmp_path)
    write(tmp_path / "val.csv", id=[1, 2], text=["new words", prose(12)[3]], label=["a", "b"])
    assert "val.csv" in finding(read(folder), "files not used").value
    found = read(folder, extra="val.csv")
    assert (len(found.train), found.extra) == (14, 2)
    folds = make_folds(found.targets, found.train, FoldConfig(count=2), extra=found.extra)
    assert folds.fold[12] == -1
    assert folds.fold[13] == folds.fold[3]  # the same words: never on both sides
    assert (folds.fold[:12] >= 0).all()


def test_one_archive_of_everything_and_archives_in_archives_are_read(tmp_path):
    plain = simple(tmp_path / "plain")
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    with zipfile.ZipFile(bundle / "all.zip", "w") as archive:
        for file in plain.iterdir():
            archive.write(file, file.name)
    same = read(bundle)
    assert is_competition(bundle)
    assert tokens(same) == tokens(read(plain))
    twice = simple(tmp_path / "twice")
    inner = tmp_path / "train.csv.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.write(twice / "train.csv", "train.csv")
    with zipfile.ZipFile(twice / "train.zip", "w") as archive:
        archive.write(inner, "train.csv.zip")
    (twice / "train.csv").unlink()
    assert tokens(read(twice)) == tokens(read(plain))


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_columnar_files_are_read(tmp_path, suffix):
    pytest.importorskip("pyarrow")
    folder = simple(tmp_path)
    plain = tokens(read(folder))
    frame = pd.read_csv(folder / "train.csv")
    getattr(frame, f"to_{suffix}")(folder / f"train.{suffix}")
    (folder / "train.csv").unlink()
    assert tokens(read(folder)) == plain


def test_columnar_files_without_their_package_are_one_line(tmp_path, monkeypatch):
    folder = simple(tmp_path)
    (folder / "train.parquet").write_bytes(b"PAR1")
    (folder / "train.csv").unlink()

    def refuse(_):
        raise ImportError("no pyarrow")

    monkeypatch.setattr(pd, "read_parquet", refuse)
    with pytest.raises(InputError, match=r"Parquet file; .* Install it \(pip install pyarrow\)"):
        read(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<!DOCTYPE html>\n<html><body>Sign in</body></html>", "is an HTML page"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "is a Git LFS pointer"),
    ],
)
def test_what_a_download_leaves_in_place_of_data_is_named(tmp_path, content, message):
    folder = simple(tmp_path)
    (folder / "train.csv").write_text(content)
    with pytest.raises(InputError, match=rf"train.csv {message}.* Download it again"):
        read(folder)


LONG = prose(12, 5)


@pytest.mark.parametrize(
    ("name", "cells", "why"),
    [
        ("url", [f"https://news.example.org/{i}/a-long-story-about-it" for i in range(12)], "URLs"),
        ("date", [f"2024-03-{i + 1:02} 10:0{i % 10}:00" for i in range(12)], "dates"),
        ("email", [f"user{i}@mail.example.org" for i in range(12)], "addresses"),
        ("hash", [f"{i:x}f{i * 7919 + 12345678901234567890:030x}" for i in range(12)], "hashes"),
        ("file", [f"images/cats/{i}.jpg" for i in range(12)], "paths"),
        ("uuid", [f"0000000{i:x}-1111-2222-3333-44444444444a" for i in range(12)], "UUIDs"),
        ("user", [f"@someone{i}" for i in range(12)], "handles"),
        ("meta", [json.dumps({"a": i, "b": "many words in here"}) for i in range(12)], "JSON obj"),
        ("same", ["one and the same sentence"] * 12, "one value"),
        ("number", [str(i + 5000) for i in range(12)], "ids"),
    ],
)
def test_what_is_no_text_is_left_out_with_its_reason(tmp_path, name, cells, why):
    found = read(simple(tmp_path, **{name: cells}))
    assert finding(found, "sequence").value == "text"
    assert f"{name} ({why}" in finding(found, "ignored columns").value


def test_categories_and_numbers_beside_a_text_are_tokens(tmp_path):
    more = {"place": [*"xyzxyz" * 2], "age": [round(1.5 * i, 1) for i in range(12)], "title": LONG}
    found = read(simple(tmp_path, **more))
    first = tokens(found)
    assert first[:2] == [value_token("place", "x"), value_token("age", "0")]
    assert first[2] == column_token("text")
    assert column_token("title") in first
    assert finding(found, "features").value == "place, age (tenths)"
    alone = read(tmp_path, features="none", ignore="title")
    assert tokens(alone) == prose(12)[0].split()
    assert tokens(read(tmp_path, features="place"))[0] == value_token("place", "x")
    assert tokens(read(tmp_path, sequence="text")) == prose(12)[0].split()


def test_a_group_that_test_does_not_share_keeps_its_rows_together(tmp_path):
    n = 120
    essay = [f"essay{i // 6}" for i in range(n)]
    labels = ["ab"[i // 6 % 2] for i in range(n)]
    write(tmp_path / "train.csv", id=range(n), essay=essay, text=prose(n), label=labels)
    write(tmp_path / "test.csv", id=range(n, n + 6), essay=["essay99"] * 6, text=prose(6))
    write(tmp_path / "sample_submission.csv", id=range(n, n + 6), label=["a"] * 6)
    found = read(tmp_path)
    assert finding(found, "groups").value == "essay"
    assert found.groups is not None
    assert len(set(found.groups.tolist())) == 20
    assert read(tmp_path, group="none").groups is None
    write(tmp_path / "test.csv", id=range(n, n + 6), essay=["essay3"] * 6, text=prose(6))
    assert read(tmp_path).groups is None  # test has rows of the same essays
    write(tmp_path / "test.csv", id=range(n, n + 6), essay=["essay99"] * 6, text=prose(6))
    rng = np.random.default_rng(0)
    write(
        tmp_path / "train.csv",
        id=range(n),
        essay=essay,
        text=prose(n),
        label=rng.choice([*"ab"], n),
    )
    assert read(tmp_path).groups is None  # labels agree within groups by chance alone


def test_columns_with_one_1_per_row_are_one_label(tmp_path):
    one_hot = {"win_a": [1, 0, 0, 1], "win_b": [0, 1, 0, 0], "tie": [0, 0, 1, 0]}
    write(tmp_path / "train.csv", id=range(4), text=prose(4), **one_hot)
    write(tmp_path / "test.csv", id=[8, 9], text=prose(2))
    third = [0.33, 0.33]
    write(tmp_path / "sample_submission.csv", id=[8, 9], win_a=third, win_b=third, tie=third)
    found = read(tmp_path)
    assert [found.classes[i] for i in found.targets] == ["win_a", "win_b", "tie", "win_a"]
    assert found.form.kind == "class_columns"


def test_of_several_targets_one_may_be_chosen(tmp_path):
    write(tmp_path / "train.csv", id=range(4), text=prose(4), rude=[1, 0, 1, 0], mad=[1, 1, 0, 0])
    write(tmp_path / "test.csv", id=[8, 9], text=prose(2))
    write(tmp_path / "sample_submission.csv", id=[8, 9], rude=[0.5, 0.5], mad=[0.25, 0.5])
    with pytest.raises(FlagError, match=r"train columns rude, mad. Choose one with --set data.t"):
        read(tmp_path, task="single_label")
    form = read(tmp_path, target="rude").form
    assert form.columns == ("rude",)
    assert form.copied == {"mad": ["0.25", "0.5"]}


def test_a_label_of_two_columns_is_made_of_both(tmp_path):
    write(
        tmp_path / "train.csv",
        id=range(4),
        text=prose(4),
        Kind=[*"xyxy"],
        Error=["NA", "p", "q", "NA"],
    )
    write(tmp_path / "test.csv", id=[8], text=prose(1))
    write(tmp_path / "sample_submission.csv", **{"id": [8], "Kind:Error": ["x:NA y:p"]})
    assert read(tmp_path).classes == ("x:NA", "x:q", "y:NA", "y:p")


def test_a_sample_of_zeros_gets_both_files_and_the_metric_decides(tmp_path):
    simple(tmp_path)
    write(tmp_path / "train.csv", id=range(12), text=prose(12), label=[0, 1] * 6)
    write(tmp_path / "sample_submission.csv", id=range(100, 112), label=[0] * 12)
    found = read(tmp_path)
    assert (found.form.kind, found.form.is_ambiguous) == ("labels", True)
    assert any("both files are written" in text for text in found.warnings)
    for metric, kind in (("auc", "probability"), ("macro_f1", "labels")):
        form = read(tmp_path, metric).form
        assert (form.kind, form.is_ambiguous) == (kind, False)


def test_further_columns_of_the_sample_are_handed_in_as_they_are(tmp_path):
    simple(tmp_path)
    sample = tmp_path / "sample_submission.csv"
    write(sample, Usage=["Public"] * 12, id=range(100, 112), label=["a"] * 12)
    form = read(tmp_path).form
    assert form.names == ("Usage", "id", "label")
    assert form.copied["Usage"] == ["Public"] * 12


def test_answers_of_the_sample_that_are_no_classes_are_warned_of(tmp_path):
    simple(tmp_path)
    write(tmp_path / "sample_submission.csv", id=range(100, 112), label=[1] * 12)
    assert any(
        "1 in column 'label' is none of the classes (a, b)" in w for w in read(tmp_path).warnings
    )


def test_a_real_valued_target_is_refused_for_a_metric_of_classes_and_the_advice_works(tmp_path):
    simple(tmp_path, n=40)
    values = [f"{i / 41:.3f}" for i in range(13)] * 4
    write(tmp_path / "train.csv", id=range(40), text=prose(40), label=values[:40])
    with pytest.raises(InputError, match=r"13 different labels .* look like a regression target"):
        read(tmp_path, "accuracy")
    assert read(tmp_path, "rmse").task.name == "regression"
    assert len(read(tmp_path, task="single_label").classes) == 13
    assert len(read(tmp_path, "accuracy", target="label").classes) == 13


def test_numbers_that_are_names_stay_apart(tmp_path):
    simple(tmp_path)
    for labels, classes in (
        (["3.1", "3.10"], ("3.1", "3.10")),
        (["1E5", "100000"], ("100000", "1E5")),
        (["nan", "deu"], ("deu", "nan")),
        (["INF", "FIN"], ("FIN", "INF")),
    ):
        write(tmp_path / "train.csv", id=range(12), text=prose(12), label=labels * 6)
        write(tmp_path / "sample_submission.csv", id=range(100, 112), label=labels[:1] * 12)
        assert read(tmp_path).classes == classes


def test_times_of_steps_become_weekday_hour_and_gaps(tmp_path):
    times = {f"time{i}": [f"2024-03-0{1 + i % 2} 10:00:0{i}"] * 12 for i in (1, 2, 3)}
    sites = {f"site{i}": [*"abcabc" * 2] for i in (1, 2, 3)}
    columns = {k: v for pair in zip(sites.items(), times.items(), strict=True) for k, v in pair}
    write(tmp_path / "train.csv", id=range(12), **columns, y=[0, 1] * 6)
    write(tmp_path / "test.csv", id=range(20, 32), **columns)
    found = read(tmp_path)
    assert finding(found, "sequence").value == "site* (site1 to site3) + time* (time1 to time3)"
    assert tokens(found) == [
        *(column_token("site*"), "a", "a", "a"),
        *(column_token("time*"), "Sat", "10h", "gap-16", "gap16"),
    ]


def test_unlabelled_steps_are_grouped_like_those_of_train(tmp_path):
    columns = {"event": ["b", "a", "c", "d", "a"]}
    write(tmp_path / "train.csv", **STEPS, **columns, y=["p", "p", "n", "p", "n"])
    write(tmp_path / "test.csv", **STEPS, **columns)
    write(tmp_path / "unlabeled.csv", **STEPS, **columns)
    write(tmp_path / "sample_submission.csv", session=["s1", "s2"], y=["p", "p"])
    assert read(tmp_path).counts["unlabelled"] == 2


def test_a_sample_that_repeats_the_text_has_no_id_and_the_text_is_read(tmp_path):
    texts = [f"{text} {i}" for i, text in enumerate(prose(12, 1))]
    write(
        tmp_path / "train.csv", Insult=[0, 1] * 6, Date=["20120618192155Z"] * 12, Comment=prose(12)
    )
    write(tmp_path / "test.csv", id=range(12), Date=["20120618192155Z"] * 12, Comment=texts)
    sample = tmp_path / "sample_submission_null.csv"
    write(sample, Insult=[0] * 12, Date=["20120618192155Z"] * 12, Comment=texts[::-1])
    found = read(tmp_path, "auc")
    assert finding(found, "sequence").value == "Comment"
    assert found.form.names == ("Insult", "Date", "Comment")
    assert found.form.ids == texts[::-1]


def test_among_pairs_of_files_the_one_with_the_samples_ids_is_taken(tmp_path):
    write(tmp_path / "prompts_train.csv", prompt=["p1", "p2"], title=["One", "Two"])
    write(tmp_path / "prompts_test.csv", prompt=["p3"], title=["Three"])
    more = {"prompt": ["p1", "p2"] * 6}
    write(tmp_path / "texts_train.csv", key=range(12), text=prose(12), **more, y=[*"ab" * 6])
    write(tmp_path / "texts_test.csv", key=[20, 21], text=prose(2), prompt=["p3", "p3"])
    write(tmp_path / "sample_submission.csv", key=[21, 20], y=["a", "a"])
    found = read(tmp_path)
    assert finding(found, "train").value == "texts_train.csv"
    assert finding(found, "further table").value == "prompts_train.csv, prompts_test.csv"


def test_texts_within_json_objects_are_read_where_they_are_prose(tmp_path):
    page = [json.dumps({"title": f"Story {i}", "body": text}) for i, text in enumerate(prose(12))]
    found = read(simple(tmp_path, page=page), ignore="text")
    assert tokens(found)[:3] == ["story", "0", prose(12)[0].split()[0]]


def test_a_number_may_be_missing_in_several_ways(tmp_path):
    found = read(simple(tmp_path, score=[*(str(i / 7) for i in range(8)), "?", "NA", "", "null"]))
    assert finding(found, "features").value == "score (tenths)"


def test_steps_without_an_order_keep_that_of_the_file(tmp_path):
    visits = {"visit": [7, 7, 7, 9, 9, 9], "item": [*"bacbbc"], "day": [*"MMMTTT"]}
    write(tmp_path / "train.csv", Type=[3, 3, 3, 38, 38, 38], **visits)
    write(tmp_path / "test.csv", **visits)
    half = [0.5, 0.5]
    write(tmp_path / "sample_submission.csv", visit=[7, 9], Type_3=half, Type_38=half)
    found = read(tmp_path)
    assert found.classes == ("3", "38")
    assert tokens(found) == ["b", "a", "c"]
    assert "order of the file" in finding(found, "steps").why


@pytest.mark.parametrize("labels", [["true", "false"], ["True", "False"]])
def test_truth_values_are_written_as_the_numbers_of_the_sample(tmp_path, labels):
    simple(tmp_path)
    write(tmp_path / "train.csv", id=range(12), text=prose(12), label=labels * 6)
    write(tmp_path / "submit.csv", id=range(100, 112), label=[0] * 12)
    (tmp_path / "sample_submission.csv").unlink()
    found = read(tmp_path)
    assert found.classes == ("0", "1")
    assert found.targets.tolist() == [1, 0] * 6
    assert found.form.is_ambiguous
    assert read(tmp_path, "auc").form.classes == (1,)


def test_a_sample_without_ids_is_written_row_by_row(tmp_path):
    from seqblend.blending.submission import write_submission

    texts = ["you too", "you too", "go on"]
    write(tmp_path / "train.csv", Insult=[0, 1] * 6, Comment=prose(12))
    write(tmp_path / "test.csv", Comment=texts)
    write(tmp_path / "sample_submission.csv", Insult=[0] * 3, Comment=texts)
    found = read(tmp_path, "accuracy")
    p = np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]])
    write_submission(tmp_path / "s.csv", found.form, found.task, found.test_ids, p)
    assert (tmp_path / "s.csv").read_text() == "Insult,Comment\n0,you too\n1,you too\n0,go on\n"


@pytest.mark.parametrize(
    ("name", "values"),
    [("ID", "abc"), ("document", "abc"), ("file", ["a.txt", "b.txt", "c.txt"]), ("id", "abc")],
)
def test_labels_are_joined_by_the_values_of_the_key_whatever_it_is_called(tmp_path, name, values):
    write(tmp_path / "train.csv", id=[*"abc"], text=prose(3))
    write(tmp_path / "test.csv", id=[*"xy"], text=prose(2))
    shuffled = {name: [values[i] for i in (2, 0, 1)], "y": [*"rpq"]}
    write(tmp_path / "train_labels.csv", **{"": [0, 1, 2]}, **shuffled)
    found = read(tmp_path, target="y")
    assert [found.classes[i] for i in found.targets] == [*"pqr"]
    assert not found.warnings


def test_a_table_of_other_things_is_not_joined_by_the_rows_own_numbers(tmp_path):
    folder = simple(tmp_path, user=[str(100 + i % 4) for i in range(12)])
    write(folder / "users.csv", id=range(100, 104), bio=prose(4, 7))
    found = read(folder)
    assert finding(found, "further table").why == "joined by user = id"
    assert value_token("bio", prose(4, 7)[0]) in tokens(found)
    write(folder / "users.csv", id=range(400), bio=prose(400, 7))
    assert "users.csv" in finding(read(folder), "files not used").value


def test_a_log_with_several_rows_per_id_becomes_a_sequence(tmp_path):
    n = 12
    write(tmp_path / "train.csv", bidder=[f"b{i}" for i in range(n)], outcome=[0, 1] * 6)
    write(tmp_path / "test.csv", bidder=["t0", "t1"])
    write(tmp_path / "sample_submission.csv", bidder=["t0", "t1"], outcome=[0, 0])
    who = [f"b{i}" for i in range(n - 1)] * 3 + ["t0", "t1"] * 2
    times = list(range(len(who), 0, -1))
    events = [*"xyz" * 12, "w"]
    write(tmp_path / "bids.csv", bidder_id=who, time=times, event=events[: len(who)])
    found = read(tmp_path)
    assert finding(found, "sequence").value == "event"
    assert tokens(found, 0) == [
        e for w, e in reversed(list(zip(who, events, strict=False))) if w == "b0"
    ]
    assert found.counts["empty_train"] == 1  # b11 has no event
    assert "several rows per bidder_id" in finding(found, "further table").why


CHINESE = ["天气很好我们去公园", "今天下雨了在家看书", "他喜欢吃苹果和香蕉"] * 4


def test_text_without_spaces_is_a_text_beside_others(tmp_path):
    codes = [f"{i:x}f{i * 7919 + 12345678901234567890:030x}" for i in range(12)]
    found = read(simple(tmp_path, title=[f"{t}{i}" for i, t in enumerate(CHINESE)], code=codes))
    assert finding(found, "sequence").value == "text + title"
    assert "气" in tokens(found)


def test_letters_of_dna_stay_letters_beside_a_text(tmp_path):
    rng = np.random.default_rng(0)
    found = read(simple(tmp_path, dna=["".join(rng.choice([*"ACGT"], 60)) for _ in range(12)]))
    assert finding(found, "kind").value == "text + chars"
    assert set(tokens(found)[-60:]) == {*"ACGT"}


def test_a_column_of_short_queries_goes_before_dates_hashes_and_numbers(tmp_path):
    pairs = zip(WORDS, WORDS[::-1], strict=True)
    queries = [f"{one} {other}" if i % 3 else one for i, (one, other) in enumerate(pairs)]
    more = {
        "query": [*queries, *(f"{q}s" for q in queries[:4])],
        "day": [f"2024-03-{i + 1:02}" for i in range(12)],
        "hash": [f"{i:x}f{i * 7919 + 12345678901234567890:030x}" for i in range(12)],
        "size": [i * 1.5 for i in range(12)],
    }
    found = read(simple(tmp_path, **more), ignore="text")
    assert finding(found, "sequence").value == "query"


def test_real_valued_channels_come_step_by_step(tmp_path):
    rng = np.random.default_rng(0)
    n = 40
    series = np.repeat(np.arange(n), 3)
    rows = [f"{s}_{i % 3}" for i, s in enumerate(series)]
    channels = {f"{axis}_acc": rng.normal(size=3 * n).round(5) for axis in "xyz"}
    for part in ("train", "test"):
        write(tmp_path / f"X_{part}.csv", row_id=rows, series_id=series, **channels)
    write(tmp_path / "y_train.csv", series_id=range(n), surface=[*"ab"] * (n // 2))
    write(tmp_path / "sample_submission.csv", series_id=range(n), surface=["a"] * n)
    found = read(tmp_path)
    assert finding(found, "kind").value == "numbers"
    row = tokens(found)
    channels = [token.partition("=")[0] for token in row]
    summaries = ("mean", "deviation", "least", "most")
    names = [f"{axis}_acc" for axis in "xyz"]
    assert channels == [f"{name} {what}" for name in names for what in summaries] + 3 * [
        "step",
        *names,
    ]


def test_a_label_that_test_has_too_but_empty_is_the_label(tmp_path):
    for blank in ("", "-1", "0"):
        simple(tmp_path)
        write(tmp_path / "test.csv", id=range(100, 112), text=prose(12, 1), label=[blank] * 12)
        found = read(tmp_path)
        assert found.classes == ("a", "b")
        assert found.form.columns == ("label",)


def test_names_of_columns_may_differ_in_case_and_spaces(tmp_path):
    simple(tmp_path)
    write(tmp_path / "test.csv", **{"ID": range(100, 112), " Text": prose(12, 1)})
    assert finding(read(tmp_path), "sequence").value == "text"


def test_a_sample_of_ids_alone_gets_a_column_of_labels(tmp_path):
    simple(tmp_path)
    write(tmp_path / "sample_submission.csv", id=range(100, 112))
    form = read(tmp_path).form
    assert form.names == ("id", "label")


def test_a_sample_with_other_ids_may_be_left_out(tmp_path):
    simple(tmp_path)
    write(tmp_path / "sample_submission.csv", id=[100, 101, 999], label=["a"] * 3)
    with pytest.raises(InputError, match=r"--set data.sample=none"):
        read(tmp_path)
    assert read(tmp_path, sample="none").form.ids == [str(i) for i in range(100, 112)]


def test_a_file_without_header_is_named(tmp_path):
    simple(tmp_path)
    text = "\n".join(f'0,"{" ".join(WORDS * 2)} {i}"' for i in range(4))
    (tmp_path / "train.csv").write_text(text + "\n")
    with pytest.raises(InputError, match=r"train.csv, line 1: .* have no header\. Write the names"):
        read(tmp_path)


def test_two_marks_may_separate_fields_and_the_pair_with_labels_is_train(tmp_path):
    write(tmp_path / "training_variants", ID=range(8), Gene=[*"xyxyxyxy"], Class=[1, 2] * 4)
    (tmp_path / "training_variants").rename(tmp_path / "training_variants.csv")
    write(tmp_path / "test_variants.csv", ID=range(8), Gene=[*"xyxyxyxy"])
    for part in ("training", "test"):
        lines = "".join(f"{i}||{text}, and so on\n" for i, text in enumerate(prose(8)))
        (tmp_path / f"{part}_text.csv").write_text("ID,Text\n" + lines)
    write(tmp_path / "submission.csv", ID=range(8), class1=[0.5] * 8, class2=[0.5] * 8)
    found = read(tmp_path)
    assert finding(found, "train").value == "training_variants.csv"
    assert prose(8)[0].split()[0] in tokens(found)


def test_labels_that_differ_in_case_alone_are_warned_of(tmp_path):
    simple(tmp_path)
    labels = ["Yes", "yes", "No", "no"] * 3
    write(tmp_path / "train.csv", id=range(12), text=prose(12), label=labels)
    (tmp_path / "sample_submission.csv").unlink()
    assert any("classes of their own: No, no; Yes, yes" in text for text in read(tmp_path).warnings)


def test_whole_numbers_of_their_own_are_features_unless_they_count_rows(tmp_path):
    prices = [125, 9000, 310, 77, 2450, 18, 640, 5100, 999, 43, 7120, 266]
    found = read(simple(tmp_path, price=prices, cost=[f"${p:,}" for p in prices], place=range(12)))
    assert finding(found, "features").value == "price (tenths), cost (tenths)"
    assert "place (ids" in finding(found, "ignored columns").value


def test_of_samples_by_stage_the_one_with_the_ids_of_test_is_taken(tmp_path):
    simple(tmp_path)
    (tmp_path / "sample_submission.csv").rename(tmp_path / "stage2_sample_submission.csv")
    write(tmp_path / "stage1_sample_submission.csv", id=range(50, 62), label=["a"] * 12)
    assert read(tmp_path).form.ids[0] == "100"


def test_paths_of_texts_are_read_and_those_of_other_files_are_named(tmp_path):
    for part, first in (("train", 0), ("test", 100)):
        ids = range(first, first + 4)
        write(tmp_path / f"{part}.csv", id=ids, file=[f"{part}/t{i}.txt" for i in ids])
        for i, text in zip(ids, prose(4, first), strict=True):
            place = tmp_path / "files" / part / f"t{i}.txt"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
    write(tmp_path / "train_labels.csv", id=range(4), label=["a", "b", "a", "b"])
    assert tokens(read(tmp_path)) == prose(4)[0].split()
    for path in sorted((tmp_path / "files").rglob("*.txt")):
        path.rename(path.with_suffix(".png"))
    for part in ("train", "test"):
        table = tmp_path / f"{part}.csv"
        table.write_text(table.read_text().replace(".txt", ".png"))
    with pytest.raises(InputError, match=r"column 'file' names files such as t0\.png.*data.ignore"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("train.xlsx", "save its sheet as CSV"),
        ("data.tar.gz", "unpack it into the folder"),
        ("train.fasta", "columns id and sequence"),
        ("train.npz", "a row per sequence"),
    ],
)
def test_a_format_that_is_not_read_is_named_with_what_to_do(tmp_path, name, advice):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match=advice):
        find_files(tmp_path)


def test_an_archive_of_texts_is_named_and_read_once_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "train.zip", "w") as archive:
        for i, text in enumerate(prose(8)):
            archive.writestr(f"train/{'ab'[i % 2]}/{i}.txt", text)
    write(tmp_path / "test.csv", id=range(8, 12), text=prose(4, 1))
    with pytest.raises(InputError, match=r"train\.zip holds 8 texts: unpack it into the folder"):
        find_files(tmp_path)
    with zipfile.ZipFile(tmp_path / "train.zip") as archive:
        archive.extractall(tmp_path)
    (tmp_path / "train.zip").unlink()
    assert read(tmp_path).classes == ("a", "b")


def test_files_without_headers_are_named(tmp_path):
    pd.DataFrame({"a": ["x", "y"] * 4, "b": prose(8)}).to_csv(
        tmp_path / "train.csv", index=False, header=False
    )
    pd.DataFrame({"b": prose(4, 1)}).to_csv(tmp_path / "test.csv", index=False, header=False)
    with pytest.raises(InputError, match="the value 'x': the files seem to have no header"):
        read(tmp_path)
