"""Blend every finished run of these data and folds into a checked submission.

python src/blend.py [--data DIR] [--add NAME=OOF,TEST] [--add 'folder/*.npy'] [--out FILE]
"""

from __future__ import annotations

import sys
from pathlib import Path

import seqblend.core.interrupts  # noqa: F401  first: imports take seconds
from seqblend.app.cli import make_parser, run_script
from seqblend.app.display import show_blend
from seqblend.app.load import load_project
from seqblend.app.pipeline import blend_finished
from seqblend.core.console import make_console, say
from seqblend.running.external_predictions import import_predictions, parse_predictions_flags


def main(argv: list[str]) -> int:
    """Parse, load, blend, show. Returns the exit code."""
    parser = make_parser("Blend finished runs into a submission.")
    parser.add_argument("--models", metavar="A,B", help="only these models")
    parser.add_argument(
        "--add",
        action="append",
        default=[],
        metavar="NAME=OOF,TEST",
        help="predictions made elsewhere, blended with the finished runs: tables with ids or .npy "
        "in the files' order; or a pattern such as 'folder/*.npy' that finds oof_NAME, test_NAME",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="a further copy of the submission")
    args = parser.parse_args(argv)
    console = make_console()
    project = load_project(args, console)
    added = parse_predictions_flags(args.add)
    for name, paths in added.items():
        say(console, f"joined: {import_predictions(project, name, paths)}")
    chosen = (*project.config.models, *added) if args.models else None
    outcome = blend_finished(project, lambda text: say(console, text, "yellow"), chosen, args.out)
    show_blend(console, project, outcome)
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
