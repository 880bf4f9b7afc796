"""Pseudo-labels: which test rows get one, how a second stage is planned, and how it is shown."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from processes import run_kernel, start_kernel
from report_examples import make_probabilities, make_report
from unit_examples import ALL, make_project, runs_of, two_stages

from seqblend.core.config import PseudoConfig
from seqblend.core.storage import read_json
from seqblend.evaluation.bootstrap import score_contributions, standard_error
from seqblend.evaluation.metrics import score
from seqblend.reporting.facts.entries import rank_entries
from seqblend.reporting.facts.records import ModelRecord, PseudoFacts
from seqblend.reporting.sections.pseudo_section import pseudo_section, tabulate_pseudo
from seqblend.running.budget import Estimator
from seqblend.running.pseudo_labels import select_confident
from seqblend.running.runs import (
    PILOT,
    DataFingerprint,
    Job,
    Unit,
    plan_second_stage,
    plan_units,
    remark_of,
)
from seqblend.running.scheduling import Schedule

NBLR = [
    "--models",
    "nblr",
    "--folds",
    "2",
    "--workers",
    "1",
    "--pseudo",
    "--set",
    "pseudo.confidence=0.6",
]


def test_rows_below_the_confidence_are_not_used_and_of_too_many_the_surest_are():
    one = np.array([[0.875, 0.125], [0.25, 0.75], [0.5, 0.5], [0.125, 0.875]], np.float32)
    two = np.array([[0.625, 0.375], [0.25, 0.75], [0.5, 0.5], [0.125, 0.875]], np.float32)
    assert select_confident([one, two], 0.75, most=9).tolist() == [[0, 0], [1, 1], [3, 1]]
    assert select_confident([one, two], 0.8, most=9).tolist() == [[3, 1]]
    assert select_confident([one, two], 0.75, most=2).tolist() == [[0, 0], [3, 1]]
    assert select_confident([one, two], 0.9, most=9).shape == (0, 2)


def test_a_run_is_named_by_confidence_share_and_the_first_stage(tmp_path):
    project = make_project(tmp_path)

    def names(runs=None, **changes):
        config = PseudoConfig(**({"use": True} | changes))
        return {run.name for run in plan_second_stage(runs or runs_of(project), config)}

    first = names()
    assert {name.rpartition("-")[0] for name in first} == {"nblr+pseudo", "bilstm+pseudo"}
    assert names() == first
    assert names(runs_of(project)[::-1]) == first
    for other in (names(confidence=0.9), names(share=0.5), names(runs_of(project)[:1])):
        assert other.isdisjoint(first)
    assert names(use=False) == set()


def test_pseudo_labels_of_tuned_models_carry_their_remark(tmp_path):
    project = make_project(tmp_path)
    first, second = two_stages(project, ALL)
    tuned = dataclasses.replace(project.config, tuned={"bilstm": {"train.lr": 0.01}})
    assert [bool(remark_of(run, tuned)) for run in [*first, *second]] == [False, True, True, True]
    assert not any(remark_of(run, project.config) for run in [*first, *second])


def test_the_second_stage_comes_last_without_pilots_and_more_seeds_redo_nothing(tmp_path):
    first, second = two_stages(make_project(tmp_path), ALL)
    units = plan_units([*first, *second], 1, 2)
    assert [bool(unit.run.pseudo) for unit in units] == [False] * 5 + [True] * 4
    assert [unit.run for unit in units if unit.fold == PILOT] == [first[1]]
    assert units[5].name == "nblr+pseudo fold 0"
    assert set(units) < set(plan_units([*first, *second], 2, 2))
    assert [run.base for run in second] == first


def test_the_second_stage_waits_for_the_whole_first_and_falls_with_it(tmp_path):
    first, second = two_stages(make_project(tmp_path), ALL)
    units = plan_units([first[0], second[0]], 1, 2)

    def schedule():
        jobs = [
            Job(unit, tmp_path, tmp_path, DataFingerprint("d", "f", "l", "i")) for unit in units
        ]
        return Schedule(jobs, {}, lambda unit: 99.0 if unit.run.pseudo else 1.0)

    whole, broken = schedule(), schedule()
    for k in range(2):
        assert whole.next_job().unit == units[k]
    assert whole.next_job() is None
    for k in range(2):
        whole.finish(units[k], {})
    assert whole.next_job().unit == units[2]
    broken.fail(broken.next_job().unit, "no memory")
    assert [broken.failed[unit] for unit in units[2:]] == [
        "no pseudo-labels: nblr fold 0 failed"
    ] * 2
    assert broken.next_job().unit == units[1]


def test_the_estimate_of_a_second_fit_grows_with_the_rows_it_may_add(tmp_path):
    project = make_project(tmp_path, models=("nblr",))
    (base,), (second,) = two_stages(project, ALL)
    rows = project.competition.train.take(slice(0, 40)), project.competition.test
    estimator = Estimator(*rows, classes=3, folds=2)
    estimator.observe(Unit(base, 0, 0), {"seconds": 10.0})
    assert estimator.seconds(Unit(second, 0, 0)) == pytest.approx(20.0)  # 20 rows and 20 test rows
    half = dataclasses.replace(second, pseudo=dataclasses.replace(second.pseudo, share=0.5))
    assert estimator.seconds(Unit(half, 0, 0)) == pytest.approx(15.0)
    estimator.observe(Unit(second, 0, 0), {"seconds": 12.0})
    assert estimator.seconds(Unit(second, 0, 1)) == pytest.approx(12.0)


def report_of_two(right=0.75, metric="accuracy"):
    """A report on 90 rows in which nblr had a second stage."""
    data = make_report(("nblr", "bilstm"), metric=metric)
    oof = make_probabilities(data.labels, 3, 1.4, 7)
    facts = PseudoFacts(data.records[0].run, 0.95, [12, 10, 1_234], right)
    more = ModelRecord("nblr+pseudo", "nblr+pseudo-1", oof, epochs=[0] * 3, pseudo=facts)
    return dataclasses.replace(data, records=[*data.records, more])


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_both_scores_stand_side_by_side_with_the_gain_and_its_error(metric):
    data = report_of_two(metric=metric)
    table = tabulate_pseudo(data, rank_entries(data))
    cells = dict(zip((c.key for c in table.columns), table.rows[0], strict=True))
    base, second = data.records[0].oof, data.records[2].oof
    scores = [score(metric, data.labels, p.astype(np.float64)) for p in (base, second)]
    assert [cells["oof"], cells["oof_pseudo"]] == pytest.approx(scores, abs=1e-6)
    sign = -1 if metric == "log_loss" else 1
    assert cells["gain"] == pytest.approx(sign * (scores[1] - scores[0]), abs=1e-6)
    parts = [score_contributions(metric, data.labels, p) for p in (second, base)]
    assert cells["error"] >= 0.9 * standard_error(parts[0] - parts[1])
    assert (cells["model"], cells["rows"]) == ("nblr", "10 to 1,234")
    assert (cells["confidence"], cells["right"]) == (0.95, 0.75)


def test_the_report_has_the_section_only_where_there_was_a_second_stage():
    for data, count in ((report_of_two(right=None), 1), (make_report(), 0)):
        blocks = pseudo_section(data, rank_entries(data)).blocks
        assert len(blocks) == count
        assert not [c for block in blocks for c in block.table.columns if c.key == "right"]


def test_the_whole_way_plans_shows_and_reports_both_stages(tiny, tmp_path, capsys):
    assert run_kernel(tmp_path, "--data", tiny, *NBLR, "--plan") == 0
    assert "plan: 4 units, 2 of them with pseudo-labels (0 done)" in capsys.readouterr().out
    assert run_kernel(tmp_path, "--data", tiny, *NBLR) == 0
    shown = capsys.readouterr().out
    assert "nblr+pseudo fold 1  done" in shown
    assert shown.index("\npseudo-labels\n") > shown.index("\nleaderboard\n")
    (report,) = tmp_path.glob("working/seqblend/tiny/report/index.html")
    text = report.read_text(encoding="utf-8")
    assert ">Pseudo-labels</h2>" in text
    assert "labels correct" in text  # the answers lie beside the data
    weights = tmp_path.glob("working/seqblend/tiny/blends/*/weights.json")
    assert set().union(*map(read_json, weights)) == {"nblr", "nblr+pseudo"}


@pytest.mark.slow
def test_after_kill_9_between_units_of_the_second_stage_the_bytes_are_the_same(tiny, tmp_path):
    kernels = [tmp_path / name for name in ("undisturbed", "killed")]
    assert run_kernel(kernels[0], "--data", tiny, *NBLR) == 0
    process = start_kernel(kernels[1], "--data", tiny, *NBLR)
    for line in process.stdout:
        if line.startswith("nblr+pseudo fold 0  done"):
            break
    process.kill()
    process.communicate()
    assert run_kernel(kernels[1], "--data", tiny, *NBLR) == 0
    files = [
        {
            str(p.relative_to(kaggle)): p.read_bytes()
            for p in kaggle.glob("working/seqblend/*/runs/**/*.np[yz]")
        }
        | {"submission": (kaggle / "working" / "submission.csv").read_bytes()}
        for kaggle in kernels
    ]
    assert files[0] == files[1]
