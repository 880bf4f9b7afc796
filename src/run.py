"""The whole pipeline, from competition files to a checked submission and a report.

python src/run.py [--data DIR] [--models nblr,bilstm,bigru] [--budget 30m] [--tune 10m] [--plan]

Where Kaggle runs a notebook again on hidden test rows, a blend that was trained before on the same
training rows predicts them; only where there is none, everything is trained again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import seqblend.core.early_workers  # noqa: F401  first: imports take seconds, also in workers
from seqblend.app.cli import add_training_flags, command_line, make_parser, run_script
from seqblend.app.display import show_finished
from seqblend.app.finish import finish_run
from seqblend.app.load import load_plan
from seqblend.app.pipeline import exit_code, run_plan
from seqblend.app.predict import folders_of, predict_new_rows
from seqblend.app.refit import deadline_before_refit, refit_members
from seqblend.core.console import Console, make_console, say
from seqblend.reading.row_ids import is_rerun
from seqblend.running.inputs import KAGGLE, find_places


def main(argv: list[str], kaggle: Path = KAGGLE) -> int:
    """Parse, load, train, blend, submit, report. Returns the exit code."""
    parser = make_parser("From competition files to a submission and a report.")
    add_training_flags(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="a further copy of the submission")
    parser.add_argument("--tune", metavar="TIME", help="such as 30m: tune a model first")
    parser.add_argument(
        "--refit", action="store_true", help="fit the blend's members once more, on all rows"
    )
    args = parser.parse_args(argv)
    console = make_console()
    if is_rerun() and not args.plan and _predict_hidden_rows(args, console, kaggle):
        return 0
    if args.tune and not args.plan:
        from seqblend.app.tune import tune_before_run  # brings Optuna, which nothing else needs

        tune_before_run(args, console, kaggle)
    project, plan, deadline = load_plan(args, console, kaggle)
    if args.plan:
        if args.refit:
            say(console, "then the members of the blend once more, on all rows")
        return 0
    folds_end = deadline_before_refit(project, deadline) if args.refit else deadline
    outcome = run_plan(project, plan, console, deadline=folds_end, out=args.out)
    if args.refit:
        refit_members(project, plan, outcome, console, deadline=deadline, out=args.out)
    command = command_line(argv, "run.py")
    finished = finish_run(
        project, outcome, command, note=lambda text: say(console, text), deadline=deadline
    )
    show_finished(console, project, outcome, finished)
    return exit_code(outcome)


def _predict_hidden_rows(args: argparse.Namespace, console: Console, kaggle: Path) -> bool:
    """Whether a blend that was trained before predicted the hidden test rows of a rerun."""
    places = find_places(kaggle=kaggle, working=args.working)
    folders, asked = folders_of(places), (args.data, args.workers, args.out)
    return predict_new_rows(console, places, folders, *asked) is not None


if __name__ == "__main__":
    sys.exit(run_script(main))
