"""Reading a folder of files: the competition does not depend on format, order or compression."""

import csv
import gzip
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from seqblend.blending.submission import write_submission
from seqblend.core.config import DataConfig
from seqblend.core.errors import InputError
from seqblend.data.sequences import CsvStyle
from seqblend.reading.discovery import find_files
from seqblend.reading.features import column_token
from seqblend.reading.lexicon import EMPTY
from seqblend.reading.reader import read_competition
from seqblend.reading.solution import read_solution
from seqblend.reading.survey import is_competition

TRAIN = [
    {"id": "a1", "text": "the dog barks loudly", "label": "dog"},
    {"id": "a2", "text": "the cat sleeps here", "label": "cat"},
    {"id": "a3", "text": "a dog sleeps there, too", "label": "dog"},
    {"id": "a4", "text": "a cat barks", "label": "cat"},
]
TEST = [{"id": "b1", "text": "the dog sleeps"}, {"id": "b2", "text": "the cat barks"}]
SAMPLE = [{"id": "b2", "label": "cat"}, {"id": "b1", "label": "cat"}]


def _write(path, records, separator=","):
    names = list(records[0])
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, delimiter=separator, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)


def _folder(tmp_path, train=TRAIN, test=TEST, sample=SAMPLE):
    tmp_path.mkdir(exist_ok=True)
    _write(tmp_path / "train.csv", train)
    _write(tmp_path / "test.csv", test)
    if sample:
        _write(tmp_path / "sample_submission.csv", sample)
    return tmp_path


def _read(folder, metric="", **data):
    return read_competition(find_files(folder), DataConfig(**data), metric=metric, name="pets")


def _texts(competition, rows):
    lexicon = competition.view.lexicon
    return [[lexicon[i] for i in rows.row(row)] for row in range(len(rows))]


def test_a_competition_is_read_as_a_person_would(tmp_path):
    competition = _read(_folder(tmp_path))
    assert competition.classes == ("cat", "dog")
    assert competition.targets.tolist() == [1, 0, 1, 0]
    assert competition.train_ids == ["a1", "a2", "a3", "a4"]
    assert competition.test_ids == ["b1", "b2"]
    assert _texts(competition, competition.test) == [
        ["the", "dog", "sleeps"],
        ["the", "cat", "barks"],
    ]
    assert competition.metric == "accuracy"
    form = competition.form
    assert (form.kind, form.id_column, form.columns) == ("labels", "id", ("label",))
    assert form.ids == ["b2", "b1"]
    assert not competition.warnings


def _as_tsv(folder, name, records):
    _write(folder / f"{name}.tsv", records, "\t")


def _as_json(folder, name, records):
    (folder / f"{name}.json").write_text(json.dumps(records))


def _as_lines(folder, name, records):
    (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, records)))


def _as_gz(folder, name, records):
    _write(folder / "plain", records)
    (folder / f"{name}.csv.gz").write_bytes(gzip.compress((folder / "plain").read_bytes()))


def _as_zip(folder, name, records):
    _write(folder / "plain", records)
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
        archive.write(folder / "plain", f"{name}.csv")


@pytest.mark.parametrize("write", [_as_tsv, _as_json, _as_lines, _as_gz, _as_zip])
def test_the_format_of_the_files_changes_nothing(tmp_path, write):
    plain = _read(_folder(tmp_path / "plain"))
    other = tmp_path / "other"
    other.mkdir()
    for name, records in (("train", TRAIN), ("test", TEST), ("sample_submission", SAMPLE)):
        write(other, name, records)
    same = _read(other)
    assert same.view.lexicon == plain.view.lexicon
    np.testing.assert_array_equal(same.view.sequences.tokens, plain.view.sequences.tokens)
    np.testing.assert_array_equal(same.view.sequences.starts, plain.view.sequences.starts)
    np.testing.assert_array_equal(same.targets, plain.targets)
    assert (same.train_ids, same.test_ids) == (plain.train_ids, plain.test_ids)
    assert replace(same.form, style=plain.form.style) == plain.form


