"""A folder of files -> a Competition: the one way in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from seqblend.core.config import DataConfig
from seqblend.core.errors import listing
from seqblend.core.findings import Finding
from seqblend.data.sequences import Competition, View
from seqblend.reading.discovery import CompetitionFiles, find_files, is_competition
from seqblend.reading.kinds import VIEW_NAMES, cutter, plain_number
from seqblend.reading.labels import factorise, read_labels, stratified_rows
from seqblend.reading.lexicon import Interner, unseen_rate
from seqblend.reading.schema import Schema, find_schema
from seqblend.reading.submission_form import find_answer, row_ids
from seqblend.reading.tables import Table, read_table
from seqblend.reading.wide_tables import join_steps

__all__ = [
    "CompetitionFiles",
    "find_files",
    "is_competition",
    "read_competition",
]

JOINT = "\x1fnext column\x1f"  # stands between joined columns; no cell is ever cut into this
_UNSEEN_WARNING = 0.2  # share of test tokens from which on a warning is due


def read_competition(
    files: CompetitionFiles, data: DataConfig, *, metric: str = "", name: str
) -> Competition:
    """The competition in these files; the solution file is not touched.

    metric: one of metrics.METRICS, or "" to infer it
    raises: InputError naming file, line or column and remedy; FlagError for a wrong setting
    """
    train, test = read_table(files.train), read_table(files.test)
    sample = read_table(files.sample) if files.sample else None
    schema = find_schema(train, test, sample, data)
    train, test = join_steps(train, schema.steps), join_steps(test, schema.steps)
    labels = read_labels(train, schema.target, is_given=bool(data.target))
    answer = find_answer(schema, labels.classes, test, sample, metric, positive=data.positive)
    rows = stratified_rows(labels.values, data.rows)
    findings = [*_file_findings(files, train, test, sample), *schema.findings, *answer.findings]
    warnings = [*_table_warnings(schema, train, test, sample), *answer.warnings]
    known = Competition(
        name=name,
        classes=answer.classes,
        labels=labels.values[rows],
        train_ids=_take(row_ids(schema, train, None), rows),
        test_ids=row_ids(schema, test, sample),
        views={},
        metric=answer.metric,
        form=answer.form,
        groups=_factors(train, data.group, rows),
        folds=_given_folds(train, data.fold, rows),
    )
    reading = _Reading(schema, data)
    reading.add(train, "train", rows)
    reading.add(test, "test")
    del train, test  # their text is much larger than their tokens
    for path in files.unlabelled:
        reading.add_unlabelled(path, warnings)
    return _complete(known, reading, findings, warnings)


def _complete(
    known: Competition, reading: _Reading, findings: list[Finding], warnings: list[str]
) -> Competition:
    """The competition with its sequences, and what counting them showed."""
    view = reading.finish()
    n_train, n_test = len(known.train_ids), len(known.test_ids)
    counts = {**reading.counts, **_measure(view, n_train, n_test)}
    return replace(
        known,
        views={view.name: view},
        findings=[*findings, *_count_findings(counts)],
        warnings=[*warnings, *_unseen_warning(view, n_train, n_test)],
        counts=counts,
    )


def _take(values: list[str], rows: np.ndarray) -> list[str]:
    return [values[row] for row in rows]


def _factors(table: Table, column: str, rows: np.ndarray) -> np.ndarray | None:
    """int64 [rows]: the column's values as numbers; None where no column is asked for."""
    return factorise(table.texts(column))[rows] if column else None


def _given_folds(table: Table, column: str, rows: np.ndarray) -> np.ndarray | None:
    """int64 [rows]: whole numbers as they are (negative: always in training), else numbered."""
    if not column:
        return None
    texts = [text.strip() for text in table.texts(column)]
    if all(re.fullmatch(r"-?\d{1,9}(\.0+)?", text) for text in texts):
        return np.array([int(float(text)) for text in texts], dtype=np.int64)[rows]
    return _factors(table, column, rows)


