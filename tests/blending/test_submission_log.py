"""The log of submissions: one per competition is current, and nothing a person wrote is lost."""

from __future__ import annotations

import csv

import pytest

from seqblend.blending.submission import Submission
from seqblend.blending.submission_log import (
    COLUMNS,
    log_submission,
    parse_leaderboard,
    record_leaderboard,
    scored_submissions,
    superseded_files,
)
from seqblend.core.errors import FlagError

OLD = ",".join(COLUMNS[:-1])  # as written before there was a status


def log(path, file, sha256, competition="toy"):
    (path.parent / file).touch()
    log_submission(path, Submission(path.parent / file, 3, sha256), competition, "accuracy", 0.5)


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_newest_submission_of_a_competition_is_current_and_the_others_are_superseded(tmp_path):
    path = tmp_path / "log.csv"
    log(path, "other.csv", "o", competition="other")
    for name in "abc":
        log(path, f"{name}.csv", name)
    assert [(row["file"], row["status"]) for row in read(path)] == [
        ("other.csv", "current"),
        ("a.csv", "superseded"),
        ("b.csv", "superseded"),
        ("c.csv", "current"),
    ]
    assert superseded_files(path, "toy") == ["a.csv", "b.csv"]
    assert superseded_files(path, "other") == []
    (tmp_path / "a.csv").unlink()
    assert superseded_files(path, "toy") == ["b.csv"]


def test_a_submission_made_again_keeps_its_line_and_is_current_again(tmp_path):
    path = tmp_path / "log.csv"
    for name in ("a", "b", "a"):
        log(path, f"{name}.csv", name)
    assert [(row["file"], row["status"]) for row in read(path)] == [
        ("a.csv", "current"),
        ("b.csv", "superseded"),
    ]
    before = path.read_bytes()
    log(path, "a.csv", "a")
    assert path.read_bytes() == before


def test_an_older_log_and_what_a_person_wrote_there_stay(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(f"my note,{OLD}\nbest so far,then,toy,a.csv,3,a,accuracy,0.9,0.91\nshort\n")
    log(path, "b.csv", "b")
    first, short, new = read(path)
    assert (first["my note"], first["leaderboard"]) == ("best so far", "0.91")
    assert (first["status"], new["status"]) == ("superseded", "current")
    assert short["my note"] == "short"
    assert new["cross_fitted"] == "0.500000"


def test_a_log_that_a_spreadsheet_rewrote_is_added_to(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(OLD.replace(",", ";") + "\nthen;toy;a.csv;3;a;accuracy;0.9;0.91\n")
    log(path, "b.csv", "b")
    assert path.read_text().splitlines()[1].startswith("then;toy;a.csv;3;a;accuracy;0.9;0.91")
    assert read(path)[-1]["status"] == "current"


def test_nothing_is_superseded_where_nothing_is_logged(tmp_path):
    assert superseded_files(tmp_path / "log.csv", "toy") == []


def test_a_leaderboard_score_is_written_beside_the_newest_submission_of_that_name(tmp_path):
    path = tmp_path / "log.csv"
    for file, content in (("a.csv", "1"), ("a.csv", "2"), ("b.csv", "3")):
        log(path, file, content)
    before = read(path)
    recorded = record_leaderboard(path, "a.csv", 0.4321)
    assert (recorded.competition, recorded.cross_fitted, recorded.leaderboard) == (
        "toy",
        0.5,
        0.4321,
    )
    before[1]["leaderboard"] = "0.4321"
    assert read(path) == before
    assert [one.leaderboard for one in scored_submissions(path, "toy")] == [None, 0.4321, None]
    log(path, "c.csv", "4")
    assert read(path)[1]["leaderboard"] == "0.4321"


def test_a_wrong_score_or_an_unknown_submission_says_what_is_expected(tmp_path):
    path = tmp_path / "log.csv"
    log(path, "toy-mean.csv", "1")
    for text in ("toy-mean.csv", "toy-mean.csv=high", "=0.5", "toy-mean.csv=nan"):
        with pytest.raises(FlagError, match="FILE=SCORE"):
            parse_leaderboard(text)
    assert parse_leaderboard("submissions/toy=1.csv=0.5") == ("toy=1.csv", 0.5)
    with pytest.raises(FlagError, match=r"did you mean 'toy-mean.csv'"):
        record_leaderboard(path, "toy-men.csv", 0.5)
    with pytest.raises(FlagError, match="no submission"):
        record_leaderboard(tmp_path / "none.csv", "a.csv", 0.5)


def test_scores_that_a_person_wrote_as_words_are_left_out(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(f"{OLD}\nt,toy,a.csv,3,a,accuracy,0.9,pending\nt,toy,b.csv,3,b,accuracy,,0.8\n")
    (only,) = scored_submissions(path, "toy")
    assert (only.file, only.leaderboard) == ("a.csv", None)
