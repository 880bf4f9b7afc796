"""Train models x seeds x folds into working/; no blend, no submission.

python src/train.py --models bilstm,bigru [--data DIR] [--seeds 2] [--folds 5]
python src/train.py --models classic --summary
"""

from __future__ import annotations

import sys

import seqblend.core.early_workers  # noqa: F401  first: imports take seconds, also in workers
from seqblend.app.cli import add_training_flags, make_parser, run_script
from seqblend.app.display import show_layers, show_trained
from seqblend.app.load import load_plan, load_project
from seqblend.app.pipeline import exit_code, train_plan
from seqblend.core.console import make_console


def main(argv: list[str]) -> int:
    """Parse, load, train, show. Returns the exit code."""
    parser = make_parser("Train models x seeds x folds.")
    add_training_flags(parser)
    parser.add_argument(
        "--summary", action="store_true", help="each model's layers and parameters, and stop"
    )
    args = parser.parse_args(argv)
    console = make_console()
    if args.summary:
        show_layers(console, load_project(args, console))
        return 0
    project, plan, deadline = load_plan(args, console)
    if args.plan:
        return 0
    outcome = train_plan(project, plan, console, deadline=deadline)
    show_trained(console, project, outcome)
    return exit_code(outcome)


if __name__ == "__main__":
    sys.exit(run_script(main))
