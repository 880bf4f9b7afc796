"""Units with pseudo-labels: what they learn, that no label leaks, and that they are like others."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from conftest import write_competition
from unit_examples import ALL, make_project, two_stages

from seqblend.app.doctor import diagnose_runs
from seqblend.core.config import PseudoConfig
from seqblend.core.storage import read_array, read_json
from seqblend.data.folds import split
from seqblend.evaluation.metrics import score
from seqblend.models.nblr import NbLogistic, NbLogisticOptions
from seqblend.running.pseudo_labels import select_confident
from seqblend.running.results import collect_run, read_added_labels
from seqblend.running.runs import Unit, plan_units
from seqblend.running.units import restore_member, run_unit
from seqblend.tuning.planner import warm_starts
from seqblend.tuning.space import make_space

CPU = torch.device("cpu")
SURE = 0.62


def train_both(project, config=ALL):
    """Both stages' runs, with every unit done."""
    first, second = two_stages(project, config)
    for unit in plan_units([*first, *second], project.config.seeds, project.folds.count):
        run_unit(project.job(unit), CPU, lambda _: None)
    return first, second


def results_of(project, runs):
    """The runs' probabilities, in file order."""
    return [
        collect_run(project.workspace, run.name, 1, project.fold, project.fingerprint)
        for run in runs
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with both stages of nblr and bilstm done."""
    folder = tmp_path_factory.mktemp("pseudo")
    write_competition(folder / "tiny", share=0.3)
    project = make_project(folder)
    return project, *train_both(project, PseudoConfig(use=True, confidence=SURE))


def test_a_folds_pseudo_labels_are_the_mean_of_that_folds_fits(trained):
    project, first, second = trained
    chosen = []
    for k in range(2):
        several = [read_array(project.job(Unit(run, 0, k)).folder / "test.npy") for run in first]
        chosen.append(select_confident(several, SURE, most=99))
        for run in second:
            unit = project.job(Unit(run, 0, k)).folder
            assert read_array(unit / "pseudo.npy").tolist() == chosen[k].tolist()
            assert read_json(unit / "manifest.json")["pseudo"]["rows"] == len(chosen[k])
    assert 0 < len(chosen[0]) < 20
    assert chosen[0].tolist() != chosen[1].tolist()


def test_manifests_say_what_was_learnt_besides_and_whose_pilot_it_follows(trained):
    project, first, second = trained
    base, run = first[1], second[1]
    unit = read_json(project.job(Unit(run, 0, 0)).folder / "manifest.json")
    pilot = read_json(project.workspace.run(base.name) / "pilot" / "manifest.json")
    assert unit["model"] == "bilstm+pseudo"
    assert (unit["epochs"], unit["temperature"]) == (pilot["epochs"], pilot["temperature"])
    assert unit["pseudo"]["pilot"] == f"{base.name}/pilot"
    assert unit["pseudo"]["sources"] == sorted(one.name for one in first)
    assert "test rows that the fold's own fits gave pseudo-labels" in unit["vocabulary_scope"]
    assert read_json(project.job(Unit(base, 0, 0)).folder / "manifest.json")["pseudo"] is None
    (result,) = results_of(project, [run])
    assert result.manifest["pseudo"]["rows"] == [
        len(p) for p in read_added_labels(project.workspace, result)
    ]


def test_the_vocabulary_covers_the_test_rows_that_are_learnt(trained):
    project, _, second = trained
    job = project.job(Unit(second[1], 0, 0))
    known = np.flatnonzero(restore_member(job, CPU).remap > 1)
    chosen = read_array(job.folder / "pseudo.npy")[:, 0]
    rows = [project.competition.train.take(split(project.fold, 0)[0])]
    rows.append(project.competition.test.take(chosen))
    tokens = np.concatenate([part.flat()[0] for part in rows])
    assert known.tolist() == np.flatnonzero(np.bincount(tokens) >= 2).tolist()


def test_a_unit_of_the_second_stage_done_again_has_the_same_bytes(trained):
    project, _, second = trained
    for run in second:
        folder = project.job(Unit(run, 0, 1)).folder
        before = {path.name: path.read_bytes() for path in folder.glob("*.np[yz]")}
        assert set(before) == {"valid.npy", "test.npy", "pseudo.npy", "weights.npz"}
        shutil.rmtree(folder)
        run_unit(project.job(Unit(run, 0, 1)), CPU, lambda _: None)
        assert before == {path.name: path.read_bytes() for path in folder.glob("*.np[yz]")}


def test_a_folds_pseudo_labels_do_not_depend_on_the_labels_of_its_rows(tmp_path):
    labels = {}
    for name in ("as it is", "changed"):
        data = write_competition(tmp_path / name / "tiny", share=0.3)
        rows = json.loads((data / "train.json").read_text())
        for i, row in enumerate(rows):
            row["fold"] = i % 2
            if name == "changed" and row["fold"] == 0:
                row["label"] = {"red": "green", "green": "blue", "blue": "red"}[row["label"]]
        (data / "train.json").write_text(json.dumps(rows))
        project = make_project(tmp_path / name, "data.fold=fold")
        _, (nblr, _) = train_both(project, PseudoConfig(use=True, confidence=0.4))
        folders = [project.job(Unit(nblr, 0, k)).folder for k in range(2)]
        labels[name] = [(folder / "pseudo.npy").read_bytes() for folder in folders]
    assert labels["changed"][0] == labels["as it is"][0]
    assert labels["changed"][1] != labels["as it is"][1]


def write_copies(folder, n=240):
    """Labels by chance, a token of its own in every row, and test rows that are the train rows."""
    rng = np.random.default_rng(3)
    folder.mkdir(parents=True)
    labels = rng.permutation(np.arange(n) % 2)
    train = [
        {
            "id": i,
            "sequence": [f"only{i}", f"only{i}", *map(str, rng.integers(0, 9, 4))],
            "label": ["no", "yes"][label],
        }
        for i, label in enumerate(labels)
    ]
    test = [{"id": 1_000 + row["id"], "sequence": row["sequence"]} for row in train]
    for name, rows in (("train", train), ("test", test)):
        (folder / f"{name}.json").write_text(json.dumps(rows))
    sample = "id,label\n" + "".join(f"{row['id']},no\n" for row in test)
    (folder / "sample_submission.csv").write_text(sample)


def learn_from_every_fold(project, run):
    """OOF probabilities of the naive way: pseudo-labels from the mean over all folds' fits."""
    competition = project.competition
    labels, (result,) = competition.labels, results_of(project, [run])
    given, oof = result.test.argmax(1), np.zeros(result.oof.shape)
    for k in range(project.folds.count):
        train, valid = split(project.fold, k)
        rows = np.concatenate([train, len(labels) + np.arange(len(given))])
        member = NbLogistic.fit(
            competition.view.sequences.take(rows),
            np.concatenate([labels[train], given]),
            classes=2,
            view=competition.view,
            options=NbLogisticOptions(),
            seed=0,
        )
        oof[valid] = member.predict(competition.train.take(valid))
    return oof


def test_labels_by_chance_stay_chance_where_naive_pseudo_labels_leak_them(tmp_path):
    write_copies(tmp_path / "tiny")
    project = make_project(tmp_path, folds=3, models=("nblr",))
    first, second = train_both(project)
    base, ours = results_of(project, [*first, *second])
    labels = project.competition.labels
    assert all(
        len(rows) == 160 for rows in read_added_labels(project.workspace, ours)
    )  # as many as train
    by_chance = 1.96 * 0.5 / np.sqrt(len(labels))
    for result in (base, ours):
        assert score("accuracy", labels, result.oof) == pytest.approx(0.5, abs=by_chance)
    assert score("accuracy", labels, learn_from_every_fold(project, first[0])) > 0.9


def test_the_doctor_asks_only_fits_to_which_test_rows_are_new(trained):
    project, first, second = trained
    found = diagnose_runs(project, results_of(project, [*first, *second]), None, [])
    names = {check.name for check in found.checks}
    assert {"confidence of nblr", "confidence of bilstm"} <= names
    assert not [name for name in names if name.startswith("confidence") and "pseudo" in name]
    assert {card.name for card in found.cards} >= {"nblr+pseudo", "bilstm+pseudo"}


def test_the_tuner_passes_over_runs_of_the_second_stage(trained):
    project, first, second = trained
    results_of(project, [*first, *second])
    space = make_space(project.config, "lstm", "train,options")
    assert warm_starts(project, "lstm", space) == []  # of bilstm, whose values are the default
