"""Rows for a blend that was trained before, one by one or in blocks: the same as a whole file's."""

import csv
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from unit_examples import CPU, make_project, train_all

from seqblend.app import predict
from seqblend.app.pipeline import blend_finished
from seqblend.app.predict import find_new_rows, predict_new_rows
from seqblend.app.row_predictor import RowPredictor
from seqblend.blending.submission import write_submission
from seqblend.core.console import make_console
from seqblend.core.errors import InputError
from seqblend.reading.discovery import find_files
from seqblend.running.inputs import Places
from seqblend.running.results import collect_run
from seqblend.running.runs import plan_runs

MODELS = ("nblr", "chars", "neighbours", "bilstm")


def write_texts(folder):
    """Short texts with a price; test rows hold words that no training row has."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    words = ["red", "green", "blue", "older", "newer", "big"]

    def rows(n, more):
        for i in range(n):
            text = " ".join([*rng.choice(words, 6), ["sunny", "rainy"][i % 2], *more[: i % 3]])
            yield i, text, f"{rng.normal():.3f}", ["good", "bad"][i % 2]

    for name, n, more in (("train", 90, ()), ("test", 12, ("sunnier", "rainless"))):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text", "price", "label"][: 4 if name == "train" else 3])
            for row in rows(n, more):
                writer.writerow(row[: 4 if name == "train" else 3])


def write_steps(folder):
    """A row per step of two channels; the second is constant within each test sequence."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    answers = []
    for name, n in (("train", 60), ("test", 8)):
        rows = []
        for i in range(n):
            up = np.cumsum(rng.normal((i % 2) - 0.5, 0.3, 12))
            still = rng.normal(size=12) if name == "train" else np.full(12, rng.normal())
            for t, values in enumerate(zip(up, still, strict=True)):
                rows.append((f"{name}{i}", t, *(f"{value:.4f}" for value in values)))
            if name == "train":
                answers.append((f"{name}{i}", ["down", "up"][i % 2]))
        frame = pd.DataFrame(rows, columns=["series", "step", "up", "still"])
        frame.to_csv(folder / f"{name}.csv", index=False)
    pd.DataFrame(answers, columns=["series", "label"]).to_csv(folder / "labels.csv", index=False)
    sample = pd.DataFrame({"series": [f"test{i}" for i in range(8)], "label": "up"})
    sample.to_csv(folder / "sample_submission.csv", index=False)


def train(tmp_path, write, models):
    """(NewRows of the trained competition, its folder)."""
    folder = tmp_path / "tiny"
    write(folder)
    project = make_project(tmp_path, models=models)
    train_all(project)
    for run in plan_runs(project.config, project.fingerprint.data, project.fingerprint.folds, CPU):
        places = project.workspace, run.name, 1, project.fold
        collect_run(*places, project.fingerprint, project.competition.task)
    blend_finished(project, print, None, None)
    return find_new_rows(folder, project.places, [tmp_path / "working"], print), folder


def test_rows_with_new_words_get_what_a_file_with_them_gets(tmp_path):
    rows, folder = train(tmp_path, write_texts, MODELS)
    expected = rows.trained.predict(rows.encoded, ["cpu"])
    predictor = RowPredictor(rows)
    frame = pd.read_csv(folder / "test.csv")
    found = np.stack(
        [predictor.predict_proba(frame.iloc[[i]]) for i in range(len(frame))],
    )
    assert found.tobytes() == expected.tobytes()
    answer = predictor.predict({"id": [3], "text": ["red rainy"], "price": [0.5]})
    assert answer == predictor.predict({"Text": ["red rainy"], " price": ["0.5"]})
    with pytest.raises(InputError, match="lacks the columns price"):
        predictor.predict({"text": ["red rainy"]})
    assert answer[0] in {"good", "bad"}


