"""The confirmation: new folds that keep groups whole, and the verdict."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import write_competition
from diagnosis_examples import draw_families
from optuna.trial import FrozenTrial, create_trial
from rich.console import Console

from seqblend.app.tune import show_verdict
from seqblend.core.config import Config, DataConfig, FoldConfig
from seqblend.data.fold_files import read_folds
from seqblend.evaluation.paired import PairedDifference
from seqblend.reading.cache import load_competition
from seqblend.reporting.sections.tuning_section import tabulate_scores
from seqblend.running.inputs import Places
from seqblend.running.project import Project, Request, open_project
from seqblend.tuning.confirm import Confirmed, adjust_for_number, has_new_folds, refold
from seqblend.tuning.study import DEFAULT, FOUND
from seqblend.tuning.verdict import TuningVerdict


def write_rows(folder: Path, train: list, test: list) -> Path:
    """A competition of these sequences with labels in turn."""
    folder.mkdir()
    rows = [{"id": i, "sequence": tokens} for i, tokens in enumerate([*train, *test])]
    labelled = [row | {"label": "ab"[row["id"] % 2]} for row in rows[: len(train)]]
    (folder / "train.json").write_text(json.dumps(labelled))
    (folder / "test.json").write_text(json.dumps(rows[len(train) :]))
    ids = "".join(f"{row['id']},a\n" for row in rows[len(train) :])
    (folder / "sample_submission.csv").write_text("id,label\n" + ids)
    return folder


def open_folder(folder: Path, **changes) -> Project:
    places = Places((), folder.parent / "working", folder.parent / "submissions")
    config = Config(models=("nblr",), **changes)
    return open_project(config, places, Request(data=folder, workers=1, is_plan=True))


def torn(keys: np.ndarray, fold: np.ndarray) -> int:
    """How many keys have rows in more than one fold."""
    return sum(len(set(fold[keys == key])) > 1 for key in set(keys))


def test_new_folds_keep_the_relatives_together_that_groups_by_auto_found(tmp_path):
    rows, _ = draw_families(np.random.default_rng(0))
    folder = write_rows(tmp_path / "families", rows[:320], rows[320:])
    project = open_folder(folder, folds=FoldConfig(groups="auto"))
    again = refold(project)
    assert len(set(project.folds.keys)) < 100
    assert torn(project.folds.keys, again.fold) == 0
    np.testing.assert_array_equal(again.folds.keys, project.folds.keys)


def test_duplicates_that_test_rows_share_fall_into_any_of_the_new_folds_too(tmp_path):
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 500, 12).tolist() for _ in range(60)]
    picks = rng.integers(0, 60, 360)
    drawn = [rows[pick] for pick in picks]
    project = open_folder(
        write_rows(tmp_path / "copies", drawn[:240], drawn[240:]), folds=FoldConfig(groups="auto")
    )
    again = refold(project)
    assert torn(picks[:240], project.fold) > 40
    assert torn(picks[:240], again.fold) > 40
    np.testing.assert_array_equal(again.folds.keys, project.folds.keys)


def test_new_folds_are_new(tmp_path):
    project = open_folder(write_competition(tmp_path / "tiny"))
    again = refold(project)
    assert has_new_folds(project)
    assert again.fingerprint.folds != project.fingerprint.folds
    assert again.config.folds.seed != project.config.folds.seed
    same = (again.fold[:, None] == again.fold)[project.fold[:, None] == project.fold]
    assert same.mean() < 0.5  # a fifth by chance, and each row with itself


def test_workers_find_the_new_folds_and_their_keys_under_their_digest(tmp_path):
    project = open_folder(write_competition(tmp_path / "tiny"))
    again = refold(project)
    folder, name = again.workspace.data, again.fingerprint.folds
    assert load_competition(folder).name == "tiny"
    fold, keys = read_folds(folder, name)
    np.testing.assert_array_equal(fold, again.fold)
    np.testing.assert_array_equal(keys, again.folds.keys)
    assert again.folds.notes == project.folds.notes


@pytest.fixture
def given(tmp_path) -> Project:
    """A project whose data give the folds."""
    folder = write_competition(tmp_path / "tiny")
    rows = json.loads((folder / "train.json").read_text())
    rows = [row | {"fold": i % 3} for i, row in enumerate(rows)]
    (folder / "train.json").write_text(json.dumps(rows))
    return open_folder(folder, data=DataConfig(fold="fold"))


def test_folds_that_the_data_give_stay_and_are_not_called_new(given):
    again = refold(given)
    np.testing.assert_array_equal(again.fold, given.fold)
    assert again.fingerprint.folds == given.fingerprint.folds
    assert not has_new_folds(given)


def trial(number: int) -> FrozenTrial:
    made = create_trial(value=0.5, user_attrs={"role": FOUND if number else DEFAULT, "run": "r"})
    made.number = number
    return made


COUNTS = {"done": 3, "pruned": 0, "failed": 0}


def verdict_on(gains: list[PairedDifference], *, has_new_folds: bool = True) -> TuningVerdict:
    """The verdict on a default and finalists with these gains over it, best first."""
    finalists = [Confirmed(trial(i), "r", 0.5 - g.mean, 5, g) for i, g in enumerate(gains, 1)]
    default = Confirmed(trial(0), "r", 0.5, 5, PairedDifference.normal(0.0, 0.0, 100))
    confirmed = sorted([default, *adjust_for_number(finalists)], key=lambda c: c.loss)
    return TuningVerdict(
        default.trial, confirmed[0].trial, None, confirmed, has_new_folds, None, COUNTS
    )


CLEAR = PairedDifference.normal(0.03, 0.01, 100)
ALONE = PairedDifference.normal(0.02, 0.0097, 100)  # its own interval is above 0
NONE = PairedDifference.normal(0.001, 0.0107, 100)


def test_a_gain_that_would_pass_alone_does_not_pass_as_the_best_of_three():
    assert verdict_on([ALONE]).is_better
    verdict = verdict_on([ALONE, NONE, NONE])
    assert not verdict.is_better
    assert verdict.settings == {}
    assert verdict.sentence == (
        "keep the default: gain in log loss on new folds +0.0200 (95 % +0.0010 to +0.0390; "
        "not significant at 5 %, Holm-corrected over 3 finalists)"
    )


def test_a_significant_gain_is_used_and_the_sentence_says_how_it_was_tested():
    assert verdict_on([CLEAR, ALONE, NONE]).sentence == (
        "use trial 1: gain in log loss on new folds +0.0300 (95 % +0.0104 to +0.0496; "
        "significant at 5 %, Holm-corrected over 3 finalists)"
    )
    assert verdict_on([CLEAR]).sentence.endswith("+0.0496; significant at 5 %)")


def test_a_significant_loss_is_no_gain():
    worse = PairedDifference.normal(-0.03, 0.01, 100)
    verdict = verdict_on([worse])
    assert not verdict.is_better
    assert verdict.sentence == ("keep the default: on new folds nothing that was found is better")
    assert not Confirmed(trial(1), "r", 0.53, 5, worse, 0.003).is_significant


def test_the_verdict_calls_no_folds_new_that_the_data_give():
    sentence = verdict_on([CLEAR], has_new_folds=False).sentence
    assert sentence.startswith(
        "use trial 1: gain in log loss with a new seed on the same folds, whose rows also chose it "
        "(optimistic), +0.0300"
    )
    for verdict in (
        verdict_on([CLEAR], has_new_folds=False),
        verdict_on([], has_new_folds=False),
        TuningVerdict(None, None, None, [], False, None, {}),
    ):
        assert "new folds" not in verdict.sentence
        assert "the same folds" in verdict.sentence
        assert verdict.record()["has_new_folds"] is False


@pytest.mark.parametrize(("is_new", "heading"), [(True, "new folds"), (False, "same folds")])
def test_terminal_and_report_head_the_confirmed_scores_by_their_folds(is_new, heading):
    verdict = verdict_on([CLEAR, NONE], has_new_folds=is_new)
    console = Console(file=io.StringIO(), width=200)
    show_verdict(console, verdict)
    printed = console.file.getvalue()
    assert f"log loss, {heading} and new seed" in printed
    assert "trial 1 (found)" in printed
    assert "0.0054" in printed  # 2 x 0.0027
    table = tabulate_scores(verdict.record() | {"table": []})
    titles = [column.title for column in table.columns]
    assert f"log loss, {heading} and new seed" in titles
    p_values = {row[0]: row[-1] for row in table.rows}
    assert p_values == {
        "the default": "",
        "trial 1": pytest.approx(2 * CLEAR.p_value),
        "trial 2": NONE.p_value,
    }
