"""Decides what each column is: id, target, sequence, feature, or left out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from seqblend.core.config import DataConfig
from seqblend.core.errors import InputError, listing
from seqblend.core.findings import Finding
from seqblend.reading.assembling import Assembled
from seqblend.reading.column_roles import ColumnRole, find_role, read_names
from seqblend.reading.kinds import ColumnKind
from seqblend.reading.sequence_columns import (
    JoinedTables,
    SequenceColumns,
    choose_sequence,
    join_steps,
)
from seqblend.reading.tables import RawTable, check_column
from seqblend.reading.target import Target, find_target
from seqblend.tasks.task import Task

_MOST_FEATURES = 64  # more would push the sequence out of what a network reads
_FEATURE_FLAG = "--set data.features=auto|none|COLUMN[,COLUMN]"


@dataclass(frozen=True)
class Schema:
    """What the columns are.

    id: None where rows have only their number
    kinds: how each sequence column is tokenized
    steps: sequence column -> the columns it is joined from, one per step
    categories, numbers: columns that are read as features beside the sequence
    """

    id: str | None
    target: Target
    sequence: tuple[str, ...]
    kinds: tuple[ColumnKind, ...]
    findings: tuple[Finding, ...] = ()
    steps: dict[str, tuple[str, ...]] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    def reading(self) -> dict[str, Any]:
        """How the sequence is read, as JSON has it: find_schema(again=...) reads other rows so."""
        names = ("sequence", "kinds", "steps", "categories", "numbers")
        return {name: value for name, value in asdict(self).items() if name in names}


def find_schema(
    made: Assembled,
    data: DataConfig,
    wanted: Task | None = None,
    again: dict[str, Any] | None = None,
) -> Schema:
    """The columns' roles, by comparing train, test and sample; `data` overrides what is found.

    wanted: the task, where it is known
    again: the reading of another schema, which other test rows do not change
    raises: FlagError for an unknown column, InputError where columns are ambiguous
    """
    train, ids = made.train, made.ids
    for name, value in (("group", data.group), ("fold", data.fold)):
        if value and value != "none":
            check_column(value, train, name)
    tables = join_steps(train, made.test, data)
    id_columns = {name for name in (ids.column, made.key) if name is not None}
    target = _find_target(made, tables, data, id_columns, wanted)
    if again:
        return _read_again(made, ids.column, target, again)
    left_out = {*read_names(data.ignore, train, "ignore")}
    taken = {
        target.name,
        target.column,
        data.group,
        data.fold,
        *target.parts,
        *id_columns,
        *tables.in_steps,
    }
    left_out |= taken
    candidates = [name for name in tables.shared if name not in left_out]
    roles = {name: find_role(name, tables.train, tables.test, data) for name in candidates}
    order = made.order.column if made.order else None
    sequence = choose_sequence(tables, roles, data, order)
    if sequence is None:
        raise _no_sequence(made, roles)
    features = _choose_features(roles, sequence.names, tables.wanted, train, data)
    read = {*taken, *sequence.names, *features[0], *features[1]}
    findings = (
        Finding("id", _id_name(ids.column), "--set data.id=COLUMN", ids.why),
        Finding("target", target.name, "--set data.target=COLUMN", target.why),
        *_describe_sequence(sequence, tables),
        *_describe_features(*features),
        *_describe_ignored(made, tables, read, roles),
    )
    steps = {name: tables.steps[name] for name in sequence.names if name in tables.steps}
    return Schema(ids.column, target, sequence.names, sequence.kinds, findings, steps, *features)


def _read_again(
    made: Assembled, id_column: str | None, target: Target, again: dict[str, Any]
) -> Schema:
    """A schema with the sequence columns and features of another one."""
    kinds = tuple(ColumnKind(**kind) for kind in again["kinds"])
    steps = {name: tuple(columns) for name, columns in again["steps"].items()}
    names = {name: tuple(again[name]) for name in ("sequence", "categories", "numbers")}
    for name in (name for each in names.values() for name in each):
        for column in steps.get(name, (name,)):
            check_column(column, made.test, "sequence")
    return Schema(id_column, target, kinds=kinds, steps=steps, **names)


def _find_target(
    made: Assembled,
    tables: JoinedTables,
    data: DataConfig,
    id_columns: set[str],
    wanted: Task | None,
) -> Target:
    """The target; the sample's columns that test has too are handed in as they are."""
    sample, test = made.sample, made.test
    answer = [name for name in sample.columns if name != made.ids.sample_column] if sample else []
    content = tuple(name for name in answer if name in test.columns)
    blank = [name for name in content if name in made.train.columns and _varies(made, name)]
    asked = [name for name in answer if name not in content or name in blank]
    excluded = {*tables.wanted, *tables.in_steps, *id_columns}
    target = find_target(made.train, test, asked, data, excluded, wanted)
    own = (target.column, *target.class_columns, *target.value_columns)
    copied = [name for name in content if name not in own]
    return replace(target, copied=tuple(dict.fromkeys([*target.copied, *copied])))


