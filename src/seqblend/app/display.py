"""What the scripts print: the project before the work, the results after it."""

from __future__ import annotations

from seqblend.app.early_submission import describe_prior
from seqblend.app.finish import FinishedRun
from seqblend.app.submit import (
    Outcome,
    describe_forecast,
    describe_submission,
    leaderboard_scores,
)
from seqblend.core.console import Console, clean, say, shorten, show_findings, show_table
from seqblend.core.errors import listing
from seqblend.data.folds import split
from seqblend.data.vocabulary import fit_vocabulary
from seqblend.diagnosis.record import Diagnosis
from seqblend.evaluation.score_text import format_score, score_format
from seqblend.models.anatomy import count_parameters, describe_layers
from seqblend.models.registry import entry_for, resolve_options
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.leaderboard_table import tabulate
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.sections.blend_section import and_refit
from seqblend.reporting.sections.data_section import list_missing, tabulate_coverage
from seqblend.running.project import Project


def show_project(console: Console, project: Project) -> None:
    """What was read and inferred, notes on folds and machine, and the token vectors."""
    competition = project.competition
    say(
        console,
        f"seqblend · {competition.name} · {competition.task.describe_size()} · "
        f"{len(competition.train_ids):,} train and {len(competition.test_ids):,} test rows · "
        f"{competition.metric}",
        "bold",
    )
    show_findings(console, competition.findings, competition.warnings)
    for note in [*project.folds.notes, project.machine.note]:
        if note:
            say(console, f"note: {note}", "yellow")
    _show_vectors(console, project)


def _show_vectors(console: Console, project: Project) -> None:
    """What the given vectors cover, and the most frequent tokens that they lack."""
    vectors = project.embedding
    for text in vectors.notes:
        say(console, text, "cyan")
    if not vectors.use:
        return
    if vectors.coverage:
        table = tabulate_coverage(vectors.coverage)
        show_table(console, "vectors", [column.title for column in table.columns], table.shown())
    for name, missing in list_missing(vectors.coverage):
        lacking = ", ".join(token for token, _ in missing)
        say(console, f"{name} lacks: {clean(lacking, 300)}")
    say(console, vectors.scope)


def show_layers(console: Console, project: Project) -> None:
    """Each model's layers, output shapes and parameters; the vocabulary is that of fold 0."""
    config, competition = project.config, project.competition
    rows = competition.train.take(split(project.fold, 0)[0])
    size = fit_vocabulary(rows, len(competition.view.lexicon), config.vocabulary)[1]
    say(console, f"vocabulary of fold 0: {size:,}, {competition.task.describe_size()}")
    for name in config.models:
        entry, options = entry_for(name), resolve_options(name, config.options)
        if entry.kind != "module":
            say(console, f"{name}: {entry.kind}, no layers; its size depends on the fold's rows")
            continue
        model = entry.build(options, size, len(competition.classes))
        cells = [
            [layer.name, layer.kind, f"[{layer.shape}]", f"{layer.parameters:,}"]
            for layer in describe_layers(model)
        ]
        cells.append(["total", "", "", f"{count_parameters(model):,}"])
        if console.is_terminal:
            show_table(console, name, ["layer", "kind", "output", "parameters"], cells)
        else:
            for row in cells:
                say(console, "  ".join(filter(None, [name, *row])))


def show_finished(
    console: Console, project: Project, outcome: Outcome, finished: FinishedRun | None
) -> None:
    """Print flags, leaderboard, submission, report, and what is missing.

    finished: None where no model is complete
    """
    if finished is None:
        what = describe_prior(project.competition.task)
        say(console, f"no model is complete: the submission is the {what}", "yellow")
        _show_rest(console, outcome)
        return
    _show_flags(console, finished.diagnosis)
    if finished.data is not None:
        _show_leaderboard(console, finished.data, finished.entries)
    if outcome.submission is not None:
        say(console, f"submission: {shorten(outcome.submission.path)}", "green")
        if outcome.submission.probabilities is not None:
            beside = shorten(outcome.submission.probabilities)
            say(console, f"with probabilities in place of labels: {beside}", "green")
    if finished.page is not None:
        say(console, f"report: {shorten(finished.page)}", "green")
    _show_rest(console, outcome)


