"""The submission: the sample's form, the ids byte for byte, and nothing invalid on disk."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace

import numpy as np
import pytest

from seqblend.blending.submission import check_submission, write_submission
from seqblend.core.errors import InputError
from seqblend.data.sequences import CsvStyle, SubmissionForm
from seqblend.tasks.task import Task, task_for

ODD_IDS = [
    "007",
    "12345678901234567890",
    "a,b",
    'say "hi"',
    '"12311_10"',
    "two\nlines",
    "cr\rhere",
    "naïve 漢字 🙂",
    "=1+1",
    " space ",
    "NA",
    "1.0",
    "'single'",
    "\ufeffbom",
    "tab\there",
]


def of(*classes: str) -> Task:
    return task_for("single_label", classes)


def labels_form(ids: list[str], **changes) -> SubmissionForm:
    return replace(SubmissionForm("id", ("label",), "labels", ids), **changes)


def one_hot(choices: list[int], c: int) -> np.ndarray:
    return np.eye(c, dtype=np.float32)[choices]


@pytest.mark.fault("S1")
def test_labels_are_written_in_the_samples_order_whatever_the_order_of_the_test_rows(tmp_path):
    path = tmp_path / "s.csv"
    done = write_submission(
        path, labels_form(["b", "a", "c"]), of("x", "y"), ["a", "b", "c"], one_hot([0, 1, 1], 2)
    )
    assert path.read_bytes() == b"id,label\nb,y\na,x\nc,y\n"
    assert done.rows == 3
    assert done.path == path
    assert done.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.fault("S2")
@pytest.mark.parametrize(
    "style",
    [
        CsvStyle(),
        CsvStyle(",", "\n", True, (True, False)),
        CsvStyle("\t", "\r\n"),
        CsvStyle(";", "\n", True, (True, True)),
        CsvStyle("|", "\r"),
    ],
)
def test_odd_ids_come_back_byte_for_byte(tmp_path, style):
    path = tmp_path / "s.csv"
    order = np.random.default_rng(0).permutation(len(ODD_IDS))
    test_ids = [ODD_IDS[i] for i in order]
    write_submission(
        path,
        labels_form(ODD_IDS, style=style),
        of("x", "y"),
        test_ids,
        one_hot([0] * len(ODD_IDS), 2),
    )
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter=style.separator))
    assert [row[0] for row in rows[1:]] == ODD_IDS
    assert rows[0] == ["id", "label"]


@pytest.mark.parametrize(
    ("style", "written"),
    [
        (CsvStyle(",", "\n", True, (True, False)), b'"id","label"\n"1_1",y\n'),
        (CsvStyle(",", "\n", True, (False, True)), b'"id","label"\n1_1,"y"\n'),
        (CsvStyle(";"), b"id;label\n1_1;y\n"),
        (CsvStyle("\t", "\r\n"), b"id\tlabel\r\n1_1\ty\r\n"),
    ],
)
def test_separator_quoting_and_line_ends_are_the_samples(tmp_path, style, written):
    path = tmp_path / "s.csv"
    write_submission(
        path, labels_form(["1_1"], style=style), of("x", "y"), ["1_1"], one_hot([1], 2)
    )
    assert path.read_bytes() == written


def test_only_the_separator_of_the_file_needs_quote_marks(tmp_path):
    path, form = tmp_path / "s.csv", labels_form(["a,b", "c;d"], style=CsvStyle(";"))
    write_submission(path, form, of("x", "y"), form.ids, one_hot([0, 1], 2))
    assert path.read_text() == 'id;label\na,b;x\n"c;d";y\n'
    with pytest.raises(InputError, match="expected a CSV file"):
        check_submission(path, labels_form(form.ids), of("x", "y"))


def test_labels_with_commas_and_quotes_survive(tmp_path):
    path = tmp_path / "s.csv"
    classes = ("a,b", '"q"')
    write_submission(path, labels_form(["1", "2"]), of(*classes), ["1", "2"], one_hot([0, 1], 2))
    assert path.read_text() == 'id,label\n1,"a,b"\n2,"""q"""\n'


def test_a_probability_is_that_of_the_last_class_with_eight_digits(tmp_path):
    path = tmp_path / "s.csv"
    form = SubmissionForm("id", ("p",), "probability", ["1", "2", "3"])
    positive = np.array([1 / 3, 1e-9, 1.0])
    write_submission(
        path, form, of("0", "1"), ["1", "2", "3"], np.stack([1 - positive, positive], 1)
    )
    assert path.read_text() == "id,p\n1,0.33333333\n2,1e-09\n3,1\n"


def test_class_columns_follow_the_sample_and_sum_to_one(tmp_path):
    path = tmp_path / "s.csv"
    form = SubmissionForm("id", ("z", "x", "y"), "class_columns", ["1"], classes=(2, 0, 1))
    probabilities = np.array([[0.20001, 0.3, 0.5]])
    write_submission(path, form, of("x", "y", "z"), ["1"], probabilities)
    values = [float(field) for field in path.read_text().splitlines()[1].split(",")[1:]]
    np.testing.assert_allclose(values, [0.5, 0.2, 0.3], atol=1e-5)
    assert sum(values) == pytest.approx(1, abs=1e-7)


@pytest.mark.fault("S3")
@pytest.mark.parametrize(
    ("row", "hint"),
    [([np.nan, 0.5], "sum nan"), ([0.6, 0.5], r"sum 1\.1"), ([-0.1, 1.1], "below 0")],
)
def test_what_is_no_probability_is_refused_and_nothing_written(tmp_path, row, hint):
    path = tmp_path / "s.csv"
    probabilities = np.array([[0.5, 0.5], row])
    with pytest.raises(InputError, match=f"test predictions: 1 of 2 rows.*{hint}"):
        write_submission(path, labels_form(["1", "2"]), of("x", "y"), ["1", "2"], probabilities)
    assert not path.exists()


@pytest.mark.fault("S1")
def test_missing_and_extra_ids_are_refused_by_name(tmp_path):
    form = labels_form(["1", "2"])
    with pytest.raises(InputError, match=r"Only in the sample: 1 \('2'\); only in .*: 1 \('3'\)"):
        write_submission(tmp_path / "s", form, of("x", "y"), ["1", "3"], one_hot([0, 1], 2))


@pytest.mark.fault("S1")
@pytest.mark.parametrize(
    ("sample", "test", "where"),
    [(["1", "1"], ["1", "2"], "sample submission"), (["1", "2"], ["1", "1"], "test file")],
)
def test_repeated_ids_are_refused(tmp_path, sample, test, where):
    with pytest.raises(InputError, match=rf"{where} has 1 ids more than once \('1'\)"):
        write_submission(
            tmp_path / "s", labels_form(sample), of("x", "y"), test, one_hot([0, 1], 2)
        )


@pytest.mark.fault("S1")
@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "expected the columns"),
        ('id,label\n"1,x\n', "expected a CSV file"),
        ("id,wrong\n1,x\n2,y\n", "expected the columns"),
        ("id,label\n1,x\n", "expected 2 rows, the file has 1"),
        ("id,label\n2,x\n1,y\n", "row 2: expected id '1'"),
        ("id,label\n1,x\n2,nan\n", "row 3: no valid answer for id '2'"),
        ("id,label\n1,x\n2,x,y\n", "row 3: expected id '2'"),
    ],
)
def test_the_check_of_the_written_file_finds_what_is_wrong(tmp_path, text, hint):
    path = tmp_path / "s.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=hint):
        check_submission(path, labels_form(["1", "2"]), of("x", "y"))


def test_the_file_is_read_back_after_writing(tmp_path):
    form = SubmissionForm("id", ("label", "no such answer"), "labels", ["1"])
    with pytest.raises(InputError, match="expected 1 rows, the file has 0"):
        write_submission(tmp_path / "s.csv", form, of("x", "y"), ["1"], one_hot([0], 2))


@pytest.mark.parametrize("fields", ["0.5,0.6", "nan,1", "x,1", "-0.5,1.5"])
def test_the_check_refuses_class_columns_that_are_no_probabilities(tmp_path, fields):
    path = tmp_path / "s.csv"
    path.write_text(f"id,x,y\n1,{fields}\n")
    form = SubmissionForm("id", ("x", "y"), "class_columns", ["1"], classes=(0, 1))
    with pytest.raises(InputError, match="no valid answer for id '1'"):
        check_submission(path, form, of("x", "y"))


@pytest.mark.parametrize("field", ["nan", "inf", "1.5", "-0.1", ""])
def test_the_check_refuses_a_single_column_that_is_no_probability(tmp_path, field):
    path = tmp_path / "s.csv"
    path.write_text(f"id,y\n1,0.5\n2,{field}\n")
    form = SubmissionForm("id", ("y",), "probability", ["1", "2"])
    with pytest.raises(InputError, match="row 3: no valid answer for id '2'"):
        check_submission(path, form, of("x", "y"))


@pytest.mark.fault("X2")
def test_a_class_name_of_a_megabyte_is_written(tmp_path):
    classes = ("x" * 1_000_000, "y")
    limit = csv.field_size_limit()
    write_submission(tmp_path / "s.csv", labels_form(["1"]), of(*classes), ["1"], one_hot([0], 2))
    assert csv.field_size_limit() == limit


def test_further_columns_are_copied_and_the_id_may_stand_anywhere(tmp_path):
    form = labels_form(
        ["1", "2"],
        header=("Usage", "label", "id"),
        copied={"Usage": ["Public", "Private"]},
        style=CsvStyle(quoted=(False, False, True)),
    )
    write_submission(tmp_path / "s.csv", form, of("a", "b"), ["2", "1"], one_hot([1, 0], 2))
    text = (tmp_path / "s.csv").read_text()
    assert text == 'Usage,label,id\nPublic,a,"1"\nPrivate,b,"2"\n'
    (tmp_path / "s.csv").write_text(text.replace('"1"', '"3"'))
    with pytest.raises(InputError, match=r"row 2: expected id '1', the file has \['3'\]"):
        check_submission(tmp_path / "s.csv", form, of("a", "b"))


def test_where_the_sample_tells_neither_labels_and_probabilities_are_written(tmp_path):
    form = labels_form(["1", "2"], is_ambiguous=True, classes=(1,))
    p = np.array([[0.9, 0.1], [0.2, 0.8]])
    written = write_submission(tmp_path / "s.csv", form, of("0", "1"), ["1", "2"], p)
    assert written.path.read_text() == "id,label\n1,0\n2,1\n"
    assert written.probabilities == tmp_path / "s-probabilities.csv"
    assert written.probabilities.read_text() == "id,label\n1,0.1\n2,0.8\n"


def test_several_guesses_are_the_likeliest_classes_best_first(tmp_path):
    form = labels_form(["1", "2"], kind="ranked", guesses=2)
    p = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])
    path = write_submission(tmp_path / "s.csv", form, of("a", "b", "c"), ["1", "2"], p).path
    assert path.read_text() == "id,label\n1,b c\n2,a c\n"


@pytest.mark.parametrize("cell", ["a", "a a", "a d", "a b c", "a  b", ""])
def test_the_check_refuses_guesses_that_are_not_so_many_different_classes(tmp_path, cell):
    path = tmp_path / "s.csv"
    path.write_text(f"id,label\n1,b a\n2,{cell}\n")
    form = labels_form(["1", "2"], kind="ranked", guesses=2)
    with pytest.raises(InputError, match="row 3: no valid answer for id '2'"):
        check_submission(path, form, of("a", "b", "c"))


def values_form(columns: tuple[str, ...], **changes) -> SubmissionForm:
    places = tuple(range(len(columns)))
    return SubmissionForm("id", columns, "values", ["1", "2"], classes=places, **changes)


def test_numbers_are_written_as_predicted(tmp_path):
    form, task = values_form(("p", "q")), task_for("regression", ("p", "q"))
    values = np.array([[-3.25, 1e6], [1 / 3, 0]])
    path = write_submission(tmp_path / "s.csv", form, task, ["2", "1"], values).path
    assert path.read_text() == "id,p,q\n1,0.33333333,0\n2,-3.25,1000000\n"


def test_labels_of_several_columns_are_probabilities_of_any_sum_or_0_and_1(tmp_path):
    task, p = task_for("multi_label", ("p", "q")), np.array([[0.9, 0.8], [0.5, 0.125]])
    for is_binary, text in ((False, "1,0.9,0.8\n2,0.5,0.125\n"), (True, "1,1,1\n2,0,0\n")):
        form = values_form(("p", "q"), is_binary=is_binary)
        path = write_submission(tmp_path / "s.csv", form, task, ["1", "2"], p).path
        assert path.read_text() == "id,p,q\n" + text


@pytest.mark.parametrize(
    ("task", "is_binary", "fields"),
    [
        *[("regression", False, fields) for fields in ("nan,1", "inf,1", "x,1", ",1")],
        *[("multi_label", False, fields) for fields in ("nan,1", "1.5,1", "0,-0.1")],
        *[("multi_label", True, fields) for fields in ("0.5,1", "2,1", "1,")],
    ],
)
def test_the_check_refuses_values_that_the_task_does_not_have(tmp_path, task, is_binary, fields):
    path = tmp_path / "s.csv"
    path.write_text(f"id,p,q\n1,0,1\n2,{fields}\n")
    form = values_form(("p", "q"), is_binary=is_binary)
    with pytest.raises(InputError, match="row 3: no valid answer for id '2'"):
        check_submission(path, form, task_for(task, ("p", "q")))


@pytest.mark.fault("S3")
@pytest.mark.parametrize(("task", "bad"), [("regression", np.nan), ("multi_label", 1.5)])
def test_no_invalid_prediction_is_written(tmp_path, task, bad):
    values = np.array([[0.5, 0.5], [0.5, bad]])
    form, of_values = values_form(("p", "q")), task_for(task, ("p", "q"))
    with pytest.raises(InputError, match=r"test predictions: 1 of 2 rows .* id '2'"):
        write_submission(tmp_path / "s", form, of_values, ["1", "2"], values)
    assert not (tmp_path / "s").exists()
