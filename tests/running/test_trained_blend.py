"""Rows that a trained blend has never seen: the same bytes as at training time, and refusals."""

import dataclasses
import json

import numpy as np
import pytest
from unit_examples import CPU, make_config, make_project, train_all

from seqblend.app.pipeline import blend_finished
from seqblend.core.errors import InputError
from seqblend.core.storage import read_array
from seqblend.reading.discovery import find_files
from seqblend.reading.reader import read_competition
from seqblend.running.results import collect_run
from seqblend.running.runs import plan_runs
from seqblend.running.trained_blend import find_trained

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
    return project, next(find_trained([tmp_path / "working"]))


def read(folder):
    config = make_config().data
    return read_competition(find_files(folder, config), config, name="tiny")


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


def test_damaged_weights_are_refused(trained, tmp_path):
    _, blend = trained
    job = blend.fits()[0][0][0]
    (job.folder / "weights.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"missing or damaged: .*seed0-fold0. Train again"):
        blend.predict(blend.encode(read(tmp_path / "tiny")), ["cpu"])