@pytest.mark.parametrize("write", [write_texts, write_steps])
def test_a_table_too_large_for_memory_is_read_in_blocks(tmp_path, monkeypatch, write):
    rows, folder = train(
        tmp_path, write, ("chars", "bilstm") if write is write_texts else ("tfidf",)
    )
    whole = rows.trained.predict(rows.encoded, ["cpu"])
    monkeypatch.setattr(predict, "free_memory", lambda: 4_000)
    if write is write_texts:  # names may differ from those of train in case and spaces
        test = (folder / "test.csv").read_text()
        (folder / "test.csv").write_text(test.replace("id,text,price", "id, Text,PRICE"))
    places = Places((tmp_path,), tmp_path / "working", tmp_path / "predicted")
    again = find_new_rows(folder, places, [tmp_path / "working"], print)
    assert (again.reader is not None) == (write is write_texts)  # steps may be in several blocks
    if again.reader is not None:
        lengths = [len(block.sequences) for block in again.blocks()]
        assert max(lengths) < 12 == sum(lengths)
        assert again.competition.test.lengths.max() < rows.competition.test.lengths.max()
    asked = places, [tmp_path / "working"], folder, 1, tmp_path / "out.csv"
    submission = predict_new_rows(make_console(), *asked)
    made = rows.competition
    expected = write_submission(tmp_path / "whole.csv", made.form, made.task, made.test_ids, whole)
    assert submission.sha256 == expected.sha256


def test_a_word_that_the_lexicon_lacks_is_read_by_its_parts(tmp_path):
    rows, _ = train(tmp_path, write_texts, ("chars",))
    predictor = RowPredictor(rows)
    sunny, rainy = (
        predictor.predict_proba({"text": [text], "price": [0.0]})
        for text in ("sunnyish sunnyday", "rainyish rainyday")
    )
    assert abs(sunny - rainy).max() > 0.1
    assert (sunny > rainy).tolist() == [False, True]  # bad, good


@pytest.mark.parametrize(
    "change", [{"steps": {"a": ["b"]}}, {"parts": 1}, {"texts": 1}, {"tables": 1}]
)
def test_what_is_put_together_from_several_columns_or_files_is_read_as_a_whole(
    tmp_path, monkeypatch, change
):
    write_texts(tmp_path / "tiny")
    files = find_files(tmp_path / "tiny")
    fields = {"parts": "test_parts", "texts": "texts", "tables": "tables"}
    more = {fields[name]: (files.test,) for name in change if name in fields}
    monkeypatch.setattr(predict, "free_memory", lambda: 100)
    assert predict._reader_of(files, {"steps": {}}) is not None
    again = {"steps": change.get("steps", {})}
    assert predict._reader_of(replace(files, **more), again) is None


def test_the_steps_of_a_sequence_are_one_row_even_where_they_do_not_change(tmp_path):
    rows, folder = train(tmp_path, write_steps, ("tfidf", "bilstm", "rocket"))
    expected = rows.trained.predict(rows.encoded, ["cpu"])
    predictor = RowPredictor(rows)
    frame = pd.read_csv(folder / "test.csv")
    series = [part for _, part in frame.groupby("series", sort=False)]
    found = np.stack([predictor.predict_proba(part) for part in series])
    assert found.tobytes() == expected.tobytes()
    with pytest.raises(InputError, match="expected one row, or the steps of one, got 2 rows"):
        predictor.predict(frame.iloc[:24])
    with pytest.raises(InputError, match="lacks the columns still"):
        predictor.predict(frame[["series", "step", "up"]].iloc[:12])


def test_it_is_found_and_opened_by_the_folders_alone(tmp_path):
    _, folder = train(tmp_path, write_texts, ("tfidf",))
    predictor = RowPredictor.open(folder, tmp_path / "working")
    assert predictor.predict({"text": ["sunny sunny"], "price": [1]}) == ["good"]
    (folder / "train.csv").write_text((folder / "train.csv").read_text().replace("bad", "worse"))
    with pytest.raises(InputError, match="no blend was trained on these training rows"):
        RowPredictor.open(folder, tmp_path / "working")
