"""Tuning from the command line: its flags, what they open, and the verdict on the terminal."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from seqblend.app.cli import parse_seconds
from seqblend.app.load import load_project
from seqblend.core.console import Console, duration, say, show_table
from seqblend.core.errors import FlagError
from seqblend.evaluation.score_text import score_format
from seqblend.models.registry import entry_for
from seqblend.running.project import Project
from seqblend.tuning.confirm import Confirmed
from seqblend.tuning.trial_run import PRUNERS
from seqblend.tuning.tuner import DEFAULT_MODEL, Settings, best_model, tune_model
from seqblend.tuning.verdict import TuningVerdict, describe_gain

_TRIALS = 30  # without --trials and --timeout


def add_tuning_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of tuning to those of every script."""
    add = parser.add_argument
    add("--trials", type=int, metavar="N", help=f"number of trials; {_TRIALS} without --timeout")
    add("--timeout", metavar="TIME", help="time for search and confirmation together, such as 30m")
    add(
        "--vary",
        default="train,options",
        metavar="A,B",
        help="sections and settings to search: train,options,vocabulary,embedding,"
        "options.hidden=32|64,train.lr=1e-3..1e-2",
    )
    add("--storage", default="", metavar="URL", help="a file, sqlite:/// or postgresql://")
    add("--pruner", default="both", metavar="NAME", help="epochs, shards (of folds), both or none")
    add("--fresh", action="store_true", help="start a new study; the runs stay on disk")


def load_tuning(args: argparse.Namespace, console: Console) -> tuple[Project, str, Settings]:
    """The project with this model alone, the model, and the settings of tuning."""
    if args.pruner not in PRUNERS:
        raise FlagError(f"--pruner expects {', '.join(PRUNERS)}, got '{args.pruner}'")
    seconds = parse_seconds(args.timeout, "--timeout")
    if args.trials is not None and args.trials < 2:
        raise FlagError(f"--trials expects at least 2 (the default counts), got {args.trials}")
    trials = args.trials or (None if seconds else _TRIALS)
    settings = Settings(trials, seconds, args.vary, args.storage, args.pruner, args.fresh)
    if args.model:
        entry_for(args.model)
    args.models, args.untuned = args.model or DEFAULT_MODEL, True
    project = load_project(args, console)
    model = args.model or best_model(project)
    if model != args.models:
        args.models = model
        project = load_project(args, console)
    return project, model, settings


def tune_before_run(args: argparse.Namespace, console: Console, kaggle: Path) -> None:
    """Tune the best neural model of the plan so far, before run.py trains.

    args: of run.py, whose budget goes on meanwhile
    """
    budget, untuned = parse_seconds(args.budget), args.untuned
    seconds = parse_seconds(args.tune, "--tune")
    if budget is not None and seconds >= budget:
        raise FlagError(f"--tune {args.tune} expects less time than --budget {args.budget}")
    args.untuned = True
    project = load_project(args, console, kaggle)
    model = best_model(project, project.config.models)
    say(console, f"tuning {model} for {duration(seconds)}", "bold")
    project = dataclasses.replace(
        project, config=dataclasses.replace(project.config, models=(model,))
    )
    show_verdict(console, tune_model(project, model, Settings(None, seconds), console))
    args.untuned = untuned


def show_verdict(console: Console, verdict: TuningVerdict) -> None:
    """Scores in search and confirmation, warnings, and the recommendation."""
    n = verdict.trials
    say(console, f"{n['done']} trials done, {n['pruned']} pruned, {n['failed']} failed", "bold")
    form = score_format(verdict.loss_metric)
    if verdict.noise:
        fold, shard = map(form, verdict.noise)
        say(console, f"{verdict.loss_name} of a fold varies by {fold} over seeds (shards: {shard})")
    if verdict.gain_before:
        gain = describe_gain(verdict.gain_before, verdict.loss_metric)
        say(console, f"gain on the folds of the search (optimistic): {gain}")
    if verdict.confirmed:
        rows = [
            [
                f"trial {c.trial.number} ({c.trial.user_attrs['role']})",
                form(c.trial.value),
                form(c.loss),
                *_gain_cells(c, verdict),
            ]
            for c in verdict.confirmed
        ]
        loss = verdict.loss_name
        again = f"{loss}, {'new' if verdict.has_new_folds else 'same'} folds and new seed"
        columns = ["finalist", f"{loss}, search", again, "gain", "p, Holm-corrected"]
        show_table(console, "confirmation", columns, rows)
    for note in verdict.notes:
        say(console, f"warning: {note}", "yellow")
    say(console, verdict.sentence, "green" if verdict.is_better else "yellow")
    for name, value in verdict.settings.items():
        say(console, f"  {name} = {value}")


def _gain_cells(finalist: Confirmed, verdict: TuningVerdict) -> list[str]:
    """The gain over the default and its p-value; empty for the default itself."""
    if finalist.trial is verdict.default:
        return ["", ""]
    return [describe_gain(finalist.gain, verdict.loss_metric), f"{finalist.p_value:.3g}"]
