"""Finding id, target and sequence columns, tokenizing cells, reading labels."""

from pathlib import Path

import numpy as np
import pytest

from seqblend.core.config import DataConfig, FoldConfig
from seqblend.core.errors import FlagError, InputError
from seqblend.data.folds import make_folds
from seqblend.reading.assembling import Assembled
from seqblend.reading.discovery import find_files
from seqblend.reading.kinds import detect_kind, make_tokenizer
from seqblend.reading.labels import factorise, read_labels, stratified_rows
from seqblend.reading.reader import read_competition
from seqblend.reading.row_ids import match_rows
from seqblend.reading.schema import find_schema
from seqblend.reading.submission_form import infer_submission
from seqblend.reading.tables import RawTable
from seqblend.reading.target import Target
from seqblend.reading.words import split_text
from seqblend.tasks.task import task_for

PROSE = ["It was, I think, a good film.", "No! Never again; a bore.", "Well, what a surprise."]

NAMES = [[f"name {i}", "sea salt"] for i in range(60)]  # of several words: an open set


def _table(name="train.csv", **columns):
    return RawTable(Path(name), columns, None, "made")


def _schema(train, test, sample=None, **data):
    train, test = _table(**train), _table("test.csv", **test)
    sample = sample and _table("sample.csv", **sample)
    ids = match_rows(test, sample, data.get("id", ""))
    return find_schema(Assembled(train, test, sample, ids), DataConfig(**data))


TRAIN = {"id": ["1", "2", "3"], "text": PROSE, "mood": ["a", "b", "a"], "year": ["5", "6", "7"]}
TEST = {"text": PROSE, "id": ["4", "5", "6"]}


@pytest.mark.fault("E2")
def test_columns_are_found_by_comparing_with_the_sample():
    schema = _schema(TRAIN, TEST, {"id": ["4", "5", "6"], "mood": ["a", "a", "a"]})
    assert (schema.id, schema.target.name, schema.sequence) == ("id", "mood", ("text",))
    ignored = next(f for f in schema.findings if f.what == "ignored columns")
    assert ignored.value == "year (not in test)"


def test_class_columns_name_the_target_by_its_values():
    schema = _schema(TRAIN, TEST, {"id": ["4", "5", "6"], "b": ["0.5"] * 3, "a": ["0.5"] * 3})
    assert schema.target.name == "mood"
    assert schema.target.class_columns == {"b": "b", "a": "a"}


def test_class_columns_may_carry_a_prefix():
    schema = _schema(
        TRAIN, TEST, {"id": ["4", "5", "6"], "mood_a": ["0.5"] * 3, "mood_b": ["0.5"] * 3}
    )
    assert schema.target.class_columns == {"mood_a": "a", "mood_b": "b"}


def test_without_a_sample_the_only_column_missing_from_test_is_the_target():
    train = {name: TRAIN[name] for name in ("id", "text", "mood")}
    assert _schema(train, TEST).target.name == "mood"


def test_several_candidates_ask_for_the_flag():
    with pytest.raises(InputError, match=r"mood, year. Name .* --set data.target=COLUMN"):
        _schema(TRAIN, TEST)


def test_a_known_name_decides_among_several_candidates():
    assert _schema({**TRAIN, "Label": ["a", "b", "a"]}, TEST).target.name == "Label"


@pytest.mark.fault("L1")
def test_a_misspelt_target_lists_the_columns_and_the_nearest():
    with pytest.raises(FlagError, match=r"no column 'mod'; did you mean 'mood'\?.* id, text, mood"):
        _schema(TRAIN, TEST, target="mod")


@pytest.mark.fault("L1")
def test_a_column_like_no_other_lists_the_columns():
    with pytest.raises(FlagError, match=r"no column 'qqq'\. Columns: id, text, mood, year$"):
        _schema(TRAIN, TEST, target="qqq")


@pytest.mark.parametrize("name", ["group", "fold", "sequence"])
def test_other_misspelt_columns_name_the_nearest(name):
    with pytest.raises(FlagError, match=rf"data.{name}: .* no column 'texd'; did you mean 'text'"):
        _schema(TRAIN, TEST, target="mood", **{name: "texd"})


def test_rows_without_an_id_column_have_their_number():
    schema = _schema({"text": PROSE, "label": ["a", "b", "a"]}, {"text": PROSE})
    assert schema.id is None


def test_a_unique_short_column_is_the_id_where_none_is_named_so():
    schema = _schema(
        {"key": ["x1", "x2", "x3"], "text": PROSE, "label": ["a", "b", "a"]},
        {"key": ["y1", "y2", "y3"], "text": PROSE},
    )
    assert (schema.id, schema.sequence) == ("key", ("text",))


