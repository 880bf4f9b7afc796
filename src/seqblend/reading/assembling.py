"""Assembles train and test: parts, steps, labels apart, texts in files, further tables."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from seqblend.core.config import DataConfig
from seqblend.core.errors import InputError, listing
from seqblend.core.findings import Finding
from seqblend.reading.discovery import CompetitionFiles
from seqblend.reading.file_roles import pair_tables
from seqblend.reading.id_columns import check_unique
from seqblend.reading.joining import join_labels, join_table, join_texts
from seqblend.reading.json_tables import Cell
from seqblend.reading.key_columns import find_keys
from seqblend.reading.long_tables import StepOrder, are_steps, find_order, fold_steps
from seqblend.reading.row_ids import RowIds, match_rows
from seqblend.reading.tables import RawTable, align_names, concatenate, read_table
from seqblend.reading.text_folders import read_named_texts, read_text_folder


@dataclass
class Assembled:
    """Train and test with a row per sequence, the sample submission, and how ids match.

    key, order: how steps were grouped and ordered; None where each row was a sequence
    lists: the columns that have a list of steps for each row then
    extra: how many of the last training rows are never validated
    """

    train: RawTable
    test: RawTable
    sample: RawTable | None
    ids: RowIds
    key: str | None = None
    order: StepOrder | None = None
    lists: frozenset[str] = frozenset()
    extra: int = 0
    findings: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def fold(self, table: RawTable) -> RawTable:
        """A further table with its steps grouped as those of train."""
        is_long = self.key is not None and self.order is not None and self.key in table.columns
        return fold_steps(table, self.key, self.order, self.lists) if is_long else table


def read_source(path: Path) -> RawTable:
    """The table of a file, with the texts of the files that it names, or of a folder of texts."""
    return read_text_folder(path) if path.is_dir() else read_named_texts(read_table(path))


def assemble(files: CompetitionFiles, data: DataConfig, test: RawTable | None = None) -> Assembled:
    """Read and join everything but the unlabelled rows and the solution.

    test: takes the place of the test files
    raises: InputError where files cannot be joined
    """
    train = concatenate([read_source(path) for path in (files.train, *files.train_parts)])
    if test is None:
        test = concatenate([read_source(path) for path in (files.test, *files.test_parts)])
    sample = read_table(files.sample) if files.sample else None
    labels = read_table(files.labels) if files.labels else None
    test = align_names(test, train.columns)
    _check_header(train, test)
    made = Assembled(train, test, sample, match_rows(test, sample, data.id))
    _note_tables(made, files, labels)
    _fold(made, labels, data)
    if labels is not None:
        made.train, finding, warnings = join_labels(made.train, labels)
        made.findings += finding
        made.warnings += warnings
    unused = [*files.unused, *_join_texts(made, files.texts)]
    for paths in pair_tables(files.tables):
        if not _join_tables(made, paths):
            unused += [path.name for path in paths]
    for path in files.extra:
        extra = read_source(path)
        made.train = _append(made.train, extra)
        made.extra += len(extra)
        why = f"{len(extra):,} rows, in every training part, never validated"
        made.findings.append(Finding("extra", path.name, "--set data.extra=FILE", why))
    if unused:
        made.findings.append(Finding("files not used", listing(unused), "--set data.extra=FILE"))
    return made


def _check_header(train: RawTable, test: RawTable) -> None:
    """InputError where no name is shared and one of train is a value: there are no headers."""
    if set(train.columns) & set(test.columns):
        return
    held = [name for name, cells in train.columns.items() if name in cells]
    if held:
        raise InputError(
            f"{train.path.name} and {test.path.name} share no column, and the first line of "
            f"{train.path.name} has the value '{held[0][:40]}': the files seem to have no header. "
            "Write the columns' names into their first lines"
        )


def _note_tables(made: Assembled, files: CompetitionFiles, labels: RawTable | None) -> None:
    """Findings and warnings about the files as they are."""
    parts = {"train": files.train_parts, "test": files.test_parts}
    for role, table in (
        ("train", made.train),
        ("test", made.test),
        ("sample", made.sample),
        ("labels", labels),
    ):
        if table is None:
            continue
        names = listing([table.path.name, *(path.name for path in parts.get(role, ()))], 4)
        what = f"{table.form}, {len(table):,} rows"
        made.findings.append(Finding(role, names, f"--set data.{role}=FILE", what))
        made.warnings.extend(table.warnings)
    made.warnings.extend(made.ids.warnings)


def _fold(made: Assembled, labels: RawTable | None, data: DataConfig) -> None:
    """Fold steps into sequences where the sample, the labels or data.id have one id for several."""
    key = made.ids.column if made.ids.is_repeated else None
    if key is None and labels is not None:
        key = next((match.other for match in find_keys(labels, made.train, least=0.5)), None)
    if key is None or key not in made.train.columns or key not in made.test.columns:
        _refuse_repeated(made, key)
        return
    counts = [(len(t), len(set(t.texts(key)))) for t in (made.train, made.test)]
    is_sure = made.ids.is_repeated and counts[0][0] > counts[0][1]  # the sample has one id for all
    if not is_sure and not all(are_steps(*count) for count in counts):
        _refuse_repeated(made, key)
        return
    order = find_order(made.train, key)
    made.key, made.order = key, order
    made.train = fold_steps(made.train, key, order)
    cells = {name: column[0] for name, column in made.train.columns.items()}
    made.lists = frozenset(name for name, cell in cells.items() if not isinstance(cell, str))
    made.test = made.fold(made.test)
    made.ids = match_rows(made.test, made.sample, data.id)
    why = f"a row per step: rows with the same {key} are one sequence, {order.why}"
    made.findings.append(Finding("steps", f"grouped by {key}", "--set data.id=COLUMN", why))


def _refuse_repeated(made: Assembled, key: str | None) -> None:
    """InputError where test repeats an id without being a table of steps."""
    if not made.ids.is_repeated:
        return
    check_unique(made.test.texts(str(key)), made.test)


def _join_texts(made: Assembled, folders: tuple[Path, ...]) -> list[str]:
    """Add the texts of folders to the table whose ids name their files; the folders left over."""
    left = []
    for folder in folders:
        texts = read_text_folder(folder)
        part = "test" if "test" in folder.name.lower() else "train"
        joined = join_texts(getattr(made, part), texts)
        if joined is None:
            left.append(f"{folder.name}/")
            continue
        setattr(made, part, joined)
        made.findings.append(Finding("texts", f"{folder.name}/", "", f"{texts.form}, by id"))
    return left


def _join_tables(made: Assembled, paths: list[Path]) -> bool:
    """Add a further table's columns where a key is found; whether there was one.

    paths: one table for both, or one for train and its counterpart for test
    """
    try:
        table = concatenate([read_table(path) for path in paths])
        joined = join_table(made.train, made.test, table)
    except InputError as error:
        made.warnings.append(f"not read: {error}")
        return False
    if joined is None:
        return False
    made.train, made.test, why = joined
    names = listing(path.name for path in paths)
    made.findings.append(Finding("further table", names, "--set data.ignore=COLUMN", why))
    return True


def _append(train: RawTable, extra: RawTable) -> RawTable:
    """Further training rows; columns that they lack are empty."""
    missing = [name for name in train.columns if name not in extra.columns]
    blank: dict[str, list[Cell]] = {name: [""] * len(extra) for name in missing}
    columns = {
        name: [*train.columns[name], *(extra.columns | blank)[name]] for name in train.columns
    }
    return replace(train, columns=columns, lines=None)
