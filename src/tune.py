"""Search the settings of one model on a competition, and keep what is significantly better.

python src/tune.py [MODEL] [--data DIR] [--trials N] [--timeout 30m] [--vary train,options]
"""

from __future__ import annotations

import sys

import seqblend.core.early_workers  # noqa: F401  first: imports take seconds, also in workers
from seqblend.app.cli import make_parser, run_script
from seqblend.app.display import show_project
from seqblend.app.tune import add_tuning_flags, load_tuning, show_verdict
from seqblend.core.console import make_console
from seqblend.tuning.tuner import tune_model


def main(argv: list[str]) -> int:
    """Parse, load, tune, show. Returns the exit code."""
    parser = make_parser("Search the settings of one model.")
    parser.add_argument("model", nargs="?", help="default: the best neural model so far, or bigru")
    add_tuning_flags(parser)
    args = parser.parse_args(argv)
    console = make_console()
    project, model, settings = load_tuning(args, console)
    show_project(console, project)
    show_verdict(console, tune_model(project, model, settings, console))
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
