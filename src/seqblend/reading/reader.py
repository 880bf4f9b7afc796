"""Reads the files of a competition into a Competition."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seqblend.core.config import DataConfig
from seqblend.core.errors import listing
from seqblend.core.findings import Finding
from seqblend.core.processes import cores, map_forked
from seqblend.data.sequences import Competition, SequenceSet, View
from seqblend.reading.assembling import Assembled, assemble
from seqblend.reading.discovery import CompetitionFiles
from seqblend.reading.group_columns import find_group
from seqblend.reading.labels import factorise, stratified_rows
from seqblend.reading.lexicon import Interner, unseen_rate
from seqblend.reading.row_tokenizer import RowTokenizer
from seqblend.reading.schema import Schema, find_schema
from seqblend.reading.submission_form import infer_submission
from seqblend.reading.tables import RawTable, read_table
from seqblend.reading.task_choice import read_targets, wanted_task
from seqblend.reading.wide_tables import join_step_columns

_PART = 4_000  # rows that a process tokenizes at a time
_UNSEEN_WARNING = 0.2  # share of test tokens above which there is a warning


def read_competition(files: CompetitionFiles, data: DataConfig, **options: Any) -> Competition:
    """The competition in these files. options: as read_with_tokenizer has them"""
    return read_with_tokenizer(files, data, **options)[0]


def read_with_tokenizer(
    files: CompetitionFiles,
    data: DataConfig,
    *,
    metric: str = "",
    name: str,
    again: dict[str, Any] | None = None,
    test: RawTable | None = None,
) -> tuple[Competition, RowTokenizer]:
    """The competition in these files, and what tokenizes further rows as its own were.

    The solution file is not read.
    metric: a name that metrics.metric_for knows, or "" to infer it
    again: Competition.reading of the same training rows with other test rows, whose columns are
        read the same way whatever these hold
    test: takes the place of the test files
    raises: InputError that names file, line or column and remedy; FlagError for a wrong setting
    """
    made = assemble(files, data, test)
    schema = find_schema(made, data, wanted_task(data, metric), again)
    train = join_step_columns(made.train, schema.steps)
    test = join_step_columns(made.test, schema.steps)
    targets = read_targets(train, schema.target, data, metric, _answers(made, schema))
    answer = infer_submission(
        schema.target, targets.task, made.ids, made.sample, metric, positive=data.positive
    )
    strata = targets.task.strata(targets.values)
    rows, train_ids = stratified_rows(strata, data.rows), _train_ids(schema, train)
    group = find_group(made, schema, strata, data)
    findings = [*made.findings, *_file_findings(files), *schema.findings, targets.finding]
    warnings = [*made.warnings, *_repeated_ids(train, train_ids), *answer.warnings]
    known = Competition(
        name=name,
        task=answer.task,
        targets=targets.values[rows],
        train_ids=[train_ids[row] for row in rows],
        test_ids=made.ids.ids,
        views={},
        metric=answer.metric,
        form=answer.form,
        groups=_factors(train, group.column, rows),
        folds=_given_folds(train, data.fold, rows),
        extra=int((rows >= len(train) - made.extra).sum()),
        reading=schema.reading(),
    )
    tokenizer = RowTokenizer(
        schema, data, train, made.fold, names=made.train.columns, is_long=made.key is not None
    )
    reading = _TokenCollector(tokenizer)
    reading.add(train, "train", rows)
    reading.add(test, "test")
    made.train = made.test = train = test = train.take([])  # their text is larger than tokens
    for path in files.unlabelled:
        reading.add_unlabelled(path, warnings)
    findings += [*answer.findings, *group.findings]
    competition = _complete(known, reading, findings, [*warnings, *targets.warnings])
    return competition, tokenizer


def _answers(made: Assembled, schema: Schema) -> list[str]:
    """The sample's values in the column that is asked for; none where there are several."""
    sample, column = made.sample, schema.target.column
    return sample.texts(column) if sample is not None and column in sample.columns else []


def _train_ids(schema: Schema, train: RawTable) -> list[str]:
    """The training rows' ids; their numbers from 0 where train has no such column."""
    if schema.id is not None and schema.id in train.columns:
        return train.texts(schema.id)
    return [str(row) for row in range(len(train))]


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

    def __init__(self, tokenizer: RowTokenizer) -> None:
        self._tokenizer, self._interner = tokenizer, Interner()
        self._steps: list[SequenceSet | None] = []
        self.counts: dict[str, int] = {}

    def add(self, table: RawTable, part: str, rows: np.ndarray | None = None) -> None:
        """Append the rows (integer positions, all by default) of a table."""
        rows = np.arange(len(table)) if rows is None else rows
        parts = [rows[begin : begin + _PART] for begin in range(0, len(rows), _PART)]
        empty = 0
        for interner, count, steps in map_forked(partial(self._intern, table), parts, cores()):
            self._interner.merge(interner)
            self._steps.append(steps)
            empty += count
        for key, value in ((part, len(rows)), (f"empty_{part}", empty)):
            self.counts[key] = self.counts.get(key, 0) + value

    def _intern(
        self, table: RawTable, rows: np.ndarray
    ) -> tuple[Interner, int, SequenceSet | None]:
        """(the rows of a table, how many of them have no token, their real-valued steps)."""
        interner, places = Interner(), rows.tolist()
        empty = interner.add(self._tokenizer.tokens(table, places))
        return interner, empty, self._tokenizer.steps(table, places)

    def add_unlabelled(self, path: Path, warnings: list[str]) -> None:
        """Append an unlabelled file; one without the sequence columns is skipped with a warning."""
        table = read_table(path)
        missing = self._tokenizer.missing(table)
        if missing:
            warnings.append(f"{path.name} has no column {listing(missing)}: skipped")
            return
        warnings.extend(table.warnings)
        self.add(self._tokenizer.arrange(table), "unlabelled")

    def finish(self) -> View:
        """All rows as one view."""
        view = self._interner.finish(self._tokenizer.view_name, self._tokenizer.spelling)
        steps = [part for part in self._steps if part is not None]
        if not steps:
            return view
        rows = [part.row(i) for part in steps for i in range(len(part))]
        return replace(view, sequences=replace(view.sequences, steps=SequenceSet.from_rows(rows)))


def _file_findings(files: CompetitionFiles) -> list[Finding]:
    findings = []
    if files.solution:
        findings.append(Finding("solution", files.solution.name, "--solution FILE", "read last"))
    if files.unlabelled:
        findings.append(Finding("unlabelled", listing(p.name for p in files.unlabelled)))
    return findings


def _repeated_ids(train: RawTable, ids: list[str]) -> list[str]:
    repeated = len(ids) - len(set(ids))
    return [f"{train.path.name}: {repeated} repeated ids; every row is kept"] if repeated else []


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
