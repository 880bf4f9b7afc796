"""Infers the form of the submission and the metric from the sample submission."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from seqblend.core.errors import FlagError, InputError, listing, nearest
from seqblend.core.findings import Finding
from seqblend.data.sequences import CsvStyle, SubmissionForm
from seqblend.reading.class_names import (
    as_number,
    class_of_column,
    find_class,
    positive_class,
    write_like,
)
from seqblend.reading.row_ids import RowIds
from seqblend.reading.tables import RawTable
from seqblend.reading.target import Target

_DEFAULT_METRICS = {"labels": "accuracy", "probability": "auc", "class_columns": "log_loss"}
_AMBIGUOUS = (
    "the sample does not tell whether labels or probabilities are wanted: both files are written, "
    "the main one with labels. Name the metric of the competition with --metric"
)
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
    target: Target,
    classes: tuple[str, ...],
    ids: RowIds,
    sample: RawTable | None,
    metric: str,
    *,
    positive: str = "",
) -> InferredSubmission:
    """The submission's form and the metric; `metric` overrides the inferred one.

    raises: FlagError for an unknown positive class; InputError where the sample's columns do not
        match the classes
    """
    if sample is None:
        form, notes = _default_form(target, classes, ids, metric), ["no sample submission"]
    else:
        form, notes = _sampled_form(target, classes, ids, sample, metric), ["as in the sample"]
    if target.copied and sample is not None:
        notes.append(f"{listing(target.copied)} as the sample has it")
    warnings = []
    if form.kind == "labels" and sample is not None:
        named, (classes, unknown) = classes, _write_like_sample(classes, sample, target.column)
        if classes != named:
            notes.append(f"classes are written like it: {listing(classes, 4)}")
            warnings += _numbers_warning(named, classes)
        warnings += _check_answers(sample, target.column, classes, unknown)
    what, flag = f"{form.kind}: {listing(form.columns, 6)}", "--metric NAME"
    if form.kind == "probability" or form.is_ambiguous:
        chosen, is_guess = _positive_class(target, classes, positive)
        form, flag = replace(form, classes=(chosen,)), "--set data.positive=CLASS"
        warnings += [_AMBIGUOUS] if form.is_ambiguous else []
        if form.kind == "probability":
            what = f"probability: {form.columns[0]} = P({classes[chosen]})"
            warnings += [_guess_warning(form.columns[0], classes, chosen)] if is_guess else []
    metric_why = "asked for" if metric else f"the submission has {form.kind.replace('_', ' ')}"
    metric = metric or _DEFAULT_METRICS[form.kind]
    findings = (
        Finding("submission", what, flag, "; ".join(notes)),
        Finding("metric", metric, "--metric NAME", metric_why),
    )
    return InferredSubmission(form, metric, classes, findings, tuple(warnings))


def _numbers_warning(named: tuple[str, ...], written: tuple[str, ...]) -> list[str]:
    """A warning where named classes are written as numbers, but for true and false."""
    are_numbers = all(as_number(name) is not None for name in written)
    if not are_numbers or as_number(named[0]) is not None or named == ("false", "true"):
        return []
    pairs = listing(f"{name} = {number}" for name, number in zip(named, written, strict=True))
    return [f"the sample has numbers, train has names: labels are written as {pairs}"]


def _write_like_sample(
    classes: tuple[str, ...], sample: RawTable, column: str
) -> tuple[tuple[str, ...], list[str]]:
    """class_names.write_like for the sample's column; a cell may hold several guesses."""
    texts = sample.texts(column) if column in sample.columns else []
    parts = [part for text in texts for part in text.split()]
    are_guesses = all(find_class(part, classes) is not None for part in set(parts))
    return write_like(classes, parts if are_guesses else texts)


def _default_form(
    target: Target, classes: tuple[str, ...], ids: RowIds, metric: str
) -> SubmissionForm:
    kind = "probability" if metric in _RANKING and len(classes) == 2 else "labels"
    id_column = ids.column if ids.column is not None else "id"
    return SubmissionForm(id_column, (target.name,), kind, ids.order)