@pytest.mark.fault("E2")
def test_the_order_of_rows_and_columns_only_permutes_the_competition(tmp_path):
    plain = _read(_folder(tmp_path / "plain"))
    turned = [dict(reversed(list(record.items()))) for record in reversed(TRAIN)]
    other = _read(_folder(tmp_path / "other", turned))
    assert other.view.lexicon == plain.view.lexicon
    assert other.train_ids == plain.train_ids[::-1]
    assert other.targets.tolist() == plain.targets.tolist()[::-1]
    assert _texts(other, other.train) == _texts(plain, plain.train)[::-1]


def test_files_are_found_by_their_usual_names(tmp_path):
    for name in (
        "labeledTrainData.tsv",
        "testData.tsv",
        "unlabeledTrainData.tsv.zip",
        "sampleSubmission.csv",
        "solution.csv",
        "readme.pdf",
        "picture.png",
    ):
        (tmp_path / name).write_text("x")
    files = find_files(tmp_path)
    assert files.train.name == "labeledTrainData.tsv"
    assert files.test.name == "testData.tsv"
    assert files.sample.name == "sampleSubmission.csv"
    assert [path.name for path in files.unlabelled] == ["unlabeledTrainData.tsv.zip"]
    assert files.solution.name == "solution.csv"
    assert is_competition(tmp_path)
    assert not is_competition(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["submission_format.csv", "gender_submission.csv", "sample.csv"])
def test_other_names_of_the_sample_are_known(tmp_path, name):
    for other in ("train.csv", "test.csv", name):
        (tmp_path / other).write_text("x")
    assert find_files(tmp_path).sample.name == name


def test_the_unpacked_file_is_taken_where_both_are_there(tmp_path):
    for name in ("train.csv.zip", "train.csv", "test.zip", "test.csv"):
        (tmp_path / name).write_text("x")
    files = find_files(tmp_path)
    assert (files.train.name, files.test.name) == ("train.csv", "test.csv")


def test_columns_tell_the_roles_where_names_do_not(tmp_path):
    _write(tmp_path / "part_one.csv", TRAIN)
    _write(tmp_path / "part_two.csv", TEST)
    _write(tmp_path / "answer_form.csv", SAMPLE)
    (tmp_path / "notes.pdf").write_text("nothing to see")
    files = find_files(tmp_path)
    assert files.train.name == "part_one.csv"
    assert files.test.name == "part_two.csv"
    assert files.sample.name == "answer_form.csv"


def test_two_train_files_are_listed_with_the_remedy(tmp_path):
    for name in ("train_a.csv", "train_b.csv", "test.csv"):
        (tmp_path / name).write_text("x")
    with pytest.raises(InputError, match=r"2 files .* train file: train_a.csv, train_b.csv. Keep"):
        find_files(tmp_path)


def test_a_folder_without_train_and_test_lists_what_it_holds(tmp_path):
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(
        InputError, match=r"no train and test file found; it contains notes.md. Name"
    ):
        find_files(tmp_path)
    with pytest.raises(InputError, match=r"does not exist. Give a folder with --data"):
        find_files(tmp_path / "none")


def test_quote_marks_around_ids_match_the_sample_and_are_remembered(tmp_path):
    (tmp_path / "train.tsv").write_text(
        'id\tsentiment\treview\n"1_a"\t1\t"a \\"good\\" film. Yes"\n"2_b"\t0\t"a bad film. No"\n'
    )
    (tmp_path / "test.tsv").write_text('id\treview\n"3_c"\t"a "fine" film. Yes"\n')
    (tmp_path / "sampleSubmission.csv").write_text('"id","sentiment"\n"3_c",0\n')
    competition = _read(tmp_path)
    assert competition.test_ids == competition.form.ids == ["3_c"]
    assert competition.form.style == CsvStyle(",", "\n", True, (True, False))
    assert _texts(competition, competition.test)[0][:4] == ["a", '"', "fine", '"']


@pytest.mark.fault("S2")
def test_hard_ids_come_through_byte_for_byte(tmp_path):
    ids = ["007", "12345678901234567890", "a,b", 'q"q', "two\nlines", "ü", "=1+1"]
    test = [{"id": text, "text": "the dog sleeps"} for text in ids]
    sample = [{"id": text, "label": "cat"} for text in reversed(ids)]
    competition = _read(_folder(tmp_path, test=test, sample=sample))
    assert competition.test_ids == ids
    assert competition.form.ids == ids[::-1]


