"""The ablation: which fold does what, what is compared with what, and that it can be resumed."""

import dataclasses

import numpy as np
import pytest

import ablate
from seqblend.benchmark.ablation import (
    AS_IS,
    VARIANTS,
    fit_trial,
    plan_trials,
    run_trials,
    table_rows,
)
from seqblend.config import Config, configure, parse_assignments
from seqblend.errors import FlagError
from seqblend.paths import Places
from seqblend.project import Project, open_project

SETTINGS = [
    "lstm.hidden=4", "lstm.width=8", "train.max_epochs=3", "train.steps_per_epoch=4",
    "vocabulary.min_count=1", "embedding.path=none",
]  # fmt: skip


@pytest.fixture(scope="module")
def project(tiny, tmp_path_factory) -> Project:
    """The tiny competition, opened."""
    top = tmp_path_factory.mktemp("ablation")
    config = configure(Config(models=("lstm",)), parse_assignments(SETTINGS), ["lstm"])
    return open_project(config, Places((), top / "w", top / "s"), data=tiny, workers=1)


def test_every_variant_changes_the_run_of_a_recurrent_model(project):
    trials = plan_trials(project, "bilstm", list(VARIANTS), 1)
    names = {trial.variant: trial.run.name for trial in trials}
    of_vectors = {name for name in VARIANTS if "embedding.path" in VARIANTS[name]}
    of_vectors |= {name for name in VARIANTS if "embedding.mode" in VARIANTS[name]}
    for name in set(VARIANTS) - of_vectors - {AS_IS}:
        assert names[name] != names[AS_IS], name


def test_seeds_differ_in_nothing_but_the_seed_and_what_is_compared_comes_first(project):
    trials = plan_trials(project, "lstm", ["dropout 0.2"], 2)
    assert [(trial.variant, trial.seed) for trial in trials] == [
        (AS_IS, 0), ("dropout 0.2", 0), (AS_IS, 1), ("dropout 0.2", 1),
    ]  # fmt: skip
    assert trials[0].run == trials[2].run


def test_rows_that_are_scored_choose_nothing(project, monkeypatch):
    """The labels of fold 0 can be anything: the fit and its epoch stay, the score alone moves."""
    (trial,) = plan_trials(project, "lstm", [], 1)
    data, folds = project.store.data, project.ledger.folds
    before = fit_trial(trial, data, folds)
    competition, fold = project.competition, project.fold
    turned = np.where(fold == 0, (competition.labels + 1) % 3, competition.labels)
    monkeypatch.setattr(
        "seqblend.benchmark.ablation._load",
        lambda *_: (type(competition)(**(vars(competition) | {"labels": turned})), fold),
    )
    after = fit_trial(trial, data, folds)
    assert after["epoch"] == before["epoch"]
    assert after["accuracy"] + before["accuracy"] <= 1
    assert after["log_loss"] != before["log_loss"]


def test_the_script_takes_finished_fits_from_disk_and_writes_its_table(project, tiny, tmp_path):
    trials = plan_trials(project, "lstm", [], 1)
    ((_, first),) = run_trials(project, trials)
    (file,) = (project.store.root / "ablation").glob("lstm-*-seed0.json")
    file.write_text(file.read_text().replace(str(first["log_loss"]), "0.125"))
    flags = ["lstm", "--variants", AS_IS, "--seeds", "1", "--workers", "1"]
    places = ["--data", tiny, "--working", project.places.working, "--csv", tmp_path / "t.csv"]
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    assert ablate.main([*flags, *map(str, places), *settings]) == 0
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines] == [["variant", "log loss"], [AS_IS, "0.1250"]]


def test_differences_are_taken_between_fits_of_the_same_seed():
    scores = {(AS_IS, 0): (0.5, 0.90), (AS_IS, 1): (0.3, 0.94),
              ("x", 0): (0.4, 0.91), ("x", 1): (0.3, 0.94)}  # fmt: skip
    results = {
        key: {"log_loss": loss, "accuracy": accuracy, "epoch": 2 + key[1]}
        for key, (loss, accuracy) in scores.items()
    }
    assert table_rows(results) == [
        [AS_IS, "0.4000", "", "92.00", "", "2.5"],
        ["x", "0.3500", "-0.0500 (-0.1000..+0.0000)", "92.50", "+0.50 (+0.00..+1.00)", "2.5"],
    ]


@pytest.mark.parametrize(
    ("model", "variants", "message"),
    [("lsmt", "", "did you mean 'lstm'"), ("nblr", "", "no neural model"),
     ("lstm", "dropout", "no variant 'dropout'")],
)  # fmt: skip
def test_wrong_names_are_one_line(model, variants, message, tiny, tmp_path):
    flags = [model, "--data", str(tiny), "--working", str(tmp_path)]
    with pytest.raises(FlagError, match=message):
        ablate.main([*flags, *(["--variants", variants] if variants else [])])


def test_two_folds_are_too_few(project):
    folds = dataclasses.replace(project.folds, fold=project.fold % 2)
    with pytest.raises(FlagError, match="three folds"):
        list(run_trials(dataclasses.replace(project, folds=folds), []))
