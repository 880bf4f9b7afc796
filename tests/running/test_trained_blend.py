"""Rows that a trained blend has never seen: the same bytes as at training time, and refusals."""

import dataclasses
import json

import numpy as np
import pytest
from unit_examples import CPU, make_config, make_project, train_all

from seqblend.app.pipeline import blend_finished
from seqblend.core.errors import InputError
from seqblend.core.storage import forget_file, read_array, read_record, write_record
from seqblend.data.demo_tasks import write_task_demo
from seqblend.reading.cache import read_settings
from seqblend.reading.discovery import find_files
from seqblend.reading.reader import read_competition
from seqblend.running.results import collect_run, finished_runs
from seqblend.running.runs import plan_runs
from seqblend.running.trained_blend import TrainedBlend, find_trained

MODELS = ("nblr", "tfidf", "neighbours", "kernel", "bag", "bilstm", "textcnn")


@pytest.fixture
def trained(tmp_path):
    """(project, its blend) of linear members and networks, two seeds, on two folds."""
    project = make_project(tmp_path, models=MODELS)
    config = dataclasses.replace(project.config, seeds=2)
    project = dataclasses.replace(project, config=config)
    train_all(project)
    runs = plan_runs(config, project.fingerprint.data, project.fingerprint.folds, CPU)
    for run in runs:
        collect_run(
            project.workspace,
            run.name,
            2,
            project.fold,
            project.fingerprint,
            project.competition.task,
        )
    blend_finished(project, print, None, None)
    return project, next(find_trained([tmp_path / "working"], print))


def read(folder, again=None):
    config = make_config().data
    return read_competition(find_files(folder, config), config, name="tiny", again=again)


def rewrite_test(folder, change):
    """The test file and the sample with other rows."""
    path = folder / "test.json"
    rows = change(json.loads(path.read_text()))
    path.write_text(json.dumps(rows))
    ids = [row["id"] for row in rows]
    header = (folder / "sample_submission.csv").read_text().splitlines()[:2]
    rest = header[1].partition(",")[2]
    lines = [header[0], *(f"{each},{rest}" for each in ids)]
    (folder / "sample_submission.csv").write_text("\n".join(lines) + "\n")
    return ids


@pytest.mark.fault("I2", "R1")
def test_other_test_rows_get_the_bytes_of_training_time_and_new_tokens_are_unknown(
    trained, tmp_path
):
    _, blend = trained
    submitted = read_array(blend.folder / "test.npy")
    order = np.random.default_rng(0).permutation(len(submitted))

    def change(rows):
        more = [{"id": 900 + i, "sequence": [5_000 + i, 3, 101]} for i in range(10)]
        return [*(rows[i] for i in order), *more]

    ids = rewrite_test(tmp_path / "tiny", change)
    rows = read(tmp_path / "tiny")
    assert rows.test_ids == list(map(str, ids))
    encoded = blend.encode(rows)
    assert len(encoded.new_tokens) == 10
    seen = []
    found = blend.predict(encoded, ["cpu"], lambda *counts: seen.append(counts))
    assert found[: len(order)].tobytes() == submitted[order].tobytes()
    assert np.isfinite(found).all()
    used = np.count_nonzero(blend.record["member_weights"])
    assert seen[-1] == (4 * used, 4 * used)  # two seeds on two folds
    assert used > 1


def test_the_blend_of_another_competition_is_not_taken(trained, tmp_path):
    _, blend = trained
    path = tmp_path / "tiny" / "train.json"
    rows = json.loads(path.read_text())
    rows[0]["label"] = "green" if rows[0]["label"] != "green" else "red"
    path.write_text(json.dumps(rows))
    assert blend.encode(read(tmp_path / "tiny")) is None


