"""Reads the files of a competition into a Competition."""

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
from seqblend.reading.discovery import CompetitionFiles
from seqblend.reading.kinds import VIEW_NAMES, make_tokenizer, plain_number
from seqblend.reading.labels import factorise, read_labels, stratified_rows
from seqblend.reading.lexicon import Interner, unseen_rate
from seqblend.reading.schema import Schema, find_schema
from seqblend.reading.submission_form import infer_submission, row_ids
from seqblend.reading.tables import RawTable, read_table
from seqblend.reading.wide_tables import join_step_columns

JOINT = "\x1fnext column\x1f"  # the token between joined columns; no cell contains it
_UNSEEN_WARNING = 0.2  # share of test tokens above which there is a warning


def read_competition(
    files: CompetitionFiles, data: DataConfig, *, metric: str = "", name: str
) -> Competition:
    """The competition in these files; the solution file is not read.

    metric: one of metrics.METRICS, or "" to infer it
    raises: InputError that names file, line or column and remedy; FlagError for a wrong setting
    """
    train, test = read_table(files.train), read_table(files.test)
    sample = read_table(files.sample) if files.sample else None
    schema = find_schema(train, test, sample, data)
    train, test = join_step_columns(train, schema.steps), join_step_columns(test, schema.steps)
    labels = read_labels(train, schema.target, is_given=bool(data.target))
    answer = infer_submission(schema, labels.classes, test, sample, metric, positive=data.positive)
    rows, train_ids = stratified_rows(labels.values, data.rows), row_ids(schema, train, None)
    findings = [*_file_findings(files, train, test, sample), *schema.findings, *answer.findings]
    warnings = [*_table_warnings(schema, train, test, sample), *answer.warnings]
    known = Competition(
        name=name,
        classes=answer.classes,
        labels=labels.values[rows],
        train_ids=[train_ids[row] for row in rows],
        test_ids=row_ids(schema, test, sample),
        views={},
        metric=answer.metric,
        form=answer.form,
        groups=_factors(train, data.group, rows),
        folds=_given_folds(train, data.fold, rows),
    )
    reading = _TokenCollector(schema, data)
    reading.add(train, "train", rows)
    reading.add(test, "test")
    del train, test  # their text is much larger than their tokens
    for path in files.unlabelled:
        reading.add_unlabelled(path, warnings)
    return _complete(known, reading, findings, warnings)


def _complete(
    known: Competition, reading: _TokenCollector, findings: list[Finding], warnings: list[str]
) -> Competition:
    """The competition with its sequences, and findings and warnings about them."""
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


def _factors(table: RawTable, column: str, rows: np.ndarray) -> np.ndarray | None:
    """int64 [rows]: the column's values as codes from 0; None without a column."""
    return factorise(table.texts(column))[rows] if column else None


def _given_folds(table: RawTable, column: str, rows: np.ndarray) -> np.ndarray | None:
    """int64 [rows]: integers as they are (negative: always in training), else codes from 0."""
    if not column:
        return None
    texts = [text.strip() for text in table.texts(column)]
    if all(re.fullmatch(r"-?\d{1,9}(\.0+)?", text) for text in texts):
        return np.array([int(float(text)) for text in texts], dtype=np.int64)[rows]
    return _factors(table, column, rows)


class _TokenCollector:
    """Tokenizes tables and collects their rows."""

    def __init__(self, schema: Schema, data: DataConfig) -> None:
        self._schema, self._data = schema, data
        self._interner = Interner()
        self.counts: dict[str, int] = {}

    def add(self, table: RawTable, part: str, rows: np.ndarray | None = None) -> None:
        """Append the rows (integer positions, all by default) of a table."""
        before = len(self._interner)
        empty = self._interner.add(
            self._tokenize(table, range(len(table)) if rows is None else rows)
        )
        for key, value in ((part, len(self._interner) - before), (f"empty_{part}", empty)):
            self.counts[key] = self.counts.get(key, 0) + value

    def add_unlabelled(self, path: Path, warnings: list[str]) -> None:
        """Append an unlabelled file; one without the sequence columns is skipped with a warning."""
        table = read_table(path)
        steps = self._schema.steps
        needed = chain(*(steps.get(name, (name,)) for name in self._schema.sequence))
        missing = [name for name in needed if name not in table.columns]
        if missing:
            warnings.append(f"{path.name} has no column {listing(missing)}: skipped")
            return
        warnings.extend(table.warnings)
        self.add(join_step_columns(table, steps), "unlabelled")

    def finish(self) -> View:
        """All rows as one view."""
        kinds = self._schema.kinds
        is_numeric = any(kind.name == "tokens" for kind in kinds)
        return self._interner.finish(VIEW_NAMES[kinds[0].name], plain_number if is_numeric else str)

    def _tokenize(self, table: RawTable, rows: np.ndarray | range) -> Iterator[list[str]]:
        names = self._schema.sequence
        columns = [
            (make_tokenizer(kind, table, name, self._data), table.columns[name])
            for name, kind in zip(names, self._schema.kinds, strict=True)
        ]
        for row in rows:
            parts = [tokenize(cells[row]) for tokenize, cells in columns]
            if len(parts) == 1:
                yield parts[0]
            elif not any(parts):
                yield []
            else:
                yield [t for i, part in enumerate(parts) for t in ([JOINT] if i else []) + part]


def _file_findings(
    files: CompetitionFiles, train: RawTable, test: RawTable, sample: RawTable | None
) -> list[Finding]:
    findings = [
        Finding(name, table.path.name, "--data DIR", f"{table.form}, {len(table):,} rows")
        for name, table in (("train", train), ("test", test), ("sample", sample))
        if table is not None
    ]
    if files.solution:
        findings.append(Finding("solution", files.solution.name, "--solution FILE", "read last"))
    if files.unlabelled:
        findings.append(Finding("unlabelled", listing(p.name for p in files.unlabelled)))
    return findings


def _table_warnings(
    schema: Schema, train: RawTable, test: RawTable, sample: RawTable | None
) -> list[str]:
    warnings = [text for table in (train, test, sample) if table for text in table.warnings]
    ids = row_ids(schema, train, None)
    repeated = len(ids) - len(set(ids))
    if repeated:
        warnings.append(f"{train.path.name}: {repeated} repeated ids; every row is kept")
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
    return [f"{rate:.1%} of the test tokens do not occur in training"]


def _count_findings(counts: dict[str, int]) -> list[Finding]:
    what = f"{counts['tokens']:,}, {counts['lexicon']:,} different"
    longest = max(counts["longest_train"], counts["longest_test"])
    findings = [Finding("tokens", what, "", f"longest row: {longest:,}")]
    empty = counts["empty_train"] + counts["empty_test"]
    if empty:
        text = f"{counts['empty_train']:,} train, {counts['empty_test']:,} test"
        findings.append(Finding("empty sequences", text, "", "read as one unknown token"))
    if counts.get("unlabelled"):
        findings.append(Finding("unlabelled rows", f"{counts['unlabelled']:,}", "", "kept"))
    return findings