@pytest.mark.fault("I1", "I3")
def test_empty_and_missing_texts_hold_one_token_and_are_counted(tmp_path):
    train = [
        *TRAIN,
        {"id": "a5", "text": "", "label": "cat"},
        {"id": "a6", "text": " ", "label": "dog"},
    ]
    test = [TEST[0], {"id": "b2", "text": ""}]
    competition = _read(_folder(tmp_path, train, test))
    assert competition.counts["empty_train"] == 2
    assert competition.counts["empty_test"] == 1
    assert _texts(competition, competition.train)[-1] == [EMPTY]
    assert any(finding.what == "empty sequences" for finding in competition.findings)


def test_the_longest_row_is_counted(tmp_path):
    train = [*TRAIN, {"id": "a5", "text": "dog " * 300, "label": "dog"}]
    assert _read(_folder(tmp_path, train)).counts["longest_train"] == 300


def test_whole_numbers_written_as_floats_are_the_same_tokens(tmp_path):
    cells = ["3.0 007 12", "3 7 12.0"]
    train = [{"id": i, "s": s, "label": i} for i, s in enumerate(cells)]
    competition = _read(_folder(tmp_path, train, [{"id": 5, "s": "3 12"}], None))
    assert _texts(competition, competition.train) == [["3", "007", "12"], ["3", "7", "12"]]


def test_unlabelled_rows_are_kept_behind_test(tmp_path):
    folder = _folder(tmp_path)
    _write(folder / "unlabeled.csv", [{"id": "u1", "text": "a zebra"}])
    competition = _read(folder)
    assert competition.counts["unlabelled"] == 1
    assert _texts(competition, competition.view.sequences)[-1] == ["a", "zebra"]


def test_an_unlabelled_file_without_the_sequence_is_left_out_with_a_warning(tmp_path):
    folder = _folder(tmp_path)
    _write(folder / "unlabeled.csv", [{"id": "u1", "body": "a zebra"}])
    assert "unlabeled.csv has no column text: skipped" in _read(folder).warnings


def test_joined_columns_are_told_apart(tmp_path):
    train = [{**record, "title": "dog"} for record in TRAIN]
    test = [{**record, "title": ""} for record in TEST]
    competition = _read(_folder(tmp_path, train, test), sequence="title,text")
    first = _texts(competition, competition.train)[0]
    assert first == [
        column_token("title"),
        "dog",
        column_token("text"),
        *["the", "dog", "barks", "loudly"],
    ]
    assert _texts(competition, competition.test)[0][:3] == [first[0], first[2], "the"]


@pytest.mark.parametrize(
    ("values", "metric", "kind", "expected"),
    [
        (["0", "0"], "", "labels", "accuracy"),
        (["0.5", "0.5"], "", "probability", "auc"),
        (["0", "0"], "auc", "probability", "auc"),
        (["0", "0"], "macro_f1", "labels", "macro_f1"),
    ],
)
def test_one_column_is_labels_or_a_probability(tmp_path, values, metric, kind, expected):
    train = [{**record, "label": str(i % 2)} for i, record in enumerate(TRAIN)]
    sample = [{"id": r["id"], "label": v} for r, v in zip(TEST, values, strict=True)]
    competition = _read(_folder(tmp_path, train, sample=sample), metric)
    assert (competition.form.kind, competition.metric) == (kind, expected)


def test_a_column_a_class_asks_for_log_loss(tmp_path):
    sample = [{"id": r["id"], "dog": "0.5", "cat": "0.5"} for r in TEST]
    competition = _read(_folder(tmp_path, sample=sample))
    form = competition.form
    assert (form.kind, form.columns, form.classes) == ("class_columns", ("dog", "cat"), (1, 0))
    assert competition.metric == "log_loss"


