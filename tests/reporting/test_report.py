"""The report stands in one file, shows what was asked, and lets no text out of its place."""

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from report_examples import make_history, make_report, read_page

from seqblend.app.display import leaderboard_rows
from seqblend.blending.submission_log import Scored
from seqblend.core.findings import Finding
from seqblend.diagnosis.record import Diagnosis
from seqblend.evaluation.check import Check
from seqblend.evaluation.metrics import score
from seqblend.reporting.elements.report_tables import (
    Column,
    ReportTable,
    defuse,
    show,
    to_csv,
)
from seqblend.reporting.elements.style import relative_paths
from seqblend.reporting.facts.entries import rank_entries
from seqblend.reporting.facts.histories import epochs_to_share
from seqblend.reporting.facts.leaderboard_table import tabulate
from seqblend.reporting.report import write_report
from seqblend.reporting.sections.headline import headline, judge

HOSTILE = ("<script>alert(1)</script>", "=cmd()|' /C calc'!A0", "\x1b[31mred" + "x" * 1_000_000)


class Page(HTMLParser):
    """Collects tags, ids, links and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.words = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for key, value in attrs:
            if key == "id":
                self.ids.append(value)
            if key in ("src", "href", "action", "data"):
                self.links.append(value)

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of one report of three models and a blend, with hostile class names."""
    folder = tmp_path_factory.mktemp("report")
    data = make_report(("nblr", "bigru", "bilstm"), HOSTILE)
    data = replace(data, best_reachable=0.9952)
    data = replace(data, blend=replace(data.blend, test={"accuracy": 0.71}))
    write_report(data, folder)
    return folder


@pytest.fixture(scope="module")
def page(written):
    """Its page, parsed."""
    return Page((written / "index.html").read_text(encoding="utf-8"))


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_everything_promised_is_written(written):
    names = {path.name for path in written.iterdir()}
    assert names >= {
        "index.html",
        "leaderboard.csv",
        "loss_comparison.png",
        "accuracy_comparison.png",
        "cm_nblr.png",
        "cm_bilstm.png",
        "cm_blend.png",
    }
    assert (written / "cm_nblr.png").read_bytes().startswith(b"\x89PNG")


def test_every_picture_on_the_page_is_a_file_and_so_is_its_data(written, page):
    links = {link for link in page.links if link.endswith((".png", ".csv"))}
    assert links <= {path.name for path in written.iterdir()}
    assert {path.name for path in written.glob("*.png")} <= links


def test_the_page_asks_the_network_for_nothing(written, page):
    inside = {f"#{name}" for name in page.ids}
    beside = {path.name for path in written.iterdir()}
    for link in page.links:
        assert link in inside | beside | {"data:,"} or re.fullmatch(r"#\w+", link), link
    assert "svg" in page.tags


def test_links_within_the_page_lead_somewhere(page):
    anchors = [link[1:] for link in page.links if re.fullmatch(r"#[a-z]+", link)]
    assert anchors
    assert set(anchors) <= set(page.ids)


def test_the_same_report_has_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_report(make_report(("bilstm",), blend=None), tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


@pytest.mark.fault("X2")
def test_hostile_labels_stay_text_everywhere(written, page):
    assert page.tags.count("script") == 1  # ours: what is folded is printed
    assert (written / "index.html").stat().st_size < 500_000
    for path in written.iterdir():
        if path.suffix != ".png":
            text = path.read_text(encoding="utf-8")
            assert "\x1b" not in text
            assert "x" * 300 not in text
    for path in written.glob("*.csv"):
        with open(path, newline="", encoding="utf-8") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "@", "+"))]


def test_negative_numbers_in_a_csv_stay_numbers():
    table = ReportTable(
        (Column("a", "a"), Column("b", "b", "signed")), [["-x", -0.5], ["+1", None]]
    )
    assert to_csv(table.frame()) == "a,b\n'-x,-0.5\n'+1,undefined\n"


@pytest.mark.fault("X2")
def test_only_text_that_a_spreadsheet_would_run_is_defused():
    assert [defuse(text) for text in ("=1", "+1", "-1", "@a", "a=1")] == [
        "'=1",
        "'+1",
        "'-1",
        "'@a",
        "a=1",
    ]


