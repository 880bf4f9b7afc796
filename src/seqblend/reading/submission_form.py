"""Infers the form of the submission and the metric from the sample submission."""

from __future__ import annotations

from dataclasses import dataclass, replace

from seqblend.core.errors import FlagError, InputError, listing, nearest
from seqblend.core.findings import Finding
from seqblend.data.sequences import CsvStyle, SubmissionForm
from seqblend.evaluation.metrics import is_of_classes
from seqblend.evaluation.user_metrics import is_user_metric
from seqblend.reading.answer_cells import (
    check_no_spaces,
    count_guesses,
    holds_probabilities,
    is_constant_zero,
    write_like_sample,
)
from seqblend.reading.class_names import as_number, class_of_column, find_class, positive_class
from seqblend.reading.metric_choice import choose_metric, guesses_of, takes_probability
from seqblend.reading.row_ids import RowIds
from seqblend.reading.tables import RawTable
from seqblend.reading.target import Target
from seqblend.tasks.task import Task, task_for

_AMBIGUOUS = (
    "the sample does not tell whether labels or probabilities are wanted: both files are written, "
    "the main one with labels. Name the metric of the competition with --metric"
)


@dataclass(frozen=True)
class InferredSubmission:
    """The form of the submission and its metric; the task's classes as the submission has them."""

    form: SubmissionForm
    metric: str
    task: Task
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]


def infer_submission(
    target: Target,
    task: Task,
    ids: RowIds,
    sample: RawTable | None,
    metric: str,
    *,
    positive: str = "",
) -> InferredSubmission:
    """The submission's form and the metric; `metric` overrides the inferred one.

    raises: FlagError for an unknown positive class, or a metric that the task does not define;
        InputError where the sample's columns do not match the classes
    """
    form = _lay_out(target, ids, sample)
    notes = ["as in the sample" if sample else "no sample submission"]
    texts = sample.texts(target.column) if sample and target.column in sample.columns else []
    form = _of_kind(form, target, task, texts, metric)
    if target.copied and sample is not None:
        notes.append(f"{listing(target.copied)} as the sample has it")
    warnings: list[str] = []
    if form.kind in ("labels", "ranked") and sample is not None:
        named, (classes, unknown) = task.columns, write_like_sample(task.columns, texts)
        task = task_for(task.name, classes)
        if classes != named:
            notes.append(f"classes are written like it: {listing(classes, 4)}")
            warnings += _numbers_warning(named, classes)
        warnings += _check_answers(sample, target.column, classes, unknown)
    what, flag = f"{form.kind}: {listing(form.columns, 6)}", "--metric NAME"
    if form.kind == "ranked":
        notes.append(f"{form.guesses} labels in a cell, the likeliest first")
    if form.kind == "probability" or form.is_ambiguous:
        form, more = _name_positive(form, target, task.columns, positive)
        flag, warnings = "--set data.positive=CLASS", [*warnings, *more]
        if form.kind == "probability":
            what = f"probability: {form.columns[0]} = P({task.columns[form.classes[0]]})"
    metric, chosen = choose_metric(task, form, metric)
    findings = (Finding("submission", what, flag, "; ".join(notes)), chosen)
    return InferredSubmission(form, metric, task, findings, tuple(warnings))


def _numbers_warning(named: tuple[str, ...], written: tuple[str, ...]) -> list[str]:
    """A warning where named classes are written as numbers, but for true and false."""
    are_numbers = all(as_number(name) is not None for name in written)
    if not are_numbers or as_number(named[0]) is not None or named == ("false", "true"):
        return []
    pairs = listing(f"{name} = {number}" for name, number in zip(named, written, strict=True))
    return [f"the sample has numbers, train has names: labels are written as {pairs}"]