def _sampled_form(
    target: Target, classes: tuple[str, ...], ids: RowIds, sample: RawTable, metric: str
) -> SubmissionForm:
    columns = tuple(target.class_columns) or (target.column,)
    written, rows = "", list(range(len(sample)))  # a sample without ids: its rows are in order
    if ids.sample_column is not None:
        written = sample.written_name(ids.sample_column)
        place = {text: row for row, text in enumerate(sample.texts(ids.sample_column))}
        rows = [place[text] for text in ids.order if text in place]
    lacking = tuple(name for name in columns if name not in sample.columns)  # a sample of ids
    form = SubmissionForm(
        written,
        tuple(name if name in lacking else sample.written_name(name) for name in columns),
        "labels",
        ids.order,
        style=sample.style,
        header=(*map(sample.written_name, sample.columns), *lacking),
        copied={
            sample.written_name(name): [sample.texts(name)[row] for row in rows]
            for name in target.copied
        },
    )
    style = _style(sample)
    form = replace(form, style=replace(style, quoted=(*style.quoted, *[False] * len(lacking))))
    if target.class_columns:
        found = [find_class(target.class_columns[name], classes) for name in columns]
        order = tuple(place for place in found if place is not None)
        if sorted(order) != list(range(len(classes))):
            lacking = [name for i, name in enumerate(classes) if i not in order]
            raise InputError(
                f"{sample.path.name}: its columns {listing(columns)} do not match the "
                f"{len(classes)} classes of '{target.name}' (no column for {listing(lacking)}). "
                "Name the label's column with --set data.target=COLUMN"
            )
        return replace(form, kind="class_columns", classes=order)
    texts = [] if lacking else sample.texts(target.column)
    is_probability = len(classes) == 2 and (
        metric in _RANKING or _holds_probabilities(texts, classes)
    )
    is_ambiguous = not is_probability and not metric and _is_constant_zero(texts, classes)
    kind = "probability" if is_probability else "labels"
    return replace(form, kind=kind, is_ambiguous=is_ambiguous)


def _style(sample: RawTable) -> CsvStyle:
    """The sample's style, with a quoting for each of its columns."""
    quoted = (*sample.style.quoted, *[False] * len(sample.columns))  # JSON has none
    return replace(sample.style, quoted=quoted[: len(sample.columns)])


def _positive_class(target: Target, classes: tuple[str, ...], wanted: str) -> tuple[int, bool]:
    """(the class of a probability column, whether it is a guess).

    As asked for, as the column is named, by the classes' meaning (no, yes), else the last.
    """
    if wanted:
        asked = find_class(wanted, classes)
        if asked is None:
            raise FlagError(
                f"data.positive expects one of {listing(classes)}, got '{wanted}'"
                + nearest(wanted, classes)
            )
        return asked, False
    named = class_of_column(target.column, classes)
    if named is not None:
        return named, False
    known = positive_class(classes)
    is_numeric = all(as_number(name) is not None for name in classes)
    return (len(classes) - 1 if known is None else known), known is None and not is_numeric


def _guess_warning(column: str, classes: tuple[str, ...], chosen: int) -> str:
    other = classes[1 - chosen]
    return (
        f"no name tells which class '{column}' is the probability of: P({classes[chosen]}) is "
        f"written; for P({other}) take --set data.positive={other}"
    )


def _check_answers(
    sample: RawTable, column: str, classes: tuple[str, ...], unknown: list[str]
) -> list[str]:
    """A warning where the sample's values are no classes."""
    if not unknown:
        return []
    return [
        f"{sample.path.name}: {listing(unknown, 4)} in column '{column}' "
        f"{'is' if len(unknown) == 1 else 'are'} none of the classes "
        f"({listing(classes, 6)}): labels are written as train has them"
    ]


def _holds_probabilities(texts: Iterable[str], classes: tuple[str, ...]) -> bool:
    """Whether some value is a fraction and no class."""
    values = [as_number(text) for text in set(texts) if find_class(text, classes) is None]
    return any(value is not None and not value.is_integer() for value in values)


def _is_constant_zero(texts: Iterable[str], classes: tuple[str, ...]) -> bool:
    """Whether two classes are 0 and 1 and every value is 0: a label, or a probability."""
    values = {as_number(text) for text in texts}
    is_binary = {as_number(name) for name in classes} == {0, 1} or positive_class(
        classes
    ) is not None
    return len(values) == 1 and values <= {0.0, 1.0} and len(classes) == 2 and is_binary
