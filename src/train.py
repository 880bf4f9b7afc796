"""Train models x seeds x folds into working/; no blend, no submission.

python src/train.py --models bilstm,bigru [--data DIR] [--seeds 2] [--folds 5]
python src/train.py --models classic --summary
"""

from __future__ import annotations

import sys

from seqblend.commands import (
    add_training_flags,
    deadline_of,
    make_config,
    make_parser,
    run_script,
)
from seqblend.console import make_console, say
from seqblend.paths import find_places
from seqblend.pipeline import describe_plan, exit_code, make_plan, train_plan
from seqblend.project import open_project
from seqblend.show import show_layers, show_project, show_trained


def main(argv: list[str]) -> int:
    """Parse, load, train, show. Returns the exit code."""
    parser = make_parser("Train models x seeds x folds.")
    add_training_flags(parser)
    parser.add_argument(
        "--summary", action="store_true", help="each model's layers and parameters, and stop"
    )
    args = parser.parse_args(argv)
    console = make_console()
    config, deadline = make_config(args), deadline_of(args.budget)
    project = open_project(
        config, find_places(working=args.working), data=args.data, workers=args.workers,
        solution=args.solution, note=lambda text: say(console, text),
    )  # fmt: skip
    if args.summary:
        show_layers(console, project)
        return 0
    show_project(console, project)
    plan = make_plan(project, console)
    say(console, describe_plan(project, plan), "bold")
    if args.plan:
        return 0
    outcome = train_plan(project, plan, console, deadline=deadline)
    show_trained(console, project, outcome)
    return exit_code(outcome)


if __name__ == "__main__":
    sys.exit(run_script(main))
