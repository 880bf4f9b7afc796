"""The log of submissions: a line for each, and nothing that is there already is lost."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor

from seqblend.blending.submission import Submission
from seqblend.blending.submission_log import (
    COLUMNS,
    log_submission,
    scored_submissions,
)

OLD = ",".join((*COLUMNS, "status"))  # as an earlier version wrote it


def log(path, file, sha256, competition="toy"):
    (path.parent / file).touch()
    log_submission(path, Submission(path.parent / file, 3, sha256), competition, "accuracy", 0.5)


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files(path, competition="toy"):
    return [row["file"] for row in read(path) if row["competition"] == competition]


def test_the_last_line_of_a_competition_is_what_was_submitted_last(tmp_path):
    path = tmp_path / "log.csv"
    for name in ("a", "b", "b", "a", "a"):
        log(path, f"{name}.csv", name)
    log(path, "other.csv", "o", competition="other")
    before = path.read_bytes()
    log(path, "a.csv", "a")
    assert path.read_bytes() == before
    assert files(path) == ["a.csv", "b.csv", "a.csv"]
    log(path, "a.csv", "other content")
    assert files(path) == ["a.csv", "b.csv", "a.csv", "a.csv"]
    assert read(path)[-1]["cross_fitted"] == "0.500000"


def test_writers_at_the_same_time_lose_no_line(tmp_path):
    path, names = tmp_path / "log.csv", [f"{i}.csv" for i in range(60)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: log(path, name, name), names))
    assert sorted(files(path)) == sorted(names)


def test_bytes_that_are_no_text_and_a_huge_cell_stay(tmp_path):
    path = tmp_path / "log.csv"
    log(path, "a.csv", "a")
    note = "t,caf\xe9,".encode("cp1252") + b"x" * 200_000 + b"\n"
    path.write_bytes(path.read_bytes() + note)
    log(path, "b.csv", "b")
    assert note.removesuffix(b"\n") in path.read_bytes()
    assert b",toy,b.csv," in path.read_bytes().splitlines()[-1]


def test_a_folder_in_place_of_the_log_is_set_aside(tmp_path):
    path = tmp_path / "log.csv"
    path.mkdir()
    log(path, "a.csv", "a")
    assert files(path) == ["a.csv"]
    assert (tmp_path / "log.csv.corrupt").is_dir()


def test_an_older_log_and_what_a_person_wrote_there_stay(tmp_path):
    path = tmp_path / "log.csv"
    text = f"my note,{OLD}\nbest so far,then,toy,a.csv,3,a,accuracy,0.9,0.91,current\nshort\n"
    path.write_text(text)
    log(path, "b.csv", "b")
    assert path.read_text().startswith(text.removesuffix("\n"))
    first, short, new = read(path)
    assert (first["my note"], first["leaderboard"], first["status"]) == (
        "best so far",
        "0.91",
        "current",
    )
    assert (short["my note"], new["file"], new["status"]) == ("short", "b.csv", "")


def test_a_log_without_all_columns_gets_them(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("file,competition\na.csv,toy\n")
    log(path, "b.csv", "b")
    assert files(path) == ["a.csv", "b.csv"]
    assert read(path)[-1]["sha256"] == "b"


def test_a_log_that_a_spreadsheet_rewrote_is_added_to(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(OLD.replace(",", ";") + "\nthen;toy;a.csv;3;a;accuracy;0.9;0.91;current\n")
    log(path, "b.csv", "b")
    assert path.read_text().splitlines()[1].startswith("then;toy;a.csv;3;a;accuracy;0.9;0.91")
    assert read(path)[-1]["file"] == "b.csv"


def test_a_leaderboard_score_that_a_person_wrote_is_read_and_stays(tmp_path):
    path = tmp_path / "log.csv"
    for file in ("a.csv", "b.csv"):
        log(path, file, file)
    path.write_text(path.read_text().replace("0.500000,", "0.500000,0.4321", 1))
    log(path, "c.csv", "c")
    assert [one.leaderboard for one in scored_submissions(path, "toy")] == [0.4321, None, None]


def test_scores_that_a_person_wrote_as_words_are_left_out(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(f"{OLD}\nt,toy,a.csv,3,a,accuracy,0.9,pending\nt,toy,b.csv,3,b,accuracy,,0.8\n")
    (only,) = scored_submissions(path, "toy")
    assert (only.file, only.leaderboard) == ("a.csv", None)
