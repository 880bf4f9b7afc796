"""Competitions that are hard to read or to train on, from their files to the submission."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import write_competition
from processes import SMALL, run_kernel, start_kernel

NBLR = ["--models", "nblr", "--folds", "2", "--workers", "1"]


def write_rows(folder: Path, train: list[dict], test: list[dict], answer: str) -> Path:
    """A competition of JSON rows, with a sample that has this answer everywhere."""
    folder.mkdir()
    (folder / "train.json").write_text(json.dumps(train))
    (folder / "test.json").write_text(json.dumps(test))
    with open(folder / "sample_submission.csv", "w", newline="") as file:
        csv.writer(file).writerows([["id", "label"], *([row["id"], answer] for row in test)])
    return folder


def draw_rows(rng: np.random.Generator, label: int, *, tokens: int = 40) -> list[int]:
    """Some tokens, the class's own among them."""
    return [100 + label, *rng.integers(1, tokens, rng.integers(3, 12)).tolist()]


def run_measured(kaggle: Path, *flags: object) -> tuple[int, str, int]:
    """(exit code, output, most memory of any of its processes in MB) of a run of its own."""
    process = start_kernel(kaggle, *flags)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, output + process.communicate()[1], usage.ru_maxrss // 1024


def submitted(kaggle: Path) -> dict[str, str]:
    """{id: answer} of the submission."""
    with open(kaggle / "working" / "submission.csv", newline="", encoding="utf-8") as file:
        return {row["id"]: row["label"] for row in csv.DictReader(file)}


def page_of(kaggle: Path) -> str:
    """The report."""
    (page,) = (kaggle / "working").glob("seqblend/*/report/index.html")
    return page.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.fault("M2")
def test_a_row_of_a_million_tokens_is_cut_counted_and_read_in_bounded_memory(tiny, tmp_path):
    data = write_competition(tmp_path / "long")
    for name in ("train.json", "test.json"):
        rows = json.loads((data / name).read_text())
        rows[3]["sequence"] = [1 + i % 40 for i in range(1_000_000)]
        (data / name).write_text(json.dumps(rows))
    code, told, usual = run_measured(tmp_path / "usual", "--data", tiny, *SMALL)
    assert code == 0, told
    code, told, most = run_measured(tmp_path / "kaggle", "--data", data, *SMALL)
    assert code == 0, told
    assert "longest row: 1000000" in told.replace(",", "")
    assert "1.7 % of the rows are longer than 400" in page_of(tmp_path / "kaggle")
    assert list(submitted(tmp_path / "kaggle")) == list(submitted(tmp_path / "usual"))
    assert most < usual + 500  # MB; it was 204 more, for 2 million tokens


@pytest.mark.slow
@pytest.mark.fault("L5")
def test_a_thousand_classes_of_five_rows_run_in_bounded_memory(tmp_path):
    rng = np.random.default_rng(0)
    train = [
        {"id": i, "sequence": draw_rows(rng, i % 1_000), "label": f"class {i % 1_000}"}
        for i in range(5_000)
    ]
    test = [{"id": 5_000 + i, "sequence": draw_rows(rng, i)} for i in range(1_000)]
    data = write_rows(tmp_path / "many", train, test, "class 0")
    flags = [*SMALL, "--set", "train.adapt=false"]  # fits are not searched for their options
    code, told, most = run_measured(tmp_path / "kaggle", "--data", data, *flags)
    assert code == 0, told
    answers = submitted(tmp_path / "kaggle")
    right = [answers[str(5_000 + i)] == f"class {i}" for i in range(1_000)]
    assert np.mean(right) > 0.8
    assert most < 2_500