@pytest.mark.fault("N2")
def test_undefined_is_said_and_not_shown_as_a_number():
    assert show(None, "score") == show(float("nan"), "score") == "undefined"
    assert show("", "score") == "–"
    assert show(0.98765, "score") == "0.9877"
    assert show(-0.00001, "signed") == "+0.0000"  # no minus nought


def test_the_leaderboard_is_sorted_by_the_metric_and_names_each_split(written):
    rows = read_csv(written / "leaderboard.csv")
    values = [float(row["accuracy"]) for row in rows]
    assert values == sorted(values, reverse=True)
    splits = {row["model"]: row["split"] for row in rows}
    assert splits == {
        "blend": "cross-fitted",
        "nblr": "out of fold",
        "bigru": "out of fold",
        "bilstm": "out of fold",
    }


def test_a_leaderboard_that_is_shown_has_fewer_columns_than_its_file():
    board = ReportTable((Column("a", "a"), Column("rows", "rows", "count")), [["x", 1]])
    assert board.without("rows", "gap") == ReportTable((Column("a", "a"),), [["x"]])


def test_the_in_sample_score_is_beside_the_cross_fitted_one_and_not_on_the_leaderboard(written):
    assert "0.8125" not in (written / "leaderboard.csv").read_text(encoding="utf-8")
    assert "mean | 0.7500 | 0.8125 | +0.0625" in read_page(written)


def test_a_lower_log_loss_ranks_higher():
    entries = rank_entries(make_report(metric="log_loss", blend=None))
    assert entries[0].pooled < entries[1].pooled


def test_the_pooled_score_is_over_rows_and_the_spread_over_folds():
    data = make_report(blend=None)
    entry = next(e for e in rank_entries(data) if e.name == "bilstm")
    oof = data.records[1].oof
    folds = [score("accuracy", data.targets[data.fold == k], oof[data.fold == k]) for k in range(3)]
    assert entry.pooled == score("accuracy", data.targets, oof)
    assert entry.spread == pytest.approx(np.std(folds, ddof=1))


def test_rows_without_a_prediction_are_not_scored():
    data = make_report(blend=None)
    oof = data.records[0].oof.copy()
    oof[:40] = np.nan
    data = replace(data, records=[replace(data.records[0], oof=oof)])
    assert len(rank_entries(data)[0].rows) == 50
    unseen = replace(data, fold=np.where(np.arange(90) < 60, -1, data.fold))
    assert len(rank_entries(unseen)[0].rows) == 30


def test_a_run_without_any_prediction_is_listed_as_undefined(tmp_path):
    data = make_report(blend=None)
    empty = replace(data.records[0], oof=np.full((90, 3), np.nan, dtype=np.float32))
    write_report(replace(data, records=[empty, data.records[1]]), tmp_path)
    rows = read_csv(tmp_path / "leaderboard.csv")
    assert (rows[-1]["model"], rows[-1]["accuracy"]) == ("nblr", "undefined")
    assert not (tmp_path / "cm_nblr.png").exists()


def test_epochs_to_99_percent_counts_from_one():
    assert epochs_to_share({"valid_accuracy": [0.5, 0.9, 0.995, 1.0]}) == 3
    assert epochs_to_share({}) is None


def test_epochs_to_99_percent_of_the_best_reachable_are_shown_where_it_is_known():
    data = make_report(names=("bilstm",), blend=None)
    histories = [
        {"valid_accuracy": accuracies} for accuracies in ([0.5, 0.8, 0.9], [0.8, 0.8, 0.8])
    ]
    bilstm = replace(data.records[0], histories=histories)
    known = replace(data, records=[bilstm], best_reachable=0.8)
    columns, ((*_, last),) = leaderboard_rows(known, rank_entries(known))
    assert (columns[-1], last) == ("to 99 %", "1.5")
    out_of_reach = replace(known, best_reachable=0.9)
    assert leaderboard_rows(out_of_reach, rank_entries(out_of_reach))[1][0][-1] == "–"
    assert "to 99 %" not in leaderboard_rows(data, rank_entries(data))[0]