class _Reading:
    """Rows on their way into the lexicon."""

    def __init__(self, schema: Schema, data: DataConfig) -> None:
        self._schema, self._data = schema, data
        self._interner = Interner()
        self.counts: dict[str, int] = {}

    def add(self, table: Table, part: str, rows: np.ndarray | None = None) -> None:
        """Append the rows (integer positions, all by default) of a table."""
        before = len(self._interner)
        empty = self._interner.add(self._cut(table, range(len(table)) if rows is None else rows))
        for key, value in ((part, len(self._interner) - before), (f"empty_{part}", empty)):
            self.counts[key] = self.counts.get(key, 0) + value

    def add_unlabelled(self, path: Path, warnings: list[str]) -> None:
        """Append an unlabelled file; one that lacks the sequence is left out with a warning."""
        table = read_table(path)
        steps = self._schema.steps
        needed = chain(*(steps.get(name, (name,)) for name in self._schema.sequence))
        missing = [name for name in needed if name not in table.columns]
        if missing:
            warnings.append(f"{path.name} has no column {listing(missing)}: left out")
            return
        warnings.extend(table.warnings)
        self.add(join_steps(table, steps), "unlabelled")

    def finish(self) -> View:
        kinds = self._schema.kinds
        is_numeric = any(kind.name == "tokens" for kind in kinds)
        return self._interner.finish(VIEW_NAMES[kinds[0].name], plain_number if is_numeric else str)

    def _cut(self, table: Table, rows: np.ndarray | range) -> Iterator[list[str]]:
        names, kinds = self._schema.sequence, self._schema.kinds
        cuts = [
            cutter(kind, table, name, self._data) for name, kind in zip(names, kinds, strict=True)
        ]
        columns = [table.columns[name] for name in names]
        if len(names) == 1:
            cut, cells = cuts[0], columns[0]
            yield from (cut(cells[row]) for row in rows)
            return
        for row in rows:
            parts = [cut(cells[row]) for cut, cells in zip(cuts, columns, strict=True)]
            if not any(parts):
                yield []
                continue
            yield [t for i, part in enumerate(parts) for t in ([JOINT] if i else []) + part]


def _file_findings(
    files: CompetitionFiles, train: Table, test: Table, sample: Table | None
) -> list[Finding]:
    findings = [
        Finding("train", train.path.name, "--data DIR", f"{train.form}, {len(train):,} rows"),
        Finding("test", test.path.name, "--data DIR", f"{test.form}, {len(test):,} rows"),
    ]
    if sample is not None:
        why = f"{sample.form}, {len(sample):,} rows"
        findings.append(Finding("sample", sample.path.name, "--data DIR", why))
    if files.solution:
        findings.append(Finding("solution", files.solution.name, "--solution FILE", "read last"))
    if files.unlabelled:
        findings.append(Finding("unlabelled", listing(p.name for p in files.unlabelled)))
    return findings


def _table_warnings(schema: Schema, train: Table, test: Table, sample: Table | None) -> list[str]:
    warnings = [text for table in (train, test, sample) if table for text in table.warnings]
    ids = row_ids(schema, train, None)
    repeated = len(ids) - len(set(ids))
    if repeated:
        warnings.append(f"{train.path.name}: {repeated} ids come again; every row is kept")
    return warnings


def _measure(view: View, train: int, test: int) -> dict[str, int]:
    lengths = view.sequences.lengths
    parts = {"train": lengths[:train], "test": lengths[train : train + test]}
    measured = {"lexicon": len(view.lexicon), "tokens": int(lengths.sum())}
    return measured | {f"longest_{part}": int(values.max()) for part, values in parts.items()}


def _unseen_warning(view: View, train: int, test: int) -> list[str]:
    rate = unseen_rate(view, slice(0, train), slice(train, train + test))
    if rate <= _UNSEEN_WARNING:
        return []
    return [f"{rate:.1%} of the test tokens are never seen in training"]


def _count_findings(counts: dict[str, int]) -> list[Finding]:
    findings = [
        Finding(
            "tokens",
            f"{counts['tokens']:,}, {counts['lexicon']:,} different",
            "",
            f"longest row: {max(counts['longest_train'], counts['longest_test']):,}",
        )
    ]
    empty = counts["empty_train"] + counts["empty_test"]
    if empty:
        text = f"{counts['empty_train']:,} train, {counts['empty_test']:,} test"
        findings.append(Finding("empty sequences", text, "", "read as one unknown token"))
    if counts.get("unlabelled"):
        findings.append(Finding("unlabelled rows", f"{counts['unlabelled']:,}", "", "kept"))
    return findings