@pytest.mark.fault("N2")
def test_a_fold_with_one_class_has_undefined_scores_and_the_run_ends_well(tmp_path, capsys):
    rng = np.random.default_rng(0)
    labels = [*([0] * 20), *(rng.permutation(np.arange(40) % 2).tolist())]  # fold 0: one class
    train = [
        {"id": i, "sequence": draw_rows(rng, k), "label": k, "part": i // 20}
        for i, k in enumerate(labels)
    ]
    test = [{"id": 100 + i, "sequence": draw_rows(rng, i % 2)} for i in range(10)]
    data = write_rows(tmp_path / "lone", train, test, "0")
    flags = [*SMALL, "--metric", "auc", "--set", "data.fold=part"]
    assert run_kernel(tmp_path, "--data", data, *flags) == 0
    manifests = sorted(
        (tmp_path / "working").glob("seqblend/lone/runs/*/seed0-fold*/manifest.json")
    )
    scores = {path.parts[-3:-1]: json.loads(path.read_text())["scores"] for path in manifests}
    for (_, unit), values in scores.items():
        assert (values["auc"] is None) == (unit == "seed0-fold0")
        assert np.isfinite(values["log_loss"])
    assert len(scores) == 6
    shown = capsys.readouterr().out
    assert "undefined" in shown
    assert "nan" not in shown.lower()
    assert set(submitted(tmp_path)) == {str(100 + i) for i in range(10)}


@pytest.mark.fault("I1", "I2", "I3")
def test_empty_blank_missing_and_unknown_rows_get_an_answer_and_are_counted(tmp_path, capsys):
    rng = np.random.default_rng(0)
    words = ["red", "green"]
    texts = [f"{words[i % 2]} " + " ".join(rng.choice(list("abcdefgh"), 5)) for i in range(60)]
    odd = ["", "   ", None, "NA", "null", "None"]
    train = [
        {"id": i, "text": text, "label": words[i % 2]} for i, text in enumerate([*texts, *odd])
    ]
    answers = ["", " \t", None, "NA", "zzz yyy xxx", "red a b c"]
    test = [{"id": 100 + i, "text": text} for i, text in enumerate(answers)]
    data = write_rows(tmp_path / "odd", train, test, "red")
    assert run_kernel(tmp_path, "--data", data, *SMALL) == 0
    assert set(submitted(tmp_path)) == {str(100 + i) for i in range(6)}
    assert submitted(tmp_path)["105"] == "red"
    assert "3 train, 3 test" in page_of(tmp_path)  # empty ones; NA, null and None are texts
    told = capsys.readouterr().out
    assert "do not occur in training" in told
    for path in (tmp_path / "working").rglob("test.npy"):
        assert np.isfinite(np.load(path)).all()


HOSTILE = ("<script>alert(1)</script>", "=cmd()|' /C calc'!A0", "\x1b[31mred\x1b[0m" + "x" * 999)


@pytest.mark.fault("X2", "S2")
def test_hostile_labels_and_ids_stay_text_and_are_submitted_byte_for_byte(tmp_path, capsys):
    rng = np.random.default_rng(0)
    train = [
        {"id": f"r{i}", "sequence": draw_rows(rng, i % 3), "label": HOSTILE[i % 3]}
        for i in range(60)
    ]
    ids = ["007", "12345678901234567890", "a,b", 'q"q', "two\nlines", "ü", "=1+1", "<blink>", "NA"]
    test = [{"id": text, "sequence": draw_rows(rng, i % 3)} for i, text in enumerate(ids)]
    data = write_rows(tmp_path / "hostile", train, test, HOSTILE[0])
    assert run_kernel(tmp_path, "--data", data, *NBLR) == 0
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    answers = submitted(tmp_path)
    assert list(answers) == ids
    assert set(answers.values()) == set(HOSTILE)
    report = (tmp_path / "working").glob("seqblend/hostile/report/*")
    texts = {path.name: path.read_text() for path in report if path.suffix in (".html", ".csv")}
    assert "<script>alert" not in texts["index.html"]
    assert "<blink>" not in texts["index.html"]
    assert not [name for name, text in texts.items() if "\x1b" in text or "\n=cmd" in text]