def test_every_text_that_train_and_test_share_is_read_in_the_order_of_train():
    titles = ["One fine day here", "Two fine days there", "A title of five words"]
    train = {**TRAIN, "title": titles}
    schema = _schema(train, {**TEST, "title": titles}, target="mood")
    assert schema.sequence == ("text", "title")
    assert _schema(train, {**TEST, "title": titles}, target="mood", ignore="title").sequence == (
        "text",
    )


def test_several_sequence_columns_are_taken_in_the_order_asked_for():
    train, test = {**TRAIN, "title": PROSE}, {**TEST, "title": PROSE}
    assert _schema(train, test, target="mood", sequence="title,text").sequence == ("title", "text")


def test_a_table_of_attributes_gets_a_clear_error():
    names = ("doors", "seats", "year", "wheels", "gears", "owners")
    steps = {name: ["3", "4", "5"] for name in names}
    with pytest.raises(InputError, match=r"none of the 6 columns .* Number the columns of the st"):
        _schema(
            {"id": ["1", "2", "3"], "label": ["a", "b", "a"], **steps},
            {"id": ["4", "5", "6"], **steps},
        )


@pytest.mark.parametrize(
    ("cells", "kind", "tokens"),
    [
        ([["1", "a b"]], "tokens", ["1", "a b"]),
        (["[1, 2, 3]"] * 2, "tokens", ["1", "2", "3"]),
        (["['a b', 'c']"] * 2, "tokens", ["a b", "c"]),
        (["[1 02 3]"] * 2, "tokens", ["1", "02", "3"]),
        (["12 7 099"] * 2, "tokens", ["12", "7", "099"]),
        (["12,7,99"] * 2, "tokens", ["12", "7", "99"]),
        (["12; 7; 99"] * 2, "tokens", ["12", "7", "99"]),
        (["a|b|c d"] * 2, "tokens", ["a", "b", "c d"]),
        (["sea salt, olive oil", "egg, white rice"], "tokens", ["sea salt", "olive oil"]),
        (["T1 T22 T3", "T1 T4 T9"], "tokens", ["T1", "T22", "T3"]),
        (["ACGT", "GGTA"], "chars", ["A", "C", "G", "T"]),
        (["Anna", "O'Neil", "van Dyk"], "chars", ["A", "n", "n", "a"]),
        (["我爱北京", "你好吗"], "text", ["我", "爱", "北", "京"]),
        (NAMES, "text", ["name", "0", ",", "sea", "salt"]),
        ([["hot tea", "sea salt"], ["egg", "tea"]] * 60, "tokens", ["hot tea", "sea salt"]),
        (PROSE, "text", ["it", "was", ",", "i", "think", ",", "a", "good", "film", "."]),
    ],
)
def test_the_kind_of_a_cell_is_seen_and_the_cell_cut(cells, kind, tokens):
    found = detect_kind(cells)
    assert found.name == kind
    assert make_tokenizer(found, _table(s=cells), "s", DataConfig())(cells[0]) == tokens


def test_the_kind_can_be_overridden():
    assert detect_kind(["12 7"], "text").name == "text"
    assert detect_kind(PROSE, "chars").name == "chars"
    with pytest.raises(FlagError, match=r"got 'word'"):
        detect_kind(PROSE, "word")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't stop!!", ["don't", "stop", "!", "!"]),
        ("well-known", ["well", "-", "known"]),
        ("a<br /><br />b &amp; c", ["a", "b", "&", "c"]),
        ("x < y <bob@home.org>", ["x", "<", "y", "<", "bob", "@", "home", ".", "org", ">"]),
        ("Ünïcödé 19th _x", ["ünïcödé", "19", "th", "_", "x"]),
        ("l’été", ["l’été"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("東京タワー2", ["東", "京", "タ", "ワ", "ー", "2"]),
        (" \t\n", []),
    ],
)
def test_text_is_cut_into_words_and_marks(text, tokens):
    assert split_text(text) == tokens


def test_ascii_and_other_text_are_cut_alike():
    text = "It's 3.5 o'clock -- at B2B's x_y\x0b'quoted'"
    assert split_text(f"{text} é")[:-1] == split_text(text)


def test_case_and_tags_stay_when_asked():
    assert split_text("A<b>", DataConfig(lowercase=False, html=False)) == ["A", "<", "b", ">"]


@pytest.mark.parametrize("end", ["", " é"])
@pytest.mark.parametrize(
    ("settings", "tokens"),
    [
        ({"numbers": "zeros"}, ["i", "don't", "pay", "000", "'", "now", "'"]),
        ({"numbers": "drop"}, ["i", "don't", "pay", "'", "now", "'"]),
        ({"apostrophes": "split"}, ["i", "don", "'", "t", "pay", "250", "'", "now", "'"]),
        ({"apostrophes": "drop"}, ["i", "dont", "pay", "250", "'", "now", "'"]),
    ],
)
def test_numbers_and_apostrophes_are_cleaned_as_asked(settings, tokens, end):
    text = "I don't pay 250 'now'"
    assert split_text(text + end, DataConfig(**settings)) == tokens + end.split()


