"""From parsed flags to the project, the model and how to tune it."""

from __future__ import annotations

import argparse

from seqblend.commands import parse_seconds
from seqblend.console import Console
from seqblend.errors import FlagError
from seqblend.opening import open_from
from seqblend.project import Project
from seqblend.tuning.tuner import Settings, check_model, check_pruner

USUAL_MODEL = "bigru"
_TRIALS = 30  # where neither --trials nor --timeout is given


def add_tuning_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of tuning, besides those that every step understands."""
    add = parser.add_argument
    add("--trials", type=int, metavar="N", help=f"trials in all; {_TRIALS} without --timeout")
    add("--timeout", metavar="TIME", help="such as 30m: for search and confirmation together")
    add("--vary", default="train,options", metavar="A,B",
        help="sections and knobs to search: train,options,vocabulary,embedding,"
        "options.hidden=32|64,train.lr=1e-3..1e-2")  # fmt: skip
    add("--storage", default="", metavar="URL", help="a journal file, sqlite:/// or postgresql://")
    add("--pruner", default="both", metavar="NAME", help="both, epochs, shards or none")
    add("--fresh", action="store_true", help="forget the study; its runs stay on disk")


def open_tuning(args: argparse.Namespace, console: Console) -> tuple[Project, str, Settings]:
    """The project with the model alone, the model, and how to tune it."""
    check_pruner(args.pruner)
    seconds = parse_seconds(args.timeout)
    if args.trials is not None and args.trials < 2:
        raise FlagError(f"--trials expects at least 2 (the default counts), got {args.trials}")
    trials = args.trials or (None if seconds else _TRIALS)
    settings = Settings(trials, seconds, args.vary, args.storage, args.pruner, args.fresh)
    if args.model:
        check_model(args.model)
    args.models = args.model or USUAL_MODEL
    project = open_from(args, console)
    return project, args.models, settings