@pytest.mark.fault("F1")
def test_damaged_weights_are_refused(trained, tmp_path):
    _, blend = trained
    job = blend.fits()[0][0][0]
    (job.folder / "weights.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"missing or damaged: .*seed0-fold0. Train again"):
        blend.check_files()


def test_the_blend_that_was_submitted_last_is_taken_and_one_with_foreign_members_says_so(
    trained, tmp_path
):
    project, blend = trained
    names = [
        result.model for result in finished_runs(project.workspace, project.fingerprint, print)
    ]
    assert len(blend.record["members"]) == len(names)
    blend_finished(project, print, ("nblr", "tfidf"), None)
    latest = next(find_trained([tmp_path / "working"], print))
    assert len(latest.record["members"]) == 2
    for member in blend.fits()[0]:
        path = project.workspace.run(member[0].unit.run.name) / "manifest.json"
        write_record(path, read_record(path) | {"units": []})
    with pytest.raises(InputError, match=r"made elsewhere .* Blend without them"):
        blend.fits()


def test_weights_that_are_not_there_or_of_other_code_are_refused(trained):
    _, blend = trained
    job = blend.fits()[0][0][0]
    path = job.folder / "manifest.json"
    before = read_record(path)
    write_record(path, before | {"code": "x"})
    with pytest.raises(InputError, match="trained by another version of this code"):
        blend.check_files()
    write_record(path, before)
    forget_file(job.folder, "weights.npz")
    with pytest.raises(InputError, match="missing or damaged"):
        blend.check_files()


@pytest.mark.parametrize("kind", ["tags", "numbers", "grades"])
def test_every_task_predicts_the_bytes_that_were_submitted(tmp_path, kind):
    folder = tmp_path / "tiny"
    metric, _ = write_task_demo(folder, kind, n_train=150, n_test=40)
    models = ("tfidf", "neighbours", "bilstm")
    project = make_project(tmp_path, models=models, metric="qwk" if kind == "grades" else metric)
    train_all(project)
    for run in plan_runs(project.config, project.fingerprint.data, project.fingerprint.folds, CPU):
        places = project.workspace, run.name, 1, project.fold
        collect_run(*places, project.fingerprint, project.competition.task)
    blend_finished(project, print, None, None)
    blend = next(find_trained([tmp_path / "working"], print))
    order = np.random.default_rng(0).permutation(40)
    rewrite_test(folder, lambda rows: [rows[i] for i in order][:30])
    settings = read_settings(blend.workspace.data)
    assert settings[1] == ("qwk" if kind == "grades" else metric)
    rows = read_competition(
        find_files(folder, settings[0]), settings[0], metric=settings[1], name="tiny"
    )
    found = blend.predict(blend.encode(rows), ["cpu"])
    assert found.tobytes() == read_array(blend.folder / "test.npy")[order[:30]].tobytes()


@pytest.mark.parametrize(
    ("n_test", "scale", "is_known_word"), [(60, 0.5, True), (60, 1_000.0, True), (60, 1.0, False)]
)
def test_other_test_rows_change_neither_features_nor_where_numbers_are_cut(
    tmp_path, n_test, scale, is_known_word
):
    def write(folder, n_test, scale, is_known_word=True):
        folder.mkdir(exist_ok=True)
        rng = np.random.default_rng(0)
        words = ["red", "green", "blue", "old", "new"]
        rows = [
            f"{i},{' '.join(rng.choice(words, 6))},{rng.normal():.4f},{'xyz'[i % 3]}"
            for i in range(80 + n_test)
        ]
        train = [f"{row},{i % 2}" for i, row in enumerate(rows[:80])]
        test = []
        for row in rows[80:]:
            key, text, price, place = row.split(",")
            place = place if is_known_word else "w"
            test.append(f"{key},{text},{float(price) * scale:.4f},{place}")
        header = "id,text,price,place"
        (folder / "train.csv").write_text(f"{header},label\n" + "\n".join(train) + "\n")
        (folder / "test.csv").write_text(f"{header}\n" + "\n".join(test) + "\n")

    write(tmp_path / "one", 20, 1.0)
    write(tmp_path / "two", n_test, scale, is_known_word)
    one = read(tmp_path / "one")
    two = read(tmp_path / "two", again=one.reading)
    assert one.reading["numbers"] == ("price",)
    assert one.reading["categories"] == ("place",)
    blend = TrainedBlend(None, one, tmp_path, {})
    encoded = blend.encode(two)
    assert encoded is not None
    assert len(encoded.sequences) == n_test
    assert list(encoded.new_tokens) == ([] if is_known_word else ["\x1fplace=w"])
