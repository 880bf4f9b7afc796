"""A data set in competition shape, and the files it is written to."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seqblend.store import write_text


@dataclass(frozen=True)
class Rows:
    """Rows of one file, in its order.

    cells: a text, or a list of ids, each
    labels: one each; none where rows are unlabelled
    sources: the name each had in the archive; none where the id is that name
    """

    ids: list[str]
    cells: list[str] | list[list[int]]
    labels: list[str]
    sources: list[str]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Prepared:
    """Train, test and unlabelled rows; `column` names what the cells hold."""

    column: str
    train: Rows
    test: Rows
    unlabelled: Rows | None = None


def write_prepared(folder: Path, data: Prepared) -> None:
    """Write the competition: JSON Lines, since documents may hold any character, NUL among them.

    train.jsonl (id, cell, label), test.jsonl (id, cell), sample_submission.csv, solution.csv;
    where there are such, unlabelled.jsonl, and sources.csv (id, name in the archive)
    """
    first = min(data.train.labels)
    write_text(folder / "train.jsonl", _lines(data.column, data.train, data.train.labels))
    write_text(folder / "test.jsonl", _lines(data.column, data.test, []))
    if data.unlabelled:
        write_text(folder / "unlabelled.jsonl", _lines(data.column, data.unlabelled, []))
    parts = [data.train, data.test, *([data.unlabelled] if data.unlabelled else [])]
    sources = [pair for rows in parts for pair in zip(rows.ids, rows.sources, strict=False)]
    if sources:
        write_text(folder / "sources.csv", _table(("id", "source"), sources))
    sample = ((row_id, first) for row_id in data.test.ids)
    write_text(folder / "sample_submission.csv", _table(("id", "label"), sample))
    answers = zip(data.test.ids, data.test.labels, strict=True)
    write_text(folder / "solution.csv", _table(("id", "label"), answers))


def _lines(column: str, rows: Rows, labels: list[str]) -> str:
    records = [
        {"id": row_id, column: cell} for row_id, cell in zip(rows.ids, rows.cells, strict=True)
    ]
    for record, label in zip(records, labels, strict=False):
        record["label"] = label
    return "".join(json.dumps(record) + "\n" for record in records)


def _table(header: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()