def test_classes_are_written_as_the_sample_writes_them(tmp_path):
    train = [{**record, "label": f"{i % 2}.0"} for i, record in enumerate(TRAIN)]
    whole = _read(_folder(tmp_path / "a", train, sample=[{**s, "label": "0"} for s in SAMPLE]))
    pointed = _read(_folder(tmp_path / "b", train, sample=[{**s, "label": "0.0"} for s in SAMPLE]))
    assert whole.classes == ("0", "1")
    assert pointed.classes == ("0.0", "1.0")


def test_without_a_sample_ids_come_in_test_order(tmp_path):
    competition = _read(_folder(tmp_path, sample=None))
    assert competition.form.ids == ["b1", "b2"]
    assert (competition.form.id_column, competition.form.columns) == ("id", ("label",))


def test_row_numbers_start_where_the_samples_do(tmp_path):
    train = [{"text": r["text"], "label": r["label"]} for r in TRAIN]
    test = [{"text": r["text"]} for r in TEST]
    sample = [{"RowId": "1", "label": "cat"}, {"RowId": "2", "label": "cat"}]
    competition = _read(_folder(tmp_path, train, test, sample))
    assert competition.test_ids == ["1", "2"]
    assert competition.form.id_column == "RowId"


def test_an_unnamed_index_column_changes_nothing(tmp_path):
    def indexed(records):
        return [{"": "7", **{k: v for k, v in r.items() if k != "id"}} for r in records]

    competition = _read(_folder(tmp_path, indexed(TRAIN), indexed(TEST), None))
    assert competition.train_ids == ["0", "1", "2", "3"]
    assert competition.test_ids == ["0", "1"]
    assert _texts(competition, competition.test)[0] == ["the", "dog", "sleeps"]


@pytest.mark.fault("S1")
def test_duplicate_ids_are_an_error_in_test_and_a_warning_in_train(tmp_path):
    competition = _read(_folder(tmp_path / "a", [*TRAIN, TRAIN[0]]))
    assert len(competition.train) == 5
    assert "1 repeated ids" in competition.warnings[0]
    with pytest.raises(InputError, match=r"1 repeated ids, the first 'b1' in test.csv, line 4"):
        _read(_folder(tmp_path / "b", test=[*TEST, TEST[0]]))


@pytest.mark.fault("S1")
def test_ids_missing_from_and_beyond_the_sample_are_counted(tmp_path):
    sample = [SAMPLE[0], {"id": "zz", "label": "cat"}]
    with pytest.raises(
        InputError, match=r"1 ids of sample.* not in test.csv .*zz.*; 1 ids of test"
    ):
        _read(_folder(tmp_path, sample=sample))


