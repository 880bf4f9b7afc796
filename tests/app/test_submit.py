"""The submission before anything is trained: the constant of least loss, for every task."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from seqblend.app.submit import submit_class_prior
from seqblend.core.config import Config, FoldConfig
from seqblend.running.inputs import Places
from seqblend.running.project import Request, open_project


@pytest.mark.parametrize(
    ("targets", "metric", "name", "line"),
    [
        ({"y": [0.5, 1.5, 2, 2] * 5}, "", "constant", "90,1.5"),
        ({"p": [1, 1, 0, 0] * 5, "q": [1, 1, 1, 0] * 5}, "", "constant", "90,0.5,0.75"),
        ({"p": [1, 1, 0, 0] * 5, "q": [1, 1, 1, 0] * 5}, "column_macro_f1", "constant", "90,0,1"),
        ({"y": [1, 3, 3, 2] * 5}, "qwk", "frequencies", "90,3"),
        ({"y": ["a", "b", "b", "c"] * 5}, "map@2", "frequencies", "90,b a"),
        ({"y": [0, 1, 1, 1] * 5}, "auc", "frequencies", "90,0.75"),
    ],
)
def test_every_row_gets_the_prior_of_the_training_rows(tmp_path, targets, metric, name, line):
    data, texts = tmp_path / "made", [f"w{i} v{i % 3} u" for i in range(20)]
    data.mkdir()
    train = pd.DataFrame({"id": range(20), "text": texts} | targets)
    train.to_csv(data / "train.csv", index=False)
    pd.DataFrame({"id": [90], "text": ["w1 v2 u"]}).to_csv(data / "test.csv", index=False)
    sample = {column: [values[0]] for column, values in targets.items()}
    pd.DataFrame({"id": [90]} | sample).to_csv(data / "sample_submission.csv", index=False)
    places = Places((tmp_path,), tmp_path / "working", tmp_path / "submissions", None)
    config = Config(models=("nblr",), folds=FoldConfig(count=2), metric=metric)
    project = open_project(config, places, Request(data=data, workers=1))
    path: Path = submit_class_prior(project, None).path
    assert path.name == f"made-{name}.csv"
    assert path.read_text().splitlines() == [",".join(["id", *targets]), line]
