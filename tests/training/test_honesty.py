"""Out-of-fold scores are honest, for every model: chance where there is nothing to learn."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from conftest import write_competition
from diagnosis_examples import competition_of
from fit_examples import NAMES, draw_for, make_context
from unit_examples import CPU, make_project, runs_of, train_all

from seqblend.app.pipeline import blend_finished
from seqblend.core.config import FoldConfig
from seqblend.data.auto_groups import resolve_groups
from seqblend.data.folds import make_folds, split
from seqblend.models.model_groups import choose_models
from seqblend.running.results import collect_run
from seqblend.running.runs import Unit
from seqblend.running.units import run_unit
from seqblend.training.contract import Rows
from seqblend.training.members import fit_member


def out_of_fold(name: str, rows: Rows, fold: np.ndarray, **changes) -> np.ndarray:
    """float32 [n, c]: each fold's predictions by the member that was fitted to the others."""
    found = {}
    for k in range(fold.max() + 1):
        train, valid = split(fold, k)
        context = make_context(name, **changes)
        member = fit_member(rows.take(train), rows.take(valid), context)
        found |= dict(zip(valid, member.predict(rows.sequences.take(valid)), strict=True))
    return np.stack([found[row] for row in range(len(fold))])


@pytest.mark.slow
@pytest.mark.fault("K4")
@pytest.mark.parametrize("name", NAMES)
def test_with_shuffled_labels_the_score_of_every_model_is_chance(name):
    rows = draw_for(name, 240)
    rows = Rows(rows.sequences, np.random.default_rng(1).permutation(rows.targets))
    p = out_of_fold(name, rows, make_folds(rows.targets, rows.sequences, FoldConfig(count=2)).fold)
    error = np.sqrt(2 / 9 / len(p))
    assert abs(np.mean(p.argmax(1) == rows.targets) - 1 / 3) < 3.5 * error


@pytest.mark.fault("K4")
def test_with_shuffled_labels_the_score_of_a_trained_blend_is_chance(tmp_path):
    train = write_competition(tmp_path / "tiny", n_train=300) / "train.json"
    rows = json.loads(train.read_text())
    labels = np.random.default_rng(0).permutation([row["label"] for row in rows])
    train.write_text(
        json.dumps([row | {"label": label} for row, label in zip(rows, labels, strict=True)])
    )
    project = make_project(tmp_path, models=("nblr", "tfidf", "neighbours", "bag"))
    train_all(project)
    for run in runs_of(project):
        facts = (project.fold, project.fingerprint, project.competition.task)
        collect_run(project.workspace, run.name, 1, *facts)
    blend = blend_finished(project, lambda _: None, None, None).blend
    assert abs(blend.cross_fitted - 1 / 3) < 3.5 * np.sqrt(2 / 9 / 300)
    assert blend.nested["low"] <= 1 / 3 + 0.02


def copies_of(rows: list[list[int]], rng: np.random.Generator, *, are_exact: bool) -> list:
    """Each row three times; near duplicates have a token of the first row replaced."""
    copies = [list(row) for row in rows for _ in range(3)]
    for i, row in enumerate(copies):
        if not are_exact and i % 3:
            row[rng.integers(len(row))] = int(rng.integers(2_000))
    return copies


@pytest.mark.fault("K1")
@pytest.mark.parametrize("are_exact", [True, False])
@pytest.mark.parametrize("name", ["nblr", "neighbours"])
def test_planted_duplicates_with_random_labels_do_not_raise_the_score(name, are_exact):
    rng = np.random.default_rng(2)
    texts = copies_of(rng.integers(0, 2_000, (120, 40)).tolist(), rng, are_exact=are_exact)
    labels = np.repeat(rng.permutation(np.arange(120) % 2), 3)
    order = rng.permutation(360)
    competition = competition_of(
        [texts[i] for i in order], rng.integers(0, 2_000, (60, 40)).tolist(), labels[order]
    )
    rows = Rows(competition.train, competition.targets)

    def accuracy(config: FoldConfig, groups: np.ndarray | None = None) -> float:
        fold = make_folds(rows.targets, rows.sequences, config, groups=groups).fold
        facts = {"task": competition.task, "view": competition.view}
        return np.mean(out_of_fold(name, rows, fold, **facts).argmax(1) == rows.targets)

    settings = FoldConfig(count=3, groups="" if are_exact else "auto")
    kept = accuracy(*resolve_groups(competition, settings, lambda _: None))
    assert abs(kept - 0.5) < 3.5 * np.sqrt(0.25 / 120)
    assert accuracy(FoldConfig(count=3, by_sequence="false")) > 0.9  # what copies elsewhere give


def project_of(folder, *, is_changed: bool):
    """A project with given folds and all models that can read it; labels, texts of fold 0 moved.

    Labels move by three rows, texts by seven: what is in the rows of fold 0 together stays.
    """
    folder.mkdir()
    train = write_competition(folder / "tiny", n_train=90) / "train.json"
    rows = [row | {"part": i % 3} for i, row in enumerate(json.loads(train.read_text()))]
    held = [row for row in rows if row["part"] == 0]
    if is_changed:
        labels, texts = ([row[key] for row in held] for key in ("label", "sequence"))
        for i, row in enumerate(held):
            row["label"], row["sequence"] = labels[i - 2], texts[i - 7]
    train.write_text(json.dumps(rows))
    project = make_project(folder, "data.fold=part", "train.epochs=2", models=("nblr",))
    facts = (project.competition.task.name, project.competition.view)
    models, _ = choose_models(["all", "scratch"], project.competition.views, *facts)
    shutil.rmtree(folder / "working")
    return make_project(folder, "data.fold=part", "train.epochs=2", models=models)


@pytest.mark.slow
@pytest.mark.fault("K2")
def test_validation_rows_change_no_byte_of_what_is_fitted(tmp_path):
    projects = [project_of(tmp_path / name, is_changed=name == "b") for name in "ab"]
    one, other = (project.competition for project in projects)
    assert (one.targets != other.targets).any()
    assert one.view.lexicon == other.view.lexicon
    weights, scores = {}, {}
    for project in projects:
        for run in runs_of(project):
            manifest = run_unit(project.job(Unit(run, 0, 0)), CPU, lambda _: None)
            stored = project.job(Unit(run, 0, 0)).folder / "weights.npz"
            weights.setdefault(run.model, []).append(stored.read_bytes())
            scores.setdefault(run.model, []).append(manifest["scores"]["log_loss"])
    assert len(weights) > 15
    assert [model for model, (before, after) in weights.items() if before != after] == []
    assert all(before != after for before, after in scores.values())