def test_the_hidden_rerun_takes_the_test_order(tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_IS_COMPETITION_RERUN", "1")
    competition = _read(_folder(tmp_path, test=[*TEST, {"id": "b3", "text": "the dog"}]))
    assert competition.form.ids == ["b1", "b2", "b3"]
    assert "hidden rerun" in competition.warnings[0]


@pytest.mark.fault("I2")
def test_unseen_test_tokens_are_warned_of_with_their_rate(tmp_path):
    competition = _read(_folder(tmp_path, test=[TEST[0], {"id": "b2", "text": "quite new words"}]))
    assert competition.warnings == ["50.0% of the test tokens do not occur in training"]


def test_groups_and_folds_are_read_from_their_columns(tmp_path):
    train = [{**r, "author": a, "part": p} for r, a, p in zip(TRAIN, "xyxz", "2110", strict=True)]
    competition = _read(_folder(tmp_path, train), group="author", fold="part")
    assert competition.groups.tolist() == [0, 1, 0, 2]
    assert competition.folds.tolist() == [2, 1, 1, 0]
    assert competition.folds.dtype == np.int64


def test_a_subset_keeps_ids_labels_and_rows_together(tmp_path):
    train = [
        {"id": f"r{i}", "text": f"one more row {i}", "label": "cat" if i < 9 else "dog"}
        for i in range(12)
    ]
    whole, part = _read(_folder(tmp_path, train)), _read(tmp_path, rows=4)
    rows = [whole.train_ids.index(text) for text in part.train_ids]
    assert rows == sorted(rows)
    assert part.targets.tolist() == whole.targets[rows].tolist() == [0, 0, 0, 1]
    assert _texts(part, part.train) == [_texts(whole, whole.train)[row] for row in rows]


def test_case_and_tags_follow_the_settings(tmp_path):
    train = [*TRAIN, {"id": "a5", "text": "<b>The</b> DOG barks again", "label": "dog"}]
    folder = _folder(tmp_path, train)
    folded, kept = _read(folder), _read(folder, lowercase=False, html=False)
    assert _texts(folded, folded.train)[4] == ["the", "dog", "barks", "again"]
    assert _texts(kept, kept.train)[4][:4] == ["<", "b", ">", "The"]


def test_every_inference_names_the_flag_that_overrides_it(tmp_path):
    asked = ("id", "data.id"), ("target", "data.target"), ("sequence", "data.sequence")
    flags = {finding.what: finding.flag for finding in _read(_folder(tmp_path)).findings}
    for what, flag in (
        *asked,
        ("kind", "data.kind"),
        ("metric", "--metric"),
        ("train", "data.train"),
    ):
        assert flag in flags[what]


def test_a_solution_is_aligned_by_id(tmp_path):
    folder = _folder(tmp_path)
    competition = _read(folder)
    solution = [
        {"label": "cat", "id": "b2"},
        {"label": "dog", "id": "b1"},
        {"label": "x", "id": "c"},
    ]
    _write(folder / "solution.csv", solution)
    truth = read_solution(folder / "solution.csv", competition)
    assert truth.targets.tolist() == [1, 0]
    assert truth.targets.dtype == np.int64
    assert truth.rows.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("solution", "message"),
    [
        ([{"id": "b1", "label": "dog"}], r"1 of 2 test ids are missing \(the first: b2\)"),
        ([{"id": "b1", "label": "cow"}, {"id": "b2", "label": "cat"}], r"'b1' has the label 'cow'"),
        ([{"key": "b1", "label": "dog"}], r"no id column 'id'; it has key, label"),
        ([{"id": "b1", "x": "?"}, {"id": "b2", "x": "?"}], r"expected the label in 'label'"),
    ],
)
def test_a_solution_that_does_not_fit_says_why(tmp_path, solution, message):
    folder = _folder(tmp_path)
    competition = _read(folder)
    _write(folder / "solution.csv", solution)
    with pytest.raises(InputError, match=message):
        read_solution(folder / "solution.csv", competition)


def test_the_solution_is_not_read_with_the_competition(tmp_path):
    folder = _folder(tmp_path)
    (folder / "solution.csv").write_bytes(b"\0 not a table")
    assert len(_read(folder).test) == 2


@pytest.mark.parametrize(
    ("sample", "style"),
    [
        ("id;label\nb2;cat\nb1;cat\n", CsvStyle(";", quoted=(False, False))),
        ("id\tlabel\r\nb2\tcat\r\nb1\tcat\r\n", CsvStyle("\t", "\r\n", quoted=(False, False))),
        ('"id","label"\n"b2","cat"\n"b1","cat"\n', CsvStyle(",", "\n", True, (True, True))),
        ('id,label\nb2,"cat"\nb1,"cat"\n', CsvStyle(",", "\n", False, (False, True))),
        ("id,label\rb2,cat\rb1,cat", CsvStyle(",", "\r", quoted=(False, False))),
    ],
)
def test_the_submission_is_written_as_the_sample_is(tmp_path, sample, style):
    folder = _folder(tmp_path)
    (folder / "sample_submission.csv").write_bytes(sample.encode())
    competition = _read(folder)
    assert competition.form.style == style
    probabilities = np.array([[1, 0], [1, 0]], dtype=np.float32)
    out = tmp_path / "out" / "s.csv"
    write_submission(out, competition.form, competition.task, ["b1", "b2"], probabilities)
    assert out.read_bytes().rstrip() == sample.encode().rstrip()


def test_a_comma_in_every_id_does_not_make_other_columns_quoted(tmp_path):
    folder = _folder(tmp_path, test=[{"id": 'a,"b', "text": "the dog sleeps"}], sample=None)
    (folder / "sample_submission.csv").write_text('id,label\n"a,""b",cat\n')
    assert _read(folder).form.style.quoted == (True, False)
