"""Infers the form of the submission and the metric from the sample submission."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from seqblend.core.errors import FlagError, InputError, listing, nearest
from seqblend.core.findings import Finding
from seqblend.data.sequences import CsvStyle, SubmissionForm
from seqblend.reading.labels import as_number, normal_label
from seqblend.reading.schema import Schema
from seqblend.reading.tables import RawTable

_DEFAULT_METRICS = {"labels": "accuracy", "probability": "auc", "class_columns": "log_loss"}
_RANKING = ("auc", "log_loss")  # metrics that need probabilities


@dataclass(frozen=True)
class InferredSubmission:
    """The form of the submission and its metric; `classes` as the submission writes them."""

    form: SubmissionForm
    metric: str
    classes: tuple[str, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]


def infer_submission(
    schema: Schema,
    classes: tuple[str, ...],
    test: RawTable,
    sample: RawTable | None,
    metric: str,
    *,
    positive: str = "",
) -> InferredSubmission:
    """The submission's form and the metric; `metric` overrides the inferred one.

    raises: FlagError for an unknown positive class; InputError for duplicate ids, ids missing
        from or beyond the sample, and class columns that do not match the classes
    """
    ids = row_ids(schema, test, sample)
    _check_unique(ids, test)
    if sample is None:
        form, why = _default_form(schema, classes, ids, metric), "no sample submission"
        warnings: tuple[str, ...] = ()
    else:
        form, why = _sampled_form(schema, classes, sample, metric), "as in the sample"
        form, warnings = _check_ids(form, ids, test, sample)
        if form.kind == "labels":
            classes = _written_classes(classes, sample.texts(form.columns[0]))
    what, flag = f"{form.kind}: {listing(form.columns, 6)}", ""
    if form.kind == "probability":
        chosen = _positive_class(form.columns[0], classes, positive)
        form = replace(form, classes=(chosen,))
        what = f"probability: {form.columns[0]} = P({classes[chosen]})"
        flag = "--set data.positive=CLASS"
    metric_why = "asked for" if metric else f"the submission has {form.kind.replace('_', ' ')}"
    metric = metric or _DEFAULT_METRICS[form.kind]
    findings = (
        Finding("submission", what, flag, why),
        Finding("metric", metric, "--metric NAME", metric_why),
    )
    return InferredSubmission(form, metric, classes, findings, warnings)


def row_ids(schema: Schema, table: RawTable, sample: RawTable | None) -> list[str]:
    """The rows' ids as text.

    Without an id column rows are numbered from 0, or from 1 where the sample begins with 1.
    """
    if schema.id and schema.id in table.columns:
        return table.texts(schema.id)
    start = 1 if sample and next(iter(sample.columns.values()))[0] == "1" else 0
    return [str(row) for row in range(start, start + len(table))]


def _default_form(
    schema: Schema, classes: tuple[str, ...], ids: list[str], metric: str
) -> SubmissionForm:
    kind = "probability" if metric in _RANKING and len(classes) == 2 else "labels"
    return SubmissionForm(schema.id or "id", (schema.target,), kind, ids)


def _sampled_form(
    schema: Schema, classes: tuple[str, ...], sample: RawTable, metric: str
) -> SubmissionForm:
    names = list(sample.columns)
    id_column = schema.id or names[0]
    columns = tuple(name for name in names if name != id_column)
    ids, style = sample.texts(id_column), _style(sample, (id_column, *columns))
    if schema.class_columns:
        index = {normal_label(name): i for i, name in enumerate(classes)}
        order = tuple(index[normal_label(schema.class_columns[name])] for name in columns)
        if sorted(order) != list(range(len(classes))):
            lacking = [name for i, name in enumerate(classes) if i not in order]
            raise InputError(
                f"{sample.path.name}: its columns {listing(columns)} do not match the "
                f"{len(classes)} classes of '{schema.target}' (no column for {listing(lacking)}). "
                "Name the label's column with --set data.target=COLUMN"
            )
        return SubmissionForm(id_column, columns, "class_columns", ids, order, style)
    if len(columns) != 1:
        raise InputError(
            f"{sample.path.name} has the columns {listing(names)}; expected an id and one column "
            f"of labels or probabilities, or one per class ({listing(classes, 6)}). "
            "Name the label's column with --set data.target=COLUMN"
        )
    is_probability = len(classes) == 2 and (
        metric in _RANKING or _holds_probabilities(sample.texts(columns[0]), classes)
    )
    kind = "probability" if is_probability else "labels"
    return SubmissionForm(id_column, columns, kind, ids, style=style)


def _style(sample: RawTable, names: tuple[str, ...]) -> CsvStyle:
    """The sample's style, `quoted` in the order of `names`."""
    quoted = dict(zip(sample.columns, sample.style.quoted, strict=False))  # JSON has none
    return replace(sample.style, quoted=tuple(quoted.get(name, False) for name in names))


