"""Work that moves between folders, machines and kernels, whole or not at all."""

import zipfile

import pytest
from unit_examples import CPU, make_project, runs_of, train_all

from seqblend.core.errors import InputError
from seqblend.core.storage import find_damage, read_json, write_record
from seqblend.running.results import collect_run
from seqblend.running.runs import Unit, plan_units
from seqblend.running.transfer import adopt_earlier_work, load_work, merge_work, save_work
from seqblend.running.units import run_unit


def finished(root):
    """{place below the root: bytes} of the units' files."""
    runs = root / "runs"
    return {
        str(path.relative_to(runs)): path.read_bytes() for path in runs.rglob("*") if path.is_file()
    }


def split_work(project, *places):
    """Train every other unit in each of two copies of the project's folder."""
    units = plan_units(runs_of(project), 1, project.folds.count)
    for k, place in enumerate(places):
        merge_work(project.workspace.root, place, print)
        for unit in units[k::2]:
            job = project.job(unit)
            moved = type(job)(unit, place / "data", place / "runs", job.fingerprint)
            run_unit(moved, CPU, lambda _: None)


def test_the_fits_of_two_machines_add_up(tmp_path):
    project = make_project(tmp_path, models=("nblr", "tfidf"))
    one, two = tmp_path / "one", tmp_path / "two"
    split_work(project, one, two)
    alone = len(finished(one))
    assert merge_work(two, one, print) == len(list((two / "runs").rglob("manifest.json")))
    train_all(project)
    assert len(finished(one)) > alone
    assert finished(one).keys() == finished(project.workspace.root).keys()
    weights = {place for place in finished(one) if place.endswith(".npy")}
    assert all(finished(one)[p] == finished(project.workspace.root)[p] for p in weights)
    assert merge_work(two, one, print) == 0


def test_units_are_taken_from_a_run_whose_own_predictions_are_damaged(tmp_path):
    project = make_project(tmp_path, models=("nblr",))
    train_all(project)
    root, (run,) = project.workspace.root, runs_of(project)
    places = project.workspace, run.name, 1, project.fold, project.fingerprint
    collect_run(*places, project.competition.task)
    (root / "runs" / run.name / "oof.npy").write_bytes(b"x")
    assert merge_work(root, tmp_path / "other", print) >= 3  # the rows and two units
    assert not (tmp_path / "other" / "runs" / run.name / "oof.npy").exists()


def test_what_is_damaged_or_unfinished_stays_behind(tmp_path):
    project = make_project(tmp_path, models=("nblr",))
    train_all(project)
    root, (run,) = project.workspace.root, runs_of(project)
    (root / "runs" / Unit(run, 0, 0).place / "valid.npy").write_bytes(b"x")
    (root / "runs" / Unit(run, 0, 1).place / "manifest.json").unlink()
    told = []
    merge_work(root, tmp_path / "other", told.append)
    assert ["valid.npy damaged, not copied" in line for line in told] == [True]
    assert not (tmp_path / "other" / "runs").exists()
    assert (tmp_path / "other" / "data" / "manifest.json").exists()


@pytest.mark.parametrize("has_weights", [True, False])
def test_an_archive_gives_the_same_work_with_or_without_weights(tmp_path, has_weights):
    project = make_project(tmp_path, models=("nblr", "bilstm"))
    train_all(project)
    root, path = project.workspace.root, tmp_path / "kept" / "work.zip"
    count = save_work(root, path, print, has_weights=has_weights)
    assert count > 10
    (tmp_path / "elsewhere").mkdir()
    loaded, _ = load_work(path, tmp_path / "elsewhere", print)
    assert loaded.name == root.name
    expected = {p: b for p, b in finished(root).items() if has_weights or "weights" not in p}
    assert finished(loaded).keys() == expected.keys()
    manifests = [place for place in expected if place.endswith("manifest.json")]
    assert all(not find_damage((loaded / "runs" / place).parent) for place in manifests)
    assert {p: b for p, b in finished(loaded).items() if p not in manifests} == {
        p: b for p, b in expected.items() if p not in manifests
    }
    assert not list((tmp_path / "elsewhere").glob(".load-*"))


def rewrite(path, change):
    """The archive, its files changed: {place: content} -> the same."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in change(contents).items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c | {"origins.json": b"{}"}, "'origins.json' has another hash"),
        (
            lambda c: {
                k.replace("origins.json", "../o.json"): v.replace(b"origins.json", b"../o.json")
                for k, v in c.items()
            },
            r"'../o.json' lies outside",
        ),
        (lambda c: {"a.txt": b"x"}, "expected an archive that pack.py save wrote"),
        (
            lambda c: c | {"hashes.json": c["hashes.json"].replace(b'"tiny"', b'".."')},
            r"'..' is no name of a competition",
        ),
    ],
)
def test_an_archive_that_was_changed_is_refused(tmp_path, change, message):
    project = make_project(tmp_path, models=("nblr",))
    path = tmp_path / "work.zip"
    save_work(project.workspace.root, path, print, has_weights=True)
    rewrite(path, change)
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(InputError, match=message):
        load_work(path, tmp_path / "elsewhere", print)
    assert not list((tmp_path / "elsewhere").iterdir())
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="expected an archive"):
        load_work(path, tmp_path / "elsewhere", print)


def test_work_is_not_added_to_that_of_another_competition_of_the_name(tmp_path):
    project = make_project(tmp_path, models=("nblr",))
    save_work(project.workspace.root, tmp_path / "work.zip", print, has_weights=True)
    other = tmp_path / "elsewhere" / "tiny"
    other.mkdir(parents=True)
    (other / "origins.json").write_text('{"contents": ["of-others"], "folders": []}')
    with pytest.raises(InputError, match="tiny holds another competition"):
        load_work(tmp_path / "work.zip", tmp_path / "elsewhere", print)


def test_work_of_an_earlier_kernel_is_taken_up_with_time_of_its_own(tmp_path):
    project = make_project(tmp_path, models=("nblr",))
    train_all(project)
    root, here = project.workspace.root, tmp_path / "kernel" / "tiny"
    write_record(root / "portfolio.json", {"steps": [], "closed": 39600.0})
    contents = read_json(root / "origins.json")["contents"][0]
    told = []
    adopt_earlier_work((tmp_path / "working",), here, "of-others", told.append)
    assert not here.exists()
    assert told == []
    adopt_earlier_work((tmp_path / "working",), here, contents, told.append)
    assert finished(here) == finished(root)
    assert read_json(here / "portfolio.json")["closed"] == 0
    assert "continued: " in told[0]
