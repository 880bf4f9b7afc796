"""The log of submissions: one of a competition stands, and nothing that a person wrote is lost."""

from __future__ import annotations

import csv

from seqblend.submission_log import COLUMNS, log_submission, superseded_files

OLD = ",".join(COLUMNS[:-1])  # as written before there was a status


def log(path, file, sha256, competition="toy"):
    (path.parent / file).touch()
    log_submission(
        path, file, 3, sha256, competition=competition, metric="accuracy", cross_fitted=0.5
    )


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_newest_submission_of_a_competition_stands_and_the_others_are_superseded(tmp_path):
    path = tmp_path / "log.csv"
    log(path, "other.csv", "o", competition="other")
    for name in "abc":
        log(path, f"{name}.csv", name)
    assert [(row["file"], row["status"]) for row in read(path)] == [
        ("other.csv", "stands"), ("a.csv", "superseded"), ("b.csv", "superseded"),
        ("c.csv", "stands"),
    ]  # fmt: skip
    assert superseded_files(path, "toy") == ["a.csv", "b.csv"]
    assert superseded_files(path, "other") == []
    (tmp_path / "a.csv").unlink()
    assert superseded_files(path, "toy") == ["b.csv"]


def test_a_submission_made_again_keeps_its_line_and_stands_again(tmp_path):
    path = tmp_path / "log.csv"
    for name in ("a", "b", "a"):
        log(path, f"{name}.csv", name)
    assert [(row["file"], row["status"]) for row in read(path)] == [
        ("a.csv", "stands"), ("b.csv", "superseded"),
    ]  # fmt: skip
    before = path.read_bytes()
    log(path, "a.csv", "a")
    assert path.read_bytes() == before


def test_an_older_log_and_what_a_person_wrote_there_stay(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(f"my note,{OLD}\nbest so far,then,toy,a.csv,3,a,accuracy,0.9,0.91\nshort\n")
    log(path, "b.csv", "b")
    first, short, new = read(path)
    assert (first["my note"], first["leaderboard"]) == ("best so far", "0.91")
    assert (first["status"], new["status"]) == ("superseded", "stands")
    assert short["my note"] == "short"
    assert new["cross_fitted"] == "0.500000"


def test_a_log_that_a_spreadsheet_rewrote_is_added_to(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(OLD.replace(",", ";") + "\nthen;toy;a.csv;3;a;accuracy;0.9;0.91\n")
    log(path, "b.csv", "b")
    assert path.read_text().splitlines()[1].startswith("then;toy;a.csv;3;a;accuracy;0.9;0.91")
    assert read(path)[-1]["status"] == "stands"


def test_nothing_is_superseded_where_nothing_is_logged(tmp_path):
    assert superseded_files(tmp_path / "log.csv", "toy") == []