def _lay_out(target: Target, ids: RowIds, sample: RawTable | None) -> SubmissionForm:
    """The file's columns, ids and style, as in the sample where there is one; a form of labels."""
    columns = tuple(target.class_columns or target.value_columns) or (target.column,)
    if sample is None:
        named = tuple(target.value_columns) or (target.name,)
        return SubmissionForm(
            "id" if ids.column is None else ids.column, named, "labels", ids.order
        )
    written, rows = "", list(range(len(sample)))  # a sample without ids: its rows are in order
    if ids.sample_column is not None:
        written = sample.written_name(ids.sample_column)
        place = {text: row for row, text in enumerate(sample.texts(ids.sample_column))}
        rows = [place[text] for text in ids.order if text in place]
    lacking = tuple(name for name in columns if name not in sample.columns)  # a sample of ids
    return SubmissionForm(
        written,
        tuple(name if name in lacking else sample.written_name(name) for name in columns),
        "labels",
        ids.order,
        style=_style(sample, len(lacking)),
        header=(*map(sample.written_name, sample.columns), *lacking),
        copied={
            sample.written_name(name): [sample.texts(name)[row] for row in rows]
            for name in target.copied
        },
    )


def _style(sample: RawTable, lacking: int) -> CsvStyle:
    """The sample's style, with a quoting for each of its columns and for those it lacks."""
    quoted = (*sample.style.quoted, *[False] * len(sample.columns))  # JSON has none
    quoted = (*quoted[: len(sample.columns)], *[False] * lacking)
    return replace(sample.style, quoted=quoted)


def _of_kind(
    form: SubmissionForm, target: Target, task: Task, texts: list[str], metric: str
) -> SubmissionForm:
    """The form with the kind of answers that the sample's cells (texts) and the metric tell."""
    classes = task.columns
    if not task.has_classes:
        every = tuple(range(len(classes)))
        is_binary = task.has_probabilities and _is_of_labels(metric)
        return replace(form, kind="values", classes=every, is_binary=is_binary)
    if target.class_columns:
        return replace(form, kind="class_columns", classes=_order_classes(form, target, classes))
    guesses = guesses_of(metric)
    if guesses > 1:
        check_no_spaces(classes)
    guesses = guesses if guesses > 1 else count_guesses(texts, classes)
    if guesses > 1:
        return replace(form, kind="ranked", guesses=min(guesses, len(classes)))
    is_probability = len(classes) == 2 and (
        takes_probability(metric) or holds_probabilities(texts, classes)
    )
    if is_probability:
        return replace(form, kind="probability")
    is_open = not metric or is_user_metric(metric)
    return replace(form, is_ambiguous=is_open and is_constant_zero(texts, classes))


def _is_of_labels(metric: str) -> bool:
    """Whether a metric that was asked for is known to see predicted labels alone."""
    return metric != "" and not is_user_metric(metric) and is_of_classes(metric)


def _order_classes(
    form: SubmissionForm, target: Target, classes: tuple[str, ...]
) -> tuple[int, ...]:
    """The class of each column; InputError where they are not all of the classes."""
    found = [find_class(name, classes) for name in target.class_columns.values()]
    order = tuple(place for place in found if place is not None)
    if sorted(order) != list(range(len(classes))):
        lacking = [name for i, name in enumerate(classes) if i not in order]
        raise InputError(
            f"the sample submission's columns {listing(form.columns)} do not match the "
            f"{len(classes)} classes of '{target.name}' (no column for {listing(lacking)}). "
            "Name the label's column with --set data.target=COLUMN"
        )
    return order


def _name_positive(
    form: SubmissionForm, target: Target, classes: tuple[str, ...], wanted: str
) -> tuple[SubmissionForm, list[str]]:
    """(form with the class whose probability is written, warnings)."""
    chosen, is_guess = _positive_class(target, classes, wanted)
    warnings = [_AMBIGUOUS] if form.is_ambiguous else []
    if form.kind == "probability" and is_guess:
        warnings.append(_guess_warning(form.columns[0], classes, chosen))
    return replace(form, classes=(chosen,)), warnings


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
