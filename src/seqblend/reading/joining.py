"""Joins labels apart, texts in files and further tables to train and test, by their keys."""

from __future__ import annotations

from collections.abc import Callable

from seqblend.core.errors import InputError, listing
from seqblend.core.findings import Finding
from seqblend.reading.id_columns import trailing_number
from seqblend.reading.json_tables import Cell
from seqblend.reading.key_columns import KeyMatch, find_keys, without_suffix
from seqblend.reading.long_tables import find_order, fold_steps
from seqblend.reading.tables import RawTable
from seqblend.reading.text_folders import ID

_LEAST = 0.5  # share of the rows' keys that a joined table has to have


def join_labels(train: RawTable, labels: RawTable) -> tuple[RawTable, list[Finding], list[str]]:
    """(train with the labels' columns, findings, warnings): by the key that both have.

    Without a key rows are matched by their order, where the labels have no other column.
    raises: InputError where neither fits
    """
    new = [name for name in labels.columns if name not in train.columns]
    if not new:
        raise InputError(
            f"{labels.path.name} has no column that {train.path.name} lacks: "
            f"{listing(labels.columns)}. Name another file with --set data.labels=FILE"
        )
    keys = [match for match in find_keys(labels, train, least=_LEAST) if match.is_unique]
    if not keys:
        return _by_order(train, labels, new)
    key = keys[0]
    place, ids = key.rows_of(labels), key.keys_of(train)
    kept = [row for row, text in enumerate(ids) if text in place]
    warnings = []
    if len(kept) < len(ids):
        row = next(row for row, text in enumerate(ids) if text not in place)
        warnings.append(
            f"{len(ids) - len(kept)} rows of {train.path.name} have no label in "
            f"{labels.path.name} (the first: {key.other} '{train.texts(key.other)[row]}') and are "
            "left out"
        )
    rows, new = [place[ids[row]] for row in kept], [name for name in new if name != key.column]
    joined = {name: [labels.columns[name][row] for row in rows] for name in new}
    what = f"{listing(new, 4)} by {_names(key)}"
    finding = Finding("labels joined", what, "--set data.labels=FILE")
    return train.take(kept).with_columns(joined), [finding], warnings


def _by_order(
    train: RawTable, labels: RawTable, new: list[str]
) -> tuple[RawTable, list[Finding], list[str]]:
    others = [
        name for name, cells in labels.columns.items() if len(set(map(str, cells))) == len(labels)
    ]
    if len(labels) != len(train) or (others and len(labels.columns) > 1):
        raise InputError(
            f"{labels.path.name} has {len(labels)} rows and shares no unique column with "
            f"{train.path.name} ({len(train)} rows): {listing(labels.columns)} against "
            f"{listing(train.columns)}. Add the rows' key to it"
        )
    warning = (
        f"{labels.path.name} has no key: its rows are matched with those of {train.path.name} by "
        "their order"
    )
    return train.with_columns({name: labels.columns[name] for name in new}), [], [warning]


def join_texts(table: RawTable, texts: RawTable) -> RawTable | None:
    """The table with the columns of `texts`, where a column of ids names a text for each row."""
    names = texts.texts(ID)
    normals: tuple[Callable[[str], str], ...] = (str, without_suffix, trailing_number)
    for normal in normals:
        place = {normal(text): row for row, text in enumerate(names)}
        for name, cells in table.columns.items():
            if not all(isinstance(cell, str) for cell in cells):
                continue
            keys = [normal(cell) for cell in table.texts(name)]
            if len(set(keys)) == len(keys) and set(keys) <= set(place):
                columns: dict[str, list[Cell]] = {
                    column: [texts.columns[column][place[key]] for key in keys]
                    for column in texts.columns
                    if column != ID and column not in table.columns
                }
                return table.with_columns(columns)
    return None


def join_table(
    train: RawTable, test: RawTable, table: RawTable
) -> tuple[RawTable, RawTable, str] | None:
    """(train, test, how they were joined) with the table's new columns; None without a key.

    A table with several rows per key is a log: its rows become lists in the order of its steps.
    Rows whose key it lacks have empty cells.
    """
    key = next(
        (m for m in find_keys(table, train, least=_LEAST) if _fits(m, table, train, test)), None
    )
    if key is None:
        return None
    why = f"joined by {_names(key)}"
    if not key.is_unique:
        order = find_order(table, key.column)
        table = fold_steps(table, key.column, order)
        why += f", several rows per {key.column}, {order.why}"
    taken = {*train.columns, *test.columns, key.column}
    new = [name for name in table.columns if name not in taken]
    place = key.rows_of(table)
    parts = []
    for part in (train, test):
        rows = [place.get(text) for text in key.keys_of(part)]
        columns = {name: [_cell(table.columns[name], row) for row in rows] for name in new}
        parts.append(part.with_columns(columns))
    return parts[0], parts[1], why


def _fits(key: KeyMatch, table: RawTable, train: RawTable, test: RawTable) -> bool:
    """Whether test has the key too, and it is not the rows' own id by chance.

    A table of all ids of train that has many others besides has ids of something else.
    """
    if key.other not in test.columns:
        return False
    place = key.rows_of(table)
    asked = set(key.keys_of(test))
    if len(asked & set(place)) < _LEAST * len(asked):
        return False
    ids = key.keys_of(train)
    if len(set(ids)) < len(ids):
        return True
    return len(set(place) - {*ids, *asked}) < _LEAST * len(place)


def _cell(cells: list[Cell], row: int | None) -> Cell:
    if row is not None:
        return cells[row]
    return [] if isinstance(cells[0], list) else ""


def _names(key: KeyMatch) -> str:
    return key.other if key.column == key.other else f"{key.other} = {key.column}"