@pytest.mark.parametrize(
    ("is_real", "asked", "expected"),
    [
        (True, "auto", "numbers"),
        (True, "tokens", "tokens"),
        (False, "auto", "tokens"),
        (False, "numbers", "numbers"),
    ],
)
def test_real_valued_steps_are_numbers_and_whole_floats_are_not(is_real, asked, expected):
    rng = np.random.default_rng(0)
    real = [" ".join(f"{v:.4f}" for v in rng.normal(size=20)) for _ in range(6)]
    cells = real if is_real else ["1.0 2.0 3.0", "3.0 2.0"] * 3
    train = {"id": [*"abcdef"], "s": cells, "label": [*"xyxyxy"]}
    (kind,) = _schema(train, {"id": [*"gh"], "s": cells[:2]}, kind=asked).kinds
    assert kind.name == expected


@pytest.mark.parametrize(
    ("texts", "classes", "values"),
    [
        (["0.0", "1.0", "0.0"], ("0", "1"), [0, 1, 0]),
        (["true", "false", "true"], ("false", "true"), [1, 0, 1]),
        (["10", "9", "10"], ("9", "10"), [1, 0, 1]),
        (["b", "a", "NA"], ("NA", "a", "b"), [2, 1, 0]),
        (["007", "7", "007"], ("007", "7"), [0, 1, 0]),
        (["-1", "1", "-1"], ("-1", "1"), [0, 1, 0]),
    ],
)
def test_labels_of_any_type_become_sorted_classes(texts, classes, values):
    labels = read_labels(_table(y=texts), "y")
    assert labels.classes == classes
    assert labels.values.tolist() == values
    assert labels.values.dtype == np.int64


@pytest.mark.fault("L2")
@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", "", "b", ""], r"2 labels are empty .* record 2"),
        (["1", "nan", "0"], r"1 labels .* \('nan'\) in train.csv, record 2"),
        (["1", "0", "-inf"], r"record 3"),
        (["1", "0"] * 99 + ["x"], r"mixed; 1 labels are no numbers, the first \('x'\) .* 199"),
        (["a", "a"], r"every label is 'a'"),
        (["0.5", "0.25", "0.75"], r"3 different labels in 3 rows .* regression"),
        ([f"name{i}" for i in range(30)], r"30 different labels in 30 rows"),
    ],
)
def test_bad_labels_are_named_with_count_and_first_row(texts, message):
    with pytest.raises(InputError, match=message):
        read_labels(_table(y=texts), "y")


def test_a_subset_keeps_the_shares_the_order_and_every_class():
    labels = np.array([0] * 60 + [1] * 38 + [2] * 2)
    rows = stratified_rows(labels, 20)
    counts = np.bincount(labels[rows])
    assert len(rows) == 20
    assert (np.diff(rows) > 0).all()
    assert counts[2] == 1
    assert abs(counts[0] - 12) <= 1
    np.testing.assert_array_equal(rows, stratified_rows(labels, 20))


def test_all_rows_are_taken_by_default():
    np.testing.assert_array_equal(stratified_rows(np.array([1, 0]), 0), [0, 1])


def test_groups_are_numbered_by_value():
    assert factorise(["10", "9", "10"]).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("column", "wanted", "chosen"),
    [("ai", "", "ai"), ("prob_human", "", "human"), ("target", "", "human"), ("x", "ai", "ai")],
)
def test_a_probability_column_is_of_the_class_it_names(column, wanted, chosen):
    test, sample = _table(id=["1", "2"], text=["a", "b"]), _table(id=["1", "2"])
    sample.columns[column] = ["0.5", "0.5"]
    ids, target = match_rows(test, sample), Target("label", [], "", {}, column)
    task = task_for("single_label", ("ai", "human"))
    answer = infer_submission(target, task, ids, sample, "", positive=wanted)
    assert bool(answer.warnings) == (column == "target")
    assert answer.form.kind == "probability"
    assert ("ai", "human")[answer.form.classes[0]] == chosen
    assert answer.findings[0].value == f"probability: {column} = P({chosen})"


def test_whole_given_folds_keep_their_numbers_and_negative_ones(tmp_path):
    rows = "".join(f"{i},w{i % 3} w{i % 5},{'ab'[i % 2]},{i % 3 - 1}\n" for i in range(12))
    (tmp_path / "train.csv").write_text("id,text,mood,part\n" + rows)
    (tmp_path / "test.csv").write_text("id,text\n20,w1 w2\n")
    files = find_files(tmp_path)
    competition = read_competition(files, DataConfig(fold="part"), name="made")
    assert competition.folds.tolist() == [i % 3 - 1 for i in range(12)]
    folds = make_folds(competition.targets, None, FoldConfig(), given=competition.folds)
    assert folds.count == 2
    assert (folds.fold == -1).sum() == 4