def test_the_verdict_is_held_against_the_best_single_model_and_the_baseline():
    data = make_report(names=("nblr", "bigru", "bilstm"))
    verdict = judge(data, rank_entries(data))
    assert verdict.entry.is_blend
    assert [name for name, *_ in verdict.leads] == ["bilstm", "nblr"]
    *_, lead = verdict.leads[0]  # the blend's predictions are bilstm's own: paired, no spread
    assert lead.mean == lead.low == lead.high == lead.margin == 0
    assert verdict.leads[1][2].mean > 0


def test_a_blend_that_is_one_model_alone_is_not_held_against_itself():
    data = make_report(names=("nblr", "bilstm"))
    alone = replace(data, blend=replace(data.blend, weights={"nblr": 0.0, "bilstm": 1.0}))
    verdict = judge(alone, rank_entries(alone))
    assert [name for name, *_ in verdict.leads] == ["nblr"]
    assert "bilstm alone" in headline(alone, verdict)["what"]
    assert "alone" not in headline(data, judge(data, rank_entries(data)))["what"]


def test_every_difference_has_its_margin():
    data = make_report(names=("nblr", "bigru", "bilstm"))
    entries = rank_entries(data)
    table = tabulate(data, entries)
    places = [[c.key for c in table.columns].index(key) for key in ("difference", "margin")]
    told = {row[0]: [row[i] for i in places] for row in table.rows}
    assert told["blend"] == ["", ""]
    assert told["bilstm"] == [0, 0]  # the blend's own predictions
    nblr = next(entry for entry in entries if entry.name == "nblr")
    lead = next(entry for entry in entries if entry.is_blend)
    right = [np.argmax(e.record.oof, 1) == data.targets for e in (lead, nblr)]
    apart = right[0].astype(float) - right[1]
    by_rows = apart.std() / np.sqrt(90)
    by_fits = np.std([apart[data.fold == k].mean() for k in range(3)], ddof=1) / np.sqrt(3)
    assert told["nblr"][0] == pytest.approx(-apart.mean())
    assert told["nblr"][1] == pytest.approx(1.96 * max(by_rows, by_fits), rel=0.1)


def test_leaderboard_answers_are_held_against_cross_validation(tmp_path):
    answers = [(0.80, 0.78), (0.82, 0.81), (0.84, 0.80), (0.85, None)]
    logged = [Scored(f"{i}.csv", *pair) for i, pair in enumerate(answers)]
    write_report(replace(make_report(), submissions=logged), tmp_path)
    rows = read_csv(tmp_path / "cv_leaderboard.csv")
    assert [row["difference"] for row in rows] == ["-0.02", "-0.01", "-0.04"]
    assert "is -0.0233 from cross-validation on average" in read_page(tmp_path)


def test_the_interval_holds_the_score():
    data = make_report(blend=None)
    verdict = judge(data, rank_entries(data))
    low, high = verdict.entry.interval
    assert low < verdict.entry.pooled < high


def test_the_blends_interval_is_the_one_that_blending_found():
    data = make_report()
    whole = {"low": 0.5, "high": 0.75}
    data = replace(data, blend=replace(data.blend, whole=whole))
    (blend,) = [entry for entry in rank_entries(data) if entry.is_blend]
    assert blend.interval == (0.5, 0.75)


def test_the_forecast_for_the_test_set_is_a_second_number_beside_the_cross_fitted_score(tmp_path):
    data = make_report()
    whole = {"cross_fitted": 0.75, "low": 0.5, "high": 0.8, "averaging_gain": 0.0125}
    whole |= {"forecast_low": 0.625, "forecast_middle": 0.765, "forecast_high": 0.875}
    write_report(replace(data, blend=replace(data.blend, whole=whole)), tmp_path)
    page = read_page(tmp_path)
    assert "On the test set 0.7650 is expected (95 % forecast 0.6250 to 0.8750)" in page
    assert "changes the score by +0.0125" in page
    assert "0.6250–0.8750" in page


def test_sections_without_data_are_left_out(tmp_path):
    bare = make_report(
        ("nblr",), blend=None, findings=[], submission={}, command="", lengths=np.full(90, 7)
    )
    page = Page(write_report(bare, tmp_path).read_text(encoding="utf-8"))
    assert not {"blend", "explanations", "tuning"} & set(page.ids)
    assert {"leaderboard", "models", "errors"} <= set(page.ids)


