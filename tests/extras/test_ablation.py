"""The ablation: which rows do what, what is compared with what, and that it can be resumed."""

import io

import numpy as np
import pytest

import ablate
from seqblend.core.config import Config, configure, parse_assignments
from seqblend.core.console import Console, show_table
from seqblend.core.errors import FlagError
from seqblend.core.storage import read_json
from seqblend.extras.benchmark.ablation import (
    COLUMNS,
    DEFAULT,
    SHOWN,
    VARIANTS,
    plan_variants,
    tabulate_variants,
)
from seqblend.running.inputs import Places
from seqblend.running.project import Project, Request, open_project
from seqblend.running.runs import PILOT, Unit
from seqblend.running.units import _rows_of

SETTINGS = [
    "lstm.hidden=4",
    "lstm.width=8",
    "train.max_epochs=3",
    "train.steps_per_epoch=4",
    "vocabulary.min_count=1",
    "embedding.path=none",
]


@pytest.fixture(scope="module")
def project(tiny, tmp_path_factory) -> Project:
    """The tiny competition, opened."""
    top = tmp_path_factory.mktemp("ablation")
    config = configure(Config(models=("lstm",)), parse_assignments(SETTINGS), ["lstm"])
    return open_project(config, Places((), top / "w", top / "s"), Request(data=tiny, workers=1))


def test_every_variant_changes_the_run_of_a_recurrent_model(project):
    runs = plan_variants(project, "bilstm", list(VARIANTS), {})
    for name in (name for name in VARIANTS if "embedding." not in name):
        assert runs[name] != runs[DEFAULT], name


def test_what_the_others_are_compared_with_is_there_unasked(project):
    assert list(plan_variants(project, "lstm", ["options.dropout=0.2"], {})) == [
        DEFAULT,
        "options.dropout=0.2",
    ]


def test_the_pilot_that_chooses_the_epochs_sees_no_row_that_is_scored(project):
    run = plan_variants(project, "lstm", [], {})[DEFAULT]
    keys = np.arange(len(project.fold))
    pilot, scored = (
        _rows_of(Unit(run, 0, place), project.competition.labels, project.fold, keys)
        for place in (PILOT, 0)
    )
    assert not np.intersect1d(np.concatenate(pilot), scored[1]).size
    assert (project.fold[scored[1]] == 0).all()


def test_the_script_fits_a_fold_a_seed_and_takes_what_is_finished_from_disk(tiny, tmp_path):
    places = ["--data", tiny, "--working", tmp_path / "w", "--csv", tmp_path / "t.csv"]
    flags = ["lstm", "--variants", "options.dropout=0.2", "--seeds", "2", "--workers", "1"]
    flags += map(str, places)
    for setting in SETTINGS:
        flags += ["--set", setting]

    def rows() -> list[list[str]]:
        assert ablate.main(flags) == 0
        return [line.split(",") for line in (tmp_path / "t.csv").read_text().splitlines()]

    table = rows()
    runs = tmp_path.glob("w/*/runs/*")
    units = {run.name: sorted(unit.name for unit in run.iterdir()) for run in runs}
    assert list(units.values()) == [["pilot", "seed0-fold0", "seed1-fold0"]] * 2
    losses = []
    for run in units:
        manifests = map(read_json, tmp_path.glob(f"w/*/runs/{run}/seed*/manifest.json"))
        losses.append(np.mean([manifest["scores"]["log_loss"] for manifest in manifests]))
    assert sorted(row[1] for row in table[1:]) == sorted(f"{loss:.4f}" for loss in losses)
    times = {f: f.stat().st_mtime_ns for f in tmp_path.glob("w/*/runs/*/*/manifest.json")}
    assert rows() == table
    assert {f: f.stat().st_mtime_ns for f in times} == times


def test_differences_are_taken_between_fits_of_the_same_seed(project):
    runs = plan_variants(project, "lstm", ["options.dropout=0.2", "train.lr=2e-3"], {})
    base, other, half_done = runs.values()
    scores = {
        (base, 0): (0.5, 0.90),
        (base, 1): (0.3, 0.94),
        (other, 0): (0.4, 0.91),
        (other, 1): (0.3, 0.94),
        (half_done, 0): (0.1, 0.99),
    }
    done = {
        Unit(run, seed, 0): {"scores": {"log_loss": loss, "accuracy": right}, "epochs": 2 + seed}
        for (run, seed), (loss, right) in scores.items()
    }
    losses = ["0.3500", "-0.0500", "-0.1000", "+0.0000"]
    accuracies = ["92.50", "+0.50", "+0.00", "+1.00"]
    assert tabulate_variants(runs, 2, done) == [
        [DEFAULT, "0.4000", "", "", "", "92.00", "", "", "", "2.5"],
        ["options.dropout=0.2", *losses, *accuracies, "2.5"],
    ]


def test_the_table_of_every_variant_fits_80_columns():
    cells = ["", "0.1234", "-0.0500", "-0.1000", "+0.0000", "92.50", "", "", "", "12.5"]
    rows = [[name, *(cells[i] for i in SHOWN[1:])] for name in VARIANTS]
    console = Console(file=io.StringIO(), width=80)
    show_table(console, "bilstm", [COLUMNS[i] for i in SHOWN], rows)
    words = console.file.getvalue().split()
    assert {word for name in VARIANTS for word in name.split()} <= set(words)  # none is broken
    assert words.count("-0.1000") == words.count("12.5") == len(VARIANTS)


@pytest.mark.parametrize(
    ("model", "variants", "message"),
    [
        ("lsmt", "", "did you mean 'lstm'"),
        ("nblr", "", "no neural model"),
        ("lstm", "train.rl=1", "has no field 'rl'"),
        ("lstm", "dropout", "dropout"),
    ],
)
def test_wrong_names_are_one_line(model, variants, message, tiny, tmp_path):
    flags = [model, "--data", str(tiny), "--working", str(tmp_path)]
    with pytest.raises(FlagError, match=message):
        ablate.main([*flags, *(["--variants", variants] if variants else [])])
