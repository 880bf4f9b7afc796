"""Finds the id, target and sequence columns by comparing train, test and sample submission."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

from seqblend.core.config import DataConfig
from seqblend.core.errors import InputError, listing
from seqblend.core.findings import Finding
from seqblend.reading.kinds import (
    ColumnKind,
    check_discrete,
    detect_kind,
    make_tokenizer,
    typical_cells,
)
from seqblend.reading.tables import Cell, RawTable, check_column
from seqblend.reading.target import find_target
from seqblend.reading.wide_tables import (
    common_pattern,
    find_step_columns,
    hold_single_values,
    join_step_columns,
    match_step_columns,
)

ID_NAMES = ("id", "index", "row_id", "rowid")
_FEW_TOKENS = 3  # mean tokens per row above which a column may be a sequence
_LONGEST_ID = 40  # mean characters above which a unique column is content, not an id


@dataclass(frozen=True)
class Schema:
    """The id, target and sequence columns.

    id: "" where rows have only their number
    kinds: how each sequence column is tokenized
    steps: sequence column -> the columns it is joined from, one per step
    class_columns: sample column -> the label whose probability it contains
    """

    id: str
    target: str
    sequence: tuple[str, ...]
    kinds: tuple[ColumnKind, ...]
    class_columns: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    steps: dict[str, tuple[str, ...]] = field(default_factory=dict)


def find_schema(
    train: RawTable, test: RawTable, sample: RawTable | None, data: DataConfig
) -> Schema:
    """The id, target and sequence columns; `data` overrides what the comparison finds.

    raises: FlagError for an unknown column, InputError where columns are ambiguous
    """
    for name, value in (("group", data.group), ("fold", data.fold)):
        if value:
            check_column(value, train, name)
    wanted, steps = _sequence_names(data, train, test)
    steps = steps if wanted else find_step_columns(train, test, data)
    excluded = [*wanted, *chain(*steps.values())]  # neither id nor target
    id_name, id_why = _find_id(train, test, sample, data, excluded)
    target, class_columns, why = find_target(train, test, sample, data, id_name, excluded)
    taken = {id_name, target, data.group, data.fold}
    joined = join_step_columns(train, steps)
    sequence, seq_why = _find_sequence(joined, test, data, wanted, taken, steps)
    steps = {name: steps[name] for name in sequence if name in steps}
    cells = [joined.columns[name] for name in sequence]
    kinds = _common_kinds([detect_kind(each, data.kind) for each in cells])
    for name, kind in zip(sequence, kinds, strict=True):
        if data.kind == "auto" and kind.name == "tokens":
            check_discrete(joined.columns[name], make_tokenizer(kind, train, name, data), name)
    shown = _describe(sequence, steps)
    findings = [
        Finding("id", id_name or "row number", "--set data.id=COLUMN", id_why),
        Finding("target", target, "--set data.target=COLUMN", why),
        Finding("sequence", shown, "--set data.sequence=COLUMN[,COLUMN]", seq_why),
        Finding("kind", kinds[0].name, "--set data.kind=text|chars|tokens", kinds[0].why),
    ]
    used = {*taken, *sequence, *chain(*steps.values())}
    ignored = [n for n in dict.fromkeys([*train.columns, *test.columns]) if n not in used]
    if ignored:
        findings.append(Finding("ignored columns", listing(ignored), "--set data.sequence=a,b"))
    return Schema(id_name, target, sequence, kinds, class_columns, tuple(findings), steps)


def _describe(sequence: tuple[str, ...], steps: dict[str, tuple[str, ...]]) -> str:
    """The sequence columns as text; joined ones with their first and last step."""
    return " + ".join(
        f"{name} ({steps[name][0]} to {steps[name][-1]})" if name in steps else name
        for name in sequence
    )


def _common_kinds(kinds: list[ColumnKind]) -> tuple[ColumnKind, ...]:
    """Kinds of joined columns: all are text where one is, as a short title beside a text."""
    text = next((kind for kind in kinds if kind.name == "text"), None)
    return tuple(text or kind for kind in kinds)


def _sequence_names(
    data: DataConfig, train: RawTable, test: RawTable
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """The columns that data.sequence names, and the step columns of those that are patterns."""
    if not data.sequence:
        return (), {}
    is_one = data.sequence in train.columns  # a column's name may hold a comma
    names = [data.sequence] if is_one else [name.strip() for name in data.sequence.split(",")]
    patterns = [name for name in names if name not in train.columns]
    steps = {name: found for name in patterns if (found := match_step_columns(name, train))}
    for name in names:
        for table in (train, test) if name not in steps else ():
            check_column(name, table, "sequence")
    family = common_pattern(tuple(names))
    if len(names) > 1 and not steps and family and hold_single_values(train, names):
        return (family,), {family: tuple(names)}
    return tuple(names), steps


def _is_unique(cells: list[Cell]) -> bool:
    return all(isinstance(cell, str) for cell in cells) and len(set(cells)) == len(cells)  # type: ignore[arg-type]


def _find_id(
    train: RawTable,
    test: RawTable,
    sample: RawTable | None,
    data: DataConfig,
    sequence: Iterable[str],
) -> tuple[str, str]:
    """The id column and why; "" for row numbers."""
    if data.id:
        for table in filter(None, (test, sample)):
            check_column(data.id, table, "id")
        return data.id, "asked for"
    if sample is not None:
        shared = [name for name in sample.columns if name in test.columns]
        unique = [name for name in shared if _is_unique(test.columns[name])]
        if shared:
            return (unique or shared)[0], "shared by test and sample submission"
        return "", "test shares no column with the sample submission"
    shared = [n for n in test.columns if n in train.columns and n not in sequence]
    named = next((name for name in shared if name.lower() in ID_NAMES), "")
    if named:
        return named, "by its name"
    left = [name for name in shared if name not in (data.group, data.fold)]
    short = [name for name in left if _is_unique(test.columns[name]) and _is_short(test, name)]
    if short and (len(left) > 1 or tuple(sequence)):
        return short[0], "short and unique"
    return "", "no unique short column"


def _is_short(table: RawTable, name: str) -> bool:
    cells = typical_cells(table.columns[name])
    return sum(map(len, cells)) <= _LONGEST_ID * len(cells) and not any(" " in c for c in cells)


def _find_sequence(
    train: RawTable,
    test: RawTable,
    data: DataConfig,
    wanted: tuple[str, ...],
    taken: set[str],
    steps: dict[str, tuple[str, ...]],
) -> tuple[tuple[str, ...], str]:
    if wanted:
        return wanted, "asked for"
    shared = [n for n in train.columns if n in test.columns and n not in taken]
    for family, columns in steps.items():
        others = [name for name in shared if name not in columns]
        if not any(_is_sequence(train, name, data, family) for name in others):
            why = f"{len(columns)} columns, one per step; empty cells at the end are padding"
            return (family,), why
    if not shared:
        raise InputError(
            f"{train.path.name} ({listing(train.columns)}) and {test.path.name} "
            f"({listing(test.columns)}) share no column except id and label. "
            "Name the sequence's column with --set data.sequence=COLUMN"
        )
    lengths = {name: _mean_tokens(train, name, data) for name in shared}
    best = max(shared, key=lambda name: (lengths[name], name))
    if lengths[best] <= 1.0 and len(shared) > 3:
        raise InputError(
            f"none of the {len(shared)} columns {listing(shared, 6)} has a sequence: each has "
            "one value per row. Number the columns of the steps (t0, t1, ...), or name them in "
            "order with --set data.sequence=COLUMN,COLUMN,..."
        )
    others = [name for name in shared if name != best and lengths[name] > _FEW_TOKENS]
    why = f"most tokens per row ({lengths[best]:.0f})"
    return (best,), why + (f"; {listing(others)} could be joined to it" if others else "")


def _is_sequence(train: RawTable, name: str, data: DataConfig, family: str) -> bool:
    """Whether a column is likelier the sequence than step columns: prose, a list, long strings."""
    length = _mean_tokens(train, name, data)
    if detect_kind(train.columns[name], data.kind).name == "chars":
        return length > _mean_tokens(train, family, data)
    return length >= 2


def _mean_tokens(train: RawTable, name: str, data: DataConfig) -> float:
    cells = typical_cells(train.columns[name], 200)
    tokenize = make_tokenizer(detect_kind(cells, data.kind), train, name, data)
    return sum(len(tokenize(cell)) for cell in cells) / max(len(cells), 1)
