"""The rows of a public data set, and the competition files that they are written to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from seqblend.core.storage import write_text


@dataclass(frozen=True)
class PublicData:
    """Rows in file order, each with the columns `id`, `column` and `label`.

    column: `text`, or `sequence` for lists of ids
    unlabelled: rows without a label; theirs means nothing
    A column `source` has the name that a row had in the archive, where the id is not that name.
    """

    column: str
    train: pd.DataFrame
    test: pd.DataFrame
    unlabelled: pd.DataFrame | None = None


def write_competition(folder: Path, data: PublicData) -> None:
    """Write the competition: JSON Lines, since documents may hold any character, NUL among them.

    train.jsonl (id, cell, label), test.jsonl (id, cell), sample_submission.csv, solution.csv;
    where there are such, unlabelled.jsonl, and sources.csv (id, name in the archive)
    """
    parts = {"train": data.train, "test": data.test}
    if data.unlabelled is not None:
        parts["unlabelled"] = data.unlabelled
    for name, rows in parts.items():
        columns = ["id", data.column, *(["label"] if name == "train" else [])]
        records = rows[columns].to_dict("records")
        write_text(folder / f"{name}.jsonl", "".join(json.dumps(r) + "\n" for r in records))
    if "source" in data.train:
        _write_csv(folder / "sources.csv", pd.concat(parts.values())[["id", "source"]])
    answers = data.test[["id", "label"]]
    _write_csv(folder / "sample_submission.csv", answers.assign(label=data.train["label"].min()))
    _write_csv(folder / "solution.csv", answers)


def _write_csv(path: Path, rows: pd.DataFrame) -> None:
    write_text(path, rows.to_csv(index=False, lineterminator="\n"))