def test_a_report_without_any_model_is_the_data_card(tmp_path):
    page = Page(write_report(make_report((), blend=None), tmp_path).read_text(encoding="utf-8"))
    assert "data" in page.ids
    assert "leaderboard" not in page.ids


@pytest.mark.parametrize(
    ("names", "classes", "k", "epochs", "metric"),
    [
        (("bilstm",), ("no", "yes"), 1, 1, "auc"),
        (("bilstm",), tuple(f"c{i}" for i in range(46)), 2, 2, "log_loss"),
        (("nblr", *(f"m{i}" for i in range(7))), ("A", "B"), 2, 2, "mcc"),
    ],
)
def test_few_and_many_models_and_classes_work(tmp_path, names, classes, k, epochs, metric):
    data = make_report(names, classes, k=k, epochs=epochs, metric=metric)
    write_report(data if len(names) > 1 else replace(data, blend=None), tmp_path)
    assert (tmp_path / f"cm_{names[-1]}.png").exists()
    assert len(read_csv(tmp_path / "classes.csv")) == len(classes) * len(
        list(tmp_path.glob("cm_*"))
    )


def test_the_best_reachable_score_and_the_test_score_stand_beside(written, page):
    words = " ".join(page.words)
    assert "0.9952" in words
    assert "0.7100" in words
    tests = {row["model"]: row["test"] for row in read_csv(written / "leaderboard.csv")}
    assert tests["blend"] == "0.71"
    assert tests["nblr"] == ""


def test_two_records_of_one_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match="distinct names"):
        write_report(make_report(("bilstm", "bilstm")), tmp_path)


def test_gradient_norms_of_the_best_model_have_a_picture_and_all_have_columns(tmp_path):
    data = make_report(("bigru", "bilstm"), blend=None)
    norms = {"gradient_norm": [2.0], "gradient_norm_max": [3.0], "gradient_norm/embed": [1.0]}
    histories = [make_history(1, 0.8) | norms]
    data = replace(data, records=[replace(r, histories=histories) for r in data.records])
    write_report(data, tmp_path)
    assert (tmp_path / "gradients_bilstm.png").exists()
    assert not (tmp_path / "gradients_bigru.png").exists()  # the best model's is enough
    assert read_csv(tmp_path / "history.csv")[0]["gradient_norm/embed"] == "1"


def test_no_absolute_path_of_this_machine_is_in_the_report(tmp_path):
    data = replace(
        make_report(),
        submission={"path": "/home/me/project/submissions/toy.csv", "rows": 30},
        command="python src/run.py --data=/home/me/data --working '/home/me/work here'",
        warnings=["no test scores: /home/me/data/solution.csv, line 3: an id is missing"],
        environment={"device note": "/home/me/.cache is read-only"},
        findings=[Finding("train", "/home/me/data/train.csv")],
    )
    write_report(data, tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"(?<![.\w])/home/me", text)  # ../home/me is no absolute path
    assert "Submit submissions/toy.csv" in text
    assert "data/solution.csv, line 3" in text


def test_a_command_keeps_its_meaning_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert relative_paths(f"run.py --set a.path={tmp_path}/x/y.txt --data {tmp_path.parent}/d") == (
        "run.py --set a.path=x/y.txt --data ../d"
    )


def test_the_head_of_the_page_answers_the_four_questions(tmp_path):
    checks = [Check("label from id", "how", "0.9", "it leaks", is_flagged=True)]
    data = replace(make_report(("nblr", "bigru", "bilstm")), diagnosis=Diagnosis(checks))
    data = replace(data, missing=["bigru fold 2"])
    text = read_page(write_report(data, tmp_path).parent)
    head = text[text.index("Submit") : text.index("Sorted by accuracy")]
    assert "Submit submissions/toy.csv" in head
    assert "0.7500expected accuracy95 % interval 0." in head
    assert "1 of 1 validation checks found a problem: label from id" in head
    assert "Type the same command again: 1 units are missing" in head