def _varies(made: Assembled, name: str) -> bool:
    """Whether train has several values in a column that has one in test."""
    columns = made.train.columns[name], made.test.columns[name]
    several, one = (len(set(map(str, cells))) for cells in columns)
    return several > 1 and one == 1


def _id_name(column: str | None) -> str:
    if column is None:
        return "row number"
    return column or "the unnamed column"


def _describe_sequence(sequence: SequenceColumns, tables: JoinedTables) -> list[Finding]:
    """The sequence columns, joined ones with their first and last step, and their kinds."""
    steps = tables.steps
    names = " + ".join(
        f"{name} ({steps[name][0]} to {steps[name][-1]})" if name in steps else name
        for name in sequence.names
    )
    kinds = " + ".join(dict.fromkeys(kind.name for kind in sequence.kinds))
    reasons = "; ".join(dict.fromkeys(kind.why for kind in sequence.kinds))
    return [
        Finding("sequence", names, "--set data.sequence=COLUMN[,COLUMN]", sequence.why),
        Finding("kind", kinds, "--set data.kind=text|chars|tokens", reasons),
    ]


def _describe_features(categories: tuple[str, ...], numbers: tuple[str, ...]) -> list[Finding]:
    names = [*categories, *(f"{name} (tenths)" for name in numbers)]
    if not names:
        return []
    return [Finding("features", listing(names, 8), _FEATURE_FLAG, "tokens before the sequence")]


def _describe_ignored(
    made: Assembled,
    tables: JoinedTables,
    read: set[str],
    roles: dict[str, ColumnRole],
) -> list[Finding]:
    """The columns that are left out, with the reason where there is one."""
    train, test, steps = made.train, made.test, tables.steps
    ignored = []
    for name in dict.fromkeys([*train.columns, *test.columns, *steps]):
        if name in read:
            continue
        why = roles[name].why if name in roles else ""
        if not why and name not in test.columns and name not in steps:
            why = "not in test"
        ignored.append(f"{name} ({why})" if why else name)
    if not ignored:
        return []
    return [Finding("ignored columns", listing(ignored), "--set data.sequence=a,b")]


def _no_sequence(made: Assembled, roles: dict[str, ColumnRole]) -> InputError:
    train, test = made.train, made.test
    if train.nested:
        return InputError(next(iter(train.nested.values())))
    if not roles:
        return InputError(
            f"{train.path.name} ({listing(train.columns)}) and {test.path.name} "
            f"({listing(test.columns)}) share no column except id and label. "
            "Name the sequence's column with --set data.sequence=COLUMN"
        )
    named = [f"{name} ({role.why})" if role.why else name for name, role in roles.items()]
    return InputError(
        f"none of the {len(named)} columns {listing(named, 6)} has a sequence: each has "
        "one value per row. Number the columns of the steps (t0, t1, ...), or name them in "
        "order with --set data.sequence=COLUMN,COLUMN,..."
    )


def _choose_features(
    roles: dict[str, ColumnRole],
    sequence: tuple[str, ...],
    wanted: tuple[str, ...],
    train: RawTable,
    data: DataConfig,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Categories and numbers that join the sequence: all, those asked for, or none.

    A sequence that was asked for is read alone, unless data.features asks for more.
    """
    if data.features == "none" or (data.features == "auto" and wanted):
        return (), ()
    names = list(roles)
    if data.features != "auto":
        names = list(read_names(data.features, train, "features"))
    role_of = {name: roles[name].name if name in roles else "category" for name in names}
    free = [name for name in names if name not in sequence]
    is_asked = data.features != "auto"
    categories = [
        n for n in free if role_of[n] == "category" or (is_asked and role_of[n] != "number")
    ]
    return tuple(categories), tuple(name for name in free if role_of[name] == "number")