def _show_leaderboard(console: Console, data: ReportData, entries: list[Ranked]) -> None:
    """What could be submitted, ranked, and what to expect of the blend on the test rows."""
    columns, rows = leaderboard_rows(data, entries)
    show_table(console, "leaderboard", columns, rows, spare=("to 99 %", "epochs", "time"))
    say(
        console,
        "the blend's scores are cross-fitted; diff.: difference to what is submitted, below 0 "
        "where worse; significant where it is larger than its 95 % margin",
    )
    if data.blend is not None:
        forecast = describe_forecast(data.metric, data.blend.whole)
        what = f"means over folds{and_refit(data.blend.whole)}"
        say(console, f"the blend: {forecast}; test predictions are {what}")
    if data.best_reachable is not None:
        say(console, f"{data.best_name}: {score_format(data.best_metric)(data.best_reachable)}")


def leaderboard_rows(data: ReportData, entries: list[Ranked]) -> tuple[list[str], list[list[str]]]:
    """(columns, rows) of the report's leaderboard, those that a terminal has room for."""
    board = tabulate(data, entries)
    columns = zip(board.columns, zip(*board.shown(), strict=True), strict=True)
    cells = {column.key: list(values) for column, values in columns}
    remarks = ("" if entry.is_blend else entry.remark for entry in entries)
    names = (entry.name for entry in entries)
    cells["model"] = [", ".join(filter(None, pair)) for pair in zip(names, remarks, strict=True)]
    metric = data.metric.rpartition(":")[2]  # of FILE.py:function the function
    titles = {
        "model": "model",
        data.metric: f"OOF {metric}",
        **{
            name: name.replace("_", " ")
            for name in ("accuracy", data.task.loss_metric)
            if name != data.metric
        },
        **{"difference": "diff.", "margin": "± margin", "epochs": "epochs", "seconds": "time"},
        "test": f"test {metric}",
    }
    if data.best_reachable is not None:
        titles["epochs_to_99"] = "to 99 %"
    keys = [key for key in titles if key in cells]
    rows = [list(row) for row in zip(*(cells[key] for key in keys), strict=True)]
    return [titles[key] for key in keys], rows


def _show_flags(console: Console, diagnosis: Diagnosis | None) -> None:
    """One line with the doctor's checks that are flagged, where some are."""
    flags = [check.name for check in diagnosis.checks if check.is_flagged] if diagnosis else []
    if flags:
        some = f"{len(flags)} of {len(diagnosis.checks)} checks question the out-of-fold score"
        say(console, f"! {some}: {clean(listing(flags, 8), 400)} (report: Validation)", "bold red")


def _show_rest(console: Console, outcome: Outcome) -> None:
    """What failed, what there was no time for, and how to go on."""
    reasons: dict[str, list[str]] = {}
    for unit, message in outcome.failed.items():
        reasons.setdefault(message, []).append(unit.name)
    for message, names in reasons.items():
        say(console, f"failed: {listing(names, 3)}: {message}", "red")
    if outcome.missing:
        names = ", ".join(unit.name for unit in outcome.missing)
        say(console, f"out of time, not trained: {clean(names, 1_000)}", "yellow")
        say(console, "type the same command again to go on", "yellow")


def show_trained(console: Console, project: Project, outcome: Outcome) -> None:
    """The OOF scores of complete runs, and what failed or is missing."""
    for name, score in leaderboard_scores(project, outcome.results, None):
        say(console, f"{name}: OOF {project.competition.metric} {score}", "bold")
    _show_rest(console, outcome)


def show_blend(console: Console, project: Project, outcome: Outcome) -> None:
    """Every method's scores, the weights, and the submission."""
    blend = outcome.blend
    names = ("cross_fitted", "low", "high", "in_sample", "gap")
    nested = blend.nested | {"method": "all of it, nested CV"}
    form = score_format(project.competition.metric)
    rows = [
        [
            *(row["method"], str(row["size"])),
            *(form(row[name]) for name in names),
            format_score(row["beats_single"]),
        ]
        for row in [*blend.table, nested]
    ]
    columns = ["method", "members", "cross-fitted", "95 % from", "to", "in-sample", "gap"]
    show_table(console, "methods", [*columns, f"P(beats {blend.best_single})"], rows)
    weights = [[name, f"{weight:.3f}"] for name, weight in blend.weights.items()]
    show_table(console, "weights", ["model", "weight"], weights)
    say(console, describe_submission(project, outcome), "green")