def _positive_class(column: str, classes: tuple[str, ...], wanted: str) -> int:
    """The class of a probability column: as asked for, as the column is named, else the last."""
    names = [normal_label(name) for name in classes]
    if wanted:
        if normal_label(wanted) not in names:
            raise FlagError(
                f"data.positive expects one of {listing(classes)}, got '{wanted}'"
                + nearest(wanted, classes)
            )
        return names.index(normal_label(wanted))
    matching = [
        i
        for i, name in enumerate(names)
        if re.search(rf"(^|[\W_]){re.escape(name.lower())}$", column.lower())
    ]
    return matching[0] if len(matching) == 1 else len(classes) - 1


def _holds_probabilities(texts: Iterable[str], classes: tuple[str, ...]) -> bool:
    """Whether some value is a fraction and no class."""
    values = [as_number(text) for text in set(texts) if normal_label(text) not in classes]
    return any(value is not None and not value.is_integer() for value in values)


def _written_classes(classes: tuple[str, ...], samples: list[str]) -> tuple[str, ...]:
    """Each class as the sample writes it: `True` for `true`, `1.0` for `1`."""
    written = {normal_label(text.strip()): text.strip() for text in sorted(set(samples))}
    has_points = bool(written) and all(
        text.endswith(".0") and as_number(text) is not None for text in written.values()
    )
    is_whole = all(name.lstrip("-").isdigit() for name in classes)
    if has_points and is_whole:
        return tuple(f"{name}.0" for name in classes)
    is_title = any(text in ("True", "False") for text in written.values())
    plain = [normal_label(name) for name in classes]
    if is_title and plain == ["false", "true"]:
        return ("False", "True")
    return tuple(written.get(n, name) for n, name in zip(plain, classes, strict=True))


def _check_unique(ids: list[str], table: RawTable) -> None:
    if len(set(ids)) == len(ids):
        return
    seen: set[str] = set()
    again = [row for row, text in enumerate(ids) if text in seen or seen.add(text)]
    raise InputError(
        f"{table.path.name}: {len(again)} repeated ids, the first '{ids[again[0]]}' in "
        f"{table.place(again[0])}; expected one row per id. Remove the rows, or name the id's "
        "column with --set data.id=COLUMN"
    )


def _check_ids(
    form: SubmissionForm,
    ids: list[str],
    test: RawTable,
    sample: RawTable,
) -> tuple[SubmissionForm, tuple[str, ...]]:
    """The form with ids that are in test, each once; test order in Kaggle's hidden rerun."""
    _check_unique(form.ids, sample)
    known, asked = set(ids), set(form.ids)
    unknown = [text for text in form.ids if text not in known]
    beyond = [text for text in ids if text not in asked]
    if not unknown and not beyond:
        return form, ()
    if os.environ.get("KAGGLE_IS_COMPETITION_RERUN"):
        warning = "the test file has other ids than the sample (hidden rerun): test order"
        return replace(form, ids=ids), (warning,)
    parts = [
        f"{len(rows)} ids of {here} are not in {there} (the first: {listing(rows, 3)})"
        for rows, here, there in (
            (unknown, sample.path.name, test.path.name),
            (beyond, test.path.name, sample.path.name),
        )
        if rows
    ]
    raise InputError(
        f"{'; '.join(parts)}. Take test and sample submission of the same competition, or name the "
        "id's column with --set data.id=COLUMN"
    )
