"""From parsed flags to what they open: the competition, and the plan of what to train."""

from __future__ import annotations

import argparse
from pathlib import Path

from seqblend.app.cli import began, make_config, parse_seconds
from seqblend.app.display import show_project
from seqblend.app.machine_checks import show_room
from seqblend.app.pipeline import Plan, describe_plan, make_plan
from seqblend.core.console import Console, say
from seqblend.running.inputs import KAGGLE, find_places
from seqblend.running.project import Project, Request, open_project


def load_project(args: argparse.Namespace, console: Console, kaggle: Path = KAGGLE) -> Project:
    """The project that the flags name; notes go to the console."""
    request = Request(
        args.data,
        args.workers,
        args.solution,
        getattr(args, "out", None),
        is_untuned=getattr(args, "untuned", False),
        is_plan=getattr(args, "plan", False) or getattr(args, "is_without_vectors", False),
        is_read_only=getattr(args, "plan", False),
    )
    places = find_places(kaggle=kaggle, working=args.working)
    return open_project(make_config(args), places, request, note=lambda text: say(console, text))


def load_plan(
    args: argparse.Namespace, console: Console, kaggle: Path = KAGGLE
) -> tuple[Project, Plan, float | None]:
    """The project, the plan and the deadline (time.monotonic()); the first two are shown.

    args: of a parser with the training flags. A budget begins with the process.
    """
    seconds = parse_seconds(args.budget)
    deadline = None if seconds is None else began() + seconds
    project = load_project(args, console, kaggle)
    show_project(console, project)
    show_room(console, project.places, project.machine)
    tuning = parse_seconds(getattr(args, "tune", None), "--tune")
    plan = make_plan(project, console, seconds and seconds - (tuning or 0.0))
    say(console, describe_plan(project, plan), "bold")
    return project, plan, deadline
